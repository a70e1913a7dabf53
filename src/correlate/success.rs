//! The success of one series after one change, probe by probe.

use std::collections::VecDeque;

use super::{
    Direction, Look, Point, Tuning,
    evidence::{Onset, Side},
    failing::{Failing, Rates},
    novelty::Novelty,
    onset::{self, Heard},
    pace::Pace,
    prior::{self, Onsets},
    rows::{History, sane_interval},
};

/// Onsets in the last rows before the change are not told from one at it.
const EDGE: usize = 2;
/// Outcomes kept for the gate of the observed rate.
const KEPT: usize = 4096;
/// A worse rate takes at least this many failures, a better one this many in the history.
const FAILURES: usize = 2;

/// A fold over the probes of one series after one change: the evidence that it fails more often (or less often).
#[derive(Debug, Clone)]
pub struct SuccessFold {
    tuning: Tuning,
    direction: Direction,
    pace: Pace,
    onsets: Onsets,
    failing: Failing,
    novelty: Novelty,
    /// How surely failures are rare and come alone, 0 to 1: then less evidence is needed.
    rare: f64,
    /// Evidence needed where the failures had begun before the change.
    demanded: f64,
    /// Times and outcomes since the change; true is a failure.
    outcomes: VecDeque<(f64, bool)>,
    failures: usize,
    /// Failures in the history that the rate was learnt from.
    failures_before: usize,
    look: Look,
}

impl SuccessFold {
    /// Freezes what is known of the failure rate at `change_at_s` (epoch seconds) from the probes before it; later ones
    /// are ignored. Without any, what is usual elsewhere is all that is known. `interval_s` is the series' usual cadence,
    /// `horizon` the base intervals the watch is to last.
    ///
    /// A better rate is looked for against the rate over the latency baseline's span only: what has just been repaired is
    /// a matter of hours.
    pub fn freeze(
        before: &[Point],
        change_at_s: f64,
        interval_s: f64,
        horizon: usize,
        direction: Direction,
        tuning: &Tuning,
    ) -> Self {
        let history = History::lay(before, change_at_s, interval_s, direction, tuning);
        let outcomes: Vec<Option<bool>> = history.rows.iter().map(|r| r.ok.map(|ok| !ok)).collect();
        let reach = match direction {
            Direction::Worse => tuning.success_history,
            Direction::Better => tuning.success_history.min(tuning.baseline),
        };
        let rates = Rates::learn(&last(&outcomes, reach), direction, tuning);
        let failures_before = rates.failures;
        let rare = rates.rare(tuning);
        let recent = last(&outcomes, tuning.pre);
        let earlier = &outcomes[..outcomes.len() - recent.len()];
        let mut failing = Failing::new(rates, failed_last(earlier));
        let masses = prior::before(recent.len(), tuning.pre_taper);
        replay(&mut failing, &recent, &masses);
        Self {
            direction,
            pace: Pace::new(&history, change_at_s, sane_interval(interval_s)),
            onsets: Onsets::new(horizon, tuning),
            failing,
            novelty: Novelty::learn(before, change_at_s, tuning),
            rare,
            demanded: demanded(&outcomes, reach, direction, tuning),
            outcomes: VecDeque::new(),
            failures: 0,
            failures_before,
            look: Look::quiet(tuning.success_suspected, tuning.success_regressed),
            tuning: tuning.clone(),
        }
    }

    /// The failure rate expected from the history, 0 to 1.
    pub fn q0(&self) -> f64 {
        self.failing.rates.mean
    }

    /// The newest look.
    pub fn look(&self) -> &Look {
        &self.look
    }

    /// What the probes say of every onset; `at_s` gives the moment so many nominal intervals after the change.
    pub(super) fn heard(&self, at_s: impl Fn(f64) -> f64) -> Vec<Heard> {
        onset::heard(&self.failing.onsets(), |tau| at_s(self.pace.lag(tau)))
    }

    /// Takes in the next probe. One whose success is unknown only lets time pass; one from before the change or without a
    /// time is ignored.
    pub fn push(&mut self, point: &Point) -> Look {
        let Some(beat) = self.pace.beat(point.at_s) else { return self.look };
        if let Some(ok) = point.ok {
            let onset = Onset {
                side: Side::After,
                mass: self.onsets.open(beat.previous, beat.tau),
                tau: beat.tau,
                since: beat.tau - beat.gap,
            };
            self.failing.push(!ok, beat.gap, onset);
            if let Some(kind) = point.failure() {
                self.novelty.push(kind);
            }
            self.failures += usize::from(!ok);
            self.outcomes.push_back((beat.tau, !ok));
            self.outcomes.drain(..self.outcomes.len().saturating_sub(KEPT));
        }
        self.look = self.judge();
        self.look
    }

