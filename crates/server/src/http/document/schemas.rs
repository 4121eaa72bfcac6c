//! Schemas of types, as JSON, with every schema that they refer to.

use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// The schema of a type, and those that it names.
#[derive(Default)]
pub(super) struct Schemas {
    /// Its own.
    pub(super) own: Value,
    /// By name, for `components`.
    pub(super) named: BTreeMap<String, Value>,
}

impl Schemas {
    /// Of a type. What it refers to is named, it itself is not.
    pub(super) fn of<T: ToSchema>() -> Self {
        let mut found = Vec::new();
        T::schemas(&mut found);
        let named = found.into_iter().map(|(name, schema)| (name, plain(&schema))).collect();
        Self { own: plain(&T::schema()), named }
    }

    /// Names one more type.
    pub(super) fn add<T: ToSchema>(&mut self) {
        let Self { own, named } = Self::of::<T>();
        self.named.extend(named);
        self.named.insert(T::name().into_owned(), own);
    }
}

/// A schema can always be written: it holds texts, numbers and lists of them.
fn plain(schema: &impl serde::Serialize) -> Value {
    serde_json::to_value(schema).unwrap_or_default()
}
