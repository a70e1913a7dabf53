//! Changes, what is deployed, verdicts, gates and findings.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    exporter::{Exporter, State},
    family::{Family, Kind},
    runs::seconds,
};
use crate::{
    correlate,
    model::{
        Change, ChangeId, Deployment, DismissalReason, EnvironmentName, Finding, FindingKind,
        FindingState, GateStatus, Metric, Part, ServiceName, Verdict,
    },
};

/// How many changes are shown: the newest. Older ones are in the store.
const SHOWN: usize = 100;
/// How many gates are shown: those of the newest changes. Names of services come from outside.
const GATES: usize = 1000;

/// Every family of this file.
pub(super) static FAMILIES: [&Family; 9] =
    [&CHANGE, &DEPLOYED, &VERDICT, &SHIFT, &GATE, &FINDINGS, &BUDGET, &JUDGED, &DISMISSED];

static CHANGE: Family = Family {
    name: "wayfarer_change_timestamp_seconds",
    help: "When a change finished, or started while it is under way, in seconds since 1970.",
    labels: &["change", "service", "version", "kind"],
    kind: Kind::Gauge,
};
static DEPLOYED: Family = Family {
    name: "wayfarer_deployed_info",
    help: "What is deployed, as far as we were told; the value is always 1.",
    labels: &["service", "environment", "version", "commit"],
    kind: Kind::Gauge,
};
static VERDICT: Family = Family {
    name: "wayfarer_verdict",
    help: "What is concluded of a change in an environment: 1 for the verdict that holds.",
    labels: &["change", "service", "environment", "verdict"],
    kind: Kind::Gauge,
};
pub(super) static SHIFT: Family = Family {
    name: "wayfarer_shift_ratio",
    help: "After divided by before: of the latency, or of the share of runs that succeeded.",
    labels: &["journey", "metric", "change", "environment", "location"],
    kind: Kind::Gauge,
};
static GATE: Family = Family {
    name: "wayfarer_gate",
    help: "Whether the newest change of a service may go on: 1 yes, 0 no, NaN while that is open or cannot be told.",
    labels: &["service", "environment"],
    kind: Kind::Gauge,
};
static FINDINGS: Family = Family {
    name: "wayfarer_findings",
    help: "Findings by state and kind.",
    labels: &["state", "kind"],
    kind: Kind::Gauge,
};

static BUDGET: Family = Family {
    name: "wayfarer_false_verdict_budget",
    help: "How many false verdicts at most are to be expected among the changes judged in this time.",
    labels: &["window"],
    kind: Kind::Gauge,
};
static JUDGED: Family = Family {
    name: "wayfarer_changes_judged_total",
    help: "Changes whose watches have ended.",
    labels: &[],
    kind: Kind::Counter,
};
static DISMISSED: Family = Family {
    name: "wayfarer_verdicts_dismissed_total",
    help: "Harmful verdicts that people dismissed, by reason.",
    labels: &["reason"],
    kind: Kind::Counter,
};

impl Exporter {
    /// Shows how many false verdicts are to be expected among the changes judged in a window such as `30d`.
    pub fn false_verdict_budget(&self, window: &str, expected: f64) {
        self.state().families.set(&BUDGET, &[window], expected);
    }

    /// Shows how many changes were ever judged.
    pub fn changes_judged(&self, changes: u64) {
        self.state().families.set(&JUDGED, &[], changes as f64);
    }

    /// Shows how many harmful verdicts people ever dismissed.
    pub fn verdicts_dismissed(&self, counts: BTreeMap<DismissalReason, u64>) {
        let mut state = self.state();
        for (reason, count) in counts {
            state.families.set(&DISMISSED, &[reason.as_str()], count as f64);
        }
    }

    /// Shows a change as it stands now. Only the newest hundred are shown.
    pub fn change(&self, change: &Change) {
        show(&mut self.state(), change);
    }

    /// Shows these changes and no others.
    pub fn keep_changes(&self, wanted: &BTreeSet<ChangeId>) {
        let mut state = self.state();
        state.changes.retain(|id, _| wanted.contains(id));
        drop_changes(&mut state);
    }

    /// Shows what is deployed in an environment, and nothing else there.
    pub fn deployed(
        &self,
        environment: &EnvironmentName,
        deployed: &BTreeMap<ServiceName, Deployment>,
    ) {
        let mut state = self.state();
        state.families.retain(&DEPLOYED, |labels| labels[1] != environment.as_str());
        for one in deployed.values() {
            let commit = one.commit.as_deref().unwrap_or_default();
            let labels = [one.service.as_str(), environment.as_str(), &one.version, commit];
            state.families.set(&DEPLOYED, &labels, 1.0);
        }
    }

