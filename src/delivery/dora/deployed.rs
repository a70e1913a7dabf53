//! Deployments: changes of one service in one environment, in their order, each with what became of it.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::{
    Failure, Fate, Record, Records,
    fate::{between, dismissed, fate, undid},
};
use crate::model::{Change, ChangeId, ChangeKind, ChangeState, EnvironmentName, ServiceName};

/// A rollback that does not say what it undid, undid the newest deployment that is no older than this.
const UNDOES: SignedDuration = SignedDuration::from_secs(30 * 86_400);

/// A deployment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Deployed {
    /// The change.
    pub change: ChangeId,
    /// `deploy` or `rollback`.
    pub kind: ChangeKind,
    /// Of which service; empty for a whole environment.
    pub service: ServiceName,
    /// Where.
    pub environment: EnvironmentName,
    /// What is deployed.
    pub version: Option<String>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it finished, or was given up.
    pub at: Timestamp,
    /// Whether it was given up: then it is no deployment.
    pub given_up: bool,
    /// How long it took, in seconds, where both ends were said.
    pub took_s: Option<f64>,
    /// From each commit it brought to its end, in seconds.
    pub lead_s: Vec<f64>,
    /// Why there is none, where there is none.
    pub no_lead: Option<&'static str>,
    /// What became of it.
    pub fate: Fate,
    /// Why it is rework, where it is.
    pub rework: Option<&'static str>,
    /// Whether its sender said if it was planned.
    pub planned_said: bool,
    /// Whether people said that what was found of it is nothing, or meant so.
    pub dismissed: Option<&'static str>,
}

impl Deployed {
    /// How it failed, where it did.
    pub fn failure(&self) -> Option<&Failure> {
        match &self.fate {
            Fate::Failed(failure) => Some(failure),
            _ => None,
        }
    }

    /// From its end until it was over, in seconds: the failed deployment recovery time.
    pub fn recovery_s(&self) -> Option<f64> {
        between(self.at, self.failure()?.recovered_at?)
    }

    /// Whether it counts as a deployment of something new.
    pub fn is_deploy(&self) -> bool {
        self.kind == ChangeKind::Deploy && !self.given_up
    }
}

/// All deployments, oldest first. Changes that are under way are none yet.
pub fn deployments(records: &Records) -> Vec<Deployed> {
    let mut lines: BTreeMap<(ServiceName, EnvironmentName), Vec<&Record>> = BTreeMap::new();
    for record in &records.changes {
        let change = &record.change;
        let counts = matches!(change.kind, ChangeKind::Deploy | ChangeKind::Rollback)
            && change.state != ChangeState::Started;
        if !counts {
            continue;
        }
        for place in places(change, &records.everywhere) {
            for service in services(change) {
                lines.entry((service, place.clone())).or_default().push(record);
            }
        }
    }
    let mut all = Vec::new();
    for ((service, environment), mut line) in lines {
        line.sort_by_key(|r| (r.change.settled_at(), r.change.id.clone()));
        all.extend(line_of(records, (&service, &environment), &line));
    }
    all.sort_by(|a, b| (a.at, &a.change).cmp(&(b.at, &b.change)));
    all
}

fn services(change: &Change) -> Vec<ServiceName> {
    if change.services.is_empty() { vec![ServiceName::new("")] } else { change.services.clone() }
}

fn places(change: &Change, everywhere: &[EnvironmentName]) -> Vec<EnvironmentName> {
    match (change.environments.is_empty(), everywhere.is_empty()) {
        (false, _) => change.environments.clone(),
        (true, false) => everywhere.to_vec(),
        (true, true) => vec![EnvironmentName::new("")],
    }
}

/// The deployments of one service in one environment.
fn line_of(
    records: &Records,
    place: (&ServiceName, &EnvironmentName),
    line: &[&Record],
) -> Vec<Deployed> {
    let undone = undone(line);
    let mut out: Vec<Deployed> = Vec::with_capacity(line.len());
    let mut before: Option<&Change> = None;
    for (i, record) in line.iter().enumerate() {
        let change = &record.change;
        let given_up = change.state == ChangeState::Failed;
        let back = undone.get(&i).map(|by| &line[*by].change);
        let at = change.settled_at();
        let (lead_s, no_lead) = lead(records, change, before, at);
        let took = at.duration_since(change.started_at).as_secs_f64();
        out.push(Deployed {
            change: change.id.clone(),
            kind: change.kind,
            service: place.0.clone(),
            environment: place.1.clone(),
            version: change.deployed_version().map(str::to_owned),
            started_at: change.started_at,
            at,
            given_up,
            // What is told once, when it is done, begins and ends at one moment: its length was not said.
            took_s: (took > 0.0 && !given_up).then_some(took),
            lead_s,
            no_lead,
            fate: fate(record, place, back, &records.incidents),
            rework: rework(change, &out),
            planned_said: change.planned.is_some(),
            dismissed: dismissed(record).map(crate::model::DismissalReason::as_str),
        });
        if !given_up {
            before = Some(change);
        }
    }
    out
}

/// Which deployment of a line each rollback in it undid: by index, of the deployment the rollback.
fn undone(line: &[&Record]) -> BTreeMap<usize, usize> {
    let mut undone = BTreeMap::new();
    for (by, record) in line.iter().enumerate() {
        let back = &record.change;
        if back.kind != ChangeKind::Rollback || back.state == ChangeState::Failed {
            continue;
        }
        let of = match undid(back) {
            Some(id) => line.iter().position(|r| r.change.id == id),
            None => line[..by].iter().rposition(|r| {
                let c = &r.change;
                c.kind == ChangeKind::Deploy
                    && c.state == ChangeState::Finished
                    && back.started_at.duration_since(c.settled_at()) <= UNDOES
                    && (back.version.is_none() || back.version != c.version)
            }),
        };
        if let Some(of) = of {
            undone.entry(of).or_insert(by);
        }
    }
    undone
}

/// From the commits of a change to its end; or why that is not known.
fn lead(
    records: &Records,
    change: &Change,
    before: Option<&Change>,
    at: Timestamp,
) -> (Vec<f64>, Option<&'static str>) {
    if change.kind == ChangeKind::Rollback {
        return (Vec::new(), None);
    }
    let brought = records.commits.brought(change, before);
    if brought.is_empty() {
        return (Vec::new(), Some("no commit was said"));
    }
    let times: Vec<f64> = brought
        .iter()
        .filter_map(|(_, made)| Some(at.duration_since((*made)?).as_secs_f64()))
        .collect();
    if times.is_empty() {
        return (Vec::new(), Some("the commit was said without its time, and no push told it"));
    }
    let known: Vec<f64> = times.into_iter().filter(|s| *s > 0.0).collect();
    let missing =
        known.is_empty().then_some("the commit is said to be younger than its deployment");
    (known, missing)
}

/// Why a deployment is rework: it goes back, it was not planned, or it came while one before was still failing.
fn rework(change: &Change, before: &[Deployed]) -> Option<&'static str> {
    if change.kind == ChangeKind::Rollback {
        return Some("a rollback");
    }
    if change.planned == Some(false) {
        return Some("not planned");
    }
    let failing = before.iter().rev().take(50).any(|earlier| {
        earlier.failure().is_some_and(|failure| {
            let known = failure.onset_at.unwrap_or(earlier.at);
            known <= change.started_at
                && failure.recovered_at.is_none_or(|over| over > change.started_at)
        })
    });
    failing.then_some("while an earlier deployment was failing")
}
