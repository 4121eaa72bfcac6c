//! What the sandbox sells: the same offers at every start, for services with a text and countries with numbers.
//!
//! Guards that no offer promises more numbers than its country has in reserve for fiction, and that the prices
//! the documentation shows (Telegram US 0.05, WhatsApp 0.42) are the prices charged. It must never list a
//! country without valid fiction numbers, nor any bank, payment, government, health or identity service.

mod table;

use self::table::{MARKETS, Market, POOL_3_LEVEL, POOL_3_SHARE, PRICES, RENTALS, RENTED, SHARES, TIERS};
use super::ranges;

/// One offer of the sandbox: a service in a country, through an operator and a pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SandboxOffer {
    /// The service's short code, such as `tg`.
    pub service: &'static str,
    /// ISO 3166-1 alpha-2 code of the country.
    pub country_iso: &'static str,
    /// Lower-case slug of a mobile operator of that country.
    pub operator: &'static str,
    /// Pool 1, 2 or 3.
    pub pool: u8,
    /// What an activation costs the customer: USD micro-dollars, a multiple of 100.
    pub price_micros: i64,
    /// What an activation costs the platform: USD micro-dollars, a multiple of 100.
    pub provider_cost_micros: i64,
    /// How many activations are in stock.
    pub count: i64,
    /// Rentals on offer; none for most services.
    pub rentals: Vec<RentalOffer>,
}

/// A rental of an offer: length in hours, price in USD micro-dollars (a multiple of 100), numbers in stock.
pub type RentalOffer = (u16, i64, i64);

/// All offers, always in the same sequence; service, country, operator and pool together are unique.
pub fn offers() -> Vec<SandboxOffer> {
    let services = TIERS.iter().flat_map(|(price, stock, codes)| {
        codes.split_whitespace().map(move |service| Service { code: service, price: *price, stock: *stock })
    });
    services.flat_map(|service| MARKETS.iter().flat_map(move |market| service.offers_in(market))).collect()
}

/// A service with its price and stock before the country is known.
#[derive(Clone, Copy)]
struct Service {
    code: &'static str,
    price: i64,
    stock: i64,
}

impl Service {
    fn offers_in(self, market: &Market) -> Vec<SandboxOffer> {
        let stock = self.stock.min(half_of_the_numbers(market.iso));
        let offer = |(place, operator): (i64, &'static str)| {
            let price = self.price_in(market, place);
            self.offer(market, (operator, self.pool(market, place), price), stock * share(place) / 100)
        };
        let mut offers: Vec<_> = (0_i64..).zip(market.operators.iter().copied()).map(offer).collect();
        if let Some(price) = self.fixed_price(market.iso) {
            self.fix(&mut offers, market, price);
        } else if self.price <= 240_000 {
            let price = self.price_in(market, 0) * POOL_3_LEVEL / 100;
            let operator = market.operators.first().copied();
            let cheap = operator.map(|slug| self.offer(market, (slug, 3, price), stock * POOL_3_SHARE / 100));
            offers.extend(cheap);
        }
        offers
    }

    fn offer(self, market: &Market, sold: (&'static str, u8, i64), count: i64) -> SandboxOffer {
        let (operator, pool, price) = sold;
        let price_micros = to_hundreds(price.clamp(PRICES.0, PRICES.1));
        SandboxOffer {
            service: self.code,
            country_iso: market.iso,
            operator,
            pool,
            price_micros,
            provider_cost_micros: to_hundreds(price_micros * 70 / 100),
            count: count.max(1),
            rentals: if RENTED.contains(&self.code) { rentals_in(market) } else { Vec::new() },
        }
    }

    /// Prices that published examples name: the same for every operator, and in pool 1 alone.
    fn fixed_price(self, iso: &str) -> Option<i64> {
        match (self.code, iso) {
            ("tg", "US") => Some(50_000),
            ("wa", "US" | "GB") => Some(420_000),
            _ => None,
        }
    }

    /// Makes the offers of a published example exact: 1 000 in stock, and Telegram US rented from one operator.
    fn fix(self, offers: &mut [SandboxOffer], market: &Market, price: i64) {
        let counts: &[i64] =
            if market.operators.len() == 3 { &[400, 350, 250] } else { &[300, 250, 250, 200] };
        for (offer, count) in offers.iter_mut().zip(counts) {
            offer.price_micros = price;
            offer.provider_cost_micros = to_hundreds(price * 70 / 100);
            offer.pool = 1;
            offer.count = *count;
            if self.code == "tg" {
                offer.rentals = if offer.operator == "verizon" { RENTALS.to_vec() } else { Vec::new() };
            }
        }
    }

    /// The first two operators are in pool 1, the others in pool 2.
    fn pool(self, market: &Market, place: i64) -> u8 {
        if place < 2 || self.fixed_price(market.iso).is_some() { 1 } else { 2 }
    }

    /// The tier's price at the country's level, up to 8 percent more or less by service and operator.
    fn price_in(self, market: &Market, place: i64) -> i64 {
        let letters: i64 = self.code.bytes().chain(market.iso.bytes()).map(i64::from).sum();
        let more = (letters * 7 + place * 5) % 17 - 8;
        self.price * market.level * (100 + more) / 10_000
    }
}

fn share(place: i64) -> i64 {
    usize::try_from(place).ok().and_then(|place| SHARES.get(place)).copied().unwrap_or(1)
}

/// Activations take at most half of a country's numbers, so that rentals find some too.
fn half_of_the_numbers(iso: &str) -> i64 {
    i64::try_from(ranges::capacity(iso) / 2).unwrap_or(i64::MAX)
}

/// Rentals of one offer; small countries rent out at most a tenth of their numbers through one operator.
fn rentals_in(market: &Market) -> Vec<RentalOffer> {
    let most = half_of_the_numbers(market.iso) / 5;
    let rental = |&(hours, price, count): &RentalOffer| {
        (hours, to_hundreds(price * market.level / 100), count.min(most).max(1))
    };
    RENTALS.iter().map(rental).collect()
}

/// Rounds down to a ten-thousandth of a dollar, the smallest step of a price.
fn to_hundreds(micros: i64) -> i64 {
    micros - micros.rem_euclid(100)
}

#[cfg(test)]
mod tests {
    use super::super::texts;
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};

