//! One HTTP step: its hops, then its checks.

use std::{cell::RefCell, time::Duration};

use super::{
    auth::Login,
    certificate, decode,
    evidence::hide,
    hop::Walked,
    marks::whole_micros,
    measure, redirect,
    request::{Request, build},
    session::Session,
};
use crate::{
    check::{self, Answer, Wording},
    engine::{fault::Trouble, limits::Deadline, vars::Variables},
    model::{
        Assertion, AssertionResult, Capture, Evidence, Failure, FaultKind, HttpStep, Query, Step,
        StepName, StepOutcome, StepRun, Subject, Text,
    },
};

/// A step as it was walked.
pub(in crate::engine) struct WalkedStep {
    pub(in crate::engine) run: StepRun,
    /// Why it did not pass, if it did not.
    pub(in crate::engine) end: Option<End>,
    /// Whether what is waited for has come; none where nothing is waited for, or there was no answer.
    pub(in crate::engine) until: Option<bool>,
}

/// How a run ends in a step that did not pass.
pub(in crate::engine) enum End {
    Failed(Box<Failure>, Option<Evidence>),
    /// What was wrong with us, and at which step.
    Broken(String, StepName),
}

/// Walks a step once: never fails, whatever the target does.
pub(in crate::engine) async fn walk_step(
    session: &mut Session,
    step: &Step,
    http: &HttpStep,
    vars: &mut Variables,
    deadline: &mut Deadline,
) -> WalkedStep {
    let began = session.clock.instant();
    let mut walked = Vec::new();
    let mut until = None;
    let trouble = hops(session, http, vars, deadline, &mut walked).await.err();
    let duration = walked.iter().map(|w| w.hop.duration).sum();
    let offset = walked.first().map_or_else(
        || whole_micros(began.saturating_duration_since(session.watch.origin())),
        |first| first.hop.offset,
    );
    let mut run = StepRun {
        name: step.name.clone(),
        offset,
        duration,
        outcome: StepOutcome::Passed,
        hops: Vec::new(),
        assertions: Vec::new(),
        captures: Vec::new(),
        iteration: None,
        retries: Vec::new(),
        failure: None,
        measures: Vec::new(),
    };
    let end = match trouble {
        Some(Trouble::Ours(reason)) => Some(End::Broken(reason, step.name.clone())),
        Some(Trouble::Target(kind, message)) => {
            Some(End::Failed(Box::new(bare(step, kind, message)), None))
        }
        None => judge(session, step, &walked, vars, (&mut run, &mut until)),
    };
    run.hops = walked.iter().map(|w| w.hop.clone()).collect();
    session.trail.add(&step.name, &walked, vars.mask());
    let end = end.map(|end| match end {
        End::Failed(failure, _) => {
            End::Failed(failure, session.trail.evidence(walked.last(), vars.mask()))
        }
        broken @ End::Broken(..) => broken,
    });
    run.outcome = match end {
        None => StepOutcome::Passed,
        Some(End::Failed(..)) => StepOutcome::Failed,
        Some(End::Broken(..)) => StepOutcome::Broken,
    };
    WalkedStep { run, end, until }
}

/// A failure without an assertion.
fn bare(step: &Step, kind: FaultKind, message: String) -> Failure {
    Failure { step: step.name.clone(), kind, message, check: None, expected: None, actual: None }
}

/// Sends the request and follows its redirects.
async fn hops(
    session: &mut Session,
    http: &HttpStep,
    vars: &mut Variables,
    deadline: &mut Deadline,
    walked: &mut Vec<Walked>,
) -> Result<(), Trouble> {
    session.ready_for(http)?;
    let built = build(http, vars);
    vars.learn();
    let mut request: Request = built?;
    session.guard.asks(&request.url).map_err(|why| vars.blame(&http.url, FaultKind::Guard, why))?;
    if let Some(why) = session.contradicts(&request.url) {
        return Err(Trouble::ours(why));
    }
    let login = Login::begin(http, &request, session, vars, deadline, walked).await;
    vars.learn();
    let mut login = login?;
    let mut redirects = 0;
    loop {
        if let Some(login) = &mut login {
            let signed = login.sign(&mut request, session, vars);
            vars.learn();
            signed?;
        }
        if session.clock.instant() >= deadline.at {
            let message = format!("{} passed before the request was sent", deadline.name);
            return Err(Trouble::target(FaultKind::Timeout, message));
        }
        let mut hop = session.hop(&request, http.max_body_bytes, deadline).await;
        let trouble = hop.trouble.take();
        let head = hop.head.clone();
        walked.push(hop);
        if let Some(trouble) = trouble {
            return Err(trouble);
        }
        if let (Some(login), Some(head)) = (&mut login, &head) {
            let again = login.again(head, &request, session, vars, deadline).await;
            vars.learn();
            if again? {
                continue;
            }
        }
        let Some(head) = head.filter(|head| redirect::is_redirect(head.status)) else {
            return Ok(());
        };
        if http.redirects == 0 {
            return Ok(());
        }
        redirects += 1;
        if redirects > http.redirects {
            return Err(redirect::too_many(http.redirects, walked.iter().map(|w| &w.request.url)));
        }
        request = redirect::follow(&request, head.status, &head.headers, vars.mask())?;
        session.guard.asks(&request.url).map_err(|why| {
            Trouble::target(FaultKind::Guard, format!("the redirect leads astray: {why}"))
        })?;
    }
}

