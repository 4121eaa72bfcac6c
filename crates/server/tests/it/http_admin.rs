//! The routes of those who run the service: nobody else learns anything by them, each act is in the chain once, and what
//! was refused is not.

use crate::http_stage::{at, deliver, rent, text};
use http::Method;
use numberotp_core::caller::{Role, Scopes, Standing};
use numberotp_core::time::Span;
use numberotp_server::app::auth::KNOWN_FOR;
use numberotp_server::config::Mode;
use numberotp_server::http::document;
use numberotp_server::store::act::{acts_page, chain_check};
use numberotp_testkit::app::{Customer, Setup, TestApp, in_sandbox, with_app};
use serde_json::{Value, json};

const ACCOUNTS: &str = "/admin/api/accounts";
const ACTS: &str = "/admin/api/acts";
const BALANCE: &str = "/api/internal/balance";

fn of(customer: &Customer, rest: &str) -> String {
    format!("{ACCOUNTS}/{}{rest}", customer.account.get())
}

/// Every act, oldest first, as `actor act account`.
async fn acts(app: &TestApp<'_>) -> Vec<String> {
    let (acts, total) = app.read(|tx| acts_page(tx, None, (1_000, 0))).await;
    assert_eq!(i64::try_from(acts.len()).unwrap(), total);
    assert_eq!(app.read(chain_check).await.broken, None);
    let line = |act: &numberotp_server::store::act::Act| {
        format!("{} {} {:?}", act.actor, act.act, act.subject.map(|account| account.get()))
    };
    acts.iter().rev().map(line).collect()
}

/// Every admin route of the document, with an id in its place and a body that would be taken.
fn routes(id: &str) -> Vec<(Method, String, Value)> {
    let document = document(Mode::Sandbox);
    let paths = document["paths"].as_object().unwrap();
    let mut routes = Vec::new();
    for (path, item) in paths.iter().filter(|(path, _)| path.starts_with("/admin/")) {
        for method in item.as_object().unwrap().keys() {
            let body = json!({ "standing": "limited", "reason": "a test", "credits": 1 });
            let method = Method::from_bytes(method.to_ascii_uppercase().as_bytes()).unwrap();
            routes.push((method, path.replace("{id}", id), body));
        }
    }
    assert_eq!(routes.len(), 7);
    routes
}

#[test]
fn whoever_is_no_admin_learns_nothing_not_even_what_exists() {
    in_sandbox(async |app| {
        let (customer, admin) = (app.account(0, 0).await, app.account_of(Role::Admin).await);
        let reseller = app.account_of(Role::Reseller).await;
        let (suspended, closed) = (app.account_of(Role::Admin).await, app.account_of(Role::Admin).await);
        let mut cases = vec![
            (app.session(&customer).await, 403, "ADMIN_REQUIRED"),
            (app.jwt(&customer).await, 403, "ADMIN_REQUIRED"),
            (customer.key.clone(), 403, "ADMIN_REQUIRED"),
            (app.session(&reseller).await, 403, "ADMIN_REQUIRED"),
            (app.key(&admin, Scopes::ALL).await, 403, "SIGNED_IN_PERSON_REQUIRED"),
            (app.session(&suspended).await, 403, "ACCOUNT_ON_HOLD"),
            (app.session(&closed).await, 401, "UNAUTHORIZED"),
            ("sess_nonsense".to_owned(), 401, "UNAUTHORIZED"),
        ];
        app.set_standing(&suspended, Standing::Suspended).await;
        app.set_standing(&closed, Standing::Closed).await;
        let known = customer.account.get().to_string();
        for (token, status, code) in cases.drain(..) {
            for id in [known.as_str(), "999999999", "x"] {
                for (method, path, body) in routes(id) {
                    // A body that is none is not even looked at.
                    for body in [body.to_string(), "{".to_owned()] {
                        let ask = app.ask(method.clone(), &path).bearer(&token);
                        ask.body("application/json", body).refused(status, code).await;
                    }
                }
            }
        }
        for (method, path, body) in routes(&known) {
            app.ask(method, &path).json(&body).refused(401, "UNAUTHORIZED").await;
        }
        assert_eq!(acts(app).await, [""; 0]);
    });
}

