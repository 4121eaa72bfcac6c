//! Kinds of services, and the table that gives each service one of them.
//!
//! Guards the rule that every service of the vocabulary has exactly one category, and that the shipped
//! deny-list is a list of categories. Must never guess: a service the table does not know is `Other`.

use super::settings::PolicyError;
use crate::activation::WithheldBecause;
use crate::vocabulary::ServiceCode;
use std::collections::HashMap;
use std::fmt;

/// What a service mainly is. A messenger or a shop with a purse of its own stays a messenger or a shop;
/// where a name could equally be a bank's, it counts as the bank's.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Category {
    /// Messengers.
    Messaging,
    /// Social networks, forums, voice rooms.
    Social,
    /// Dating and matchmaking.
    Dating,
    /// Shops and market places for new goods.
    Shopping,
    /// Food and parcels brought to the door.
    Delivery,
    /// Rides, scooters, car makers, fuel, parking, maps.
    Transport,
    /// Flights, trains, hotels, tours.
    Travel,
    /// Games and shops for games.
    Games,
    /// Films, music, books, news, live streams.
    Media,
    /// Mailboxes and the portals around them.
    Email,
    /// Hosting, developer tools, software, artificial intelligence.
    Cloud,
    /// Jobs, freelancing, tools for businesses.
    Work,
    /// Phone companies, numbers, SMS gateways, caller identification.
    Telecom,
    /// Betting, casinos, games for money.
    Gambling,
    /// Services for adults only.
    Adult,
    /// Restaurants, supermarkets, drinks.
    Food,
    /// Small ads, second-hand goods, property, cars.
    Classifieds,
    /// Rewards, gift cards, cash-back, paid surveys, clubs of brands.
    Loyalty,
    /// Schools and courses.
    Education,
    /// Power, gas, recycling.
    Utilities,
    /// Tickets, cinemas, gyms, sport.
    Leisure,
    /// None of these, or not known.
    Other,
    /// Denied: banks, lenders, pay-later, credit bureaus, insurers.
    Bank,
    /// Denied: payment services, electronic money, transfers, prepaid cards.
    Payment,
    /// Denied: trade in crypto-currencies, securities and metals.
    Exchange,
    /// Denied: authorities, tax, visas, votes and parties.
    Government,
    /// Denied: pharmacies, doctors, makers of medicines.
    Health,
    /// Denied: electronic identities, signatures that stand for a person, identity checks.
    Identity,
}

impl Category {
    /// All, those that the product ships as denied last.
    pub const ALL: [Self; 28] = [
        Self::Messaging,
        Self::Social,
        Self::Dating,
        Self::Shopping,
        Self::Delivery,
        Self::Transport,
        Self::Travel,
        Self::Games,
        Self::Media,
        Self::Email,
        Self::Cloud,
        Self::Work,
        Self::Telecom,
        Self::Gambling,
        Self::Adult,
        Self::Food,
        Self::Classifieds,
        Self::Loyalty,
        Self::Education,
        Self::Utilities,
        Self::Leisure,
        Self::Other,
        Self::Bank,
        Self::Payment,
        Self::Exchange,
        Self::Government,
        Self::Health,
        Self::Identity,
    ];

    /// The word in the table and in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Messaging => "messaging",
            Self::Social => "social",
            Self::Dating => "dating",
            Self::Shopping => "shopping",
            Self::Delivery => "delivery",
            Self::Transport => "transport",
            Self::Travel => "travel",
            Self::Games => "games",
            Self::Media => "media",
            Self::Email => "email",
            Self::Cloud => "cloud",
            Self::Work => "work",
            Self::Telecom => "telecom",
            Self::Gambling => "gambling",
            Self::Adult => "adult",
            Self::Food => "food",
            Self::Classifieds => "classifieds",
            Self::Loyalty => "loyalty",
            Self::Education => "education",
            Self::Utilities => "utilities",
            Self::Leisure => "leisure",
            Self::Other => "other",
            Self::Bank => "bank",
            Self::Payment => "payment",
            Self::Exchange => "exchange",
            Self::Government => "government",
            Self::Health => "health",
            Self::Identity => "identity",
        }
    }

    /// Reads the word: lower case, no spaces.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|category| category.as_str() == word)
    }

    /// Whether the shipped list denies it. Only a narrowing in the configuration lifts that.
    pub const fn is_denied_as_shipped(self) -> bool {
        matches!(
            self,
            Self::Bank | Self::Payment | Self::Exchange | Self::Government | Self::Health | Self::Identity
        )
    }

    /// Under which heading messages of such services are withheld; the screen and the exceptions go by it.
    /// Messages about health are not looked for.
    pub const fn withheld_because(self) -> Option<WithheldBecause> {
        match self {
            Self::Bank | Self::Payment | Self::Exchange => Some(WithheldBecause::Bank),
            Self::Government | Self::Identity => Some(WithheldBecause::Government),
            _ => None,
        }
    }
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Which service is of which category. Big: build it once.
#[derive(Clone, Debug)]
pub struct Categories {
    of: HashMap<ServiceCode, Category>,
}

const HEADER: &str = "code\tcategory";

impl Categories {
    /// Reads the table that ships with the program.
    ///
    /// # Errors
    /// When the table is malformed or a code comes twice: a fault of the build.
    pub fn load() -> Result<Self, PolicyError> {
        Self::from_table(include_str!("../../data/categories.tsv"))
    }

    pub(super) fn from_table(table: &str) -> Result<Self, PolicyError> {
        let mut of = HashMap::new();
        let mut lines = (1..).zip(table.lines());
        if lines.next().is_none_or(|(_, header)| header != HEADER) {
            return Err(PolicyError::Table { line: 1, fault: "header" });
        }
        for (line, row) in lines {
            let fault = |fault| PolicyError::Table { line, fault };
            let (code, word) = row.split_once('\t').ok_or(fault("two columns are wanted"))?;
            let code = ServiceCode::parse(code).ok_or(fault("code"))?;
            let category = Category::parse(word).ok_or(fault("category"))?;
            if of.insert(code, category).is_some() {
                return Err(fault("code comes twice"));
            }
        }
        Ok(Self { of })
    }

    /// The category of a service; `Other` where the table has none.
    pub fn of(&self, service: &ServiceCode) -> Category {
        self.of.get(service).copied().unwrap_or(Category::Other)
    }

    /// How many services of the table are of a category.
    pub fn count(&self, category: Category) -> usize {
        self.of.values().filter(|one| **one == category).count()
    }

    /// Every service of the table, in no order.
    pub fn services(&self) -> impl Iterator<Item = &ServiceCode> {
        self.of.keys()
    }
}
