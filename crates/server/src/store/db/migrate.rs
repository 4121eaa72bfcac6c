//! Numbered, forward-only schema changes, in pairs of the same name for the two databases.
//!
//! Each is applied once, in order, what is missing in one transaction; its checksum is kept, so an edited migration
//! is noticed instead of half believed.
//!
//! Guards that a table that is copied loses nothing: while there is something to change, nobody else reads or writes.

use super::{Connection, Statement, Value};
use crate::store::StoreError;

/// One schema change.
#[derive(Clone, Copy)]
pub struct Migration {
    /// Its number, from 1.
    pub number: i64,
    /// Its name, the same for both databases.
    pub name: &'static str,
    /// The text for SQLite.
    pub sqlite: &'static str,
    /// The text for PostgreSQL.
    pub postgres: &'static str,
}

const ALL: &[Migration] = &[
    Migration {
        number: 1,
        name: "foundations",
        sqlite: include_str!("../../../../../migrations/sqlite/0001_foundations.sql"),
        postgres: include_str!("../../../../../migrations/postgres/0001_foundations.sql"),
    },
    Migration {
        number: 2,
        name: "idempotency",
        sqlite: include_str!("../../../../../migrations/sqlite/0002_idempotency.sql"),
        postgres: include_str!("../../../../../migrations/postgres/0002_idempotency.sql"),
    },
    Migration {
        number: 3,
        name: "policy",
        sqlite: include_str!("../../../../../migrations/sqlite/0003_policy.sql"),
        postgres: include_str!("../../../../../migrations/postgres/0003_policy.sql"),
    },
    Migration {
        number: 4,
        name: "sandbox_scenarios",
        sqlite: include_str!("../../../../../migrations/sqlite/0004_sandbox_scenarios.sql"),
        postgres: include_str!("../../../../../migrations/postgres/0004_sandbox_scenarios.sql"),
    },
    Migration {
        number: 5,
        name: "provider_keys",
        sqlite: include_str!("../../../../../migrations/sqlite/0005_provider_keys.sql"),
        postgres: include_str!("../../../../../migrations/postgres/0005_provider_keys.sql"),
    },
    Migration {
        number: 6,
        name: "request_ids",
        sqlite: include_str!("../../../../../migrations/sqlite/0006_request_ids.sql"),
        postgres: include_str!("../../../../../migrations/postgres/0006_request_ids.sql"),
    },
    Migration {
        number: 7,
        name: "indexes_by_name",
        sqlite: include_str!("../../../../../migrations/sqlite/0007_indexes_by_name.sql"),
        postgres: include_str!("../../../../../migrations/postgres/0007_indexes_by_name.sql"),
    },
    Migration {
        number: 8,
        name: "people",
        sqlite: include_str!("../../../../../migrations/sqlite/0008_people.sql"),
        postgres: include_str!("../../../../../migrations/postgres/0008_people.sql"),
    },
    Migration {
        number: 9,
        name: "identities",
        sqlite: include_str!("../../../../../migrations/sqlite/0009_identities.sql"),
        postgres: include_str!("../../../../../migrations/postgres/0009_identities.sql"),
    },
    Migration {
        number: 10,
        name: "sign_in",
        sqlite: include_str!("../../../../../migrations/sqlite/0010_sign_in.sql"),
        postgres: include_str!("../../../../../migrations/postgres/0010_sign_in.sql"),
    },
    Migration {
        number: 11,
        name: "acts",
        sqlite: include_str!("../../../../../migrations/sqlite/0011_acts.sql"),
        postgres: include_str!("../../../../../migrations/postgres/0011_acts.sql"),
    },
    Migration {
        number: 12,
        name: "grants",
        sqlite: include_str!("../../../../../migrations/sqlite/0012_grants.sql"),
        postgres: include_str!("../../../../../migrations/postgres/0012_grants.sql"),
    },
    Migration {
        number: 13,
        name: "proofs",
        sqlite: include_str!("../../../../../migrations/sqlite/0013_proofs.sql"),
        postgres: include_str!("../../../../../migrations/postgres/0013_proofs.sql"),
    },
    Migration {
        number: 14,
        name: "known_networks",
        sqlite: include_str!("../../../../../migrations/sqlite/0014_known_networks.sql"),
        postgres: include_str!("../../../../../migrations/postgres/0014_known_networks.sql"),
    },
    Migration {
        number: 15,
        name: "indexes",
        sqlite: include_str!("../../../../../migrations/sqlite/0015_indexes.sql"),
        postgres: include_str!("../../../../../migrations/postgres/0015_indexes.sql"),
    },
    Migration {
        number: 16,
        name: "identities_in_use",
        sqlite: include_str!("../../../../../migrations/sqlite/0016_identities_in_use.sql"),
        postgres: include_str!("../../../../../migrations/postgres/0016_identities_in_use.sql"),
    },
    Migration {
        number: 17,
        name: "grant_proofs",
        sqlite: include_str!("../../../../../migrations/sqlite/0017_grant_proofs.sql"),
        postgres: include_str!("../../../../../migrations/postgres/0017_grant_proofs.sql"),
    },
    Migration {
        number: 18,
        name: "fewer_indexes",
        sqlite: include_str!("../../../../../migrations/sqlite/0018_fewer_indexes.sql"),
        postgres: include_str!("../../../../../migrations/postgres/0018_fewer_indexes.sql"),
    },
    Migration {
        number: 19,
        name: "keepsakes",
        sqlite: include_str!("../../../../../migrations/sqlite/0019_keepsakes.sql"),
        postgres: include_str!("../../../../../migrations/postgres/0019_keepsakes.sql"),
    },
    Migration {
        number: 20,
        name: "job_rows",
        sqlite: include_str!("../../../../../migrations/sqlite/0020_job_rows.sql"),
        postgres: include_str!("../../../../../migrations/postgres/0020_job_rows.sql"),
    },
    Migration {
        number: 21,
        name: "parked",
        sqlite: include_str!("../../../../../migrations/sqlite/0021_parked.sql"),
        postgres: include_str!("../../../../../migrations/postgres/0021_parked.sql"),
    },
];

