//! The alert rule that is copied most: the mean of the last five minutes is more than twice that of an hour ago.

use wayfarer::model::Metric;

use super::{count, mean};
use crate::around::Around;

/// Errors an hour ago count as at least this share.
const LEAST_ERRORS: f64 = 0.05;

pub(super) fn alarms(around: &Around, metric: Metric) -> Option<u32> {
    let window = ((300.0 / around.interval_s).round() as usize).max(1);
    let ago = (3600.0 / around.interval_s).round() as usize;
    (1..=around.watched)
        .find(|&n| {
            let now = around.change + n;
            let Some(then) = now.checked_sub(ago).filter(|then| *then >= window) else {
                return false;
            };
            match metric {
                Metric::Latency | Metric::Measure => {
                    let of = |end: usize| {
                        let times = around.ms[end - window..end].iter().copied();
                        mean(times.filter(|ms| ms.is_finite()))
                    };
                    of(now) > 2.0 * of(then)
                }
                Metric::Success => {
                    let of = |end: usize| around.failing(end - window, end);
                    of(now) > 2.0 * of(then).max(LEAST_ERRORS)
                }
            }
        })
        .map(count)
}
