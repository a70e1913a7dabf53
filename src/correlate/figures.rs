//! Figures for people: quantiles, and how much a metric moved with an interval. Nothing is decided by them.

use crate::model::{Effect, Probe, Quantiles};

use super::series::latency_of;

/// Most values of a side that the Hodges-Lehmann estimate pairs, evenly picked: 120 x 120 differences are enough.
const PAIRED: usize = 120;

/// The two-sided 90% point of the normal distribution.
const Z90: f64 = 1.645;

/// Quantiles of runs: median and 95th percentile by the nearest rank, success over the runs where it is known.
pub(super) fn quantiles<'a>(probes: impl Iterator<Item = &'a Probe>) -> Quantiles {
    let (mut times, mut good, mut known, mut runs) = (Vec::new(), 0u32, 0u32, 0u32);
    for probe in probes {
        if probe.latency_ms.is_none() && probe.success.is_none() {
            continue;
        }
        runs += 1;
        times.extend(latency_of(probe));
        if let Some(ok) = probe.success {
            known += 1;
            good += u32::from(ok);
        }
    }
    let p95 = place(times.len(), 0.95);
    Quantiles {
        runs,
        p50_ms: median_in(&mut times),
        p95_ms: nth(&mut times, p95),
        success: (known > 0).then(|| f64::from(good) / f64::from(known)),
        ..Quantiles::default()
    }
}

/// The value that would stand at `index` if the values were sorted, found without sorting them (Hoare 1961): they are moved
/// about, but remain the same. None where there are not so many.
pub(super) fn nth(values: &mut [f64], index: usize) -> Option<f64> {
    (index < values.len()).then(|| *values.select_nth_unstable_by(index, f64::total_cmp).1)
}

/// The two middle values, of an odd number twice the one; the values are moved about.
pub(super) fn middle(values: &mut [f64]) -> Option<(f64, f64)> {
    let half = values.len() / 2;
    let upper = nth(values, half)?;
    if values.len() % 2 == 1 {
        return Some((upper, upper));
    }
    // What stands before the upper one now is no larger.
    let lower = values[..half].iter().copied().max_by(f64::total_cmp)?;
    Some((lower, upper))
}

/// The median of sorted values.
pub(super) fn median(sorted: &[f64]) -> Option<f64> {
    let upper = *sorted.get(sorted.len() / 2)?;
    let odd = sorted.len() % 2 == 1;
    Some(if odd { upper } else { f64::midpoint(sorted[sorted.len() / 2 - 1], upper) })
}

/// The median of values in any order, which are moved about.
fn median_in(values: &mut [f64]) -> Option<f64> {
    let odd = values.len() % 2 == 1;
    middle(values).map(|(low, high)| if odd { high } else { f64::midpoint(low, high) })
}

/// The median of values in any order.
pub(super) fn median_of(mut values: Vec<f64>) -> Option<f64> {
    median_in(&mut values)
}

/// A quantile of sorted values by the nearest rank.
pub(super) fn rank(sorted: &[f64], share: f64) -> Option<f64> {
    sorted.get(place(sorted.len(), share)).copied()
}

/// Where the quantile by the nearest rank stands among `n` sorted values.
fn place(n: usize, share: f64) -> usize {
    let index = (share * count(n)).ceil().max(1.0);
    (whole(index) - 1).min(n.saturating_sub(1))
}

/// Ratio of the latencies after and before: the Hodges-Lehmann shift of the logarithms with the interval of the rank-sum test
/// (Hodges & Lehmann 1963; Lehmann, Nonparametrics, 1975, section 2.5). The variance of the rank sum is widened by
/// (1+phi)/(1-phi), as neighbouring runs repeat each other. Seasons are not taken out.
pub(super) fn latency_effect(before: &[f64], after: &[f64], phi: f64) -> Option<Effect> {
    let logs = |times: &[f64]| thin(times).iter().map(|ms| ms.ln()).collect::<Vec<f64>>();
    let (estimate, low, high) =
        between(&logs(before), &logs(after), (before.len(), after.len()), phi)?;
    Some(Effect { estimate: estimate.exp(), low: low.exp(), high: high.exp() })
}

/// The shift itself, with its interval.
pub(super) fn shift(before: &[f64], after: &[f64], phi: f64) -> Option<(f64, f64, f64)> {
    between(&thin(before), &thin(after), (before.len(), after.len()), phi)
}

/// The shift between thinned values, with the interval of all that there were: thinning threw values away, not knowledge.
fn between(b: &[f64], a: &[f64], all: (usize, usize), phi: f64) -> Option<(f64, f64, f64)> {
    if b.is_empty() || a.is_empty() {
        return None;
    }
    let mut pairs: Vec<f64> = a.iter().flat_map(|x| b.iter().map(move |y| x - y)).collect();
    let (n, m) = (count(all.0), count(all.1));
    let phi = phi.clamp(0.0, 0.95);
    let sd = ((m + n + 1.0) / (12.0 * m * n) * (1.0 + phi) / (1.0 - phi)).sqrt();
    let reach = (count(pairs.len()) * (0.5 - Z90 * sd)).max(0.0);
    let low = whole(reach.floor()).min(pairs.len() - 1);
    let high = pairs.len() - 1 - low;
    let estimate = median_in(&mut pairs)?;
    Some((estimate, nth(&mut pairs, low.min(high))?, nth(&mut pairs, high.max(low))?))
}

