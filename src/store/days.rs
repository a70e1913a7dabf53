//! What a series came to over weeks: of whole days that are over the sums are kept in memory, since nothing comes to them any more. A week of
//! five hundred journeys is a million and a half roll-ups; read once, it is a few thousand sums.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, PoisonError},
};

use jiff::Timestamp;
use rusqlite::params;

use super::{
    bands::Band,
    error::{Fault, StoreError},
    handle::Store,
    histogram::Tally,
    names::series_id,
    rollup::LENGTH,
    session::{Session, micros, timestamp},
};
use crate::model::SeriesKey;

/// A day, in microseconds.
const DAY: i64 = 86_400 * 1_000_000;
/// So long after its end runs may still come to a day.
const LATE: i64 = 2 * 3600 * 1_000_000;
/// Most days of series that are kept, some 300 bytes each: a fortnight of a thousand series, or half a year of eighty.
const MOST: usize = 16_384;

/// A day of a series.
#[derive(Debug, Clone, Default)]
struct Day {
    counts: [u64; 3],
    /// As a roll-up stores it.
    latency: Vec<u8>,
}

/// The days that are known, by their number since 1970 and the id of the series.
#[derive(Debug, Default)]
pub(super) struct Days(Mutex<BTreeMap<(i64, i64), Day>>);

impl Days {
    fn get(&self, day: i64, series: i64) -> Option<Day> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&(day, series)).cloned()
    }

    fn keep(&self, day: i64, series: i64, found: Day) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert((day, series), found);
        while known.len() > MOST {
            known.pop_first();
        }
    }

    /// Forgets the days of runs that were stored.
    pub(super) fn forget(&self, times: impl Iterator<Item = Timestamp>) {
        let days: BTreeSet<i64> = times.map(|at| micros(at).div_euclid(DAY)).collect();
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for day in days {
            let of_it: Vec<_> =
                known.range((day, i64::MIN)..=(day, i64::MAX)).map(|(key, _)| *key).collect();
            of_it.iter().for_each(|key| drop(known.remove(key)));
        }
    }

    /// Forgets all days that began before this time: their roll-ups are being removed.
    pub(super) fn forget_before(&self, at: i64) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = known.split_off(&(at.div_euclid(DAY) + 1, i64::MIN));
        *known = kept;
    }
}

impl Store {
    /// What each of several series came to within `from..to`, from the roll-ups that begin in it.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn sums(
        &self,
        series: Vec<SeriesKey>,
        (from, to): (Timestamp, Timestamp),
        now: Timestamp,
    ) -> Result<Vec<Band>, StoreError> {
        let days = self.days();
        let span = (micros(from).div_euclid(LENGTH) * LENGTH, micros(to));
        let settled = micros(now).saturating_sub(LATE);
        self.read("read roll-ups", move |session| {
            let of = |key: &SeriesKey| sum(session, &days, key, (span, settled));
            series.iter().map(of).collect()
        })
        .await
    }
}

/// Counts and a tally of latencies on the way.
#[derive(Default)]
struct Sum {
    counts: [u64; 3],
    tally: Tally,
}

impl Sum {
    fn add(&mut self, counts: [u64; 3], latency: &[u8]) -> Result<(), Fault> {
        self.counts.iter_mut().zip(counts).for_each(|(sum, n)| *sum = sum.saturating_add(n));
        self.tally.add(latency)
    }

    fn read(&mut self, session: &Session, series: i64, from: i64, to: i64) -> Result<(), Fault> {
        if from >= to {
            return Ok(());
        }
        let mut statement = session.conn.prepare_cached(
            "SELECT passed, failed, broken, latency FROM rollup WHERE series = ?1 AND at >= ?2 AND at < ?3",
        )?;
        let mut rows = statement.query(params![series, from, to])?;
        while let Some(row) = rows.next()? {
            let count = |column| row.get::<_, i64>(column).map(|n| n.max(0).unsigned_abs());
            let latency = row.get_ref(3)?.as_blob();
            let latency = latency.map_err(|e| Fault::unreadable("a roll-up", e))?;
            self.add([count(0)?, count(1)?, count(2)?], latency)?;
        }
        Ok(())
    }
}

fn sum(
    session: &Session,
    days: &Days,
    key: &SeriesKey,
    ((from, to), settled): ((i64, i64), i64),
) -> Result<Band, Fault> {
    let Some(series) = series_id(&session.conn, key)? else { return Ok(Band::default()) };
    let first = from.div_euclid(DAY) + i64::from(from.rem_euclid(DAY) != 0);
    let last = to.min(settled).div_euclid(DAY);
    let mut sum = Sum::default();
    if first < last {
        sum.read(session, series, from, first * DAY)?;
        for day in first..last {
            let known = match days.get(day, series) {
                Some(known) => known,
                None => {
                    let mut one = Sum::default();
                    one.read(session, series, day * DAY, (day + 1) * DAY)?;
                    let found = Day { counts: one.counts, latency: one.tally.take().encode() };
                    days.keep(day, series, found.clone());
                    found
                }
            };
            sum.add(known.counts, &known.latency)?;
        }
        sum.read(session, series, last * DAY, to)?;
    } else {
        sum.read(session, series, from, to)?;
    }
    let [passed, failed, broken] = sum.counts;
    Ok(Band { at: timestamp(from)?, passed, failed, broken, latency: sum.tally.take() })
}
