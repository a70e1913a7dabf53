//! How the pages of browser steps felt, and what they asked for, under the names that the browser checks of others use.

use super::family::{Families, Family, Kind};
use crate::model::{Run, StepName, StepOutcome, TypeTraffic};

const STEP: &[&str] = &["journey", "environment", "location", "step"];
const STEP_TYPE: &[&str] = &["journey", "environment", "location", "step", "resource_type"];

/// Most series of each family.
const MOST: usize = 5_000;

static TTFB: Family = Family {
    name: "probe_browser_web_vital_ttfb",
    help: "Time to first byte of the document that a browser step of the last run opened, in seconds.",
    labels: STEP,
    kind: Kind::Gauge,
};
static FCP: Family = Family {
    name: "probe_browser_web_vital_fcp",
    help: "First Contentful Paint of the document that a browser step of the last run opened, in seconds.",
    labels: STEP,
    kind: Kind::Gauge,
};
static LCP: Family = Family {
    name: "probe_browser_web_vital_lcp",
    help: "Largest Contentful Paint of the document that a browser step of the last run opened, in seconds.",
    labels: STEP,
    kind: Kind::Gauge,
};
static INP: Family = Family {
    name: "probe_browser_web_vital_inp",
    help: "Interaction to Next Paint of a browser step of the last run, in seconds.",
    labels: STEP,
    kind: Kind::Gauge,
};
static CLS: Family = Family {
    name: "probe_browser_web_vital_cls",
    help: "Cumulative Layout Shift during a browser step of the last run, a score without unit.",
    labels: STEP,
    kind: Kind::Gauge,
};
static REQUESTS: Family = Family {
    name: "probe_browser_http_requests",
    help: "How many requests the pages of a browser step of the last run made.",
    labels: STEP_TYPE,
    kind: Kind::Gauge,
};
static FAILED: Family = Family {
    name: "probe_browser_http_req_failed",
    help: "The share of these requests that got no answer or a status from 400 on, from 0 to 1.",
    labels: STEP_TYPE,
    kind: Kind::Gauge,
};
static RECEIVED: Family = Family {
    name: "probe_browser_data_received",
    help: "How many bytes came over the wire for the pages of a browser step of the last run.",
    labels: STEP_TYPE,
    kind: Kind::Gauge,
};

/// The families, all of a journey.
pub(super) static FAMILIES: [&Family; 8] =
    [&TTFB, &FCP, &LCP, &INP, &CLS, &REQUESTS, &FAILED, &RECEIVED];

/// By the name of the built-in measure, and what it is multiplied by: measures are milliseconds.
static VITALS: [(&str, &Family, f64); 5] = [
    ("ttfb", &TTFB, 1e-3),
    ("fcp", &FCP, 1e-3),
    ("lcp", &LCP, 1e-3),
    ("inp", &INP, 1e-3),
    ("cls", &CLS, 1.0),
];

/// Shows the browser steps of a run in the place of those of the run before. Of a repeated step the vitals are the mean of its rounds, requests
/// and bytes those of all.
pub(super) fn show(families: &mut Families, run: &Run, series: &[&str; 3]) {
    for family in FAMILIES {
        families.retain(family, |labels| labels[..3] != *series);
    }
    let browsed =
        |step: &StepName| run.steps.iter().any(|run| run.name == *step && run.traffic.is_some());
    for (step, name, value) in run.measured() {
        let known = VITALS.iter().find(|(vital, ..)| *vital == name.as_str());
        if let Some((_, family, unit)) = known.filter(|_| browsed(step)) {
            set(families, family, &[series.as_slice(), &[step.as_str()]].concat(), value * unit);
        }
    }
    for (step, sort) in sorts(run) {
        let labels = [series.as_slice(), &[step.as_str(), sort.kind.as_str()]].concat();
        let requests = f64::from(sort.requests);
        set(families, &REQUESTS, &labels, requests);
        let share = if requests > 0.0 { (f64::from(sort.failed) / requests).min(1.0) } else { 0.0 };
        set(families, &FAILED, &labels, share);
        #[expect(clippy::cast_precision_loss, reason = "bytes of pages")]
        set(families, &RECEIVED, &labels, sort.bytes as f64);
    }
}

fn set(families: &mut Families, family: &'static Family, labels: &[&str], value: f64) {
    if families.len(family) < MOST {
        families.set(family, labels, value);
    }
}

/// What the steps asked for, all rounds of each together.
fn sorts(run: &Run) -> Vec<(&StepName, TypeTraffic)> {
    let mut sums: Vec<(&StepName, TypeTraffic)> = Vec::new();
    for step in run.steps.iter().filter(|step| step.outcome != StepOutcome::Skipped) {
        for sort in step.traffic.iter().flat_map(|traffic| &traffic.by_type) {
            let known = sums.iter_mut().find(|(s, t)| **s == step.name && t.kind == sort.kind);
            match known {
                Some((_, sum)) => {
                    sum.requests = sum.requests.saturating_add(sort.requests);
                    sum.failed = sum.failed.saturating_add(sort.failed);
                    sum.bytes = sum.bytes.saturating_add(sort.bytes);
                }
                None => sums.push((&step.name, *sort)),
            }
        }
    }
    sums
}
