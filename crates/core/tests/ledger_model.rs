//! The ledger against a second bookkeeper: seeded days of random work (`ledger_model/workload.rs`), audited by
//! plain sums over what was written (`ledger_model/auditor.rs`). Guards: double entry in both units, purses that
//! are the sums of their entries and never negative, refunds to where the money came from, overflow refused.
//! A failure prints its seed; `day(seed, …)` repeats it.

#[cfg(test)]
#[path = "ledger_model/auditor.rs"]
mod auditor;
#[cfg(test)]
#[path = "ledger_model/bank.rs"]
mod bank;
#[cfg(test)]
#[path = "ledger_model/dice.rs"]
mod dice;
#[cfg(test)]
#[path = "ledger_model/spending.rs"]
mod spending;
#[cfg(test)]
#[path = "ledger_model/workload.rs"]
mod workload;

#[cfg(test)]
mod books {
    use super::auditor::{Finding, audit, audit_free_credits};
    use super::bank::{Bank, Turn};
    use super::workload::{Tally, day};
    use numberotp_core::id::AccountId;
    use numberotp_core::ledger::{Change, Fund, MovementKind, Purse, Purses, Refused, Split, split};
    use numberotp_core::money::{CreditValue, Credits, Overflow, Usd};

    /// Many days; the answer is how much of what they met.
    fn days(seeds: std::ops::Range<u64>, credit: CreditValue, audit: fn(&Bank) -> Finding) -> Vec<Tally> {
        seeds.map(|seed| day(seed, credit, audit).unwrap_or_else(|rule| panic!("{rule}"))).collect()
    }

    #[test]
    fn the_books_add_up_after_any_day() {
        let days = days(0..500, CreditValue::PUBLISHED, audit);
        let met = |count: fn(&Tally) -> u32| days.iter().map(count).sum::<u32>();
        // Work that refuses everything adds up as well, and proves nothing.
        for (what, times) in [
            ("changes", met(|tally| tally.changes)),
            ("refused changes", met(|tally| tally.refused_changes)),
            ("purchases", met(|tally| tally.buys)),
            ("short purchases", met(|tally| tally.short)),
            ("posts", met(|tally| tally.posts)),
            ("voids", met(|tally| tally.voids)),
            ("turns without effect", met(|tally| tally.idle_turns)),
            ("forbidden turns", met(|tally| tally.forbidden_turns)),
        ] {
            assert!(times >= 2_000, "{what}: only {times}");
        }
    }

    /// Amounts of credits can then reach the ends of 64 bits, in each purse and in their sum.
    #[test]
    fn the_books_add_up_where_a_credit_is_worth_one_micro_dollar() {
        days(1_000..1_100, CreditValue::from_micros(1).unwrap(), audit);
    }

    #[test]
    fn free_credits_used_are_those_of_the_gift_that_were_spent() {
        days(2_000..2_100, CreditValue::PUBLISHED, audit_free_credits);
    }

    #[test]
    fn free_credits_used_from_sign_up_on() {
        let account = AccountId::new(1);
        let mut bank = Bank::new(CreditValue::PUBLISHED, &[account]);
        let used = |bank: &Bank| bank.purses[&account].gift_used().count();
        let give = |purse, amount| Change { purse, amount };
        assert_eq!(used(&bank), 0, "nothing given");
        bank.change(account, MovementKind::Bonus, give(Purse::Gift, 200)).unwrap();
        bank.change(account, MovementKind::Bonus, give(Purse::Granted, 1_000)).unwrap();
        assert_eq!(used(&bank), 0, "nothing spent");
        let first = bank.buy(account, Usd::from_micros(50_000)).unwrap();
        assert_eq!(used(&bank), 100, "spent at once");
        let second = bank.buy(account, Usd::from_micros(75_000)).unwrap();
        assert_eq!(used(&bank), 200, "never above the gift");
        bank.turn(first, Turn::Fail).unwrap();
        assert_eq!(used(&bank), 100, "a refund lowers it");
        bank.turn(second, Turn::Attach).unwrap();
        bank.turn(second, Turn::Message).unwrap();
        assert_eq!(used(&bank), 100, "a sale that is final stays");
        bank.change(account, MovementKind::Bonus, give(Purse::Granted, 500)).unwrap();
        assert_eq!(used(&bank), 100, "other credits are no gift");
    }

    /// Taking unspent gift credits back is no spending.
    #[test]
    fn a_corrected_gift_is_not_a_spent_one() {
        let purses = Purses::default();
        let given = purses.change(Change { purse: Purse::Gift, amount: 200 }).unwrap();
        let corrected = given.change(Change { purse: Purse::Gift, amount: -50 }).unwrap();
        assert_eq!(corrected.gift_used().count(), 0);
    }

    #[test]
    fn hold_and_void_leave_the_purses_as_they_were() {
        let fund = |posted, held| Fund { posted, held };
        let before = Purses {
            balance: fund(70_000, 20_000),
            gift: fund(40, 3),
            granted: fund(30, 0),
            bought: fund(20, 20),
            gift_total: 200,
        };
        for price in [100, 18_500, 18_600, 33_500, 50_000, 83_500] {
            let paid = split(&before, Usd::from_micros(price), CreditValue::PUBLISHED).unwrap();
            let held = before.hold(&paid).unwrap();
            assert_ne!(held, before);
            assert_eq!(held.void(&paid), Ok(before), "{price}");
        }
    }