/// Difference of success shares after and before, with Newcombe's hybrid of two Wilson intervals
/// (Newcombe, Statistics in Medicine 17, 1998, method 10).
pub(super) fn success_effect(before: (u32, u32), after: (u32, u32)) -> Option<Effect> {
    let (b, a) = (share(before)?, share(after)?);
    let ((bl, bu), (al, au)) = (wilson(before), wilson(after));
    let d = a - b;
    Some(Effect {
        estimate: d,
        low: d - ((a - al).powi(2) + (bu - b).powi(2)).sqrt(),
        high: d + ((au - a).powi(2) + (b - bl).powi(2)).sqrt(),
    })
}

/// Wilson's 90% interval of a share, from (successes, runs).
pub(super) fn wilson((good, runs): (u32, u32)) -> (f64, f64) {
    let n = f64::from(runs).max(1.0);
    let p = f64::from(good) / n;
    let z2 = Z90 * Z90;
    let middle = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = Z90 / (1.0 + z2 / n) * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
    ((middle - half).max(0.0), (middle + half).min(1.0))
}

/// Successes and known runs.
pub(super) fn tally<'a>(probes: impl Iterator<Item = &'a Probe>) -> (u32, u32) {
    probes.filter_map(|p| p.success).fold((0, 0), |(g, n), ok| (g + u32::from(ok), n + 1))
}

/// The number of things as a number to reckon with.
pub(super) fn count(n: usize) -> f64 {
    n as f64
}

/// A non-negative number as an index; `as` saturates, and NaN becomes zero.
pub(super) fn whole(x: f64) -> usize {
    x as usize
}

/// The number of things as the narrow number that leaves in a verdict.
pub(super) fn narrow(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

fn share((good, runs): (u32, u32)) -> Option<f64> {
    (runs > 0).then(|| f64::from(good) / f64::from(runs))
}

/// At most `PAIRED` values, evenly picked.
fn thin(values: &[f64]) -> Vec<f64> {
    if values.len() <= PAIRED {
        return values.to_vec();
    }
    let step = count(values.len()) / count(PAIRED);
    (0..PAIRED).map(|i| values[whole(count(i) * step).min(values.len() - 1)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_of_a_ratio_holds_the_truth_and_shrinks_with_runs() {
        let wave = |n: usize, scale: f64| -> Vec<f64> {
            (0..n).map(|i| scale * (0.1 * (count(i) * 2.399).sin()).exp()).collect()
        };
        let wide = latency_effect(&wave(60, 100.0), &wave(20, 140.0), 0.2).unwrap();
        let tight = latency_effect(&wave(600, 100.0), &wave(200, 140.0), 0.2).unwrap();
        for e in [wide, tight] {
            assert!(e.low < 1.4 && 1.4 < e.high && (e.estimate - 1.4).abs() < 0.05, "{e:?}");
        }
        assert!(tight.high - tight.low < wide.high - wide.low);
        assert!(latency_effect(&[], &[1.0], 0.0).is_none());
    }

    #[test]
    fn selecting_is_sorting() {
        for n in 0..40 {
            let values: Vec<f64> = (0..n).map(|i| count(i * 7919 % 13) - 4.0).collect();
            let mut sorted = values.clone();
            sorted.sort_by(f64::total_cmp);
            assert_eq!(median_of(values.clone()), median(&sorted), "{n}");
            for share in [0.0, 0.5, 0.95, 1.0] {
                let index = place(n, share);
                assert_eq!(nth(&mut values.clone(), index), rank(&sorted, share), "{n} {share}");
            }
            assert_eq!(nth(&mut values.clone(), n), None);
        }
    }

    #[test]
    fn a_drop_of_success_has_an_interval_below_zero() {
        let e = success_effect((1000, 1000), (40, 50)).unwrap();
        assert!((e.estimate + 0.2).abs() < 1e-9 && e.high < -0.1 && e.low > -0.35, "{e:?}");
        assert!(success_effect((0, 0), (1, 1)).is_none());
    }

    #[test]
    fn quantiles_count_only_what_is_known() {
        let probe = |ms: Option<f64>, ok: Option<bool>| Probe {
            at: jiff::Timestamp::UNIX_EPOCH,
            latency_ms: ms,
            success: ok,
            late_ms: 0.0,
            signature: None,
            revision: None,
            parts: Default::default(),
        };
        let probes = [
            probe(Some(100.0), Some(true)),
            probe(None, Some(false)),
            probe(None, None),
            probe(Some(f64::NAN), Some(true)),
            probe(Some(300.0), None),
        ];
        let q = quantiles(probes.iter());
        assert_eq!((q.runs, q.p50_ms, q.p95_ms), (4, Some(200.0), Some(300.0)));
        assert!((q.success.unwrap() - 2.0 / 3.0).abs() < 1e-12);
    }
}
