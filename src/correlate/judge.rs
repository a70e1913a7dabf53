//! One metric of one series, judged for one change: what the folds see becomes a standing that does not flicker.

mod aftermath;

use std::{sync::OnceLock, time::Duration};

use jiff::Timestamp;

use crate::model::{ChangeId, Conclusion, Metric, Probe, ServiceName};

use super::{
    Direction, Heard, Look, Point, Tuning,
    after::{After, Stir, ended_by},
    figures::{self, median_of, narrow},
    fold::{Fold, Frame},
    partial,
    pass::{self, Noise, Score},
    rebase::{Before, Trouble, TroubleKind},
    recovery::{Back, Recovered},
    series::{earlier, moment, point, seconds},
};

/// Fewest runs after a change that anything may be concluded from.
pub(super) const AFTER_NEEDS: u32 = 5;

/// Fewest runs before it; the folds refuse fewer.
pub(super) const BEFORE_NEEDS: usize = 10;

/// Probability of an onset before the change from which on an unproven shift counts as begun before it.
const PRIOR_ONSET: f64 = 0.4;

/// What else bears on a look: whether our prober is in doubt, and which other changes began when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Around<'a> {
    pub(super) doubt: bool,
    pub(super) stirs: &'a [Stir],
    /// The services of the change that is judged.
    pub(super) services: &'a [ServiceName],
}

/// How a trouble ended.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ending {
    pub(super) recovered: Recovered,
    /// The change that began between its onset and its end, where there was one: then it did not end by itself.
    pub(super) beside: Option<ChangeId>,
    /// Whether that was a rollback of the change judged: then it is the stronger suspected, not the less.
    pub(super) rolled_back: bool,
}

/// What the end of a watch adds to what the looks said.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Closing {
    /// Why our prober is not to be trusted.
    pub(super) sick: Option<String>,
    /// Whether the journey was edited within the watch.
    pub(super) edited: bool,
    /// Whether the other metric failed, so that a faster answer is a failing one's.
    pub(super) failing: bool,
}

/// One metric of one series, judged for one change.
#[derive(Debug, Clone)]
pub(super) struct Judge {
    pub(super) metric: Metric,
    /// What the change is compared with; without its points once the watch is over.
    pub(super) before: Before,
    /// How many of these points tell of the metric.
    pub(super) known: usize,
    pub(super) frame: Frame,
    change: ChangeId,
    worse: Option<Fold>,
    better: Option<Fold>,
    /// The newest look for harm.
    pub(super) harm: Option<Look>,
    /// The newest look for betterment.
    pub(super) gain: Option<Look>,
    /// The look with the most evidence of harm so far.
    pub(super) peak: Option<Look>,
    pub(super) suspected_since: Option<Timestamp>,
    pub(super) regressed_since: Option<Timestamp>,
    pub(super) improved_since: Option<Timestamp>,
    pub(super) ending: Option<Ending>,
    back: Option<Back>,
    /// The clock of the looks for harm, which start again after a trouble that ended by itself, and that of the peak.
    harm_frame: Frame,
    peak_frame: Frame,
    /// What the onsets said at the peak of a trouble: once it is over, later runs speak against it.
    heard: Vec<Heard>,
    /// What they say now, worked out when it is first asked for.
    hears: OnceLock<Vec<Heard>>,
    /// Runs after the change that told something of the metric.
    pub(super) seen: u32,
    /// The time of the newest of them.
    pub(super) seen_at: Option<Timestamp>,
    scores: Vec<Score>,
    outcomes: Vec<bool>,
    /// The times of these, in seconds since 1970.
    outcomes_at: Vec<f64>,
    tuning: Tuning,
    /// What later changes must know of this one.
    pub(super) events: Vec<Trouble>,
    /// What is looked for since the watch is over.
    after: Option<After>,
    /// The look that found harm then, on the clock of the change.
    late: Option<Look>,
    /// The first rollback since harm was seen, and when it began.
    rollback: Option<(ChangeId, Timestamp)>,
}

