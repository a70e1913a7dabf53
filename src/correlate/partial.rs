//! A shift of some runs only: how long it may have lasted before a run met it.

use super::{figures, pass::Score, robust::median};

/// Fewer runs since the onset than this are not looked at.
const FEWEST: usize = 8;
/// A run is met by the shift from this many units of the noise on.
const MET: f64 = 2.0;
/// The median of runs that all moved lies above this; where it lies below, some did not move.
const ALL: f64 = 1.0;
/// Probability that the interval is to hold.
const WITHIN: f64 = 0.9;

/// Runs before the onset that may have been shifted ones already but for luck: where a share `q` of the runs since then moved and the
/// others did not, the number of runs before the first that moves is geometric, and below `ln(1 - 0.9) / ln(1 - q)` nine times in ten.
/// 0 where all moved, or too little is known.
pub(super) fn unmet(scores: &[Score], onset_s: f64) -> u32 {
    let since: Vec<f64> =
        scores.iter().filter(|s| s.at_s >= onset_s && s.z.is_finite()).map(|s| s.z).collect();
    if since.len() < FEWEST || median(&since) > ALL {
        return 0;
    }
    let met = since.iter().filter(|z| **z > MET).count();
    let share = figures::count(met) / figures::count(since.len());
    if met == 0 || share >= 0.9 {
        return 0;
    }
    ((1.0 - WITHIN).ln() / (1.0 - share).ln()).floor() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scores(z: impl Fn(usize) -> f64) -> Vec<Score> {
        (0..40).map(|i| Score { at_s: 60.0 * figures::count(i), z: z(i) }).collect()
    }

    #[test]
    fn of_a_shift_of_all_runs_the_first_is_met_at_once() {
        assert_eq!(unmet(&scores(|_| 3.0), 0.0), 0);
        assert_eq!(unmet(&scores(|i| if i % 5 == 0 { 0.0 } else { 2.5 }), 0.0), 0);
        assert_eq!(unmet(&scores(|_| 9.0)[..5], 0.0), 0);
        assert_eq!(unmet(&[], 0.0), 0);
    }

    #[test]
    fn of_a_shift_of_one_run_in_ten_many_may_have_passed() {
        let some = scores(|i| if i % 10 == 0 { 8.0 } else { 0.1 });
        assert_eq!(unmet(&some, 0.0), 21);
        let fifth = scores(|i| if i % 5 == 0 { 4.0 } else { 0.2 });
        assert_eq!(unmet(&fifth, 0.0), 10);
    }
}
