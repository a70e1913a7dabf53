//! Walks the steps of a journey under one deadline.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::FutureExt;
use jiff::Timestamp;

use super::{
    http::{End, Limits, Session, later, walk_step},
    settings::{Engine, Parts},
    ticket::Ticket,
    vars::Variables,
};
use crate::{
    clock::Stopwatch,
    model::{Action, Evidence, Outcome, Run, StepRun},
    render::Mask,
};

impl Engine {
    /// Walks a journey. Never fails: trouble is in the run. A panic within (a bug of ours) is a broken run.
    pub fn walk(&self, ticket: Ticket) -> impl Future<Output = Run> + Send + use<> {
        let parts = Arc::clone(&self.parts);
        async move {
            let watch = parts.clock.start();
            let mut run = begin(&ticket, watch);
            let mut vars = Variables::new(&parts, &ticket);
            let walked =
                AssertUnwindSafe(steps(&parts, &ticket, watch, &mut vars, &mut run)).catch_unwind();
            if walked.await.is_err() {
                run.evidence = None;
                run.outcome =
                    Outcome::Broken { reason: "the engine panicked: a bug of ours".to_owned() };
            }
            run.duration = run.steps.iter().map(|step| step.duration).sum();
            mask_run(&mut run, vars.mask());
            run
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
        evidence: None,
        unwell: None,
    }
}

/// How much after `due` it is; a run that begins early is not late.
fn late_by(due: Timestamp, started_at: Timestamp) -> Duration {
    Duration::try_from(started_at.duration_since(due)).unwrap_or_default()
}

async fn steps(
    parts: &Parts,
    ticket: &Ticket,
    watch: Stopwatch,
    vars: &mut Variables,
    run: &mut Run,
) {
    let limits = Limits {
        journey_at: later(watch.origin(), ticket.journey.timeout),
        journey: ticket.journey.timeout,
    };
    let mut session = match Session::new(parts, watch) {
        Ok(session) => session,
        Err(super::fault::Trouble::Ours(reason) | super::fault::Trouble::Target(_, reason)) => {
            run.outcome = Outcome::Broken { reason };
            return;
        }
    };
    for step in &ticket.journey.steps {
        let Action::Http(http) = &step.action;
        let walked = walk_step(&mut session, step, http, vars, &limits).await;
        run.steps.push(walked.run);
        match walked.end {
            None => {}
            Some(End::Failed(failure, evidence)) => {
                run.outcome = Outcome::Failed(*failure);
                run.evidence = evidence;
                return;
            }
            Some(End::Broken(reason)) => {
                run.outcome = Outcome::Broken { reason: format!("step {}: {reason}", step.name) };
                return;
            }
        }
    }
}

/// Masks every text of a run that may hold what came from outside. Names of journeys, steps and the like are identities and stay.
fn mask_run(run: &mut Run, mask: &Mask) {
    let text = |text: &mut String| *text = mask.apply(text);
    let maybe = |text: &mut Option<String>| {
        if let Some(text) = text {
            *text = mask.apply(text);
        }
    };
    match &mut run.outcome {
        Outcome::Passed => {}
        Outcome::Broken { reason } => text(reason),
        Outcome::Failed(failure) => {
            text(&mut failure.message);
            maybe(&mut failure.check);
            maybe(&mut failure.expected);
            maybe(&mut failure.actual);
        }
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

fn mask_step(step: &mut StepRun, mask: &Mask) {
    let text = |text: &mut String| *text = mask.apply(text);
    for hop in &mut step.hops {
        text(&mut hop.url);
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
}

/// Evidence is masked as it is made; this is the second net, and catches what a later capture made a secret.
fn mask_evidence(evidence: &mut Evidence, mask: &Mask) {
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
            }],
            assertions: vec![AssertionResult {
                check: text(),
                passed: false,
                expected: Some(text()),
                actual: Some(text()),
            }],
            captures: vec![("name".to_owned(), text())],
        };
        let exchange = Exchange {
            request_line: text(),
            request_headers: vec![("a".to_owned(), text())],
            request_body: Some(text()),
            status: None,
            response_headers: vec![("a".to_owned(), text())],
            response_body: Some(text()),
            truncated: false,
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
            evidence: Some(Evidence { exchanges: vec![exchange], curl: text() }),
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
