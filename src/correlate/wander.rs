//! How far a level strays by itself: what no change was needed for.

use super::{
    Tuning,
    robust::{median, moments, running},
};

/// Rows of the means that are compared at a pseudo-change: so many before, so many after.
const BEFORE: usize = 180;
const AFTER: usize = 60;
/// Fewer values than this say too little about pseudo-changes.
const ENOUGH: usize = 900;
/// Days say less wander than waves do: below this share it is the shape of the day, above it may be luck.
const CLEARLY: f64 = 0.3;
/// Harmonics of the day: a constant, then sine and cosine of one and of two waves a day.
const TERMS: usize = 5;

/// A normalised view of a level's noise.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    /// Noise, as a log ratio.
    pub(super) se: f64,
    /// Autocorrelation one row apart.
    pub(super) phi: f64,
    /// Rows of a day, where seasons are known.
    pub(super) day: Option<usize>,
}

impl Scale {
    /// How much wider means of autocorrelated values scatter.
    fn inflation(&self) -> f64 {
        (1.0 + self.phi) / (1.0 - self.phi)
    }
}

/// Variance, in z units, between the mean of an hour and that of the three hours before at pseudo-changes all over the
/// history, daily waves taken out, less what plain noise explains; mixed with what is `usual` (variance, weight). None
/// where the history is short.
pub(super) fn by_pseudo_changes(levels: &[f64], scale: Scale, usual: (f64, f64)) -> Option<f64> {
    if levels.iter().filter(|v| v.is_finite()).count() < ENOUGH {
        return None;
    }
    let flat = match scale.day {
        Some(day) => without_waves(levels, day, scale.se),
        None => {
            let centre = median(levels);
            let bound = 2.5 * scale.se;
            levels.iter().map(|v| (v - centre).clamp(-bound, bound)).collect()
        }
    };
    let (sums, counts) = running(flat.iter().copied());
    let mean =
        |from: usize, to: usize| (sums[to] - sums[from]) / (counts[to] - counts[from]).max(1.0);
    let squares: Vec<f64> = (BEFORE..flat.len().saturating_sub(AFTER))
        .step_by(15)
        .map(|i| ((mean(i, i + AFTER) - mean(i - BEFORE, i)) / scale.se).powi(2))
        .collect();
    let plain = scale.inflation() * (1.0 / BEFORE as f64 + 1.0 / AFTER as f64);
    let excess = (moments(&squares).0 - plain).max(0.0);
    let independent = (flat.len() as f64 / (BEFORE + AFTER) as f64).max(1.0);
    Some((usual.1 * usual.0 + independent * excess) / (usual.1 + independent))
}

/// The same with what the seven days before did at the same hour taken out, whatever its shape: where office hours begin at eight, no
/// wave fits. None where fewer than three days are known.
fn by_days(levels: &[f64], scale: Scale, rows: usize, usual: (f64, f64)) -> Option<f64> {
    let day = scale.day?;
    if levels.len() < rows + 3 * day {
        return None;
    }
    let flat = without_waves(levels, day, scale.se);
    let (sums, counts) = running(flat.iter().copied());
    let mean = |from: usize, to: usize| {
        let there = counts[to] - counts[from];
        (2.0 * there >= (to - from) as f64).then(|| (sums[to] - sums[from]) / there)
    };
    let moved =
        |i: usize| Some((mean(i, i + AFTER)? - mean(i.checked_sub(BEFORE)?, i)?) / scale.se);
    let plain = scale.inflation() * (1.0 / BEFORE as f64 + 1.0 / AFTER as f64);
    let (mut excess, mut looks) = (0.0, 0.0);
    for i in (flat.len() - rows + BEFORE..flat.len().saturating_sub(AFTER)).step_by(15) {
        let before: Vec<f64> =
            (1..=7).filter_map(|back| moved(i.checked_sub(back * day)?)).collect();
        let Some(now) = moved(i).filter(|_| before.len() >= 3) else { continue };
        // A median scatters more than a mean, by pi/2.
        let known = 1.0 + 1.57 / before.len() as f64;
        excess += ((now - median(&before)).powi(2) - plain * known) / known;
        looks += 1.0;
    }
    if looks < 60.0 {
        return None;
    }
    let independent = (rows as f64 / (BEFORE + AFTER) as f64).max(1.0);
    Some((usual.1 * usual.0 + independent * (excess / looks).max(0.0)) / (usual.1 + independent))
}

