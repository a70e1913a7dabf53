//! An agent with a history: two environments, three journeys, a day of runs with failures and evidence, and changes with verdicts.

use std::{
    fs,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use wayfarer::{
    model::{
        AssertionResult, Candidate, Change, ChangeKind, Conclusion, Effect, Evidence, Exchange,
        Failure, FaultKind, Finding, FindingKind, FindingState, Hop, Metric, Onset, Outcome, Part,
        Phases, PipelineFact, PipelineKind, PipelineOutcome, Quantiles, Run, RunId, StepOutcome,
        StepRun, Trigger, Verdict,
    },
    store::{Conclusions, Store, StoreOptions},
};

/// An agent, and the folder it lives in.
pub(crate) struct Stage {
    pub(crate) address: String,
    /// A run that failed, with evidence; one that passed.
    pub(crate) failed: RunId,
    pub(crate) passed: RunId,
    agent: Child,
    _folder: tempfile::TempDir,
}

impl Drop for Stage {
    fn drop(&mut self) {
        drop(self.agent.kill());
        drop(self.agent.wait());
    }
}

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }
}

const HOSTILE: &str = "<script>alert(1)</script>\"' onload=x";

impl Stage {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (failed, passed) = history(&folder.path().join("wayfarer.db")).await;
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap().to_string();
        drop(free);
        let settings = format!(
            "[agent]\nlocation = \"fra1\"\nlisten = \"{address}\"\n\
             [environments.production]\nbase_url = \"http://127.0.0.1:9\"\n\
             [environments.staging]\nbase_url = \"http://127.0.0.1:9\"\n\
             [services.ledger]\nowner = \"team-money\"\n[services.orphan]\nowner = \"nobody\"\n[services.payments]\ndepends_on = [\"ledger\"]\n"
        );
        fs::write(folder.path().join("wayfarer.toml"), settings).unwrap();
        fs::create_dir(folder.path().join("journeys")).unwrap();
        for name in
            ["browse", "checkout", "a-journey-with-quite-a-long-name-that-must-not-break-any-page"]
        {
            let text = format!(
                "name = \"{name}\"\ndescription = \"What a customer does\"\nservices = [\"shop\", \"payments\"]\n\
                 environments = [\"production\", \"staging\"]\nevery = \"24h\"\nowner = \"team-shop\"\n[slo]\nobjective = 99.0\nlatency = \"800ms\"\n\
                 [[step]]\nname = \"open\"\n[step.http]\nurl = \"{{{{base_url}}}}/\"\n"
            );
            fs::write(folder.path().join(format!("journeys/{name}.toml")), text).unwrap();
        }
        let agent = Command::new(env!("CARGO_BIN_EXE_wayfarer"))
            .args(["agent", "--config"])
            .arg(folder.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let stage = Self { address, failed, passed, agent, _folder: folder };
        for _ in 0..300 {
            if TcpStream::connect(&stage.address).await.is_ok() {
                return stage;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("the agent does not listen");
    }

    /// Asks as a browser does.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, "text/html,application/xhtml+xml", "").await
    }

    pub(crate) async fn ask(&self, method: &str, path: &str, accept: &str, body: &str) -> Answer {
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\naccept: {accept}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            self.address,
            body.len()
        );
        let mut stream = TcpStream::connect(&self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.unwrap();
        let text = String::from_utf8_lossy(&bytes);
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head: head.to_owned(), body: body.to_owned() }
    }

    /// Every page there is.
    pub(crate) fn pages(&self) -> Vec<String> {
        let mut pages: Vec<String> = [
            "/",
            "/?view=developer&owner=team-shop",
            "/?view=product&environment=production",
            "/?service=nobody-knows",
            "/budgets",
            "/budgets?environment=production",
            "/changes",
            "/changes/deploy-1",
            "/changes/silent",
            "/changes/nope",
            "/reports/week",
            "/reports/week?week=2020-W01",
            "/services/payments",
            "/login",
            "/delivery",
            "/delivery?environment=&service=payments&span=90d",
            "/delivery?environment=staging&span=7d",
            "/delivery/pipelines/acme%2Fshop%20CI%20%3Cscript%3E",
            "/delivery/pipelines/nope",
            "/journeys/checkout",
            "/journeys/checkout?environment=production&span=90d",
            "/journeys/checkout?environment=production&change=deploy-1",
            "/journeys/checkout?environment=production&span=24h&step=open",
            "/journeys/checkout?environment=staging&span=1h",
            "/journeys/checkout/compare",
            "/journeys/checkout/compare?environment=production&with=before:deploy-1",
            "/journeys/checkout/compare?environment=production&with=environment:staging",
            "/journeys/checkout/compare?environment=production&change=deploy-1&with=change:silent",
        ]
        .map(str::to_owned)
        .into();
        pages.extend([self.failed, self.passed].map(|id| format!("/runs/{id}")));
        pages
    }

