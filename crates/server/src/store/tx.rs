//! What a piece of work sees of the database: statements, fresh row numbers, and what follows its commit.
//!
//! Work can reach nothing but its [`Tx`], so nothing external happens inside a transaction, and it cannot
//! forget to commit: that is the writer's task.

use super::StoreError;
use super::db::{Asked, Bulk, Commit, Connection, Guard, Row, Statement, Then, Value, statements};
use super::neighbours::Neighbours;
use super::wake::Wake;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

statements! {
    /// Takes a block of numbers.
    SEQUENCE_TAKE = "UPDATE sequences SET next_value = next_value + $1 WHERE name = $2 RETURNING next_value";
}

/// Which numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sequence {
    /// All rows but purchases.
    Row,
    /// Activations and rentals: dense, their public form has 31 bits.
    Purchase,
}

impl Sequence {
    const fn name(self) -> &'static str {
        match self {
            Self::Row => "row",
            Self::Purchase => "purchase",
        }
    }
}

/// Numbers taken from the database and not used yet. A block that was taken in a transaction which did
/// not commit is forgotten with it.
#[derive(Default)]
pub struct IdBlocks {
    row: Block,
    purchase: Block,
    /// Who else takes numbers of purchases.
    neighbours: Arc<Neighbours>,
}

/// Numbers of one kind, in the order in which they are given.
#[derive(Default)]
struct Block {
    ranges: VecDeque<Range<i64>>,
    /// How many are taken at a time.
    size: i64,
    /// Some were taken in the open transaction.
    fresh: bool,
}

impl Block {
    fn sized(size: i64) -> Self {
        Self { size, ..Self::default() }
    }

    fn left(&self) -> i64 {
        self.ranges.iter().fold(0, |left, range| left.saturating_add(range.end.saturating_sub(range.start)))
    }

    fn give(&mut self) -> Option<i64> {
        let given = self.ranges.iter_mut().find_map(Iterator::next);
        self.ranges.retain(|range| !range.is_empty());
        given
    }

    fn put(&mut self, taken: Range<i64>) {
        self.ranges.push_back(taken);
        self.fresh = true;
    }

    fn undone(&mut self) {
        if self.fresh {
            self.ranges.clear();
        }
    }
}

impl IdBlocks {
    /// Blocks of these sizes: large for a server, small for a command that makes a few rows.
    pub fn sized(row_size: i64, purchase_size: i64) -> Self {
        Self { row: Block::sized(row_size), purchase: Block::sized(purchase_size), ..Self::default() }
    }
    /// For one of several writers that see their neighbours together.
    #[must_use]
    pub fn beside(self, neighbours: &Arc<Neighbours>) -> Self {
        Self { neighbours: Arc::clone(neighbours), ..self }
    }
    /// Blocks of the same sizes with nothing in them.
    pub fn emptied(&self) -> Self {
        Self::sized(self.row.size, self.purchase.size).beside(&self.neighbours)
    }
    /// To be called when a transaction began.
    pub fn begin(&mut self) {
        (self.row.fresh, self.purchase.fresh) = (false, false);
    }
    /// To be called when a transaction, or a savepoint in it, was undone. What was at hand before it stays: whoever had to take
    /// numbers of purchases anew might take them after those of rows.
    pub fn undone(&mut self) {
        self.row.undone();
        self.purchase.undone();
    }

    fn block(&mut self, sequence: Sequence) -> &mut Block {
        match sequence {
            Sequence::Row => &mut self.row,
            Sequence::Purchase => &mut self.purchase,
        }
    }
}

/// A transaction, or for reads a bare connection.
pub struct Tx<'a> {
    pub(super) connection: &'a mut Connection,
    pub(super) ids: &'a mut IdBlocks,
    pub(super) wakes: &'a mut Vec<Wake>,
}

