//! How long the agent takes for a page and for the JSON behind a chart, and how heavy they are, with a full data file: 500 journeys, 90 days of
//! roll-ups and ten million runs by default. The pages are asked for over HTTP, from the real binary.
//!
//! `cargo bench --bench pages` (the file is made first: ten minutes or so; `-- --runs 1000000` makes a smaller one, `-- --keep FOLDER` leaves it
//! and uses it again)
#![expect(clippy::disallowed_methods, reason = "it measures time")]
#![expect(clippy::print_stdout, reason = "its output is its purpose")]
#![expect(clippy::expect_used, reason = "a measurement that cannot be made has no figures")]

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use rand::{Rng, SeedableRng, rngs::StdRng};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use wayfarer::{
    model::{
        Change, ChangeKind, Failure, FaultKind, Hop, Outcome, Phases, Run, RunId, StepOutcome,
        StepRun, Trigger,
    },
    store::{Store, StoreOptions},
};

const DAYS: i64 = 90;
const STEPS: [(&str, f64); 3] = [("open", 40.0), ("sign in", 70.0), ("pay", 110.0)];
/// Questions for each figure.
const ASKED: usize = 60;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    // `cargo test --all-targets` starts benches too, without this word.
    if !arguments.iter().any(|a| a == "--bench") {
        return;
    }
    let value = |name: &str| {
        arguments.iter().position(|a| a == name).and_then(|at| arguments.get(at + 1)).cloned()
    };
    let number =
        |name: &str, usual: usize| value(name).and_then(|v| v.parse().ok()).unwrap_or(usual);
    let (journeys, runs) = (number("--journeys", 500), number("--runs", 10_000_000));
    let kept = value("--keep").map(PathBuf::from);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(measure(journeys, runs, kept));
}

async fn measure(journeys: usize, runs: usize, kept: Option<PathBuf>) {
    let passing = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let folder = kept.unwrap_or_else(|| passing.path().to_owned());
    if !folder.join("wayfarer.toml").exists() {
        let begun = Instant::now();
        make(&folder, journeys, runs).await;
        println!("{runs} runs made in {:.0} s", begun.elapsed().as_secs_f64());
    }
    let (mut agent, address) = start(&folder);
    wait_until_ready(&address).await;
    println!("{:<44} {:>9} {:>9} {:>9}", "", "median", "p95", "kB");
    for path in [
        "/",
        "/?view=product",
        "/?view=developer&service=service-1",
        "/changes",
        "/changes/deploy-1",
        "/journeys/journey-001?environment=production&span=1h",
        "/journeys/journey-001?environment=production&span=24h",
        "/journeys/journey-001?environment=production&span=30d",
        "/journeys/journey-001?environment=production&span=90d",
        "/journeys/journey-001/compare?with=before:deploy-1",
        "/api/v1/series?journey=journey-001&environment=production&span=24h",
        "/api/v1/series?journey=journey-001&environment=production&span=90d&points=720",
    ] {
        let (mut times, mut bytes) = (Vec::new(), 0);
        for _ in 0..ASKED {
            let begun = Instant::now();
            bytes = ask(&address, path).await;
            times.push(begun.elapsed().as_secs_f64() * 1000.0);
        }
        times.sort_by(f64::total_cmp);
        println!(
            "{:<44} {:>6.1} ms {:>6.1} ms {:>9.1}",
            &path[..path.len().min(44)],
            times[ASKED / 2],
            times[ASKED * 95 / 100],
            bytes as f64 / 1000.0
        );
    }
    agent.kill().expect("the agent ends");
    agent.wait().expect("the agent has ended");
}

