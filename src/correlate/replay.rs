//! Histories with known truth, judged run by run as the agent would have judged them.
//!
//! The replay drives a [`Room`] in the order of time over all series of a case and notes when each verdict was first reached, and
//! who was named then. It never shows the room what had not yet happened: neither a run nor the end of a change.

mod score;

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use serde::Serialize;

use crate::model::{
    Candidate, Case, Change, ChangeId, Conclusion, Detect, JourneyName, Metric, Probe, SeriesKey,
    Service, Verdict, Watch,
};

use super::{
    room::Room,
    series::{Member, later, seconds},
};

pub use score::{Attribution, Delay, Rates, Report, Summary, report};

/// Runs that a watch of the back-test lasts, at the case's own cadence.
const RUNS: u32 = 60;

/// What the replay said of one metric of one journey.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CaseResult {
    /// The case.
    pub case: String,
    /// The journey.
    pub journey: JourneyName,
    /// The metric.
    pub metric: Metric,
    /// The verdict at the end: of several changes and places the one that speaks for them.
    #[serde(rename = "final")]
    pub conclusion: Conclusion,
    /// The first run at which it stood as suspected or worse.
    pub suspected: Option<Hit>,
    /// The first run at which it stood as regressed.
    pub regressed: Option<Hit>,
    /// Who may have done it, as seen at the end.
    pub candidates: Vec<Candidate>,
}

/// The run at which a verdict first held.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Hit {
    /// When, in seconds since 1970.
    pub at: f64,
    /// Runs of the series since the start of the earliest change, this one included.
    pub probes_after: u32,
    /// The change named then; none where that was ambiguous.
    pub change: Option<ChangeId>,
    /// Who may have done it, as seen then.
    pub candidates: Vec<Candidate>,
    /// When it began, as seen then; not in the JSON of a back-test.
    #[serde(skip)]
    pub onset: Option<crate::model::Onset>,
}