    fn judge(&mut self) -> Look {
        // Nothing but the number of failures can open this gate: until then there is nothing to weigh.
        if !self.enough_failures() {
            return Look { log_e: Look::CLOSED, log_e_regressed: Look::CLOSED, ..self.quiet() };
        }
        let mut now = self.failing.weigh();
        if self.direction == Direction::Worse {
            now.log_e += self.novelty.log_e();
        }
        let open = self.enough_failures() && self.observed(now.onset) && now.log_e >= self.demanded;
        let log_e = if open { now.log_e } else { Look::CLOSED };
        let onset_lag = self.pace.lag(now.onset);
        Look {
            log_e,
            log_e_regressed: log_e,
            raw: now.log_e,
            before: now.before,
            shift: now.shift,
            onset_lag,
            onset_low: self.pace.lag(now.interval.0).min(onset_lag),
            onset_high: self.pace.lag(now.interval.1).max(onset_lag),
            ..self.quiet()
        }
    }

    fn quiet(&self) -> Look {
        Look::quiet(
            self.tuning.success_suspected - self.rare * self.tuning.rare_relief.0,
            self.tuning.success_regressed - self.rare * self.tuning.rare_relief.1,
        )
    }

    fn enough_failures(&self) -> bool {
        match self.direction {
            Direction::Worse => self.failures >= FAILURES,
            Direction::Better => self.failures_before >= FAILURES,
        }
    }

    /// Whether the rate observed since the onset differs by what the user wants it to, where that is more than usual.
    fn observed(&self, onset: f64) -> bool {
        if self.tuning.drop_observed <= 0.0 {
            return true;
        }
        let since = self.outcomes.iter().filter(|(tau, _)| *tau >= onset.floor());
        let (mut probes, mut failures) = (0.0_f64, 0.0);
        for (_, failed) in since {
            probes += 1.0;
            failures += f64::from(u8::from(*failed));
        }
        let moved = failures / probes.max(1.0) - self.q0();
        self.direction.sign() * moved >= self.tuning.drop_observed
    }
}

/// The last `count` entries.
fn last(outcomes: &[Option<bool>], count: usize) -> Vec<Option<bool>> {
    outcomes[outcomes.len().saturating_sub(count)..].to_vec()
}

/// Whether the last known outcome was a failure.
fn failed_last(outcomes: &[Option<bool>]) -> bool {
    outcomes.iter().rev().copied().flatten().next().unwrap_or(false)
}

/// Feeds the outcomes of rows before the change.
pub(super) fn replay(failing: &mut Failing, outcomes: &[Option<bool>], masses: &[f64]) {
    let count = outcomes.len() as f64;
    let mut since = 0.0;
    for (row, outcome) in outcomes.iter().enumerate() {
        since += 1.0;
        if let Some(failed) = outcome {
            let tau = row as f64 - count;
            let mass = masses.get(row).copied().unwrap_or(0.0);
            let side = if row + EDGE < outcomes.len() { Side::Before } else { Side::Edge };
            failing.push(*failed, 1.0, Onset { side, mass, tau, since: tau - since });
            since = 0.0;
        }
    }
}

/// The evidence needed because the same formula, applied to the rows right before the change, speaks already.
fn demanded(outcomes: &[Option<bool>], reach: usize, direction: Direction, tuning: &Tuning) -> f64 {
    let rows = tuning.success_pre;
    if outcomes.len() < 2 * rows {
        return f64::NEG_INFINITY;
    }
    let (past, recent) = outcomes.split_at(outcomes.len() - rows);
    let rates = Rates::learn(&last(past, reach), direction, tuning);
    let onsets = Onsets::new(rows, tuning);
    let mut failing = Failing::new(rates, failed_last(past));
    let mut most = f64::NEG_INFINITY;
    for (row, outcome) in recent.iter().enumerate() {
        if let Some(failed) = outcome {
            let tau = row as f64;
            let mass = onsets.mass(row.checked_sub(1).map(|r| r as f64), tau);
            let onset = Onset { side: Side::After, mass, tau, since: tau - 1.0 };
            failing.push(*failed, 1.0, onset);
            most = most.max(failing.weigh().log_e);
        }
    }
    let (from, more) = tuning.success_pre_raise;
    if most >= from { most + more } else { f64::NEG_INFINITY }
}
