//! Messages and jobs that come at the wrong time: for the number's last renter, for a provider that was switched
//! off, of a kind that this server does not know.

use crate::http_stage::{look, purses, rent_by, text};
use numberotp_core::job::{JobKind, Lane};
use numberotp_core::text::ProviderCode;
use numberotp_core::time::Span;
use numberotp_server::store::db::Statement;
use numberotp_server::store::job::{job_create, job_kill, jobs_take};
use numberotp_server::store::number::Sharing;
use numberotp_server::store::offer::provider_enable;
use numberotp_testkit::app::{Gateway, Setup, Sim, in_sandbox, with_app};
use serde_json::{Value, json};

const ONE_SIM: Gateway = Gateway {
    code: "modem",
    country: "GB",
    sims: &[Sim { number: "+447700900301", operator: "ee", sharing: Sharing::Exclusive }],
    offers: &[("telegram", 1, 50_000), ("whatsapp", 1, 50_000)],
};

fn of(service: &str) -> Value {
    json!({ "service": service, "country": "GB" })
}

#[test]
fn a_late_message_of_a_numbers_last_renter_is_shown_to_nobody_and_charges_nobody() {
    let shortest = Setup::production().adjusted(|settings| settings.number_cool_down = Span::hours(1));
    with_app(shortest, async |app| {
        app.own_gateway(&ONE_SIM).await;
        let (first, second) = (app.account(0, 50_000).await, app.account(0, 50_000).await);
        let rented = rent_by(app, &first, of("telegram")).await;
        let sent_at = app.now().to_rfc3339_seconds();
        let cancel = format!("/api/internal/rent/{}/cancel", text(&rented, "id"));
        app.post(&cancel).by(&first).ok().await;
        app.live(600).await;
        app.advance(Span::minutes(51));
        // Delayed, it finds nobody; it must not lie in wait for the number's next renter either.
        let stray =
            json!({ "number": "+447700900301", "text": "Telegram code: 44444", "receivedAt": sent_at });
        assert_eq!(app.deliver("modem", &stray).await.ok()["matched"], false);
        let again = rent_by(app, &second, of("whatsapp")).await;
        assert_eq!(text(&again, "number"), text(&rented, "number"));

        let late =
            json!({ "number": "+447700900301", "text": "Telegram code: 55555", "receivedAt": sent_at });
        assert_eq!(app.deliver("modem", &late).await.ok()["matched"], false);
        let seen = look(app, &second, text(&again, "id")).await;
        assert_eq!(
            (text(&seen, "status"), &seen["otp"], &seen["sms"]),
            ("waiting", &Value::Null, &json!([]))
        );

        // Its own message, of now, comes through.
        let now = app.now().to_rfc3339_seconds();
        let own =
            json!({ "number": "+447700900301", "text": "Your WhatsApp code: 482-913", "receivedAt": now });
        assert_eq!(app.deliver("modem", &own).await.ok()["matched"], true);
        assert_eq!(text(&look(app, &second, text(&again, "id")).await, "otp"), "482913");
    });
}

#[test]
fn a_provider_that_is_switched_off_sells_nothing_but_still_delivers_what_it_sold() {
    with_app(Setup::production(), async |app| {
        app.own_gateway(&ONE_SIM).await;
        let customer = app.account(0, 100_000).await;
        let rented = rent_by(app, &customer, of("telegram")).await;
        let code = ProviderCode::parse("modem").unwrap();
        app.write(move |tx| provider_enable(tx, &code, false)).await;
        app.refresh().await;
        app.post("/api/internal/rent")
            .by(&customer)
            .json(&of("whatsapp"))
            .refused(404, "NO_NUMBERS_AVAILABLE")
            .await;
        let message = json!({ "number": "+447700900301", "text": "Telegram code: 55555" });
        assert_eq!(app.deliver("modem", &message).await.ok()["matched"], true);
        assert_eq!(text(&look(app, &customer, text(&rented, "id")).await, "otp"), "55555");
        assert_eq!(purses(app, &customer).await.1, 0.05);
    });
}

#[test]
fn the_purge_goes_on_for_ever_and_a_dead_one_lives_again_at_the_next_start() {
    in_sandbox(async |app| {
        for _ in 0..5 {
            app.advance(Span::minutes(11));
            app.run_jobs().await;
        }
        let now = app.now().plus(Span::hours(1));
        let purge = |jobs: Vec<numberotp_server::store::job::Job>| {
            jobs.into_iter().find(|job| job.kind == JobKind::MessagePurge).unwrap()
        };
        let taken = purge(app.write(move |tx| jobs_take(tx, now, Lane::Main, 10)).await);
        assert_eq!(taken.attempts, 1, "good turns do not count as tries");
        app.write(move |tx| job_kill(tx, taken.id)).await;
        app.restart().await;
        assert_eq!(purge(app.write(move |tx| jobs_take(tx, now, Lane::Main, 10)).await).attempts, 1);
    });
}

#[test]
fn a_job_of_a_newer_server_does_not_stop_the_others() {
    in_sandbox(async |app| {
        let customer = app.account(100, 0).await;
        let rented = rent_by(app, &customer, json!({"service": "telegram", "country": "US"})).await;
        let now = app.now();
        // The oldest due job is one that only another version knows.
        app.write(move |tx| {
            let job = job_create(tx, JobKind::ActivationSweep, 1, now.minus(Span::hours(1)))?;
            let unknown =
                Statement::new("TEST_UNKNOWN_JOB", "UPDATE jobs SET kind = 'from_the_future' WHERE id = $1");
            tx.execute(&unknown, &[job.get().into()])
        })
        .await;
        app.live(5).await;
        assert_eq!(text(&look(app, &customer, text(&rented, "id")).await, "status"), "received");
    });
}