impl Judge {
    /// Freezes the baseline of a change.
    pub(super) fn freeze(
        metric: Metric,
        change: ChangeId,
        before: Before,
        frame: Frame,
        tuning: &Tuning,
    ) -> Self {
        let known = before.points.iter().filter(|p| tells(metric, p)).count();
        let enough = known >= BEFORE_NEEDS;
        let fold = |direction| {
            enough.then(|| Fold::freeze(metric, &before, &frame, direction, tuning)).flatten()
        };
        let worse = fold(Direction::Worse);
        let better = if before.only_worse { None } else { fold(Direction::Better) };
        Self {
            metric,
            worse,
            better,
            before,
            known,
            frame,
            change,
            harm: None,
            gain: None,
            peak: None,
            suspected_since: None,
            regressed_since: None,
            improved_since: None,
            ending: None,
            back: None,
            harm_frame: frame,
            peak_frame: frame,
            heard: Vec::new(),
            hears: OnceLock::new(),
            seen: 0,
            seen_at: None,
            scores: Vec::new(),
            outcomes: Vec::new(),
            outcomes_at: Vec::new(),
            tuning: tuning.clone(),
            events: Vec::new(),
            after: None,
            late: None,
            rollback: None,
        }
    }

    /// Whether there is a baseline to compare with.
    pub(super) fn has_baseline(&self) -> bool {
        self.worse.is_some()
    }

    /// Takes a run made after the change.
    pub(super) fn push(&mut self, probe: &Probe, around: Around<'_>) {
        let point = point(probe);
        let tells = tells(self.metric, &point);
        self.seen += u32::from(tells);
        let Some(worse) = &mut self.worse else { return };
        self.hears = OnceLock::new();
        // What says nothing of the metric still lets time pass.
        let (harm, gain) = (worse.push(&point), self.better.as_mut().map(|b| b.push(&point)));
        if !tells {
            return;
        }
        self.seen_at = Some(probe.at);
        self.outcomes.extend(point.ok);
        self.outcomes_at.extend(point.ok.map(|_| point.at_s));
        self.scores.extend(worse.newest_score().map(|z| Score { at_s: point.at_s, z }));
        self.harm = Some(harm);
        self.gain = gain;
        if !self.ended_by_itself() && self.peak.is_none_or(|p| harm.log_e > p.log_e) {
            (self.peak, self.peak_frame) = (Some(harm), self.harm_frame);
            self.listen(&harm);
        }
        if around.doubt || self.before.clouded_from.is_some() {
            return;
        }
        self.harmed(harm, probe.at);
        if let Some(gain) = gain {
            self.bettered(gain, probe.at);
        }
        self.mended(&point, probe.at, around);
        self.rolled_back(probe.at, around);
    }

    /// Keeps what the onsets say while there is trouble.
    fn listen(&mut self, harm: &Look) {
        if let Some(worse) = self.worse.as_ref().filter(|_| harm.suspected()) {
            self.heard = worse.heard(&self.harm_frame);
        }
    }

    /// What the runs say of every onset of harm: of a trouble as it was when it was plainest, else as it is now.
    pub(super) fn heard(&self) -> &[Heard] {
        if !self.heard.is_empty() {
            return &self.heard;
        }
        let fold = self.worse.as_ref();
        self.hears.get_or_init(|| fold.map(|fold| fold.heard(&self.harm_frame)).unwrap_or_default())
    }

    /// Log-evidence for `suspected` before its journey's own excursions raise it.
    pub(super) fn suspected_at(&self) -> f64 {
        match self.metric {
            Metric::Latency | Metric::Measure => self.tuning.latency_suspected,
            Metric::Success => self.tuning.success_suspected,
        }
    }

    /// Times and scores of the runs after the change, in units of the noise.
    pub(super) fn scores(&self) -> &[Score] {
        &self.scores
    }

    /// Times of the runs after the change that failed or did not, as scores of 1 and 0.
    pub(super) fn failures(&self) -> Vec<Score> {
        let outcomes = self.outcomes_at.iter().zip(&self.outcomes);
        outcomes.map(|(at_s, ok)| Score { at_s: *at_s, z: f64::from(u8::from(!ok)) }).collect()
    }

