//! What came of the times of a schedule, span by span: the books that all figures are read from.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;

use super::Counted;

/// The shortest span in which runs are weighed together: what the store counts by.
const SPAN: i64 = 300_000_000;
/// Spans without a bad run are put together up to this length.
const TOGETHER: i64 = 3_600_000_000;

/// A span of time and what its runs came to, weighed so that their sum is never above what was due.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Slice {
    /// When it begins.
    pub at: Timestamp,
    /// How long it is, at least a microsecond.
    pub length: Duration,
    /// Times of the schedule.
    pub due: f64,
    /// Good runs.
    pub good: f64,
    /// Bad ones.
    pub bad: f64,
    /// Those of the bad ones that passed, but too slowly.
    pub slow: f64,
    /// Times of which nobody knows what came of them.
    pub unknown: f64,
}

impl Slice {
    /// When it ends.
    pub fn end(&self) -> Timestamp {
        self.at.checked_add(self.length).unwrap_or(Timestamp::MAX)
    }

    /// Which share of it lies in a span.
    pub fn share_in(&self, from: Timestamp, to: Timestamp) -> f64 {
        let overlap = self.end().min(to).duration_since(self.at.max(from));
        (overlap.as_secs_f64() / self.length.as_secs_f64().max(1e-6)).clamp(0.0, 1.0)
    }
}

/// The books of one series, oldest first, without gaps where times were due.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ledger {
    slices: Vec<Slice>,
}

impl Ledger {
    /// Books of a span that ends now. `due` says how many times of the schedule lie at or shortly after a moment, `counted` what was walked,
    /// both in any order; `interval` is the usual distance of two times of the schedule. Nobody knows what came of times without a run, from the
    /// first run on: the first counted, or `since`, where there was one before.
    pub fn new(
        interval: Duration,
        due: &[(Timestamp, u64)],
        counted: &[Counted],
        since: Option<Timestamp>,
        now: Timestamp,
    ) -> Self {
        let width = width(interval);
        let span = |at: Timestamp| at.as_microsecond().div_euclid(width);
        let first = counted.iter().filter(|c| c.walked() + c.broken > 0).map(|c| c.at);
        let first = first.chain(since).map(span).min();
        let mut spans: BTreeMap<i64, (u64, Counted)> = BTreeMap::new();
        let empty = |at| (0, Counted { at, ..Counted::default() });
        for (at, times) in due {
            spans.entry(span(*at)).or_insert_with(|| empty(*at)).0 += times;
        }
        for more in counted {
            spans.entry(span(more.at)).or_insert_with(|| empty(more.at)).1.add(more);
        }
        let booked = spans.into_iter().filter_map(|(number, (due, sum))| {
            let at = Timestamp::from_microsecond(number.checked_mul(width)?).ok()?;
            let end = Timestamp::from_microsecond(at.as_microsecond().checked_add(width)?).ok()?;
            let known = first.is_some_and(|first| number >= first);
            Some(booked(at, end, due, &sum, known, now))
        });
        let mut ledger = Self::default();
        booked.for_each(|slice| ledger.push(slice));
        ledger
    }

