//! Which offer a purchase takes. Pure: cheapest first, ties by pool, then by stock.

use crate::catalog::{Offer, Term};
use crate::money::Usd;
use crate::text::{Operator, Pool};
use crate::vocabulary::{CountryId, ServiceCode};

/// What the buyer asks for.
#[derive(Clone, Debug)]
pub struct Wish {
    /// The service.
    pub service: ServiceCode,
    /// The country.
    pub country: CountryId,
    /// Only this operator.
    pub operator: Option<Operator>,
    /// Only this pool.
    pub pool: Option<Pool>,
    /// Not more than this.
    pub max_price: Option<Usd>,
}

/// Why nothing fits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NoOffer {
    /// Nothing in stock for this wish.
    None,
    /// There is, but above the buyer's limit.
    AboveMax,
}

/// The offers to try, best first; never an offer of another operator than asked for.
pub fn candidates<'a>(offers: &[&'a Offer], wish: &Wish) -> Result<Vec<&'a Offer>, NoOffer> {
    let fits = |offer: &&&Offer| {
        offer.term == Term::Once
            && offer.service == wish.service
            && offer.country == wish.country
            && offer.count > 0
            && wish.pool.is_none_or(|pool| pool == offer.pool)
            && wish.operator.as_ref().is_none_or(|operator| operator.is_any() || *operator == offer.operator)
    };
    let in_stock: Vec<&Offer> = offers.iter().filter(fits).copied().collect();
    let mut affordable: Vec<&Offer> = in_stock
        .iter()
        .filter(|offer| wish.max_price.is_none_or(|max| offer.price <= max))
        .copied()
        .collect();
    if affordable.is_empty() {
        return Err(if in_stock.is_empty() { NoOffer::None } else { NoOffer::AboveMax });
    }
    affordable.sort_by_key(|offer| (offer.price, offer.pool, std::cmp::Reverse(offer.count), offer.id));
    Ok(affordable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{OfferId, PLATFORM};
    use crate::text::ProviderCode;

    fn offer(row: i64, operator: &str, pool: u8, price: i64, count: i64) -> Offer {
        Offer {
            id: OfferId::new(row),
            brand: PLATFORM,
            service: ServiceCode::parse("tg").unwrap(),
            country: CountryId::new(187),
            operator: Operator::parse(operator).unwrap(),
            pool: Pool::new(pool).unwrap(),
            provider: ProviderCode::parse("own").unwrap(),
            term: Term::Once,
            price: Usd::from_micros(price),
            provider_cost: 0,
            cost_currency: "USD".into(),
            count,
        }
    }

    fn wish() -> Wish {
        let service = ServiceCode::parse("tg").unwrap();
        Wish { service, country: CountryId::new(187), operator: None, pool: None, max_price: None }
    }

    fn rows(offers: &[Offer], wish: &Wish) -> Result<Vec<i64>, NoOffer> {
        let refs: Vec<&Offer> = offers.iter().collect();
        candidates(&refs, wish).map(|found| found.iter().map(|offer| offer.id.get()).collect())
    }

    #[test]
    fn cheapest_first_then_pool_then_stock() {
        let offers = [
            offer(1, "a", 2, 50_000, 5),
            offer(2, "b", 1, 50_000, 5),
            offer(3, "c", 1, 40_000, 1),
            offer(4, "d", 1, 50_000, 9),
        ];
        assert_eq!(rows(&offers, &wish()), Ok(vec![3, 4, 2, 1]));
    }

    #[test]
    fn never_another_operator_or_pool_and_nothing_sold_out() {
        let offers = [offer(1, "verizon", 1, 50_000, 0), offer(2, "att", 1, 50_000, 5)];
        let verizon = Wish { operator: Operator::parse("verizon"), ..wish() };
        assert_eq!(rows(&offers, &verizon), Err(NoOffer::None));
        assert_eq!(rows(&offers, &Wish { pool: Pool::new(2), ..wish() }), Err(NoOffer::None));
        assert_eq!(rows(&offers, &Wish { operator: Some(Operator::any()), ..wish() }), Ok(vec![2]));
    }

    #[test]
    fn a_limit_below_every_price_says_so() {
        let offers = [offer(1, "a", 1, 50_000, 5)];
        assert_eq!(
            rows(&offers, &Wish { max_price: Some(Usd::from_micros(49_999)), ..wish() }),
            Err(NoOffer::AboveMax)
        );
        assert_eq!(rows(&offers, &Wish { max_price: Some(Usd::from_micros(50_000)), ..wish() }), Ok(vec![1]));
    }
}
