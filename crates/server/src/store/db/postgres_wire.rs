//! What goes over a line to PostgreSQL: flights. A flight is sent whole, with one word at its end after which the server answers
//! all of it together; that word after each statement would cost a packet and two wakes each.
//!
//! Guards that an answer is never taken for another's: a flight is heard to its end, or the line is given up. Protocol: "Frontend/Backend
//! Protocol", <https://www.postgresql.org/docs/15/protocol.html>, 55.2.3 and 55.2.4.

use super::Value;
use super::postgres_socket::{SILENT, Socket};
use super::postgres_values::{Cell, refused};
use crate::store::StoreError;
use bytes::BytesMut;
use fallible_iterator::FallibleIterator;
use postgres_protocol::message::backend::{CommandCompleteBody, Message};
use postgres_protocol::message::frontend::{self, BindError};
use rustix::io::Errno;
use rustix::net::RecvFlags;
use std::io::{self, ErrorKind, Read, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_postgres::types::{ToSql, Type};

/// As much is read at once.
const READ_AT_ONCE: usize = 16 * 1024;
/// After so long a wait it is looked at how much is left of it.
const NOT_LONG: Duration = Duration::from_secs(1);
/// Everything goes and comes as bytes, not as text.
const BINARY: i16 = 1;

/// A statement that the server keeps ready on this line.
pub(super) struct Prepared {
    name: String,
    parameters: Vec<Type>,
    columns: Vec<Cell>,
}

/// A statement with its parameters.
pub(super) struct Part<'a> {
    pub(super) statement: Arc<Prepared>,
    pub(super) parameters: Vec<&'a (dyn ToSql + Sync)>,
}

/// What became of a statement.
#[derive(Default)]
pub(super) struct Answer {
    pub(super) rows: Vec<Vec<Value>>,
    /// Rows that it touched.
    pub(super) touched: u64,
}

/// Whether a transaction is open, as the server said with its last answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum InTransaction {
    No,
    Yes,
    /// It can only be undone.
    Failed,
}

/// A line to a server.
pub(super) struct Wire {
    socket: Socket,
    /// How long the socket waits now.
    waits: Duration,
    outgoing: BytesMut,
    incoming: BytesMut,
    arrived: Vec<u8>,
    in_transaction: InTransaction,
}

/// An error in a flight.
pub(super) struct FailedAt {
    pub(super) error: StoreError,
    /// How many statements were answered before it.
    pub(super) place: usize,
    /// Whether the server said it: of that statement, and it ran none after it.
    pub(super) said: bool,
}

impl From<StoreError> for FailedAt {
    fn from(error: StoreError) -> Self {
        Self { error, place: 0, said: false }
    }
}

impl Wire {
    pub(super) fn new(socket: Socket) -> Self {
        let (outgoing, incoming) = (BytesMut::new(), BytesMut::new());
        let (waits, arrived) = (Duration::ZERO, vec![0; READ_AT_ONCE]);
        Self { socket, waits, outgoing, incoming, arrived, in_transaction: InTransaction::No }
    }

    /// Whether a transaction is open.
    pub(super) const fn in_transaction(&self) -> InTransaction {
        self.in_transaction
    }

    /// Whether the server is still there, as far as is known without asking it.
    pub(super) fn is_open(&mut self) -> bool {
        loop {
            let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
            match rustix::net::recv(&self.socket, &mut [0_u8; 1], flags) {
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return true,
                Err(_) | Ok((_, 0)) => return false,
                // A notice, or why it goes.
                Ok(_) => {
                    if !self.hears_no_end() {
                        return false;
                    }
                }
            }
        }
    }

    fn hears_no_end(&mut self) -> bool {
        self.fill().is_ok()
            && loop {
                match Message::parse(&mut self.incoming) {
                    Ok(None) => break true,
                    Ok(Some(
                        Message::NoticeResponse(_)
                        | Message::NotificationResponse(_)
                        | Message::ParameterStatus(_),
                    )) => {}
                    // Why it goes, or what nobody asked for.
                    Ok(Some(_)) | Err(_) => break false,
                }
            }
    }

