//! The baseline: what a journey was like before the change, frozen when the change starts.

use statrs::distribution::{ContinuousCDF, Normal};

use super::{
    Tuning,
    robust::{autocorrelation, median, present, quantile, sorted, spread},
    rows::History,
    season::{Extent, Noise, Season},
    wander,
};

/// The normal quantile of 0.95: scores are ranks within it, distances beyond.
const BULK: f64 = 1.6449;
/// Scores beyond this say no more about the next one: a spike has no memory.
pub(super) const SCORE_BOUND: f64 = 3.0;
/// Scale of the noise below which arithmetic, not the journey, would speak.
const SCALE_LEAST: f64 = 1e-3;

/// What a journey's latency was like before the change.
#[derive(Debug, Clone)]
pub struct Baseline {
    /// Usable probes in it.
    pub n: usize,
    /// Median of the log of milliseconds, season taken out. (Of milliseconds as they are, in both directions.)
    pub m0: f64,
    /// Noise: robust standard deviation of the log.
    pub s0: f64,
    /// Noise that is used: `s0`, but not less than half the smallest effect that matters.
    pub se: f64,
    /// Memory: autocorrelation of scores one base interval apart, with a margin.
    pub phi: f64,
    /// Natural wander of the level, in units of `se`: a shift of this size needs no cause.
    pub om: f64,
    /// How short the baseline is: 0 for enough probes, towards 1 for none.
    pub few: f64,
    /// Variance by which the level has strayed in the history, in units of `se` squared.
    pub(super) strays: f64,
    /// The base interval as measured, in seconds.
    pub interval_s: f64,
    pub(super) season: Season,
    pub(super) score: Score,
    /// Rows the baseline reaches back.
    pub(super) span: usize,
    /// The median as judged (mirrored for better).
    pub(super) centre: f64,
}

impl Baseline {
    /// Freezes the baseline. None where fewer than the least number of probes are usable.
    pub(super) fn freeze(
        history: &History,
        horizon: usize,
        sign: f64,
        tuning: &Tuning,
    ) -> Option<Self> {
        let span = history.reach(tuning.baseline);
        let levels = history.good_levels(span);
        let usable = present(&levels);
        let n = usable.len();
        if n < tuning.baseline_min.max(2) {
            return None;
        }
        let count = n as f64;
        let season = season(history, &usable, span, horizon, tuning);
        let settled: Vec<f64> =
            levels.iter().enumerate().map(|(i, v)| v - season.at_row(i)).collect();
        let mut flat = present(&settled);
        let mut centre = median(&flat);
        let mut s0 = spread(&flat, centre).max(SCALE_LEAST);
        let short = count < tuning.short;
        if short {
            let (usual, weight) = tuning.noise;
            s0 = ((weight * usual * usual + count * s0 * s0) / (weight + count)).sqrt();
        }
        let floor = tuning.noise_floor();
        let se = s0.max(floor);
        let phi = memory(&flat, &shape(&flat, centre, (s0, floor), short), short, tuning)
            * (s0 / floor).powi(2).min(1.0);
        let scale = wander::Scale { se, phi, day: history.day };
        let past = history.good_levels(tuning.history);
        let lean = wander::lean(&past, scale, span, tuning);
        centre += lean.by * se;
        flat.iter_mut().for_each(|v| *v += lean.by * se);
        let score = shape(&flat, centre, (s0, floor), short);
        let few = (1.0 - count / tuning.short).max(0.0);
        let known = history.good_levels(tuning.history + 7 * history.day.unwrap_or(0));
        let strays = wander::variance(&known, scale, tuning.history, tuning.wander);
        let effective = (count * (1.0 - phi) / (1.0 + phi)).max(3.0);
        let om2 = strays
            + lean.error.unwrap_or(1.0 / effective)
            + tuning.wander_season * (season.error / se).powi(2)
            + (tuning.wander_least / se).powi(2)
            + tuning.wander_short * few;
        let (m0, interval_s) = (sign * centre, history.step_s);
        Some(Self {
            n,
            m0,
            s0,
            se,
            phi,
            om: om2.sqrt(),
            few,
            strays,
            interval_s,
            season,
            score,
            span,
            centre,
        })
    }

    /// Widens the wander where only `level` probes say where the level is, and the rest only how noisy it is.
    pub(super) fn rest_on(&mut self, level: usize) {
        if level < self.n {
            let error = |n: f64| (1.0 + self.phi) / (1.0 - self.phi) / n.max(1.0);
            let more = error(level as f64) - error(self.n as f64);
            self.om = (self.om * self.om + more.max(0.0)).sqrt();
        }
    }