    /// Shows all verdicts on a change, the overall one of each environment, and the gates of its services while no newer
    /// change of theirs is known; harm that people `dismissed` counts in neither. `open`: it is still being watched.
    pub fn verdicts(
        &self,
        change: &Change,
        verdicts: &[Verdict],
        dismissed: &[Finding],
        open: bool,
    ) {
        let mut state = self.state();
        let id = change.id.as_str();
        if !state.changes.contains_key(&change.id) {
            show(&mut state, change);
        }
        state.families.retain(&VERDICT, |labels| labels[0] != id);
        state.families.retain(&SHIFT, |labels| labels[2] != id);
        let mut places: BTreeMap<&EnvironmentName, Vec<Verdict>> = BTreeMap::new();
        for verdict in verdicts.iter().filter(|v| v.change == change.id) {
            places.entry(&verdict.environment).or_default().push(verdict.clone());
            // The parts of journeys are many: they are in the API and on the change's page. A measure has a name of its own.
            let metric = match &verdict.part {
                Part::Whole => verdict.metric.to_string(),
                Part::Measure(step, measure) => format!("{step}/{measure}"),
                Part::Step(_) | Part::Phase(..) => continue,
            };
            if let Some(ratio) = ratio(verdict) {
                let labels = [
                    verdict.journey.as_str(),
                    &metric,
                    id,
                    verdict.environment.as_str(),
                    verdict.location.as_str(),
                ];
                state.families.set(&SHIFT, &labels, ratio);
            }
        }
        for (environment, verdicts) in places {
            let judged = correlate::gate(&verdicts, dismissed, open);
            let Some(conclusion) = judged.verdict else { continue };
            let answer = match judged.status {
                GateStatus::Pass => Some(true),
                GateStatus::Fail => Some(false),
                GateStatus::Pending | GateStatus::Inconclusive => None,
            };
            for service in services(change) {
                let labels = [id, service.as_str(), environment.as_str(), conclusion.as_str()];
                state.families.set(&VERDICT, &labels, 1.0);
                gate(&mut state, change, &service, environment, answer);
            }
        }
    }

    /// Shows the open findings by kind.
    pub fn findings(&self, open: &[Finding]) {
        let state = FindingState::Open;
        let count =
            |kind: FindingKind| open.iter().filter(|f| f.state == state && f.kind == kind).count();
        self.finding_counts(
            FindingKind::ALL.iter().map(|kind| (state, *kind, count(*kind) as u64)),
        );
    }

    /// Shows how many findings there are of these states and kinds; the others stay as they are.
    pub fn finding_counts(
        &self,
        counts: impl IntoIterator<Item = (FindingState, FindingKind, u64)>,
    ) {
        let mut state = self.state();
        for (finding_state, kind, count) in counts {
            let labels = [finding_state.as_str(), kind.as_str()];
            state.families.set(&FINDINGS, &labels, count as f64);
        }
    }
}

/// A change as it stands now, in the place of the oldest one where there are too many.
fn show(state: &mut State, change: &Change) {
    state.changes.insert(change.id.clone(), change.started_at);
    state.families.retain(&CHANGE, |labels| labels[0] != change.id.as_str());
    let version = change.deployed_version().unwrap_or_default();
    for service in services(change) {
        let labels = [change.id.as_str(), service.as_str(), version, change.kind.as_str()];
        state.families.set(&CHANGE, &labels, seconds(change.settled_at()));
        for environment in &change.environments {
            gate(state, change, &service, environment, None);
        }
    }
    while state.changes.len() > SHOWN {
        let oldest = state.changes.iter().min_by_key(|(_, at)| **at).map(|(id, _)| id.clone());
        oldest.map(|id| state.changes.remove(&id));
        drop_changes(state);
    }
}

/// The services of a change; a nameless one where it is of the whole environment.
fn services(change: &Change) -> Vec<ServiceName> {
    if change.services.is_empty() { vec![ServiceName::new("")] } else { change.services.clone() }
}

/// Shows the answer for a service, unless a newer change of it is known.
fn gate(
    state: &mut State,
    change: &Change,
    service: &ServiceName,
    environment: &EnvironmentName,
    answer: Option<bool>,
) {
    let key = (service.clone(), environment.clone());
    let newest = (change.started_at, change.id.clone());
    let last = state.gates.get(&key);
    // Hearing of a change again does not take back what was answered for it.
    let again = last.is_some_and(|last| last.1 == newest.1) && answer.is_none();
    if last.is_some_and(|last| *last > newest && last.1 != newest.1) {
        return;
    }
    state.gates.insert(key, newest);
    while state.gates.len() > GATES {
        let oldest =
            state.gates.iter().min_by_key(|(_, newest)| *newest).map(|(key, _)| key.clone());
        let Some(oldest) = oldest else { break };
        state.families.retain(&GATE, |labels| {
            labels[0] != oldest.0.as_str() || labels[1] != oldest.1.as_str()
        });
        state.gates.remove(&oldest);
    }
    if again && state.families.has(&VERDICT, |labels| labels[0] == change.id.as_str()) {
        return;
    }
    let value = answer.map_or(f64::NAN, |yes| f64::from(u8::from(yes)));
    state.families.set(&GATE, &[service.as_str(), environment.as_str()], value);
}

/// After divided by before, where both are known.
fn ratio(verdict: &Verdict) -> Option<f64> {
    let ratio = match verdict.metric {
        Metric::Latency => verdict.effect?.estimate,
        Metric::Success => verdict.after.success? / verdict.before.success?,
        Metric::Measure => verdict.after.p50? / verdict.before.p50?,
    };
    ratio.is_finite().then_some(ratio)
}

/// Removes the series of changes that are not shown any more.
fn drop_changes(state: &mut State) {
    let State { families, changes, .. } = state;
    families.retain(&CHANGE, |labels| changes.contains_key(labels[0].as_str()));
    families.retain(&VERDICT, |labels| changes.contains_key(labels[0].as_str()));
    families.retain(&SHIFT, |labels| changes.contains_key(labels[2].as_str()));
}
