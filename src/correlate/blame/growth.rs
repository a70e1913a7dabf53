//! Does a shift grow with a roll-out? While a change goes from few to all, what it does goes from little to all of it.

use crate::correlate::pass::Score;

/// Prior probability that the stages of a roll-out show.
const SHOWS: f64 = 0.3;
/// Fewest runs within the roll-out, and after the onset, that can show it.
const LEAST: usize = 6;
/// Score beyond which a run says no more.
const BOUND: f64 = 4.0;

/// The log factor of a change that was rolled out from `start` to `end`: its stages may show or not. Scores are in units of the
/// noise; neighbours repeat each other by `memory`, which leaves `(1 - memory) / (1 + memory)` of what they say.
pub(super) fn ln_factor(
    scores: &[Score],
    memory: f64,
    onset_s: f64,
    (start, end): (f64, f64),
) -> f64 {
    let within = scores.iter().filter(|s| s.at_s >= start && s.at_s < end).count();
    if end <= start || within < LEAST {
        return 0.0;
    }
    let since: Vec<&Score> = scores.iter().filter(|s| s.at_s >= onset_s.min(start)).collect();
    if since.len() < LEAST {
        return 0.0;
    }
    let step = misfit(&since, |t| f64::from(u8::from(t >= onset_s)));
    let ramp = misfit(&since, |t| ((t - start) / (end - start)).clamp(0.0, 1.0));
    let kept = (1.0 - memory.clamp(0.0, 0.9)) / (1.0 + memory.clamp(0.0, 0.9));
    let ln = (0.5 * kept * (step - ramp)).clamp(-20.0, 6.0);
    (1.0 - SHOWS + SHOWS * ln.exp()).ln()
}

/// Fewest failures that can show it.
const FAILURES: usize = 4;
/// Shares of failing runs that are tried where all meet the change.
const RATES: [f64; 9] = [0.03, 0.06, 0.1, 0.16, 0.25, 0.4, 0.6, 0.8, 0.97];

/// The same of failures (a score of 1) and successes (0), of which a share of `usual` failed before: by the likelihood of the best
/// rate of either shape.
pub(super) fn ln_factor_of_failures(
    scores: &[Score],
    usual: f64,
    onset_s: f64,
    (start, end): (f64, f64),
) -> f64 {
    let failed = |s: &&Score| s.z > 0.5;
    let within = scores.iter().filter(|s| s.at_s >= start && s.at_s < end).count();
    let since: Vec<&Score> = scores.iter().filter(|s| s.at_s >= onset_s.min(start)).collect();
    let failures = since.iter().filter(|s| failed(s)).count();
    if end <= start || within < LEAST || failures < FAILURES {
        return 0.0;
    }
    let usual = if usual.is_finite() { usual.clamp(1e-3, 0.5) } else { 1e-3 };
    let best = |shape: &dyn Fn(f64) -> f64| -> f64 {
        let of = |rate: f64| -> f64 {
            let p = |s: &Score| (usual + rate * shape(s.at_s)).clamp(1e-3, 0.999);
            since.iter().map(|s| if failed(s) { p(s).ln() } else { (-p(s)).ln_1p() }).sum()
        };
        RATES.into_iter().map(of).fold(f64::NEG_INFINITY, f64::max)
    };
    let step = best(&|t| f64::from(u8::from(t >= onset_s)));
    let ramp = best(&|t| ((t - start) / (end - start)).clamp(0.0, 1.0));
    let ln = (ramp - step).clamp(-20.0, 6.0);
    if ln.is_finite() { (1.0 - SHOWS + SHOWS * ln.exp()).ln() } else { 0.0 }
}

/// Squares left by the best multiple of a shape.
fn misfit(scores: &[&Score], shape: impl Fn(f64) -> f64) -> f64 {
    let (mut xy, mut xx, mut yy) = (0.0, 0.0, 0.0);
    for score in scores {
        let (x, y) = (shape(score.at_s), score.z.clamp(-BOUND, BOUND));
        if x.is_finite() && y.is_finite() {
            xy += x * y;
            xx += x * x;
            yy += y * y;
        }
    }
    yy - if xx > 0.0 { xy.max(0.0).powi(2) / xx } else { 0.0 }
}
