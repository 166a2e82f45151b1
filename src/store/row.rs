//! Between columns and the types of the wire.

use chrono::{DateTime, NaiveDateTime};
use serde::Serialize;
use serde::de::value::Error;
use serde::de::{DeserializeOwned, IntoDeserializer};

use super::StoreError;
use crate::protocol::time::Timestamp;

/// A time as it is stored: UTC, without a zone.
pub(super) fn column(at: Timestamp) -> NaiveDateTime {
    at.utc().naive_utc()
}

/// A time from its column.
pub(super) fn stamp(at: NaiveDateTime) -> Timestamp {
    at.and_utc().into()
}

/// When a row was made. 1970 if a database that was taken over does not say.
pub(super) fn made(at: Option<NaiveDateTime>) -> Timestamp {
    at.map_or_else(|| DateTime::UNIX_EPOCH.into(), stamp)
}

/// Reads a text, id or name from its column. `what` names an invalid one.
pub(super) fn parsed<T: TryFrom<String>>(raw: String, what: &'static str) -> Result<T, StoreError> {
    T::try_from(raw).map_err(|_| StoreError::Corrupt(what))
}

/// The wire name of an enum value, as it is stored.
pub(super) fn name<T: Serialize>(value: &T) -> Result<String, StoreError> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => Ok(name),
        _ => Err(StoreError::Corrupt("enum")),
    }
}

/// An enum value from its wire name.
pub(super) fn named<T: DeserializeOwned>(raw: &str, what: &'static str) -> Result<T, StoreError> {
    T::deserialize(IntoDeserializer::<Error>::into_deserializer(raw))
        .map_err(|_| StoreError::Corrupt(what))
}
