//! When a change would have done it: the prior of the moment the trouble began, as masses on the cells of the grid.

use super::{Suspect, grid::Grid};

/// Seconds by which clocks may differ.
pub(super) const CLOCKS_S: f64 = 60.0;
/// How fast a change becomes less suspect after its start or its end, in seconds: on recorded rollouts the first runs are
/// affected 71 to 250 s after the start.
const FADING_S: f64 = 250.0;
/// How fast what works slowly does: caches that run out, leaks, a job on the hour.
const SLOW_S: f64 = 3600.0;

/// Shares of the prior: just before the start (clocks), after it, anywhere while it is rolled out, after its end, slowly.
mod share {
    pub(super) const CLOCKS: f64 = 0.03;
    pub(super) const START: f64 = 0.57;
    pub(super) const DURING: f64 = 0.22;
    pub(super) const END: f64 = 0.08;
    pub(super) const SLOW: f64 = 0.1;
}

/// The prior of a trouble that a change makes. It is never before the change but for the clocks.
pub(super) fn masses(suspect: &Suspect, grid: &Grid) -> Vec<f64> {
    let start = suspect.started_at_s;
    if !start.is_finite() {
        return any_time(grid);
    }
    let until = |t: f64| cumulative(suspect, start, t);
    let seen = until(grid.cell(grid.cells - 1).1).max(1e-6);
    // Trouble is there: it began before now.
    (0..grid.cells)
        .map(|i| {
            let (a, b) = grid.cell(i);
            (until(b) - until(a)) / seen
        })
        .collect()
}

fn cumulative(suspect: &Suspect, start: f64, t: f64) -> f64 {
    let even = |from: f64, to: f64| ((t - from) / (to - from).max(1.0)).clamp(0.0, 1.0);
    let fades = |from: f64, by: f64| 1.0 - (-(t - from).max(0.0) / by).exp();
    let end = suspect.finished_at_s.filter(|end| end.is_finite() && *end > start + 1.0);
    let (at_start, rolled) = match end {
        Some(end) => {
            let rolled = share::DURING * even(start, end) + share::END * fades(end, FADING_S);
            (share::START, rolled)
        }
        None => (share::START + share::DURING + share::END, 0.0),
    };
    share::CLOCKS * even(start - CLOCKS_S, start)
        + at_start * fades(start, FADING_S)
        + rolled
        + share::SLOW * fades(start, SLOW_S)
}

/// The prior of a trouble that no logged change made.
pub(super) fn any_time(grid: &Grid) -> Vec<f64> {
    vec![1.0 / grid.cells as f64; grid.cells]
}
