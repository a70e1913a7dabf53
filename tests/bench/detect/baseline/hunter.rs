//! Change points as Apache Otava (Hunter) finds them: E-divisive (Matteson & James 2014) in overlapping windows with a t-test for
//! significance, the weak ones merged away; run again every five runs on what there is by then. Times only.

use statrs::distribution::{ContinuousCDF, StudentsT};
use wayfarer::model::Metric;

use super::count;
use crate::around::Around;

const EVERY: usize = 5;
const BEFORE: usize = 60;
const WINDOW: usize = 50;
const SIGNIFICANT: f64 = 0.001;
/// What the first pass lets through, for the second to weigh.
const WEAK: f64 = 10.0 * SIGNIFICANT;
const SMALLEST: f64 = 0.1;

pub(super) fn alarms(around: &Around, metric: Metric) -> Option<u32> {
    if metric != Metric::Latency || around.times_before(BEFORE).len() < 10 {
        return None;
    }
    let finite = |from: usize, to: usize| {
        around.ms[from..to].iter().copied().filter(|ms| ms.is_finite()).collect::<Vec<f64>>()
    };
    let before = finite(around.change.saturating_sub(BEFORE), around.change);
    (EVERY..=around.watched)
        .step_by(EVERY)
        .find(|n| {
            let after = finite(around.change, around.change + n);
            let series: Vec<f64> = before.iter().chain(&after).copied().collect();
            after.len() >= 2
                && change_points(&series)
                    .iter()
                    .any(|point| point.index + 2 >= before.len() && point.after > point.before)
        })
        .map(count)
}

/// A change point with the means of the stretches on its two sides.
struct ChangePoint {
    index: usize,
    before: f64,
    after: f64,
    p: f64,
}

impl ChangePoint {
    /// The change point at `index` of a stretch.
    fn new(series: &[f64], from: usize, index: usize, to: usize) -> Self {
        let (before, after) = (Sample::of(&series[from..index]), Sample::of(&series[index..to]));
        Self { index, before: before.mean, after: after.mean, p: before.differs(&after) }
    }

    fn magnitude(&self) -> f64 {
        (self.after / self.before - 1.0).abs().max((self.before / self.after - 1.0).abs())
    }
}

/// Mean and variance of a stretch.
struct Sample {
    n: f64,
    mean: f64,
    variance: f64,
}

impl Sample {
    fn of(values: &[f64]) -> Self {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n.max(1.0);
        let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
        Self { n, mean, variance: if n > 1.0 { squares / (n - 1.0) } else { 0.0 } }
    }

    /// Student's two-sided test for equal means with equal variances.
    fn differs(&self, other: &Self) -> f64 {
        let freedom = self.n + other.n - 2.0;
        if freedom < 1.0 {
            return 1.0;
        }
        let pooled = ((self.n - 1.0) * self.variance + (other.n - 1.0) * other.variance) / freedom;
        let error = (pooled * (1.0 / self.n + 1.0 / other.n)).sqrt();
        let gap = (self.mean - other.mean).abs();
        if error <= 0.0 {
            return if gap > 0.0 { 0.0 } else { 1.0 };
        }
        StudentsT::new(0.0, 1.0, freedom).map_or(1.0, |t| 2.0 * t.sf(gap / error))
    }
}

/// The change points of a series.
fn change_points(series: &[f64]) -> Vec<ChangePoint> {
    let mut indexes: Vec<usize> = Vec::new();
    let mut start = 0;
    while start < series.len() {
        let end = (start + WINDOW).min(series.len());
        let mut found: Vec<usize> =
            divisive(&series[start..end]).into_iter().map(|i| i + start).collect();
        found.retain(|i| !indexes.contains(i));
        let last = found.last().copied().unwrap_or(0);
        indexes.extend(found);
        start = last.max(start + WINDOW / 2);
    }
    indexes.sort_unstable();
    // The weakest goes, one after the other; its neighbours are weighed anew.
    loop {
        let points: Vec<ChangePoint> = (0..indexes.len())
            .map(|i| {
                let from = if i == 0 { 0 } else { indexes[i - 1] };
                let to = indexes.get(i + 1).copied().unwrap_or(series.len());
                ChangePoint::new(series, from, indexes[i], to)
            })
            .collect();
        let weakest = points.iter().max_by(|a, b| a.p.total_cmp(&b.p));
        let smallest = points.iter().min_by(|a, b| a.magnitude().total_cmp(&b.magnitude()));
        let drop = match (weakest, smallest) {
            (Some(weakest), _) if weakest.p >= SIGNIFICANT => weakest.index,
            (_, Some(smallest)) if smallest.magnitude() <= SMALLEST => smallest.index,
            _ => return points,
        };
        indexes.retain(|i| *i != drop);
    }
}

/// Splits a stretch where the energy distance of its two sides is largest, as long as a t-test agrees.
fn divisive(series: &[f64]) -> Vec<usize> {
    let mut bounds = vec![0, series.len()];
    loop {
        let best = bounds
            .windows(2)
            .filter_map(|w| {
                let (at, energy) = split(&series[w[0]..w[1]])?;
                Some((energy, w[0], w[0] + at, w[1]))
            })
            .max_by(|a, b| a.0.total_cmp(&b.0));
        match best {
            Some((_, from, at, to)) if ChangePoint::new(series, from, at, to).p <= WEAK => {
                bounds.push(at);
                bounds.sort_unstable();
            }
            _ => break,
        }
    }
    bounds[1..bounds.len() - 1].to_vec()
}

/// Where a stretch is best split in two, and the energy statistic there.
fn split(series: &[f64]) -> Option<(usize, f64)> {
    let n = series.len();
    if n < 4 {
        return None;
    }
    let to_all = |x: f64, others: &[f64]| others.iter().map(|y| (x - y).abs()).sum::<f64>();
    let total: f64 = (0..n).map(|i| to_all(series[i], &series[i + 1..])).sum();
    let mut best: Option<(usize, f64)> = None;
    let (mut left, mut cross) = (0.0, 0.0);
    for at in 1..n - 1 {
        // The value at `at - 1` goes from the right side to the left one.
        let moved = series[at - 1];
        let (to_left, to_right) = (to_all(moved, &series[..at - 1]), to_all(moved, &series[at..]));
        left += to_left;
        cross += to_right - to_left;
        if at < 2 {
            continue;
        }
        let (m, k) = (at as f64, (n - at) as f64);
        let right = total - left - cross;
        let energy =
            2.0 * cross / (m * k) - 2.0 * left / (m * (m - 1.0)) - 2.0 * right / (k * (k - 1.0));
        let energy = energy * m * k / (m + k);
        if best.is_none_or(|(_, most)| energy > most) {
            best = Some((at, energy));
        }
    }
    best
}