    fn one(posted: i64, held: i64) -> Purses {
        Purses { balance: Fund { posted, held }, ..Purses::default() }
    }
    fn of(balance: i64) -> Split {
        Split { balance, ..Split::default() }
    }

    #[test]
    fn what_the_books_refuse() {
        let max = i64::MAX;
        let add = |purses: Purses, amount| purses.change(Change { purse: Purse::Balance, amount });
        // to the last cent, and not beyond
        assert_eq!(one(500, 100).hold(&of(400)), Ok(one(500, 500)));
        assert_eq!(one(500, 100).hold(&of(401)), Err(Refused::Short));
        assert_eq!(add(one(500, 100), -400), Ok(one(100, 100)));
        assert_eq!(add(one(500, 100), -401), Err(Refused::Short));
        assert_eq!(add(one(500, 0), i64::MIN), Err(Refused::Short));
        // more than is held; a second resolution; one after the other
        assert_eq!(one(500, 100).post(&of(101)), Err(Refused::NotHeld));
        assert_eq!(one(500, 100).void(&of(101)), Err(Refused::NotHeld));
        let (posted, voided) = (one(500, 100).post(&of(100)).unwrap(), one(500, 100).void(&of(100)).unwrap());
        assert_eq!((posted, voided), (one(400, 0), one(500, 0)));
        for resolved in [posted, voided] {
            assert_eq!(resolved.post(&of(100)), Err(Refused::NotHeld));
            assert_eq!(resolved.void(&of(100)), Err(Refused::NotHeld));
        }
        // nothing
        for step in [Purses::hold, Purses::post, Purses::void] {
            assert_eq!(step(&one(500, 100), &of(0)), Ok(one(500, 100)));
        }
        // the ends of 64 bits
        assert_eq!(add(one(0, 0), max), Ok(one(max, 0)));
        assert_eq!(add(one(1, 0), max), Err(Refused::Overflow));
        assert_eq!(one(max, 0).hold(&of(max)), Ok(one(max, max)));
        assert_eq!(one(max, max).post(&of(max)), Ok(one(0, 0)));
        assert_eq!(one(max, max).hold(&of(max)), Err(Refused::Overflow));
    }

    /// All purses or none: one that is short spoils the step for the others.
    #[test]
    fn a_step_is_taken_by_all_purses_or_none() {
        let purses = Purses { gift: Fund { posted: 10, held: 0 }, ..one(500, 0) };
        assert_eq!(purses.hold(&Split { gift: 11, ..of(400) }), Err(Refused::Short));
        assert_eq!(purses.hold(&Split { gift: 10, granted: 1, ..of(400) }), Err(Refused::Short));
    }

    type Stride = fn(&Purses, &Split) -> Result<Purses, Refused>;

    /// A negative part would free what other purchases hold, or make money of nothing.
    #[test]
    fn no_step_takes_a_negative_amount() {
        let steps: [(&str, Stride); 3] =
            [("hold", Purses::hold), ("post", Purses::post), ("void", Purses::void)];
        for (name, step) in steps {
            let answer = step(&one(500, 100), &of(-50));
            assert!(answer.is_err(), "{name} of -50: {answer:?}");
        }
    }

    #[test]
    fn a_price_that_is_none_takes_nothing() {
        for price in [0, -1, -100, i64::MIN] {
            let answer = split(&one(500, 100), Usd::from_micros(price), CreditValue::PUBLISHED);
            let nothing = answer.map_or(true, |paid| paid == Split::default());
            assert!(nothing, "{price}: {answer:?}");
        }
    }

    #[test]
    fn amounts_past_64_bits_are_refused() {
        let (max, min) = (i64::MAX, i64::MIN);
        let (usd, credits) = (Usd::from_micros, Credits::new);
        assert_eq!(usd(max).plus(usd(1)), Err(Overflow));
        assert_eq!(usd(min).minus(usd(1)), Err(Overflow));
        assert_eq!(usd(min).negated(), Err(Overflow));
        assert_eq!(credits(max).plus(credits(1)), Err(Overflow));
        assert_eq!(credits(min).minus(credits(1)), Err(Overflow));
        assert_eq!(credits(min).negated(), Err(Overflow));
        let value = CreditValue::PUBLISHED;
        assert_eq!(value.of(credits(max / 500)), Ok(usd(max / 500 * 500)));
        assert_eq!(value.of(credits(max / 500 + 1)), Err(Overflow));
        assert_eq!(Split { gift: max, bought: 1, ..Split::default() }.credits(), Err(Overflow));
    }

    /// The purses fit, their sum does not: then nobody could say how many credits there are.
    #[test]
    fn credits_past_64_bits_are_refused_in_their_sum_too() {
        let granted = Purses::default().change(Change { purse: Purse::Granted, amount: i64::MAX }).unwrap();
        for purse in [Purse::Gift, Purse::Bought] {
            assert_eq!(granted.change(Change { purse, amount: 1 }), Err(Refused::Overflow), "{purse:?}");
        }
    }
}