impl Tx<'_> {
    /// Runs a query.
    pub fn query(&mut self, statement: &Statement, parameters: &[Value]) -> Result<Vec<Row>, StoreError> {
        self.connection.query(statement, parameters)
    }
    /// Runs a query that answers at most one row.
    pub fn query_one(
        &mut self,
        statement: &Statement,
        parameters: &[Value],
    ) -> Result<Option<Row>, StoreError> {
        Ok(self.connection.query(statement, parameters)?.into_iter().next())
    }
    /// Runs a change; answers the number of rows it touched.
    pub fn execute(&mut self, statement: &Statement, parameters: &[Value]) -> Result<u64, StoreError> {
        self.connection.execute(statement, parameters)
    }
    /// Writes many rows.
    pub fn bulk(&mut self, bulk: &Bulk, rows: &[Vec<Value>]) -> Result<u64, StoreError> {
        self.connection.bulk(bulk, rows)
    }
    /// Writes many rows of several tables, in this order, and does what follows.
    pub(super) fn bulks(
        &mut self,
        writes: &[(&Bulk, Vec<Vec<Value>>)],
        then: Then<'_, '_>,
    ) -> Result<(), StoreError> {
        self.connection.bulks(writes, then)
    }
    /// Writes many rows of several tables and commits, if what is asked along holds. False: it does not, and the transaction is
    /// as it was when it began.
    pub(super) fn bulks_if(
        &mut self,
        guard: Guard<'_>,
        writes: &[(&Bulk, Vec<Vec<Value>>)],
        commit: &mut Commit<'_>,
    ) -> Result<bool, StoreError> {
        let holds = self.connection.bulks_if(guard, writes, commit)?;
        if !holds {
            self.ids.undone();
        }
        Ok(holds)
    }
    /// Whether the database is asked over a line.
    pub(super) const fn has_line(&self) -> bool {
        self.connection.has_line()
    }
    /// Serializes transactions that touch the same keys.
    pub fn lock_keys(&mut self, keys: Vec<i64>) -> Result<(), StoreError> {
        self.connection.queries(keys, &[]).map(drop)
    }
    /// Runs queries in this order, after serializing the transactions that touch the same keys.
    pub fn queries(&mut self, keys: Vec<i64>, asked: &[Asked<'_>]) -> Result<Vec<Vec<Row>>, StoreError> {
        self.connection.queries(keys, asked)
    }

    /// A number that no other row has or will have.
    pub fn next_id(&mut self, sequence: Sequence) -> Result<i64, StoreError> {
        self.prepare_ids(sequence, 1)?;
        let given = self.ids.block(sequence).give();
        given.ok_or(StoreError::Corrupt { table: "sequences", column: "next_value" })
    }

    /// Has so many numbers at hand. Where numbers of both kinds are needed, those of purchases come first: a block is a row that
    /// is locked until the commit.
    pub(super) fn prepare_ids(&mut self, sequence: Sequence, count: usize) -> Result<(), StoreError> {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        let block = self.ids.block(sequence);
        let missing = count.saturating_sub(block.left());
        if missing <= 0 {
            return Ok(());
        }
        let size = block.size.max(missing);
        let parameters = [Value::Int(size), sequence.name().into()];
        let row = self.connection.query(&SEQUENCE_TAKE, &parameters)?.pop();
        let mut row = row.ok_or(StoreError::Corrupt { table: "sequences", column: "name" })?;
        let end = row.int("next_value")?;
        let first = end.saturating_sub(size);
        if sequence == Sequence::Purchase {
            self.ids.neighbours.took(first, end);
        }
        self.ids.block(sequence).put(first..end);
        Ok(())
    }

    /// Whether so many numbers are at hand, for which nothing has to be asked or locked.
    pub(super) fn has_ids(&mut self, sequence: Sequence, count: usize) -> bool {
        usize::try_from(self.ids.block(sequence).left()).is_ok_and(|left| left >= count)
    }

    /// What happens once this is committed, and only then.
    pub fn after_commit(&mut self, wake: Wake) {
        self.wakes.push(wake);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_undone_takes_along_only_the_kind_that_was_taken_in_it() {
        let mut ids = IdBlocks::sized(4, 4);
        ids.purchase.put(7..9);
        ids.begin();
        ids.row.put(20..24);
        ids.undone();
        assert_eq!((ids.row.give(), ids.purchase.left()), (None, 2));
    }

    #[test]
    fn numbers_that_were_left_are_given_before_those_that_were_taken_since() {
        let mut block = Block::sized(2);
        block.put(1..2);
        block.put(8..10);
        assert_eq!(block.left(), 3);
        assert_eq!(std::iter::from_fn(|| block.give()).collect::<Vec<_>>(), [1, 8, 9]);
    }
}
