//! What most teams write first: 15 points more errors within 10 minutes, or a mean time 20% longer within 30, against the hour
//! before.

use wayfarer::model::Metric;

use super::{count, mean};
use crate::around::Around;

/// Fewer runs than this are not averaged.
const LEAST: usize = 3;

pub(super) fn alarms(around: &Around, metric: Metric) -> Option<u32> {
    let hour = around.runs_in(3600.0).max(10);
    let before = around.times_before(hour);
    if before.len() < 5 {
        return None;
    }
    let usual = mean(before.into_iter());
    let from = around.change.saturating_sub(hour);
    let errors = around.failing(from, around.change);
    let minutes = |m: f64| around.runs_in(60.0 * m).max(LEAST);
    (LEAST..=around.watched)
        .find(|&n| match metric {
            Metric::Success => {
                n <= minutes(10.0)
                    && around.failing(around.change, around.change + n) >= errors + 0.15
            }
            Metric::Latency | Metric::Measure => {
                let after = around.times_after(n);
                n <= minutes(30.0) && after.len() >= LEAST && mean(after.into_iter()) >= 1.2 * usual
            }
        })
        .map(count)
}
