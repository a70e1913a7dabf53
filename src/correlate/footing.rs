//! What a series' times are expected to be for as long as a day or more: a frozen level, its noise and the day's season.
//!
//! The folds of a watch look at an hour; the end of a trouble and a harm that shows late are looked for over days.

use super::{Baseline, Direction, Point, Tuning, pace::Pace, pass::Noise, rows::History};

/// Rows ahead that a season is laid out for where a day has no rows of its own.
const AHEAD: usize = 60;

/// Most rows ahead: a day at a run every two seconds.
const AHEAD_MOST: usize = 43_200;

/// A frozen baseline that gives scores for days.
#[derive(Debug, Clone)]
pub(super) struct Footing {
    baseline: Baseline,
    pace: Pace,
    day: Option<usize>,
}

impl Footing {
    /// From the runs before `at_s` (seconds since 1970), on one level. None where they are too few.
    pub(super) fn lay(
        before: &[Point],
        at_s: f64,
        interval_s: f64,
        tuning: &Tuning,
    ) -> Option<Self> {
        let history = History::lay(before, at_s, interval_s, Direction::Worse, tuning);
        let ahead = history.day.unwrap_or(AHEAD).min(AHEAD_MOST);
        let baseline = Baseline::freeze(&history, ahead, Direction::Worse.sign(), tuning)?;
        let pace = Pace::new(&history, at_s, interval_s);
        Some(Self { baseline, pace, day: history.day })
    }

    /// The score of a run in units of the noise, season taken out; none where it says nothing. Runs are given in order of time.
    pub(super) fn score(&mut self, point: &Point) -> Option<f64> {
        let tau = self.pace.beat(point.at_s)?.tau;
        if !point.is_good() {
            return None;
        }
        let of_day = self.day.map_or(tau, |day| tau.rem_euclid(day as f64));
        let score = self
            .baseline
            .score
            .of(point.level(Direction::Worse) - self.baseline.season.after(of_day));
        score.is_finite().then_some(score)
    }

    /// Noise of the logarithm: what a score of 1 is.
    pub(super) fn scale(&self) -> f64 {
        self.baseline.se
    }

    /// How the scores move while nothing happens.
    pub(super) fn noise(&self, interval_s: f64, tail: f64) -> Noise {
        Noise { phi: self.baseline.phi, wander: self.baseline.om, interval_s, tail }
    }
}
