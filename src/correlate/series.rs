//! One series as a room keeps it: who it is, its probes in the order of time, and where its level is known to have moved.

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};

use jiff::Timestamp;

use crate::model::{
    MeasureRule, Metric, Part, Parts, Probe, Revision, SeriesKey, ServiceName, Signature, StepName,
};

use super::{
    PARTS_REACH, Point,
    reach::{AGED, SELDOM, kept},
};

/// A series that a change is judged by.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// Which series.
    pub series: SeriesKey,
    /// The services its journey touches.
    pub services: Vec<ServiceName>,
    /// Whose fault a failure of a step would be, where its journey says so.
    pub steps: BTreeMap<StepName, ServiceName>,
    /// The usual distance between two of its runs, without denser probing.
    pub interval: Duration,
    /// The revision its journey is walked as now.
    pub revision: Option<Revision>,
    /// How what its journey measures is judged.
    pub measures: BTreeMap<Part, MeasureRule>,
}

/// A moment at which the level of a metric is known to have moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct KnownShift {
    pub(super) at: Timestamp,
    pub(super) metric: Metric,
}

/// A series with everything known of it.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) member: Member,
    pub(super) probes: Vec<Probe>,
    pub(super) shifts: Vec<KnownShift>,
    /// The same of the times of its parts.
    pub(super) part_shifts: Vec<(Part, Timestamp)>,
    /// Whether it is the line of a part, which is judged for the worse only.
    pub(super) alone: bool,
    /// The start of the change for which it last forgot what lies too far back.
    pub(super) forgotten: Option<Timestamp>,
}

/// Where a new probe came to stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Added {
    /// At the end, as usual.
    Last,
    /// Between others: it came late.
    Inside,
    /// It was there already.
    Known,
}

impl Line {
    pub(super) fn new(member: Member) -> Self {
        Self {
            member,
            probes: Vec::new(),
            shifts: Vec::new(),
            part_shifts: Vec::new(),
            alone: false,
            forgotten: None,
        }
    }

    /// Takes a probe to where its time puts it; one with the time of another is that other, told twice.
    pub(super) fn add(&mut self, probe: &Probe) -> Added {
        if self.probes.last().is_none_or(|last| last.at < probe.at) {
            let mut probe = probe.clone();
            if let Some(last) = self.probes.last() {
                probe.parts.share(&last.parts);
            }
            if let Some(signature) = &mut probe.signature {
                let lately = self.probes.iter().rev().take(LATELY);
                lately
                    .filter_map(|p| p.signature.as_ref())
                    .take(1)
                    .for_each(|last| signature.share(last));
            }
            self.probes.push(probe);
            return Added::Last;
        }
        let index = self.from(probe.at);
        if self.probes.get(index).is_some_and(|p| p.at == probe.at) {
            return Added::Known;
        }
        self.probes.insert(index, probe.clone());
        Added::Inside
    }

    /// Takes many probes in any order; says whether any of them was new, but for those from weeks before what was known: who was
    /// judged without them stays judged.
    pub(super) fn merge(&mut self, probes: Vec<Probe>) -> bool {
        let aged = self.probes.last().map_or(Timestamp::MIN, |p| earlier(p.at, AGED));
        let before = self.probes.len() - self.from(aged);
        let mut probes = probes;
        share_texts(&mut probes);
        let sorted = self.probes.last().map(|p| p.at);
        self.probes.extend(probes);
        if sorted.is_some() || self.probes.windows(2).any(|w| w[0].at >= w[1].at) {
            // A stable sort: of two with one time the one known first stays, with the parts that either knows.
            self.probes.sort_by_key(|p| p.at);
            self.probes.dedup_by(|next, first| {
                if first.at == next.at && first.parts.is_empty() {
                    std::mem::swap(&mut first.parts, &mut next.parts);
                }
                first.at == next.at
            });
        }
        self.probes.len() - self.from(aged) != before
    }

    /// Index of the first probe not earlier than this.
    pub(super) fn from(&self, at: Timestamp) -> usize {
        self.probes.partition_point(|p| p.at < at)
    }

    /// Forgets what a change that started then, and those after it, need no more.
    pub(super) fn forget(&mut self, started: Timestamp) {
        if self.forgotten.is_some_and(|at| started < later(at, SELDOM)) {
            return;
        }
        self.forgotten = Some(started);
        self.probes.drain(..self.from(earlier(started, kept(self.member.interval))));
        self.probes.shrink_to_fit();
        let old = self.from(earlier(started, PARTS_REACH));
        self.probes[..old].iter_mut().for_each(|p| p.parts = Parts::default());
    }