/// What happens next in a replay.
enum Event<'a> {
    Started(&'a Change),
    Finished(&'a Change),
    Run(usize, &'a Probe),
}

/// Judges a case as the agent would have, run by run. `watch` gives what a case does not say; how long it lasts follows from the
/// case's cadence.
pub fn replay(case: &Case, detect: &Detect, watch: &Watch) -> Vec<CaseResult> {
    let services = case
        .depends_on
        .iter()
        .map(|(name, on)| (name.clone(), Service { depends_on: on.clone(), ..Service::default() }))
        .collect();
    let watch =
        Watch { window: case.interval.saturating_mul(RUNS), min_runs: RUNS, ..watch.clone() };
    let mut played = Played {
        case,
        room: Room::new(watch, *detect, services),
        passed: vec![0; case.series.len()],
        results: BTreeMap::new(),
        finals: BTreeMap::new(),
        first: case.changes.iter().map(|c| c.started_at).min(),
    };
    let mut last = Timestamp::UNIX_EPOCH;
    for (at, event) in events(case) {
        last = last.max(at);
        played.play(at, &event);
    }
    played.end(last)
}

/// Everything that happened, in order of time; a change that starts with a run was there before it.
fn events(case: &Case) -> Vec<(Timestamp, Event<'_>)> {
    let mut all: Vec<(Timestamp, u8, Event<'_>)> = Vec::new();
    for change in &case.changes {
        all.push((change.started_at, 0, Event::Started(change)));
        if let Some(end) = change.finished_at.filter(|end| *end > change.started_at) {
            all.push((end, 1, Event::Finished(change)));
        }
    }
    for (index, recorded) in case.series.iter().enumerate() {
        all.extend(recorded.probes.iter().map(|p| (p.at, 2, Event::Run(index, p))));
    }
    all.sort_by_key(|(at, rank, _)| (*at, *rank));
    all.into_iter().map(|(at, _, event)| (at, event)).collect()
}

/// A replay under way.
struct Played<'a> {
    case: &'a Case,
    room: Room,
    /// Runs of each series that have happened.
    passed: Vec<usize>,
    results: BTreeMap<(JourneyName, Metric), CaseResult>,
    /// The last word on each series of a change whose watch is over; what comes after it may alter it.
    finals: BTreeMap<(ChangeId, SeriesKey, Metric), Verdict>,
    first: Option<Timestamp>,
}

impl Played<'_> {
    fn play(&mut self, at: Timestamp, event: &Event<'_>) {
        let verdicts = match event {
            Event::Started(change) => {
                let done = change.finished_at.is_some_and(|end| end <= change.started_at);
                let under_way = Change {
                    finished_at: change.finished_at.filter(|_| done),
                    ..(*change).clone()
                };
                self.room.open(&under_way, self.members(), at)
            }
            Event::Finished(change) => self.room.open(change, self.members(), at),
            Event::Run(index, probe) => {
                self.passed[*index] += 1;
                let key = &self.case.series[*index].key;
                self.room.push(key, probe, at)
            }
        };
        for verdict in &verdicts {
            self.note(verdict, at);
            if let Some(last) = self.finals.get_mut(&key(verdict)) {
                last.clone_from(verdict);
            }
        }
        if self.room.open_watches().iter().any(|w| w.until <= at) {
            let closed = self.room.close_due(at);
            self.keep(&closed);
        }
    }

    /// The series with what had happened so far: those of a change's environments, the others as controls.
    fn members(&self) -> Vec<(Member, Vec<Probe>)> {
        self.case
            .series
            .iter()
            .zip(&self.passed)
            .map(|(s, passed)| {
                let member = Member {
                    series: s.key.clone(),
                    services: s.services.clone(),
                    steps: BTreeMap::new(),
                    interval: self.case.interval,
                    revision: None,
                    measures: BTreeMap::new(),
                };
                (member, s.probes[..*passed].to_vec())
            })
            .collect()
    }

    fn result(&mut self, verdict: &Verdict) -> &mut CaseResult {
        let (case, key) = (self.case, (verdict.journey.clone(), verdict.metric));
        self.results.entry(key).or_insert_with(|| blank(case, &verdict.journey, verdict.metric))
    }

    /// Notes the first time a verdict was reached.
    fn note(&mut self, verdict: &Verdict, at: Timestamp) {
        let harmful = matches!(verdict.conclusion, Conclusion::Suspected | Conclusion::Regressed);
        if !harmful {
            return;
        }
        let hit = Hit {
            at: seconds(at),
            probes_after: self.probes_after(verdict, at),
            change: verdict.named.clone(),
            candidates: verdict.candidates.clone(),
            onset: verdict.onset,
        };
        let result = self.result(verdict);
        if verdict.conclusion == Conclusion::Regressed && result.regressed.is_none() {
            result.regressed = Some(hit.clone());
        }
        result.suspected.get_or_insert(hit);
    }

    fn probes_after(&self, verdict: &Verdict, at: Timestamp) -> u32 {
        let Some(first) = self.first else { return 0 };
        let counted = self
            .case
            .series
            .iter()
            .filter(|s| {
                s.key.journey == verdict.journey
                    && s.key.environment == verdict.environment
                    && s.key.location == verdict.location
            })
            .flat_map(|s| s.probes.iter())
            .filter(|p| p.at >= first && p.at <= at)
            .count();
        super::figures::narrow(counted)
    }

    /// Keeps final verdicts.
    fn keep(&mut self, verdicts: &[Verdict]) {
        self.finals.extend(verdicts.iter().map(|v| (key(v), v.clone())));
    }

    /// Of several final verdicts the worst speaks, with its candidates.
    fn speak(&mut self) {
        for verdict in std::mem::take(&mut self.finals).values() {
            let result = self.result(verdict);
            if result.conclusion == Conclusion::Watching || verdict.conclusion < result.conclusion {
                result.conclusion = verdict.conclusion;
                result.candidates.clone_from(&verdict.candidates);
            }
        }
    }

    /// The history is over: every watch ends with what it has.
    fn end(mut self, last: Timestamp) -> Vec<CaseResult> {
        let wait = self.case.interval.saturating_mul(RUNS) + Duration::from_secs(25 * 3600);
        let open: Vec<Change> = self.case.changes.clone();
        let latest = open.iter().map(Change::settled_at).fold(last, Timestamp::max);
        let closed = self.room.close_due(later(latest, wait));
        self.keep(&closed);
        self.speak();
        for truth in &self.case.truth {
            let key = (truth.journey.clone(), truth.metric);
            let blank = || blank(self.case, &truth.journey, truth.metric);
            self.results.entry(key).or_insert_with(blank);
        }
        for result in self.results.values_mut() {
            // Nothing was ever watched: no change touched the place.
            if result.conclusion == Conclusion::Watching {
                result.conclusion = Conclusion::InsufficientData;
            }
        }
        self.results.into_values().collect()
    }
}

/// Whose verdict it is.
fn key(verdict: &Verdict) -> (ChangeId, SeriesKey, Metric) {
    let series = SeriesKey {
        journey: verdict.journey.clone(),
        environment: verdict.environment.clone(),
        location: verdict.location.clone(),
    };
    (verdict.change.clone(), series, verdict.metric)
}

fn blank(case: &Case, journey: &JourneyName, metric: Metric) -> CaseResult {
    CaseResult {
        case: case.id.clone(),
        journey: journey.clone(),
        metric,
        conclusion: Conclusion::Watching,
        suspected: None,
        regressed: None,
        candidates: Vec::new(),
    }
}
