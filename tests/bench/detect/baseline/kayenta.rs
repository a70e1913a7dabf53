//! The judge of Kayenta (Netflix's automated canary analysis): the interval of the rank-sum test on the Hodges-Lehmann shift must
//! lie beyond a quarter of the shift itself, at 98%; here with a gate of 20% on the ratio of the means, and looked at after every
//! run instead of once, as users of a gate do.

use statrs::distribution::{ContinuousCDF, Normal};
use wayfarer::model::Metric;

use super::{count, mean};
use crate::around::Around;

const CONFIDENCE: f64 = 0.98;
const TOLERANCE: f64 = 0.25;
const GATE: f64 = 1.2;
/// Runs before the change that stand for the baseline.
const BEFORE: usize = 60;
/// The first look.
const FIRST: usize = 10;

pub(super) fn alarms(around: &Around, metric: Metric) -> Option<u32> {
    let before = around.times_before(BEFORE);
    if before.len() < 10 {
        return None;
    }
    let point = Normal::standard().inverse_cdf(1.0 - (1.0 - CONFIDENCE) / 2.0);
    let usual = inside(before);
    let failed = |from: usize, to: usize| -> Vec<f64> {
        around.ok[from..to].iter().map(|ok| f64::from(u8::from(!ok))).collect()
    };
    let failed_before = failed(around.change.saturating_sub(BEFORE), around.change);
    (FIRST..=around.watched)
        .find(|&n| match metric {
            Metric::Latency | Metric::Measure => {
                let after = around.times_after(n);
                if after.len() < 3 {
                    return false;
                }
                let after = inside(after);
                let (low, shift) = shift(&after, &usual, point);
                let ratio = mean(after.iter().copied()) / mean(usual.iter().copied());
                low > TOLERANCE * shift.abs() && ratio >= GATE
            }
            Metric::Success => {
                let after = failed(around.change, around.change + n);
                if !after.contains(&1.0) {
                    return false;
                }
                let (low, shift) = shift(&after, &failed_before, point);
                low > TOLERANCE * shift.abs() && low > 0.0
            }
        })
        .map(count)
}

/// Lower end of the interval of the shift between two samples, and the shift itself (Hodges & Lehmann 1963): order statistics of
/// all differences.
fn shift(after: &[f64], before: &[f64], point: f64) -> (f64, f64) {
    let mut all: Vec<f64> = after.iter().flat_map(|a| before.iter().map(move |b| a - b)).collect();
    let (m, k) = (after.len() as f64, before.len() as f64);
    let spread = (m * k * (m + k + 1.0) / 12.0).sqrt();
    let index = (m * k / 2.0 - point * spread - 0.5).floor().max(0.0) as usize;
    let middle = all.len() / 2;
    let (left, upper, _) = all.select_nth_unstable_by(middle, f64::total_cmp);
    let mut estimate = *upper;
    if (after.len() * before.len()).is_multiple_of(2) {
        estimate = f64::midpoint(estimate, left.iter().copied().fold(f64::MIN, f64::max));
    }
    let (_, low, _) = all.select_nth_unstable_by(index, f64::total_cmp);
    (*low, estimate)
}

/// The values within three times the distance of the quartiles, or within the first and the last percentile.
fn inside(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    let at = |share: f64| {
        let place = share * (values.len() - 1) as f64;
        let (low, part) = (place.floor() as usize, place.fract());
        let next = values[(low + 1).min(values.len() - 1)];
        values[low] + part * (next - values[low])
    };
    let (q1, q3) = (at(0.25), at(0.75));
    let low = at(0.01).min(q1 - 3.0 * (q3 - q1));
    let high = at(0.99).max(q3 + 3.0 * (q3 - q1));
    values.into_iter().filter(|v| (low..=high).contains(v)).collect()
}
