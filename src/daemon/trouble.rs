//! Open findings, and what looks for trouble that no change explains.
//!
//! Every open finding has a [`Recovery`] that says when its trouble is over; every series has a [`Sentinel`] that always
//! looks. Both are folds over probes and are rebuilt from the store after a restart.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;

use super::{history::series_of, relapse::Relapses, setup::Setup};
use crate::{
    alert::{self, Decision, Reason},
    correlate::{Alarm, Member, Recovery, Sentinel},
    model::{
        ChangeId, Conclusion, Finding, FindingId, FindingKind, FindingState, Metric, Part,
        PipelineConcern, Probe, SeriesKey, Verdict,
    },
    store::{FindingFilter, Store, StoreError},
};

/// For how many runs a watch may speak before a sentinel does: it sees sooner, and names a change.
const PRECEDENCE: u32 = 10;
/// How many of the newest dismissals are remembered.
const RECALLED: usize = 1000;
/// History from which sentinels and recoveries learn what is usual.
const HISTORY: Duration = Duration::from_secs(2 * 86_400);

/// The open findings.
#[derive(Default)]
pub(super) struct Trouble {
    setup: Option<Arc<Setup>>,
    open: BTreeMap<FindingId, Tracked>,
    sentinels: HashMap<SeriesKey, Sentinel>,
    /// Alarms of series that are being watched for a change: the watch speaks first.
    held: HashMap<(SeriesKey, Metric), Held>,
    /// Open findings of pipelines: another one says when they are over.
    pipelines: BTreeMap<FindingId, Finding>,
    /// What people said is nothing: the same change is not told for it again.
    dismissed: HashMap<Concern, Finding>,
    /// What is over, while verdicts may still speak of it.
    relapses: Relapses,
}

/// What a finding is about: the change blamed, where, and what; the parts of a journey's time are one, each measure is another.
pub(super) type Concern = (ChangeId, SeriesKey, Metric, Part);

/// An alarm that waits for the watch of its series.
struct Held {
    alarm: Alarm,
    runs: u32,
}

struct Tracked {
    finding: Finding,
    recovery: Recovery,
}

impl Trouble {
    /// Nothing open yet.
    pub(super) fn new(setup: &Arc<Setup>) -> Self {
        Self { setup: Some(Arc::clone(setup)), ..Self::default() }
    }

    /// A new configuration: sentinels of journeys that are gone end.
    pub(super) fn configure(&mut self, setup: &Arc<Setup>) {
        self.sentinels.retain(|series, _| member(setup, series).is_some());
        self.setup = Some(Arc::clone(setup));
    }

    /// Rebuilds everything from the store.
    ///
    /// # Errors
    /// The store could not be read.
    pub(super) async fn resume(
        &mut self,
        store: &Store,
        setup: &Setup,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let from = back(now, HISTORY);
        for series in store.series().await? {
            if let Some(member) = member(setup, &series) {
                let history = store.probes(&series, from, now).await?;
                self.sentinels
                    .insert(series, Sentinel::new(member, &history, setup.settings.detect));
            }
        }
        let filter = FindingFilter { state: Some(FindingState::Open), ..FindingFilter::default() };
        let found = store.findings(filter).await?;
        for finding in found.into_iter().filter(|f| !f.kind.is_budget()) {
            if finding.pipeline.is_some() {
                self.pipelines.insert(finding.id.clone(), finding);
            } else {
                self.track(store, setup, finding, now).await?;
            }
        }
        let state = Some(FindingState::Dismissed);
        let filter = FindingFilter { state, limit: RECALLED, ..FindingFilter::default() };
        let dismissed = store.findings(filter).await?;
        self.dismissed.extend(dismissed.into_iter().filter_map(|f| Some((concern(&f)?, f))));
        let state = Some(FindingState::Recovered);
        let filter = FindingFilter { state, limit: RECALLED, ..FindingFilter::default() };
        // The newest come first: of several about the same the last end counts.
        for finding in store.findings(filter).await?.into_iter().rev() {
            if let Some((concern, at)) = concern(&finding).zip(finding.closed_at) {
                self.relapses.ended(concern, at);
            }
        }
        Ok(())
    }

