//! Logs as a machine reads them: everything about a purchase is found by the id of the request that bought it, and
//! nothing secret stands in any line of any level, nor in what is measured.

use crate::http_stage::{RENT, at, deliver, rent, row, sms, step, telegram, text};
use numberotp_core::time::Span;
use numberotp_server::app::upstream::Interference;
use numberotp_server::store::number::Sharing;
use numberotp_server::telemetry::{Form, subscriber};
use numberotp_testkit::app::{Gateway, Setup, Sim, TestApp, in_sandbox, with_app};
use serde_json::{Value, json};
use std::io::Write;
use std::process::Command;
use std::sync::{Arc, Mutex};
use tracing_subscriber::fmt::MakeWriter;

/// Tells a test that its process is its own.
const ALONE: &str = "NUMBEROTP_TEST_ALONE";

/// Carries out a test of this module in a process of its own.
fn alone(name: &str, test: fn()) {
    alone_as(&format!("http_trace::{name}"), test);
}

/// Carries out the test of this whole name in a process of its own: whoever listens hears all of a process, and a runner
/// may have other tests in this one.
pub fn alone_as(name: &str, test: fn()) {
    if std::env::var_os(ALONE).is_some() {
        return test();
    }
    let mut again = Command::new(std::env::current_exe().unwrap());
    again.args([name, "--exact", "--nocapture"]).env(ALONE, "1");
    let output = again.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

/// All lines of this process.
#[derive(Clone, Default)]
struct Ears(Arc<Mutex<Vec<u8>>>);

impl Ears {
    fn listen(form: Form, filter: &str) -> Self {
        let ears = Self::default();
        let subscriber = subscriber(form, Some(filter), ears.clone());
        tracing::subscriber::set_global_default(subscriber).expect("this test hears the whole process");
        ears
    }
    fn all(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
    /// The lines with a word in them: a grep.
    fn grep(&self, word: &str) -> Vec<String> {
        self.all().lines().filter(|line| line.contains(word)).map(str::to_owned).collect()
    }
}

impl Write for Ears {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Ears {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// What a line says, and what it is about: its event's `kind` or `route`, wherever it stands.
fn told(line: &str) -> (String, String) {
    let line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    let field = |name: &str| {
        [&line[name], &line["span"][name]].into_iter().find_map(Value::as_str).unwrap_or("").to_owned()
    };
    let about = Some(field("kind")).filter(|kind| !kind.is_empty()).unwrap_or_else(|| field("route"));
    (field("message"), about)
}

#[test]
fn one_grep_finds_a_purchase_its_jobs_and_its_webhook() {
    alone("one_grep_finds_a_purchase_its_jobs_and_its_webhook", || {
        let ears = Ears::listen(Form::Json, "info");
        in_sandbox(async |app| {
            let customer = app.account(10_000, 0).await;
            let answer = app.post(RENT).by(&customer).json(&telegram()).send().await;
            let (id, request) =
                (text(&answer.ok()["data"], "id").to_owned(), answer.header("x-request-id").to_owned());
            app.live(3).await;
            step(app, &customer, &id, "finish").await.ok();
            app.run_jobs().await;
            app.run_jobs().await;

            let found: Vec<(String, String)> = ears.grep(&request).iter().map(|line| told(line)).collect();
            for (message, about) in [
                ("a number was rented", ""),
                ("answered", RENT),
                ("a webhook came", ""),
                ("answered", "/api/webhooks/sms/{provider}"),
                ("a job was carried out", "sandbox_sms"),
                ("a job was carried out", "activation_release"),
            ] {
                assert!(
                    found.contains(&(message.to_owned(), about.to_owned())),
                    "{message} {about} in {found:?}"
                );
            }
            // By the rent's own id: the purchase and what became of it later, whoever asked for that.
            assert!(ears.grep(&id).iter().any(|line| line.contains("activation_release")), "{id}");
            let row = format!("\"activation\":{}", app.row_of(&id).get());
            assert!(ears.grep(&row).iter().any(|line| line.contains("a message was stored")), "{row}");
        });
    });
}

#[test]
fn a_webhook_keeps_the_id_it_came_with_if_that_can_stand_in_a_log() {
    in_sandbox(async |app| {
        let path = "/api/webhooks/sms/sandbox";
        let named = |id: &str| app.post(path).header("x-request-id", id).json(&json!({})).send();
        assert_eq!(named("gateway-7.message_12").await.header("x-request-id"), "gateway-7.message_12");
        for bad in ["short", "has a space in it", "quote\"in-it-12", &"x".repeat(65)] {
            assert!(named(bad).await.header("x-request-id").starts_with("req_"), "{bad}");
        }
        let customers =
            app.get("/api/public/services").header("x-request-id", "gateway-7.message_12").send().await;
        assert!(
            customers.header("x-request-id").starts_with("req_"),
            "only a webhook is named by its sender"
        );
    });
}

#[test]
fn a_repeat_of_a_job_after_a_restart_goes_back_to_the_same_request() {
    alone("a_repeat_of_a_job_after_a_restart_goes_back_to_the_same_request", || {
        let ears = Ears::listen(Form::Json, "info");
        in_sandbox(async |app| {
            let customer = app.account(10_000, 0).await;
            app.line().on("allocate", Interference::LoseReply);
            let answer = app.post(RENT).by(&customer).json(&telegram()).send().await;
            answer.refused(503, "PURCHASE_UNCONFIRMED");
            let request = answer.header("x-request-id").to_owned();
            app.line().mend();
            app.restart().await;
            app.live(30).await;
            let found = ears.grep(&request);
            assert!(found.iter().any(|line| line.contains("activation_watch")), "{found:?}");
        });
    });
}

const CODE: &str = "7Q4ZK9XWVT";
const SAYS: &str = "Planted-words-about-a-rendezvous: 7Q4ZK9XWVT";
const FROM: &str = "PlantedSender";
const TOKEN: &str = "planted-metrics-token";
const NUMBER: &str = "+447700900777";
const MODEM: Gateway = Gateway {
    code: "modem",
    country: "GB",
    sims: &[Sim { number: NUMBER, operator: "ee", sharing: Sharing::Exclusive }],
    offers: &[("telegram", 1, 50_000)],
};

/// Everything that can go wrong around a number that an operator owns.
async fn own_numbers(app: &mut TestApp<'_>) -> Vec<String> {
    app.own_gateway(&MODEM).await;
    let customer = app.account(1_000_000, 0).await;
    let wish = json!({ "service": "telegram", "country": "GB" });
    let old = app.rotate("modem", Span::hours(1)).await;
    let answer = app.post(RENT).by(&customer).json(&wish).send().await.ok();
    let id = text(&answer["data"], "id").to_owned();
    let message = json!({ "number": NUMBER, "text": SAYS, "from": FROM, "code": CODE, "messageId": CODE });
    app.deliver("modem", &message).await.ok();
    app.deliver("modem", &message).await.ok();
    let mut unreadable = message.clone();
    unreadable["receivedAt"] = json!(SAYS);
    app.deliver("modem", &unreadable).await.refused(400, "INVALID_PARAMETER");
    let mut stray = message.clone();
    stray["number"] = json!("+447700900778");
    stray["messageId"] = json!("other");
    app.deliver("modem", &stray).await.ok();
    app.post("/api/webhooks/sms/modem")
        .header("x-signature", CODE)
        .header("x-request-id", "webhook-of-modem")
        .json(&message)
        .refused(401, "INVALID_SIGNATURE")
        .await;
    app.get(&at(&id, "wait")).by(&customer).ok().await;
    step(app, &customer, &id, "finish").await.ok();
    for bad in [Interference::LoseReply, Interference::Refuse, Interference::NoStock] {
        app.line().on("allocate", bad);
        app.post(RENT).by(&customer).json(&wish).send().await;
        app.line().on("release", bad);
        app.live(40).await;
    }
    // The provider names a purchase as another: the books refuse, and say why in the log.
    app.line().mend();
    app.live(120).await;
    for path in
        [format!("/nowhere/{CODE}"), format!("/api/internal/rent/{NUMBER}"), format!("/readyz?code={CODE}")]
    {
        app.get(&path).by(&customer).send().await;
    }
    vec![customer.key, customer.email, String::from_utf8_lossy(old.expose()).into_owned()]
}

/// The same around the sandbox's numbers, which are told apart by the rent.
async fn sandbox_numbers(app: &mut TestApp<'_>) -> Vec<String> {
    let customer = app.account(1_000_000, 0).await;
    let id = rent(app, &customer).await;
    let number = row(app, &id).await.state.line().unwrap().number.expose().to_owned();
    let mut message = sms(app, &id, "planted", SAYS).await;
    message["from"] = json!(FROM);
    message["code"] = json!(CODE);
    app.deliver("sandbox", &message).await.ok();
    deliver(app, &id, "second", SAYS).await;
    app.get("/api/internal/balance").bearer(&format!("{}x", customer.key)).refused(401, "UNAUTHORIZED").await;
    let wrong = json!({ "service": customer.key, "country": SAYS });
    app.post(RENT).by(&customer).json(&wrong).send().await;
    let queued = json!({ "scenario": "normal", "code": "483920", "text": format!("{SAYS} 483920") });
    app.post("/sandbox/scenarios").by(&customer).json(&queued).send().await;
    rent(app, &customer).await;
    app.live(5).await;
    vec![customer.key, customer.email, number]
}

/// Lives through everything and searches every line of every level of ours, and all measures.
fn nothing_leaks(form: Form) {
    let ears = Ears::listen(form, "trace");
    let mut planted: Vec<String> =
        [CODE, "rendezvous", FROM, TOKEN, NUMBER, "447700900777"].map(str::to_owned).to_vec();
    let with = |setup: Setup| setup.flagged(|flags| flags.metrics_token = Some(TOKEN.to_owned()));
    let more = Mutex::new(Vec::new());
    for (setup, own) in [(with(Setup::production()), true), (with(Setup::sandbox()), false)] {
        let setup = setup.adjusted(|settings| settings.purchase_within = Span::millis(200));
        with_app(setup, async |app| {
            let secrets = if own { own_numbers(app).await } else { sandbox_numbers(app).await };
            let measures = app.get("/metrics").bearer(TOKEN).send().await;
            assert_eq!(measures.status, 200);
            ears.clone().write_all(measures.text().as_bytes()).unwrap();
            more.lock().unwrap().extend(secrets);
        });
    }
    planted.extend(more.into_inner().unwrap());
    let all = ears.all();
    assert!(all.lines().count() > 200, "the ears hear something");
    assert!(
        all.contains("webhook-of-modem") && all.contains("a provider did not answer"),
        "what was asked for happened"
    );
    // Those whose lines are ours: a library that prints a whole request is silenced by the default filter, and would
    // be found here.
    let leaks: Vec<&str> =
        all.lines().filter(|line| planted.iter().any(|word| line.contains(word.as_str()))).collect();
    assert!(leaks.is_empty(), "{} lines: {:#?}", leaks.len(), &leaks[..leaks.len().min(5)]);
}

#[test]
fn nothing_secret_stands_in_lines_for_people_nor_in_measures() {
    alone("nothing_secret_stands_in_lines_for_people_nor_in_measures", || nothing_leaks(Form::Text));
}

#[test]
fn nothing_secret_stands_in_lines_for_machines_nor_in_measures() {
    alone("nothing_secret_stands_in_lines_for_machines_nor_in_measures", || nothing_leaks(Form::Json));
}