    /// What stands by itself and may be saved: it has no frame.
    pub(crate) fn files(&self) -> [String; 4] {
        [
            format!("/runs/{}/evidence", self.failed),
            "/api/v1/changes/deploy-1/review?format=html".to_owned(),
            "/api/v1/reports/week?format=html".to_owned(),
            "/api/v1/reports/service/payments?since=7d&format=html".to_owned(),
        ]
    }
}

/// A day of runs in a data file; ids of one that failed and one that passed.
#[expect(clippy::disallowed_methods, reason = "the history ends now, as the agent's clock has it")]
async fn history(path: &std::path::Path) -> (RunId, RunId) {
    let store = Store::open(path, &StoreOptions::default()).unwrap();
    let now = Timestamp::now();
    let (mut runs, mut failed, mut passed) = (Vec::new(), None, None);
    for minute in (1..1440_i64).rev().step_by(3) {
        for (journey, ms) in [("browse", 60), ("checkout", 140)] {
            let late = if minute < 200 { 60 } else { 0 };
            let at = now - SignedDuration::from_mins(minute);
            let mut run = walk(journey, at, ms + late + (minute % 17).unsigned_abs());
            if journey == "checkout" && minute % 53 == 0 {
                fail(&mut run);
                failed = Some(run.id);
            } else {
                passed = Some(run.id);
            }
            runs.push(Arc::new(run));
        }
    }
    store.record_runs(runs).await.unwrap();
    for (id, hours) in [("silent", 9), ("deploy-1", 3)] {
        let mut change =
            Change::new(id.into(), ChangeKind::Deploy, now - SignedDuration::from_hours(hours));
        change.services = vec!["payments".into()];
        change.environments = vec!["production".into()];
        change.version = Some("5.3.0".to_owned());
        change.title = Some(HOSTILE.to_owned());
        change.author = Some("ines".to_owned());
        change.url = Some("javascript:alert(1)".to_owned());
        store.record_change(change).await.unwrap();
    }
    let onset = now - SignedDuration::from_hours(3);
    let conclusions = Conclusions {
        verdicts: vec![verdict(onset, now)],
        findings: vec![finding(onset, now)],
        change_cursor: Some(2),
        ..Conclusions::default()
    };
    store.conclude(conclusions).await.unwrap();
    pipelines(&store, now).await;
    store.close().await;
    (failed.unwrap(), passed.unwrap())
}

/// Runs of a pipeline with a hostile name, some failed, one job flaky, and an objective that is missed.
async fn pipelines(store: &Store, now: Timestamp) {
    for n in 0..60_i64 {
        let at = now - SignedDuration::from_mins(60 * (60 - n));
        let mut run = PipelineFact::new(format!("run:{n}"), PipelineKind::Pipeline, "CI <script>");
        run.repository = Some("acme/shop".to_owned());
        run.service = Some("payments".into());
        (run.reference, run.trigger) = (Some(HOSTILE.to_owned()), Some(HOSTILE.to_owned()));
        run.commit = Some(format!("{n:040x}"));
        run.url = Some("javascript:alert(1)".to_owned());
        (run.queued_at, run.started_at) = (Some(at), Some(at + SignedDuration::from_secs(4)));
        run.finished_at = Some(at + SignedDuration::from_secs(700 + n));
        let good = n % 7 != 0;
        let outcome = |good| if good { PipelineOutcome::Success } else { PipelineOutcome::Failure };
        run.outcome = Some(outcome(good));
        for (i, well) in [(0, good), (1, true)].into_iter().take(if n % 7 == 0 { 2 } else { 1 }) {
            let mut job = PipelineFact::new(format!("job:{n}:{i}"), PipelineKind::Task, HOSTILE);
            job.parent = Some(run.id.clone());
            (job.started_at, job.finished_at) = (run.started_at, run.finished_at);
            job.outcome = Some(outcome(well));
            store.record_pipeline(job, now).await.unwrap();
        }
        store.record_pipeline(run, now).await.unwrap();
    }
}

