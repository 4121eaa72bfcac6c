//! The session database of a site that keeps its sessions there (Auth.js with an adapter): PostgreSQL, on tables that
//! are the site's own.
//!
//! Guards: it is only read, on connections that the database itself holds to reading, so that two writers cannot
//! fight over a session's end. Must never delete, prolong or lock a row there.

use super::db::{Access, Connection, Engine, Row, Value};
use super::{Read, StoreError, answered, reader_thread};
use numberotp_core::authjs::SiteSchema;
use numberotp_core::time::Time;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex};
use tokio::sync::oneshot;

/// Threads that read.
const READERS: usize = 2;
/// Most reads that wait; beyond, callers are refused at once.
const READS_MOST: usize = 1_024;

/// A session of a site and the person it is of.
#[derive(Clone, Debug)]
pub struct SiteSession {
    /// The person's id.
    pub user: String,
    /// The person's e-mail.
    pub email: Option<String>,
    /// The person's name.
    pub name: Option<String>,
    /// When the session ends.
    pub expires: Time,
}

/// The session database of a site.
pub struct SiteDatabase {
    reads: SyncSender<Read>,
    texts: Arc<Texts>,
}

/// The statements, with the site's names in them.
struct Texts {
    session: String,
    /// The table of sessions and its column of tokens, for the look after an index.
    indexed: (String, String),
}

/// Whether an index leads to a session by its token.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TokenIndex {
    /// One does.
    There,
    /// Every look reads the whole table.
    Missing,
}

/// Counts the whole indexes that begin with a column.
const INDEXES: &str = "SELECT COUNT(*) FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0] WHERE i.indrelid = to_regclass($1) AND a.attname = $2 AND i.indisvalid AND i.indpred IS NULL";

impl Texts {
    /// A time without a zone is UTC by the adapters' rule, and its distance from 1970 is counted so. Of two rows with
    /// one token both come, whether or not their people are there.
    fn new(schema: &SiteSchema) -> Self {
        let SiteSchema { sessions, token, user, expires, users, id, email, name } = schema;
        let [sessions, users] = [sessions, users].map(|table| table.quoted());
        let [user, expires, id, email, name] = [user, expires, id, email, name].map(|column| column.quoted());
        let session = format!(
            "SELECT CAST(u.{id} AS TEXT), CAST(u.{email} AS TEXT), CAST(u.{name} AS TEXT), \
             CASE WHEN isfinite(s.{expires}) THEN CAST(EXTRACT(EPOCH FROM s.{expires}) * 1000000 AS BIGINT) END \
             FROM {sessions} AS s LEFT JOIN {users} AS u ON u.{id} = s.{user} WHERE s.{} = $1 LIMIT 2",
            token.quoted()
        );
        Self { session, indexed: (sessions, token.bare().to_owned()) }
    }
}

impl SiteDatabase {
    /// Starts the threads; each connects at its first read.
    pub fn open(engine: &Engine, schema: &SiteSchema) -> Result<Self, StoreError> {
        let (reads, end) = sync_channel(READS_MOST);
        let end = Arc::new(Mutex::new(end));
        for _ in 0..READERS {
            // It ends with the sender.
            let _thread = reader_thread(Connection::open(engine, Access::Read)?, &end)?;
        }
        Ok(Self { reads, texts: Arc::new(Texts::new(schema)) })
    }

    /// The one session with this token that has not ended. Two with one token are none.
    pub async fn session(&self, token: &str, now: Time) -> Result<Option<SiteSession>, StoreError> {
        let (texts, token) = (Arc::clone(&self.texts), token.to_owned());
        let work = move |connection: &mut Connection| {
            let mut rows = connection.query_foreign("SITE_SESSION", &texts.session, &[token.into()])?;
            match (rows.pop(), rows.pop()) {
                (Some(row), None) => read_session(row),
                _ => Ok(None),
            }
        };
        Ok(self.read(work).await?.filter(|session| session.expires >= now))
    }

    /// Looks whether the tables are there and as they are named, and whether an index leads to a session.
    pub async fn look(&self) -> Result<TokenIndex, StoreError> {
        let texts = Arc::clone(&self.texts);
        let work = move |connection: &mut Connection| {
            let (table, column) = texts.indexed.clone();
            connection.query_foreign("SITE_SESSION", &texts.session, &[Value::from("")])?;
            let found = connection.query_foreign("SITE_INDEXES", INDEXES, &[table.into(), column.into()])?;
            let count = found.into_iter().next().map_or(Ok(0), |mut row| row.int("count"))?;
            Ok(if count == 0 { TokenIndex::Missing } else { TokenIndex::There })
        };
        self.read(work).await
    }

    async fn read<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let read: Read = Box::new(move |connection| {
            let result = connection.ensure().and_then(|()| work(connection));
            if result.as_ref().is_err_and(StoreError::breaks_connection) {
                connection.forget();
            }
            let _gone = reply.send(result);
        });
        self.reads.try_send(read).map_err(|error| match error {
            TrySendError::Full(_) => StoreError::Overloaded,
            TrySendError::Disconnected(_) => StoreError::Unavailable("the readers have stopped".to_owned()),
        })?;
        answered(answer).await
    }
}

/// A session whose person is gone, or that has no end, is none.
fn read_session(mut row: Row) -> Result<Option<SiteSession>, StoreError> {
    let (user, email, name) = (row.opt_text("id")?, row.opt_text("email")?, row.opt_text("name")?);
    let expires = row.opt_int("expires")?.map(Time::from_micros);
    Ok(user.zip(expires).map(|(user, expires)| SiteSession { user, email, name, expires }))
}
