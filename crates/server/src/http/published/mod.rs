//! The `/api` layer. Shapes and words are law: see the published page; silences are answered in the docs.

pub(super) mod account;
pub(super) mod prices;
pub(super) mod rent;
pub(super) mod vocabulary;

use super::extract::Page;
use super::shapes::Pagination;
use numberotp_core::money::{MICROS_PER_USD, Usd};
use serde_json::{Number, Value, json};

/// An amount as a JSON number: whole dollars without decimals, as `"balanceChange":0`; else the shortest text
/// that reads back as the same number, so `100.5` is exact.
pub(in crate::http) fn number(amount: Usd) -> Value {
    let micros = amount.micros();
    if micros % MICROS_PER_USD == 0 {
        return json!(micros / MICROS_PER_USD);
    }
    let exact = amount.to_string().parse::<f64>().ok().and_then(Number::from_f64);
    exact.map_or(Value::Null, Value::Number)
}

/// The `pagination` object of a list.
pub(super) fn pagination(page: Page, total: i64) -> Pagination {
    let pages = total.saturating_add(page.limit).saturating_sub(1).checked_div(page.limit).unwrap_or(0);
    Pagination { page: page.page, limit: page.limit, total, total_pages: pages, has_more: page.page < pages }
}
