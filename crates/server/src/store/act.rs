//! The chain of acts as rows: what the people who run the service did, written in the transaction of the act itself.
//!
//! Guards that there is one chain, however many servers and commands write: whoever adds an entry locks the head, last
//! of all that its transaction locks. Rows are added and never changed, and hold no secret.

use super::StoreError;
use super::db::{Row, statements};
use super::tx::Tx;
use numberotp_core::chain::{Broken, Digest, Link, Walk};
use numberotp_core::id::AccountId;
use numberotp_core::time::Time;

statements! {
    /// What was added last, locked: the next entry waits for this one's commit.
    ACT_HEAD_LOCKED = "SELECT seq, hash FROM act_head WHERE id = 1 LOCKED";
    /// What was added last.
    ACT_HEAD = "SELECT seq, hash FROM act_head WHERE id = 1";
    /// Another entry was added.
    ACT_HEAD_MOVE = "UPDATE act_head SET seq = $1, hash = $2 WHERE id = 1";
    /// A new entry.
    ACT_INSERT = "INSERT INTO acts (seq, at, actor, act, subject_id, detail, previous, hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    /// A portion of the chain, from its beginning.
    ACTS_AFTER = "SELECT seq, at, actor, act, subject_id, detail, previous, hash FROM acts WHERE seq > $1 ORDER BY seq LIMIT $2";
    /// The newest entries.
    ACTS_NEWEST = "SELECT seq, at, actor, act, subject_id, detail, previous, hash FROM acts ORDER BY seq DESC LIMIT $1 OFFSET $2";
    /// The newest entries about an account.
    ACTS_ABOUT = "SELECT seq, at, actor, act, subject_id, detail, previous, hash FROM acts WHERE subject_id = $1 ORDER BY seq DESC LIMIT $2 OFFSET $3";
    /// How many there are.
    ACTS_COUNT = "SELECT COUNT(*) FROM acts";
    /// How many there are about an account.
    ACTS_COUNT_ABOUT = "SELECT COUNT(*) FROM acts WHERE subject_id = $1";
    /// The entry with a hash that somebody noted.
    ACT_BY_HASH = "SELECT seq FROM acts WHERE hash = $1";
}

/// What somebody did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewAct {
    /// When.
    pub at: Time,
    /// Who: an account's row as text, or `cli`.
    pub actor: String,
    /// What, such as `account.suspend`.
    pub act: &'static str,
    /// About whom.
    pub subject: Option<AccountId>,
    /// With which amounts and reasons: JSON.
    pub detail: String,
}

/// An entry of the chain.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Act {
    /// From 1, without gaps.
    pub seq: i64,
    /// When.
    pub at: Time,
    /// Who.
    pub actor: String,
    /// What.
    pub act: String,
    /// About whom.
    pub subject: Option<AccountId>,
    /// With which amounts and reasons: JSON.
    pub detail: String,
    /// The hash of the entry before.
    pub previous: Digest,
    /// Its own.
    pub hash: Digest,
}

/// A look along the whole chain.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Chain {
    /// How many entries there are.
    pub count: i64,
    /// The hash of the last one that was looked at.
    pub head: Digest,
    /// The first place where it is not whole.
    pub broken: Option<Broken>,
}

/// Adds an entry. To be called last in its transaction: the head is the last lock that anybody takes.
pub fn act_append(tx: &mut Tx<'_>, new: &NewAct) -> Result<(), StoreError> {
    let (last, previous) = read_head(tx.query_one(&ACT_HEAD_LOCKED, &[])?)?;
    let seq = last.saturating_add(1);
    let link = Link {
        seq,
        at: new.at,
        actor: &new.actor,
        act: new.act,
        subject: new.subject,
        detail: &new.detail,
        previous,
    };
    let hash = link.digest().to_string();
    let row = [
        seq.into(),
        new.at.micros().into(),
        new.actor.as_str().into(),
        new.act.into(),
        new.subject.map(AccountId::get).into(),
        new.detail.as_str().into(),
        previous.to_string().into(),
        hash.as_str().into(),
    ];
    tx.execute(&ACT_INSERT, &row)?;
    tx.execute(&ACT_HEAD_MOVE, &[seq.into(), hash.into()]).map(drop)
}

/// A page of entries, newest first, all or those about one account; and how many there are.
pub fn acts_page(
    tx: &mut Tx<'_>,
    about: Option<AccountId>,
    (limit, offset): (i64, i64),
) -> Result<(Vec<Act>, i64), StoreError> {
    let (rows, counted) = match about {
        Some(account) => {
            let account = account.get();
            let rows = tx.query(&ACTS_ABOUT, &[account.into(), limit.into(), offset.into()])?;
            (rows, tx.query_one(&ACTS_COUNT_ABOUT, &[account.into()])?)
        }
        None => {
            let rows = tx.query(&ACTS_NEWEST, &[limit.into(), offset.into()])?;
            (rows, tx.query_one(&ACTS_COUNT, &[])?)
        }
    };
    let missing = StoreError::Corrupt { table: "acts", column: "count" };
    let total = counted.ok_or(missing)?.int("count")?;
    Ok((rows.into_iter().map(read_act).collect::<Result<_, _>>()?, total))
}

/// The number of the entry with this hash.
pub fn act_by_hash(tx: &mut Tx<'_>, hash: Digest) -> Result<Option<i64>, StoreError> {
    tx.query_one(&ACT_BY_HASH, &[hash.to_string().into()])?.map(|mut row| row.int("seq")).transpose()
}

/// Looks along the whole chain, from its beginning. To be run in a snapshot.
pub fn chain_check(tx: &mut Tx<'_>) -> Result<Chain, StoreError> {
    const PORTION: i64 = 1_000;
    let mut walk = Walk::new();
    let broken = loop {
        let rows = tx.query(&ACTS_AFTER, &[walk.seq.into(), PORTION.into()])?;
        if rows.is_empty() {
            let (seq, hash) = read_head(tx.query_one(&ACT_HEAD, &[])?)?;
            break ((seq, hash) != (walk.seq, walk.head)).then_some(Broken::Cut(walk.seq, seq));
        }
        let mut step = |row| read_act(row).map(|act| walk.step(&act.link(), act.hash).err());
        let found = rows.into_iter().try_fold(None, |found, row| match found {
            None => step(row),
            some => Ok::<_, StoreError>(some),
        })?;
        if found.is_some() {
            break found;
        }
    };
    Ok(Chain { count: walk.seq, head: walk.head, broken })
}

impl Act {
    fn link(&self) -> Link<'_> {
        Link {
            seq: self.seq,
            at: self.at,
            actor: &self.actor,
            act: &self.act,
            subject: self.subject,
            detail: &self.detail,
            previous: self.previous,
        }
    }
}

fn read_head(row: Option<Row>) -> Result<(i64, Digest), StoreError> {
    let mut row = row.ok_or(StoreError::Corrupt { table: "act_head", column: "id" })?;
    Ok((row.int("seq")?, row.parsed("hash", Digest::parse)?))
}

fn read_act(mut row: Row) -> Result<Act, StoreError> {
    Ok(Act {
        seq: row.int("seq")?,
        at: Time::from_micros(row.int("at")?),
        actor: row.text("actor")?,
        act: row.text("act")?,
        subject: row.opt_int("subject_id")?.map(AccountId::new),
        detail: row.text("detail")?,
        // What is no hash any more is none that fits.
        previous: Digest::parse(&row.text("previous")?).unwrap_or(Digest::NOTHING),
        hash: Digest::parse(&row.text("hash")?).unwrap_or(Digest::NOTHING),
    })
}
