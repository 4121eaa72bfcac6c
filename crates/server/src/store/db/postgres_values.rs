//! Values on their way to PostgreSQL and back, and its errors in our words.
//!
//! Guards that a column is read as what it is, and that an error is told apart by what callers can do about it.

use super::{Bulk, Kind, Row, Value};
use crate::store::StoreError;
use bytes::BytesMut;
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

pub(super) fn read(row: &tokio_postgres::Row, name: &'static str) -> Result<Row, StoreError> {
    let driver = |error: tokio_postgres::Error| StoreError::Driver(format!("{name}: {error}"));
    let mut values = Vec::with_capacity(row.len());
    for (index, column) in row.columns().iter().enumerate() {
        let value = match *column.type_() {
            Type::INT8 => {
                row.try_get::<_, Option<i64>>(index).map_err(driver)?.map_or(Value::Null, Value::Int)
            }
            Type::INT4 => row
                .try_get::<_, Option<i32>>(index)
                .map_err(driver)?
                .map_or(Value::Null, |n| Value::Int(i64::from(n))),
            Type::TEXT | Type::VARCHAR | Type::NAME => {
                row.try_get::<_, Option<String>>(index).map_err(driver)?.map_or(Value::Null, Value::Text)
            }
            Type::BYTEA => {
                row.try_get::<_, Option<Vec<u8>>>(index).map_err(driver)?.map_or(Value::Null, Value::Bytes)
            }
            Type::VOID => Value::Null,
            ref other => return Err(StoreError::Driver(format!("{name}: a column of type {other}"))),
        };
        values.push(value);
    }
    Ok(Row::new(values, name))
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
    let text = format!("{} ({})", db.message(), db.code().code());
    match db.code().code() {
        // Serialization failure, deadlock, lock not available.
        "40001" | "40P01" | "55P03" => StoreError::Busy(text),
        code if code.starts_with("23") => {
            StoreError::Conflict(db.constraint().unwrap_or(db.message()).to_owned())
        }
        // Connection trouble, shutdown, out of resources, cancelled, read-only, I/O errors.
        code if ["08", "57", "53", "25", "58"].iter().any(|class| code.starts_with(class)) => {
            StoreError::Unavailable(text)
        }
        _ => StoreError::Driver(text),
    }
}