#[test]
fn a_role_that_is_taken_away_is_gone_within_a_second() {
    in_sandbox(async |app| {
        let admin = app.account_of(Role::Admin).await;
        let session = app.session(&admin).await;
        app.get(ACTS).bearer(&session).ok().await;
        let id = admin.account.get();
        app.write(move |tx| {
            let statement = numberotp_server::store::db::Statement::new(
                "TEST_ROLE",
                "UPDATE accounts SET role = 'customer' WHERE id = $1",
            );
            tx.execute(&statement, &[id.into()])
        })
        .await;
        app.advance(KNOWN_FOR);
        app.get(ACTS).bearer(&session).refused(403, "ADMIN_REQUIRED").await;
    });
}

#[test]
fn accounts_are_found_by_id_and_by_how_email_or_name_begins() {
    in_sandbox(async |app| {
        let admin = app.account_of(Role::Admin).await;
        let session = app.session(&admin).await;
        app.advance(Span::seconds(1));
        let ann = app.account(40, 1_500_000).await;
        let find = async |query: &str| {
            let found = app.get(&format!("{ACCOUNTS}?{query}")).bearer(&session).ok().await;
            let ids = found["data"].as_array().unwrap().iter().map(|row| text(row, "id").to_owned());
            (ids.collect::<Vec<_>>(), found["pagination"]["total"].clone())
        };
        let ann_id = ann.account.get().to_string();
        let (ids, _) = find(&format!("query={ann_id}")).await;
        assert!(ids.contains(&ann_id));
        let begins = ann.email.get(..16).unwrap().to_ascii_uppercase();
        assert_eq!(find(&format!("query={begins}")).await.0, vec![ann_id.clone()]);
        assert_eq!(find(&format!("query={}", ann.email)).await.0, vec![ann_id.clone()]);
        let middle = ann.email.get(1..).unwrap();
        assert_eq!(find(&format!("query={middle}")).await.0, [""; 0]);
        assert_eq!(find("query=%25").await, (vec![], json!(0)), "no letter stands for others");
        assert_eq!(find("query=cUSTOMER_").await.0, [""; 0]);
        let (first, total) = find("limit=1").await;
        assert_eq!((first, total), (vec![ann_id.clone()], json!(3)), "newest first, the demo account too");
        assert_eq!(find("query=Customer-&limit=1&page=2").await.0, [admin.account.get().to_string()]);
        app.get(&format!("{ACCOUNTS}?query=%00")).bearer(&session).refused(400, "INVALID_PARAMETER").await;

        let looked = app.get(&of(&ann, "")).bearer(&session).send().await;
        assert_eq!(looked.header("cache-control"), "no-store");
        let looked = looked.ok();
        let account = &looked["data"]["account"];
        assert_eq!(
            (&account["balance"], &account["credits"], &account["standing"]),
            (&json!("1.50"), &json!(40), &json!("approved"))
        );
        assert_eq!((&looked["data"]["keys"], &looked["data"]["lastSignInAt"]), (&json!(1), &json!(null)));
        app.get(&format!("{ACCOUNTS}/999999999")).bearer(&session).refused(404, "NOT_FOUND").await;
        let actor = admin.account.get();
        let all = acts(app).await;
        assert_eq!(all.iter().filter(|act| **act == format!("{actor} account.find None")).count(), 8);
        assert_eq!(all.last().unwrap(), &format!("{actor} account.look Some({ann_id})"));
        assert_eq!(all.len(), 9);
    });
}

