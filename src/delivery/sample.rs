//! Figures of few values, honest about how few they are.

use serde::Serialize;

/// Below so many values a median says little.
const FEW: usize = 5;
/// From so many on a 90th percentile is one of the values and not the largest.
const MANY: usize = 10;
/// The two-sided 95% point of the normal distribution.
const Z95: f64 = 1.96;

/// Something that could not be observed of some, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// Of how many.
    pub count: usize,
    /// Why.
    pub why: String,
}

/// Quantiles by the nearest rank of values in any order, the median the mean of the two middle ones.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Sample {
    /// How many values.
    pub n: usize,
    /// Their median.
    pub p50: f64,
    /// Their 90th percentile, of ten or more.
    pub p90: Option<f64>,
    /// Their mean.
    pub mean: f64,
    /// The smallest.
    pub min: f64,
    /// The largest.
    pub max: f64,
}

impl Sample {
    /// Of these values; none of none. What is no number is left out.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = values.into_iter().filter(|v| v.is_finite()).collect();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let n = sorted.len();
        let upper = sorted[n / 2];
        let p50 = if n % 2 == 1 { upper } else { f64::midpoint(sorted[n / 2 - 1], upper) };
        // The nearest rank: the smallest value that nine tenths of them do not exceed.
        let p90 = (n >= MANY).then(|| sorted[(9 * n).div_ceil(10) - 1]);
        Some(Self { n, p50, p90, mean: sorted.iter().sum::<f64>() / count(n), min, max })
    }
}

/// A share of some things with the interval that so many can tell it by.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Share {
    /// Those that are so.
    pub hits: usize,
    /// All.
    pub n: usize,
    /// The share of them.
    pub share: f64,
    /// Lower end of its 95% interval (Wilson 1927).
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Share {
    /// So many of so many; none of none.
    pub fn of(hits: usize, n: usize) -> Option<Self> {
        if n == 0 {
            return None;
        }
        let (k, z2) = (count(n), Z95 * Z95);
        let share = count(hits.min(n)) / k;
        let middle = (share + z2 / (2.0 * k)) / (1.0 + z2 / k);
        let half = Z95 / (1.0 + z2 / k) * (share * (1.0 - share) / k + z2 / (4.0 * k * k)).sqrt();
        let (low, high) = ((middle - half).clamp(0.0, share), (middle + half).clamp(share, 1.0));
        Some(Self { hits, n, share, low, high })
    }
}

/// A length of time, in seconds, of those of which it is known.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Timed {
    /// In seconds; none where it is known of nothing.
    pub seconds: Option<Sample>,
    /// What could not be observed.
    pub missing: Vec<Gap>,
}

/// A share, of those of which it is known.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Rate {
    /// The share; none where it is known of nothing.
    pub of: Option<Share>,
    /// What could not be observed.
    pub missing: Vec<Gap>,
}

/// What a figure of so many is worth; nothing where it is worth what it says.
pub fn words(n: usize) -> &'static str {
    match n {
        0 => "nothing to go by",
        1 => "a single one: no more than an anecdote",
        n if n < FEW => "too few to rely on",
        n if n < MANY => "few: the next one may move it",
        _ => "",
    }
}

/// The number of things as a number to reckon with.
#[expect(clippy::cast_precision_loss, reason = "there are never 2^52 of them")]
pub(super) fn count(n: usize) -> f64 {
    n as f64
}

/// Adds one to the gap with these words.
pub(super) fn lacks(gaps: &mut Vec<Gap>, why: impl Into<String>) {
    let why = why.into();
    match gaps.iter_mut().find(|gap| gap.why == why) {
        Some(gap) => gap.count += 1,
        None => gaps.push(Gap { count: 1, why }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_few_and_many() {
        for (values, p50, p90) in [
            (vec![3.0], 3.0, None),
            (vec![1.0, 2.0], 1.5, None),
            (vec![9.0, 1.0, f64::NAN, 2.0], 2.0, None),
            ((1..=10).map(f64::from).collect(), 5.5, Some(9.0)),
            ((1..=20).map(f64::from).collect(), 10.5, Some(18.0)),
        ] {
            let sample = Sample::of(values.clone()).unwrap();
            assert_eq!((sample.p50, sample.p90), (p50, p90), "{values:?}");
        }
        assert_eq!(Sample::of([]), None);
        assert_eq!(Sample::of([f64::INFINITY]), None);
    }

    #[test]
    fn a_share_of_few_is_hardly_known() {
        for (hits, n, low, high) in
            [(0, 10, 0.0, 0.278), (2, 9, 0.063, 0.547), (50, 100, 0.404, 0.596), (5, 5, 0.566, 1.0)]
        {
            let share = Share::of(hits, n).unwrap();
            assert!((share.low - low).abs() < 0.002, "{share:?}");
            assert!((share.high - high).abs() < 0.002, "{share:?}");
        }
        assert_eq!(Share::of(0, 0), None);
        assert_eq!(Share::of(7, 5).unwrap().share, 1.0);
    }

    #[test]
    fn gaps_of_one_reason_are_one() {
        let mut gaps = Vec::new();
        lacks(&mut gaps, "a");
        lacks(&mut gaps, "b");
        lacks(&mut gaps, "a");
        assert_eq!(gaps, [Gap { count: 2, why: "a".into() }, Gap { count: 1, why: "b".into() }]);
    }
}
