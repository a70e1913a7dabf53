//! What a series came to in whole hours and days that are over: their sums are kept in memory, since nothing comes to them any more. A week of
//! five hundred journeys is a million roll-ups; read once, it is a few thousand sums.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::{
    bands::Band,
    error::Fault,
    handle::Store,
    histogram::Tally,
    names::series_id,
    rollup::LENGTH,
    session::{Session, micros, timestamp},
};
use crate::{model::SeriesKey, store::StoreError};

/// An hour, in microseconds.
pub(super) const HOUR: i64 = 3_600 * 1_000_000;
/// A day.
const DAY: i64 = 24 * HOUR;
/// So long after its end runs may still come to a stretch.
const LATE: i64 = HOUR / 2;
/// Most stretches of series that are kept, some 200 bytes each: the ends of two weeks by the hour and their days of a thousand series, or a quarter
/// of a year by the hour of thirty.
const MOST: usize = 1 << 16;

/// An hour or a day of a series.
#[derive(Debug, Clone, Default)]
struct Stretch {
    /// Passed, failed, broken.
    counts: [u64; 3],
    /// As a roll-up stores it.
    latency: Vec<u8>,
}

/// The stretches that are known: of each length and number since 1970 those of all series, by the ids of these.
#[derive(Debug, Default)]
pub(super) struct Stretches(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    all: BTreeMap<(i64, i64), HashMap<i64, Arc<Stretch>>>,
    count: usize,
    /// How often runs were stored, and when they last were of these stretches, oldest first: what is being read meanwhile may lack them.
    stored: u64,
    altered: VecDeque<(u64, (i64, i64))>,
    /// Of what was stored until then this is no longer known.
    forgotten: u64,
}

/// Most altered stretches that are remembered: nothing takes so long to read that more of them are.
const ALTERED: usize = 256;

impl Stretches {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How often runs were stored: asked before the first statement of whatever reads, which fixes the state of the file that it sees.
    pub(super) fn stored(&self) -> u64 {
        self.kept().stored
    }

    fn get(&self, stretch: (i64, i64), series: i64) -> Option<Arc<Stretch>> {
        self.kept().all.get(&stretch)?.get(&series).cloned()
    }

    /// Keeps one, unless runs of it were stored since; what is shortest and oldest is forgotten for it, once there are too many.
    fn keep(&self, stretch: (i64, i64), series: i64, (found, stored): (Arc<Stretch>, u64)) {
        let mut kept = self.kept();
        let altered =
            |kept: &Kept| kept.altered.iter().any(|(at, s)| *s == stretch && *at > stored);
        if stored < kept.forgotten || altered(&kept) {
            return;
        }
        let new = kept.all.entry(stretch).or_default().insert(series, found).is_none();
        kept.count += usize::from(new);
        while kept.count > MOST {
            let Some((_, gone)) = kept.all.pop_first() else { break };
            kept.count = kept.count.saturating_sub(gone.len());
        }
    }

    /// Forgets the stretches that runs of these times are in, which were stored.
    pub(super) fn forget(&self, times: &[Timestamp]) {
        let both = |at: i64| [HOUR, DAY].map(|length| (length, at.div_euclid(length)));
        let stretches: BTreeSet<(i64, i64)> =
            times.iter().flat_map(|at| both(micros(*at))).collect();
        let mut kept = self.kept();
        kept.stored += 1;
        for stretch in stretches {
            let gone = kept.all.remove(&stretch).map_or(0, |gone| gone.len());
            kept.count = kept.count.saturating_sub(gone);
            let stored = kept.stored;
            kept.altered.retain(|(_, known)| *known != stretch);
            kept.altered.push_back((stored, stretch));
        }
        while kept.altered.len() > ALTERED {
            kept.forgotten = kept.altered.pop_front().map_or(kept.forgotten, |(at, _)| at);
        }
    }