#[test]
fn a_suspension_signs_out_hides_and_seals_and_lifting_it_shows_the_rest() {
    in_sandbox(async |app| {
        let admin = app.account_of(Role::Admin).await;
        let by = app.session(&admin).await;
        let ann = app.account(1_000, 0).await;
        let hers = app.session(&ann).await;
        let id = rent(app, &ann).await;
        deliver(app, &id, "m1", "Telegram code: 48291").await;
        let read = at(&id, "");
        app.get(&read).by(&ann).ok().await;
        let stand = |standing: &str| json!({ "standing": standing, "reason": "spam was reported" });
        let path = of(&ann, "/standing");
        let suspended = app.post(&path).bearer(&by).json(&stand("suspended")).ok().await;
        assert_eq!(suspended["data"]["standing"], "suspended");
        // At once: this server did it.
        app.get(&read).by(&ann).refused(403, "ACCOUNT_ON_HOLD").await;
        app.get(BALANCE).bearer(&hers).refused(401, "UNAUTHORIZED").await;
        app.get(BALANCE).by(&ann).ok().await;
        deliver(app, &id, "m2", "Telegram code: 77777").await;
        app.post(&path).bearer(&by).json(&stand("suspended")).ok().await;
        app.post(&path).bearer(&by).json(&stand("pending")).refused(409, "INVALID_STATE").await;

        app.post(&path).bearer(&by).json(&stand("approved")).ok().await;
        let shown = app.get(&read).by(&ann).ok().await;
        assert_eq!(
            (&shown["data"]["otp"], shown["data"]["sms"].as_array().unwrap().len()),
            (&json!("48291"), 1)
        );
        app.get(BALANCE).bearer(&hers).refused(401, "UNAUTHORIZED").await;
        app.post(&path).bearer(&by).json(&stand("closed")).ok().await;
        app.get(BALANCE).by(&ann).refused(401, "UNAUTHORIZED").await;
        app.post(&path).bearer(&by).json(&stand("approved")).refused(409, "INVALID_STATE").await;
        let (actor, whose) = (admin.account.get(), ann.account.get());
        let expected =
            ["suspend", "approve", "close"].map(|act| format!("{actor} account.{act} Some({whose})"));
        assert_eq!(acts(app).await, expected);
    });
}

#[test]
fn purses_are_adjusted_with_a_reason_once_under_a_reference() {
    in_sandbox(async |app| {
        let admin = app.account_of(Role::Admin).await;
        let by = app.session(&admin).await;
        let ann = app.account(0, 0).await;
        let path = of(&ann, "/adjust");
        let adjust = async |body: Value| app.post(&path).bearer(&by).json(&body).send().await;
        let given = json!({ "credits": 20, "balance": "1.5", "reason": "an outage", "reference": "case 7" });
        for first in [true, false] {
            let answer = adjust(given.clone()).await.ok();
            assert_eq!(answer["data"]["adjusted"], json!(first));
            assert_eq!(
                (&answer["data"]["account"]["balance"], &answer["data"]["account"]["credits"]),
                (&json!("1.50"), &json!(20))
            );
        }
        let taken = adjust(json!({ "balance": -0.5, "reason": "a mistake" })).await.ok();
        assert_eq!(taken["data"]["account"]["balance"], json!("1.00"));
        for (body, status, code) in [
            (json!({ "credits": -21, "reason": "x" }), 409, "INVALID_STATE"),
            (json!({ "credits": i64::MAX, "reason": "x" }), 409, "INVALID_STATE"),
            (json!({ "credits": 21, "reason": "x", "reference": "case 7" }), 409, "INVALID_STATE"),
            (json!({ "credits": 1 }), 400, "INVALID_PARAMETER"),
            (json!({ "credits": 1, "reason": " " }), 400, "INVALID_PARAMETER"),
            (json!({ "credits": 1, "reason": "a\u{0}b" }), 400, "INVALID_PARAMETER"),
            (json!({ "credits": 1, "reason": "x".repeat(501) }), 400, "INVALID_PARAMETER"),
            (json!({ "credits": 1.5, "reason": "x" }), 400, "INVALID_PARAMETER"),
            (json!({ "credits": 0, "reason": "x" }), 400, "INVALID_PARAMETER"),
            (json!({ "balance": "1e3", "reason": "x" }), 400, "INVALID_PARAMETER"),
            (json!({ "balance": [1], "reason": "x" }), 400, "INVALID_PARAMETER"),
            (json!({ "credits": 1, "reason": "x", "reference": "" }), 400, "INVALID_PARAMETER"),
        ] {
            adjust(body).await.refused(status, code);
        }
        let all = acts(app).await;
        assert_eq!(all, vec![format!("{} purse.adjust Some({})", admin.account.get(), ann.account.get()); 2]);
        let seen = app.get(&format!("{ACTS}?account={}&limit=1", ann.account.get())).bearer(&by).ok().await;
        let detail = json!({"balance": "-0.50", "credits": 0, "reason": "a mistake", "reference": null});
        assert_eq!((&seen["data"][0]["detail"], &seen["pagination"]["total"]), (&detail, &json!(2)));
        assert_eq!(seen["data"][0]["hash"].as_str().unwrap().len(), 64);
        app.get(&format!("{ACTS}?account=x")).bearer(&by).refused(400, "INVALID_PARAMETER").await;
    });
}

