//! Latency as a histogram that can be added to another one without loss.

use std::{collections::BTreeMap, time::Duration};

use super::{
    error::Fault,
    varint::{Put, Take, torn},
};

/// Ratio between the ends of a bucket: (1 + a) / (1 - a) with a = 1%, so that a quantile is at most 1% off.
const GAMMA: f64 = 1.01 / 0.99;

/// Durations in buckets whose width grows with their value: the sketch of Masson, Rim and Lee, "DDSketch: a fast and
/// fully-mergeable quantile sketch with relative-error guarantees" (VLDB 2019, section 2). Bucket i holds what lies in
/// (g^(i-1), g^i] microseconds with g = 1.01/0.99; a quantile read from it is at most 1% off the sample it stands for.
/// Nothing shorter than a microsecond is told apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Histogram {
    counts: BTreeMap<u16, u64>,
}

impl Histogram {
    /// Counts one duration.
    pub fn record(&mut self, duration: Duration) {
        *self.counts.entry(bucket(duration)).or_default() += 1;
    }

    /// Adds all that `other` counted.
    pub fn merge(&mut self, other: &Self) {
        for (bucket, count) in &other.counts {
            let sum = self.counts.entry(*bucket).or_default();
            *sum = sum.saturating_add(*count);
        }
    }

    /// How many durations were counted.
    pub fn count(&self) -> u64 {
        self.counts.values().fold(0, |sum, n| sum.saturating_add(*n))
    }

    /// The duration below which a share `q` (0 to 1) of them lies, within 1%; none of none.
    pub fn quantile(&self, q: f64) -> Option<Duration> {
        let count = self.count();
        let rank = (q.clamp(0.0, 1.0) * (count.checked_sub(1)? as f64)).floor() as u64;
        let mut seen = 0_u64;
        for (bucket, n) in &self.counts {
            seen = seen.saturating_add(*n);
            if seen > rank {
                return Some(middle(*bucket));
            }
        }
        None
    }

    /// The durations below which these shares (0 to 1, in rising order) of them lie, in milliseconds; none of none.
    pub fn quantiles_ms<const N: usize>(&self, shares: [f64; N]) -> Option<[f64; N]> {
        let last = self.count().checked_sub(1)?;
        let mut buckets = self.counts.iter();
        let (mut seen, mut value) = (0_u64, 0.0);
        Some(shares.map(|share| {
            let rank = (share.clamp(0.0, 1.0) * last as f64).floor() as u64;
            while seen <= rank {
                let Some((bucket, n)) = buckets.next() else { break };
                seen = seen.saturating_add(*n);
                value = middle(*bucket).as_secs_f64() * 1000.0;
            }
            value
        }))
    }

    /// How many were at most `limit` long; those within 2% of it may fall on either side.
    pub fn at_most(&self, limit: Duration) -> u64 {
        let counts = self.counts.range(..=bucket(limit));
        counts.fold(0, |sum, (_, n)| sum.saturating_add(*n))
    }

    /// As bytes: for each bucket in use its distance to the one before and its count.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut put = Put::default();
        let mut last = 0;
        for (bucket, count) in &self.counts {
            put.uint(u64::from(bucket - last));
            put.uint(*count);
            last = *bucket;
        }
        put.0
    }

    /// From bytes.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Fault> {
        let mut take = Take(bytes);
        let (mut histogram, mut bucket) = (Self::default(), 0_u16);
        while !take.0.is_empty() {
            bucket = bucket.checked_add(take.small()?).ok_or_else(torn)?;
            *histogram.counts.entry(bucket).or_default() = take.uint()?;
        }
        Ok(histogram)
    }
}

/// How many of a stored histogram were at most `limit` long, as [`Histogram::at_most`] has it.
pub(super) fn stored_at_most(bytes: &[u8], limit: Duration) -> Result<u64, Fault> {
    let (mut take, mut at, mut sum, last) = (Take(bytes), 0_u16, 0_u64, bucket(limit));
    while !take.0.is_empty() {
        at = at.checked_add(take.small()?).ok_or_else(torn)?;
        if at > last {
            break;
        }
        sum = sum.saturating_add(take.uint()?);
    }
    Ok(sum)
}

/// Adds up many stored histograms; quicker than merging them one by one.
#[derive(Debug, Default)]
pub(super) struct Tally {
    counts: Vec<u64>,
}

