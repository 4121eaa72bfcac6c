//! Which writes are one statement on PostgreSQL: a statement costs as much as several rows.
//!
//! Guards that writes that are sent as one do what they would do one after the other. Must never join what depends on
//! order: when in doubt they are two statements.

use super::statement::Column;
use super::{Action, Bulk, Value};
use std::collections::HashSet;

/// A table's rows.
pub(super) type Write<'a> = (&'a Bulk, Vec<Vec<Value>>);

/// Writes that one statement can do. None of them sees what another does, so a table comes again only where other rows of it
/// are changed.
pub(super) fn together<'a, 'w>(writes: &[&'a Write<'w>]) -> Vec<Vec<&'a Write<'w>>> {
    let mut groups: Vec<Vec<&Write<'_>>> = Vec::new();
    for write in writes {
        let joins = |group: &&mut Vec<&Write<'_>>| group.iter().all(|earlier| apart(earlier, write));
        match groups.last_mut().filter(joins) {
            Some(group) => group.push(write),
            None => groups.push(vec![write]),
        }
    }
    groups
}

/// Whether a write does the same beside an earlier one as after it.
fn apart(earlier: &Write<'_>, later: &Write<'_>) -> bool {
    if earlier.0.table != later.0.table {
        return true;
    }
    // What is new after a removal may take its place.
    let (Action::Update(keys, _) | Action::Delete(keys)) = later.0.action else { return false };
    // A row is told by what it was found by or is added with; what it held of what is set is not known.
    let known = match earlier.0.action {
        Action::Insert(_) | Action::Delete(_) => earlier.0.columns(),
        Action::Update(keys, _) => keys.to_vec(),
        Action::Put(..) => return false,
    };
    let place = |key: &Column| known.iter().position(|column| column == key);
    let Some(places) = keys.iter().map(place).collect::<Option<Vec<usize>>>() else { return false };
    let touched: HashSet<Vec<Option<&Value>>> = earlier.1.iter().map(|row| cells(row, &places)).collect();
    let first: Vec<usize> = (0..keys.len()).collect();
    later.1.iter().all(|row| !touched.contains(&cells(row, &first)))
}

fn cells<'r>(row: &'r [Value], places: &[usize]) -> Vec<Option<&'r Value>> {
    places.iter().map(|place| row.get(*place)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::*;

    const ID: &[Column] = &[("id", Kind::Int)];
    const NEW: Bulk = Bulk {
        name: "new",
        table: "jobs",
        action: Action::Insert(&[("kind", Kind::Text), ("id", Kind::Int)]),
    };
    const MOVE: Bulk =
        Bulk { name: "move", table: "jobs", action: Action::Update(ID, &[("run_at", Kind::Int)]) };
    const END: Bulk = Bulk { name: "end", table: "jobs", action: Action::Delete(ID) };
    const PUT: Bulk =
        Bulk { name: "put", table: "jobs", action: Action::Put(ID, ID, &[("run_at", Kind::Int)]) };
    const OF_TIME: Bulk =
        Bulk { name: "of a time", table: "jobs", action: Action::Delete(&[("run_at", Kind::Int)]) };
    const EVENTS: Bulk = Bulk { name: "events", table: "events", action: Action::Insert(ID) };

    fn new(id: i64) -> Vec<Value> {
        vec!["watch".into(), id.into()]
    }
    fn moved(id: i64) -> Vec<Value> {
        vec![id.into(), 7.into()]
    }

    fn statements(writes: &[Write<'_>]) -> Vec<Vec<&'static str>> {
        let groups = together(&writes.iter().collect::<Vec<_>>());
        groups.into_iter().map(|group| group.into_iter().map(|(bulk, _)| bulk.name).collect()).collect()
    }

    #[test]
    fn other_tables_and_other_rows_of_a_table_are_one_statement() {
        let ended = vec![vec![5.into()]];
        let writes = [
            (&NEW, vec![new(1), new(2)]),
            (&EVENTS, vec![vec![1.into()]]),
            (&MOVE, vec![moved(3), moved(4)]),
            (&END, ended),
        ];
        assert_eq!(statements(&writes), [["new", "events", "move", "end"]]);
    }

    #[test]
    fn a_row_that_comes_again_begins_another_statement() {
        let writes = [(&NEW, vec![new(1), new(2)]), (&MOVE, vec![moved(3), moved(2)])];
        assert_eq!(statements(&writes), [["new"], ["move"]]);
        let writes = [(&MOVE, vec![moved(3)]), (&END, vec![vec![3.into()]])];
        assert_eq!(statements(&writes), [["move"], ["end"]]);
    }

    #[test]
    fn what_is_added_later_or_cannot_be_told_apart_begins_another() {
        let pairs =
            [(&END, &NEW), (&NEW, &NEW), (&PUT, &MOVE), (&MOVE, &PUT), (&NEW, &OF_TIME), (&MOVE, &OF_TIME)];
        for (first, second) in pairs {
            let writes = [(first, vec![vec![1.into(), 1.into()]]), (second, vec![vec![2.into(), 2.into()]])];
            assert_eq!(statements(&writes).len(), 2, "{} {}", first.name, second.name);
        }
    }
}
