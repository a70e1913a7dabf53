//! Stretches of time of a series in figures, as a chart wants them: put together from the five-minute roll-ups where these are read, so that
//! ninety days cost as little as an hour.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::OptionalExtension;

use super::{
    error::{Fault, StoreError},
    handle::Store,
    histogram::{Histogram, Tally},
    names::series_id,
    rollup::LENGTH,
    session::{Session, maybe_timestamp, micros, timestamp},
    stretches::{HOUR, Span, Stretches},
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
    /// rounded up to a multiple of their five minutes, and the first stretch begins at or before `from`. Of whole hours what is over (by `now`) is
    /// read once only.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn bands(
        &self,
        series: Vec<SeriesKey>,
        (from, to): (Timestamp, Timestamp),
        (step, now): (Duration, Timestamp),
    ) -> Result<Vec<Vec<Band>>, StoreError> {
        let step = i64::try_from(step.as_micros()).unwrap_or(i64::MAX / 2);
        let step = (step.max(1) + LENGTH - 1) / LENGTH * LENGTH;
        let from = micros(from).div_euclid(step) * step;
        // Hours are put together where that makes whole stretches.
        let longest = if step % HOUR == 0 { HOUR } else { 0 };
        let (to, settled, known) = (micros(to), Span::settled(now), self.stretches());
        self.read("read roll-ups", move |session| {
            let span = Span { series: 0, from, to, settled, stored: known.stored(), longest };
            let of = |key: &SeriesKey| match series_id(&session.conn, key)? {
                Some(series) => bands(session, &known, &Span { series, ..span }, step),
                None => Ok(Vec::new()),
            };
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

fn bands(session: &Session, known: &Stretches, span: &Span, step: i64) -> Result<Vec<Band>, Fault> {
    let mut bands: Vec<Band> = Vec::new();
    let mut tally = Tally::default();
    let mut begun = None;
    span.each(session, known, |at, [passed, failed, broken], latency| {
        let beginning = at - at.rem_euclid(step);
        if begun != Some(beginning) {
            if let Some(last) = bands.last_mut() {
                last.latency = tally.take();
            }
            bands.push(Band { at: timestamp(beginning)?, ..Band::default() });
            begun = Some(beginning);
        }
        let Some(band) = bands.last_mut() else { return Ok(()) };
        band.passed += passed;
        band.failed += failed;
        band.broken += broken;
        tally.add(latency)
    })?;
    if let Some(last) = bands.last_mut() {
        last.latency = tally.take();
    }
    Ok(bands)
}
