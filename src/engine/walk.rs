//! Walks the steps of a journey under one deadline.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::FutureExt;
use jiff::Timestamp;

use super::{
    browser::{Browser, Visit},
    fault::Trouble,
    flow::Walker,
    http::{Session, Trace, Trail},
    judge::End,
    limits::Limits,
    settings::{Engine, Parts},
    shared::HowRefused,
    ticket::Ticket,
    vars::Variables,
};
use crate::{
    clock::Stopwatch,
    model::{Action, Evidence, Failure, Outcome, PageEvidence, Run, Step, StepRun},
    render::Mask,
};

impl Engine {
    /// Walks a journey. Never fails: trouble is in the run. A panic within (a bug of ours) is a broken run.
    pub fn walk(&self, ticket: Ticket) -> impl Future<Output = Run> + Send + use<> {
        let walk = self.walk_traced(ticket);
        async move { walk.await.0 }
    }

    /// As [`Engine::walk`]; of a run that passed its exchanges, too.
    pub fn walk_traced(
        &self,
        ticket: Ticket,
    ) -> impl Future<Output = (Run, Option<Trace>)> + Send + use<> {
        let parts = Arc::clone(&self.parts);
        async move {
            let trail = Trail::default();
            let watch = parts.clock.start();
            let mut run = begin(&ticket, watch);
            let vars = Variables::new(&parts, &ticket);
            let mut mask = vars.mask().clone();
            let walked = steps((&parts, vars), &ticket, (watch, &trail), &mut run, &mut mask);
            let walked = AssertUnwindSafe(walked);
            if walked.catch_unwind().await.is_err() {
                run.evidence = None;
                run.outcome =
                    Outcome::Broken { reason: "the engine panicked: a bug of ours".to_owned() };
            }
            run.duration = run.steps.iter().map(|step| step.duration).sum();
            mask_run(&mut run, &mask);
            let passed = run.outcome == Outcome::Passed;
            let trace = passed.then(|| trail.take(&mask));
            (run, trace)
        }
    }
}

/// The run before its first step.
fn begin(ticket: &Ticket, watch: Stopwatch) -> Run {
    Run {
        id: ticket.id,
        journey: ticket.journey.name.clone(),
        environment: ticket.environment.name.clone(),
        location: ticket.location.clone(),
        revision: ticket.journey.revision.clone(),
        trigger: ticket.trigger,
        started_at: watch.started_at(),
        late_by: late_by(ticket.due, watch.started_at()),
        duration: Duration::ZERO,
        outcome: Outcome::Passed,
        steps: Vec::new(),
        deployed: ticket.deployed.clone(),
        insecure: ticket.environment.transport.insecure,
        traced: false,
        evidence: None,
        unwell: None,
    }
}

/// How much after `due` it is; a run that begins early is not late.
fn late_by(due: Timestamp, started_at: Timestamp) -> Duration {
    Duration::try_from(started_at.duration_since(due)).unwrap_or_default()
}

/// Walks the setup, where there is one, and the steps. The journey's deadline counts from when its session is there.
async fn steps(
    (parts, vars): (&Arc<Parts>, Variables),
    ticket: &Ticket,
    (watch, trail): (Stopwatch, &Trail),
    run: &mut Run,
    mask: &mut Mask,
) {
    let mut session = match Session::new(parts, &vars, watch) {
        Ok(session) => session,
        Err(Trouble::Ours(reason) | Trouble::Target(_, reason)) => {
            run.outcome = Outcome::Broken { reason };
            return;
        }
    };
    session.trail = trail.clone();
    let journey = &ticket.journey;
    let mut walker = Walker::new(parts, session, vars);
    if let Some(setup) = &journey.setup
        && let Err(refused) = walker.begin_shared(setup, ticket).await
    {
        walker.steps.extend(refused.steps.iter().cloned());
        journey.steps.iter().for_each(|step| walker.skip(step, "its session was not opened"));
        run.outcome = match &refused.how {
            HowRefused::Failed(failure, evidence) => {
                run.evidence = evidence.clone();
                Outcome::Failed((**failure).clone())
            }
            HowRefused::Broken(reason) => Outcome::Broken { reason: reason.clone() },
        };
        *mask = walker.final_mask();
        run.steps = walker.steps;
        return;
    }
    // What waiting for it and starting it takes is our machine's time, and counts against no deadline.
    if browses(&journey.steps) {
        match Browser::start(parts, &walker.vars, &journey.device).await {
            Ok(browser) => walker.visit = Some(Visit::new(browser)),
            Err(Trouble::Ours(reason) | Trouble::Target(_, reason)) => {
                journey.steps.iter().for_each(|step| walker.skip(step, "there was no browser"));
                run.outcome = Outcome::Broken { reason };
                *mask = walker.final_mask();
                run.steps = walker.steps;
                return;
            }
        }
    }
    let limits = Limits::new(parts.clock.instant(), journey.timeout, "the journey's");
    let watch = walker.visit.as_ref().map(Visit::watch);
    let list = walker.list(&journey.steps, &limits, false);
    let ended = match watch {
        None => list.await,
        Some(watch) => tokio::select! {
            ended = list => ended,
            never = watch.look() => match never {},
        },
    };
    let starved = walker.end_browser().await;
    let ended = match (ended, starved) {
        (Some(End::Failed(failure, _)), Some(why)) => Some(End::Broken(why, failure.step)),
        (None, Some(why)) => {
            run.outcome = Outcome::Broken { reason: why };
            None
        }
        (ended, _) => ended,
    };
    match ended {
        None => {}
        Some(End::Failed(failure, evidence)) => {
            run.outcome = Outcome::Failed(*failure);
            run.evidence = evidence;
        }
        Some(End::Broken(reason, step)) => {
            run.outcome = Outcome::Broken { reason: format!("step {step}: {reason}") };
        }
    }
    *mask = walker.final_mask();
    run.traced = walker.session.was_traced();
    run.steps = walker.steps;
}

