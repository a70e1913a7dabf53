//! Numbers that a step measures, once its checks held.

use crate::{
    check::{self, Answer, Wording},
    engine::vars::Variables,
    model::{AssertionResult, Failure, FaultKind, Measured, Step},
};

/// Longest note on a measure that there is none of, in characters.
const NOTE: usize = 200;

/// What a step measures; and why it failed, where one that it requires is missing.
pub(super) fn measure(
    step: &Step,
    answer: &Answer,
    vars: &Variables,
    wording: &impl Wording,
) -> (Vec<Measured>, Option<Failure>) {
    let mut failure = None;
    let mut taken = Vec::new();
    for measure in &step.measures {
        let found = check::measure(&measure.query, answer, wording).map_err(|fault| fault.message);
        // A number that is a secret is kept as little as any other text that is one.
        let found = found.and_then(|value| {
            let text = value.to_string();
            if vars.mask().apply(&text) == text { Ok(value) } else { Err("it is a secret".into()) }
        });
        let note = found.as_ref().err().map(|m| vars.mask().excerpt(m, NOTE, false).0);
        if let (Some(note), true) = (&note, measure.required && failure.is_none()) {
            failure = Some(Failure {
                step: step.name.clone(),
                kind: FaultKind::Capture,
                message: format!("{} could not be measured: {note}", measure.name),
                check: Some(check::describe_measure(measure)),
                expected: Some("a number".to_owned()),
                actual: Some(note.clone()),
            });
        }
        taken.push(Measured {
            name: measure.name.clone(),
            unit: measure.judged.unit.clone(),
            value: found.ok(),
            note,
        });
    }
    (taken, failure)
}

/// A required measure that is missing, as an assertion that did not hold.
pub(super) fn unmet(failure: &Failure) -> AssertionResult {
    AssertionResult {
        check: failure.check.clone().unwrap_or_default(),
        passed: false,
        expected: failure.expected.clone(),
        actual: failure.actual.clone(),
    }
}