/// The folder of an agent: settings, journeys that are hardly ever walked, and the data file.
async fn make(folder: &Path, journeys: usize, runs: usize) {
    fs::create_dir_all(folder.join("journeys")).expect("a folder");
    for n in 0..journeys {
        let mut text = format!(
            "name = \"journey-{n:03}\"\nservices = [\"service-{}\"]\nenvironments = [\"production\"]\nevery = \"24h\"\nowner = \"team-{}\"\n",
            n % 40,
            n % 7
        );
        for (name, _) in STEPS {
            write!(
                text,
                "[[step]]\nname = \"{name}\"\n[step.http]\nurl = \"{{{{base_url}}}}/{n}\"\n"
            )
            .expect("a text");
        }
        fs::write(folder.join(format!("journeys/journey-{n:03}.toml")), text).expect("a file");
    }
    let store =
        Store::open(&folder.join("wayfarer.db"), &StoreOptions::default()).expect("a store");
    let now = Timestamp::now();
    let each = (runs / journeys).max(1);
    let pace = SignedDuration::from_secs(DAYS * 86_400) / i32::try_from(each).expect("a count");
    let mut rng = StdRng::seed_from_u64(7);
    for nth in 0..each {
        let at = now - pace * i32::try_from(each - nth).expect("a count");
        let walked: Vec<Arc<Run>> = (0..journeys)
            .map(|n| Arc::new(walk(n, at + SignedDuration::from_millis(n as i64), now, &mut rng)))
            .collect();
        store.record_runs(walked).await.expect("runs are stored");
    }
    for n in 0..12 {
        let at = now - SignedDuration::from_hours(n * 7 * 24 + 5);
        let mut change = Change::new(format!("deploy-{n}").as_str().into(), ChangeKind::Deploy, at);
        change.services = vec![format!("service-{}", n % 40).as_str().into()];
        change.environments = vec!["production".into()];
        change.version = Some(format!("3.{n}.0"));
        change.author = Some("ines".to_owned());
        store.record_change(change).await.expect("a change is stored");
    }
    store.close().await;
    let settings = "[agent]\nlocation = \"fra1\"\nlisten = \"127.0.0.1:0\"\n[environments.production]\nbase_url = \"http://127.0.0.1:9\"\n[retention]\nruns = \"90d\"\n";
    fs::write(folder.join("wayfarer.toml"), settings).expect("a file");
}

/// Three requests; slower by day, slower for a week from the 40th day on, and now and then a failure.
fn walk(journey: usize, at: Timestamp, now: Timestamp, rng: &mut StdRng) -> Run {
    let noise = rand_distr::LogNormal::new(0.0, 0.35).expect("a distribution");
    let hour = (at.as_second() % 86_400) as f64 / 3600.0;
    let season = 1.0 + 0.25 * ((hour - 14.0) / 24.0 * std::f64::consts::TAU).cos();
    let age = now.duration_since(at).as_secs() / 86_400;
    let trouble = if (43..50).contains(&age) { 1.6 } else { 1.0 };
    let mut offset = Duration::ZERO;
    let mut steps = Vec::new();
    for (name, usual) in STEPS {
        let ms = usual * season * trouble * rng.sample(noise);
        let phases = Phases {
            processing: Duration::from_secs_f64(ms / 1000.0),
            transfer: Duration::from_secs_f64(ms / 20_000.0),
            ..Phases::default()
        };
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
        steps.push(StepRun {
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
        });
        offset += duration;
    }
    let mut outcome = Outcome::Passed;
    if rng.random_bool(if trouble > 1.0 { 0.02 } else { 0.002 }) {
        steps[2].outcome = StepOutcome::Failed;
        outcome = Outcome::Failed(Failure {
            step: "pay".into(),
            kind: FaultKind::Status,
            message: "expected status equals 200, got 503".to_owned(),
            check: Some("status equals 200".to_owned()),
            expected: Some("equals 200".to_owned()),
            actual: Some("503".to_owned()),
        });
    }
    Run {
        id: RunId::at(at),
        journey: format!("journey-{journey:03}").as_str().into(),
        environment: "production".into(),
        location: "fra1".into(),
        revision: "r1".into(),
        trigger: Trigger::Schedule,
        started_at: at,
        late_by: Duration::ZERO,
        duration: offset,
        outcome,
        steps,
        deployed: Vec::new(),
        insecure: false,
        evidence: None,
        unwell: None,
    }
}

/// The real agent, and where it listens: it says so on its first lines.
fn start(folder: &Path) -> (Child, String) {
    let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = port.local_addr().expect("an address").to_string();
    drop(port);
    let settings = folder.join("wayfarer.toml");
    let text = fs::read_to_string(&settings).expect("settings");
    let lines = text.lines().map(|line| {
        if line.starts_with("listen") { format!("listen = \"{address}\"") } else { line.to_owned() }
    });
    fs::write(&settings, lines.collect::<Vec<_>>().join("\n")).expect("settings");
    let agent = Command::new(env!("CARGO_BIN_EXE_wayfarer"))
        .arg("agent")
        .arg("--config")
        .arg(folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the agent starts");
    (agent, address)
}

async fn wait_until_ready(address: &str) {
    for _ in 0..600 {
        if TcpStream::connect(address).await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("the agent does not listen");
}

/// Asks once; the length of the answer. A page that is none ends the measurement.
async fn ask(address: &str, path: &str) -> usize {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let request = format!(
        "GET {path} HTTP/1.1\r\nhost: {address}\r\naccept: text/html\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.expect("it is asked");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("an answer");
    let head = String::from_utf8_lossy(&answer[..answer.len().min(400)]).into_owned();
    assert!(head.starts_with("HTTP/1.1 200"), "{path}: {head}");
    answer.len()
}
