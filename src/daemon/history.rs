//! What the store must tell the room before it can judge: the history of every series, and where levels moved.

use std::time::Duration;

use jiff::Timestamp;

use super::setup::{Scheduled, Setup};
use crate::{
    correlate::{Member, Members, PARTS_REACH},
    model::{
        Change, Conclusion, EnvironmentName, Finding, FindingKind, FindingState, Metric, Part,
        Probe, SeriesKey,
    },
    store::{ChangeFilter, FindingFilter, Store, StoreError},
};

/// How much history before a change is read: the season of seven days and the baseline before it.
const HISTORY: Duration = Duration::from_secs(8 * 86_400);
/// How many of the newest changes and findings are asked where levels moved.
const RECALLED: usize = 500;

/// How many series of other environments are read as controls.
const CONTROLS: usize = 8;

/// Every journey of the change's environments, with its history, and some of other environments as controls.
pub(super) async fn members(
    store: &Store,
    setup: &Setup,
    change: &Change,
    now: Timestamp,
) -> Result<Members, StoreError> {
    let from = change.started_at.checked_sub(HISTORY).unwrap_or(Timestamp::UNIX_EPOCH);
    let parts_from = change.started_at.checked_sub(PARTS_REACH).unwrap_or(Timestamp::UNIX_EPOCH);
    let touched = setup.environments_of(change);
    let mut members = Vec::new();
    for environment in &touched {
        for scheduled in setup.journeys_in(environment) {
            members.push(
                member(store, setup, (environment, scheduled), (from, parts_from, now)).await?,
            );
        }
    }
    // What the change cannot have touched shows what our prober or the network did meanwhile.
    let mut controls: Vec<(&EnvironmentName, &Scheduled)> = Vec::new();
    for environment in setup.environments.keys().filter(|name| !change.touches(name)) {
        for scheduled in setup.journeys_in(environment) {
            controls.push((environment, scheduled));
        }
    }
    for (environment, scheduled) in controls.into_iter().take(CONTROLS) {
        members.push(member(store, setup, (environment, scheduled), (from, now, now)).await?);
    }
    Ok(members)
}

/// One series as a member: its probes from `from` to `now`, with their parts from `parts_from` on.
async fn member(
    store: &Store,
    setup: &Setup,
    (environment, scheduled): (&EnvironmentName, &Scheduled),
    (from, parts_from, now): (Timestamp, Timestamp, Timestamp),
) -> Result<(Member, Vec<Probe>), StoreError> {
    let series = SeriesKey {
        journey: scheduled.journey.name.clone(),
        environment: environment.clone(),
        location: setup.settings.agent.location.clone(),
    };
    let probes = store.probes_with_parts(&series, (from, now), parts_from).await?;
    let member = Member {
        series,
        services: scheduled.journey.services.clone(),
        steps: scheduled.journey.step_services(),
        interval: scheduled.plan.interval(now),
        revision: Some(scheduled.journey.revision.clone()),
        measures: scheduled.journey.measures(),
    };
    Ok((member, probes))
}

/// A level that moved for good.
pub(super) struct Shift {
    /// Of which series.
    pub(super) series: SeriesKey,
    /// Of which metric.
    pub(super) metric: Metric,
    /// Of which part.
    pub(super) part: Part,
    /// When.
    pub(super) at: Timestamp,
}

/// Where levels moved before the agent stopped, so that baselines stand on the right side of it.
pub(super) async fn shifts(store: &Store, now: Timestamp) -> Result<Vec<Shift>, StoreError> {
    let mut shifts = Vec::new();
    let since = now.checked_sub(HISTORY).ok();
    let filter = ChangeFilter { since, limit: RECALLED, ..ChangeFilter::default() };
    for change in store.changes(filter).await? {
        for verdict in store.verdicts(&change.id).await? {
            let surely = verdict.log_e.zip(verdict.regressed_at_log_e).is_some_and(|(e, at)| e >= at);
            // Of a measure nobody may have said which way is for the worse: then it is only ever suspected.
            let moved = matches!(verdict.conclusion, Conclusion::Regressed | Conclusion::Improved)
                || (verdict.metric == Metric::Measure
                    && verdict.conclusion == Conclusion::Suspected
                    && surely);
            if let (true, Some(onset)) = (moved, &verdict.onset) {
                let series = SeriesKey {
                    journey: verdict.journey.clone(),
                    environment: verdict.environment.clone(),
                    location: verdict.location.clone(),
                };
                let (metric, part) = (verdict.metric, verdict.part.clone());
                shifts.push(Shift { series, metric, part, at: onset.at });
            }
        }
    }
    let filter = FindingFilter { limit: RECALLED, ..FindingFilter::default() };
    for finding in store.findings(filter).await? {
        let begun = finding.onset_at.filter(|_| finding.kind == FindingKind::Unexplained);
        let ended = finding.closed_at.filter(|_| finding.state == FindingState::Recovered);
        for at in [begun, ended].into_iter().flatten() {
            let (metric, part) = (finding.metric, finding.part.clone());
            shifts.push(Shift { series: series_of(&finding), metric, part, at });
        }
    }
    Ok(shifts)
}

/// The series a finding is about.
pub(super) fn series_of(finding: &Finding) -> SeriesKey {
    SeriesKey {
        journey: finding.journey.clone(),
        environment: finding.environment.clone(),
        location: finding.location.clone(),
    }
}
