//! Every number of the detector, with its reason.

use crate::model::Detect;

use super::{budget::Raise, innovation::Noise};

/// The numbers of the detector. Those without a word on their source were fitted on simulated series of 18 null and 16
/// shifted kinds and on recorded incidents, then checked on seeds not used for fitting.
#[derive(Debug, Clone, PartialEq)]
pub struct Tuning {
    /// Base intervals before the change that make the baseline: three hours at a probe a minute, long enough for a tail,
    /// short enough for the level of today.
    pub baseline: usize,
    /// Fewer usable baseline probes than this, and nothing is judged.
    pub baseline_min: usize,
    /// The smallest effect that matters, as a log ratio: `ln(1 + detect.latency_relative)`.
    pub effect: f64,
    /// The smallest absolute effect that matters, in ms; 0 for none: `detect.latency_absolute`.
    pub effect_ms: f64,
    /// Half the widths of the smoothers of the daily season to choose from, in base intervals, narrowest first.
    pub season_half_widths: Vec<usize>,
    /// Weeks back whose same weekday may stand for the season; 0 for the seven days before alone.
    pub season_weeks: usize,
    /// Below so many baseline probes noise and memory are mixed with what is usual elsewhere.
    pub short: f64,
    /// Usual noise of a series (standard deviation of the log) and its weight in probes.
    pub noise: (f64, f64),
    /// Usual memory of a series (autocorrelation a base interval apart) and its weight in probes.
    pub memory: (f64, f64),
    /// Margin added to the estimated memory, divided by the root of the number of probes: it is biased low.
    pub memory_margin: f64,
    /// Strong memory, and how probable it is of a journey of which nothing is known: what a short baseline must speak against.
    pub memory_doubt: (f64, f64),
    /// How long a shift must have lasted to be `regressed` on no baseline at all, in base intervals; less on a longer one, nothing from
    /// [`Tuning::short`] probes on: only a longer baseline shows whether a journey has bursts of slow runs.
    pub spell_short: f64,
    /// Usual wander of a level (variance in z units between the means of an hour and of the three before) and its weight
    /// in pseudo-changes.
    pub wander: (f64, f64),
    /// Usual variance of the level from one baseline to the next, in z units, and its weight in baselines; an infinite weight: the level
    /// is that of the baseline, whatever the history says.
    pub lean: (f64, f64),
    /// How much of the season's error counts as wander.
    pub wander_season: f64,
    /// Wander that every series has, as a log ratio.
    pub wander_least: f64,
    /// Wander that controls add, as a log ratio: they have noise of their own.
    pub wander_controls: f64,
    /// Wander added for a short baseline: its level, noise and memory are barely known.
    pub wander_short: f64,
    /// History scanned for wander and for the journey's own excursions, in base intervals: two days at a probe a minute.
    pub history: usize,
    /// Degrees of freedom of the noise: a Student t forgives a single spike.
    pub tail: f64,
    /// How probable it is that an outlying score is a spike, which says nothing of the next.
    pub spike: f64,
    /// How much less probable than the one before each of the latency ratios looked for is: large shifts are seen anyway.
    pub shift_fading: f64,
    /// The latency ratios looked for. A larger smallest effect removes the smallest ratios (below three
    /// quarters of it the effect gate is closed anyway), a smaller one adds some.
    pub shifts: Vec<f64>,
    /// Prior probability that a shift begins with the first probe after the change.
    pub onset_at_once: f64,
    /// The rest decays with this power of (lag + 1).
    pub onset_power: f64,
    /// Prior probability that a slow spell ends in its 1st, 2nd, 3rd or 4th base interval: cold caches, new connections.
    pub transient: Vec<f64>,
    /// Share of the smallest effect that the median residual since the onset must reach.
    pub effect_share: f64,
    /// Share of the smallest effect that two of the last three residuals must exceed.
    pub recent_share: f64,
    /// Base intervals before the change in which an onset is considered as well.
    pub pre: usize,
    /// Onsets nearer than this many base intervals before the change are weighed less: they are not told from one at it.
    pub pre_taper: f64,
    /// Largest probability of an onset before the change that `suspected` allows.
    pub before_suspected: f64,
    /// Largest probability of an onset before the change that `regressed` allows.
    pub before_regressed: f64,
    /// Log-evidence of a shift before the change from which on the new level is what is judged against.
    pub rebase: f64,
    /// Largest excursion that plain autocorrelated noise shows; a journey that shows more must show that much more.
    pub excursion: f64,
    /// A size of shift is doubted for the excursions that speak for it, and by this share of what more speaks for the others. None: all alike,
    /// by raised thresholds.
    pub excursion_of_others: Option<f64>,
    /// How much both latency thresholds rise as a baseline shrinks from [`Tuning::short`] to nothing.
    pub raise_short: f64,
    /// Smallest log ratio from which on a run is slow; infinite: slow runs are not counted.
    pub tail_bound: f64,
    /// What the evidence of more slow runs pays for being a second look at the same times.
    pub tail_price: f64,
    /// How both latency thresholds rise with the variance by which a level has strayed (in units of the noise): from how much on, by
    /// how much for each unit, and at most. The variance is learnt from a dozen stretches, and what strays more is believed less.
    pub raise_straying: (f64, f64, f64),
    /// Log-evidence for latency `suspected`.
    pub latency_suspected: f64,
    /// Log-evidence for latency `regressed`.
    pub latency_regressed: f64,
    /// Pseudo-failures and pseudo-successes before any history: a failure rate of half a percent, weakly held.
    pub failure_prior: (f64, f64),
    /// Base intervals of history that say how often the journey fails.
    pub success_history: usize,
    /// The smallest failure rate considered: below it two failures in an hour would be proof of something.
    pub failure_least: f64,
    /// Usual chance to fail right after a failure and its weight in failures: failures come in bursts.
    pub failure_memory: (f64, f64),
    /// The rises of the failure rate looked for, equally probable; those below `detect.success_drop` are left out.
    pub drops: Vec<f64>,
    /// Rises of the failure rate that the user does not mind: up to half of a `detect.success_drop` above the default. They
    /// count as usual. Empty at the default.
    pub drops_minor: Vec<f64>,
    /// Observed change of the failure rate that is needed besides the evidence; 0 at the default `detect.success_drop` and
    /// below, where two failures and the smallest rise looked for are enough.
    pub drop_observed: f64,
    /// Base intervals before the change whose own evidence of failing must be clearly exceeded.
    pub success_pre: usize,
    /// From how much log-evidence before the change on, and how much more than that is then needed.
    pub success_pre_raise: (f64, f64),
    /// Most log-evidence that failures of kinds never seen before add to that of their number.
    pub novelty_most: f64,
    /// Failure rates: surely rare up to the first, no more from the second on.
    pub rare: (f64, f64),
    /// By how much the thresholds for success `suspected` and `regressed` are lower where failures are rare and come alone.
    pub rare_relief: (f64, f64),
    /// Log-evidence for success `suspected`.
    pub success_suspected: f64,
    /// Log-evidence for success `regressed`.
    pub success_regressed: f64,
}

