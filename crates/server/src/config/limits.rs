//! What a running server goes by: the operator's choices and the documented limits, with their defaults.

use super::Mode;
use numberotp_core::money::CreditValue;
use numberotp_core::time::Span;

/// What an operator or a test can set.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Sandbox or production.
    pub mode: Mode,
    /// Whether the demo account is made.
    pub demo: bool,
    /// How long an activation waits for its message.
    pub activation_window: Span,
    /// Worth of a credit.
    pub credit: CreditValue,
    /// How long a caller waits for a provider before it is told `PURCHASE_UNCONFIRMED`.
    pub purchase_within: Span,
    /// When the reconciler looks after a purchase nobody settled; later than `purchase_within`.
    pub reconcile_after: Span,
    /// When the reconciler gives up asking and the money goes back.
    pub settle_within: Span,
    /// How long `/wait` holds.
    pub wait_hold: Span,
    /// How long `/wait` holds beyond the limit of waits.
    pub wait_hold_over_limit: Span,
    /// Waits of one account at once.
    pub waits_per_account: usize,
    /// How often a waiter looks by itself, in case a wake-up was lost or came to another process.
    pub wait_poll: Span,
    /// How long messages are kept.
    pub message_retention: Span,
    /// How long an own number rests between two buyers.
    pub number_cool_down: Span,
    /// How long a request's head may take, from its first byte.
    pub head_within: Span,
    /// How long a connection may be silent between two requests.
    pub idle_within: Span,
    /// How long a body may take.
    pub body_within: Span,
    /// How long the other side may leave an answer untaken.
    pub stall_within: Span,
    /// How long an answer may take; a purchase is bounded by itself below this.
    pub answer_within: Span,
    /// How long somebody waits for a password to be hashed before being told to come again.
    pub hash_within: Span,
    /// Most requests worked on at once; waits for a code, and bodies that are still coming, do not count.
    pub requests_at_once: usize,
    /// How long the database may take to answer before this server says that it is not ready.
    pub ready_within: Span,
    /// Most jobs that may be late by a minute before it says so.
    pub late_jobs_most: i64,
    /// How long after the purchase the sandbox's message comes.
    pub sandbox_delay: Span,
    /// How long the sandbox takes to answer a purchase that a test wants to be slow.
    pub sandbox_slow: Span,
    /// What the sandbox's numbers and codes follow from.
    pub sandbox_seed: u64,
}

impl Settings {
    /// The documented defaults.
    pub const fn new(mode: Mode) -> Self {
        Self {
            mode,
            demo: false,
            activation_window: Span::minutes(20),
            credit: CreditValue::PUBLISHED,
            purchase_within: Span::seconds(20),
            reconcile_after: Span::seconds(25),
            settle_within: Span::seconds(55),
            wait_hold: Span::seconds(55),
            wait_hold_over_limit: Span::seconds(5),
            waits_per_account: 50,
            wait_poll: Span::seconds(5),
            message_retention: Span::hours(72),
            number_cool_down: Span::hours(24),
            head_within: Span::seconds(10),
            idle_within: Span::seconds(60),
            body_within: Span::seconds(10),
            stall_within: Span::seconds(30),
            answer_within: Span::seconds(29),
            hash_within: Span::seconds(5),
            requests_at_once: 1_024,
            ready_within: Span::seconds(1),
            late_jobs_most: 1_000,
            sandbox_delay: Span::seconds(2),
            sandbox_slow: Span::seconds(5),
            sandbox_seed: 0,
        }
    }
}
