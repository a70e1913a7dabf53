//! Objectives and their error budgets.

use std::collections::BTreeSet;

use super::{
    exporter::{Exporter, State},
    family::{Family, Kind},
};
use crate::{
    model::{Maintenance, Outcome, Run, SeriesKey, Slo, Trigger},
    slo::{Standing, name_of},
};

const SERIES: &[&str] = &["journey", "environment", "location"];

static OBJECTIVE: Family = Family {
    name: "wayfarer_slo_objective_ratio",
    help: "The share of runs that should be good.",
    labels: SERIES,
    kind: Kind::Gauge,
};
static WINDOW: Family = Family {
    name: "wayfarer_slo_window_seconds",
    help: "Over how long the objective is meant.",
    labels: SERIES,
    kind: Kind::Gauge,
};
static LEFT: Family = Family {
    name: "wayfarer_slo_error_budget_remaining_ratio",
    help: "How much of the error budget is left: 1 is all of it, below 0 more than all is spent.",
    labels: SERIES,
    kind: Kind::Gauge,
};
static BURN: Family = Family {
    name: "wayfarer_slo_burn_rate",
    help: "How many times faster than allowed the error budget was spent in this time; at 1 it lasts exactly as long as its window.",
    labels: &["journey", "environment", "location", "window"],
    kind: Kind::Gauge,
};
pub(super) static RUNS: Family = Family {
    name: "wayfarer_slo_runs_total",
    help: "Runs of the schedule that were good or bad by the journey's objective: one that is too slow is bad, a broken one or one in [[maintenance]] neither.",
    labels: &["journey", "environment", "location", "result"],
    kind: Kind::Counter,
};

/// Those whose first label is the journey.
pub(super) static FAMILIES: [&Family; 5] = [&OBJECTIVE, &WINDOW, &LEFT, &BURN, &RUNS];

impl Exporter {
    /// When runs spend no error budget, from now on.
    pub fn maintenance(&self, windows: Vec<Maintenance>) {
        self.state().maintenance = windows;
    }

    /// Shows how these objectives stand, and no others.
    pub fn slo<'a>(&self, all: impl IntoIterator<Item = (&'a SeriesKey, &'a Slo, &'a Standing)>) {
        let mut state = self.state();
        let mut shown = BTreeSet::new();
        for (series, slo, standing) in all {
            if state.forgotten.contains(&series.journey) {
                continue;
            }
            let key =
                [series.journey.as_str(), series.environment.as_str(), series.location.as_str()];
            shown.insert(key.map(str::to_owned).to_vec());
            let families = &mut state.families;
            // The window of an objective may have become another one, and with it the spans.
            families.retain(&BURN, |labels| labels[..3] != key);
            // A decimal of a percentage, not what is left of it in binary.
            let objective = (slo.objective_percent * 1e10).round() / 1e12;
            families.set(&OBJECTIVE, &key, objective);
            families.set(&WINDOW, &key, slo.window.as_secs_f64());
            families.set(&LEFT, &key, standing.budget.left());
            for burn in &standing.burns {
                let window = name_of(burn.window);
                families.set(&BURN, &[key[0], key[1], key[2], &window], burn.rate);
            }
        }
        for family in [&OBJECTIVE, &WINDOW, &LEFT, &BURN] {
            state.families.retain(family, |labels| shown.contains(&labels[..3]));
        }
    }
}

/// Counts a run of the schedule by the objective of its journey; those that a watch adds would count an outage several times.
pub(super) fn count(state: &mut State, run: &Run, series: [&str; 3]) {
    let Some((slo, services)) = state.objectives.get(&run.journey) else { return };
    if run.trigger != Trigger::Schedule {
        return;
    }
    // As in the books: what was walked meanwhile is nobody's fault, and nobody's merit.
    let maintained = |window: &Maintenance| {
        window.touches(&run.environment, services) && window.holds(run.started_at)
    };
    if state.maintenance.iter().any(maintained) {
        return;
    }
    let bad = match run.outcome {
        Outcome::Passed => slo.latency.is_some_and(|limit| run.duration > limit),
        Outcome::Failed(_) => true,
        Outcome::Broken { .. } => return,
    };
    for (result, is) in [("good", !bad), ("bad", bad)] {
        let labels = [series[0], series[1], series[2], result];
        state.families.add(&RUNS, &labels, f64::from(u8::from(is)));
    }
}
