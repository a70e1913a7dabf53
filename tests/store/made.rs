//! Runs, changes and verdicts as tests need them.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use wayfarer::{
    model::{
        AssertionResult, Candidate, Change, ChangeKind, Conclusion, Deployed, Effect, Evidence,
        Exchange, Failure, FaultKind, Hop, Metric, Outcome, Part, Phases, Quantiles, Run, RunId,
        SeriesKey, StepOutcome, StepRun, Trigger, Verdict,
    },
    store::{Store, StoreOptions},
};

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn noon() -> Timestamp {
    at("2026-11-20T12:00:00Z")
}

pub(crate) fn later(seconds: i64) -> Timestamp {
    noon() + SignedDuration::from_secs(seconds)
}

pub(crate) fn open(folder: &tempfile::TempDir) -> Store {
    Store::open(&folder.path().join("w.db"), &StoreOptions::default()).unwrap()
}

pub(crate) fn run(journey: &str, started_at: Timestamp, ms: u64) -> Run {
    let hop = Hop {
        method: "GET".to_owned(),
        url: format!("https://shop.test/{journey}"),
        status: Some(200),
        version: Some("HTTP/1.1".to_owned()),
        offset: Duration::ZERO,
        duration: Duration::from_millis(ms),
        phases: Phases { processing: Duration::from_millis(ms), ..Phases::default() },
        reused: false,
        peer: Some("192.0.2.1:443".parse().unwrap()),
        body_bytes: 512,
        certificate_expires_at: Some(at("2027-01-01T00:00:00Z")),
        server_timing: Vec::new(),
    };
    Run {
        id: RunId::at(started_at),
        journey: journey.into(),
        environment: "production".into(),
        location: "fra1".into(),
        revision: "r1".into(),
        trigger: Trigger::Schedule,
        started_at,
        late_by: Duration::from_micros(700),
        duration: Duration::from_millis(ms),
        outcome: Outcome::Passed,
        steps: vec![StepRun {
            name: "open".into(),
            offset: Duration::ZERO,
            duration: Duration::from_millis(ms),
            outcome: StepOutcome::Passed,
            hops: vec![hop],
            assertions: vec![AssertionResult {
                check: "status".to_owned(),
                passed: true,
                expected: None,
                actual: None,
            }],
            captures: Vec::new(),
            iteration: None,
            retries: Vec::new(),
            failure: None,
            measures: Vec::new(),
            traffic: None,
        }],
        deployed: vec![Deployed { service: "shop".into(), version: "1.0".to_owned() }],
        insecure: false,
        traced: false,
        evidence: None,
        unwell: None,
    }
}

pub(crate) fn failed(journey: &str, started_at: Timestamp) -> Run {
    let mut run = run(journey, started_at, 80);
    run.outcome = Outcome::Failed(Failure {
        step: "open".into(),
        kind: FaultKind::Status,
        message: "status was 503".to_owned(),
        check: Some("status".to_owned()),
        expected: Some("200".to_owned()),
        actual: Some("503".to_owned()),
    });
    run.steps[0].outcome = StepOutcome::Failed;
    run.evidence = Some(Evidence {
        exchanges: vec![Exchange {
            request_line: "GET https://shop.test/".to_owned(),
            request_headers: Vec::new(),
            request_body: None,
            status: Some(503),
            response_headers: Vec::new(),
            response_body: Some("out of order".to_owned()),
            truncated: false,
            ..Exchange::default()
        }],
        curl: "curl https://shop.test/".to_owned(),
        ..Evidence::default()
    });
    run
}

pub(crate) fn series(journey: &str) -> SeriesKey {
    SeriesKey { journey: journey.into(), environment: "production".into(), location: "fra1".into() }
}

pub(crate) fn change(id: &str, started_at: Timestamp) -> Change {
    Change {
        services: vec!["payments".into()],
        environments: vec!["production".into()],
        version: Some("2.0".to_owned()),
        source: "api".to_owned(),
        ..Change::new(id.into(), ChangeKind::Deploy, started_at)
    }
}

pub(crate) fn verdict(change: &str, conclusion: Conclusion, decided_at: Timestamp) -> Verdict {
    Verdict {
        change: change.into(),
        journey: "checkout".into(),
        environment: "production".into(),
        location: "fra1".into(),
        metric: Metric::Latency,
        part: Part::Whole,
        conclusion,
        summary: "slower".to_owned(),
        log_e: Some(7.5),
        suspected_at_log_e: Some(4.0),
        regressed_at_log_e: Some(6.0),
        before: Quantiles::default(),
        after: Quantiles::default(),
        effect: Some(Effect { estimate: 1.4, low: 1.3, high: 1.5 }),
        onset: None,
        probes: 30,
        baseline_probes: 100,
        notes: Vec::new(),
        candidates: vec![Candidate { change: change.into(), probability: 0.9 }],
        named: Some(change.into()),
        suspected_since: None,
        regressed_since: None,
        recovered_at: None,
        decided_at,
    }
}
