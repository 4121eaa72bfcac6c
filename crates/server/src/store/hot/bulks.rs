//! The tables of the hot way and their columns, as sets of rows are written to them.

use crate::store::db::{Action, Bulk, Kind};
use crate::store::ledger::{MOVEMENTS_INSERT, PURSES_UPDATE, TRANSFERS_INSERT};
use crate::store::log::LOG_INSERT;

use Kind::{Always, Bytes, Int, Text};

pub(super) const ACTIVATIONS_INSERT: Bulk = Bulk {
    name: "HOT_ACTIVATIONS_INSERT",
    table: "activations",
    action: Action::Insert(&[
        ("id", Int),
        ("brand_id", Int),
        ("account_id", Int),
        ("service", Text),
        ("country_id", Int),
        ("operator", Text),
        ("pool", Int),
        ("provider", Text),
        ("price", Int),
        ("provider_cost", Int),
        ("cost_currency", Text),
        ("hold_id", Int),
        ("paid_balance", Int),
        ("paid_gift", Int),
        ("paid_granted", Int),
        ("paid_bought", Int),
        ("policy_version", Int),
        ("credential", Text),
        ("credential_id", Int),
        ("ip_prefix", Text),
        ("purpose", Text),
        ("created_at", Int),
        ("request_id", Text),
        // The state as it is at first; what follows in the same batch is an update.
        ("status", Always("'reserving'")),
    ]),
};
/// A number was attached and nothing came yet: what else there is of a state is as it was.
pub(super) const ACTIVATIONS_WAIT: Bulk = Bulk {
    name: "HOT_ACTIVATIONS_WAIT",
    table: "activations",
    action: Action::Update(
        &[("id", Int)],
        &[
            ("status", Always("'waiting'")),
            ("number", Text),
            ("provider_ref", Text),
            ("attached_at", Int),
            ("expires_at", Int),
        ],
    ),
};
pub(super) const ACTIVATIONS_UPDATE: Bulk = Bulk {
    name: "HOT_ACTIVATIONS_UPDATE",
    table: "activations",
    action: Action::Update(
        &[("id", Int)],
        &[
            ("status", Text),
            ("number", Text),
            ("provider_ref", Text),
            ("attached_at", Int),
            ("expires_at", Int),
            ("first_message_at", Int),
            ("code_message_id", Int),
            ("resent_at", Int),
            ("closed_at", Int),
        ],
    ),
};
pub(super) const API_KEYS_SPENT: Bulk = Bulk {
    name: "HOT_API_KEYS_SPENT",
    table: "api_keys",
    action: Action::Update(&[("id", Int)], &[("spent", Int)]),
};
pub(super) const LEASES_INSERT: Bulk = Bulk {
    name: "HOT_LEASES_INSERT",
    table: "leases",
    action: Action::Insert(&[
        ("brand_id", Int),
        ("account_id", Int),
        ("activation_id", Int),
        ("provider", Text),
        ("provider_ref", Text),
        ("number", Text),
        ("service", Text),
        ("from_at", Int),
        ("to_at", Int),
    ]),
};
pub(super) const LEASES_CLOSE: Bulk = Bulk {
    name: "HOT_LEASES_CLOSE",
    table: "leases",
    action: Action::Update(&[("activation_id", Int)], &[("closed_at", Int)]),
};
pub(super) const MESSAGES_INSERT: Bulk = Bulk {
    name: "HOT_MESSAGES_INSERT",
    table: "messages",
    action: Action::Insert(&[
        ("id", Int),
        ("provider", Text),
        ("dedupe_key", Bytes),
        ("provider_ref", Text),
        ("number", Text),
        ("activation_id", Int),
        ("verdict", Text),
        ("reason", Text),
        ("has_code", Int),
        ("services", Text),
        ("key_day", Int),
        ("body", Bytes),
        ("received_at", Int),
        ("purge_after", Int),
    ]),
};
pub(super) const MESSAGES_ADOPT: Bulk = Bulk {
    name: "HOT_MESSAGES_ADOPT",
    table: "messages",
    action: Action::Update(&[("id", Int)], &[("activation_id", Int), ("verdict", Text), ("reason", Text)]),
};
pub(super) const EVENTS_INSERT: Bulk = Bulk {
    name: "HOT_EVENTS_INSERT",
    table: "events",
    action: Action::Insert(&[
        ("id", Int),
        ("account_id", Int),
        ("kind", Text),
        ("activation_id", Int),
        ("created_at", Int),
    ]),
};
/// Also how everybody else writes jobs.
pub(crate) const JOBS_INSERT: Bulk = Bulk {
    name: "JOBS_INSERT",
    table: "jobs",
    action: Action::Insert(&[
        ("id", Int),
        ("kind", Text),
        ("subject_id", Int),
        ("run_at", Int),
        ("attempts", Always("0")),
        ("leased_until", Always("0")),
        ("dead", Always("0")),
    ]),
};
pub(super) const JOBS_MOVE: Bulk = Bulk {
    name: "HOT_JOBS_MOVE",
    table: "jobs",
    action: Action::Update(
        &[("id", Int)],
        &[("run_at", Int), ("attempts", Always("0")), ("leased_until", Always("0"))],
    ),
};
pub(super) const JOBS_END: Bulk =
    Bulk { name: "HOT_JOBS_END", table: "jobs", action: Action::Delete(&[("id", Int)]) };

/// The bulks of the hot way, for the catalogue test.
pub(crate) const BULKS: &[Bulk] = &[
    ACTIVATIONS_INSERT,
    ACTIVATIONS_WAIT,
    ACTIVATIONS_UPDATE,
    API_KEYS_SPENT,
    LEASES_INSERT,
    LEASES_CLOSE,
    MESSAGES_INSERT,
    MESSAGES_ADOPT,
    LOG_INSERT,
    EVENTS_INSERT,
    JOBS_INSERT,
    JOBS_MOVE,
    JOBS_END,
    MOVEMENTS_INSERT,
    TRANSFERS_INSERT,
    PURSES_UPDATE,
];
