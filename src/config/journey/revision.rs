//! The revision of a journey: a short hash of what is walked and asserted.

use std::{collections::BTreeMap, time::Duration};

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::model::{
    Action, Assertion, Capture, Flow, MeasureRule, PartUse, Query, Revision, SharedSetup, Step,
};

/// What of a step decides how long it takes and whether it passes; whose it is and whether it buys does not.
#[derive(Serialize)]
struct Walked<'a> {
    name: &'a str,
    timeout: Option<Duration>,
    action: &'a Action,
    captures: &'a [Capture],
    assertions: &'a [Assertion],
    /// What is measured, and whether it must be; not how it is judged.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    measures: Vec<(&'a str, &'a Query, bool)>,
    #[serde(skip_serializing_if = "Flow::is_plain")]
    flow: &'a Flow,
}

/// The first 12 hexadecimal digits of SHA-256 over steps, variables, deadline and setup, as JSON.
///
/// Comments, texts for people, the schedule, owners and environments leave it as it is: an edit that does not alter the walk
/// keeps its baseline. So does a key that nobody used: what it was before is not written.
pub(super) fn of(
    steps: &[Step],
    vars: &BTreeMap<String, String>,
    timeout: Duration,
    setup: Option<&SharedSetup>,
) -> Revision {
    let steps: Vec<Step> = steps.iter().map(neutral).collect();
    let steps: Vec<Walked<'_>> = steps.iter().map(walked).collect();
    match setup {
        None => hash(&(steps, vars, timeout)),
        Some(setup) => hash(&(steps, vars, timeout, &setup.revision)),
    }
}

/// The revision of a part that opens a session.
pub(super) fn of_part(part: &PartUse) -> Revision {
    let steps: Vec<Step> = part.steps.iter().map(neutral).collect();
    let steps: Vec<Walked<'_>> = steps.iter().map(walked).collect();
    hash(&(&part.part, steps, &part.with, &part.outputs))
}

fn walked(step: &Step) -> Walked<'_> {
    Walked {
        name: step.name.as_str(),
        timeout: step.timeout,
        action: &step.action,
        captures: &step.captures,
        assertions: &step.assertions,
        measures: step.measures.iter().map(|m| (m.name.as_str(), &m.query, m.required)).collect(),
        flow: &step.flow,
    }
}

/// The step as it is walked, whoever looks after it: of the steps of a part all is written.
fn neutral(step: &Step) -> Step {
    let mut step = Step { service: None, effect: false, ..step.clone() };
    step.measures.iter_mut().for_each(|measure| measure.judged = MeasureRule::default());
    if let Action::Part(part) = &mut step.action {
        part.steps = part.steps.iter().map(neutral).collect();
    }
    step
}

fn hash(walked: &impl Serialize) -> Revision {
    // Numbers, texts and maps with text keys can always be written as JSON.
    let text = serde_json::to_vec(walked).unwrap_or_default();
    let digest = Sha256::digest(&text);
    let hex: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    Revision::from(hex)
}