#[test]
fn an_admin_changes_nothing_about_itself() {
    in_sandbox(async |app| {
        let admin = app.account_of(Role::Admin).await;
        let by = app.session(&admin).await;
        let standing = json!({ "standing": "limited", "reason": "x" });
        app.post(&of(&admin, "/standing")).bearer(&by).json(&standing).refused(409, "INVALID_STATE").await;
        let money = json!({ "credits": 1_000_000, "reason": "x" });
        app.post(&of(&admin, "/adjust")).bearer(&by).json(&money).refused(409, "INVALID_STATE").await;
        assert_eq!(acts(app).await, [""; 0]);
        let other = app.account_of(Role::Admin).await;
        let theirs = app.session(&other).await;
        app.post(&of(&admin, "/standing")).bearer(&theirs).json(&standing).ok().await;
    });
}

#[test]
fn sign_ins_are_seen_and_ended() {
    in_sandbox(async |app| {
        let admin = app.account_of(Role::Admin).await;
        let by = app.session(&admin).await;
        let (ann, bob) = (app.account(0, 0).await, app.account(0, 0).await);
        let (phone, browser) = (app.jwt(&ann).await, app.session(&ann).await);
        let bobs = app.session(&bob).await;
        let path = of(&ann, "/sessions");
        let listed = app.get(&path).bearer(&by).ok().await;
        assert_eq!(listed["data"].as_array().unwrap().len(), 2);
        let one = text(&listed["data"][0], "id").to_owned();
        let end =
            async |rest: &str| app.ask(Method::DELETE, &format!("{path}{rest}")).bearer(&by).send().await;
        assert_eq!(end(&format!("?session={one}&reason=stolen")).await.ok()["data"], json!({ "ended": 1 }));
        // Both were made at the same moment, so either is the first.
        let mut left = 0;
        for token in [&browser, &phone] {
            left += usize::from(app.get(BALANCE).bearer(token).send().await.status == 200);
        }
        assert_eq!(left, 1);
        end(&format!("?session={one}")).await.refused(404, "NOT_FOUND");
        end("?session=x").await.refused(404, "NOT_FOUND");
        end("?reason=%07").await.refused(400, "INVALID_PARAMETER");
        let bobs_path = format!("{}?session={one}", of(&bob, "/sessions"));
        app.ask(Method::DELETE, &bobs_path).bearer(&by).refused(404, "NOT_FOUND").await;
        assert_eq!(end("").await.ok()["data"], json!({ "ended": 1 }));
        for token in [&browser, &phone] {
            app.get(BALANCE).bearer(token).refused(401, "UNAUTHORIZED").await;
        }
        app.get(BALANCE).bearer(&bobs).ok().await;
        app.get(BALANCE).by(&ann).ok().await;
        let words: Vec<String> = acts(app).await;
        let words: Vec<&str> = words.iter().map(|act| act.split(' ').nth(1).unwrap()).collect();
        assert_eq!(words, ["sessions.look", "sessions.end", "sessions.end"]);
    });
}

#[test]
fn many_admins_at_once_make_one_chain() {
    in_sandbox(async |app| {
        let admin = app.account_of(Role::Admin).await;
        let by = app.session(&admin).await;
        let ann = app.account(0, 0).await;
        let body = json!({ "credits": 1, "reason": "x", "reference": "the same" });
        let path = of(&ann, "/adjust");
        let mut asked = Vec::new();
        for place in 0..20 {
            asked.push(app.post(&path).bearer(&by).json(&body).start());
            let own = json!({ "credits": 1, "reason": "x", "reference": format!("own {place}") });
            asked.push(app.post(&path).bearer(&by).json(&own).start());
        }
        let mut made = 0;
        for answer in asked {
            made += usize::from(answer.await.unwrap().ok()["data"]["adjusted"] == json!(true));
        }
        assert_eq!((made, acts(app).await.len()), (21, 21));
        let balance = app.get(BALANCE).by(&ann).ok().await;
        assert_eq!(balance["credits"], json!(21));
    });
}

#[test]
fn with_a_listener_of_its_own_the_public_one_knows_nothing_of_it() {
    let setup = Setup::sandbox().flagged(|flags| flags.admin_listen = Some("127.0.0.1:0".to_owned()));
    with_app(setup, async |app| {
        let document = app.get("/openapi.json").send().await.json();
        assert!(document["paths"].as_object().unwrap().keys().all(|path| !path.starts_with("/admin")));
    });
}
