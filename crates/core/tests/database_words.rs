//! The words that rows are written in. A word that changes makes every row before it unreadable, and every statement
//! that names it blind, so each stands here once more.
//!
//! Must be changed together with a migration, never alone.

#[cfg(test)]
mod database_words {
    use numberotp_core::activation::{EventKind, SealedBecause, Status, Verdict, WithheldBecause};
    use numberotp_core::id::ActivationId;
    use numberotp_core::ledger::{MovementKind, Phase, Platform, Purse, Reference};

    #[test]
    fn a_purchase() {
        let words = ["reserving", "waiting", "received", "finished", "failed", "canceled", "expired"];
        assert_eq!(Status::ALL.map(Status::as_str), words);
        assert_eq!(words.map(Status::parse), Status::ALL.map(Some));
        assert_eq!(["", "Waiting", "sold"].map(Status::parse), [None; 3]);
    }

    #[test]
    fn a_message() {
        for (because, word) in [(WithheldBecause::Bank, "bank"), (WithheldBecause::Government, "government")]
        {
            assert_eq!((because.as_str(), WithheldBecause::parse(word)), (word, Some(because)));
            let verdict = Verdict::Withheld(because);
            assert_eq!((verdict.as_str(), verdict.reason()), ("withheld", word));
        }
        assert_eq!(WithheldBecause::parse(""), None);
        for (because, word) in [
            (SealedBecause::Late, "late"),
            (SealedBecause::Foreign, "foreign"),
            (SealedBecause::Ambiguous, "ambiguous"),
            (SealedBecause::Suspended, "suspended"),
        ] {
            let verdict = Verdict::Sealed(because);
            assert_eq!((verdict.as_str(), verdict.reason()), ("sealed", word));
        }
        for (verdict, word) in [(Verdict::Parked, "parked"), (Verdict::Delivered, "delivered")] {
            assert_eq!((verdict.as_str(), verdict.reason()), (word, ""));
        }
    }

    #[test]
    fn an_event() {
        for (event, word) in [
            (EventKind::Created, "activation.created"),
            (EventKind::CodeReceived, "activation.code_received"),
            (EventKind::SmsReceived, "activation.sms_received"),
            (EventKind::Finished, "activation.finished"),
            (EventKind::Canceled, "activation.canceled"),
            (EventKind::Expired, "activation.expired"),
        ] {
            assert_eq!(event.as_str(), word);
        }
    }

    #[test]
    fn a_movement_and_its_entries() {
        for (kind, word) in [
            (MovementKind::Topup, "topup"),
            (MovementKind::Purchase, "purchase"),
            (MovementKind::Settlement, "settlement"),
            (MovementKind::Refund, "refund"),
            (MovementKind::Adjustment, "adjustment"),
            (MovementKind::Bonus, "bonus"),
        ] {
            assert_eq!((kind.as_str(), MovementKind::parse(word)), (word, Some(kind)));
        }
        assert_eq!(MovementKind::parse("gift"), None);
        assert_eq!(Reference::Activation(ActivationId::new(7)).kind(), "activation");
        assert_eq!(Reference::Operator(7).kind(), "operator");
        assert_eq!(Purse::ALL.map(Purse::as_str), ["balance", "gift", "granted", "bought"]);
        for (phase, word) in [
            (Phase::Single, "single"),
            (Phase::Pending, "pending"),
            (Phase::Post, "post"),
            (Phase::Void, "void"),
        ] {
            assert_eq!(phase.as_str(), word);
        }
    }

    #[test]
    fn the_platforms_own_accounts() {
        let told = Platform::ALL.map(|account| (account.as_str(), account.unit()));
        assert_eq!(
            told,
            [
                ("income_usd", "USD"),
                ("income_credits", "CRD"),
                ("promotion", "CRD"),
                ("payment_clearing", "USD"),
                ("deferred_rentals", "USD"),
                ("provider_prepaid", "USD"),
                ("provider_cost", "USD"),
                ("tax_payable", "USD"),
                ("receivable", "USD"),
                ("unclaimed", "USD"),
            ]
        );
    }
}
