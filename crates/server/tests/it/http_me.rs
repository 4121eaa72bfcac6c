//! `/v1/me`: the account as the official clients read it, for people and keys alike.

use crate::http_stage::{RENT, telegram};
use numberotp_core::caller::{Scopes, Standing};
use numberotp_server::app::auth::KNOWN_FOR;
use numberotp_testkit::app::in_sandbox;
use serde_json::{Value, json};

const ME: &str = "/v1/me";

#[test]
fn an_account_sees_what_it_can_spend_and_what_waits() {
    in_sandbox(async |app| {
        // 300 credits are worth 0.15.
        let ann = app.account(300, 1_250_000).await;
        let before = app.get(ME).by(&ann).ok().await["data"].clone();
        assert_eq!((&before["balance"], &before["on_hold"]), (&json!(1.4), &json!(0)));
        assert_eq!((&before["paid_balance"], &before["credits"]), (&json!(1.25), &json!(300)));
        assert_eq!(before["auth"], json!({ "kind": "api_key", "scopes": ["read", "buy"] }));
        assert_eq!((&before["status"], &before["currency"]), (&json!("active"), &json!("USD")));
        assert_eq!((&before["email"], &before["is_reseller"]), (&json!(ann.email), &json!(false)));
        assert_eq!(before["created_at"], "2024-04-29T09:40:00.000Z");
        for unknown in ["tier", "reseller", "iap_account_token"] {
            assert_eq!(before[unknown], Value::Null);
        }
        app.post(RENT).by(&ann).json(&telegram()).ok().await;
        let session = app.session(&ann).await;
        let after = app.get(ME).bearer(&session).ok().await["data"].clone();
        assert_eq!((&after["balance"], &after["on_hold"]), (&json!(1.35), &json!(0.05)));
        assert_eq!(after["auth"], json!({ "kind": "person", "scopes": ["read", "buy", "topup"] }));
        app.set_standing(&ann, Standing::Suspended).await;
        app.advance(KNOWN_FOR);
        assert_eq!(app.get(ME).bearer(&session).ok().await["data"]["status"], "on_hold");
        let tops_up = app.key(&ann, Scopes::parse("topup").unwrap()).await;
        app.get(ME).bearer(&tops_up).refused(403, "INSUFFICIENT_SCOPE").await;
    });
}
