//! The season of day and week: how the level moved at these hours on the days before.

use super::{
    robust::{median, moments, running_level},
    rows::SEASON_DAYS,
};

/// How the level is expected to move from the start of the baseline to the end of the watch.
#[derive(Debug, Clone)]
pub(super) struct Season {
    /// Expected movement per row: `span` rows of baseline, then the rows after the change.
    profile: Vec<f64>,
    span: usize,
    /// Standard error of the profile; 0 without one.
    pub(super) error: f64,
}

/// Noise of a level, as far as it is known before the season is.
pub(super) struct Noise {
    pub(super) scale: f64,
    pub(super) memory: f64,
}

/// Which rows a season is wanted for.
#[derive(Clone, Copy)]
pub(super) struct Extent<'t> {
    /// Rows of a day; none for no season.
    pub(super) day: Option<usize>,
    /// Rows of baseline.
    pub(super) span: usize,
    /// Rows after the change.
    pub(super) horizon: usize,
    /// Half the widths of the smoothers to choose from, narrowest first.
    pub(super) half_widths: &'t [usize],
    /// Weeks back whose same weekday is looked at; 0 for a season that knows no weekdays.
    pub(super) weeks: usize,
}

/// The days that a season is learnt from.
#[derive(Clone, Copy, PartialEq)]
enum Kin {
    /// The same weekday of the weeks before.
    Weekday,
    /// The seven days before.
    AnyDay,
}

/// A season to choose from.
struct Guess {
    kin: Kin,
    days: f64,
    profile: Vec<f64>,
    /// Mean square by which it would differ from the mean of many such days.
    variance: f64,
}

impl Season {
    /// Learns the season from the same hours of the seven days before, or of the same weekday of the weeks before, and shrinks it by its own noise: `levels` are all
    /// rows of history, the last one right before the change.
    pub(super) fn learn(levels: &[f64], extent: Extent<'_>, noise: &Noise) -> Self {
        let (mut profile, mut error) = likeliest(levels, extent, noise);
        if error > 0.0 {
            let (_, variance) = moments(&profile);
            let kept = if variance > 0.0 { (1.0 - error * error / variance).max(0.0) } else { 0.0 };
            profile.iter_mut().for_each(|v| *v *= kept);
            error *= kept.sqrt();
        }
        Self { profile, span: extent.span, error }
    }

    /// The expected movement at baseline row `row`.
    pub(super) fn at_row(&self, row: usize) -> f64 {
        self.profile.get(row).copied().unwrap_or(0.0)
    }

    /// The expected movement `tau` intervals after the change; between rows in a straight line, after the last as there.
    pub(super) fn after(&self, tau: f64) -> f64 {
        let Some(last) = self.profile.len().checked_sub(1) else { return 0.0 };
        let low = self.span.saturating_add(tau.max(0.0) as usize).min(last);
        let high = (low + 1).min(last);
        self.profile[low] + (self.profile[high] - self.profile[low]) * tau.max(0.0).fract()
    }
}

/// The profile of the days that are alike and of the smoother that is wide enough to be sure and narrow enough to follow, and its
/// standard error; flat and 0 where no day is known. More days and a wider smoother are taken where what they lose against the
/// least biased guess, beyond what noise explains, is less than what they gain (an unbiased estimate of the risk, after Mallows 1973).
fn likeliest(levels: &[f64], extent: Extent<'_>, noise: &Noise) -> (Vec<f64>, f64) {
    let rows = extent.span + extent.horizon;
    let mut fairest: Option<Guess> = None;
    let mut best: Option<(f64, Vec<f64>)> = None;
    for kin in [Kin::Weekday, Kin::AnyDay] {
        for half_width in extent.half_widths {
            let Some(guess) = guess(levels, extent, noise, (kin, *half_width)) else { break };
            let bias = fairest.as_ref().map_or(0.0, |fair| {
                let shared = if fair.kin == kin { 1.0 } else { 1.0 / fair.days };
                let by_noise = fair.variance + (1.0 - 2.0 * shared) * guess.variance;
                let pairs = guess.profile.iter().zip(&fair.profile);
                let lost: f64 = pairs.map(|(a, b)| (a - b).powi(2)).sum();
                (lost / rows.max(1) as f64 - by_noise).max(0.0)
            });
            let risk = bias + guess.variance;
            if best.as_ref().is_none_or(|(least, _)| risk < *least) {
                best = Some((risk, guess.profile.clone()));
            }
            fairest.get_or_insert(guess);
        }
    }
    best.map_or_else(|| (vec![0.0; rows], 0.0), |(risk, profile)| (profile, risk.sqrt()))
}

