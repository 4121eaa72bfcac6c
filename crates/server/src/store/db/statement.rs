//! One text for two databases. A statement is written once, with `$n` parameters and a few neutral words:
//!
//! - `IN KEYS($1)`, `IN TEXTS($1)`, `IN BLOBS($1)`: one of the integers, texts or bytes of a set parameter;
//! - `EACH KEYS($1)`, `EACH TEXTS($1)`, `EACH BLOBS($1)`: the same in a query that may as well be asked for one of them after
//!   the other, as SQLite is, which would build a table of its own for a set;
//! - `LOCKED`, `SKIPPING`: row locks, which SQLite's single writer does not need;
//! - `BYTEWISE` after a text: compared by its bytes, as SQLite does by itself;
//!
//! and [`Bulk`] describes an insert or update of many rows by its columns, from which both forms follow.

/// A statement. Its text is also its identity.
#[derive(Clone, Copy, Debug)]
pub struct Statement {
    /// Name, for errors and tests.
    pub name: &'static str,
    /// The neutral text.
    pub sql: &'static str,
}

/// What a column holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// 64-bit integer.
    Int,
    /// Text.
    Text,
    /// Bytes.
    Bytes,
    /// The same in every row that this write adds or changes, as SQL says it: a row's values do not have it. Never of a key.
    Always(&'static str),
}