/// The defaults whose thresholds the figures below belong to.
const CONFIDENCE: f64 = 0.995;
const SUCCESS_DROP: f64 = 0.03;
/// Ratio of the logarithms of two neighbouring latency shifts.
const SHIFT_SPACING: f64 = 1.42;
/// Log-evidence below which the gates are not even looked at: no threshold may be lower.
pub(super) const GATED_FROM: f64 = 2.0;

impl Default for Tuning {
    fn default() -> Self {
        Self {
            baseline: 180,
            baseline_min: 10,
            effect: 1.2_f64.ln(),
            effect_ms: 0.0,
            season_half_widths: vec![20, 60, 120],
            season_weeks: 2,
            short: 60.0,
            noise: (0.15, 8.0),
            memory: (0.3, 10.0),
            memory_margin: 0.25,
            memory_doubt: (0.9, 0.2),
            spell_short: 14.0,
            wander: (0.015, 5.0),
            lean: (0.02, 3.0),
            wander_season: 0.3,
            wander_least: 0.009,
            wander_controls: 0.06,
            wander_short: 0.3,
            history: 2880,
            tail: 6.0,
            spike: 0.5,
            shift_fading: 0.8,
            shifts: vec![1.15, 1.22, 1.35, 1.55, 2.0, 3.0, 6.0],
            onset_at_once: 0.6,
            onset_power: 1.0,
            transient: vec![0.06, 0.05, 0.05, 0.04],
            effect_share: 0.75,
            recent_share: 0.5,
            pre: 60,
            pre_taper: 20.0,
            before_suspected: 0.3,
            before_regressed: 0.13,
            rebase: 1.5,
            excursion: 13.0,
            excursion_of_others: Some(0.5),
            raise_short: 1.5,
            tail_bound: 0.0,
            tail_price: 2.0,
            raise_straying: (0.02, 25.0, 1.2),
            latency_suspected: 3.6,
            latency_regressed: 4.9,
            failure_prior: (0.3, 60.0),
            success_history: 2880,
            failure_least: 0.002,
            failure_memory: (0.3, 4.0),
            drops: vec![0.04, 0.08, 0.12, 0.2, 0.3, 0.45, 0.65, 0.9],
            drops_minor: Vec::new(),
            drop_observed: 0.0,
            success_pre: 30,
            success_pre_raise: (3.0, 4.0),
            novelty_most: 3.0,
            rare: (0.0025, 0.006),
            rare_relief: (1.2, 1.0),
            success_suspected: 3.5,
            success_regressed: 5.0,
        }
    }
}

