//! Where a shift that was found began: the split at which medians before and after fit the values best. It finds nothing by itself; how sure a shift is,
//! `correlate` has said.

/// Runs around the alarm's own onset that are looked at.
const REACH: usize = 12;
/// Splits that are less likely than the best by more than this (natural logarithm) are no candidates: 20 to 1.
const LIKELY: f64 = 3.0;
/// Most runs on either side that say what is usual.
const SIDE: usize = 60;

/// The first value of the new level, and other splits that fit nearly as well, best first. By least absolute deviations of the logarithms:
/// the likelihood of a Laplace distribution, which forgives a single odd value.
pub(super) fn splits(values: &[f64], near: usize) -> Vec<usize> {
    let logs: Vec<f64> = values.iter().map(|v| v.max(1e-3).ln()).collect();
    let first = near.saturating_sub(REACH).max(1);
    let last = (near + REACH).min(logs.len().saturating_sub(1));
    if first > last {
        return vec![near.min(logs.len().saturating_sub(1))];
    }
    // The medians well away from the doubtful part, so that they do not follow the split.
    let before = median(&logs[first.saturating_sub(SIDE)..near.max(first).min(logs.len())]);
    let after = median(&logs[near.min(last)..logs.len().min(near.min(last) + SIDE)]);
    let (Some(before), Some(after)) = (before, after) else { return vec![near] };
    let off = |level: f64| move |log: &f64| (log - level).abs();
    let cost = |split: usize| -> f64 {
        logs[first..split].iter().map(off(before)).sum::<f64>()
            + logs[split..=last].iter().map(off(after)).sum::<f64>()
    };
    let mut costs: Vec<(usize, f64)> = (first..=last).map(|split| (split, cost(split))).collect();
    costs.sort_by(|a, b| a.1.total_cmp(&b.1));
    let best = costs[0].1;
    let residuals: Vec<f64> =
        logs[first.saturating_sub(SIDE)..near.max(first)].iter().map(off(before)).collect();
    let scale = median(&residuals).unwrap_or(0.05).max(0.01);
    costs.into_iter().filter(|(_, c)| (c - best) / scale <= LIKELY).map(|(s, _)| s).collect()
}

pub(super) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let upper = *sorted.get(sorted.len() / 2)?;
    let odd = sorted.len() % 2 == 1;
    Some(if odd { upper } else { f64::midpoint(sorted[sorted.len() / 2 - 1], upper) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_value_of_the_new_level_is_found() {
        let noise = |i: usize| 1.0 + 0.04 * ((i * 37 % 11) as f64 / 5.0 - 1.0);
        for near in [37, 40, 44] {
            let values: Vec<f64> =
                (0..70).map(|i| if i < 40 { 300.0 } else { 420.0 } * noise(i)).collect();
            assert_eq!(splits(&values, near)[0], 40, "{near}");
        }
        assert_eq!(splits(&[1.0, 9.0], 1), [1]);
        assert_eq!(splits(&[], 0), [0]);
    }

    #[test]
    fn what_cannot_be_told_apart_is_all_named() {
        // A value halfway between may belong to either side.
        let mut values = vec![300.0; 40];
        values.extend([(300.0_f64 * 420.0).sqrt()]);
        values.extend(vec![420.0; 20]);
        let mut found = splits(&values, 40);
        found.sort_unstable();
        assert_eq!(found, [40, 41]);
    }
}
