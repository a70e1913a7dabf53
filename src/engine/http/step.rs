//! One HTTP step: its hops, then its checks.

use std::time::Duration;

use super::{
    auth::Login,
    certificate, decode,
    hop::Walked,
    marks::whole_micros,
    redirect,
    request::{Request, build},
    session::Session,
};
use crate::{
    check::{self, Answer},
    engine::{
        fault::Trouble,
        judge::{End, Unwritten, WalkedStep, bare, judge},
        limits::Deadline,
        vars::Variables,
    },
    model::{AssertionResult, FaultKind, HttpStep, Step, StepOutcome, StepRun},
};

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
        traffic: None,
    };
    let end = match trouble {
        Some(Trouble::Ours(reason)) => Some(End::Broken(reason, step.name.clone())),
        Some(Trouble::Target(kind, message)) => {
            Some(End::Failed(Box::new(bare(step, kind, message)), None))
        }
        None => answer(session, &walked, run.duration).and_then(|answer| {
            judge(step, &answer, default_assertion(&answer), vars, (&mut run, &mut until))
        }),
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

/// What is asserted where a step says nothing of the status.
fn default_assertion(answer: &Answer) -> Unwritten {
    let passed = check::holds_without_assertion(answer.status);
    let actual = answer.status.to_string();
    let message = format!("expected a 2xx status, got {actual}");
    let result = AssertionResult {
        check: "status".to_owned(),
        passed,
        expected: (!passed).then(|| "2xx".to_owned()),
        actual: (!passed).then_some(actual),
    };
    Unwritten { result, message }
}
