//! The gate before a deployment: freezes in force, findings open, error budgets spent, read from the settings and the store.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{
    books::ledger,
    setup::{Scheduled, Setup},
};
use crate::{
    correlate::{self, Outlook},
    model::{
        Change, ChangeId, ChangeKind, EnvironmentName, Finding, FindingState, Gate, JourneyName,
        Obstacle, Outcome, SeriesKey, ServiceName, Slo,
    },
    slo::{ErrorBudget, measure},
    store::{FindingFilter, RunFilter, Store, StoreError},
};

/// How many runs are looked through for one that was not broken.
const NEWEST: usize = 20;
/// A walk may be so late before nobody has looked.
const LATE: Duration = Duration::from_secs(120);

/// A deployment that is thought of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    /// Of this service; none is the whole environment.
    pub service: Option<ServiceName>,
    /// Where.
    pub environment: EnvironmentName,
    /// What sort: a rollback is always allowed.
    pub kind: ChangeKind,
    /// What shall not stand in its way.
    pub ignored: Vec<Obstacle>,
}

/// The answer, and what it was found from.
#[derive(Debug, Clone, PartialEq)]
pub struct Before {
    /// May it be deployed?
    pub gate: Gate,
    /// What was asked.
    pub intent: Intent,
    /// Freezes in force: why, and until when.
    pub freezes: Vec<(String, Timestamp)>,
    /// The journeys that would feel it.
    pub journeys: Vec<JourneyBefore>,
}

/// A journey that would feel a deployment.
#[derive(Debug, Clone, PartialEq)]
pub struct JourneyBefore {
    /// Its name.
    pub journey: JourneyName,
    /// Its open findings.
    pub findings: Vec<Finding>,
    /// Its error budget, where it has an objective.
    pub budget: Option<ErrorBudget>,
    /// When it was last walked without breaking.
    pub seen_at: Option<Timestamp>,
}

/// May this be deployed now?
///
/// # Errors
/// The store failed.
pub async fn before(
    store: &Store,
    setup: &Setup,
    intent: Intent,
    now: Timestamp,
) -> Result<Before, StoreError> {
    let mut outlook = Outlook {
        goes_back: intent.kind == ChangeKind::Rollback,
        ignored: intent.ignored.clone(),
        ..Outlook::default()
    };
    let environment = &intent.environment;
    let mut freezes = Vec::new();
    for freeze in &setup.settings.freezes {
        if !freeze.concerns(intent.service.as_ref(), environment) {
            continue;
        }
        if let Some(until) = freeze.until(now) {
            let words = format!("frozen until {until}: {}", freeze.reason);
            outlook.obstacles.push((Obstacle::Freeze, words));
            freezes.push((freeze.reason.clone(), until));
        }
    }
    let mut change = Change::new(ChangeId::new("asked"), intent.kind, now);
    change.services = intent.service.iter().cloned().collect();
    let mut journeys = Vec::new();
    for scheduled in setup.journeys_in(environment) {
        if !setup.maps_to(&change, &scheduled.journey) {
            continue;
        }
        let found = journey(store, setup, scheduled, environment, now).await?;
        for finding in &found.findings {
            if finding.kind.is_budget() {
                let words = format!("{} spends its budget: {}", found.journey, finding.summary);
                outlook.obstacles.push((Obstacle::Budget, words));
                continue;
            }
            let words =
                format!("{} is {}: {}", found.journey, finding.kind.as_str(), finding.summary);
            outlook.obstacles.push((Obstacle::Finding, words));
        }
        if let Some(budget) = found.budget.filter(ErrorBudget::is_spent) {
            let words = format!("{}: {}", found.journey, budget.sentence());
            outlook.obstacles.push((Obstacle::Budget, words));
        }
        outlook.unseen.extend(unseen(scheduled, environment, found.seen_at, now));
        journeys.push(found);
    }
    outlook.journeys = journeys.len();
    Ok(Before { gate: correlate::before(&outlook), intent, freezes, journeys })
}

async fn journey(
    store: &Store,
    setup: &Setup,
    scheduled: &Scheduled,
    environment: &EnvironmentName,
    now: Timestamp,
) -> Result<JourneyBefore, StoreError> {
    let name = &scheduled.journey.name;
    let open = FindingFilter {
        state: Some(FindingState::Open),
        journey: Some(name.clone()),
        environment: Some(environment.clone()),
        ..FindingFilter::default()
    };
    let newest = RunFilter {
        journey: Some(name.clone()),
        environment: Some(environment.clone()),
        limit: NEWEST,
        ..RunFilter::default()
    };
    let runs = store.runs(newest).await?;
    let told = |run: &&crate::model::Run| !matches!(run.outcome, Outcome::Broken { .. });
    let seen_at = runs.iter().filter(told).map(|run| run.started_at).max();
    let budget = match &scheduled.journey.slo {
        None => None,
        Some(slo) => {
            let series = SeriesKey {
                journey: name.clone(),
                environment: environment.clone(),
                location: setup.settings.agent.location.clone(),
            };
            Some(spent(store, (setup, scheduled), slo, series, now).await?)
        }
    };
    let findings = store.findings(open).await?;
    Ok(JourneyBefore { journey: name.clone(), findings, budget, seen_at })
}

/// The error budget of a series, from the counts that the store keeps longest.
async fn spent(
    store: &Store,
    of: (&Setup, &Scheduled),
    slo: &Slo,
    series: SeriesKey,
    now: Timestamp,
) -> Result<ErrorBudget, StoreError> {
    let books = ledger(store, of, (slo, series), now).await?;
    Ok(measure(slo, &books, now).budget)
}

/// That nobody looks at a journey any more: no finding is open there because nothing is found.
fn unseen(
    scheduled: &Scheduled,
    environment: &EnvironmentName,
    seen_at: Option<Timestamp>,
    now: Timestamp,
) -> Option<String> {
    let name = &scheduled.journey.name;
    let Some(seen_at) = seen_at else {
        return Some(format!("nobody has walked {name} in {environment} lately without breaking"));
    };
    let due = scheduled.plan.next_after(&format!("{name}/{environment}"), seen_at)?;
    let patience = LATE.saturating_add(scheduled.plan.interval(now).saturating_mul(2));
    let late = now.duration_since(due) > SignedDuration::try_from(patience).ok()?;
    late.then(|| format!("nobody has walked {name} in {environment} since {seen_at}"))
}
