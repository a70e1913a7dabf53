//! The latency of one series after one change, probe by probe.

use std::collections::VecDeque;

use super::{
    Baseline, Direction, Look, Point, Tuning,
    evidence::{Evidence, Gaps, Onset, Side, Weighed},
    excursion,
    onset::{self, Heard},
    pace::{Beat, Pace},
    prior::{self, Onsets},
    robust::median,
    rows::{History, sane_interval},
    tail::Tail,
    tuning::GATED_FROM,
    wary::Wary,
};

/// Onsets in the last rows before the change are not told from one at it.
const EDGE: usize = 2;
/// Rows before the change from which on an earlier shift can be told.
const REBASE_ROWS: usize = 30;
/// The effect is measured over this many base intervals up to now, as far as they follow the onset.
const EFFECT_ROWS: (f64, f64) = (3.0, 15.0);
/// Probes that say how dense they are now.
const RECENT: usize = 16;
/// Residuals kept for the gates.
const KEPT: usize = 512;

/// A fold over the probes of one series after one change: the evidence that successful runs became slower (or faster).
///
/// Each [`LatencyFold::push`] costs time in proportion to the number of onsets that are still possible; nothing of the
/// past is computed again.
#[derive(Debug, Clone)]
pub struct LatencyFold {
    tuning: Tuning,
    direction: Direction,
    baseline: Baseline,
    /// Good levels of the history, for the scan that is made when the evidence first comes near.
    history: Vec<f64>,
    /// The largest doubt that it raised.
    doubt: Option<f64>,
    pace: Pace,
    onsets: Onsets,
    evidence: Evidence,
    /// A second opinion on a short baseline.
    wary: Option<Wary>,
    /// What the slow runs say.
    tail: Option<Tail>,
    weighed: Weighed,
    /// Level after an earlier shift, in units of the noise; 0 for none.
    rebased: f64,
    since_score: f64,
    newest: Option<f64>,
    gates: Gates,
    look: Look,
}

impl LatencyFold {
    /// Freezes the baseline at `change_at_s` (epoch seconds) from the probes before it; later ones are ignored. `interval_s` is the
    /// series' usual cadence, `horizon` the base intervals the watch is to last. None where fewer than the least number
    /// of probes are usable.
    pub fn freeze(
        before: &[Point],
        change_at_s: f64,
        interval_s: f64,
        horizon: usize,
        direction: Direction,
        tuning: &Tuning,
    ) -> Option<Self> {
        let watch = (change_at_s, interval_s, horizon);
        Self::freeze_on_level(before, usize::MAX, watch, direction, tuning)
    }

    /// As [`LatencyFold::freeze`] (`watch` is its times and horizon), where only the last `level` usable probes stand on the present
    /// level by themselves and the older ones were moved onto it: the level is known no better than those can tell.
    pub(super) fn freeze_on_level(
        before: &[Point],
        level: usize,
        (change_at_s, interval_s, horizon): (f64, f64, usize),
        direction: Direction,
        tuning: &Tuning,
    ) -> Option<Self> {
        let history = History::lay(before, change_at_s, interval_s, direction, tuning);
        let horizon = horizon.clamp(1, 100_000);
        let mut baseline = Baseline::freeze(&history, horizon, direction.sign(), tuning)?;
        baseline.rest_on(level);
        let rows = tuning.pre.min(baseline.span);
        let past = Past::new(&history, &baseline, rows);
        let (rebased, om) = past.shifted_already(&baseline, tuning);
        let noise = tuning.noise_of(baseline.phi);
        let mut evidence = Evidence::new(noise, om, tuning.shifts_in(baseline.se), tuning);
        let since_score =
            past.replay(&mut evidence, &prior::before(rows, tuning.pre_taper), |row| {
                if row + EDGE < rows { Side::Before } else { Side::Edge }
            });
        let raise = tuning.raise(&baseline);
        let residuals = baseline.residuals_before(&history, baseline.span);
        let tail = (direction == Direction::Worse && rebased == 0.0)
            .then(|| Tail::learn(&history, &baseline, tuning))
            .flatten();
        let wary = Wary::new(&baseline, &residuals, &evidence, tuning);
        let look = Look::quiet(tuning.latency_suspected + raise, tuning.latency_regressed + raise);
        Some(Self {
            direction,
            history: history.good_levels(tuning.history),
            doubt: None,
            pace: Pace::new(&history, change_at_s, sane_interval(interval_s)),
            onsets: Onsets::new(horizon, tuning),
            evidence,
            wary,
            tail,
            weighed: Weighed::default(),
            rebased,
            since_score,
            newest: None,
            gates: Gates::new(direction, tuning),
            look,
            baseline,
            tuning: tuning.clone(),
        })
    }

