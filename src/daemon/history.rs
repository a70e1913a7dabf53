//! What the store must tell the room before it can judge: the history of every series, and where levels moved.

use std::time::Duration;

use jiff::Timestamp;

use super::setup::Setup;
use crate::{
    correlate::{Member, Members},
    model::{Change, Conclusion, Finding, FindingKind, FindingState, Metric, SeriesKey},
    store::{ChangeFilter, FindingFilter, Store, StoreError},
};

/// How much history before a change is read: the season of seven days and the baseline before it.
const HISTORY: Duration = Duration::from_secs(8 * 86_400);
/// How many of the newest changes and findings are asked where levels moved.
const RECALLED: usize = 500;
/// Every journey of the change's environments, with its history.
pub(super) async fn members(
    store: &Store,
    setup: &Setup,
    change: &Change,
    now: Timestamp,
) -> Result<Members, StoreError> {
    let from = change.started_at.checked_sub(HISTORY).unwrap_or(Timestamp::UNIX_EPOCH);
    let mut members = Vec::new();
    for environment in setup.environments_of(change) {
        for scheduled in setup.journeys_in(&environment) {
            let series = SeriesKey {
                journey: scheduled.journey.name.clone(),
                environment: environment.clone(),
                location: setup.settings.agent.location.clone(),
            };
            let probes = store.probes(&series, from, now).await?;
            let member = Member {
                series,
                services: scheduled.journey.services.clone(),
                steps: scheduled.journey.step_services(),
                interval: scheduled.plan.interval(now),
                revision: Some(scheduled.journey.revision.clone()),
            };
            members.push((member, probes));
        }
    }
    Ok(members)
}

/// A level that moved for good.
pub(super) struct Shift {
    /// Of which series.
    pub(super) series: SeriesKey,
    /// Of which metric.
    pub(super) metric: Metric,
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
            let moved = matches!(verdict.conclusion, Conclusion::Regressed | Conclusion::Improved);
            if let (true, Some(onset)) = (moved, &verdict.onset) {
                let series = SeriesKey {
                    journey: verdict.journey.clone(),
                    environment: verdict.environment.clone(),
                    location: verdict.location.clone(),
                };
                shifts.push(Shift { series, metric: verdict.metric, at: onset.at });
            }
        }
    }
    let filter = FindingFilter { limit: RECALLED, ..FindingFilter::default() };
    for finding in store.findings(filter).await? {
        let begun = finding.onset_at.filter(|_| finding.kind == FindingKind::Unexplained);
        let ended = finding.closed_at.filter(|_| finding.state == FindingState::Recovered);
        for at in [begun, ended].into_iter().flatten() {
            shifts.push(Shift { series: series_of(&finding), metric: finding.metric, at });
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