    /// A person said that a finding is nothing: it is let go, and not opened again for the same change.
    pub(super) fn let_go(&mut self, finding: &Finding) {
        self.open.remove(&finding.id);
        self.pipelines.remove(&finding.id);
        self.dismissed.extend(concern(finding).map(|concern| (concern, finding.clone())));
    }

    /// A person has taken a finding on.
    pub(super) fn acknowledge(&mut self, finding: &Finding) {
        if let Some(tracked) = self.open.get_mut(&finding.id) {
            tracked.finding = finding.clone();
        }
        if let Some(own) = self.pipelines.get_mut(&finding.id) {
            own.clone_from(finding);
        }
    }

    /// Whether a finding of a pipeline is open that is about this.
    pub(super) fn is_open_of(&self, concern: Option<&PipelineConcern>) -> bool {
        self.pipelines.values().any(|finding| finding.pipeline.as_ref() == concern)
    }

    /// What opens and what is over of pipelines.
    pub(super) fn oversee(&mut self, decisions: &[Decision]) {
        for Decision { finding, .. } in decisions {
            if finding.state == FindingState::Open {
                self.pipelines.insert(finding.id.clone(), finding.clone());
            } else {
                self.pipelines.remove(&finding.id);
            }
        }
    }

    /// A change turned out to be another one: its open findings are those of the other one, as they are in the store already.
    pub(super) fn hand_over(&mut self, from: &ChangeId, to: &ChangeId) -> Vec<Finding> {
        self.relapses.hand_over(from, to);
        let of = |finding: &Finding| finding.change.as_ref() == Some(from);
        let mut moved = Vec::new();
        for tracked in self.open.values_mut().filter(|tracked| of(&tracked.finding)) {
            tracked.finding.change = Some(to.clone());
            moved.push(tracked.finding.clone());
        }
        let nothing: Vec<Concern> =
            self.dismissed.keys().filter(|(change, ..)| change == from).cloned().collect();
        for concern in nothing {
            if let Some(mut finding) = self.dismissed.remove(&concern) {
                finding.change = Some(to.clone());
                let (_, series, metric, part) = concern;
                self.dismissed.insert((to.clone(), series, metric, part), finding);
            }
        }
        moved
    }

    /// What people said is nothing of a change.
    pub(super) fn dismissed(&self, change: &ChangeId) -> Vec<Finding> {
        let of = self.dismissed.iter().filter(|((id, ..), _)| id == change);
        of.map(|(_, finding)| finding.clone()).collect()
    }

    async fn track(
        &mut self,
        store: &Store,
        setup: &Setup,
        finding: Finding,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let series = series_of(&finding);
        let onset = finding.onset_at.unwrap_or(finding.opened_at);
        let (from, part) = (back(onset, HISTORY), &finding.part);
        let history: Vec<Probe> = if part.is_whole() {
            store.probes(&series, from, now).await?
        } else {
            let whole = store.probes_with_parts(&series, (from, now), from).await?;
            whole.iter().map(|probe| probe.of(part)).collect()
        };
        let split = history.partition_point(|probe| probe.at < onset);
        let (baseline, shifted) = history.split_at(split);
        let interval = member(setup, &series).map_or(Duration::from_secs(60), |m| m.interval);
        let recovery =
            Recovery::new(finding.metric, baseline, shifted, interval, setup.settings.detect);
        self.open.insert(finding.id.clone(), Tracked { finding, recovery });
        Ok(())
    }

    /// Folds one probe into recoveries and the series' sentinel. `watched`: a change is being watched for this series.
    pub(super) fn push(
        &mut self,
        series: &SeriesKey,
        probe: &Probe,
        watched: bool,
        now: Timestamp,
    ) -> Vec<Decision> {
        if probe.success == Some(false) {
            self.relapses.failed(series, probe.at);
        }
        let mut decisions = self.recover(series, probe, now);
        // A sentinel looks at whole journeys.
        for alarm in self.sense(series, &probe.bare()) {
            self.held.insert((series.clone(), alarm.metric), Held { alarm, runs: 0 });
        }
        for metric in [Metric::Latency, Metric::Success] {
            let key = (series.clone(), metric);
            let Some(held) = self.held.get_mut(&key) else { continue };
            held.runs += 1;
            if watched && held.runs <= PRECEDENCE {
                continue;
            }
            if let Some(Held { alarm, .. }) = self.held.remove(&key)
                && !self.is_open(series, metric)
            {
                decisions.push(alert::unexplained(
                    series,
                    metric,
                    &alarm.onset,
                    &alarm.summary,
                    now,
                ));
            }
        }
        decisions
    }