    /// Whether it stands as suspected or worse.
    pub(super) fn in_trouble(&self) -> bool {
        self.suspected_since.is_some() && !self.ended_by_itself()
    }

    fn ended_by_itself(&self) -> bool {
        self.ending.as_ref().is_some_and(|e| e.beside.is_none())
    }

    /// Whether a trouble that ended lasted no longer than a watch does: what took hours was no short while.
    fn was_short(&self) -> bool {
        let Some((ending, (onset, ..))) = self.ending.as_ref().zip(self.onset()) else {
            return false;
        };
        let lasted = ending.recovered.at.duration_since(onset).as_secs_f64();
        lasted <= self.frame.interval_s * figures::count(self.frame.horizon)
    }

    /// Whether the newest look still says that it got better.
    fn improved(&self) -> bool {
        self.improved_since.is_some() && self.gain.is_some_and(|g| g.suspected())
    }

    /// Whether it is better at the end of a watch: the newest look says so, or one did and the evidence still stands. The gate on
    /// the last three runs is for alarms, of which the first counts; at the end it would only be closed by chance.
    fn gain_holds(&self) -> bool {
        self.gain.is_some_and(|g| {
            let stands = self.improved_since.is_some() && g.raw >= g.suspected_at;
            g.suspected() || stands
        })
    }

    fn harmed(&mut self, harm: Look, at: Timestamp) {
        if self.ended_by_itself() {
            if !harm.suspected() {
                return;
            }
            // It is back: what had recovered has not.
            (self.ending, self.regressed_since, self.back) = (None, None, None);
            (self.peak, self.peak_frame) = (Some(harm), self.harm_frame);
            self.listen(&harm);
            self.tell(TroubleKind::Suspected, self.harm_span(&harm), at);
        }
        if harm.suspected() && self.suspected_since.is_none() {
            self.suspected_since = Some(at);
            self.tell(TroubleKind::Suspected, self.harm_span(&harm), at);
        }
        if harm.regressed() && self.regressed_since.is_none() && self.ending.is_none() {
            self.regressed_since = Some(at);
            self.suspected_since.get_or_insert(at);
            self.tell(TroubleKind::Moved, self.harm_span(&harm), at);
        }
    }

    fn bettered(&mut self, gain: Look, at: Timestamp) {
        if self.improved_since.is_none() && gain.regressed() {
            self.improved_since = Some(at);
            let (frame, lag) = (self.frame, gain.onset_lag);
            let span = (frame.after(lag), frame.after(gain.onset_high.max(lag)));
            self.tell(TroubleKind::Moved, span, at);
        }
    }

    /// Looks for the end of a trouble.
    fn mended(&mut self, point: &Point, at: Timestamp, around: Around<'_>) {
        if !self.in_trouble() || self.ending.is_some() {
            return;
        }
        let Some(harm) = self.harm else { return };
        let fresh = self.back.is_none();
        // Its size is taken where the evidence was strongest: later on, runs that are well again would shrink what they end.
        if fresh || self.peak.is_some_and(|p| harm.suspected() && harm.log_e >= p.log_e) {
            let next = self.end_of(&harm);
            self.back = match (self.back.take(), next) {
                (Some(old), Some(new)) => Some(old.resized(&new)),
                (old, new) => new.or(old),
            };
        }
        if fresh {
            return;
        }
        let Some(back) = &mut self.back else { return };
        let since = match (self.metric, point.ok, self.scores.last()) {
            (Metric::Latency, _, Some(score)) => back.push_score(*score),
            (Metric::Success, Some(ok), _) => back.push_outcome(point.at_s, ok),
            _ => None,
        };
        let Some(since) = since else { return };
        let recovered = Recovered { at: moment(since) };
        let by_itself = self.over(recovered, at, around);
        if by_itself {
            // What comes now is judged by itself, not on top of what is over.
            self.harm_frame.change_at_s = point.at_s;
            let (frame, tuning) = (self.harm_frame, &self.tuning);
            self.worse = Fold::freeze(self.metric, &self.before, &frame, Direction::Worse, tuning);
        }
    }