impl Walker<'_> {
    /// Ends the browser, where there is one; says why nothing that it did means anything, if our machine had too little left for it.
    async fn end_browser(&mut self) -> Option<String> {
        let visit = self.visit.take()?;
        let starved = visit.starved();
        if let Err(Trouble::Ours(why) | Trouble::Target(_, why)) = visit.close().await {
            tracing::error!(why, "a browser was left behind");
        }
        starved
    }
}

/// Whether any of the steps needs a browser.
pub(super) fn browses(steps: &[Step]) -> bool {
    let mut leaves = Vec::new();
    steps.iter().for_each(|step| step.leaves(&mut leaves));
    leaves.iter().any(|step| matches!(step.action, Action::Browser(_)))
}

/// Masks every text of a run that may hold what came from outside. Names of journeys, steps and the like are identities and stay.
fn mask_run(run: &mut Run, mask: &Mask) {
    let text = |text: &mut String| *text = mask.apply(text);
    match &mut run.outcome {
        Outcome::Passed => {}
        Outcome::Broken { reason } => text(reason),
        Outcome::Failed(failure) => mask_failure(failure, mask),
    }
    for step in &mut run.steps {
        mask_step(step, mask);
    }
    if let Some(evidence) = &mut run.evidence {
        mask_evidence(evidence, mask);
    }
    for deployed in &mut run.deployed {
        text(&mut deployed.version);
    }
}

pub(super) fn mask_failure(failure: &mut Failure, mask: &Mask) {
    failure.message = mask.apply(&failure.message);
    let parts = [&mut failure.check, &mut failure.expected, &mut failure.actual];
    for text in parts.into_iter().flatten() {
        *text = mask.apply(text);
    }
}

pub(super) fn mask_step(step: &mut StepRun, mask: &Mask) {
    let text = |text: &mut String| *text = mask.apply(text);
    for attempt in &mut step.retries {
        text(&mut attempt.reason);
    }
    if let Some(failure) = &mut step.failure {
        mask_failure(failure, mask);
    }
    for hop in &mut step.hops {
        text(&mut hop.url);
        hop.server_timing.iter_mut().for_each(|(name, _)| text(name));
    }
    for result in &mut step.assertions {
        text(&mut result.check);
        for part in [&mut result.expected, &mut result.actual].into_iter().flatten() {
            text(part);
        }
    }
    for (_, value) in &mut step.captures {
        text(value);
    }
    for note in step.measures.iter_mut().filter_map(|m| m.note.as_mut()) {
        text(note);
    }
    if let Some(traffic) = &mut step.traffic {
        traffic.slowest.iter_mut().for_each(|slow| text(&mut slow.url));
        traffic.third_parties.iter_mut().for_each(|party| text(&mut party.host));
    }
}

/// Evidence is masked as it is made; this is the second net, and catches what a later capture made a secret.
pub(super) fn mask_evidence(evidence: &mut Evidence, mask: &Mask) {
    let text = |text: &mut String| *text = mask.apply(text);
    text(&mut evidence.curl);
    for exchange in &mut evidence.exchanges {
        text(&mut exchange.request_line);
        let headers = exchange.request_headers.iter_mut().chain(&mut exchange.response_headers);
        for (_, value) in headers {
            text(value);
        }
        for body in [&mut exchange.request_body, &mut exchange.response_body].into_iter().flatten()
        {
            text(body);
        }
    }
    if let Some(page) = &mut evidence.page {
        mask_page(page, mask);
    }
}