    /// Where a span begins in which a moment lies: from there on books can be written anew.
    pub fn beginning(interval: Duration, at: Timestamp) -> Timestamp {
        // Whole hours of spans, so that what was put together is never torn.
        let width = width(interval);
        let width = if TOGETHER % width == 0 { TOGETHER } else { width };
        let at = at.as_microsecond().div_euclid(width).saturating_mul(width);
        Timestamp::from_microsecond(at).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// Everything from the beginning of `newer` on is as it says; what ends before `from` is forgotten.
    pub fn renew(&mut self, newer: Self, from: Timestamp) {
        if let Some(first) = newer.slices.first() {
            self.slices.retain(|slice| slice.at < first.at);
        }
        self.slices.extend(newer.slices);
        let gone = self.slices.partition_point(|slice| slice.end() <= from);
        self.slices.drain(..gone);
    }

    /// The spans, oldest first.
    pub fn slices(&self) -> &[Slice] {
        &self.slices
    }

    /// When the first span begins that a run is in.
    pub fn first_run(&self) -> Option<Timestamp> {
        self.slices.iter().find(|slice| slice.good + slice.bad > 0.0).map(|slice| slice.at)
    }

    /// The sum of what lies within a span.
    pub fn sum(&self, from: Timestamp, to: Timestamp) -> Slice {
        let length = to.duration_since(from).unsigned_abs().max(Duration::from_micros(1));
        let mut sum =
            Slice { at: from, length, due: 0.0, good: 0.0, bad: 0.0, slow: 0.0, unknown: 0.0 };
        let begin = self.slices.partition_point(|slice| slice.end() <= from);
        for slice in self.slices[begin..].iter().take_while(|slice| slice.at < to) {
            let share = slice.share_in(from, to);
            sum.due += share * slice.due;
            sum.good += share * slice.good;
            sum.bad += share * slice.bad;
            sum.slow += share * slice.slow;
            sum.unknown += share * slice.unknown;
        }
        sum
    }

    fn push(&mut self, slice: Slice) {
        let together = |last: &Slice| {
            let hour = |at: Timestamp| at.as_microsecond().div_euclid(TOGETHER);
            last.bad == 0.0
                && slice.bad == 0.0
                && last.unknown == 0.0
                && slice.unknown == 0.0
                && last.end() == slice.at
                && hour(last.at) == hour(slice.at)
                && (last.good > 0.0) == (slice.good > 0.0)
        };
        match self.slices.last_mut().filter(|last| together(last)) {
            Some(last) => {
                last.length += slice.length;
                last.due += slice.due;
                last.good += slice.good;
            }
            None => self.slices.push(slice),
        }
    }
}

/// In which spans the runs of a schedule are weighed.
fn width(interval: Duration) -> i64 {
    let interval = i64::try_from(interval.as_micros()).unwrap_or(i64::MAX / 2);
    (interval.max(1) + SPAN - 1) / SPAN * SPAN
}

/// A span in the books. Where it was walked denser than due, its runs weigh less. What of it is still to come is nobody's yet.
fn booked(
    at: Timestamp,
    end: Timestamp,
    due: u64,
    sum: &Counted,
    known: bool,
    now: Timestamp,
) -> Slice {
    let walked = sum.walked();
    let weight = if walked > due.max(1) { due.max(1) as f64 / walked as f64 } else { 1.0 };
    let missing = due.saturating_sub(walked);
    // A walk that is under way in a span that is not over is no missing one.
    let unknown = if end <= now { missing } else { missing.min(sum.broken) };
    let over = end.min(now).max(at);
    Slice {
        at,
        length: over.duration_since(at).unsigned_abs().max(Duration::from_micros(1)),
        due: due as f64,
        good: weight * sum.good as f64,
        bad: weight * sum.bad as f64,
        slow: weight * sum.slow as f64,
        unknown: if known { unknown as f64 } else { 0.0 },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn at(second: i64) -> Timestamp {
        // A whole hour.
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn minutes(n: i64) -> Vec<(Timestamp, u64)> {
        (0..n).map(|n| (at(n * 60), 1)).collect()
    }

    fn of(second: i64, good: u64, bad: u64) -> Counted {
        Counted { at: at(second), good, bad, ..Counted::default() }
    }

    #[test]
    fn what_is_over_and_was_not_walked_is_unknown_and_the_rest_is_still_to_come() {
        let ledger = Ledger::new(MINUTE, &minutes(8), &[of(0, 3, 0), of(300, 1, 0)], None, at(480));
        let sum = ledger.sum(at(0), at(480));
        // Two of the first five are missing, two of the last three are under way.
        assert_eq!((sum.due, sum.good, sum.unknown), (8.0, 4.0, 2.0));
        assert_eq!(ledger.slices()[1].length, Duration::from_secs(180));
    }

    #[test]
    fn quiet_spans_are_put_together_up_to_an_hour() {
        let counted: Vec<_> =
            (0..36).map(|n| of(n * 300, 5 - u64::from(n == 20), u64::from(n == 20))).collect();
        let ledger = Ledger::new(MINUTE, &minutes(180), &counted, None, at(10_800));
        let lengths: Vec<u64> = ledger.slices().iter().map(|s| s.length.as_secs() / 60).collect();
        assert_eq!(lengths, [60, 40, 5, 15, 60]);
        assert_eq!(ledger.sum(at(6000), at(6300)).bad, 1.0);
        assert_eq!(ledger.sum(at(900), at(1800)).good, 15.0);
    }

    proptest! {
        #[test]
        fn renewing_the_end_is_writing_all_anew(
            counts in prop::collection::vec((0_u64..6, 0_u64..3), 1..80), cut in 0_i64..80,
        ) {
            let end = 300 * i64::try_from(counts.len()).unwrap();
            let counted: Vec<_> =
                (0_i64..).zip(&counts).map(|(n, (good, bad))| of(n * 300, good + 1, *bad)).collect();
            let due = minutes(end / 60);
            let whole = Ledger::new(MINUTE, &due, &counted, None, at(end));
            let begin = Ledger::beginning(MINUTE, at(cut * 300));
            let newer = Ledger::new(
                MINUTE,
                &due.iter().copied().filter(|(at, _)| *at >= begin).collect::<Vec<_>>(),
                &counted.iter().copied().filter(|c| c.at >= begin).collect::<Vec<_>>(),
                whole.first_run(),
                at(end),
            );
            let mut renewed = whole.clone();
            renewed.renew(newer, at(0));
            prop_assert_eq!(renewed, whole);
        }

        #[test]
        fn parts_sum_up_to_the_whole(
            counts in prop::collection::vec((0_u64..9, 0_u64..4), 1..60), cut in 0.0..1.0_f64,
        ) {
            let end = 300 * i64::try_from(counts.len()).unwrap();
            let counted: Vec<_> =
                (0_i64..).zip(&counts).map(|(n, (good, bad))| of(n * 300, *good, *bad)).collect();
            let ledger = Ledger::new(MINUTE, &minutes(end / 60), &counted, None, at(end));
            let middle = at((end as f64 * cut) as i64);
            let (a, b, all) =
                (ledger.sum(at(0), middle), ledger.sum(middle, at(end)), ledger.sum(at(0), at(end)));
            prop_assert!((a.bad + b.bad - all.bad).abs() < 1e-6);
            prop_assert!((a.good + b.good - all.good).abs() < 1e-6);
            prop_assert!(all.good + all.bad + all.unknown <= all.due + 1e-6);
        }
    }
}
