//! Short ways to write journeys and tickets.

use std::{collections::BTreeMap, net::IpAddr, sync::Arc, time::Duration};

use wayfarer::{
    clock::Clock,
    engine::{Engine, EngineSettings, PemRoots, Ticket},
    model::{
        Action, Assertion, Body, Capture, Environment, Failure, FaultKind, Flow, Hop, HttpStep,
        Journey, Literal, Network, Outcome, Predicate, Query, Revision, Run, RunId, Schedule,
        Secret, Step, StepName, Text, Transport, Trigger,
    },
};

/// An engine that finds `shop.test`, `other.test` and `fresh.test` on loopback.
pub(crate) fn engine(roots: Vec<PemRoots>) -> Engine {
    let loopback = IpAddr::from([127, 0, 0, 1]);
    let hosts = ["shop.test", "other.test", "fresh.test"].map(|h| (h.to_owned(), loopback));
    Engine::new(EngineSettings { clock: Clock, extra_roots: roots, hosts: BTreeMap::from(hosts) })
        .unwrap()
}

/// A GET of a URL; change what else is wanted.
pub(crate) fn get(url: impl Into<String>) -> Step {
    Step {
        name: StepName::new("step"),
        service: None,
        timeout: None,
        effect: false,
        action: Action::Http(HttpStep { max_body_bytes: 1 << 20, ..HttpStep::get(url) }),
        captures: Vec::new(),
        measures: Vec::new(),
        assertions: Vec::new(),
        flow: Flow::default(),
    }
}

/// Small changes to a step, one after the other.
pub(crate) trait With {
    fn named(self, name: &str) -> Self;
    fn http(self, change: impl FnOnce(&mut HttpStep)) -> Self;
    fn post(self, body: Body) -> Self;
    fn header(self, name: &str, value: &str) -> Self;
    fn capture(self, name: &str, query: Query, secret: bool) -> Self;
    fn expect(self, query: Query, predicate: Predicate) -> Self;
    fn within(self, deadline: Duration) -> Self;
}

impl With for Step {
    fn named(mut self, name: &str) -> Self {
        self.name = StepName::new(name);
        self
    }
    fn http(mut self, change: impl FnOnce(&mut HttpStep)) -> Self {
        if let Action::Http(http) = &mut self.action {
            change(http);
        }
        self
    }
    fn post(self, body: Body) -> Self {
        self.http(|http| {
            http.method = "POST".to_owned();
            http.body = Some(body);
        })
    }
    fn header(self, name: &str, value: &str) -> Self {
        self.http(|http| http.headers.push((name.to_owned(), Text::from(value))))
    }
    fn capture(mut self, name: &str, query: Query, secret: bool) -> Self {
        self.captures.push(Capture { name: name.to_owned(), query, secret });
        self
    }
    fn expect(mut self, query: Query, predicate: Predicate) -> Self {
        self.assertions.push(Assertion { query, predicates: vec![predicate], count: vec![] });
        self
    }
    fn within(mut self, deadline: Duration) -> Self {
        self.timeout = Some(deadline);
        self
    }
}

pub(crate) fn status(number: f64) -> Predicate {
    Predicate::Equals(Literal::Number(number))
}

/// Plain variables and secrets: pairs of name and value.
#[derive(Default)]
pub(crate) struct Values<'a> {
    pub(crate) transport: Transport,
    pub(crate) client_key: Option<&'a str>,
    pub(crate) vars: &'a [(&'a str, &'a str)],
    pub(crate) secrets: &'a [(&'a str, &'a str)],
    pub(crate) network: Network,
}

pub(crate) fn ticket(steps: Vec<Step>, timeout: Duration, values: &Values<'_>) -> Ticket {
    let journey = Journey {
        name: "checkout".into(),
        description: None,
        services: Vec::new(),
        environments: Vec::new(),
        schedule: Schedule::Every(Duration::from_secs(60)),
        timeout,
        owner: None,
        runbook: None,
        slo: None,
        vars: BTreeMap::new(),
        setup: None,
        variant: None,
        steps,
        revision: Revision::new("r1"),
    };
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let environment = Environment {
        name: "production".into(),
        vars: values.vars.iter().map(own).collect(),
        network: values.network.clone(),
        secrets: values
            .secrets
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Secret::new(*value)))
            .collect(),
        transport: values.transport.clone(),
        client_key: values.client_key.map(Secret::new),
    };
    Ticket {
        id: RunId::at(Clock.now()),
        journey: Arc::new(journey),
        environment: Arc::new(environment),
        location: "test".into(),
        due: Clock.now(),
        trigger: Trigger::Manual,
        deployed: Vec::new(),
        vars: BTreeMap::new(),
    }
}

pub(crate) async fn walk(engine: &Engine, steps: Vec<Step>) -> Run {
    walk_with(engine, steps, &Values::default()).await
}

pub(crate) async fn walk_with(engine: &Engine, steps: Vec<Step>, values: &Values<'_>) -> Run {
    let run = engine.walk(ticket(steps, Duration::from_secs(30), values)).await;
    is_consistent(&run);
    run
}

/// What holds of every run.
pub(crate) fn is_consistent(run: &Run) {
    for step in &run.steps {
        for hop in &step.hops {
            assert_eq!(hop.phases.total(), hop.duration, "phases add up: {hop:?}");
            let times = hop.phases.named().map(|(_, d)| d).into_iter().chain([hop.offset]);
            assert!(times.into_iter().all(|t| t.subsec_nanos() % 1000 == 0), "{hop:?}");
        }
        let hops: Duration = step.hops.iter().map(|hop| hop.duration).sum();
        let before: Duration = step.retries.iter().map(|attempt| attempt.duration).sum();
        assert_eq!(before + hops, step.duration);
    }
    let steps: Duration = run.steps.iter().map(|step| step.duration).sum();
    assert_eq!(steps, run.duration);
    let asked = run.steps.iter().any(|step| !step.hops.is_empty());
    let failed = matches!(run.outcome, Outcome::Failed(_));
    assert_eq!(run.evidence.is_some(), failed && asked);
    let json = serde_json::to_string(run).unwrap();
    assert_eq!(&serde_json::from_str::<Run>(&json).unwrap(), run, "a run survives JSON");
}

pub(crate) fn passed(run: &Run) {
    assert_eq!(run.outcome, Outcome::Passed, "{run:#?}");
}

#[track_caller]
pub(crate) fn failed(run: &Run, kind: FaultKind) -> &Failure {
    match &run.outcome {
        Outcome::Failed(failure) => {
            assert_eq!(failure.kind, kind, "{failure:?}");
            failure
        }
        other => panic!("not failed: {other:?}"),
    }
}

#[track_caller]
pub(crate) fn broken(run: &Run) -> &str {
    match &run.outcome {
        Outcome::Broken { reason } => reason,
        other => panic!("not broken: {other:?}"),
    }
}

pub(crate) fn hops(run: &Run) -> Vec<&Hop> {
    run.steps.iter().flat_map(|step| &step.hops).collect()
}