impl Tally {
    /// Adds all that a stored histogram counted.
    pub(super) fn add(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let (mut take, mut bucket) = (Take(bytes), 0_u16);
        while !take.0.is_empty() {
            bucket = bucket.checked_add(take.small()?).ok_or_else(torn)?;
            let count = take.uint()?;
            let at = usize::from(bucket);
            if self.counts.len() <= at {
                self.counts.resize(at + 1, 0);
            }
            self.counts[at] = self.counts[at].saturating_add(count);
        }
        Ok(())
    }

    /// The sum, and begins anew.
    pub(super) fn take(&mut self) -> Histogram {
        let mut counts = BTreeMap::new();
        for (bucket, count) in (0_u16..).zip(&mut self.counts) {
            if *count > 0 {
                counts.insert(bucket, std::mem::take(count));
            }
        }
        Histogram { counts }
    }
}

/// The bucket of a duration. The longest [`Duration`] has number 2,909, so that 16 bits are enough.
fn bucket(duration: Duration) -> u16 {
    let us = (duration.as_secs_f64() * 1e6).max(1.0);
    // Between 0 and 2,909 by the line above.
    (us.ln() / GAMMA.ln()).ceil() as u16
}

/// The value that is nowhere more than 1% from those of its bucket.
fn middle(bucket: u16) -> Duration {
    let us = 2.0 * GAMMA.powi(i32::from(bucket)) / (GAMMA + 1.0);
    Duration::try_from_secs_f64(us / 1e6).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop, prop_assert, prop_assert_eq, proptest};

    use super::*;

    fn of(samples: &[u64]) -> Histogram {
        let mut histogram = Histogram::default();
        samples.iter().for_each(|us| histogram.record(Duration::from_micros(*us)));
        histogram
    }

    proptest! {
        #[test]
        fn a_quantile_is_within_one_percent(
            mut samples in prop::collection::vec(1_u64..600_000_000, 1..200), q in 0.0..=1.0_f64
        ) {
            let read = of(&samples).quantile(q).unwrap().as_secs_f64() * 1e6;
            samples.sort_unstable();
            let exact = samples[(q * (samples.len() - 1) as f64).floor() as usize] as f64;
            prop_assert!((read / exact - 1.0).abs() <= 0.0101, "{read} {exact}");
        }

        #[test]
        fn merging_is_counting_together(
            a in prop::collection::vec(any::<u64>(), 0..50), b in prop::collection::vec(any::<u64>(), 0..50)
        ) {
            let mut merged = of(&a);
            merged.merge(&of(&b));
            prop_assert_eq!(&merged, &of(&[a, b].concat()));
            prop_assert_eq!(Histogram::decode(&merged.encode()).unwrap(), merged);
        }

        #[test]
        fn adding_up_what_is_stored_is_merging(
            a in prop::collection::vec(any::<u64>(), 0..50), b in prop::collection::vec(1_u64..600_000_000, 0..50)
        ) {
            let mut tally = Tally::default();
            tally.add(&of(&a).encode()).unwrap();
            tally.add(&of(&b).encode()).unwrap();
            let sum = tally.take();
            prop_assert_eq!(&sum, &of(&[a, b.clone()].concat()));
            prop_assert_eq!(tally.take(), Histogram::default());
            if let Some(found) = sum.quantiles_ms([0.05, 0.5, 0.95]) {
                let one = |q| sum.quantile(q).unwrap().as_secs_f64() * 1000.0;
                prop_assert_eq!(found, [one(0.05), one(0.5), one(0.95)]);
            }
        }

        #[test]
        fn counting_what_is_stored_is_counting(
            a in prop::collection::vec(1_u64..600_000_000, 0..50), limit in 1_u64..600_000_000
        ) {
            let (histogram, limit) = (of(&a), Duration::from_micros(limit));
            prop_assert_eq!(stored_at_most(&histogram.encode(), limit).unwrap(), histogram.at_most(limit));
        }

        #[test]
        fn garbage_is_refused_or_read(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            if let Ok(histogram) = Histogram::decode(&bytes) {
                histogram.quantile(0.5);
                histogram.at_most(Duration::MAX);
            }
        }
    }

    #[test]
    fn the_ends_are_in_range() {
        let mut histogram = Histogram::default();
        histogram.record(Duration::ZERO);
        histogram.record(Duration::MAX);
        assert_eq!(bucket(Duration::MAX), 2909);
        assert_eq!(histogram.at_most(Duration::from_secs(1)), 1);
        assert_eq!(Histogram::default().quantile(0.5), None);
    }
}