    /// The frozen baseline.
    pub fn baseline(&self) -> &Baseline {
        &self.baseline
    }

    /// The newest look.
    pub fn look(&self) -> &Look {
        &self.look
    }

    /// The score of the newest probe, in units of the noise, season taken out; none where it had no usable time.
    pub(super) fn newest_score(&self) -> Option<f64> {
        self.newest
    }

    /// By how much the level had moved already before the change, as a log ratio; 0 where it had not.
    pub(super) fn moved_before(&self) -> f64 {
        self.rebased * self.baseline.se
    }

    /// What the probes say of every onset; `at_s` gives the moment so many nominal intervals after the change.
    pub(super) fn heard(&self, at_s: impl Fn(f64) -> f64) -> Vec<Heard> {
        onset::heard(&self.evidence.onsets(), |tau| at_s(self.pace.lag(tau)))
    }

    /// Takes in the next probe. One that failed, or says nothing on latency, only lets time pass; one from before the change
    /// or without a time is ignored.
    pub fn push(&mut self, point: &Point) -> Look {
        let Some(beat) = self.pace.beat(point.at_s) else { return self.look };
        self.since_score += beat.gap;
        let residual = self.residual(point, beat);
        self.newest = None;
        if residual.is_finite() {
            let score = self.baseline.score.of(residual + self.baseline.centre) - self.rebased;
            let gaps = Gaps { score: self.since_score, probe: beat.gap };
            let onset = Onset {
                side: Side::After,
                mass: self.onsets.open(beat.previous, beat.tau),
                tau: beat.tau,
                since: beat.tau - beat.gap,
            };
            self.evidence.push(score, gaps, onset);
            if let Some(tail) = &mut self.tail {
                tail.push(residual, gaps.score, onset);
            }
            if let Some(wary) = &mut self.wary {
                wary.push(residual, gaps, onset);
            }
            self.since_score = 0.0;
            self.newest = Some(score);
        }
        self.weighed = self.evidence.weigh();
        let level = self.baseline.centre + self.baseline.season.after(beat.tau);
        self.gates.push(beat.tau, residual - self.rebased * self.baseline.se);
        self.look = self.judge(beat, level);
        self.look
    }

    /// Log ratio of a probe to what was expected of it; NaN where it has no usable time.
    fn residual(&self, point: &Point, beat: Beat) -> f64 {
        if !point.is_good() {
            return f64::NAN;
        }
        let expected = self.baseline.centre + self.baseline.season.after(beat.tau);
        point.level(self.direction) - expected
    }

    /// Puts the evidence behind the gates.
    fn judge(&mut self, beat: Beat, level: f64) -> Look {
        let known = self.tuning.raise(&self.baseline);
        let mut told = self.told(beat, level);
        if told.1 >= self.tuning.latency_suspected + known && self.doubt.is_none() {
            self.look_back();
            told = self.told(beat, level);
        }
        let (now, log_e) = told;
        let spell = self.tuning.spell_short * self.baseline.few;
        let allowed = now.before <= self.tuning.before_regressed
            && (spell <= 0.0 || beat.tau + 1.0 - now.onset >= spell);
        let raise = match self.tuning.excursion_of_others {
            Some(_) => known,
            None => known + self.doubt.unwrap_or(0.0),
        };
        let onset_lag = self.pace.lag(now.onset);
        let shift = (now.shift + self.rebased) * self.baseline.se * self.direction.sign();
        Look {
            log_e,
            log_e_regressed: if allowed { log_e } else { log_e.min(Look::CLOSED) },
            raw: self.weighed.log_e,
            before: now.before,
            shift,
            onset_lag,
            onset_low: self.pace.lag(now.interval.0).min(onset_lag),
            onset_high: self.pace.lag(now.interval.1).max(onset_lag),
            suspected_at: self.tuning.latency_suspected + raise,
            regressed_at: self.tuning.latency_regressed + raise,
        }
    }

