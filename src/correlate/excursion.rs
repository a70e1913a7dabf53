//! What a journey's own noise can do: the largest apparent shift anywhere in its quiet history.

use super::{
    Tuning,
    baseline::Baseline,
    innovation::Noise,
    robust::{running_level, widened},
};

/// Rows of the running level that is taken out of the history.
const LEVEL: usize = 121;
/// Shorter histories than this show nothing.
const ENOUGH: usize = 180;

/// The largest log-evidence of a shift over none from any onset in the history (`levels`: good rows, oldest first, NaN
/// elsewhere), by a cumulative sum that starts again at zero (Page 1954).
pub(super) fn largest(levels: &[f64], baseline: &Baseline, tuning: &Tuning) -> f64 {
    if levels.len() < ENOUGH {
        return 0.0;
    }
    let level = widened(&running_level(levels, LEVEL), levels.len());
    let noise = Noise { phi: baseline.phi, tail: tuning.tail };
    let shifts = tuning.shifts_in(baseline.se);
    let mut sums = vec![0.0_f64; shifts.len()];
    let mut largest = 0.0_f64;
    let mut last: Option<(usize, f64)> = None;
    for (row, score) in levels.iter().zip(&level).map(|(v, l)| (v - l) / baseline.se).enumerate() {
        if !score.is_finite() {
            continue;
        }
        let previous = last.map(|(at, previous)| (previous, (row - at) as f64));
        let innovation = noise.innovation(score, previous);
        let none = innovation.ln_density(0.0, 0.0);
        for (sum, shift) in sums.iter_mut().zip(&shifts) {
            let goes_on =
                if *sum > 0.0 { *sum + innovation.ln_density(*shift, *shift) - none } else { 0.0 };
            let begins = innovation.ln_density(*shift, 0.0) - none;
            *sum = goes_on.max(begins).max(0.0);
            largest = largest.max(*sum);
        }
        last = Some((row, score));
    }
    largest
}