    /// The residuals (log ratio to the baseline, season taken out) of the last `rows` rows before the change.
    pub(super) fn residuals_before(&self, history: &History, rows: usize) -> Vec<f64> {
        let levels = history.good_levels(rows);
        let skipped = self.span - levels.len().min(self.span);
        let season = (skipped..).map(|row| self.season.at_row(row));
        levels.iter().zip(season).map(|(v, g)| v - g - self.centre).collect()
    }
}

/// The season over baseline and watch, shrunk by the noise that is known before it.
fn season(
    history: &History,
    usable: &[f64],
    span: usize,
    horizon: usize,
    tuning: &Tuning,
) -> Season {
    let centre = median(usable);
    let scale = spread(usable, centre).max(SCALE_LEAST);
    let scores: Vec<f64> =
        usable.iter().map(|v| ((v - centre) / scale).clamp(-SCORE_BOUND, SCORE_BOUND)).collect();
    let noise = Noise { scale, memory: autocorrelation(&scores).clamp(0.0, 0.9) };
    let levels: Vec<f64> = history.rows.iter().map(|r| r.level).collect();
    let half_widths = &tuning.season_half_widths;
    let (day, weeks) = (history.day, tuning.season_weeks);
    Season::learn(&levels, Extent { day, span, horizon, half_widths, weeks }, &noise)
}

/// How levels become scores: by rank where there is enough noise and data for it.
fn shape(flat: &[f64], centre: f64, (s0, floor): (f64, f64), short: bool) -> Score {
    let se = s0.max(floor);
    if short || s0 < floor {
        Score::Distance { centre, se }
    } else {
        Score::rank(sorted(flat.to_vec()), centre, se)
    }
}

/// The memory of the scores, with its margin; mixed with the usual one where probes are few.
fn memory(flat: &[f64], score: &Score, short: bool, tuning: &Tuning) -> f64 {
    let scores: Vec<f64> =
        flat.iter().map(|v| score.of(*v).clamp(-SCORE_BOUND, SCORE_BOUND)).collect();
    let n = scores.len() as f64;
    let mut phi = autocorrelation(&scores) + tuning.memory_margin / n.sqrt();
    if short {
        let (usual, weight) = tuning.memory;
        phi = (n * phi + weight * usual) / (n + weight);
    }
    phi.clamp(0.0, 0.9)
}

/// Turns a level into a score that is about standard normal as long as nothing changed.
#[derive(Debug, Clone)]
pub(super) enum Score {
    /// Distance from the median: few probes, or noise below what matters.
    Distance { centre: f64, se: f64 },
    /// Normal score of the rank within the baseline's bulk, distance beyond it: no assumption on the noise's shape where
    /// there is data on it, no saturation where there is not.
    Rank { sorted: Vec<f64>, low: f64, high: f64, scale_low: f64, scale_high: f64 },
}

impl Score {
    fn rank(sorted: Vec<f64>, centre: f64, se: f64) -> Self {
        let (low, high) = (quantile(&sorted, 0.05), quantile(&sorted, 0.95));
        let scale_low = se.max((centre - low) / BULK);
        let scale_high = se.max((high - centre) / BULK);
        Self::Rank { sorted, low, high, scale_low, scale_high }
    }

    /// The score of a level; NaN of NaN.
    pub(super) fn of(&self, level: f64) -> f64 {
        match self {
            _ if level.is_nan() => f64::NAN,
            Self::Distance { centre, se } => (level - centre) / se,
            Self::Rank { high, scale_high, .. } if level > *high => {
                BULK + (level - high) / scale_high
            }
            Self::Rank { low, scale_low, .. } if level < *low => -BULK + (level - low) / scale_low,
            Self::Rank { sorted, .. } => {
                let below = sorted.partition_point(|v| *v < level);
                let upto = sorted.partition_point(|v| *v <= level);
                let share = (below + upto + 1) as f64 / 2.0 / (sorted.len() + 1) as f64;
                let score = Normal::standard().inverse_cdf(share.clamp(1e-6, 1.0 - 1e-6));
                score.clamp(-BULK, BULK)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_ranks_inside_and_distances_outside() {
        let values: Vec<f64> = (0..=200).map(|i| f64::from(i) / 100.0 - 1.0).collect();
        let score = Score::rank(values, 0.0, 0.6);
        assert!(score.of(0.0).abs() < 1e-9);
        assert!((score.of(0.5) + score.of(-0.5)).abs() < 1e-9);
        assert!((score.of(0.5) - 0.674).abs() < 0.02);
        assert!((score.of(0.9 + 0.6) - (BULK + 1.0)).abs() < 1e-9);
        assert!(score.of(f64::NAN).is_nan());
        assert!(score.of(1e300).is_finite());
    }
}
