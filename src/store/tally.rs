//! What the runs of five minutes came to, measured against an objective: cheap over weeks, since only counts and histograms are read.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::params;

use super::{
    error::{Fault, StoreError},
    handle::Store,
    histogram::stored_at_most,
    names::series_id,
    session::{Session, micros, timestamp},
};
use crate::model::SeriesKey;

/// Five minutes of a series; several of the same time where the deployed versions changed within it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tallied {
    /// When they began: a multiple of five minutes since 1970.
    pub at: Timestamp,
    /// Runs that passed in time; those within 2% of the limit may fall on either side.
    pub good: u64,
    /// Runs that passed, but too slowly.
    pub slow: u64,
    /// Runs that failed.
    pub failed: u64,
    /// Runs that broke: ours, not the target's.
    pub broken: u64,
}

/// A series that is to be counted: since when, and how long a run may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToTally {
    /// Which.
    pub series: SeriesKey,
    /// A slower run is not good; none where any is.
    pub limit: Option<Duration>,
    /// The first five minutes that are counted begin then or later.
    pub from: Timestamp,
}

impl Store {
    /// Counts each of several series up to now, in the order of time.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn tallies(&self, wanted: Vec<ToTally>) -> Result<Vec<Vec<Tallied>>, StoreError> {
        self.read("count runs", move |session| {
            wanted.iter().map(|one| tally(session, one)).collect()
        })
        .await
    }
}

fn tally(session: &Session, wanted: &ToTally) -> Result<Vec<Tallied>, Fault> {
    let Some(id) = series_id(&session.conn, &wanted.series)? else { return Ok(Vec::new()) };
    let mut statement = session.conn.prepare_cached(
        "SELECT at, passed, failed, broken, latency FROM rollup WHERE series = ?1 AND at >= ?2 ORDER BY at",
    )?;
    let mut rows = statement.query(params![id, micros(wanted.from)])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        let count = |column| row.get::<_, i64>(column).map(|n| n.max(0).unsigned_abs());
        let passed = count(1)?;
        let good = match wanted.limit {
            Some(limit) => {
                let latency = row.get_ref(4)?.as_blob();
                stored_at_most(latency.map_err(|e| Fault::unreadable("a roll-up", e))?, limit)?
            }
            None => passed,
        };
        let good = good.min(passed);
        let (failed, broken) = (count(2)?, count(3)?);
        all.push(Tallied {
            at: timestamp(row.get(0)?)?,
            good,
            slow: passed - good,
            failed,
            broken,
        });
    }
    Ok(all)
}