/// A column of a [`Bulk`].
pub type Column = (&'static str, Kind);

/// A write of many rows.
#[derive(Clone, Copy, Debug)]
pub struct Bulk {
    /// Name, for errors and tests.
    pub name: &'static str,
    /// The table.
    pub table: &'static str,
    /// Insert, or update by key.
    pub action: Action,
}

/// What a [`Bulk`] does.
#[derive(Clone, Copy, Debug)]
pub enum Action {
    /// Adds rows with these columns.
    Insert(&'static [Column]),
    /// Sets the second columns where the first match. Row values: keys, then settings.
    Update(&'static [Column], &'static [Column]),
    /// Adds rows; where the second columns match a row, sets the third ones of it. Row values: in this order. No two
    /// rows of one call may match each other.
    Put(&'static [Column], &'static [Column], &'static [Column]),
    /// Removes the rows whose columns match.
    Delete(&'static [Column]),
}

impl Statement {
    /// A statement with one text for both databases.
    pub const fn new(name: &'static str, sql: &'static str) -> Self {
        Self { name, sql }
    }

    /// The text for SQLite: parameters by number, sets as JSON, no locks.
    pub fn for_sqlite(&self) -> String {
        let text = self.sql.replace(" LOCKED", "").replace(" SKIPPING", "").replace(" BYTEWISE", "");
        let set = |asked: Asked, kind: Set, parameter: &str| match (asked, kind) {
            (Asked::Each, _) => format!("= {parameter}"),
            (Asked::Whole, Set::Blobs) => format!("IN (SELECT unhex(value) FROM json_each({parameter}))"),
            (Asked::Whole, Set::Keys | Set::Texts) => {
                format!("IN (SELECT value FROM json_each({parameter}))")
            }
        };
        numbered(&spell_sets(&text, set))
    }

    /// Whether SQLite is asked once for each value of its set.
    pub fn is_asked_for_each(&self) -> bool {
        SETS.iter().any(|(word, asked, _)| *asked == Asked::Each && self.sql.contains(word))
    }

    /// The text for PostgreSQL.
    pub fn for_postgres(&self) -> String {
        // No key is ever changed, so rows that refer to a locked one (a sign-in, a new key) need not wait.
        let text = self.sql.replace(" LOCKED", " FOR NO KEY UPDATE");
        let text = text.replace(" SKIPPING", " FOR UPDATE SKIP LOCKED");
        let text = text.replace(" BYTEWISE", " COLLATE \"C\"");
        // A condition on an index, not a join whose order the planner would have to guess.
        let set = |_: Asked, kind: Set, parameter: &str| match kind {
            Set::Keys => format!("= ANY({parameter}::bigint[])"),
            Set::Texts => format!("= ANY({parameter}::text[])"),
            Set::Blobs => format!("= ANY({parameter}::bytea[])"),
        };
        spell_sets(&text, set)
    }
}

/// A set parameter's kind.
#[derive(Clone, Copy)]
enum Set {
    Keys,
    Texts,
    Blobs,
}

/// How SQLite is asked for a set.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// Once, for all of it.
    Whole,
    /// For one value after the other.
    Each,
}

const SETS: [(&str, Asked, Set); 6] = [
    ("IN KEYS(", Asked::Whole, Set::Keys),
    ("IN TEXTS(", Asked::Whole, Set::Texts),
    ("IN BLOBS(", Asked::Whole, Set::Blobs),
    ("EACH KEYS(", Asked::Each, Set::Keys),
    ("EACH TEXTS(", Asked::Each, Set::Texts),
    ("EACH BLOBS(", Asked::Each, Set::Blobs),
];

/// Replaces each neutral set word with a database's own spelling.
fn spell_sets(text: &str, spell: impl Fn(Asked, Set, &str) -> String) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    loop {
        let found =
            SETS.iter().filter_map(|(word, asked, kind)| Some((rest.find(word)?, word.len(), *asked, *kind)));
        let Some((at, length, asked, kind)) = found.min_by_key(|(at, ..)| *at) else { break };
        let (before, from) = rest.split_at_checked(at).unwrap_or((rest, ""));
        let after = from.get(length..).unwrap_or_default();
        let (parameter, tail) = after.split_once(')').unwrap_or((after, ""));
        out.push_str(before);
        out.push_str(&spell(asked, kind, parameter));
        rest = tail;
    }
    out.push_str(rest);
    out
}

/// `$2` → `?2`: SQLite counts `$n` by appearance, PostgreSQL by number.
fn numbered(text: &str) -> String {
    text.replace('$', "?")
}

impl Bulk {
    /// Names the columns in the order of a row's values.
    pub fn columns(&self) -> Vec<Column> {
        self.all_columns().into_iter().filter(|(_, kind)| kind.is_given()).collect()
    }

    fn all_columns(&self) -> Vec<Column> {
        match self.action {
            Action::Insert(columns) | Action::Delete(columns) => columns.to_vec(),
            Action::Update(keys, settings) => [keys, settings].concat(),
            Action::Put(added, keys, settings) => [added, keys, settings].concat(),
        }
    }

    /// The text for one row on SQLite.
    pub fn for_sqlite(&self) -> String {
        let table = self.table;
        let mark = |number: usize, _: &Column| format!("?{number}");
        let equal = |columns: &[Column], first: usize| -> Vec<String> {
            filled(columns, first, mark).map(|(name, value)| format!("{name} = {value}")).collect()
        };
        match self.action {
            Action::Insert(_) | Action::Put(..) => {
                let columns = self.all_columns();
                let values: Vec<String> = filled(&columns, 1, mark).map(|(_, value)| value).collect();
                let (names, values) = (names(&columns), values.join(", "));
                format!("INSERT INTO {table} ({names}) VALUES ({values}){}", self.or_else())
            }
            Action::Update(keys, settings) => {
                let set = equal(settings, keys.len() + 1).join(", ");
                format!("UPDATE {table} SET {set} WHERE {}", equal(keys, 1).join(" AND "))
            }
            Action::Delete(keys) => format!("DELETE FROM {table} WHERE {}", equal(keys, 1).join(" AND ")),
        }
    }

    /// What becomes of a row that is there.
    fn or_else(&self) -> String {
        let Action::Put(_, keys, settings) = self.action else { return String::new() };
        let set: Vec<String> = settings.iter().map(|(name, _)| format!("{name} = excluded.{name}")).collect();
        format!(" ON CONFLICT ({}) DO UPDATE SET {}", names(keys), set.join(", "))
    }

    /// The text for all rows at once on PostgreSQL: one array a column.
    pub fn for_postgres(&self) -> String {
        self.postgres_at(1)
    }

    /// The same for several writes at once. None sees what another does, so no two may touch one row: see `together`.
    pub fn together_for_postgres(bulks: &[&Self]) -> String {
        let mut parameter = 1;
        let parts = bulks.iter().enumerate().map(|(n, bulk)| {
            let part = format!("w{n} AS ({})", bulk.postgres_at(parameter));
            parameter += bulk.columns().len();
            part
        });
        format!("WITH {} SELECT 1", parts.collect::<Vec<_>>().join(", "))
    }

    fn postgres_at(&self, first: usize) -> String {
        let table = self.table;
        // In the list, not after FROM: there each array would first be copied into a table of its own.
        let array = |number: usize, (name, kind): &Column| {
            format!("unnest(${number}::{}[]) AS {name}", kind.postgres())
        };
        let arrays = |columns: &[Column]| -> String {
            filled(columns, first, array).map(|(_, array)| array).collect::<Vec<_>>().join(", ")
        };
        let rows = format!("(SELECT {})", arrays(&self.columns()));
        let equal = |keys: &[Column]| {
            keys.iter().map(|(name, _)| format!("t.{name} = u.{name}")).collect::<Vec<_>>().join(" AND ")
        };
        match self.action {
            Action::Insert(_) | Action::Put(..) => {
                let columns = self.all_columns();
                let (names, or_else) = (names(&columns), self.or_else());
                format!("INSERT INTO {table} ({names}) SELECT {}{or_else}", arrays(&columns))
            }
            Action::Update(keys, settings) => {
                let set = filled(settings, 0, |_, (name, _)| format!("u.{name}"));
                let set: Vec<String> = set.map(|(name, value)| format!("{name} = {value}")).collect();
                format!("UPDATE {table} AS t SET {} FROM {rows} AS u WHERE {}", set.join(", "), equal(keys))
            }
            Action::Delete(keys) => {
                format!("DELETE FROM {table} AS t USING {rows} AS u WHERE {}", equal(keys))
            }
        }
    }
}

/// Columns with what each is filled with: what is given, numbered from `first`, or what is always the same.
fn filled<'c>(
    columns: &'c [Column],
    first: usize,
    given: impl Fn(usize, &Column) -> String + 'c,
) -> impl Iterator<Item = (&'static str, String)> + 'c {
    let mut number = first;
    columns.iter().map(move |column| match column {
        (name, Kind::Always(value)) => (*name, (*value).to_owned()),
        (name, _) => {
            let value = given(number, column);
            number += 1;
            (*name, value)
        }
    })
}

impl Kind {
    /// Whether a row's values have it.
    const fn is_given(self) -> bool {
        !matches!(self, Self::Always(_))
    }

    const fn postgres(self) -> &'static str {
        match self {
            Self::Int => "bigint",
            Self::Text => "text",
            Self::Bytes => "bytea",
            // Never an array.
            Self::Always(value) => value,
        }
    }
}

fn names(columns: &[Column]) -> String {
    columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

/// Declares a module's statements and the list that the catalogue test prepares on both databases.
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $sql:expr;)+) => {
        $($(#[$doc])* const $name: $crate::store::db::Statement = $crate::store::db::Statement::new(stringify!($name), $sql);)+
        /// Every statement of this module.
        pub(crate) const CATALOGUE: &[$crate::store::db::Statement] = &[$($name,)+];
    };
}
pub(crate) use statements;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neutral_words_are_spelled_for_each_database() {
        let statement = Statement::new("X", "SELECT a FROM t WHERE id IN KEYS($2) AND n IN TEXTS($1) LOCKED");
        assert_eq!(
            statement.for_sqlite(),
            "SELECT a FROM t WHERE id IN (SELECT value FROM json_each(?2)) AND n IN (SELECT value FROM json_each(?1))"
        );
        assert_eq!(
            statement.for_postgres(),
            "SELECT a FROM t WHERE id = ANY($2::bigint[]) AND n = ANY($1::text[]) FOR NO KEY UPDATE"
        );
    }

    #[test]
    fn a_set_that_is_asked_for_one_by_one_is_a_parameter_here_and_an_array_there() {
        let statement = Statement::new("X", "SELECT a FROM t WHERE k EACH BLOBS($1) AND at > $2");
        assert!(statement.is_asked_for_each());
        assert_eq!(statement.for_sqlite(), "SELECT a FROM t WHERE k = ?1 AND at > ?2");
        assert_eq!(statement.for_postgres(), "SELECT a FROM t WHERE k = ANY($1::bytea[]) AND at > $2");
        assert!(!Statement::new("Y", "SELECT a FROM t WHERE k IN BLOBS($1)").is_asked_for_each());
    }

    #[test]
    fn texts_are_compared_by_their_bytes_where_that_is_said() {
        let statement = Statement::new("X", "SELECT a FROM t WHERE n BYTEWISE >= $1");
        assert_eq!(statement.for_sqlite(), "SELECT a FROM t WHERE n >= ?1");
        assert_eq!(statement.for_postgres(), "SELECT a FROM t WHERE n COLLATE \"C\" >= $1");
    }

    #[test]
    fn a_bulk_is_one_row_here_and_arrays_there() {
        let update = Bulk {
            name: "U",
            table: "t",
            action: Action::Update(&[("id", Kind::Int)], &[("a", Kind::Text)]),
        };
        assert_eq!(update.for_sqlite(), "UPDATE t SET a = ?2 WHERE id = ?1");
        assert_eq!(
            update.for_postgres(),
            "UPDATE t AS t SET a = u.a FROM (SELECT unnest($1::bigint[]) AS id, unnest($2::text[]) AS a) AS u WHERE t.id = u.id"
        );
        let insert = Bulk { name: "I", table: "s", action: Action::Insert(&[("b", Kind::Int)]) };
        assert_eq!(
            Bulk::together_for_postgres(&[&update, &insert]),
            "WITH w0 AS (UPDATE t AS t SET a = u.a FROM (SELECT unnest($1::bigint[]) AS id, unnest($2::text[]) AS a) AS u WHERE t.id = u.id), \
             w1 AS (INSERT INTO s (b) SELECT unnest($3::bigint[]) AS b) SELECT 1"
        );
    }

    #[test]
    fn what_is_always_the_same_is_no_value_of_a_row() {
        const NEW: &[Column] = &[("id", Kind::Int), ("state", Kind::Always("'new'")), ("at", Kind::Int)];
        let insert = Bulk { name: "I", table: "t", action: Action::Insert(NEW) };
        assert_eq!(insert.columns(), [("id", Kind::Int), ("at", Kind::Int)]);
        assert_eq!(insert.for_sqlite(), "INSERT INTO t (id, state, at) VALUES (?1, 'new', ?2)");
        assert_eq!(
            insert.for_postgres(),
            "INSERT INTO t (id, state, at) SELECT unnest($1::bigint[]) AS id, 'new', unnest($2::bigint[]) AS at"
        );
        let settings: &[Column] = &[("state", Kind::Always("'old'")), ("at", Kind::Int)];
        let update = Bulk { name: "U", table: "t", action: Action::Update(&[("id", Kind::Int)], settings) };
        assert_eq!(update.for_sqlite(), "UPDATE t SET state = 'old', at = ?2 WHERE id = ?1");
        assert_eq!(
            update.for_postgres(),
            "UPDATE t AS t SET state = 'old', at = u.at FROM (SELECT unnest($1::bigint[]) AS id, unnest($2::bigint[]) AS at) AS u WHERE t.id = u.id"
        );
    }
}