    /// Has the server keep a statement ready, under a name that is free.
    pub(super) fn prepare(
        &mut self,
        name: String,
        text: &str,
        longest: Duration,
    ) -> Result<Prepared, StoreError> {
        self.outgoing.clear();
        frontend::parse(&name, text, [], &mut self.outgoing).map_err(|error| ours(&error))?;
        frontend::describe(b'S', &name, &mut self.outgoing).map_err(|error| ours(&error))?;
        frontend::sync(&mut self.outgoing);
        let mut prepared = Prepared { name, parameters: Vec::new(), columns: Vec::new() };
        self.talk(longest, |message| {
            match message {
                Message::ParameterDescription(body) => {
                    let known = body.parameters().map(|oid| Ok(Type::from_oid(oid).unwrap_or(Type::UNKNOWN)));
                    prepared.parameters = known.collect().map_err(|error| ours(&error))?;
                }
                Message::RowDescription(body) => {
                    let cells = body.fields().map(|field| Ok(Cell::of(field.type_oid())));
                    prepared.columns = cells.collect().map_err(|error| ours(&error))?;
                }
                _ => {}
            }
            Ok(())
        })
        .map_err(|failed| failed.error)?;
        Ok(prepared)
    }

    /// Runs statements without parameters.
    pub(super) fn script(&mut self, text: &str, longest: Duration) -> Result<(), StoreError> {
        self.outgoing.clear();
        frontend::query(text, &mut self.outgoing).map_err(|error| ours(&error))?;
        self.talk(longest, |_| Ok(())).map_err(|failed| failed.error)
    }

