//! Page's CUSUM (1954) on the robust z of the log times, and its Bernoulli form for failures.

use wayfarer::model::Metric;

use super::count;
use crate::around::Around;

/// Runs before the change from which level and noise are learned.
const BEFORE: usize = 120;
/// Half of the shift looked for, in units of the noise.
const SLACK: f64 = 0.5;
/// The limit of the sum, in the same units: with the slack above the textbook's pair.
const LIMIT: f64 = 5.0;

pub(super) fn alarms(around: &Around, metric: Metric) -> Option<u32> {
    let before = around.times_before(BEFORE);
    if before.len() < 10 {
        return None;
    }
    match metric {
        Metric::Latency | Metric::Measure => slower(around, &before),
        Metric::Success => failing(around),
    }
}

fn slower(around: &Around, before: &[f64]) -> Option<u32> {
    let logs: Vec<f64> = before.iter().map(|ms| ms.ln()).collect();
    let level = median(logs.clone());
    let spread = 1.4826 * median(logs.iter().map(|ln| (ln - level).abs()).collect());
    let spread = spread.max(0.01);
    let mut sum = 0.0_f64;
    (1..=around.watched)
        .find(|n| {
            let row = around.change + n - 1;
            let ms = around.ms[row];
            if around.ok[row] && ms > 0.0 {
                sum = (sum + (ms.ln() - level) / spread - SLACK).max(0.0);
            }
            sum > LIMIT
        })
        .map(count)
}

fn failing(around: &Around) -> Option<u32> {
    let usual = around.failing(around.change.saturating_sub(BEFORE), around.change).max(0.01);
    let wanted = (3.0 * usual).max(0.2);
    let fails = (wanted / usual).ln();
    let passes = if wanted < 1.0 { ((1.0 - wanted) / (1.0 - usual)).ln() } else { -5.0 };
    let mut sum = 0.0_f64;
    (1..=around.watched)
        .find(|n| {
            let ok = around.ok[around.change + n - 1];
            sum = (sum + if ok { passes } else { fails }).max(0.0);
            sum > 1000_f64.ln()
        })
        .map(count)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let n = values.len();
    f64::midpoint(values[(n - 1) / 2], values[n / 2])
}