/// Names of steps are identities; pictures are no text.
fn mask_page(page: &mut PageEvidence, mask: &Mask) {
    let text = |text: &mut String| *text = mask.apply(text);
    text(&mut page.url);
    text(&mut page.title);
    page.dom.iter_mut().for_each(text);
    page.console.iter_mut().for_each(|message| text(&mut message.text));
    for action in &mut page.actions {
        text(&mut action.what);
        action.failure.iter_mut().for_each(text);
    }
    for request in &mut page.requests {
        text(&mut request.url);
        request.error.iter_mut().for_each(text);
        let headers = request.request_headers.iter_mut().chain(&mut request.response_headers);
        headers.for_each(|(_, value)| text(value));
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::model::RunId;
    use crate::model::{
        AssertionResult, Deployed, Exchange, Failure, FaultKind, Hop, Phases, Revision,
        StepOutcome, Trigger,
    };

    /// A run with the same text in every place that holds one.
    fn run(text: &str) -> Run {
        let text = || text.to_owned();
        let step = StepRun {
            name: "step".into(),
            offset: Duration::ZERO,
            duration: Duration::ZERO,
            outcome: StepOutcome::Failed,
            hops: vec![Hop {
                method: "GET".to_owned(),
                url: text(),
                status: None,
                version: None,
                offset: Duration::ZERO,
                duration: Duration::ZERO,
                phases: Phases::default(),
                reused: false,
                peer: None,
                body_bytes: 0,
                certificate_expires_at: None,
                server_timing: vec![(text(), Duration::ZERO)],
            }],
            assertions: vec![AssertionResult {
                check: text(),
                passed: false,
                expected: Some(text()),
                actual: Some(text()),
            }],
            captures: vec![("name".to_owned(), text())],
            iteration: None,
            retries: Vec::new(),
            failure: None,
            measures: Vec::new(),
            traffic: None,
        };
        let exchange = Exchange {
            request_line: text(),
            request_headers: vec![("a".to_owned(), text())],
            request_body: Some(text()),
            status: None,
            response_headers: vec![("a".to_owned(), text())],
            response_body: Some(text()),
            ..Exchange::default()
        };
        Run {
            id: RunId::at(Timestamp::UNIX_EPOCH),
            journey: "journey".into(),
            environment: "environment".into(),
            location: "location".into(),
            revision: Revision::new("r"),
            trigger: Trigger::Manual,
            started_at: Timestamp::UNIX_EPOCH,
            late_by: Duration::ZERO,
            duration: Duration::ZERO,
            outcome: Outcome::Failed(Failure {
                step: "step".into(),
                kind: FaultKind::Status,
                message: text(),
                check: Some(text()),
                expected: Some(text()),
                actual: Some(text()),
            }),
            steps: vec![step],
            deployed: vec![Deployed { service: "service".into(), version: text() }],
            insecure: false,
            traced: false,
            evidence: Some(Evidence {
                exchanges: vec![exchange],
                curl: text(),
                ..Evidence::default()
            }),
            unwell: None,
        }
    }

    fn texts(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::String(text) => found.push(text.clone()),
            Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
            Value::Object(members) => members.values().for_each(|member| texts(member, found)),
            _ => {}
        }
    }

    proptest! {
        #[test]
        fn no_secret_is_left_in_the_json_of_a_run(secret in "[!-)+-~äß😀]{8,20}", around in "[ -~]{0,6}") {
            let json = serde_json::to_string(&secret).unwrap();
            let escaped = &json[1..json.len() - 1];
            let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
            let base64 = BASE64_STANDARD.encode(&secret);
            for spelt in [secret.as_str(), escaped, form.as_str(), base64.as_str()] {
                let mut run = run(&format!("{around}{spelt}{around}"));
                mask_run(&mut run, &Mask::new([secret.as_str()]));
                let mut found = Vec::new();
                texts(&serde_json::to_value(&run).unwrap(), &mut found);
                prop_assert!(found.iter().all(|text| !text.contains(spelt)), "{spelt}");
                prop_assert!(found.iter().filter(|text| text.contains("***")).count() >= 16);
            }
        }
    }

    #[test]
    fn early_is_not_late() {
        let due = Timestamp::from_second(100).unwrap();
        assert_eq!(late_by(due, Timestamp::from_second(99).unwrap()), Duration::ZERO);
        assert_eq!(late_by(due, Timestamp::from_second(103).unwrap()), Duration::from_secs(3));
    }
}
