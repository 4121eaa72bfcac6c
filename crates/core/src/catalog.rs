//! What is on offer: service × country × operator × pool → price and stock, for one-time numbers and rentals.

use crate::id::{BrandId, OfferId};
use crate::money::Usd;
use crate::text::{Operator, Pool, ProviderCode};
use crate::vocabulary::{CountryId, ServiceCode};

/// The lengths a rental can have, in hours. Source: the official clients of the `/v1` layer.
pub const RENTAL_HOURS: [u16; 13] = [2, 4, 12, 24, 48, 72, 96, 120, 144, 168, 336, 504, 720];

/// How long the number is had.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Term {
    /// One message, within the activation window.
    Once,
    /// Any number of messages for so many hours.
    Hours(u16),
}

impl Term {
    /// Hours, or `None` where the length is not sold.
    pub fn hours(hours: u16) -> Option<Self> {
        RENTAL_HOURS.contains(&hours).then_some(Self::Hours(hours))
    }
    /// The number in the database: zero for one-time.
    pub const fn code(self) -> u16 {
        match self {
            Self::Once => 0,
            Self::Hours(hours) => hours,
        }
    }
    /// Reads the number.
    pub fn from_code(code: u16) -> Option<Self> {
        if code == 0 { Some(Self::Once) } else { Self::hours(code) }
    }
}

/// Something that can be bought.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Offer {
    /// Its row.
    pub id: OfferId,
    /// Whose offer.
    pub brand: BrandId,
    /// For which service.
    pub service: ServiceCode,
    /// Country of the numbers.
    pub country: CountryId,
    /// Operator of the numbers, or any.
    pub operator: Operator,
    /// Pool.
    pub pool: Pool,
    /// Who supplies them.
    pub provider: ProviderCode,
    /// One-time or so many hours.
    pub term: Term,
    /// What the customer pays: a multiple of $0.0001.
    pub price: Usd,
    /// What the provider charges, in micro-units of `cost_currency`.
    pub provider_cost: i64,
    /// ISO 4217 code.
    pub cost_currency: String,
    /// How many can be had now.
    pub count: i64,
}