fn walk(journey: &str, at: Timestamp, ms: u64) -> Run {
    let phases = Phases {
        connect: Duration::from_millis(4),
        processing: Duration::from_millis(ms - 4),
        ..Phases::default()
    };
    let hop = Hop {
        method: "GET".to_owned(),
        url: format!(
            "https://shop.test/{journey}/with/quite/a/long/path/that/must/not/break/any/page"
        ),
        status: Some(200),
        version: Some("HTTP/1.1".to_owned()),
        offset: Duration::ZERO,
        duration: phases.total(),
        phases,
        reused: false,
        peer: Some("192.0.2.1:443".parse().unwrap()),
        body_bytes: 512,
        certificate_expires_at: None,
        server_timing: vec![("db".to_owned(), Duration::from_millis(9))],
    };
    Run {
        id: RunId::at(at),
        journey: journey.into(),
        environment: "production".into(),
        location: "fra1".into(),
        revision: "r1".into(),
        trigger: Trigger::Schedule,
        started_at: at,
        late_by: Duration::ZERO,
        duration: phases.total(),
        outcome: Outcome::Passed,
        steps: vec![StepRun {
            name: "open".into(),
            offset: Duration::ZERO,
            duration: phases.total(),
            outcome: StepOutcome::Passed,
            hops: vec![hop],
            assertions: vec![AssertionResult {
                check: "status equals 200".to_owned(),
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
        deployed: Vec::new(),
        insecure: false,
        traced: false,
        evidence: None,
        unwell: None,
    }
}

fn fail(run: &mut Run) {
    run.outcome = Outcome::Failed(Failure {
        step: "open".into(),
        kind: FaultKind::Status,
        message: HOSTILE.to_owned(),
        check: Some("status".to_owned()),
        expected: Some("200".to_owned()),
        actual: Some(HOSTILE.to_owned()),
    });
    let step = &mut run.steps[0];
    step.outcome = StepOutcome::Failed;
    step.captures = vec![("token".to_owned(), "***".to_owned())];
    step.assertions[0].passed = false;
    run.evidence = Some(Evidence {
        exchanges: vec![Exchange {
            request_line: "GET https://shop.test/".to_owned(),
            status: Some(503),
            response_body: Some(HOSTILE.to_owned()),
            ..Exchange::default()
        }],
        curl: "curl https://shop.test/".to_owned(),
        ..Evidence::default()
    });
}

fn verdict(onset: Timestamp, now: Timestamp) -> Verdict {
    let quantiles = |p50: f64| Quantiles {
        runs: 60,
        p50_ms: Some(p50),
        p95_ms: Some(p50 * 1.2),
        success: Some(0.99),
        ..Quantiles::default()
    };
    Verdict {
        change: "deploy-1".into(),
        journey: "checkout".into(),
        environment: "production".into(),
        location: "fra1".into(),
        metric: Metric::Latency,
        part: Part::Whole,
        conclusion: Conclusion::Regressed,
        summary: format!("p50 148 -> 208 ms since {onset}, mostly step `open`"),
        log_e: Some(12.0),
        suspected_at_log_e: Some(3.6),
        regressed_at_log_e: Some(4.9),
        before: quantiles(148.0),
        after: quantiles(208.0),
        effect: Some(Effect { estimate: 1.4, low: 1.3, high: 1.5 }),
        onset: Some(Onset { at: onset, earliest: onset, latest: onset }),
        probes: 60,
        baseline_probes: 180,
        notes: vec!["a note".to_owned()],
        candidates: vec![Candidate { change: "deploy-1".into(), probability: 0.97 }],
        named: Some("deploy-1".into()),
        suspected_since: Some(onset),
        regressed_since: Some(onset),
        recovered_at: None,
        decided_at: now,
    }
}

fn finding(onset: Timestamp, now: Timestamp) -> Finding {
    Finding {
        id: "f1".into(),
        kind: FindingKind::Regressed,
        state: FindingState::Open,
        change: Some("deploy-1".into()),
        journey: "checkout".into(),
        environment: "production".into(),
        location: "fra1".into(),
        metric: Metric::Latency,
        part: Part::Whole,
        pipeline: None,
        summary: "p50 148 -> 208 ms".to_owned(),
        onset_at: Some(onset),
        opened_at: now,
        updated_at: now,
        closed_at: None,
        dismissal: None,
        acknowledged: None,
    }
}
