//! What a journey's own noise can do: the largest apparent shift anywhere in its quiet history.

use super::{
    Tuning,
    baseline::Baseline,
    innovation::Trail,
    robust::{running_level, widened},
};

/// Rows of the running level that is taken out of the history.
const LEVEL: usize = 121;
/// Shorter histories than this show nothing.
const ENOUGH: usize = 180;

/// Most probes a base interval that are told apart: a watch is rarely denser.
const DENSEST: f64 = 12.0;

/// How much less is to be believed of each of `tuning.shifts` for what this history did by itself: the excess of the largest excursion that
/// speaks for it over that of plain noise, in logarithms. A journey with bursts three times as slow may still be seen to be a fifth slower.
///
/// `gap` is the distance of probes now, in base intervals: where they are denser than the history's, a slow spell that is more than noise is
/// met by more of them.
pub(super) fn doubts(levels: &[f64], gap: f64, baseline: &Baseline, tuning: &Tuning) -> Vec<f64> {
    let seen = largest(levels, 1.0, baseline, tuning);
    let more_than_noise = seen.iter().any(|e| *e > tuning.excursion);
    let met = if gap < 1.0 && more_than_noise {
        largest(levels, gap, baseline, tuning)
    } else {
        seen.clone()
    };
    seen.iter().zip(met).map(|(seen, met)| (seen.max(met) - tuning.excursion).max(0.0)).collect()
}

/// By shift the largest log-evidence of it over none from any onset in the history (`levels`: good rows, oldest first, NaN
/// elsewhere), by a cumulative sum that starts again at zero (Page 1954).
///
/// `gap` is the distance of probes that are supposed, in base intervals. Where it is less than one, a slow spell of five rows would have
/// been met by many more probes than five, and what they say of it is what is looked for: the time between two rows is taken to
/// be as slow as the quicker of them, so that a spike stays one.
fn largest(levels: &[f64], gap: f64, baseline: &Baseline, tuning: &Tuning) -> Vec<f64> {
    let shifts = tuning.shifts_in(baseline.se);
    let mut largest = vec![0.0_f64; shifts.len()];
    if levels.len() < ENOUGH {
        return largest;
    }
    let level = widened(&running_level(levels, LEVEL), levels.len());
    let mut sums = vec![0.0_f64; shifts.len()];
    let mut trail = Trail::new(tuning.noise_of(baseline.phi));
    let mut last = 0.0;
    let scores = levels.iter().zip(&level).map(|(v, l)| (v - l) / baseline.se);
    for (at, score) in probes(scores, (1.0 / gap).round().clamp(1.0, DENSEST)) {
        let innovation = trail.next(score, at - last);
        let none = innovation.ln_density(0.0, 0.0);
        for ((sum, shift), largest) in sums.iter_mut().zip(&shifts).zip(&mut largest) {
            let goes_on =
                if *sum > 0.0 { *sum + innovation.ln_density(*shift, *shift) - none } else { 0.0 };
            let begins = innovation.ln_density(*shift, 0.0) - none;
            *sum = goes_on.max(begins).max(0.0);
            *largest = largest.max(*sum);
        }
        last = at;
    }
    largest
}

/// The finite scores with their times in base intervals, and between neighbouring rows the ones that `dense` probes an interval would have
/// met there.
fn probes(scores: impl Iterator<Item = f64>, dense: f64) -> impl Iterator<Item = (f64, f64)> {
    let mut last: Option<f64> = None;
    scores.enumerate().flat_map(move |(row, score)| {
        let known = score.is_finite().then_some(score);
        let between = last.zip(known).map(|(from, to)| (from, to, dense as usize));
        last = known;
        let inner = between.into_iter().flat_map(move |(from, to, steps)| {
            (1..steps)
                .map(move |step| (row as f64 - 1.0 + step as f64 / steps as f64, from.min(to)))
        });
        inner.chain(known.map(|score| (row as f64, score)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn denser_probes_meet_a_spell_more_often_and_a_spike_once() {
        let met = |scores: &[f64], dense| {
            let met: Vec<_> = probes(scores.iter().copied(), dense).collect();
            met.iter().filter(|(_, score)| *score > 4.0).count()
        };
        let spell = [0.0, 5.0, 5.0, 5.0, 0.0];
        assert_eq!((met(&spell, 1.0), met(&spell, 6.0)), (3, 13));
        let spike = [0.0, 5.0, 0.0, f64::NAN, 5.0, f64::NAN];
        assert_eq!((met(&spike, 1.0), met(&spike, 6.0)), (2, 2));
        assert_eq!(met(&[5.0], 12.0), 1);
        let times: Vec<f64> = probes([1.0, 2.0].into_iter(), 2.0).map(|(at, _)| at).collect();
        assert_eq!(times, [0.0, 0.5, 1.0]);
    }
}