impl Tuning {
    /// The numbers of the reference detector, whose every figure was published: what ours is compared with.
    pub fn reference() -> Self {
        Self {
            raise_straying: (0.0, 0.0, 0.0),
            latency_suspected: 3.5,
            latency_regressed: 4.8,
            tail_bound: f64::INFINITY,
            rare_relief: (0.0, 0.0),
            novelty_most: 0.0,
            spike: 0.0,
            excursion_of_others: None,
            shift_fading: 1.0,
            memory_doubt: (0.9, 0.0),
            spell_short: 0.0,
            wander: (0.02, 5.0),
            wander_least: 0.015,
            before_suspected: 0.4,
            before_regressed: 0.06,
            season_half_widths: vec![20],
            season_weeks: 0,
            lean: (0.0, f64::INFINITY),
            ..Self::default()
        }
    }

    /// The numbers for what the user wrote under `[detect]`.
    ///
    /// Confidence moves all four thresholds by `ln(0.005 / (1 - confidence))`: the evidence is a likelihood ratio whose
    /// mean under the null is at most 1, so (Ville's inequality) a chance of error smaller by a factor needs the logarithm of
    /// that factor more. The thresholds for 0.995 are measured ones. Where a journey's noise is unlike the model
    /// (natural clusters of slow runs) a raised threshold buys less than the inequality says.
    pub fn of(detect: &Detect) -> Self {
        let mut tuning = Self::default();
        let relative =
            if detect.latency_relative.is_finite() { detect.latency_relative } else { 0.2 };
        tuning.effect = (1.0 + relative.clamp(0.01, 20.0)).ln();
        tuning.effect_ms = detect.latency_absolute.map_or(0.0, |floor| floor.as_secs_f64() * 1e3);
        tuning.shifts = shifts(tuning.shifts, tuning.effect, tuning.effect_share);
        if detect.success_drop.is_finite() && detect.success_drop > SUCCESS_DROP {
            let least = detect.success_drop.min(0.9);
            tuning.drops_minor =
                tuning.drops.iter().copied().filter(|drop| 2.0 * drop <= least).collect();
            tuning.drops.retain(|drop| *drop >= least - 1e-9);
            tuning.drop_observed = tuning.effect_share * least;
        }
        let error = (1.0 - detect.confidence).clamp(1e-9, 0.5);
        let raise = if error.is_finite() { ((1.0 - CONFIDENCE) / error).ln() } else { 0.0 };
        // The two ways to write a default must give the same thresholds to the last bit.
        let raise = if raise.abs() < 1e-9 { 0.0 } else { raise };
        tuning.latency_suspected = (tuning.latency_suspected + raise).max(GATED_FROM);
        tuning.latency_regressed =
            (tuning.latency_regressed + raise).max(tuning.latency_suspected + 0.5);
        tuning.success_suspected = (tuning.success_suspected + raise).max(GATED_FROM);
        tuning.success_regressed =
            (tuning.success_regressed + raise).max(tuning.success_suspected + 0.5);
        tuning
    }

    /// The noise of scores with this memory.
    pub(super) fn noise_of(&self, phi: f64) -> Noise {
        Noise { phi, tail: self.tail, spike: self.spike }
    }

    /// By how much the latency thresholds rise for what is known of a baseline: that it is short, and that the level strays.
    pub(super) fn raise(&self, baseline: &super::Baseline) -> f64 {
        let (from, slope, most) = self.raise_straying;
        let straying = (slope * (baseline.strays - from)).clamp(0.0, most);
        self.raise_short * baseline.few + straying
    }