/// Where today's level stands against all of the history.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Lean {
    /// By how much the expected level differs from that of the baseline, in units of the noise.
    pub(super) by: f64,
    /// Variance of the error of the expected level, in those units; none where nothing but the baseline is known.
    pub(super) error: Option<f64>,
}

/// Shrinks the deviation of the baseline's level (over `span` rows) from that of the whole history, daily waves taken out: where the
/// journey's level has not strayed from one stretch to the next, the history knows it better than the baseline does (empirical
/// Bayes, James and Stein 1961). A deviation of more than two standard errors is believed.
pub(super) fn lean(levels: &[f64], scale: Scale, span: usize, tuning: &Tuning) -> Lean {
    let (usual, weight) = tuning.lean;
    let Some(day) = scale.day.filter(|_| weight.is_finite()) else { return Lean::default() };
    if span < 60 || levels.iter().filter(|v| v.is_finite()).count() < ENOUGH.max(day) {
        return Lean::default();
    }
    let flat = without_waves(levels, day, scale.se);
    let blocks: Vec<(f64, f64)> = flat
        .rchunks(span)
        .map(|block| {
            let there: Vec<f64> = block.iter().copied().filter(|v| v.is_finite()).collect();
            (moments(&there).0 / scale.se, there.len() as f64)
        })
        .filter(|(_, n)| *n >= 0.5 * span as f64)
        .collect();
    let Some(((now, n), others)) = blocks.split_first() else { return Lean::default() };
    if others.len() < 4 {
        return Lean::default();
    }
    let all: f64 = blocks.iter().map(|(_, n)| n).sum();
    let noise = scale.inflation() / n;
    let scattered =
        moments(&others.iter().map(|(v, n)| v * v - scale.inflation() / n).collect::<Vec<_>>()).0;
    let count = others.len() as f64;
    let strays = (weight * usual + count * scattered.max(0.0)) / (weight + count);
    let strays = strays.max(now * now - 4.0 * noise);
    let kept = strays / (strays + noise);
    Lean { by: -(1.0 - kept) * now, error: Some(kept * noise + scale.inflation() / all) }
}

/// The same for a short history, from successive block medians of the last day's good levels.
pub(super) fn by_blocks(levels: &[f64], scale: Scale) -> f64 {
    let block = (levels.len() / 4).clamp(10, 30);
    let blocks = levels.len() / block;
    if blocks < 4 {
        return 0.06;
    }
    let medians: Vec<f64> = (0..blocks)
        .map(|i| &levels[levels.len() - (i + 1) * block..levels.len() - i * block])
        .map(|values| median(values) / scale.se)
        .collect();
    let mut squares: Vec<f64> = medians.windows(2).map(|w| (w[1] - w[0]).powi(2)).collect();
    let most = 9.0 * median(&squares) + 1e-9;
    squares.iter_mut().for_each(|v| *v = v.min(most));
    // The variance of a median is pi/2 that of a mean.
    let plain = 2.0 * 1.57 * scale.inflation() / block as f64;
    let n = squares.len() as f64;
    (5.0 * 0.03 + n * (moments(&squares).0 - plain).max(0.0)) / (5.0 + n)
}

/// The levels less their daily waves, wild values pulled in.
fn without_waves(levels: &[f64], day: usize, se: f64) -> Vec<f64> {
    let centre = median(levels);
    let waves: Vec<[f64; TERMS]> = (0..levels.len())
        .map(|i| i as f64 * std::f64::consts::TAU / day as f64)
        .map(|t| [1.0, t.sin(), t.cos(), (2.0 * t).sin(), (2.0 * t).cos()])
        .collect();
    let mut pulled: Vec<f64> =
        levels.iter().map(|v| v.clamp(centre - 5.0 * se, centre + 5.0 * se)).collect();
    let mut residuals = Vec::new();
    for _ in 0..2 {
        let fit = least_squares(&waves, &pulled);
        let expected = |wave: &[f64; TERMS]| wave.iter().zip(&fit).map(|(w, f)| w * f).sum::<f64>();
        residuals = waves
            .iter()
            .zip(levels)
            .map(|(wave, v)| (v - expected(wave)).clamp(-2.5 * se, 2.5 * se))
            .collect();
        pulled = waves.iter().zip(&residuals).map(|(wave, r)| expected(wave) + r).collect();
    }
    residuals
}