/// The median of the days of one kind, smoothed; none where too few are known. The same weekday must be known twice: one day alone may
/// be the day of an incident.
fn guess(
    levels: &[f64],
    extent: Extent<'_>,
    noise: &Noise,
    (kin, half_width): (Kin, usize),
) -> Option<Guess> {
    let back: Vec<usize> = match kin {
        Kin::Weekday => (1..=extent.weeks).map(|week| 7 * week).collect(),
        Kin::AnyDay => (1..=SEASON_DAYS).collect(),
    };
    let days = days(levels, extent, half_width, &back);
    if days.len() < if kin == Kin::Weekday { 2 } else { 1 } {
        return None;
    }
    let profile: Vec<f64> = (0..extent.span + extent.horizon)
        .map(|i| median(&days.iter().map(|day| day[i]).collect::<Vec<_>>()))
        .map(|v| if v.is_finite() { v } else { 0.0 })
        .collect();
    let phi = noise.memory;
    let scatter = (1.1 * noise.scale).powi(2) * (1.0 + phi) / (1.0 - phi);
    let by_noise = scatter / ((2 * half_width + 1) * days.len()) as f64;
    let variance = match kin {
        // Weeks differ by more than the noise of their runs.
        Kin::Weekday => by_noise.max(disagreement(&days, &profile)),
        Kin::AnyDay => by_noise,
    };
    Some(Guess { kin, days: days.len() as f64, profile, variance })
}

/// The variance of the mean of these days, by how far they lie apart.
fn disagreement(days: &[Vec<f64>], middle: &[f64]) -> f64 {
    let n = days.len() as f64;
    let apart = |day: &Vec<f64>| -> f64 {
        let off = day.iter().zip(middle).map(|(v, m)| (v - m).powi(2)).filter(|v| v.is_finite());
        off.sum::<f64>() / middle.len().max(1) as f64
    };
    days.iter().map(apart).sum::<f64>() / (n * (n - 1.0)).max(1.0)
}

/// For each usable one of the days so many days `back`: its smoothed level over the same rows, less its own baseline's level.
fn days(levels: &[f64], extent: Extent<'_>, half_width: usize, back: &[usize]) -> Vec<Vec<f64>> {
    let Extent { day: Some(day), span, horizon, .. } = extent else { return Vec::new() };
    let mut days = Vec::new();
    for back in back {
        let Some(from) = levels.len().checked_sub(back * day + span + half_width) else { break };
        let wanted = span + horizon + 2 * half_width;
        let to = (from + wanted).min(levels.len());
        let mut segment = levels[from..to].to_vec();
        segment.resize(wanted, f64::NAN);
        let there = segment.iter().filter(|v| v.is_finite()).count();
        if 2 * there < wanted {
            continue;
        }
        let mut level = running_level(&segment, 2 * half_width + 1);
        let base = median(&level[..span]);
        if base.is_finite() {
            level.iter_mut().for_each(|v| *v -= base);
            days.push(level);
        }
    }
    days
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXTENT: Extent<'_> =
        Extent { day: Some(200), span: 60, horizon: 30, half_widths: &[5], weeks: 4 };

    #[test]
    fn a_daily_wave_is_learnt_and_no_wave_is_not_made_up() {
        let wave = |i: usize| (i as f64 * std::f64::consts::TAU / 200.0).sin();
        let levels: Vec<f64> = (0..1000).map(wave).collect();
        let season = Season::learn(&levels, EXTENT, &Noise { scale: 0.01, memory: 0.3 });
        let moved = season.after(20.0) - season.at_row(30);
        let truth = wave(1020) - wave(970);
        assert!((moved - truth).abs() < 0.05 * truth.abs(), "{moved} {truth}");

        let flat = Season::learn(&vec![3.0; 1000], EXTENT, &Noise { scale: 0.1, memory: 0.3 });
        assert_eq!((flat.after(7.5), flat.error), (0.0, 0.0));
    }

    #[test]
    fn too_short_a_history_has_no_season() {
        let season = Season::learn(&[1.0; 200], EXTENT, &Noise { scale: 0.1, memory: 0.3 });
        assert_eq!((season.after(1e9), season.at_row(5), season.error), (0.0, 0.0, 0.0));
    }
}
