//! Objectives and their error budgets as JSON.

use jiff::Timestamp;
use serde::Serialize;

use super::ms;
use crate::{
    daemon::{BudgetRow, Budgets},
    model::ChangeId,
    slo::{Burn, Cause, Urgency, name_of, pairs},
};

/// How all objectives stand.
#[derive(Debug, Serialize)]
pub struct SloView<'a> {
    /// When it was counted; null where an agent has just started.
    pub counted_at: Option<Timestamp>,
    /// One for each journey with an objective in each of its environments.
    pub objectives: Vec<ObjectiveView<'a>>,
}

/// How one objective stands. Shares are of 1; what has no bounds is null.
#[derive(Debug, Serialize)]
pub struct ObjectiveView<'a> {
    journey: &'a str,
    environment: &'a str,
    location: &'a str,
    /// `good`, `slow` or `fast` (its budget burns), `spent`, or `waiting` for the first run.
    state: &'static str,
    objective_percent: f64,
    latency_ms: Option<f64>,
    window_seconds: u64,
    interval_ms: f64,
    /// The first run that is counted began about then.
    since: Option<Timestamp>,
    due: u64,
    good: f64,
    bad: f64,
    /// Those of the bad ones that passed, but too slowly.
    slow: f64,
    unknown: f64,
    /// How much of the window lay in maintenance, in whole five minutes: what was walked then is unknown.
    maintenance_seconds: u64,
    allowed: f64,
    /// How much of the budget is left: below 0 where more than all is spent.
    left: Option<f64>,
    is_spent: bool,
    /// The present burn rate, and over which span it was measured.
    burn_rate: Option<f64>,
    burn_window: Option<String>,
    /// When nothing is left, at that rate; null where it lasts.
    ends_at: Option<Timestamp>,
    alerts: Vec<AlertView>,
    burn_rates: Vec<BurnView>,
    spent_by: Vec<SpentView<'a>>,
}

/// A pair of spans.
#[derive(Debug, Serialize)]
struct AlertView {
    urgency: &'static str,
    long: String,
    short: String,
    /// The burn rate that both must exceed.
    factor: f64,
    /// Whether both do.
    exceeded: bool,
    /// Whether pairs of this urgency make a finding: they also need enough bad runs.
    fires: bool,
}

#[derive(Debug, Serialize)]
struct BurnView {
    window: String,
    rate: Option<f64>,
    runs: f64,
    bad: f64,
}

#[derive(Debug, Serialize)]
struct SpentView<'a> {
    /// `change`, `unexplained` (trouble that no change explains) or `usual` (outside of any trouble).
    cause: &'static str,
    change: Option<&'a ChangeId>,
    bad: f64,
    share: Option<f64>,
}

impl<'a> From<&'a Budgets> for SloView<'a> {
    fn from(all: &'a Budgets) -> Self {
        Self { counted_at: all.at, objectives: all.rows.iter().map(ObjectiveView::from).collect() }
    }
}

impl<'a> From<&'a BudgetRow> for ObjectiveView<'a> {
    fn from(row: &'a BudgetRow) -> Self {
        let (standing, budget) = (&row.standing, &row.standing.budget);
        let burns = standing.burns.iter().map(|burn| BurnView {
            window: name_of(burn.window),
            rate: finite(burn.rate),
            runs: rounded(burn.known),
            bad: rounded(burn.bad),
        });
        Self {
            journey: row.series.journey.as_str(),
            environment: row.series.environment.as_str(),
            location: row.series.location.as_str(),
            state: state(row),
            objective_percent: budget.objective_percent,
            latency_ms: row.slo.latency.map(ms),
            window_seconds: budget.window.as_secs(),
            interval_ms: ms(row.interval),
            since: row.since,
            due: budget.due,
            good: rounded(budget.good),
            bad: rounded(budget.bad),
            slow: rounded(budget.slow),
            unknown: rounded(budget.unknown),
            maintenance_seconds: row.maintained.as_secs(),
            allowed: rounded(budget.allowed),
            left: finite(budget.left()),
            is_spent: budget.is_spent(),
            burn_rate: standing.present.and_then(|burn| finite(burn.rate)),
            burn_window: standing.present.map(|burn| name_of(burn.window)),
            ends_at: standing.ends_at,
            alerts: alerts(row),
            burn_rates: burns.collect(),
            spent_by: spent_by(row),
        }
    }
}

/// How an objective stands, in a word; the worst that is true.
pub fn state(row: &BudgetRow) -> &'static str {
    let fires = |urgency| row.signals.iter().any(|s| s.urgency == urgency && s.fires);
    if row.since.is_none() {
        "waiting"
    } else if row.standing.budget.is_spent() {
        "spent"
    } else if fires(Urgency::Page) {
        "fast"
    } else if fires(Urgency::Ticket) {
        "slow"
    } else {
        "good"
    }
}

fn alerts(row: &BudgetRow) -> Vec<AlertView> {
    let allowed = 1.0 - row.slo.objective_percent / 100.0;
    let share = |window| {
        let burn = row.standing.burns.iter().find(|burn: &&Burn| burn.window == window);
        burn.map_or(0.0, |b| if b.known > 0.0 { b.bad / b.known } else { 0.0 })
    };
    let of = |pair: &crate::slo::Pair| AlertView {
        urgency: pair.urgency.as_str(),
        long: name_of(pair.long),
        short: name_of(pair.short),
        factor: pair.factor,
        exceeded: share(pair.long) > pair.threshold(allowed)
            && share(pair.short) > pair.threshold(allowed),
        fires: row.signals.iter().any(|s| s.urgency == pair.urgency && s.fires),
    };
    pairs(row.slo.window).iter().map(of).collect()
}

fn spent_by(row: &BudgetRow) -> Vec<SpentView<'_>> {
    let causes = row.spending.causes.iter().map(|spent| {
        let (cause, change) = match &spent.cause {
            Cause::Change(change) => ("change", Some(change)),
            Cause::Unexplained => ("unexplained", None),
        };
        SpentView { cause, change, bad: rounded(spent.bad), share: finite(spent.share) }
    });
    let (bad, share) = (rounded(row.spending.usual), finite(row.spending.usual_share));
    let usual = (bad > 0.0).then_some(SpentView { cause: "usual", change: None, bad, share });
    causes.chain(usual).collect()
}

fn finite(value: f64) -> Option<f64> {
    value.is_finite().then(|| rounded(value))
}

/// Weighed runs are not whole, but nobody reads more than four digits of them.
fn rounded(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}
