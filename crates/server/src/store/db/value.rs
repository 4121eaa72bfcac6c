//! Values on their way into statements and rows on their way out: text, 64-bit integers and bytes, nothing
//! else, so that no type differs between the two databases.

use crate::store::StoreError;

/// A parameter or a column.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Value {
    /// SQL NULL.
    Null,
    /// 64-bit integer.
    Int(i64),
    /// Text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A set of integer keys, for `KEYS($n)`.
    Ints(Vec<i64>),
    /// A set of text keys, for `TEXTS($n)`.
    Texts(Vec<String>),
    /// A set of byte keys, for `BLOBS($n)`.
    Blobs(Vec<Vec<u8>>),
}

impl Value {
    /// Whether it is a set.
    pub const fn is_set(&self) -> bool {
        matches!(self, Self::Ints(_) | Self::Texts(_) | Self::Blobs(_))
    }

    /// The values of a set, each as a parameter of its own; none of what is no set.
    pub fn members(&self) -> Vec<Self> {
        match self {
            Self::Ints(values) => values.iter().copied().map(Self::Int).collect(),
            Self::Texts(values) => values.iter().cloned().map(Self::Text).collect(),
            Self::Blobs(values) => values.iter().cloned().map(Self::Bytes).collect(),
            Self::Null | Self::Int(_) | Self::Text(_) | Self::Bytes(_) => Vec::new(),
        }
    }
}

/// A row of an answer; read column by column, in order.
#[derive(Debug)]
pub struct Row {
    values: std::vec::IntoIter<Value>,
    table: &'static str,
}

impl Row {
    /// From a driver's row. `table` names it in errors.
    pub fn new(values: Vec<Value>, table: &'static str) -> Self {
        Self { values: values.into_iter(), table }
    }

    fn corrupt(&self, column: &'static str) -> StoreError {
        StoreError::Corrupt { table: self.table, column }
    }

    /// The next column as an integer.
    pub fn int(&mut self, column: &'static str) -> Result<i64, StoreError> {
        match self.values.next() {
            Some(Value::Int(value)) => Ok(value),
            _ => Err(self.corrupt(column)),
        }
    }
    /// The next column as an integer or NULL.
    pub fn opt_int(&mut self, column: &'static str) -> Result<Option<i64>, StoreError> {
        match self.values.next() {
            Some(Value::Int(value)) => Ok(Some(value)),
            Some(Value::Null) => Ok(None),
            _ => Err(self.corrupt(column)),
        }
    }
    /// The next column as text.
    pub fn text(&mut self, column: &'static str) -> Result<String, StoreError> {
        match self.values.next() {
            Some(Value::Text(value)) => Ok(value),
            _ => Err(self.corrupt(column)),
        }
    }
    /// The next column as text or NULL.
    pub fn opt_text(&mut self, column: &'static str) -> Result<Option<String>, StoreError> {
        match self.values.next() {
            Some(Value::Text(value)) => Ok(Some(value)),
            Some(Value::Null) => Ok(None),
            _ => Err(self.corrupt(column)),
        }
    }
    /// The next column as bytes.
    pub fn bytes(&mut self, column: &'static str) -> Result<Vec<u8>, StoreError> {
        match self.values.next() {
            Some(Value::Bytes(value)) => Ok(value),
            _ => Err(self.corrupt(column)),
        }
    }
    /// The next column as text, parsed. What does not parse is corrupt.
    pub fn parsed<T>(
        &mut self,
        column: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, StoreError> {
        let text = self.text(column)?;
        parse(&text).ok_or_else(|| self.corrupt(column))
    }
    /// The error for a column whose value no state explains.
    pub fn unexplained(&self, column: &'static str) -> StoreError {
        self.corrupt(column)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}
impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}
impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}
impl From<Vec<u8>> for Value {
    fn from(value: Vec<u8>) -> Self {
        Self::Bytes(value)
    }
}
impl From<&[u8]> for Value {
    fn from(value: &[u8]) -> Self {
        Self::Bytes(value.to_vec())
    }
}
impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}
