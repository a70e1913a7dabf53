//! What the engine itself costs: CPU beside a bare client, and how far a measured step lies above what the server took.
//!
//! `cargo bench --bench engine` (about a minute; `-- --quick` a fifth of it). The server is a process of its own, so that its work is in
//! neither figure; it tells in `Server-Timing` how long it took from the request's head to the answer's. See README.md beside this file.
#![expect(clippy::unwrap_used, reason = "a benchmark may fail by panicking")]
#![expect(clippy::print_stdout, reason = "figures are what a benchmark is for")]
#![expect(clippy::disallowed_methods, reason = "a benchmark needs the clock and its own arguments")]

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{Router, http::HeaderMap, routing::get};
use rand::Rng;
use rustix::time::{ClockId, clock_gettime};
use wayfarer::{
    clock::Clock,
    config::{self, SourceFile},
    engine::{Engine, EngineSettings, Ticket},
    model::{Environment, Journey, Outcome, Run, RunId, Trigger},
};

/// Steps of a journey.
const STEPS: usize = 5;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    if arguments.iter().any(|word| word == "--serve") {
        return runtime.block_on(serve());
    }
    // `cargo test --all-targets` starts benches too, without this word.
    if !arguments.iter().any(|word| word == "--bench") {
        return;
    }
    let quick = arguments.iter().any(|word| word == "--quick");
    let server = Server::start();
    runtime.block_on(async {
        cost(&server.base, if quick { 40 } else { 200 }).await;
        overhead(&server.base, if quick { 6 } else { 30 }).await;
    });
}

/// The server's side: `/now` answers at once, `/slow` after 5 to 50 ms; both say how long they took.
async fn serve() {
    async fn answer(delay: Duration) -> (HeaderMap, String) {
        let began = Instant::now();
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        let mut headers = HeaderMap::new();
        let body = format!("{{\"items\":[{}]}}", "\"a thing\",".repeat(50) + "1");
        let took = began.elapsed().as_secs_f64() * 1000.0;
        headers.insert("server-timing", format!("app;dur={took}").parse().unwrap());
        (headers, body)
    }
    let slow = || async {
        let delay = Duration::from_millis(rand::rng().random_range(5..50));
        answer(delay).await
    };
    let app = Router::new().route("/now", get(|| answer(Duration::ZERO))).route("/slow", get(slow));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("http://{}", listener.local_addr().unwrap());
    axum::serve(listener, app).await.unwrap();
}

/// The server's process; it ends with the benchmark.
struct Server {
    child: Child,
    base: String,
}

