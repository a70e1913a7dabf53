//! The folder of an agent that has worked for 90 days: settings, journeys, and the data file, filled by the store's own code.

use std::{fmt::Write as _, fs, path::Path, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use rand::{Rng, SeedableRng, rngs::StdRng};
use rand_distr::{Distribution, LogNormal};
use wayfarer::{
    model::{
        Evidence, Exchange, Failure, FaultKind, Hop, Outcome, Phases, Run, RunId, StepOutcome,
        StepRun, Trigger,
    },
    store::{Store, StoreOptions},
};

use crate::stock;

const DAYS: i64 = 90;
const STEPS: [(&str, f64); 3] = [("open", 40.0), ("sign in", 70.0), ("pay", 110.0)];
/// Services; the journeys are shared out among them.
pub(crate) const SERVICES: usize = 40;
/// Journeys walked every second, whose lateness is looked at.
pub(crate) const BEATS: usize = 20;

pub(crate) async fn make(folder: &Path, journeys: usize, runs: usize) {
    fs::create_dir_all(folder.join("journeys")).expect("a folder");
    for n in 0..journeys {
        write_journey(folder, &format!("journey-{n:03}"), n, "5m");
    }
    for n in 0..BEATS {
        write_journey(folder, &format!("beat-{n:02}"), n, "1s");
    }
    let store =
        Store::open(&folder.join("wayfarer.db"), &StoreOptions::default()).expect("a store");
    let now = Timestamp::now();
    walks(&store, journeys, runs, now).await;
    stock::changes(&store, journeys, now).await;
    stock::pipelines(&store, now).await;
    store.close().await;
    fs::write(folder.join("wayfarer.toml"), SETTINGS).expect("a file");
}

/// `house` puts the addresses in.
const SETTINGS: &str = "[agent]\nlocation = \"fra1\"\nworkers = 64\nlisten = \"127.0.0.1:0\"\n\
[environments.production]\nbase_url = \"http://127.0.0.1:9\"\n[retention]\nruns = \"100d\"\n";

fn write_journey(folder: &Path, name: &str, n: usize, every: &str) {
    let mut text = format!(
        "name = \"{name}\"\ndescription = \"What a customer does\"\nservices = [\"service-{}\"]\n\
         environments = [\"production\"]\nevery = \"{every}\"\nowner = \"team-{}\"\n[slo]\nobjective = 99.5\nlatency = \"800ms\"\n",
        n % SERVICES,
        n % 7
    );
    for (step, _) in STEPS {
        write!(text, "[[step]]\nname = \"{step}\"\n[step.http]\nurl = \"{{{{base_url}}}}/{n}\"\n")
            .expect("a text");
    }
    fs::write(folder.join(format!("journeys/{name}.toml")), text).expect("a file");
}

/// All runs in the order of time, as an agent writes them; the next are made while some are written.
async fn walks(store: &Store, journeys: usize, runs: usize, now: Timestamp) {
    const EACH_COMMIT: usize = 16;
    let each = (runs / journeys).max(1);
    let pace = SignedDuration::from_secs(DAYS * 86_400) / i32::try_from(each).expect("a count");
    let mut rng = StdRng::seed_from_u64(7);
    let mut writing: Option<tokio::task::JoinHandle<()>> = None;
    for batch in (0..each).step_by(EACH_COMMIT) {
        let mut walked = Vec::with_capacity(EACH_COMMIT * journeys);
        for nth in batch..(batch + EACH_COMMIT).min(each) {
            let at = now - pace * i32::try_from(each - nth).expect("a count");
            for n in 0..journeys {
                let at = at + SignedDuration::from_millis(n as i64);
                walked.push(Arc::new(walk(n, at, now, &mut rng)));
            }
        }
        if let Some(written) = writing.take() {
            written.await.expect("runs are stored");
        }
        let store = store.clone();
        writing = Some(tokio::spawn(async move {
            store.record_runs(walked).await.expect("runs are stored");
        }));
    }
    if let Some(written) = writing {
        written.await.expect("runs are stored");
    }
}

/// Three requests; slower by day, slower for a week from the 40th day on, and now and then a failure.
fn walk(journey: usize, at: Timestamp, now: Timestamp, rng: &mut StdRng) -> Run {
    let noise = LogNormal::new(0.0, 0.35).expect("a distribution");
    let hour = (at.as_second() % 86_400) as f64 / 3600.0;
    let season = 1.0 + 0.25 * ((hour - 14.0) / 24.0 * std::f64::consts::TAU).cos();
    let age = now.duration_since(at).as_secs() / 86_400;
    let trouble = if (43..50).contains(&age) { 1.6 } else { 1.0 };
    let mut offset = Duration::ZERO;
    let mut steps = Vec::new();
    for (name, usual) in STEPS {
        let ms = usual * season * trouble * noise.sample(rng);
        let phases = Phases {
            processing: Duration::from_secs_f64(ms / 1000.0),
            transfer: Duration::from_secs_f64(ms / 20_000.0),
            ..Phases::default()
        };
        steps.push(step(name, offset, phases));
        offset += phases.total();
    }
    let mut run = Run {
        id: RunId::at(at),
        journey: format!("journey-{journey:03}").as_str().into(),
        environment: "production".into(),
        location: "fra1".into(),
        revision: "r1".into(),
        trigger: Trigger::Schedule,
        started_at: at,
        late_by: Duration::ZERO,
        duration: offset,
        outcome: Outcome::Passed,
        steps,
        deployed: Vec::new(),
        insecure: false,
        traced: false,
        evidence: None,
        unwell: None,
    };
    if rng.random_bool(if trouble > 1.0 { 0.02 } else { 0.002 }) {
        fail(&mut run);
    }
    run
}

fn step(name: &str, offset: Duration, phases: Phases) -> StepRun {
    let duration = phases.total();
    let hop = Hop {
        method: "GET".to_owned(),
        url: format!("https://shop.example.com/{name}"),
        status: Some(200),
        version: Some("HTTP/1.1".to_owned()),
        offset,
        duration,
        phases,
        reused: true,
        peer: None,
        body_bytes: 900,
        certificate_expires_at: None,
        server_timing: Vec::new(),
    };
    StepRun {
        name: name.into(),
        offset,
        duration,
        outcome: StepOutcome::Passed,
        hops: vec![hop],
        assertions: Vec::new(),
        captures: Vec::new(),
        iteration: None,
        retries: Vec::new(),
        failure: None,
        measures: Vec::new(),
        traffic: None,
    }
}

fn fail(run: &mut Run) {
    run.steps[2].outcome = StepOutcome::Failed;
    run.outcome = Outcome::Failed(Failure {
        step: "pay".into(),
        kind: FaultKind::Status,
        message: "expected status equals 200, got 503".to_owned(),
        check: Some("status equals 200".to_owned()),
        expected: Some("equals 200".to_owned()),
        actual: Some("503".to_owned()),
    });
    let exchange = Exchange {
        request_line: "GET https://shop.example.com/pay".to_owned(),
        status: Some(503),
        response_body: Some("upstream connect error or disconnect. ".repeat(20)),
        ..Exchange::default()
    };
    run.evidence = Some(Evidence {
        exchanges: vec![exchange.clone(), exchange.clone(), exchange],
        curl: "curl https://shop.example.com/pay".to_owned(),
        ..Evidence::default()
    });
}
