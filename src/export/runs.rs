//! What runs looked like.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    agent, browser,
    changes::SHIFT,
    exporter::{Exporter, State},
    family::{Families, Family, Kind},
    slo,
};
use crate::model::{
    Hop, Journey, JourneyName, Outcome, Phases, Run, StepName, StepOutcome, StepRun,
};

/// 5 ms to 60 s, denser where journeys usually are.
pub(super) const BOUNDS: &[f64] =
    &[0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.5, 5.0, 10.0, 30.0, 60.0];

const SERIES: &[&str] = &["journey", "environment", "location"];
const SERIES_PHASE: &[&str] = &["journey", "environment", "location", "phase"];
const SERIES_STEP: &[&str] = &["journey", "environment", "location", "step"];
const SERIES_STEP_PHASE: &[&str] = &["journey", "environment", "location", "step", "phase"];
const SERIES_RESULT: &[&str] = &["journey", "environment", "location", "result"];

static SUCCESS: Family = Family {
    name: "probe_success",
    help: "Whether the last run passed: 1, or 0 when it failed. A broken run, which is the prober's own trouble, does not move it.",
    labels: SERIES,
    kind: Kind::Gauge,
};
static DURATION: Family = Family {
    name: "probe_duration_seconds",
    help: "How long the last run took, all its steps together.",
    labels: SERIES,
    kind: Kind::Gauge,
};
static PHASES: Family = Family {
    name: "probe_http_duration_seconds",
    help: "How long each phase of HTTP took in the last run, summed over all its requests and redirects.",
    labels: SERIES_PHASE,
    kind: Kind::Gauge,
};
static STATUS: Family = Family {
    name: "probe_http_status_code",
    help: "The status of the last answer in the last run; 0 when none came.",
    labels: SERIES,
    kind: Kind::Gauge,
};
static CERTIFICATE: Family = Family {
    name: "probe_ssl_earliest_cert_expiry",
    help: "When the first of the certificates seen ends, in seconds since 1970. A failed run without TLS leaves it as it was.",
    labels: SERIES,
    kind: Kind::Gauge,
};
static STEP_PHASES: Family = Family {
    name: "wayfarer_step_phase_seconds",
    help: "How long each phase of HTTP took in a step of the last run, summed over its redirects.",
    labels: SERIES_STEP_PHASE,
    kind: Kind::Gauge,
};
static STEP_STATUS: Family = Family {
    name: "wayfarer_step_http_status_code",
    help: "The status of the last answer in a step of the last run; 0 when none came.",
    labels: SERIES_STEP,
    kind: Kind::Gauge,
};
static MEASURE: Family = Family {
    name: "wayfarer_measure",
    help: "What a step measured in the last run, in the measure's own unit; the mean where the step is repeated.",
    labels: &["journey", "environment", "location", "step", "name"],
    kind: Kind::Gauge,
};
static LAST: Family = Family {
    name: "wayfarer_run_last_timestamp_seconds",
    help: "When the run began that the probe metrics show, in seconds since 1970.",
    labels: SERIES,
    kind: Kind::Gauge,
};
static RUNS: Family = Family {
    name: "wayfarer_runs_total",
    help: "Runs by result: passed, failed (the target's fault) or broken (the prober's own).",
    labels: SERIES_RESULT,
    kind: Kind::Counter,
};
static RUN_DURATION: Family = Family {
    name: "wayfarer_run_duration_seconds",
    help: "How long runs that passed took.",
    labels: SERIES,
    kind: Kind::Histogram(BOUNDS),
};
static STEP_DURATION: Family = Family {
    name: "wayfarer_step_duration_seconds",
    help: "How long steps that passed took.",
    labels: SERIES_STEP,
    kind: Kind::Histogram(BOUNDS),
};
static JOURNEY: Family = Family {
    name: "wayfarer_journey_info",
    help: "What is known of a journey; the value is always 1.",
    labels: &["journey", "owner", "services", "runbook"],
    kind: Kind::Gauge,
};

/// Every family whose first label is the journey.
pub(super) static OF_A_JOURNEY: &[&Family] = &[
    &SUCCESS,
    &DURATION,
    &PHASES,
    &STATUS,
    &CERTIFICATE,
    &STEP_PHASES,
    &STEP_STATUS,
    &MEASURE,
    &LAST,
    &RUNS,
    &RUN_DURATION,
    &STEP_DURATION,
    &JOURNEY,
];

impl Exporter {
    /// Counts a run and shows it.
    pub fn observe(&self, run: &Run) {
        let mut state = self.state();
        if state.forgotten.contains(&run.journey) {
            return;
        }
        let series = [run.journey.as_str(), run.environment.as_str(), run.location.as_str()];
        let families = &mut state.families;
        agent::late(families, run.late_by);
        for result in ["passed", "failed", "broken"] {
            let one = f64::from(u8::from(result == run.outcome.label()));
            families.add(&RUNS, &labels(&series, &[result]), one);
        }
        slo::count(&mut state, run, series);
        let families = &mut state.families;
        if matches!(run.outcome, Outcome::Broken { .. }) {
            return;
        }
        if matches!(run.outcome, Outcome::Passed) {
            families.observe(&RUN_DURATION, &series, run.duration.as_secs_f64());
        }
        for (name, duration) in passed_steps(run) {
            let labels = labels(&series, &[name.as_str()]);
            families.observe(&STEP_DURATION, &labels, duration.as_secs_f64());
        }
        show(&mut state, run, series);
    }

    /// Shows a run without counting it: the newest one of a series, after a restart.
    pub fn restore(&self, run: &Run) {
        let mut state = self.state();
        let broken = matches!(run.outcome, Outcome::Broken { .. });
        if !broken && !state.forgotten.contains(&run.journey) {
            let series = [run.journey.as_str(), run.environment.as_str(), run.location.as_str()];
            show(&mut state, run, series);
        }
    }

