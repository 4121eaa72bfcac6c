//! The figures behind the sandbox's offers: countries, price tiers, stock and rentals.
//!
//! Invented, but plausible beside each other. A country here must have valid fiction numbers, and a service a
//! text; tests of the parent module hold both. Never list banks, payment, government, health or identity here.

use super::RentalOffer;

/// A country on sale.
pub(super) struct Market {
    /// ISO 3166-1 alpha-2 code.
    pub(super) iso: &'static str,
    /// Price level, in percent of the United States.
    pub(super) level: i64,
    /// Lower-case slugs of operators of that country; the first two sell in pool 1.
    pub(super) operators: &'static [&'static str],
}

/// The countries on sale: those whose fiction numbers are valid and that the common country list names.
pub(super) const MARKETS: [Market; 10] = [
    Market { iso: "US", level: 100, operators: &["verizon", "tmobile", "att"] },
    Market { iso: "CA", level: 95, operators: &["rogers", "bell", "telus"] },
    Market { iso: "GB", level: 100, operators: &["ee", "o2", "vodafone", "three"] },
    Market { iso: "DE", level: 150, operators: &["telekom", "vodafone", "o2"] },
    Market { iso: "FR", level: 130, operators: &["orange", "sfr", "bouygues", "free"] },
    Market { iso: "SE", level: 120, operators: &["telia", "tele2", "telenor"] },
    Market { iso: "AU", level: 140, operators: &["telstra", "optus", "vodafone"] },
    Market { iso: "PR", level: 70, operators: &["claro", "liberty", "tmobile"] },
    Market { iso: "DO", level: 50, operators: &["claro", "altice", "viva"] },
    Market { iso: "JM", level: 45, operators: &["digicel", "flow"] },
];

/// Price in the United States (micro-dollars), activations in stock per country where the numbers allow it,
/// and the services of that kind.
pub(super) const TIERS: [(i64, i64, &str); 8] = [
    (420_000, 1_000, "wa"),
    (360_000, 800, "tg"),
    (300_000, 600, "go dr acz"),
    (240_000, 300, "wx oi bw vz mo"),
    (180_000, 400, "fb ig am ub mm nf uk ew"),
    (120_000, 500, "tw ds lf wb fu tn tu ac dh me kt hb"),
    (80_000, 250, "vi mt vk ya nv bnl mb dp bz blm alj aed zk jg tx rr aq ka"),
    (40_000, 150, "li qq kf zs qf im aiw ua hx aez ep kc"),
];

/// Shares of a country's stock by operator, in percent.
pub(super) const SHARES: [i64; 4] = [40, 30, 20, 5];

/// Pool 3's share of a country's stock, in percent.
pub(super) const POOL_3_SHARE: i64 = 5;

/// Pool 3 is slower and sells at this part of the price, in percent.
pub(super) const POOL_3_LEVEL: i64 = 60;

/// Lowest and highest price of an activation.
pub(super) const PRICES: (i64, i64) = (10_000, 1_500_000);

/// Services that can also be rented.
pub(super) const RENTED: [&str; 10] = ["tg", "wa", "go", "fb", "ig", "ds", "am", "lf", "mm", "tw"];

/// Hours, price in the United States, numbers in stock where the country has enough.
pub(super) const RENTALS: [RentalOffer; 13] = [
    (2, 600_000, 14),
    (4, 900_000, 12),
    (12, 1_400_000, 12),
    (24, 2_000_000, 10),
    (48, 3_400_000, 10),
    (72, 4_500_000, 8),
    (96, 5_500_000, 8),
    (120, 6_400_000, 8),
    (144, 7_200_000, 6),
    (168, 7_900_000, 6),
    (336, 13_500_000, 4),
    (504, 18_000_000, 3),
    (720, 22_000_000, 2),
];