    fn of(service: &str, iso: &str) -> Vec<SandboxOffer> {
        offers().into_iter().filter(|offer| (offer.service, offer.country_iso) == (service, iso)).collect()
    }

    #[test]
    fn no_two_offers_are_the_same_and_all_three_pools_are_used() {
        let all = offers();
        let keys: BTreeSet<_> =
            all.iter().map(|offer| (offer.service, offer.country_iso, offer.operator, offer.pool)).collect();
        assert_eq!(keys.len(), all.len());
        let pools: BTreeSet<u8> = all.iter().map(|offer| offer.pool).collect();
        assert_eq!(pools, BTreeSet::from([1, 2, 3]));
        assert!(
            all.iter()
                .all(|offer| offer.operator.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()))
        );
    }

    #[test]
    fn every_service_has_a_text_and_every_country_valid_numbers() {
        let sold: BTreeSet<_> = offers().iter().map(|offer| offer.service).collect();
        assert_eq!(sold, texts::services().collect());
        let countries: BTreeSet<_> = offers().iter().map(|offer| offer.country_iso).collect();
        assert_eq!(countries.len(), 10);
        for iso in countries {
            let valid = |range: &&ranges::FictionRange| {
                range.role == ranges::Role::HandedOut && range.validity != ranges::Validity::PossibleOnly
            };
            assert!(ranges::ranges(iso).any(|range| valid(&range)), "{iso}");
        }
    }

    #[test]
    fn prices_are_whole_steps_between_a_cent_and_a_dollar_and_a_half_and_leave_a_margin() {
        for offer in offers() {
            assert!((10_000..=1_500_000).contains(&offer.price_micros), "{offer:?}");
            assert!(
                0 < offer.provider_cost_micros && offer.provider_cost_micros < offer.price_micros,
                "{offer:?}"
            );
            assert_eq!((offer.price_micros % 100, offer.provider_cost_micros % 100), (0, 0), "{offer:?}");
            assert!(
                offer.rentals.iter().all(|(_, price, count)| price % 100 == 0 && *price > 0 && *count > 0)
            );
        }
    }

    #[test]
    fn stock_never_exceeds_the_numbers_of_the_country() {
        let mut promised: BTreeMap<_, i64> = BTreeMap::new();
        for offer in offers() {
            let rented = offer.rentals.iter().map(|(_, _, count)| *count).max().unwrap_or(0);
            *promised.entry((offer.service, offer.country_iso)).or_default() += offer.count + rented;
        }
        for ((service, iso), count) in promised {
            let numbers = i64::try_from(ranges::capacity(iso)).unwrap();
            assert!(count <= numbers, "{service} {iso}: {count} of {numbers}");
        }
    }

    #[test]
    fn telegram_in_the_us_is_the_published_example() {
        let offers = of("tg", "US");
        assert!(offers.iter().all(|offer| (offer.pool, offer.price_micros) == (1, 50_000)));
        assert_eq!(offers.iter().map(|offer| offer.count).sum::<i64>(), 1_000);
        let operators: Vec<_> = offers.iter().map(|offer| offer.operator).collect();
        assert_eq!(operators, ["verizon", "tmobile", "att"]);
        let renting: Vec<_> = offers.iter().filter(|offer| !offer.rentals.is_empty()).collect();
        assert_eq!(renting.len(), 1);
        assert_eq!(renting[0].operator, "verizon");
        assert!(renting[0].rentals.contains(&(4, 900_000, 12)));
    }

    #[test]
    fn whatsapp_costs_42_cents_in_pool_1_of_the_us_and_great_britain() {
        for iso in ["US", "GB"] {
            let offers = of("wa", iso);
            assert!(offers.iter().all(|offer| (offer.pool, offer.price_micros) == (1, 420_000)));
            assert_eq!(offers.iter().map(|offer| offer.count).sum::<i64>(), 1_000);
        }
        assert!(of("wa", "GB").iter().any(|offer| offer.operator == "ee"));
    }

    #[test]
    fn rentals_last_only_the_hours_on_sale() {
        let hours: BTreeSet<u16> = [2, 4, 12, 24, 48, 72, 96, 120, 144, 168, 336, 504, 720].into();
        let sold: BTreeSet<u16> =
            offers().iter().flat_map(|offer| offer.rentals.iter().map(|(hours, ..)| *hours)).collect();
        assert_eq!(sold, hours);
        let rented: BTreeSet<_> =
            offers().iter().filter(|offer| !offer.rentals.is_empty()).map(|offer| offer.service).collect();
        assert_eq!(rented, RENTED.into());
    }
}