    /// Shows what is known of a journey; it is no longer forgotten.
    pub fn journey_info(&self, journey: &Journey) {
        let mut state = self.state();
        state.forgotten.remove(&journey.name);
        match journey.slo {
            Some(slo) => {
                let promised = (slo, journey.named_services());
                drop(state.objectives.insert(journey.name.clone(), promised));
            }
            None => drop(state.objectives.remove(&journey.name)),
        }
        let services: Vec<_> = journey.services.iter().map(|s| s.as_str()).collect();
        let values = [
            journey.name.as_str(),
            journey.owner.as_deref().unwrap_or_default(),
            &services.join(","),
            journey.runbook.as_deref().unwrap_or_default(),
        ];
        state.families.retain(&JOURNEY, |labels| labels[0] != journey.name.as_str());
        state.families.set(&JOURNEY, &values, 1.0);
    }

    /// Removes every series of a journey that is gone. Verdicts on it stay as long as their change is shown.
    pub fn forget_journey(&self, name: &JourneyName) {
        let mut state = self.state();
        state.forgotten.insert(name.clone());
        state.shown.retain(|series, _| series.journey != *name);
        for family in OF_A_JOURNEY.iter().chain(&browser::FAMILIES).chain(&slo::FAMILIES) {
            state.families.retain(family, |labels| labels[0] != name.as_str());
        }
        state.families.retain(&SHIFT, |labels| labels[0] != name.as_str());
    }
}

/// A run as the last one of its series, unless a later one is shown already.
fn show(state: &mut State, run: &Run, series: [&str; 3]) {
    if state.shown.get(&run.series()).is_some_and(|shown| *shown > run.started_at) {
        return;
    }
    state.shown.insert(run.series(), run.started_at);
    let families = &mut state.families;
    let passed = matches!(run.outcome, Outcome::Passed);
    families.set(&SUCCESS, &series, f64::from(u8::from(passed)));
    families.set(&DURATION, &series, run.duration.as_secs_f64());
    families.set(&LAST, &series, seconds(run.started_at));
    let hops: Vec<&Hop> = run.steps.iter().flat_map(|s| &s.hops).collect();
    for (phase, length) in sum(hops.iter().copied()).named() {
        families.set(&PHASES, &labels(&series, &[phase]), length.as_secs_f64());
    }
    families.set(&STATUS, &series, status(hops.last().copied()));
    match hops.iter().filter_map(|h| h.certificate_expires_at).min() {
        Some(end) => families.set(&CERTIFICATE, &series, seconds(end)),
        None if passed => families.retain(&CERTIFICATE, |labels| *labels != series),
        None => {}
    }
    show_steps(families, run, &series);
    browser::show(families, run, &series);
}

/// Most series of measures: their names are a user's, their number is not to be anybody's.
const MEASURES: usize = 5_000;

/// The steps that passed in all their rounds, and how long these took together.
fn passed_steps(run: &Run) -> Vec<(&StepName, Duration)> {
    let mut steps: Vec<(&StepName, Duration, bool)> = Vec::new();
    for step in run.steps.iter().filter(|step| step.outcome != StepOutcome::Skipped) {
        let passed = step.outcome == StepOutcome::Passed;
        match steps.iter_mut().find(|(name, ..)| **name == step.name) {
            Some((_, sum, all)) => (*sum, *all) = (*sum + step.duration, *all && passed),
            None => steps.push((&step.name, step.duration, passed)),
        }
    }
    steps.into_iter().filter(|(.., all)| *all).map(|(name, sum, _)| (name, sum)).collect()
}

/// The steps of the last run; a step it did not come to has no values, nor has a measure that was not found.
fn show_steps(families: &mut Families, run: &Run, series: &[&str; 3]) {
    for family in [&STEP_PHASES, &STEP_STATUS] {
        families.retain(family, |labels| {
            let step = labels[3].as_str();
            labels[..3] != *series || walked(run).any(|s| s.name.as_str() == step)
        });
    }
    families.retain(&MEASURE, |labels| labels[..3] != *series);
    for (step, name, value) in run.measured() {
        if families.len(&MEASURE) < MEASURES {
            families.set(&MEASURE, &labels(series, &[step.as_str(), name.as_str()]), value);
        }
    }
    for step in walked(run) {
        let name = step.name.as_str();
        // A repeated step is shown once: all its rounds together, and the status of the last.
        let rounds = walked(run).filter(|other| other.name == step.name);
        for (phase, length) in sum(rounds.flat_map(|round| &round.hops)).named() {
            let labels = labels(series, &[name, phase]);
            families.set(&STEP_PHASES, &labels, length.as_secs_f64());
        }
        families.set(&STEP_STATUS, &labels(series, &[name]), status(step.hops.last()));
    }
}

/// The steps of a run that were walked.
fn walked(run: &Run) -> impl Iterator<Item = &StepRun> {
    run.steps.iter().filter(|step| step.outcome != StepOutcome::Skipped)
}

fn sum<'a>(hops: impl IntoIterator<Item = &'a Hop>) -> Phases {
    let mut sum = Phases::default();
    hops.into_iter().for_each(|hop| sum.add(&hop.phases));
    sum
}

fn status(hop: Option<&Hop>) -> f64 {
    hop.and_then(|h| h.status).map_or(0.0, f64::from)
}

fn labels<'a>(series: &[&'a str; 3], more: &[&'a str]) -> Vec<&'a str> {
    series.iter().chain(more).copied().collect()
}

/// Seconds since 1970.
pub(super) fn seconds(at: Timestamp) -> f64 {
    // Exact to the microsecond until long after the year 2200.
    at.as_microsecond() as f64 / 1e6
}