    /// Forgets all that began before this time: their roll-ups are being removed.
    pub(super) fn forget_before(&self, at: i64) {
        let mut kept = self.kept();
        kept.all.retain(|(length, number), _| *number > at.div_euclid(*length));
        kept.count = kept.all.values().map(HashMap::len).sum();
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
        let known = self.stretches();
        let span = (micros(from).div_euclid(LENGTH) * LENGTH, micros(to));
        let settled = Span::settled(now);
        self.read("read roll-ups", move |session| {
            let over = (settled, known.stored());
            let of = |key: &SeriesKey| sum(session, &known, key, (span, over));
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
}

fn sum(
    session: &Session,
    known: &Stretches,
    key: &SeriesKey,
    ((from, to), (settled, stored)): ((i64, i64), (i64, u64)),
) -> Result<Band, Fault> {
    let Some(series) = series_id(&session.conn, key)? else { return Ok(Band::default()) };
    let mut sum = Sum::default();
    let span = Span { series, from, to, settled, stored, longest: DAY };
    span.each(session, known, |_, counts, latency| sum.add(counts, latency))?;
    let [passed, failed, broken] = sum.counts;
    Ok(Band { at: timestamp(from)?, passed, failed, broken, latency: sum.tally.take() })
}

/// A span of a series, in microseconds since 1970.
pub(super) struct Span {
    /// The id of the series.
    pub(super) series: i64,
    /// Its beginning.
    pub(super) from: i64,
    /// Its end.
    pub(super) to: i64,
    /// What is over since this time is kept in memory.
    pub(super) settled: i64,
    /// [`Stretches::stored`] from before anything was read.
    pub(super) stored: u64,
    /// The longest stretches that are wanted; below an hour all is read from the roll-ups.
    pub(super) longest: i64,
}

impl Span {
    /// When all that is over has settled.
    pub(super) fn settled(now: Timestamp) -> i64 {
        micros(now).saturating_sub(LATE)
    }

    /// Goes through it in the order of time: in whole days and hours where these have settled, else in roll-ups. Tells of each when it began, its
    /// counts (passed, failed, broken) and its latency, as a roll-up stores it.
    pub(super) fn each(
        &self,
        session: &Session,
        known: &Stretches,
        mut told: impl FnMut(i64, [u64; 3], &[u8]) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let end = self.to.min(self.settled);
        let whole = |at: i64, length: &i64| {
            *length <= self.longest && at.rem_euclid(*length) == 0 && at + length <= end
        };
        // Whoever asks since 1970 asks for no more than there is.
        let mut statement = session
            .conn
            .prepare_cached("SELECT at FROM rollup WHERE series = ?1 ORDER BY at LIMIT 1")?;
        let first: Option<i64> = statement.query_row([self.series], |r| r.get(0)).optional()?;
        let Some(first) = first else { return Ok(()) };
        let mut at = self.from.max(first.div_euclid(DAY) * DAY);
        while at < self.to {
            if let Some(length) = [DAY, HOUR].into_iter().find(|length| whole(at, length)) {
                let stretch = (length, at.div_euclid(length));
                let found = match known.get(stretch, self.series) {
                    Some(found) => found,
                    None => {
                        let mut sum = Sum::default();
                        self.read(session, (at, at + length), &mut |_, counts, latency: &[u8]| {
                            sum.add(counts, latency)
                        })?;
                        let latency = sum.tally.take().encode();
                        let found = Arc::new(Stretch { counts: sum.counts, latency });
                        known.keep(stretch, self.series, (Arc::clone(&found), self.stored));
                        found
                    }
                };
                if found.counts != [0; 3] {
                    told(at, found.counts, &found.latency)?;
                }
                at += length;
            } else {
                let next = (at.div_euclid(HOUR) + 1) * HOUR;
                let wanted = self.longest >= HOUR && next + HOUR <= end;
                let until = if wanted { next } else { self.to };
                self.read(session, (at, until), &mut told)?;
                at = until;
            }
        }
        Ok(())
    }

    fn read(
        &self,
        session: &Session,
        (from, to): (i64, i64),
        told: &mut impl FnMut(i64, [u64; 3], &[u8]) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let mut statement = session.conn.prepare_cached(
            "SELECT at, passed, failed, broken, latency FROM rollup
             WHERE series = ?1 AND at >= ?2 AND at < ?3 ORDER BY at",
        )?;
        let mut rows = statement.query(params![self.series, from, to])?;
        while let Some(row) = rows.next()? {
            let count = |column| row.get::<_, i64>(column).map(|n| n.max(0).unsigned_abs());
            let latency = row.get_ref(4)?.as_blob();
            let latency = latency.map_err(|e| Fault::unreadable("a roll-up", e))?;
            told(row.get(0)?, [count(1)?, count(2)?, count(3)?], latency)?;
        }
        Ok(())
    }
}
