//! Where a person is signed in: seen and ended by that person alone, and what was signed for a sign-in ends with it.
//! And how an account stands: a change of that reaches every credential within a second.

use crate::http_stage::{RENT, at, deliver, rent, telegram, text};
use http::Method;
use numberotp_core::caller::{Scopes, Standing};
use numberotp_core::time::Span;
use numberotp_server::app::auth::KNOWN_FOR;
use numberotp_testkit::app::in_sandbox;
use serde_json::json;

const SESSIONS: &str = "/v1/user/sessions";
const BALANCE: &str = "/api/internal/balance";

#[test]
fn a_person_sees_its_own_sign_ins_and_ends_one_of_them() {
    in_sandbox(async |app| {
        let (ann, bob) = (app.account(0, 0).await, app.account(0, 0).await);
        let phone = app.jwt(&ann).await;
        app.advance(Span::seconds(1));
        let browser = app.session(&ann).await;
        let bobs = app.session(&bob).await;
        let listed = app.get(SESSIONS).bearer(&browser).ok().await;
        let rows = listed["data"].as_array().unwrap();
        assert_eq!(rows.len(), 2);
        assert_eq!((&rows[0]["current"], &rows[1]["current"]), (&json!(true), &json!(false)));
        assert!(text(&rows[0], "created_at").ends_with(".000Z") || text(&rows[0], "created_at").len() == 24);

        // Another account's sign-in does not exist for her.
        let foreign = app.get(SESSIONS).bearer(&bobs).ok().await["data"][0]["id"].clone();
        app.ask(Method::DELETE, SESSIONS)
            .bearer(&browser)
            .json(&json!({ "id": foreign }))
            .refused(404, "NOT_FOUND")
            .await;
        app.get(BALANCE).bearer(&bobs).ok().await;

        app.get(BALANCE).bearer(&phone).ok().await;
        let ended = app
            .ask(Method::DELETE, SESSIONS)
            .bearer(&browser)
            .json(&json!({ "id": rows[1]["id"] }))
            .ok()
            .await;
        assert_eq!(ended["data"], json!({ "revoked": true }));
        app.get(BALANCE).bearer(&phone).refused(401, "UNAUTHORIZED").await;
        app.get(BALANCE).bearer(&browser).ok().await;
        let again = app.ask(Method::DELETE, SESSIONS).bearer(&browser).json(&json!({ "id": rows[1]["id"] }));
        again.refused(404, "NOT_FOUND").await;

        app.ask(Method::DELETE, SESSIONS).bearer(&browser).json(&json!({ "all": true })).ok().await;
        app.get(BALANCE).bearer(&browser).refused(401, "UNAUTHORIZED").await;
        app.get(BALANCE).bearer(&ann.key).ok().await;
    });
}

#[test]
fn sign_ins_are_no_business_of_a_key_and_one_has_to_be_named() {
    in_sandbox(async |app| {
        let ann = app.account(0, 0).await;
        let key = app.key(&ann, Scopes::ALL).await;
        app.get(SESSIONS).bearer(&key).refused(403, "SIGNED_IN_PERSON_REQUIRED").await;
        let all = json!({ "all": true });
        app.ask(Method::DELETE, SESSIONS)
            .bearer(&key)
            .json(&all)
            .refused(403, "SIGNED_IN_PERSON_REQUIRED")
            .await;
        let session = app.session(&ann).await;
        for body in
            [json!({}), json!({ "all": false }), json!({ "all": true, "id": "1" }), json!({ "all": 1 })]
        {
            app.ask(Method::DELETE, SESSIONS)
                .bearer(&session)
                .json(&body)
                .refused(400, "INVALID_PARAMETER")
                .await;
        }
        for id in ["0", "-1", "x", "999999999"] {
            app.ask(Method::DELETE, SESSIONS)
                .bearer(&session)
                .json(&json!({ "id": id }))
                .refused(404, "NOT_FOUND")
                .await;
        }
    });
}

#[test]
fn a_standing_reaches_every_credential_within_a_second() {
    in_sandbox(async |app| {
        let ann = app.account(1_000, 0).await;
        let tokens = [ann.key.clone(), app.session(&ann).await, app.jwt(&ann).await];
        let id = rent(app, &ann).await;
        deliver(app, &id, "m1", "Telegram code: 48291").await;
        let read = at(&id, "");
        for token in &tokens {
            app.get(&read).bearer(token).ok().await;
        }
        app.set_standing(&ann, Standing::Limited).await;
        app.advance(KNOWN_FOR);
        for token in &tokens {
            app.get(&read).bearer(token).ok().await;
            app.post(RENT).bearer(token).json(&telegram()).refused(403, "ACCOUNT_ON_HOLD").await;
        }
        app.set_standing(&ann, Standing::Suspended).await;
        app.advance(KNOWN_FOR);
        for token in &tokens {
            app.get(&read).bearer(token).refused(403, "ACCOUNT_ON_HOLD").await;
            app.post(RENT).bearer(token).json(&telegram()).refused(403, "ACCOUNT_ON_HOLD").await;
            assert_eq!(app.get(BALANCE).bearer(token).ok().await["isApproved"], json!(false));
        }
        app.set_standing(&ann, Standing::Closed).await;
        app.advance(KNOWN_FOR);
        for token in &tokens {
            app.get(BALANCE).bearer(token).refused(401, "UNAUTHORIZED").await;
        }
    });
}