    fn recover(&mut self, series: &SeriesKey, probe: &Probe, now: Timestamp) -> Vec<Decision> {
        let mut decisions = Vec::new();
        for tracked in self.open.values_mut().filter(|t| series_of(&t.finding) == *series) {
            if let Some(recovered) = tracked.recovery.push(&probe.of(&tracked.finding.part)) {
                let summary =
                    format!("{}; recovered since {:.0}", tracked.finding.summary, recovered.at);
                decisions.push(alert::recovered(&tracked.finding, &summary, now));
                if let Some(sentinel) = self.sentinels.get_mut(series)
                    && tracked.finding.part.is_whole()
                {
                    sentinel.rebase(recovered.at);
                }
            }
        }
        for decision in &decisions {
            self.open.remove(&decision.finding.id);
            self.held.remove(&(series.clone(), decision.finding.metric));
            if let Some(concern) = concern(&decision.finding) {
                self.relapses.ended(concern, now);
            }
        }
        decisions
    }

    fn sense(&mut self, series: &SeriesKey, probe: &Probe) -> Vec<Alarm> {
        let Some(setup) = &self.setup else { return Vec::new() };
        if !self.sentinels.contains_key(series) {
            let Some(member) = member(setup, series) else { return Vec::new() };
            let fresh = Sentinel::new(member, &[], setup.settings.detect);
            self.sentinels.insert(series.clone(), fresh);
        }
        self.sentinels
            .get_mut(series)
            .and_then(|sentinel| sentinel.push(probe))
            .into_iter()
            .collect()
    }

    fn is_open(&self, series: &SeriesKey, metric: Metric) -> bool {
        self.open.values().any(|t| t.finding.metric == metric && series_of(&t.finding) == *series)
    }

    /// What new verdicts mean for findings: opened, worsened, closed, explained.
    ///
    /// # Errors
    /// The store could not be read.
    pub(super) async fn settle(
        &mut self,
        store: &Store,
        setup: &Setup,
        verdicts: &[Verdict],
        now: Timestamp,
    ) -> Result<Vec<Decision>, StoreError> {
        let mut decisions = Vec::new();
        for verdict in verdicts {
            decisions.extend(self.settle_one(store, setup, verdict, now).await?);
        }
        Ok(decisions)
    }

    async fn settle_one(
        &mut self,
        store: &Store,
        setup: &Setup,
        verdict: &Verdict,
        now: Timestamp,
    ) -> Result<Vec<Decision>, StoreError> {
        let mut decisions = Vec::new();
        let series = SeriesKey {
            journey: verdict.journey.clone(),
            environment: verdict.environment.clone(),
            location: verdict.location.clone(),
        };
        let open = self
            .open
            .values()
            .map(|t| &t.finding)
            .find(|f| {
                f.change.as_ref() == Some(&verdict.change)
                    && f.metric == verdict.metric
                    && own_part(f.metric, &f.part) == own_part(verdict.metric, &verdict.part)
                    && series_of(f) == series
            })
            .cloned();
        let part = own_part(verdict.metric, &verdict.part);
        let concern = (verdict.change.clone(), series.clone(), verdict.metric, part);
        let onset = verdict.onset.as_ref().map(|onset| onset.at);
        let told = self.dismissed.contains_key(&concern)
            || self.relapses.is_old(&concern, verdict.conclusion, onset);
        let decision = alert::decide(open.as_ref(), verdict, now)
            .filter(|d| d.reason != Reason::Opened || !told);
        if let Some(decision) = decision {
            match decision.reason {
                Reason::Opened => {
                    if let (Some(sentinel), Some(onset)) =
                        (self.sentinels.get_mut(&series), &verdict.onset)
                        && verdict.part.is_whole()
                    {
                        sentinel.rebase(onset.at);
                    }
                    decisions.extend(self.explain(&series, verdict, now));
                    self.track(store, setup, decision.finding.clone(), now).await?;
                }
                Reason::Recovered | Reason::Explained | Reason::Dismissed => {
                    self.open.remove(&decision.finding.id);
                }
                Reason::Worsened | Reason::Updated | Reason::Acknowledged => {
                    let part = self.open.get(&decision.finding.id).map(|t| &t.finding.part);
                    if part.is_some_and(|part| *part != decision.finding.part) {
                        // The journey took over from its part: its end is another one.
                        self.track(store, setup, decision.finding.clone(), now).await?;
                    } else if let Some(tracked) = self.open.get_mut(&decision.finding.id) {
                        tracked.finding = decision.finding.clone();
                    }
                }
            }
            decisions.push(decision);
        }
        if !verdict.part.is_whole() {
            return Ok(decisions);
        }
        if matches!(
            verdict.conclusion,
            Conclusion::Transient | Conclusion::Unchanged | Conclusion::Improved
        ) {
            // The watch has looked closer than the sentinel: what that held back is over.
            self.held.remove(&(series.clone(), verdict.metric));
        }
        if verdict.conclusion == Conclusion::PreExisting && !self.is_open(&series, verdict.metric) {
            // It began before this change and nothing else is blamed: trouble all the same.
            if let Some(onset) = &verdict.onset {
                let decision =
                    alert::unexplained(&series, verdict.metric, onset, &verdict.summary, now);
                self.track(store, setup, decision.finding.clone(), now).await?;
                decisions.push(decision);
            }
        }
        Ok(decisions)
    }

