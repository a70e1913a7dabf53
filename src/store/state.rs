//! The state of the file itself: how much is in it, how large it is.

use rusqlite::{Connection, OptionalExtension, params};

use super::{
    error::{Fault, StoreError},
    handle::Store,
    open::log_of,
};

/// How much the file holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Runs.
    pub runs: u64,
    /// Series of runs.
    pub series: u64,
    /// Changes.
    pub changes: u64,
    /// Verdicts.
    pub verdicts: u64,
    /// Findings, open or not.
    pub findings: u64,
    /// Messages not yet delivered.
    pub outbox_pending: u64,
}

impl Store {
    /// How much the file holds; cheap.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn counts(&self) -> Result<Counts, StoreError> {
        self.read("count", |session| {
            let count = |sql: &str| -> Result<u64, Fault> {
                let n: i64 = session.conn.prepare_cached(sql)?.query_row([], |r| r.get(0))?;
                Ok(n.max(0).unsigned_abs())
            };
            Ok(Counts {
                runs: tally(&session.conn, "runs")?.max(0).unsigned_abs(),
                series: count("SELECT count(*) FROM series")?,
                changes: count("SELECT count(*) FROM change")?,
                verdicts: count("SELECT count(*) FROM verdict")?,
                findings: count("SELECT count(*) FROM finding")?,
                outbox_pending: count("SELECT count(*) FROM outbox WHERE state = 'pending'")?,
            })
        })
        .await
    }

    /// The size of the file with its log, in bytes.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn size_bytes(&self) -> Result<u64, StoreError> {
        let path = self.path().to_owned();
        self.read("measure the data file", move |_| {
            let length = |path| std::fs::metadata(path).map_or(0, |m| m.len());
            let file = std::fs::metadata(&path)
                .map_err(|e| Fault::unreadable(path.display().to_string(), e))?;
            Ok(file.len() + length(log_of(&path)))
        })
        .await
    }
}

/// A number that is kept; 0 where it never was.
pub(super) fn tally(conn: &Connection, name: &str) -> Result<i64, Fault> {
    let value = conn
        .prepare_cached("SELECT value FROM tally WHERE name = ?1")?
        .query_row([name], |r| r.get(0))
        .optional()?;
    Ok(value.unwrap_or(0))
}

/// Adds to a number that is kept.
pub(super) fn add_to_tally(conn: &Connection, name: &str, by: i64) -> Result<(), Fault> {
    if by != 0 {
        conn.prepare_cached(
            "INSERT INTO tally (name, value) VALUES (?1, ?2)
             ON CONFLICT (name) DO UPDATE SET value = value + excluded.value",
        )?
        .execute(params![name, by])?;
    }
    Ok(())
}
