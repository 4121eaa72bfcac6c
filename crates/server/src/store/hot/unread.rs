//! Attaches numbers without reading the purchases first: whoever attaches one tells the purchase as he held it, and nearly always it
//! is so still and no message is there before its number. Then a batch is one trip to the database instead of two.
//!
//! Guards that it is so: the database itself looks, under the same locks that reading takes, and refuses the whole batch where
//! it is not. Then everything is read.

use super::Rules;
use super::command::{Answer, Command};
use super::decide::decide;
use super::flush::flush_if;
use super::needs::Needs;
use super::working::{PARKED_FOR, Working};
use crate::store::StoreError;
use crate::store::db::{Commit, Guard, Value, statements};
use crate::store::tx::{Sequence, Tx};

statements! {
    /// Fails, by a division, unless so many of these purchases have no number yet (they are locked then, in the order of their ids) and
    /// no message is parked for these names.
    HOT_HELD = "SELECT 1 / (CASE WHEN (SELECT COUNT(*) FROM (SELECT id FROM activations WHERE id EACH KEYS($1) AND status = 'reserving' ORDER BY id LOCKED) AS held) = $2 AND NOT EXISTS (SELECT 1 FROM messages WHERE verdict = 'parked' AND key_day <> 0 AND COALESCE(provider_ref, number) EACH TEXTS($3) AND received_at >= $4) THEN 1 ELSE 0 END)";
}

/// Most row numbers that attaching a number takes.
const IDS_MOST: usize = 2;

/// Attaches all of the numbers and commits. `None`: it is not known beforehand that this may be done, or it may not; nothing
/// was written.
pub(super) fn attach(
    tx: &mut Tx<'_>,
    rules: &Rules,
    commands: &[&Command],
    commit: &mut Commit<'_>,
) -> Result<Option<Vec<Answer>>, StoreError> {
    let needs = Needs::of(commands);
    // A block of numbers is a row that is locked, and the locks of the batch come before it: whoever takes one reads.
    let ids = commands.len().saturating_mul(IDS_MOST);
    if !tx.has_line() || !needs.only_held() || !tx.has_ids(Sequence::Row, ids) {
        return Ok(None);
    }
    let mut working = Working { activations: needs.begun(), ..Working::default() };
    let mut answers = Vec::with_capacity(commands.len());
    for command in commands {
        let mut ids = |sequence| tx.next_id(sequence);
        answers.push(decide(&mut working, rules, &mut ids, command)?);
    }
    let guard = Guard { keys: needs.locks(), asked: (&HOT_HELD, held(&needs)) };
    Ok(flush_if(tx, guard, &working, commit)?.then_some(answers))
}

fn held(needs: &Needs<'_>) -> Vec<Value> {
    let ids: Vec<i64> = needs.held.keys().copied().collect();
    let count = i64::try_from(ids.len()).unwrap_or(i64::MAX);
    let names = needs.attached_names().into_iter().collect();
    let since = needs.since().minus(PARKED_FOR).micros();
    vec![Value::Ints(ids), count.into(), Value::Texts(names), since.into()]
}
