//! Values on their way to PostgreSQL and back, and its errors in our words.
//!
//! Guards that a column is read as what it is, and that an error is told apart by what callers can do about it.

use super::{Bulk, Kind, Value};
use crate::store::StoreError;
use bytes::BytesMut;
use fallible_iterator::FallibleIterator;
use postgres_protocol::Oid;
use postgres_protocol::message::backend::{DataRowBody, ErrorResponseBody};
use postgres_protocol::types;
use std::error::Error;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

pub(super) fn columns<'a>(bulk: &Bulk, rows: &'a [Vec<Value>]) -> Vec<ColumnValues<'a>> {
    let columns = bulk.columns();
    let gather = |(index, (_, kind)): (usize, &(&'static str, Kind))| {
        ColumnValues::gather(*kind, rows.iter().map(|row| row.get(index)))
    };
    columns.iter().enumerate().map(gather).collect()
}

pub(super) fn parameter(value: &Value) -> &(dyn ToSql + Sync) {
    value
}

/// One column of many rows.
pub(super) enum ColumnValues<'a> {
    Int(Vec<Option<i64>>),
    Text(Vec<Option<&'a str>>),
    Bytes(Vec<Option<&'a [u8]>>),
}

impl<'a> ColumnValues<'a> {
    fn gather(kind: Kind, cells: impl Iterator<Item = Option<&'a Value>>) -> Self {
        match kind {
            Kind::Int => Self::Int(
                cells
                    .map(|cell| if let Some(Value::Int(value)) = cell { Some(*value) } else { None })
                    .collect(),
            ),
            Kind::Text => Self::Text(
                cells
                    .map(|cell| if let Some(Value::Text(value)) = cell { Some(value.as_str()) } else { None })
                    .collect(),
            ),
            // Never a value of a row.
            Kind::Always(_) => Self::Int(Vec::new()),
            Kind::Bytes => Self::Bytes(
                cells
                    .map(
                        |cell| {
                            if let Some(Value::Bytes(value)) = cell { Some(value.as_slice()) } else { None }
                        },
                    )
                    .collect(),
            ),
        }
    }
    pub(super) fn parameter(&self) -> &(dyn ToSql + Sync) {
        match self {
            Self::Int(values) => values,
            Self::Text(values) => values,
            Self::Bytes(values) => values,
        }
    }
}

/// How a column comes.
#[derive(Clone, Copy)]
pub(super) enum Cell {
    Int8,
    Int4,
    Text,
    Bytes,
    Void,
    /// Nothing that is read here.
    Other(Oid),
}

impl Cell {
    /// By the type's number.
    pub(super) fn of(oid: Oid) -> Self {
        match Type::from_oid(oid) {
            Some(Type::INT8) => Self::Int8,
            Some(Type::INT4) => Self::Int4,
            Some(Type::TEXT | Type::VARCHAR | Type::NAME) => Self::Text,
            Some(Type::BYTEA) => Self::Bytes,
            Some(Type::VOID) => Self::Void,
            _ => Self::Other(oid),
        }
    }

    /// Reads a row of such columns.
    pub(super) fn read(columns: &[Self], row: &DataRowBody) -> Result<Vec<Value>, StoreError> {
        let mut values = Vec::with_capacity(columns.len());
        let (mut ranges, bytes) = (row.ranges(), row.buffer());
        for column in columns {
            let range = ranges.next().ok().flatten().ok_or_else(|| unreadable("it is not there"))?;
            values.push(match range {
                None => Value::Null,
                Some(range) => column.value(bytes.get(range).unwrap_or_default())?,
            });
        }
        Ok(values)
    }

    fn value(self, bytes: &[u8]) -> Result<Value, StoreError> {
        let value = match self {
            Self::Int8 => types::int8_from_sql(bytes).map(Value::Int),
            Self::Int4 => types::int4_from_sql(bytes).map(|narrow| Value::Int(narrow.into())),
            Self::Text => types::text_from_sql(bytes).map(Value::from),
            Self::Bytes => Ok(Value::from(bytes)),
            Self::Void => Ok(Value::Null),
            Self::Other(oid) => Err(format!("it is of type {oid}").into()),
        };
        value.map_err(|error| unreadable(&error.to_string()))
    }
}

fn unreadable(why: &str) -> StoreError {
    StoreError::Driver(format!("a column cannot be read: {why}"))
}

impl ToSql for Value {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(value) if *ty == Type::INT4 => i32::try_from(*value)?.to_sql(ty, out),
            Self::Int(value) => value.to_sql(ty, out),
            Self::Text(value) => value.to_sql(ty, out),
            Self::Bytes(value) => value.to_sql(ty, out),
            Self::Ints(values) => values.to_sql(ty, out),
            Self::Texts(values) => values.to_sql(ty, out),
            Self::Blobs(values) => values.to_sql(ty, out),
        }
    }
    fn accepts(_: &Type) -> bool {
        true
    }
    to_sql_checked!();
}

/// What the library says while a line is made.
pub(super) fn from_driver(error: &tokio_postgres::Error) -> StoreError {
    let Some(db) = error.as_db_error() else {
        let text = error.to_string();
        let source = error.source().map(ToString::to_string).unwrap_or_default();
        return if error.is_closed()
            || source.is_empty()
            || error.source().is_some_and(|s| s.is::<std::io::Error>())
        {
            StoreError::Unavailable(format!("{text} {source}"))
        } else {
            StoreError::Driver(format!("{text} {source}"))
        };
    };
    by_code(db.code().code(), db.message(), db.constraint())
}

/// What the server says of a statement. Only the message, never what it says of values.
pub(super) fn refused(body: &ErrorResponseBody) -> StoreError {
    let (mut code, mut message, mut constraint) = (String::new(), String::new(), None);
    let mut fields = body.fields();
    while let Ok(Some(field)) = fields.next() {
        let text = || String::from_utf8_lossy(field.value_bytes()).into_owned();
        match field.type_() {
            b'C' => code = text(),
            b'M' => message = text(),
            b'n' => constraint = Some(text()),
            _ => {}
        }
    }
    by_code(&code, &message, constraint.as_deref())
}

fn by_code(code: &str, message: &str, constraint: Option<&str>) -> StoreError {
    let text = format!("{message} ({code})");
    match code {
        // Serialization failure, deadlock, lock not available.
        "40001" | "40P01" | "55P03" => StoreError::Busy(text),
        code if code.starts_with("23") => StoreError::Conflict(constraint.unwrap_or(message).to_owned()),
        // Connection trouble, shutdown, out of resources, cancelled, read-only, I/O errors.
        code if ["08", "57", "53", "25", "58"].iter().any(|class| code.starts_with(class)) => {
            StoreError::Unavailable(text)
        }
        _ => StoreError::Driver(text),
    }
}