    /// Closes the unexplained findings that a change's finding explains.
    fn explain(&mut self, series: &SeriesKey, verdict: &Verdict, now: Timestamp) -> Vec<Decision> {
        self.held.remove(&(series.clone(), verdict.metric));
        let explained: Vec<Decision> = self
            .open
            .values()
            .map(|t| &t.finding)
            .filter(|f| {
                f.kind == FindingKind::Unexplained
                    && f.metric == verdict.metric
                    && series_of(f) == *series
            })
            .map(|f| {
                alert::explained(
                    f,
                    &format!("{}; explained by change {}", f.summary, verdict.change),
                    now,
                )
            })
            .collect();
        for decision in &explained {
            self.open.remove(&decision.finding.id);
        }
        explained
    }

    /// Tracks the unexplained findings that [`Trouble::push`] has opened.
    ///
    /// # Errors
    /// The store could not be read.
    pub(super) async fn track_opened(
        &mut self,
        store: &Store,
        setup: &Setup,
        decisions: &[Decision],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        for decision in decisions.iter().filter(|d| d.reason == Reason::Opened) {
            if !self.open.contains_key(&decision.finding.id) {
                self.track(store, setup, decision.finding.clone(), now).await?;
            }
        }
        Ok(())
    }

    /// The open findings.
    pub(super) fn open(&self) -> Vec<Finding> {
        let journeys = self.open.values().map(|t| &t.finding);
        journeys.chain(self.pipelines.values()).cloned().collect()
    }
}

/// What a finding is about, where it is blamed on a change.
fn concern(finding: &Finding) -> Option<Concern> {
    let part = own_part(finding.metric, &finding.part);
    Some((finding.change.clone()?, series_of(finding), finding.metric, part))
}

/// The part that findings are told apart by.
fn own_part(metric: Metric, part: &Part) -> Part {
    if metric == Metric::Measure { part.clone() } else { Part::Whole }
}

/// The member of the room that a series is, if its journey is still configured there.
fn member(setup: &Setup, series: &SeriesKey) -> Option<Member> {
    let scheduled = setup.journeys.get(&series.journey)?;
    let here = scheduled.journey.environments.contains(&series.environment)
        && setup.settings.agent.location == series.location;
    here.then(|| Member {
        series: series.clone(),
        services: scheduled.journey.services.clone(),
        steps: scheduled.journey.step_services(),
        interval: scheduled.plan.interval(Timestamp::UNIX_EPOCH),
        revision: Some(scheduled.journey.revision.clone()),
        measures: scheduled.journey.measures(),
    })
}

fn back(from: Timestamp, by: Duration) -> Timestamp {
    from.checked_sub(by).unwrap_or(Timestamp::UNIX_EPOCH)
}