    /// Notes that a trouble is over, and known to be since `at`; whether it ended by itself.
    fn over(&mut self, recovered: Recovered, at: Timestamp, around: Around<'_>) -> bool {
        let start = self.frame.after(0.0);
        let (onset, latest) = self.onset().map_or((start, start), |(at, _, latest)| (at, latest));
        let own = (&self.change, around.services);
        let by = ended_by(around.stirs, own, (onset, at));
        let ending = Ending {
            recovered,
            beside: by.map(|s| s.change.clone()),
            rolled_back: by.is_some_and(|s| s.reverts(around.services)),
        };
        // Another change may have started between the two ends of the onset's interval: for that one the trouble is not an earlier one.
        for span in [(onset, latest.max(onset)), (recovered.at, recovered.at)] {
            self.tell(TroubleKind::Moved, span, at);
        }
        let by_itself = ending.beside.is_none();
        self.ending = Some(ending);
        by_itself
    }

    /// The failed and all runs since harm began.
    fn failed_since(&self, look: &Look) -> (u32, u32) {
        let from_s = seconds(self.harm_span(look).0);
        let since = &self.outcomes[self.outcomes_at.partition_point(|at_s| *at_s < from_s)..];
        let failed = since.iter().filter(|ok| !**ok).count();
        (narrow(failed), narrow(since.len()))
    }

    /// The test for the end of a trouble of this size.
    fn end_of(&self, harm: &Look) -> Option<Back> {
        match self.worse.as_ref()? {
            Fold::Latency(fold) => {
                let se = fold.baseline().se;
                Some(Back::latency(self.noise(), harm.shift / se, self.tuning.effect / se))
            }
            Fold::Success(fold) => {
                let seen = self.failed_since(harm);
                Some(Back::success(fold.q0(), seen, self.frame.interval_s))
            }
        }
    }

    fn noise(&self) -> Noise {
        let (phi, wander) = match &self.worse {
            Some(Fold::Latency(fold)) => (fold.baseline().phi, fold.baseline().om),
            _ => (0.0, 0.0),
        };
        Noise { phi, wander, interval_s: self.frame.interval_s, tail: self.tuning.tail }
    }

    /// The memory of the baseline's noise; 0 without one.
    pub(super) fn memory(&self) -> f64 {
        self.noise().phi
    }

    /// Noise of the baseline as a log ratio, where known.
    pub(super) fn scale(&self) -> Option<f64> {
        match &self.worse {
            Some(Fold::Latency(fold)) => Some(fold.baseline().se),
            _ => None,
        }
    }

    /// When harm began: the estimate, and not later than.
    fn harm_span(&self, look: &Look) -> (Timestamp, Timestamp) {
        let latest = self.harm_frame.after(look.onset_high.max(look.onset_lag));
        (self.harm_frame.after(look.onset_lag), latest)
    }

    fn tell(&mut self, kind: TroubleKind, span: (Timestamp, Timestamp), at: Timestamp) {
        self.events.push(self.trouble(kind, span, at));
    }

    fn trouble(
        &self,
        kind: TroubleKind,
        (onset, latest): (Timestamp, Timestamp),
        known_at: Timestamp,
    ) -> Trouble {
        Trouble { change: self.change.clone(), metric: self.metric, known_at, onset, latest, kind }
    }

    /// The look that its standing rests on: the newest that was suspicious, else that with the most evidence.
    pub(super) fn telling(&self) -> Option<Look> {
        self.told_by().map(|(look, _)| look)
    }

    fn told_by(&self) -> Option<(Look, Frame)> {
        if let Some(late) = self.late {
            return Some((late, self.frame));
        }
        if self.improved() && self.suspected_since.is_none() {
            return self.gain.map(|g| (g, self.frame));
        }
        let now = self.harm.filter(|h| h.suspected() && !self.ended_by_itself());
        now.map(|h| (h, self.harm_frame)).or(self.peak.map(|p| (p, self.peak_frame)))
    }

    /// When the shift began: estimate, not before, not after.
    pub(super) fn onset(&self) -> Option<(Timestamp, Timestamp, Timestamp)> {
        let (look, frame) = self.told_by()?;
        let at = |lag: f64| frame.after(lag);
        Some((at(look.onset_lag), at(look.onset_low), at(look.onset_high)))
    }