const TABLE: &str = "CREATE TABLE IF NOT EXISTS migrations (number BIGINT PRIMARY KEY, name TEXT NOT NULL, checksum BIGINT NOT NULL)";
const TABLE_SQLITE: &str = "CREATE TABLE IF NOT EXISTS migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum INTEGER NOT NULL) STRICT";
const APPLIED: Statement =
    Statement::new("MIGRATIONS_APPLIED", "SELECT number, checksum FROM migrations ORDER BY number");
const HAS_TABLE: Statement = Statement::new(
    "MIGRATIONS_TABLE",
    "SELECT table_name FROM information_schema.tables WHERE table_name = 'migrations' AND table_schema = current_schema()",
);
const HAS_TABLE_SQLITE: Statement =
    Statement::new("MIGRATIONS_TABLE_SQLITE", "SELECT name FROM sqlite_master WHERE name = 'migrations'");
const RECORD: Statement =
    Statement::new("MIGRATION_RECORD", "INSERT INTO migrations (number, name, checksum) VALUES ($1, $2, $3)");
/// Any fixed number: whoever migrates holds this lock.
const LOCK: i64 = 7_310_223_114;
/// All tables that a migration may change: those of our schema that are ours. But for the record of migrations, which
/// nobody writes who does not hold the lock above, and which others may read meanwhile.
const TABLES_POSTGRES: Statement = Statement::new(
    "MIGRATION_TABLES",
    "SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = current_schema() AND c.relkind = 'r' AND c.relname <> 'migrations' AND pg_has_role(c.relowner, 'USAGE') ORDER BY c.relname",
);
/// How often the tables are asked for, for three seconds each, before it is given up. Longer than the second after which
/// PostgreSQL finds a deadlock or stops a vacuum that is in the way, and shorter than a server waits for a lock: between two
/// tries those that work get on.
const TRIES: usize = 20;

/// All migrations, in order.
pub const fn migrations() -> &'static [Migration] {
    ALL
}

/// Brings the schema up to date; answers how many migrations were applied. Two processes at once are safe.
pub fn migrate(connection: &mut Connection, list: &[Migration]) -> Result<usize, StoreError> {
    connection.ensure()?;
    connection.begin()?;
    let applied = apply_all(connection, list);
    match applied {
        Ok(count) => connection.script("COMMIT").map(|()| count),
        Err(error) => {
            connection.script("ROLLBACK")?;
            Err(error)
        }
    }
}

