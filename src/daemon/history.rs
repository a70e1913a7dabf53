//! What the store must tell the room before it can judge: the history of every series, and where levels moved.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use jiff::Timestamp;

use super::setup::{Scheduled, Setup};
use crate::{
    correlate::{Member, Members, PARTS_REACH, Spell, reach},
    model::{
        Change, Conclusion, EnvironmentName, Finding, FindingKind, FindingState, Metric, Part,
        Probe, SeriesKey, ServiceName,
    },
    store::{ChangeFilter, FindingFilter, Store, StoreError},
};

/// How far back it is asked where levels moved: as far as baselines reach.
const SHIFTS: Duration = Duration::from_secs(8 * 86_400);
/// How many of the newest changes and findings are asked where levels moved.
const RECALLED: usize = 500;

/// How many series of other environments are read as controls.
const CONTROLS: usize = 8;

/// How many deployments of a service, the last ones, are asked what they teach.
const TAUGHT: usize = 60;

/// What histories were read already: of each series, and whether with parts. Who reads for many changes, in the order they
/// started, reads each history once.
pub(super) type Read = BTreeSet<(SeriesKey, bool)>;

/// Every journey of the change's environments, with its history, and some of other environments as controls. A history that was
/// `read` before is left out.
pub(super) async fn members(
    store: &Store,
    setup: &Setup,
    change: &Change,
    now: Timestamp,
    read: &mut Read,
) -> Result<Members, StoreError> {
    let started = change.started_at;
    let parts_from = started.checked_sub(PARTS_REACH).unwrap_or(Timestamp::UNIX_EPOCH);
    let touched = setup.environments_of(change);
    let mut members = Vec::new();
    for environment in &touched {
        for scheduled in setup.journeys_in(environment) {
            let place = (environment, scheduled);
            members.push(member(store, setup, place, (started, parts_from, now), read).await?);
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
        let place = (environment, scheduled);
        members.push(member(store, setup, place, (started, now, now), read).await?);
    }
    Ok(members)
}

/// One series as a member: its probes that a change of `started` needs, and those to `now`, with their parts from `parts_from` on.
async fn member(
    store: &Store,
    setup: &Setup,
    (environment, scheduled): (&EnvironmentName, &Scheduled),
    (started, parts_from, now): (Timestamp, Timestamp, Timestamp),
    read: &mut Read,
) -> Result<(Member, Vec<Probe>), StoreError> {
    let series = SeriesKey {
        journey: scheduled.journey.name.clone(),
        environment: environment.clone(),
        location: setup.settings.agent.location.clone(),
    };
    let parts = parts_from < now;
    let known = read.contains(&(series.clone(), true)) || !read.insert((series.clone(), parts));
    let interval = scheduled.plan.interval(now);
    let mut probes = Vec::new();
    for (from, to) in reach::spans(started, interval, setup.settings.watch.window) {
        // What lies right before the change is read to the newest run, once.
        let newest = to == started;
        if !(newest && known) {
            let to = if newest { now } else { to };
            probes.extend(store.probes_with_parts(&series, (from, to), parts_from).await?);
        }
    }
    let member = Member {
        series,
        services: scheduled.journey.services.clone(),
        steps: scheduled.journey.step_services(),
        interval,
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
    let since = now.checked_sub(SHIFTS).ok();
    let filter = ChangeFilter { since, limit: RECALLED, ..ChangeFilter::default() };
    for change in store.changes(filter).await? {
        for verdict in store.verdicts(&change.id).await? {
            let surely =
                verdict.log_e.zip(verdict.regressed_at_log_e).is_some_and(|(e, at)| e >= at);
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

/// What the last deployments of each of these services, or of all, taught until now.
pub(super) async fn spells(
    store: &Store,
    services: Option<BTreeSet<ServiceName>>,
) -> Result<BTreeMap<ServiceName, Vec<Spell>>, StoreError> {
    let mut asked = Vec::new();
    match services {
        None => asked.push((None, RECALLED)),
        Some(services) => asked.extend(services.into_iter().map(|s| (Some(s), TAUGHT))),
    }
    let mut spells: BTreeMap<ServiceName, Vec<Spell>> = BTreeMap::new();
    for (only, limit) in asked {
        for closed in store.closed_changes(Timestamp::UNIX_EPOCH, only.as_ref(), limit).await? {
            let Some(spell) = Spell::of(&closed.change, &closed.verdicts) else { continue };
            for service in closed.change.services {
                if only.as_ref().is_none_or(|only| *only == service) {
                    spells.entry(service).or_default().push(spell);
                }
            }
        }
    }
    Ok(spells)
}

/// The series a finding is about.
pub(super) fn series_of(finding: &Finding) -> SeriesKey {
    SeriesKey {
        journey: finding.journey.clone(),
        environment: finding.environment.clone(),
        location: finding.location.clone(),
    }
}
