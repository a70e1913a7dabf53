//! Stretches of time of a series in figures, as a chart wants them: put together from the five-minute roll-ups where these are read, so that
//! ninety days cost as little as an hour.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::{
    error::{Fault, StoreError},
    handle::Store,
    histogram::{Histogram, Tally},
    names::series_id,
    rollup::LENGTH,
    session::{Session, maybe_timestamp, micros, timestamp},
};
use crate::model::SeriesKey;

/// What a series did in a stretch of time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Band {
    /// When the stretch began: a multiple of its length since 1970.
    pub at: Timestamp,
    /// How many runs passed.
    pub passed: u64,
    /// How many failed.
    pub failed: u64,
    /// How many broke: ours, not the target's.
    pub broken: u64,
    /// The durations of those that passed.
    pub latency: Histogram,
}

impl Store {
    /// Of each of several series the stretches of `step` within `from..to` that had runs, in the order of time, from the roll-ups: `step` is
    /// rounded up to a multiple of their five minutes, and the first stretch begins at or before `from`.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn bands(
        &self,
        series: Vec<SeriesKey>,
        (from, to): (Timestamp, Timestamp),
        step: Duration,
    ) -> Result<Vec<Vec<Band>>, StoreError> {
        let step = i64::try_from(step.as_micros()).unwrap_or(i64::MAX / 2);
        let step = (step.max(1) + LENGTH - 1) / LENGTH * LENGTH;
        self.read("read roll-ups", move |session| {
            let of = |key: &SeriesKey| bands(session, key, (micros(from), micros(to)), step);
            series.iter().map(of).collect()
        })
        .await
    }

    /// When the first run of a series began that a run or a roll-up is kept of; none where there is none.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn first_run(&self, series: &SeriesKey) -> Result<Option<Timestamp>, StoreError> {
        let series = series.clone();
        self.read("read a series", move |session| {
            let Some(id) = series_id(&session.conn, &series)? else { return Ok(None) };
            let first = |sql: &str| -> Result<Option<i64>, Fault> {
                let mut statement = session.conn.prepare_cached(sql)?;
                Ok(statement.query_row([id], |r| r.get(0)).optional()?)
            };
            let run = first("SELECT at FROM run WHERE series = ?1 ORDER BY at LIMIT 1")?;
            let rollup = first("SELECT at FROM rollup WHERE series = ?1 ORDER BY at LIMIT 1")?;
            // A roll-up that holds the first run begins before it.
            let rolled = rollup.filter(|at| run.is_none_or(|run| at + LENGTH <= run));
            maybe_timestamp(rolled.or(run))
        })
        .await
    }
}

fn bands(
    session: &Session,
    series: &SeriesKey,
    (from, to): (i64, i64),
    step: i64,
) -> Result<Vec<Band>, Fault> {
    let Some(id) = series_id(&session.conn, series)? else { return Ok(Vec::new()) };
    let mut statement = session.conn.prepare_cached(
        "SELECT at, passed, failed, broken, latency FROM rollup
         WHERE series = ?1 AND at >= ?2 AND at < ?3 ORDER BY at",
    )?;
    let mut rows = statement.query(params![id, from - from.rem_euclid(step), to])?;
    let mut bands: Vec<Band> = Vec::new();
    let mut tally = Tally::default();
    let mut begun = None;
    while let Some(row) = rows.next()? {
        let at: i64 = row.get(0)?;
        let beginning = at - at.rem_euclid(step);
        if begun != Some(beginning) {
            if let Some(last) = bands.last_mut() {
                last.latency = tally.take();
            }
            bands.push(Band { at: timestamp(beginning)?, ..Band::default() });
            begun = Some(beginning);
        }
        let Some(band) = bands.last_mut() else { continue };
        let count = |column| row.get::<_, i64>(column).map(|n| n.max(0).unsigned_abs());
        band.passed += count(1)?;
        band.failed += count(2)?;
        band.broken += count(3)?;
        let latency = row.get_ref(4)?.as_blob().map_err(|e| Fault::unreadable("a roll-up", e))?;
        tally.add(latency)?;
    }
    if let Some(last) = bands.last_mut() {
        last.latency = tally.take();
    }
    Ok(bands)
}