/// Looks whether the schema is up to date and changes nothing: for commands that only look, beside a server
/// that may be of another version.
pub fn require(connection: &mut Connection, list: &[Migration]) -> Result<(), StoreError> {
    connection.ensure()?;
    let has_table = match connection {
        Connection::Sqlite(_) => &HAS_TABLE_SQLITE,
        Connection::Postgres(_) => &HAS_TABLE,
    };
    let known = match connection.query(has_table, &[])?.first() {
        Some(_) => applied(connection, list)?,
        None => Vec::new(),
    };
    let missing = list.len().saturating_sub(known.len());
    match (known.len(), missing) {
        (_, 0) => Ok(()),
        (0, _) => Err(StoreError::NoSchema),
        _ => Err(StoreError::OldSchema(missing)),
    }
}

/// The number and checksum of every migration that was applied; all of them are known here.
fn applied(connection: &mut Connection, list: &[Migration]) -> Result<Vec<(i64, i64)>, StoreError> {
    let mut known = Vec::new();
    for mut row in connection.query(&APPLIED, &[])? {
        known.push((row.int("number")?, row.int("checksum")?));
    }
    let is_foreign = |number: &i64| list.iter().all(|migration| migration.number != *number);
    match known.iter().find(|(number, _)| is_foreign(number)) {
        None => Ok(known),
        Some((number, _)) => Err(StoreError::Driver(format!(
            "the database has migration {number}, which this program does not know: it was made by a newer version"
        ))),
    }
}

fn apply_all(connection: &mut Connection, list: &[Migration]) -> Result<usize, StoreError> {
    connection.queries(vec![LOCK], &[])?;
    let table = match connection {
        Connection::Sqlite(_) => TABLE_SQLITE,
        Connection::Postgres(_) => TABLE,
    };
    connection.script(table)?;
    let known = applied(connection, list)?;
    // A new database has nobody in it yet.
    if !known.is_empty() && known.len() < list.len() {
        hold_tables(connection)?;
    }
    let mut count: usize = 0;
    for migration in list {
        let text = match connection {
            Connection::Sqlite(_) => migration.sqlite,
            Connection::Postgres(_) => migration.postgres,
        };
        let checksum = i64::from(crc(text));
        match known.iter().find(|(number, _)| *number == migration.number) {
            Some((_, same)) if *same == checksum => {}
            Some(_) => {
                let name = migration.name;
                return Err(StoreError::Driver(format!("migration {name} was changed after it was applied")));
            }
            None => {
                connection.script(text)?;
                let row = [Value::Int(migration.number), migration.name.into(), Value::Int(checksum)];
                connection.execute(&RECORD, &row)?;
                count = count.saturating_add(1);
            }
        }
    }
    Ok(count)
}

/// Has whoever else works on the database wait until this transaction ends, and waits for those who began before: what
/// they commit after a copy was made of a table would go away with the old one. SQLite's transaction that writes is the
/// only one anyhow.
fn hold_tables(connection: &mut Connection) -> Result<(), StoreError> {
    if matches!(connection, Connection::Sqlite(_)) {
        return Ok(());
    }
    let rows = connection.query(&TABLES_POSTGRES, &[])?;
    let names: Vec<String> = rows.into_iter().map(|mut row| row.text("name")).collect::<Result<_, _>>()?;
    if names.is_empty() {
        return Ok(());
    }
    let hold = format!(
        "SAVEPOINT nothing_held; SET LOCAL lock_timeout = '3s'; LOCK TABLE {} IN ACCESS EXCLUSIVE MODE; RELEASE SAVEPOINT nothing_held",
        names.join(", ")
    );
    let mut tries = TRIES;
    loop {
        tries = tries.saturating_sub(1);
        match connection.script(&hold) {
            // Whoever works takes tables in an order of its own: we give back what we have, and it gets on.
            Err(error) if error.retryable() && tries > 0 => {
                connection.script("ROLLBACK TO SAVEPOINT nothing_held; RELEASE SAVEPOINT nothing_held")?;
            }
            held => return held,
        }
    }
}

fn crc(text: &str) -> u32 {
    let mut hasher = flate2::Crc::new();
    hasher.update(text.as_bytes());
    hasher.sum()
}
