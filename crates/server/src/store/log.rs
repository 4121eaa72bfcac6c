//! The log of what was decided about people and messages: who, what, about whom, why. Rows are added and never
//! changed. It holds no text, no number and no code, so it may outlive what it speaks of.

use super::StoreError;
use super::db::Kind::{Int, Text};
use super::db::{Action, Bulk, Value, statements};
use super::tx::Tx;
use numberotp_core::activation::{SealedBecause, Verdict, WithheldBecause};
use numberotp_core::id::{ActivationId, SessionId};
use numberotp_core::time::Time;

statements! {
    /// The newest entries.
    LOG_NEWEST = "SELECT id, at, actor, action, subject_kind, subject_id, detail FROM audit_log ORDER BY at DESC, id DESC LIMIT $1";
}

/// How entries are written, many at a time.
pub(crate) const LOG_INSERT: Bulk = Bulk {
    name: "LOG_INSERT",
    table: "audit_log",
    action: Action::Insert(&[
        ("id", Int),
        ("at", Int),
        ("actor", Text),
        ("action", Text),
        ("subject_kind", Text),
        ("subject_id", Int),
        ("detail", Text),
    ]),
};

/// What became of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Act {
    /// It was kept from its buyer.
    Withheld,
    /// An exception let it through to its buyer.
    LetThrough,
    /// It waits for its purchase, which an exception may be for.
    Parked,
    /// It was late or ambiguous, so nobody sees it anyway.
    Sealed,
}

impl Act {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Withheld => "message.withheld",
            Self::LetThrough => "message.let_through",
            Self::Parked => "message.parked",
            Self::Sealed => "message.sealed",
        }
    }
}

/// An entry.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Its row.
    pub id: i64,
    /// When.
    pub at: Time,
    /// Who decided: `policy` for the product's own rules.
    pub actor: String,
    /// What, such as `message.withheld`.
    pub action: String,
    /// About what: `activation`, or nothing that is known.
    pub subject_kind: String,
    /// Its row.
    pub subject: Option<i64>,
    /// Why.
    pub detail: String,
}

impl Entry {
    /// Something became of a message that looks like what is kept from buyers.
    pub(crate) fn message(
        id: i64,
        act: Act,
        because: WithheldBecause,
        (activation, at): (Option<ActivationId>, Time),
    ) -> Self {
        Self {
            id,
            at,
            actor: "policy".to_owned(),
            action: act.as_str().to_owned(),
            subject_kind: activation.map_or("", |_| "activation").to_owned(),
            subject: activation.map(ActivationId::get),
            detail: because.as_str().to_owned(),
        }
    }

    /// A message was sealed that would have been shown, had its buyer not been stopped.
    pub(crate) fn sealed(id: i64, because: SealedBecause, (activation, at): (ActivationId, Time)) -> Self {
        Self {
            id,
            at,
            actor: "policy".to_owned(),
            action: Act::Sealed.as_str().to_owned(),
            subject_kind: "activation".to_owned(),
            subject: Some(activation.get()),
            detail: Verdict::Sealed(because).reason().to_owned(),
        }
    }

    /// A refresh token was used again long after its exchange, and ended its session.
    pub(crate) fn reused(id: i64, session: SessionId, at: Time) -> Self {
        let owned = str::to_owned;
        let (actor, action) = (owned("policy"), owned("session.ended"));
        let (subject_kind, detail) = (owned("session"), owned("refresh token reused"));
        Self { id, at, actor, action, subject_kind, subject: Some(session.get()), detail }
    }

    pub(crate) fn row(&self) -> Vec<Value> {
        vec![
            self.id.into(),
            self.at.micros().into(),
            self.actor.as_str().into(),
            self.action.as_str().into(),
            self.subject_kind.as_str().into(),
            self.subject.into(),
            self.detail.as_str().into(),
        ]
    }
}

/// The newest entries, newest first.
pub fn log_newest(tx: &mut Tx<'_>, limit: i64) -> Result<Vec<Entry>, StoreError> {
    let mut entries = Vec::new();
    for mut row in tx.query(&LOG_NEWEST, &[limit.into()])? {
        entries.push(Entry {
            id: row.int("id")?,
            at: Time::from_micros(row.int("at")?),
            actor: row.text("actor")?,
            action: row.text("action")?,
            subject_kind: row.text("subject_kind")?,
            subject: row.opt_int("subject_id")?,
            detail: row.text("detail")?,
        });
    }
    Ok(entries)
}
