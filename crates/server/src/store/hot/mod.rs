//! The hot commands: hold money for a purchase, attach its number, receive a message, close it.
//!
//! They are data, carried out many at a time and the same way on both databases: everything that the batch
//! needs is loaded by sets (and locked, in one order), decided in memory one after the other by the rules in
//! `core`, and written by sets. A refusal is an answer; only the database's own refusal is an error. Numbers of purchases that
//! are as they were held need no loading (see `unread`).

mod bulks;
mod command;
mod decide;
mod flush;
mod inbox;
mod load;
mod needs;
mod unread;
mod working;

pub(crate) use bulks::{BULKS, JOBS_INSERT};
pub use command::{
    Answer, Attach, Attached, CAPPED_KEY, Claim, Close, Closed, Closing, Command, Origin, Receive, Received,
    Repeated, Reserve, Reserved,
};
pub(crate) use load::CATALOGUE;
pub(crate) use unread::CATALOGUE as UNREAD;

use super::StoreError;
use super::db::Then;
use super::tx::{Sequence, Tx};
use numberotp_core::money::CreditValue;
use numberotp_core::policy::Exceptions;
use working::Working;

/// What the commands need to know besides their own words.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Worth of a credit at purchase.
    pub credit: CreditValue,
    /// Whose messages are let through though they look like what is kept back.
    pub exceptions: Exceptions,
}

/// Takes the locks of all these commands in the one order that everybody keeps: by loading all that they need, which
/// is thrown away. To be called before they are carried out one by one, whose own orders would let two writers wait
/// for each other.
pub fn hold(tx: &mut Tx<'_>, commands: &[&Command]) -> Result<(), StoreError> {
    load(tx, commands).map(drop)
}

/// Everything that the batch needs, locked. Last of all the numbers of its purchases, before it takes any other number.
fn load(tx: &mut Tx<'_>, commands: &[&Command]) -> Result<Working, StoreError> {
    let working = load::load(tx, commands)?;
    let purchases = commands.iter().filter(|command| matches!(command, Command::Reserve(_))).count();
    tx.prepare_ids(Sequence::Purchase, purchases)?;
    Ok(working)
}

/// Carries out commands in their order, inside a transaction, and does what follows.
pub fn run(
    tx: &mut Tx<'_>,
    rules: &Rules,
    commands: &[&Command],
    then: Then<'_, '_>,
) -> Result<Vec<Answer>, StoreError> {
    let then = match then {
        Then::Commit(commit) => match unread::attach(tx, rules, commands, commit)? {
            Some(answers) => return Ok(answers),
            None => Then::Commit(commit),
        },
        Then::Stay => Then::Stay,
    };
    let mut working = load(tx, commands)?;
    let mut answers = Vec::with_capacity(commands.len());
    for command in commands {
        let mut ids = |sequence| tx.next_id(sequence);
        answers.push(decide::decide(&mut working, rules, &mut ids, command)?);
    }
    flush::flush(tx, &working, then)?;
    Ok(answers)
}