/// Ordinary least squares by the normal equations, over the values that are there.
fn least_squares(terms: &[[f64; TERMS]], values: &[f64]) -> [f64; TERMS] {
    let mut system = [[0.0; TERMS + 1]; TERMS];
    for (term, value) in terms.iter().zip(values).filter(|(_, v)| v.is_finite()) {
        for row in 0..TERMS {
            for column in 0..TERMS {
                system[row][column] += term[row] * term[column];
            }
            system[row][TERMS] += term[row] * value;
        }
    }
    solve(system)
}

/// Gaussian elimination with partial pivots; a term that cannot be told from the others gets 0.
fn solve(mut system: [[f64; TERMS + 1]; TERMS]) -> [f64; TERMS] {
    for column in 0..TERMS {
        let pivot = (column..TERMS)
            .max_by(|a, b| system[*a][column].abs().total_cmp(&system[*b][column].abs()))
            .unwrap_or(column);
        system.swap(column, pivot);
        let head = system[column];
        if head[column].abs() < 1e-9 {
            continue;
        }
        for row in system.iter_mut().skip(column + 1) {
            let factor = row[column] / head[column];
            row.iter_mut().zip(&head).for_each(|(r, h)| *r -= factor * h);
        }
    }
    let mut fit = [0.0; TERMS];
    for row in (0..TERMS).rev() {
        let known: f64 = (row + 1..TERMS).map(|c| system[row][c] * fit[c]).sum();
        let pivot = system[row][row];
        fit[row] = if pivot.abs() < 1e-9 { 0.0 } else { (system[row][TERMS] - known) / pivot };
    }
    fit
}

/// How much a level strays over the newest `rows`, whichever way its history allows to see it; the days before those say what is
/// season.
pub(super) fn variance(levels: &[f64], scale: Scale, rows: usize, usual: (f64, f64)) -> f64 {
    let all = levels;
    let levels = &all[all.len().saturating_sub(rows)..];
    let by_changes = by_pseudo_changes(levels, scale, usual).map(|by_waves| {
        let by_days = by_days(all, scale, levels.len(), usual);
        by_days.filter(|v| *v < CLEARLY * by_waves).unwrap_or(by_waves)
    });
    by_changes.unwrap_or_else(|| {
        let last_day = levels.len().saturating_sub(scale.day.unwrap_or(1440));
        by_blocks(&super::robust::present(&levels[last_day..]), scale)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jitter(i: usize) -> f64 {
        ((i * 7919 % 1000) as f64 / 1000.0 - 0.5) * 0.3
    }

    #[test]
    fn waves_of_a_day_are_no_wander_but_steps_are() {
        let scale = Scale { se: 0.1, phi: 0.0, day: Some(288) };
        let wave = |i: usize| (i as f64 * std::f64::consts::TAU / 288.0).sin() * 0.3 + jitter(i);
        let waves: Vec<f64> = (0..1440).map(wave).collect();
        let quiet = variance(&waves, scale, 1440, (0.02, 5.0));
        assert!(quiet < 0.05, "{quiet}");
        let steps: Vec<f64> =
            (0..1440).map(|i| jitter(i) + if i / 200 % 2 == 0 { 0.0 } else { 0.3 }).collect();
        assert!(variance(&steps, scale, 1440, (0.02, 5.0)) > 10.0 * quiet);
    }

    #[test]
    fn short_histories_are_judged_by_blocks() {
        let scale = Scale { se: 0.1, phi: 0.0, day: None };
        assert_eq!(variance(&[1.0; 30], scale, 2880, (0.02, 5.0)), 0.06);
        assert!(variance(&[1.0; 200], scale, 2880, (0.02, 5.0)) < 0.03);
        assert_eq!(variance(&[f64::NAN; 200], scale, 2880, (0.02, 5.0)), 0.06);
    }

    #[test]
    fn a_singular_system_is_no_trouble() {
        assert_eq!(solve([[0.0; TERMS + 1]; TERMS]), [0.0; TERMS]);
    }
}
