//! What a step got against what was asked of it: captures, assertions, measures, and the failure that comes of them. The same for all engines.

use std::cell::RefCell;

use super::{
    fault::Trouble,
    http::{hide, measure, unmet},
    vars::Variables,
};
use crate::{
    check::{self, Answer, Wording},
    model::{
        Assertion, AssertionResult, Capture, Evidence, Failure, FaultKind, Query, Step, StepName,
        StepRun, Subject, Text,
    },
};

/// A step as it was walked.
pub(super) struct WalkedStep {
    pub(super) run: StepRun,
    /// Why it did not pass, if it did not.
    pub(super) end: Option<End>,
    /// Whether what is waited for has come; none where nothing is waited for, or there was no answer.
    pub(super) until: Option<bool>,
}

/// How a run ends in a step that did not pass.
pub(super) enum End {
    Failed(Box<Failure>, Option<Evidence>),
    /// What was wrong with us, and at which step.
    Broken(String, StepName),
}

/// A failure without an assertion.
pub(super) fn bare(step: &Step, kind: FaultKind, message: String) -> Failure {
    Failure { step: step.name.clone(), kind, message, check: None, expected: None, actual: None }
}

/// The assertion nobody wrote: of a step that says nothing of the status.
pub(super) struct Unwritten {
    pub(super) result: AssertionResult,
    /// A sentence for where it does not hold.
    pub(super) message: String,
}

/// Captures and assertions over an answer. All assertions are judged, so that a report shows each; the first that does not hold is the
/// failure, and where all hold, the first capture that found nothing.
pub(super) fn judge(
    step: &Step,
    answer: &Answer,
    unwritten: Unwritten,
    vars: &mut Variables,
    (run, until): (&mut StepRun, &mut Option<bool>),
) -> Option<End> {
    let missing = capture(step, answer, vars, run);
    let checking = Checking::of(vars);
    let mut failed: Option<(FaultKind, String, AssertionResult)> = None;
    if !check::looks_at_status(&step.assertions) {
        let Unwritten { result, message } = unwritten;
        if !result.passed {
            failed = Some((FaultKind::Status, message, result.clone()));
        }
        run.assertions.push(result);
    }
    for assertion in &step.assertions {
        let mut result = check::assert(assertion, answer, &checking);
        if let Subject::Header(name) = &assertion.query.subject {
            // Cookies and credentials are no more to be seen in a comparison than in evidence.
            let shown = |t: String| if hides(name) { hide_all(answer, name, &checking) } else { t };
            result.actual = result.actual.map(shown);
        }
        if !result.passed && failed.is_none() {
            let status = check::is_status(&assertion.query);
            let kind = if status { FaultKind::Status } else { FaultKind::Assertion };
            failed = Some((kind, said(&result), result.clone()));
        }
        run.assertions.push(result);
    }
    if let Some(wanted) = step.flow.retry.as_ref().and_then(|retry| retry.until.as_ref()) {
        let mut result = check::assert(wanted, answer, &checking);
        result.check = format!("{UNTIL}{}", result.check);
        *until = Some(result.passed);
        if !result.passed && failed.is_none() {
            failed = Some((FaultKind::Assertion, said(&result), result.clone()));
        }
        run.assertions.push(result);
    }
    let unfilled = checking.unfilled.into_inner();
    let fail = |kind, message: String, result: AssertionResult| {
        let failure = Failure {
            step: step.name.clone(),
            kind,
            message,
            check: Some(result.check),
            expected: result.expected,
            actual: result.actual,
        };
        Some(End::Failed(Box::new(failure), None))
    };
    match (unfilled, failed, missing) {
        // A template of an assertion may need the capture that found nothing: then that is the reason.
        (Some(_), _, Some((result, message))) => fail(FaultKind::Capture, message, result),
        (Some(Trouble::Ours(reason)), _, None) => Some(End::Broken(reason, step.name.clone())),
        (Some(Trouble::Target(kind, message)), _, None) => {
            Some(End::Failed(Box::new(bare(step, kind, message)), None))
        }
        (None, Some((kind, message, result)), _) => fail(kind, message, result),
        (None, None, Some((result, message))) => fail(FaultKind::Capture, message, result),
        (None, None, None) => {
            let (measures, missing) = measure(step, answer, vars, &Checking::of(vars));
            run.measures = measures;
            run.assertions.extend(missing.as_ref().map(unmet));
            missing.map(|failure| End::Failed(Box::new(failure), None))
        }
    }
}

