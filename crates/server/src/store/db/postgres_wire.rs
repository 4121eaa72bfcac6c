//! What goes over a line to PostgreSQL: flights. A flight is sent whole, with one word at its end after which the server answers
//! all of it together; that word after each statement would cost a packet and two wakes each.
//!
//! Guards that an answer is never taken for another's: a flight is heard to its end, or the line is given up. Protocol: "Frontend/Backend
//! Protocol", <https://www.postgresql.org/docs/15/protocol.html>, 55.2.3 and 55.2.4.

use super::Value;
use super::postgres_socket::Socket;
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

/// What the server says of the transaction when it has answered.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Stands {
    /// None is open.
    Nothing,
    /// One is open.
    Open,
    /// One is open and can only be undone.
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
    stands: Stands,
}

/// An error, and how many statements of the flight were answered before it.
pub(super) type FailedAt = (StoreError, usize);

impl Wire {
    pub(super) fn new(socket: Socket) -> Self {
        let (outgoing, incoming) = (BytesMut::new(), BytesMut::new());
        let (waits, arrived) = (Duration::ZERO, vec![0; READ_AT_ONCE]);
        Self { socket, waits, outgoing, incoming, arrived, stands: Stands::Nothing }
    }

    /// Where the transaction stands.
    pub(super) const fn stands(&self) -> Stands {
        self.stands
    }

    /// Whether the server is still there, as far as it has said anything else.
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
                    Ok(Some(Message::ErrorResponse(_))) | Err(_) => break false,
                    Ok(Some(_)) => {}
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
        })?;
        Ok(prepared)
    }

    /// Runs statements without parameters.
    pub(super) fn script(&mut self, text: &str, longest: Duration) -> Result<(), StoreError> {
        self.outgoing.clear();
        frontend::query(text, &mut self.outgoing).map_err(|error| ours(&error))?;
        self.talk(longest, |_| Ok(()))
    }

    /// Runs statements in this order; after one that fails none is. Those before `apart` are answered by themselves. Says how many are
    /// answered, each time.
    pub(super) fn fly(
        &mut self,
        parts: &[Part<'_>],
        apart: Option<usize>,
        longest: Duration,
        answered: &mut dyn FnMut(usize),
    ) -> Result<Vec<Answer>, FailedAt> {
        self.outgoing.clear();
        for (place, part) in parts.iter().enumerate() {
            if apart == Some(place) {
                frontend::flush(&mut self.outgoing);
            }
            part.write(&mut self.outgoing).map_err(|error| (error, place))?;
        }
        frontend::sync(&mut self.outgoing);
        let mut answers = Vec::with_capacity(parts.len());
        let mut answer = Answer::default();
        let heard = self.talk(longest, |message| {
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
        });
        match heard {
            Ok(()) if answers.len() == parts.len() => Ok(answers),
            // Nobody knows what became of it then.
            Ok(()) => Err((lost(&io::Error::other("a statement without an answer")), answers.len())),
            Err(error) => Err((error, answers.len())),
        }
    }

    /// Sends what is to be sent and hears the answer to its end. The error is the first there is.
    fn talk(
        &mut self,
        longest: Duration,
        mut hear: impl FnMut(Message) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let until = Instant::now() + longest;
        self.wait_at_most(longest)?;
        (&self.socket).write_all(&self.outgoing).map_err(|error| lost(&error))?;
        let mut heard = Ok(());
        loop {
            let message = match self.next(until) {
                Ok(message) => message,
                // Whoever ends a line says why before.
                Err(error) => return heard.and(Err(error)),
            };
            let now = match message {
                Message::ReadyForQuery(body) => {
                    self.stands = match body.status() {
                        b'I' => Stands::Nothing,
                        b'T' => Stands::Open,
                        _ => Stands::Failed,
                    };
                    return heard;
                }
                Message::ErrorResponse(body) => Err(refused(&body)),
                other => hear(other),
            };
            heard = heard.and(now);
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
        ErrorKind::WouldBlock | ErrorKind::TimedOut => "no answer in time".to_owned(),
        _ => error.to_string(),
    })
}
