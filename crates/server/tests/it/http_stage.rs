//! What the HTTP tests share: short names for a customer's steps, messages as providers word them, and a raw
//! connection for what only a real one shows. No test is here.

use numberotp_core::activation::Activation;
use numberotp_server::store::activation::activation_get;
use numberotp_server::store::sandbox::{SandboxPurchase, sandbox_purchase_get};
use numberotp_testkit::app::{Answer, Customer, TestApp};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Where numbers are rented.
pub const RENT: &str = "/api/internal/rent";
/// The body of both code samples of the published page.
pub fn telegram() -> Value {
    json!({ "service": "telegram", "country": "US" })
}

/// A rent's address, with a verb or without.
pub fn at(id: &str, verb: &str) -> String {
    if verb.is_empty() { format!("{RENT}/{id}") } else { format!("{RENT}/{id}/{verb}") }
}

/// A text field.
pub fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_else(|| panic!("no text `{field}` in {value}"))
}

/// The keys of an object in the order in which they were sent.
pub fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

/// Rents by this body; the rent's data.
pub async fn rent_by(app: &TestApp<'_>, customer: &Customer, body: Value) -> Value {
    app.post(RENT).by(customer).json(&body).ok().await["data"].clone()
}

/// Rents a telegram number in the US; its id.
pub async fn rent(app: &TestApp<'_>, customer: &Customer) -> String {
    text(&rent_by(app, customer, telegram()).await, "id").to_owned()
}

/// A rent as its customer reads it.
pub async fn look(app: &TestApp<'_>, customer: &Customer, id: &str) -> Value {
    app.get(&at(id, "")).by(customer).ok().await["data"].clone()
}

/// A step on a rent, whatever becomes of it.
pub async fn step(app: &TestApp<'_>, customer: &Customer, id: &str, verb: &str) -> Answer {
    app.post(&at(id, verb)).by(customer).send().await
}

/// Credits and USD, as the balance route says.
pub async fn purses(app: &TestApp<'_>, customer: &Customer) -> (i64, f64) {
    let balance = app.get("/api/internal/balance").by(customer).ok().await;
    (balance["credits"].as_i64().unwrap(), balance["balance"].as_f64().unwrap())
}

/// The ids of a customer's rents as the list shows them, newest first.
pub async fn listed(app: &TestApp<'_>, customer: &Customer, query: &str) -> Vec<String> {
    let list = app.get(&format!("/api/internal/rents{query}")).by(customer).ok().await;
    list["data"].as_array().unwrap().iter().map(|rent| text(rent, "id").to_owned()).collect()
}

/// All of a customer's rents, newest first: id and status.
pub async fn rents(app: &TestApp<'_>, customer: &Customer) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for page in 1.. {
        let list = app.get(&format!("/api/internal/rents?limit=100&page={page}")).by(customer).ok().await;
        let rows = list["data"].as_array().unwrap();
        all.extend(rows.iter().map(|rent| (text(rent, "id").to_owned(), text(rent, "status").to_owned())));
        if list["pagination"]["hasMore"] == false {
            break;
        }
    }
    all
}

/// All rows of a customer's transactions (at most a hundred), newest first.
pub async fn transactions(app: &TestApp<'_>, customer: &Customer) -> Vec<Value> {
    let list = app.get("/api/internal/transactions?limit=100").by(customer).ok().await;
    assert_eq!(list["pagination"]["hasMore"], false, "more rows than this helper reads");
    list["data"].as_array().unwrap().clone()
}

/// The types of those rows, newest first.
pub async fn movements(app: &TestApp<'_>, customer: &Customer) -> Vec<String> {
    transactions(app, customer).await.iter().map(|row| text(row, "type").to_owned()).collect()
}

/// What the sandbox gave to a rent; `None` if it was never asked.
pub async fn at_sandbox(app: &TestApp<'_>, id: &str) -> Option<SandboxPurchase> {
    let reference = app.row_of(id).get().to_string();
    app.read(move |tx| sandbox_purchase_get(tx, &reference)).await
}

/// A rent's row.
pub async fn row(app: &TestApp<'_>, id: &str) -> Activation {
    let id = app.row_of(id);
    app.read(move |tx| activation_get(tx, id)).await.unwrap()
}

/// A message for a rent of the sandbox's, as the sandbox words it.
pub async fn sms(app: &TestApp<'_>, id: &str, message: &str, says: &str) -> Value {
    let reference = at_sandbox(app, id).await.unwrap().provider_ref();
    json!({ "providerRef": reference, "text": says, "from": "Telegram", "messageId": message })
}

/// Delivers such a message; whether it belonged to a purchase.
pub async fn deliver(app: &TestApp<'_>, id: &str, message: &str, says: &str) -> bool {
    let body = sms(app, id, message, says).await;
    app.deliver("sandbox", &body).await.ok()["matched"].as_bool().unwrap()
}

/// Sends bytes on a connection of its own and reads until the server closes it.
pub async fn raw(address: SocketAddr, bytes: impl Into<Vec<u8>>) -> String {
    let bytes = bytes.into();
    let talk = move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        // A server that has read enough may close before everything is sent.
        let _refused = stream.write_all(&bytes);
        let mut answer = Vec::new();
        let _reset = stream.read_to_end(&mut answer);
        String::from_utf8(answer).unwrap()
    };
    tokio::task::spawn_blocking(talk).await.unwrap()
}
