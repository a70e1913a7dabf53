//! The revision of a journey: a short hash of what is walked and asserted.

use std::{collections::BTreeMap, time::Duration};

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::model::{Action, Assertion, Capture, Query, Revision, Step};

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
}

/// The first 12 hexadecimal digits of SHA-256 over steps, variables and deadline, as JSON.
///
/// Comments, texts for people, the schedule, owners and environments leave it as it is: an edit that does not alter the walk
/// keeps its baseline.
pub(super) fn of(steps: &[Step], vars: &BTreeMap<String, String>, timeout: Duration) -> Revision {
    let steps: Vec<Walked<'_>> = steps
        .iter()
        .map(|step| Walked {
            name: step.name.as_str(),
            timeout: step.timeout,
            action: &step.action,
            captures: &step.captures,
            assertions: &step.assertions,
            measures: step
                .measures
                .iter()
                .map(|m| (m.name.as_str(), &m.query, m.required))
                .collect(),
        })
        .collect();
    // Numbers, texts and maps with text keys can always be written as JSON.
    let text = serde_json::to_vec(&(steps, vars, timeout)).unwrap_or_default();
    let digest = Sha256::digest(&text);
    let hex: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    Revision::from(hex)
}