    /// Learns what the journey's own noise can do: once, when it matters.
    fn look_back(&mut self) {
        let gap = self.gates.gap();
        let doubts = excursion::doubts(&self.history, gap, &self.baseline, &self.tuning);
        let most = doubts.iter().copied().fold(0.0, f64::max);
        self.doubt = Some(most);
        self.history = Vec::new();
        if let Some(share) = self.tuning.excursion_of_others {
            let doubts: Vec<f64> = doubts.iter().map(|own| own + share * (most - own)).collect();
            self.evidence.doubt(&doubts);
            self.weighed = self.evidence.weigh();
        }
    }

    /// What stands behind the gates: a shift of the level, or more slow runs.
    fn told(&mut self, beat: Beat, level: f64) -> (Weighed, f64) {
        let (now, log_e) = (self.weighed, self.gated(beat, level));
        match self.slow_runs().filter(|tail| tail.log_e > log_e) {
            Some(tail) => (Weighed { shift: now.shift, ..tail }, tail.log_e),
            None => (now, log_e),
        }
    }

    /// The evidence of a shift of the level, where it passes the gates.
    fn gated(&self, beat: Beat, level: f64) -> f64 {
        let now = self.weighed;
        if now.log_e < GATED_FROM {
            return now.log_e;
        }
        let wary = self.wary.as_ref().map_or(now.log_e, |wary| wary.weigh(&self.evidence));
        let log_e = now.log_e.min(wary);
        if log_e < GATED_FROM {
            return log_e;
        }
        let open = self.gates.open(beat.tau, now.onset, self.direction.sign() * level);
        if open && now.before <= self.tuning.before_suspected { log_e } else { Look::CLOSED }
    }

    /// The evidence that more runs are slow than used to be, where nothing says that this, or the level, had begun to rise before.
    fn slow_runs(&mut self) -> Option<Weighed> {
        let most = self.tuning.before_suspected;
        let tail = self.tail.as_mut()?;
        let price = tail.price;
        let tail = tail.weigh(self.tuning.effect_share * self.tuning.effect)?;
        let fresh =
            tail.before <= most && (self.weighed.before <= most || self.weighed.log_e < 0.0);
        let by_itself = self.tuning.excursion_of_others.and(self.doubt);
        let price = price + by_itself.unwrap_or(0.0);
        fresh.then_some(Weighed { log_e: tail.log_e - price, ..tail })
    }
}

/// The scores of the last rows before the change.
struct Past {
    scores: Vec<f64>,
    probed: Vec<bool>,
}

impl Past {
    fn new(history: &History, baseline: &Baseline, rows: usize) -> Self {
        let residuals = baseline.residuals_before(history, rows);
        let scores = residuals.iter().map(|r| baseline.score.of(r + baseline.centre)).collect();
        let from = history.rows.len().saturating_sub(rows);
        Self { scores, probed: history.rows[from..].iter().map(|r| r.probed).collect() }
    }

