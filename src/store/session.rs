//! A connection with what is remembered beside it, and the conversions at the border to SQL.

use jiff::Timestamp;
use rusqlite::Connection;
use serde::{Serialize, de::DeserializeOwned};

use super::{
    error::Fault,
    names::{Interned, Known},
};

/// One connection. The writer has one, each reading thread has one.
#[derive(Debug)]
pub(super) struct Session {
    /// The connection.
    pub(super) conn: Connection,
    /// Ids handed out; the writer's.
    pub(super) interned: Interned,
    /// Names looked up; the readers'.
    pub(super) known: Known,
}

impl Session {
    pub(super) fn new(conn: Connection) -> Self {
        conn.set_prepared_statement_cache_capacity(64);
        Self { conn, interned: Interned::default(), known: Known::default() }
    }
}

/// Microseconds since 1970, rounded towards the past.
pub(super) fn micros(at: Timestamp) -> i64 {
    i64::try_from(at.as_nanosecond().div_euclid(1000)).unwrap_or(i64::MAX)
}

/// The time of a column.
pub(super) fn timestamp(micros: i64) -> Result<Timestamp, Fault> {
    Timestamp::from_microsecond(micros)
        .map_err(|_| Fault::unreadable(format!("the time {micros}"), "out of range"))
}

/// The time of a column that may be empty.
pub(super) fn maybe_timestamp(micros: Option<i64>) -> Result<Option<Timestamp>, Fault> {
    micros.map(timestamp).transpose()
}

/// A noun as JSON text.
pub(super) fn to_json<T: Serialize>(what: &str, value: &T) -> Result<String, Fault> {
    serde_json::to_string(value).map_err(|e| Fault::unreadable(what, e))
}

/// A noun from JSON text.
pub(super) fn from_json<T: DeserializeOwned>(what: &str, text: &str) -> Result<T, Fault> {
    serde_json::from_str(text).map_err(|e| Fault::unreadable(what, e))
}

/// A count for SQL, which has no unsigned numbers.
pub(super) fn sql_count(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