    /// The same with all four thresholds raised: what it costs to be one of many.
    #[must_use]
    pub fn raised(&self, by: Raise) -> Self {
        let mut tuning = self.clone();
        tuning.latency_suspected += by.suspected.max(0.0);
        tuning.success_suspected += by.suspected.max(0.0);
        tuning.latency_regressed += by.regressed.max(0.0);
        tuning.success_regressed += by.regressed.max(0.0);
        tuning
    }

    /// The same for another smallest effect, a log ratio, without an absolute one.
    #[must_use]
    pub(super) fn for_effect(&self, effect: f64) -> Self {
        let shifts = shifts(Self::default().shifts, effect, self.effect_share);
        Self { effect, effect_ms: 0.0, shifts, ..self.clone() }
    }

    /// The latency shifts looked for, in units of the noise `se`.
    pub(super) fn shifts_in(&self, se: f64) -> Vec<f64> {
        self.shifts.iter().map(|ratio| ratio.ln() / se).collect()
    }

    /// The smallest scale of the noise: a wiggle of a very quiet series is not evidence of an effect that matters.
    pub(super) fn noise_floor(&self) -> f64 {
        0.5 * self.effect
    }
}

/// The ratios for a smallest effect: without those the effect gate would not pass, and reaching down to it.
fn shifts(usual: Vec<f64>, effect: f64, share: f64) -> Vec<f64> {
    let least = share * effect;
    let mut logs: Vec<f64> = usual.iter().map(|r| r.ln()).filter(|ln| *ln >= least).collect();
    let Some(&smallest) = logs.first() else {
        return vec![effect.exp(), (1.5 * effect).exp(), (2.5 * effect).exp()];
    };
    let mut next = smallest / SHIFT_SPACING;
    // Only for an effect smaller than the usual one: a larger one removes ratios and adds none.
    while logs.len() >= usual.len() && next >= least {
        logs.insert(0, next);
        next /= SHIFT_SPACING;
    }
    if logs.len() == usual.len() { usual } else { logs.iter().map(|ln| ln.exp()).collect() }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_defaults_are_the_measured_numbers() {
        assert_eq!(Tuning::of(&Detect::default()), Tuning::default());
        let written = Detect { confidence: 1.0 - 0.005, ..Detect::default() };
        assert_eq!(Tuning::of(&written), Tuning::default());
    }

    #[test]
    fn confidence_moves_all_thresholds() {
        let strict = Tuning::of(&Detect { confidence: 0.9995, ..Detect::default() });
        assert!((strict.latency_suspected - 3.6 - 10_f64.ln()).abs() < 1e-9);
        assert!((strict.success_regressed - 5.0 - 10_f64.ln()).abs() < 1e-9);
        for confidence in [0.0, -3.0, 0.5, 1.0, 2.0, f64::NAN, f64::INFINITY] {
            let tuning = Tuning::of(&Detect { confidence, ..Detect::default() });
            assert!(tuning.latency_suspected >= GATED_FROM, "{confidence}");
            assert!(tuning.latency_regressed > tuning.latency_suspected, "{confidence}");
            assert!(tuning.success_regressed.is_finite(), "{confidence}");
        }
    }

    #[test]
    fn a_larger_smallest_effect_removes_the_small_alternatives() {
        let of = |relative| {
            Tuning::of(&Detect { latency_relative: relative, ..Detect::default() }).shifts
        };
        assert_eq!(of(0.2), [1.15, 1.22, 1.35, 1.55, 2.0, 3.0, 6.0]);
        assert_eq!(of(0.5), [1.55, 2.0, 3.0, 6.0].map(|r: f64| r.ln().exp()));
        assert!(of(0.05).len() > 7 && of(0.05)[0] < 1.06, "{:?}", of(0.05));
        assert_eq!(of(19.0).len(), 3);
        assert!(of(f64::NAN).len() == 7 && of(-1.0)[0] > 1.0);
        let drops = |drop| Tuning::of(&Detect { success_drop: drop, ..Detect::default() }).drops;
        assert_eq!(drops(0.01).len(), 8);
        assert_eq!(drops(0.1), [0.12, 0.2, 0.3, 0.45, 0.65, 0.9]);
        assert_eq!(drops(5.0), [0.9]);
    }

    #[test]
    fn the_absolute_floor_is_in_milliseconds() {
        let detect =
            Detect { latency_absolute: Some(Duration::from_millis(20)), ..Detect::default() };
        assert!((Tuning::of(&detect).effect_ms - 20.0).abs() < 1e-9);
    }
}
