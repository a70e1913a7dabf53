//! Five-minute roll-ups: what stays of runs when the runs themselves are gone.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::{
    error::Fault,
    handle::Store,
    histogram::Histogram,
    names::series_id,
    session::{micros, timestamp},
};
use crate::{
    model::{Deployed, Outcome, Run, SeriesKey},
    store::StoreError,
};

/// Length of a roll-up, in microseconds.
pub(super) const LENGTH: i64 = 5 * 60 * 1_000_000;

/// Five minutes of one series while one set of versions was deployed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rollup {
    /// When the five minutes began: a multiple of five minutes since 1970.
    pub at: Timestamp,
    /// The versions deployed, as the runs knew them.
    pub deployed: Vec<Deployed>,
    /// How many runs passed.
    pub passed: u64,
    /// How many failed.
    pub failed: u64,
    /// How many broke: ours, not the target's.
    pub broken: u64,
    /// The durations of those that passed.
    pub latency: Histogram,
}

/// Which roll-up a run belongs to: series, beginning, set of deployed versions.
pub(super) type Slot = (i64, i64, i64);

/// What a batch of runs adds.
#[derive(Debug, Default)]
pub(super) struct Additions {
    slots: BTreeMap<Slot, Sums>,
}

#[derive(Debug, Default)]
struct Sums {
    /// Passed, failed, broken.
    counts: [i64; 3],
    latency: Histogram,
}

impl Additions {
    /// Counts a run of a series.
    pub(super) fn add(&mut self, series: i64, at: i64, deployed: i64, run: &Run) {
        let slot = (series, at - at.rem_euclid(LENGTH), deployed);
        let sums = self.slots.entry(slot).or_default();
        match run.outcome {
            Outcome::Passed => {
                sums.counts[0] += 1;
                sums.latency.record(run.duration);
            }
            Outcome::Failed(_) => sums.counts[1] += 1,
            Outcome::Broken { .. } => sums.counts[2] += 1,
        }
    }

    /// Adds everything to what the file holds.
    pub(super) fn write(self, conn: &Connection) -> Result<(), Fault> {
        let mut read = conn.prepare_cached(
            "SELECT latency FROM rollup WHERE series = ?1 AND at = ?2 AND deployed = ?3",
        )?;
        let mut write = conn.prepare_cached(
            "INSERT INTO rollup (series, at, deployed, passed, failed, broken, latency)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT (series, at, deployed) DO UPDATE SET
                 passed = passed + excluded.passed, failed = failed + excluded.failed,
                 broken = broken + excluded.broken, latency = excluded.latency",
        )?;
        for ((series, at, deployed), mut sums) in self.slots {
            let stored: Option<Vec<u8>> =
                read.query_row(params![series, at, deployed], |r| r.get(0)).optional()?;
            if let Some(stored) = stored {
                // An unreadable one is begun anew: its counts stay, its latencies are lost anyway.
                sums.latency.merge(&Histogram::decode(&stored).unwrap_or_default());
            }
            let [passed, failed, broken] = sums.counts;
            let latency = sums.latency.encode();
            write.execute(params![series, at, deployed, passed, failed, broken, latency])?;
        }
        Ok(())
    }
}

impl Store {
    /// The roll-ups of a series whose beginning lies in `from..to`, in the order of time; several of the same time where
    /// the deployed versions changed within it.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn rollups(
        &self,
        series: &SeriesKey,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<Rollup>, StoreError> {
        let series = series.clone();
        self.read("read roll-ups", move |session| {
            let Some(id) = series_id(&session.conn, &series)? else { return Ok(Vec::new()) };
            let mut statement = session.conn.prepare_cached(
                "SELECT at, deployed, passed, failed, broken, latency FROM rollup
                 WHERE series = ?1 AND at >= ?2 AND at < ?3 ORDER BY at, deployed",
            )?;
            let mut rows = statement.query(params![id, micros(from), micros(to)])?;
            let mut rollups = Vec::new();
            while let Some(row) = rows.next()? {
                let count = |column| row.get::<_, i64>(column).map(|n| n.max(0).unsigned_abs());
                rollups.push(Rollup {
                    at: timestamp(row.get(0)?)?,
                    deployed: session.known.deployed(&session.conn, row.get(1)?)?.to_vec(),
                    passed: count(2)?,
                    failed: count(3)?,
                    broken: count(4)?,
                    latency: Histogram::decode(
                        row.get_ref(5)?.as_blob().map_err(|e| Fault::unreadable("a roll-up", e))?,
                    )?,
                });
            }
            Ok(rollups)
        })
        .await
    }
}