    /// The probes from a moment on and before another one.
    pub(super) fn between(&self, (from, to): (Timestamp, Timestamp)) -> &[Probe] {
        let to = self.from(to);
        &self.probes[self.from(from).min(to)..to]
    }

    /// Index of the first probe later than this.
    pub(super) fn after(&self, at: Timestamp) -> usize {
        self.probes.partition_point(|p| p.at <= at)
    }

    /// The line of a part alone: its times since then, and the shifts of the journey's time, which are its own as well.
    pub(super) fn of(&self, part: &Part, since: Timestamp) -> Self {
        let whole = self.shifts.iter().filter(|s| s.metric == Metric::Latency).copied();
        let own = self.part_shifts.iter().filter(|(p, _)| p == part);
        let mut shifts: Vec<KnownShift> = whole
            .chain(own.map(|(_, at)| KnownShift { at: *at, metric: Metric::Latency }))
            .collect();
        shifts.sort();
        shifts.dedup();
        Self {
            member: self.member.clone(),
            probes: self.probes[self.from(since)..].iter().map(|p| p.of(part)).collect(),
            shifts,
            part_shifts: Vec::new(),
            alone: true,
            forgotten: None,
        }
    }

    /// Remembers a shift of the level of a part.
    pub(super) fn shift_part(&mut self, part: &Part, at: Timestamp) {
        let shift = (part.clone(), at);
        if let Err(index) = self.part_shifts.binary_search(&shift) {
            self.part_shifts.insert(index, shift);
        }
    }

    /// The time of its newest probe; the end of the calendar without one.
    pub(super) fn newest(&self) -> Timestamp {
        self.probes.last().map_or(Timestamp::MAX, |p| p.at)
    }

    /// Remembers a shift of the level.
    pub(super) fn shift(&mut self, shift: KnownShift) {
        if let Err(index) = self.shifts.binary_search(&shift) {
            self.shifts.insert(index, shift);
        }
    }
}

/// Runs back to which the texts of a failure are looked for.
const LATELY: usize = 32;

/// Lets failures that follow each other and say the same have one text: memory is bounded by how many differ.
fn share_texts(probes: &mut [Probe]) {
    let mut last: Option<Signature> = None;
    for signature in probes.iter_mut().filter_map(|p| p.signature.as_mut()) {
        if let Some(last) = &last {
            signature.share(last);
        }
        last = Some(signature.clone());
    }
}

/// Seconds since 1970.
pub(super) fn seconds(at: Timestamp) -> f64 {
    at.as_duration().as_secs_f64()
}

/// The moment so many seconds after 1970; what no calendar holds becomes its nearest end.
pub(super) fn moment(seconds: f64) -> Timestamp {
    if seconds.is_nan() {
        return Timestamp::UNIX_EPOCH;
    }
    let micros = (seconds * 1e6).round() as i64;
    let micros = micros.clamp(Timestamp::MIN.as_microsecond(), Timestamp::MAX.as_microsecond());
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// `at` less so much time, never out of the calendar.
pub(super) fn earlier(at: Timestamp, by: Duration) -> Timestamp {
    at.saturating_sub(by).unwrap_or(Timestamp::MIN)
}

/// `at` and so much time, never out of the calendar.
pub(super) fn later(at: Timestamp, by: Duration) -> Timestamp {
    at.saturating_add(by).unwrap_or(Timestamp::MAX)
}

/// The latency that counts: of a run that did not fail, and that is a time at all.
pub(super) fn latency_of(probe: &Probe) -> Option<f64> {
    probe.latency_ms.filter(|ms| ms.is_finite() && *ms > 0.0 && probe.success != Some(false))
}

/// A probe as the folds want it.
pub(super) fn point(probe: &Probe) -> Point {
    let kind = probe.signature.as_ref().map(sort_of);
    Point {
        at_s: seconds(probe.at),
        ln_ms: latency_of(probe).map(f64::ln),
        ok: probe.success,
        kind,
    }
}

/// The number of a sort of failure: equal step and kind give equal numbers. Not its host: where failures are rare and come from
/// many hosts, each was new, and twice as many quiet journeys were suspected.
fn sort_of(signature: &Signature) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&signature.step, signature.kind).hash(&mut hasher);
    hasher.finish()
}

/// Whether the run was one of another revision of the journey.
pub(super) fn foreign(probe: &Probe, revision: Option<&Revision>) -> bool {
    matches!((&probe.revision, revision), (Some(a), Some(b)) if a != b)
}
