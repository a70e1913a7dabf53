//! Writing back: what the forges are told of a change, each time that its gate says something else.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::setup::Setup;
use crate::{
    correlate,
    model::{
        Change, ChangeId, EnvironmentName, Finding, Forge, Gate, GateStatus, OUR_WORD, Parcel,
        StatusReport, Verdict, WritebackSettings,
    },
    store::NewMessage,
};

/// What was said last, by writeback, change and environment.
#[derive(Default)]
pub(super) struct Writebacks {
    said: BTreeMap<(String, ChangeId, EnvironmentName), GateStatus>,
}

impl Writebacks {
    /// What is to be said of a change now.
    pub(super) fn look(
        &mut self,
        setup: &Setup,
        change: &Change,
        (verdicts, dismissed): (&[Verdict], &[Finding]),
        open: bool,
        now: Timestamp,
    ) -> Vec<NewMessage> {
        let places: BTreeSet<&EnvironmentName> = verdicts.iter().map(|v| &v.environment).collect();
        let mut messages = Vec::new();
        for settings in &setup.settings.writebacks {
            let services = &settings.services;
            if !services.is_empty() && !change.services.iter().any(|s| services.contains(s)) {
                continue;
            }
            for place in &places {
                if !settings.environments.is_empty() && !settings.environments.contains(place) {
                    continue;
                }
                let here: Vec<Verdict> =
                    verdicts.iter().filter(|v| v.environment == **place).cloned().collect();
                let gate = correlate::gate(&here, dismissed, open);
                let key = (settings.name.clone(), change.id.clone(), (*place).clone());
                if self.said.get(&key) == Some(&gate.status) {
                    continue;
                }
                let page = setup.settings.agent.public_url.as_deref();
                if let Some(report) = report(settings, change, place, &gate, page, now) {
                    messages.extend(message(settings, &report, &gate));
                }
                self.said.insert(key, gate.status);
            }
        }
        messages
    }
}

fn report(
    settings: &WritebackSettings,
    change: &Change,
    place: &EnvironmentName,
    gate: &Gate,
    base: Option<&str>,
    now: Timestamp,
) -> Option<StatusReport> {
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
    let label = |name: &str| change.labels.get(name).cloned();
    let (theirs, deployment) = match settings.forge {
        // A change that GitLab told of names a project there.
        Forge::Github if label("gitlab_project").is_some() => (None, None),
        Forge::Github => (label("repository"), label("github_deployment")),
        Forge::Gitlab => (label("gitlab_project"), None),
    };
    // While nobody knows, a deployment is left as whoever deployed has marked it.
    let decided = matches!(gate.status, GateStatus::Pass | GateStatus::Fail);
    if deployment.is_some() && !decided {
        return None;
    }
    let repository = theirs.or_else(|| settings.repository.clone())?;
    let commit = change.commits.last().map(|commit| commit.id.clone());
    if commit.is_none() && deployment.is_none() {
        return None;
    }
    let verdict = gate.verdict.map_or("not watched", |verdict| verdict.as_str());
    let page = base.map(|base| {
        format!("{base}/changes/{}", utf8_percent_encode(change.id.as_str(), NON_ALPHANUMERIC))
    });
    Some(StatusReport {
        change: change.id.clone(),
        repository,
        commit,
        deployment,
        environment: Some(place.to_string()),
        gate: gate.status,
        text: format!("{OUR_WORD}: {verdict}: {}", gate.reason),
        page,
        at: now,
    })
}

fn message(settings: &WritebackSettings, report: &StatusReport, gate: &Gate) -> Option<NewMessage> {
    let place = report.environment.as_deref().unwrap_or_default();
    let verdict = gate.verdict.map_or("none", |verdict| verdict.as_str());
    let status = gate.status.as_str();
    Some(NewMessage {
        key: format!("writeback/{}/{}/{place}/{status}/{verdict}", settings.name, report.change),
        receiver: settings.receiver(),
        thread: Some(format!("{}/{place}", report.change)),
        body: Parcel::Status(Box::new(report.clone())).to_body().ok()?,
        created_at: report.at,
        next_try_at: report.at,
    })
}