/// Captures and assertions over the last hop. All assertions are judged, so that a report shows each; the first that does not hold is the
/// failure, and where all hold, the first capture that found nothing.
fn judge(
    session: &Session,
    step: &Step,
    walked: &[Walked],
    vars: &mut Variables,
    (run, until): (&mut StepRun, &mut Option<bool>),
) -> Option<End> {
    let answer = answer(session, walked, run.duration)?;
    let missing = capture(step, &answer, vars, run);
    let checking = Checking::of(vars);
    let mut failed: Option<(FaultKind, AssertionResult)> = None;
    if !check::looks_at_status(&step.assertions) {
        let result = default_assertion(&answer);
        if !result.passed {
            failed = Some((FaultKind::Status, result.clone()));
        }
        run.assertions.push(result);
    }
    for assertion in &step.assertions {
        let mut result = check::assert(assertion, &answer, &checking);
        if let Subject::Header(name) = &assertion.query.subject {
            // Cookies and credentials are no more to be seen in a comparison than in evidence.
            let shown =
                |t: String| if hides(name) { hide_all(&answer, name, &checking) } else { t };
            result.actual = result.actual.map(shown);
        }
        if !result.passed && failed.is_none() {
            let status = check::is_status(&assertion.query);
            let kind = if status { FaultKind::Status } else { FaultKind::Assertion };
            failed = Some((kind, result.clone()));
        }
        run.assertions.push(result);
    }
    if let Some(wanted) = step.flow.retry.as_ref().and_then(|retry| retry.until.as_ref()) {
        let mut result = check::assert(wanted, &answer, &checking);
        result.check = format!("{UNTIL}{}", result.check);
        *until = Some(result.passed);
        if !result.passed && failed.is_none() {
            failed = Some((FaultKind::Assertion, result.clone()));
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
        (None, Some((kind, result)), _) => {
            let message = said(&result);
            fail(kind, message, result)
        }
        (None, None, Some((result, message))) => fail(FaultKind::Capture, message, result),
        (None, None, None) => {
            let (measures, missing) = measure::measure(step, &answer, vars, &Checking::of(vars));
            run.measures = measures;
            run.assertions.extend(missing.as_ref().map(measure::unmet));
            missing.map(|failure| End::Failed(Box::new(failure), None))
        }
    }
}

/// The answer as the checks see it.
fn answer(session: &Session, walked: &[Walked], duration: Duration) -> Option<Answer> {
    let last = walked.last()?;
    let head = last.head.as_ref()?;
    let mut answer = Answer::new(head.status.as_u16(), decode::text(&head.headers, &last.body));
    if answer.body.as_bytes() != last.body {
        answer.bytes = Some(last.body.clone());
    }
    answer.version = last.hop.version.clone().unwrap_or_default();
    answer.headers = head
        .headers
        .iter()
        .map(|(name, value)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        })
        .collect();
    answer.cookies = session.jar.cookies(&last.request.url);
    answer.duration = duration;
    walked.iter().for_each(|walked| answer.phases.add(&walked.hop.phases));
    answer.server_timing.clone_from(&last.hop.server_timing);
    answer.ip = last.hop.peer.map(|peer| peer.ip());
    answer.certificate = last.chain.as_deref().and_then(|chain| certificate::facts(chain));
    answer.at = session.clock.now();
    answer.url = last.request.url.to_string();
    answer.redirects = redirect::followed(walked);
    Some(answer)
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

/// The assertion nobody wrote.
const DEFAULT: &str = "status";

/// How the check is called that a retry waits for.
const UNTIL: &str = "until ";

/// What is asserted where a step says nothing of the status.
fn default_assertion(answer: &Answer) -> AssertionResult {
    let passed = check::holds_without_assertion(answer.status);
    AssertionResult {
        check: DEFAULT.to_owned(),
        passed,
        expected: (!passed).then(|| "2xx".to_owned()),
        actual: (!passed).then(|| answer.status.to_string()),
    }
}

/// A sentence for a failed assertion: `expected status equals 303, got 500`.
fn said(result: &AssertionResult) -> String {
    let actual = result.actual.as_deref().unwrap_or_default();
    if result.check == DEFAULT {
        return format!("expected a 2xx status, got {actual}");
    }
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
struct Checking<'a> {
    vars: &'a Variables,
    unfilled: RefCell<Option<Trouble>>,
}

/// Whether a condition on variables holds.
pub(in crate::engine) fn holds(condition: &Assertion, vars: &Variables) -> Result<bool, Trouble> {
    let checking = Checking { vars, unfilled: RefCell::new(None) };
    let result = check::assert(condition, &Answer::new(0, String::new()), &checking);
    checking.unfilled.into_inner().map_or(Ok(result.passed), Err)
}

impl<'a> Checking<'a> {
    fn of(vars: &'a Variables) -> Self {
        Self { vars, unfilled: RefCell::new(None) }
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