/// Takes the captures; gives the first that found nothing.
fn capture(
    step: &Step,
    answer: &Answer,
    vars: &mut Variables,
    run: &mut StepRun,
) -> Option<(AssertionResult, String)> {
    let mut missing = None;
    let mut taken = Vec::new();
    for capture in &step.captures {
        let found = check::capture(&capture.query, answer, &Checking::of(vars));
        if capture.secret && !capture.query.filters.is_empty() {
            hide_origin(capture, found.as_deref().ok(), answer, vars);
        }
        match found {
            Ok(value) => {
                vars.capture(&capture.name, value.clone(), capture.secret);
                taken.push((capture, value));
            }
            Err(fault) if missing.is_none() => {
                let said = if capture.secret { fault.without_value() } else { &fault.message };
                let (actual, _) = vars.mask().excerpt(said, 400, false);
                let result = AssertionResult {
                    check: check::describe_capture(capture),
                    passed: false,
                    expected: Some("a value to keep".to_owned()),
                    actual: Some(actual.clone()),
                };
                missing = Some((result, format!("{} has no value: {actual}", capture.name)));
            }
            Err(_) => {}
        }
    }
    // After the loop: a value may hold one that only became a secret with a later capture.
    for (capture, value) in taken {
        let shown = if capture.secret {
            crate::render::MASK.to_owned()
        } else {
            vars.mask().excerpt(&value, 400, false).0
        };
        run.captures.push((capture.name.clone(), shown));
    }
    missing
}

/// Longest text that is hidden for what was made of it, in bytes: no secret is as long as a page.
const ORIGIN: usize = 4096;

/// What a secret was made of by filters is a secret too, where it does not hold the secret as it is.
fn hide_origin(capture: &Capture, made: Option<&str>, answer: &Answer, vars: &mut Variables) {
    let origin = Query::from(capture.query.subject.clone());
    let Ok(origin) = check::capture(&origin, answer, &Checking::of(vars)) else { return };
    if origin.len() <= ORIGIN && made.is_none_or(|made| !origin.contains(made)) {
        vars.hide(&origin);
        vars.learn();
    }
}

/// How the check is called that a retry waits for.
const UNTIL: &str = "until ";

/// A sentence for a failed assertion: `expected status equals 303, got 500`.
fn said(result: &AssertionResult) -> String {
    let actual = result.actual.as_deref().unwrap_or_default();
    if result.check.starts_with(UNTIL) {
        return format!("{}: got {actual}", result.check);
    }
    format!("expected {}, got {actual}", result.check)
}

fn hides(name: &str) -> bool {
    ["set-cookie", "cookie", "authorization", "proxy-authorization"]
        .iter()
        .any(|hidden| name.eq_ignore_ascii_case(hidden))
}

fn hide_all(answer: &Answer, name: &str, checking: &Checking<'_>) -> String {
    let values = answer.headers.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name));
    let hidden: Vec<String> =
        values.map(|(_, value)| hide(name, value, checking.vars.mask())).collect();
    if hidden.is_empty() { "nothing found".to_owned() } else { hidden.join(", ") }
}

/// What assertions need: variables, and a note of what could not be filled.
pub(super) struct Checking<'a> {
    vars: &'a Variables,
    unfilled: RefCell<Option<Trouble>>,
}

/// Whether a condition on variables holds.
pub(super) fn holds(condition: &Assertion, vars: &Variables) -> Result<bool, Trouble> {
    let checking = Checking { vars, unfilled: RefCell::new(None) };
    let result = check::assert(condition, &Answer::new(0, String::new()), &checking);
    checking.unfilled.into_inner().map_or(Ok(result.passed), Err)
}

impl<'a> Checking<'a> {
    pub(super) fn of(vars: &'a Variables) -> Self {
        Self { vars, unfilled: RefCell::new(None) }
    }

    /// The trouble of the first text that could not be filled.
    pub(super) fn unfilled(self) -> Option<Trouble> {
        self.unfilled.into_inner()
    }
}

impl Wording for Checking<'_> {
    fn fill(&self, text: &Text) -> Result<String, String> {
        self.vars.fill(text).inspect_err(|reason| {
            let trouble = self.vars.unfilled(text, reason.clone());
            self.unfilled.borrow_mut().get_or_insert(trouble);
        })
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.vars.value(name).map(ToOwned::to_owned)
    }

    fn mask(&self, text: &str, cap: usize) -> (String, bool) {
        self.vars.mask().excerpt(text, cap, false)
    }
}