impl Server {
    fn start() -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .arg("--serve")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut base = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut base).unwrap();
        Self { child, base: base.trim().to_owned() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// A journey of five steps, read as a user would have it read.
fn journey(base: &str, path: &str) -> (Arc<Journey>, Arc<Environment>) {
    let step = |i: usize| {
        format!("[[step]]\nname = \"s{i}\"\n[step.http]\nurl = \"{{{{base_url}}}}/{path}\"\n")
    };
    let steps: String = (0..STEPS).map(step).collect();
    let text = format!("name = \"bench\"\nenvironments = [\"here\"]\nevery = \"60s\"\n{steps}");
    let main = format!("[environments.here]\nbase_url = \"{base}\"\n");
    let file = |path: &str, text: String| SourceFile { path: path.to_owned(), text };
    let config = config::load(&file("wayfarer.toml", main), &[file("bench.toml", text)])
        .unwrap_or_else(|faults| panic!("{faults}"));
    let journey = config.journeys.into_iter().next().unwrap();
    let settings = config.settings.environments.into_values().next().unwrap();
    let environment = Environment {
        name: "here".into(),
        vars: settings.vars,
        network: settings.network,
        secrets: BTreeMap::new(),
        transport: settings.transport,
        client_key: None,
    };
    (Arc::new(journey), Arc::new(environment))
}

fn ticket(journey: &Arc<Journey>, environment: &Arc<Environment>) -> Ticket {
    Ticket {
        id: RunId::at(Clock.now()),
        journey: Arc::clone(journey),
        environment: Arc::clone(environment),
        location: "here".into(),
        due: Clock.now(),
        trigger: Trigger::Schedule,
        deployed: Vec::new(),
        vars: BTreeMap::new(),
    }
}

/// CPU time that this process has used.
fn cpu() -> Duration {
    let spent = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(spent.tv_sec.cast_unsigned(), u32::try_from(spent.tv_nsec).unwrap())
}

/// CPU of a journey beside that of a bare client that is built anew for each five requests, with the TLS configuration shared so that
/// neither side reads the system's certificates each time. Blocks of each in turns.
async fn cost(base: &str, blocks: usize) {
    const BLOCK: usize = 20;
    let engine = Engine::new(EngineSettings::default()).unwrap();
    let (journey, environment) = journey(base, "now");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..=blocks {
        let before = cpu();
        for _ in 0..BLOCK {
            let run = engine.walk(ticket(&journey, &environment)).await;
            assert_eq!(run.outcome, Outcome::Passed);
        }
        let between = cpu();
        for _ in 0..BLOCK {
            let client = reqwest::Client::builder()
                .tls_backend_preconfigured(tls.clone())
                .no_proxy()
                .build()
                .unwrap();
            for _ in 0..STEPS {
                let answer = client.get(format!("{base}/now")).send().await.unwrap();
                assert_eq!(answer.status(), 200);
                answer.text().await.unwrap();
            }
        }
        ours.push(between - before);
        bare.push(cpu() - between);
    }
    // The first block of each warms up.
    let of = |blocks: &[Duration]| {
        let sum: Duration = blocks[1..].iter().sum();
        sum.as_secs_f64() * 1e6 / (BLOCK * (blocks.len() - 1)) as f64
    };
    let (ours, bare) = (of(&ours), of(&bare));
    println!("CPU of a journey of five steps over loopback, microseconds");
    println!(
        "  wayfarer {ours:8.0}\n  reqwest  {bare:8.0}\n  ratio    {:8.2}  (at most 2)",
        ours / bare
    );
}

/// How far steps lie above what the server took, at 100 journeys a second.
async fn overhead(base: &str, seconds: u64) {
    let engine = Engine::new(EngineSettings::default()).unwrap();
    let (journey, environment) = journey(base, "slow");
    let mut tick = tokio::time::interval(Duration::from_millis(10));
    let mut walks = Vec::new();
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(seconds) {
        tick.tick().await;
        walks.push(tokio::spawn(engine.walk(ticket(&journey, &environment))));
    }
    let rate = walks.len() as f64 / begin.elapsed().as_secs_f64();
    let (mut first, mut later) = (Vec::new(), Vec::new());
    for walk in walks {
        let run: Run = walk.await.unwrap();
        assert_eq!(run.outcome, Outcome::Passed);
        for (i, step) in run.steps.iter().enumerate() {
            let told: Duration = step.hops[0].server_timing.iter().map(|(_, took)| *took).sum();
            let above = step.duration.saturating_sub(told).as_secs_f64() * 1e3;
            if i == 0 { &mut first } else { &mut later }.push(above);
        }
    }
    let mut all: Vec<f64> = first.iter().chain(&later).copied().collect();
    println!("\nstep minus the server's own time at {rate:.0} journeys a second, milliseconds");
    for (name, values) in
        [("all steps", &mut all), ("first, with connect", &mut first), ("later ones", &mut later)]
    {
        values.sort_by(f64::total_cmp);
        let at = |share: f64| values[((values.len() - 1) as f64 * share).round() as usize];
        println!(
            "  {name:20} median {:5.2}  p99 {:5.2}  worst {:6.2}  of {}",
            at(0.5),
            at(0.99),
            at(1.0),
            values.len()
        );
    }
    println!("  wanted               median < 1    p99 < 3");
}
