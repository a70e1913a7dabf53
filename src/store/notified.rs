//! What each receiver was told last of each incident: stored with the message, so that a crash neither loses nor repeats one.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::{
    error::{Fault, StoreError},
    handle::Store,
    session::{micros, timestamp},
};

/// What one receiver was told last of one incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToldRecord {
    /// The name of the receiver.
    pub receiver: String,
    /// The incident.
    pub thread: String,
    /// When it was told.
    pub at: Timestamp,
    /// Whether that was the end of it.
    pub over: bool,
    /// What was told, as JSON.
    pub body: String,
}

impl Store {
    /// What was told and is not over, or was over at `since` or later.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn told(&self, since: Timestamp) -> Result<Vec<ToldRecord>, StoreError> {
        self.read("read what was told", move |session| {
            let mut statement = session.conn.prepare_cached(
                "SELECT receiver, thread, at, over, body FROM notified WHERE over = 0 OR at >= ?1
                 ORDER BY receiver, thread",
            )?;
            let mut rows = statement.query([micros(since)])?;
            let mut told = Vec::new();
            while let Some(row) = rows.next()? {
                told.push(ToldRecord {
                    receiver: row.get(0)?,
                    thread: row.get(1)?,
                    at: timestamp(row.get(2)?)?,
                    over: row.get(3)?,
                    body: row.get(4)?,
                });
            }
            Ok(told)
        })
        .await
    }
}

/// Stores what was told.
pub(super) fn write(conn: &Connection, told: &ToldRecord) -> Result<(), Fault> {
    conn.prepare_cached(
        "INSERT INTO notified (receiver, thread, at, over, body) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (receiver, thread) DO UPDATE SET at = excluded.at, over = excluded.over, body = excluded.body",
    )?
    .execute(params![told.receiver, told.thread, micros(told.at), told.over, told.body])?;
    Ok(())
}