    /// Makes statements ready to be sent, in this order. Those before `apart` are answered by themselves.
    pub(super) fn pack(&mut self, parts: &[Part<'_>], apart: Option<usize>) -> Result<(), FailedAt> {
        self.outgoing.clear();
        for (place, part) in parts.iter().enumerate() {
            if apart == Some(place) {
                frontend::flush(&mut self.outgoing);
            }
            part.write(&mut self.outgoing).map_err(|error| FailedAt { place, ..error.into() })?;
        }
        frontend::sync(&mut self.outgoing);
        Ok(())
    }

    /// Runs what is ready to be sent; after a statement that fails none is. Says how many are answered, each time.
    pub(super) fn fly(
        &mut self,
        parts: &[Part<'_>],
        longest: Duration,
        answered: &mut dyn FnMut(usize),
    ) -> Result<Vec<Answer>, FailedAt> {
        let mut answers = Vec::with_capacity(parts.len());
        let mut answer = Answer::default();
        self.talk(longest, |message| {
            match message {
                Message::DataRow(row) => {
                    let columns = parts.get(answers.len()).map_or(&[][..], |part| &part.statement.columns);
                    answer.rows.push(Cell::read(columns, &row)?);
                }
                Message::CommandComplete(body) => {
                    answer.touched = touched(&body)?;
                    answers.push(std::mem::take(&mut answer));
                    answered(answers.len());
                }
                Message::EmptyQueryResponse => answers.push(std::mem::take(&mut answer)),
                _ => {}
            }
            Ok(())
        })?;
        if answers.len() == parts.len() {
            return Ok(answers);
        }
        // Nobody knows what became of it then.
        let error = lost(&io::Error::other("a statement without an answer"));
        Err(FailedAt { place: answers.len(), ..error.into() })
    }

    /// Sends what is ready and hears the answer to its end. The error is the first there is.
    fn talk(
        &mut self,
        longest: Duration,
        mut hear: impl FnMut(Message) -> Result<(), StoreError>,
    ) -> Result<(), FailedAt> {
        let until = Instant::now() + longest;
        self.wait_at_most(longest)?;
        (&self.socket).write_all(&self.outgoing).map_err(|error| lost(&error))?;
        let (mut place, mut heard) = (0_usize, Ok(()));
        loop {
            let message = match self.next(until) {
                Ok(message) => message,
                Err(error) => return Err(given_up(heard, error, place)),
            };
            let done = matches!(message, Message::CommandComplete(_) | Message::EmptyQueryResponse);
            let now = match message {
                Message::ReadyForQuery(body) => {
                    self.in_transaction = match body.status() {
                        b'I' => InTransaction::No,
                        b'T' => InTransaction::Yes,
                        _ => InTransaction::Failed,
                    };
                    return heard;
                }
                Message::ErrorResponse(body) => Err(FailedAt { error: refused(&body), place, said: true }),
                other => hear(other).map_err(|error| FailedAt { place, ..error.into() }),
            };
            heard = heard.and(now);
            place = place.saturating_add(usize::from(done));
        }
    }

    fn next(&mut self, until: Instant) -> Result<Message, StoreError> {
        loop {
            if let Some(message) = Message::parse(&mut self.incoming).map_err(|error| lost(&error))? {
                return Ok(message);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(lost(&ErrorKind::WouldBlock.into()));
            }
            if left + NOT_LONG < self.waits {
                self.wait_at_most(left)?;
            }
            self.fill()?;
        }
    }

    fn fill(&mut self) -> Result<(), StoreError> {
        let length = (&self.socket).read(&mut self.arrived).map_err(|error| lost(&error))?;
        if length == 0 {
            return Err(lost(&ErrorKind::UnexpectedEof.into()));
        }
        self.incoming.extend_from_slice(self.arrived.get(..length).unwrap_or_default());
        Ok(())
    }

    fn wait_at_most(&mut self, longest: Duration) -> Result<(), StoreError> {
        if self.waits != longest {
            self.socket.wait_at_most(longest).map_err(|error| lost(&error))?;
            self.waits = longest;
        }
        Ok(())
    }
}

impl Part<'_> {
    fn write(&self, out: &mut BytesMut) -> Result<(), StoreError> {
        let Prepared { name, parameters: types, .. } = &*self.statement;
        if types.len() != self.parameters.len() {
            return Err(StoreError::Driver(format!(
                "{} parameters, not {}",
                types.len(),
                self.parameters.len()
            )));
        }
        let values = self.parameters.iter().zip(types);
        let bound = frontend::bind(
            "",
            name,
            [BINARY],
            values,
            |(value, ty), out| match value.to_sql_checked(ty, out)? {
                tokio_postgres::types::IsNull::Yes => Ok(postgres_protocol::IsNull::Yes),
                tokio_postgres::types::IsNull::No => Ok(postgres_protocol::IsNull::No),
            },
            [BINARY],
            out,
        );
        bound.map_err(|error| match error {
            BindError::Conversion(error) => StoreError::Driver(error.to_string()),
            BindError::Serialization(error) => ours(&error),
        })?;
        frontend::execute("", 0, out).map_err(|error| ours(&error))
    }
}

/// A flight that was not heard to its end: whatever was said before, what comes next on the line would be taken for another's
/// answer. Whoever ends a line says why before.
fn given_up(heard: Result<(), FailedAt>, error: StoreError, place: usize) -> FailedAt {
    match heard {
        Ok(()) => FailedAt { place, ..error.into() },
        Err(FailedAt { error: StoreError::Unavailable(text) | StoreError::Busy(text), place, said }) => {
            FailedAt { error: StoreError::Unavailable(text), place, said }
        }
        Err(before) => FailedAt { error: StoreError::Unavailable(before.error.to_string()), ..before },
    }
}

/// The last word, where it is a number: `INSERT 0 3`, `UPDATE 3`, `COMMIT`.
fn touched(body: &CommandCompleteBody) -> Result<u64, StoreError> {
    let tag = body.tag().map_err(|error| lost(&error))?;
    Ok(tag.rsplit(' ').next().and_then(|number| number.parse().ok()).unwrap_or(0))
}

/// What never reached the server.
fn ours(error: &io::Error) -> StoreError {
    StoreError::Driver(error.to_string())
}

/// What makes a line useless: it broke, it is silent, or it says what nobody understands.
fn lost(error: &io::Error) -> StoreError {
    StoreError::Unavailable(match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => SILENT.to_owned(),
        _ => error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::postgres_values::Cell;
    use super::*;
    use std::net::Shutdown;
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;

    /// Where nothing will come.
    const SHORT: Duration = Duration::from_millis(50);
    /// Where all is there.
    const LONG: Duration = Duration::from_secs(5);
    const READY: &[u8] = b"Z\0\0\0\x05I";
    const NOTICE: &[u8] = b"N\0\0\0\x0cMlooks\0\0";
    const BUSY: &[u8] = b"E\0\0\0\x19SERROR\0C55P03\0Mbusy\0\0";
    const DONE: &[u8] = b"C\0\0\0\x0dSELECT 1\0";
    /// A row of one column, with the number 7 in four bytes.
    const SEVEN: &[u8] = b"D\0\0\0\x0e\0\x01\0\0\0\x04\0\0\0\x07";

    /// A line to a server that has said this already, and says no more as long as its end is kept.
    fn said(what: &[&[u8]]) -> (Wire, UnixStream) {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        theirs.write_all(&what.concat()).unwrap();
        (Wire::new(Socket::from(OwnedFd::from(ours))), theirs)
    }

    fn columns(columns: &[Cell]) -> Vec<Part<'static>> {
        let (name, columns) = ("s1".to_owned(), columns.to_vec());
        let statement = Arc::new(Prepared { name, parameters: Vec::new(), columns });
        vec![Part { statement, parameters: Vec::new() }]
    }

    fn flown(wire: &mut Wire, parts: &[Part<'_>]) -> Result<Vec<Answer>, FailedAt> {
        wire.pack(parts, None).and_then(|()| wire.fly(parts, LONG, &mut |_| {}))
    }

    /// What comes next on such a line would be taken for another's answer.
    #[test]
    fn an_error_after_which_nothing_comes_makes_a_line_useless() {
        let (mut wire, _silent) = said(&[BUSY]);
        let failed = wire.script("BEGIN", SHORT);
        assert!(
            matches!(&failed, Err(StoreError::Unavailable(text)) if text.contains("55P03")),
            "{failed:?}"
        );
        let (mut wire, gone) = said(&[BUSY]);
        gone.shutdown(Shutdown::Write).unwrap();
        let failed = wire.script("BEGIN", LONG);
        assert!(
            matches!(&failed, Err(StoreError::Unavailable(text)) if text == "busy (55P03)"),
            "{failed:?}"
        );
        let (mut wire, _there) = said(&[BUSY, READY]);
        assert!(matches!(wire.script("BEGIN", LONG), Err(StoreError::Busy(_))), "heard to its end");
    }

    #[test]
    fn a_server_that_says_what_nobody_asked_for_is_not_talked_to() {
        for (what, open) in [(&[][..], true), (&[NOTICE], true), (&[NOTICE, READY], false), (&[BUSY], false)]
        {
            let (mut wire, _there) = said(what);
            assert_eq!(wire.is_open(), open, "{what:?}");
        }
        let (mut wire, gone) = said(&[]);
        drop(gone);
        assert!(!wire.is_open());
    }

    #[test]
    fn notices_are_heard_at_any_time_and_belong_to_no_answer() {
        let (mut wire, _there) = said(&[NOTICE, SEVEN, NOTICE, DONE, NOTICE, READY]);
        let answers = flown(&mut wire, &columns(&[Cell::Int4])).ok().unwrap();
        assert_eq!(
            answers.iter().map(|answer| (answer.rows.clone(), answer.touched)).collect::<Vec<_>>(),
            [(vec![vec![Value::Int(7)]], 1)]
        );
    }

    /// The server has done what it was told to: that must not read as if it had refused.
    #[test]
    fn what_is_not_understood_of_an_answer_is_not_what_the_server_said() {
        let (mut wire, _there) = said(&[SEVEN, DONE, READY]);
        let failed = flown(&mut wire, &columns(&[Cell::Int8])).err().unwrap();
        assert!(matches!(failed.error, StoreError::Driver(_)));
        assert_eq!((failed.place, failed.said), (0, false));
        assert_eq!(wire.in_transaction(), InTransaction::No, "and the line is good");

        let (mut wire, _there) = said(&[BUSY, READY]);
        let failed = flown(&mut wire, &columns(&[])).err().unwrap();
        assert_eq!((failed.place, failed.said), (0, true));
        let (mut wire, _there) = said(&[READY]);
        let failed = flown(&mut wire, &columns(&[])).err().unwrap();
        assert!(matches!(failed.error, StoreError::Unavailable(_)), "no answer at all");
    }
}