    /// Feeds the scores to the evidence; gives the intervals from the last score to the last probe.
    fn replay(&self, evidence: &mut Evidence, masses: &[f64], side: impl Fn(usize) -> Side) -> f64 {
        let count = self.scores.len() as f64;
        let (mut since_score, mut since_probe) = (0.0, 0.0);
        for (row, (score, probed)) in self.scores.iter().zip(&self.probed).enumerate() {
            since_score += 1.0;
            since_probe += 1.0;
            if score.is_finite() {
                let tau = row as f64 - count;
                let mass = masses.get(row).copied().unwrap_or(0.0);
                let onset = Onset { side: side(row), mass, tau, since: tau - since_probe };
                evidence.push(*score, Gaps { score: since_score, probe: since_probe }, onset);
                since_score = 0.0;
            }
            if *probed {
                since_probe = 0.0;
            }
        }
        // What lies between the last probe and the change is counted with the first probe after it.
        since_score - since_probe
    }

    /// Whether the level had shifted before the change: by how much (in units of the noise), and the wander that is then
    /// to be allowed for.
    fn shifted_already(&self, baseline: &Baseline, tuning: &Tuning) -> (f64, f64) {
        let rows = self.scores.len();
        if rows < REBASE_ROWS {
            return (0.0, baseline.om);
        }
        let noise = tuning.noise_of(baseline.phi);
        let mut evidence = Evidence::new(noise, baseline.om, tuning.shifts_in(baseline.se), tuning);
        self.replay(&mut evidence, &vec![1.0 / rows as f64; rows], |_| Side::After);
        let weighed = evidence.weigh();
        if weighed.log_e <= tuning.rebase {
            return (0.0, baseline.om);
        }
        // The mean over the rows since that shift is known only so well. Its onset is counted from the change, backwards.
        let inflation = (1.0 + baseline.phi) / (1.0 - baseline.phi);
        let error = inflation / (-weighed.onset).max(3.0);
        (weighed.shift, (baseline.om * baseline.om + error).sqrt())
    }
}

/// The gates of the smallest effect that matters: likely is not enough, it must be large enough, and still there.
#[derive(Debug, Clone)]
struct Gates {
    sign: f64,
    residuals: VecDeque<f64>,
    taus: VecDeque<f64>,
    recent: f64,
    effect: f64,
    effect_ms: f64,
}

impl Gates {
    fn new(direction: Direction, tuning: &Tuning) -> Self {
        Self {
            sign: direction.sign(),
            residuals: VecDeque::new(),
            taus: VecDeque::new(),
            recent: tuning.recent_share * tuning.effect,
            effect: tuning.effect_share * tuning.effect,
            effect_ms: tuning.effect_ms,
        }
    }

    fn push(&mut self, tau: f64, residual: f64) {
        self.taus.push_back(tau);
        if residual.is_finite() {
            self.residuals.push_back(residual);
        }
        self.taus.drain(..self.taus.len().saturating_sub(KEPT));
        self.residuals.drain(..self.residuals.len().saturating_sub(KEPT));
    }

    /// The usual distance of the newest probes, in base intervals.
    fn gap(&self) -> f64 {
        let last: Vec<f64> =
            self.taus.range(self.taus.len().saturating_sub(RECENT)..).copied().collect();
        let gaps: Vec<f64> = last.windows(2).map(|w| w[1] - w[0]).collect();
        if gaps.is_empty() { 1.0 } else { median(&gaps).max(1e-3) }
    }

    /// Whether two of the last three residuals are up, and the median since the onset is up enough, relatively and in
    /// milliseconds. `level` is the log of the milliseconds expected now.
    fn open(&self, tau: f64, onset: f64, level: f64) -> bool {
        let len = self.residuals.len();
        if len < 3 || self.residuals.range(len - 3..).filter(|r| **r > self.recent).count() < 2 {
            return false;
        }
        let span = (tau + 1.0 - onset.trunc()).clamp(EFFECT_ROWS.0, EFFECT_ROWS.1);
        let probes = self.taus.iter().rev().take_while(|t| **t > tau - span).count().max(3);
        let since: Vec<f64> = self.residuals.range(len.saturating_sub(probes)..).copied().collect();
        let median = median(&since);
        let shift_ms = ((level + self.sign * median).exp() - level.exp()).abs();
        median >= self.effect && (self.effect_ms <= 0.0 || shift_ms >= self.effect_ms)
    }
}