    /// The same as it is told: where only some runs moved it may have begun before one of them did, but not before the change.
    pub(super) fn onset_told(&self) -> Option<(Timestamp, Timestamp, Timestamp)> {
        let (at, low, latest) = self.onset()?;
        let runs = match self.metric {
            Metric::Success => 0,
            _ => partial::unmet(&self.scores, seconds(low)),
        };
        let by = Duration::from_secs_f64(self.frame.interval_s).saturating_mul(runs);
        let start = self.frame.after(0.0).min(low);
        // The median of a geometric distribution is 0.3 of the quantile that is exceeded once in ten times.
        let likely = earlier(at, by.mul_f64(0.3)).max(start);
        Some((likely.min(at), earlier(low, by).max(start), latest))
    }

    /// What is concluded; `closing` when the watch is over.
    pub(super) fn conclusion(&self, failing: bool, closing: Option<&Closing>) -> Conclusion {
        if self.suspected_since.is_some() {
            return match (self.ended_by_itself(), self.regressed_since) {
                (true, _) if self.was_short() => Conclusion::Transient,
                (_, Some(_)) => Conclusion::Regressed,
                (_, None) => Conclusion::Suspected,
            };
        }
        let Some(closing) = closing else {
            let better = self.improved() && !failing;
            return if better { Conclusion::Improved } else { Conclusion::Watching };
        };
        if closing.sick.is_some() {
            return Conclusion::ProberFault;
        }
        if closing.edited {
            return Conclusion::Inconclusive;
        }
        if !self.has_baseline() || self.seen < AFTER_NEEDS {
            return Conclusion::InsufficientData;
        }
        if self.pre_existing() {
            return Conclusion::PreExisting;
        }
        let better = self.gain_holds();
        match (better, closing.failing) {
            (true, false) => Conclusion::Improved,
            (true, true) => Conclusion::Inconclusive,
            _ if self.pass_evidence() >= pass::needed(self.metric) => Conclusion::Unchanged,
            _ => Conclusion::Inconclusive,
        }
    }

    /// Whether there is a shift, and it began before the change.
    fn pre_existing(&self) -> bool {
        self.harm.is_some_and(|h| {
            let clouded = self.before.clouded_from.is_some() && h.suspected();
            clouded || (h.raw >= h.suspected_at && h.before > PRIOR_ONSET)
        }) || self.risen_before()
    }

    /// Whether the level had risen by as much as matters shortly before the change, and has stayed there since: the looks for
    /// harm stand on the new level then, and see nothing.
    fn risen_before(&self) -> bool {
        let Some(Fold::Latency(fold)) = &self.worse else { return false };
        let (moved, matters) = (fold.moved_before(), self.tuning.effect);
        let scores = self.scores.iter().map(|s| s.z).collect();
        let since = median_of(scores).unwrap_or(0.0) * fold.baseline().se;
        moved >= matters && moved + since >= matters
    }

    /// Log-evidence that nothing shifted by as much as matters.
    pub(super) fn pass_evidence(&self) -> f64 {
        match &self.worse {
            Some(Fold::Latency(fold)) => {
                let b = fold.baseline();
                let (relative, ms) = (self.tuning.effect, self.tuning.effect_ms);
                let smallest = relative.max((ms / b.m0.exp()).ln_1p());
                pass::latency(&self.scores, smallest / b.se, &self.noise())
            }
            Some(Fold::Success(fold)) => {
                pass::success(&self.outcomes, fold.q0(), &self.tuning.drops)
            }
            None => 0.0,
        }
    }

    /// The usual failure rate, where success is judged.
    pub(super) fn usual_failures(&self) -> Option<f64> {
        match &self.worse {
            Some(Fold::Success(fold)) => Some(fold.q0()),
            _ => None,
        }
    }
}

/// Whether a point says something of the metric.
pub(super) fn tells(metric: Metric, point: &Point) -> bool {
    match metric {
        Metric::Latency | Metric::Measure => point.ln_ms.is_some(),
        Metric::Success => point.ok.is_some(),
    }
}
