//! What came to the hooks lately, and changes that wait for a place.

use jiff::Timestamp;
use rusqlite::params;

use super::{
    error::StoreError,
    handle::Store,
    session::{from_json, micros, sql_count, timestamp, to_json},
};
use crate::model::Change;

/// Most deliveries that are kept; the oldest go first.
const MOST: i64 = 20_000;

/// One request that came to a hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptDelivery {
    /// Its number.
    pub id: i64,
    /// When it came.
    pub at: Timestamp,
    /// The hook.
    pub hook: String,
    /// What sort of event it was, where that could be read.
    pub event: Option<String>,
    /// What became of it, a word: `change`, `fact`, `ignored`, `unplaced`, `broken`.
    pub outcome: String,
    /// The same in a sentence.
    pub note: String,
    /// How long its body was.
    pub bytes: usize,
    /// Its body, cut and masked.
    pub body: String,
}

/// A change of which nobody knows where it belongs.
#[derive(Debug, Clone, PartialEq)]
pub struct UnplacedChange {
    /// Its number.
    pub row: i64,
    /// The hook that it came by.
    pub hook: String,
    /// When it came.
    pub at: Timestamp,
    /// What was told.
    pub change: Change,
}

impl Store {
    /// Keeps a request for a while. Nobody waits for it: it is there for people to look at.
    ///
    /// # Errors
    /// When the store is closed, or open for reading only.
    pub fn keep_delivery(&self, delivery: KeptDelivery) -> Result<(), StoreError> {
        self.write_later("keep a delivery", move |session| {
            let conn = &session.conn;
            conn.prepare_cached(
                "INSERT INTO delivery (at, hook, event, outcome, note, bytes, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                micros(delivery.at),
                delivery.hook,
                delivery.event,
                delivery.outcome,
                delivery.note,
                sql_count(delivery.bytes),
                delivery.body,
            ])?;
            let newest = conn.last_insert_rowid();
            conn.prepare_cached("DELETE FROM delivery WHERE id <= ?1")?.execute([newest - MOST])?;
            Ok(())
        })
    }

    /// The newest requests, all or those of one hook.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn deliveries(
        &self,
        hook: Option<String>,
        limit: usize,
    ) -> Result<Vec<KeptDelivery>, StoreError> {
        self.read("read deliveries", move |session| {
            let mut statement = session.conn.prepare_cached(
                "SELECT id, at, hook, event, outcome, note, bytes, body FROM delivery
                 WHERE ?1 IS NULL OR hook = ?1 ORDER BY id DESC LIMIT ?2",
            )?;
            let mut rows = statement.query(params![hook, sql_count(limit)])?;
            let mut kept = Vec::new();
            while let Some(row) = rows.next()? {
                kept.push(KeptDelivery {
                    id: row.get(0)?,
                    at: timestamp(row.get(1)?)?,
                    hook: row.get(2)?,
                    event: row.get(3)?,
                    outcome: row.get(4)?,
                    note: row.get(5)?,
                    bytes: usize::try_from(row.get::<_, i64>(6)?).unwrap_or(0),
                    body: row.get(7)?,
                });
            }
            Ok(kept)
        })
        .await
    }

    /// Keeps a telling of a change that has no place yet; whether it was new.
    ///
    /// # Errors
    /// When it could not be stored.
    pub async fn keep_unplaced(
        &self,
        hook: String,
        change: Change,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        self.write("keep an unplaced change", move |session| {
            let body = to_json("an unplaced change", &change)?;
            let new = session
                .conn
                .prepare_cached(
                    "INSERT OR IGNORE INTO unplaced (piece, hook, at, body) VALUES (?1, ?2, ?3, ?4)",
                )?
                .execute(params![change.id.as_str(), hook, micros(at), body])?;
            Ok(new > 0)
        })
        .await
    }

    /// What has no place yet, newest first: all, or what was told under one id.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn unplaced(
        &self,
        id: Option<String>,
        limit: usize,
    ) -> Result<Vec<UnplacedChange>, StoreError> {
        self.read("read unplaced changes", move |session| {
            let mut statement = session.conn.prepare_cached(
                "SELECT id, hook, at, body FROM unplaced WHERE ?1 IS NULL OR piece = ?1 ORDER BY id DESC LIMIT ?2",
            )?;
            let mut rows = statement.query(params![id, sql_count(limit)])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                found.push(UnplacedChange {
                    row: row.get(0)?,
                    hook: row.get(1)?,
                    at: timestamp(row.get(2)?)?,
                    change: from_json("an unplaced change", &row.get::<_, String>(3)?)?,
                });
            }
            Ok(found)
        })
        .await
    }

    /// Lets go of what was told under an id and has a place now, or is to be forgotten; how many tellings these were.
    ///
    /// # Errors
    /// When it could not be stored.
    pub async fn drop_unplaced(&self, id: String) -> Result<usize, StoreError> {
        self.write("let go of an unplaced change", move |session| {
            Ok(session
                .conn
                .prepare_cached("DELETE FROM unplaced WHERE piece = ?1")?
                .execute([id])?)
        })
        .await
    }
}
