//! What a run costs in the data file: bytes, runs stored a second, milliseconds to read thirty days of a series. The same
//! is done with a plain normalised schema in the same process, so that the ratios hold on any machine.
//!
//! `cargo bench --bench store` (a few minutes; `-- --quick` a tenth of it)
#![expect(clippy::print_stdout, reason = "its output is its purpose")]
#![expect(clippy::expect_used, reason = "a measurement that cannot be made has no figures")]

use std::{path::Path, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use rand::{Rng, SeedableRng, rngs::StdRng};
use rusqlite::{Connection, params};
use wayfarer::{
    clock::Clock,
    model::{
        AssertionResult, Deployed, Hop, Outcome, Phases, Run, RunId, SeriesKey, StepOutcome,
        StepRun, Trigger,
    },
    store::{Store, StoreOptions},
};

const STEPS: usize = 5;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    // `cargo test --all-targets` starts benches too, without this word.
    if !arguments.iter().any(|a| a == "--bench") {
        return;
    }
    let scale = if arguments.iter().any(|a| a == "--quick") { 10 } else { 1 };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(measure(scale));
}

async fn measure(scale: usize) {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    println!("{:<46} {:>12} {:>12} {:>8}", "", "wayfarer", "normalised", "ratio");
    for (batch, runs) in [(1, 4_000), (10, 40_000), (100, 100_000)] {
        let runs = runs / scale;
        let made = make(10, runs / 10);
        let path = folder.path().join(format!("ours-{batch}.db"));
        let ours = runs as f64 / fill(&path, &made, batch).await;
        let path = folder.path().join(format!("plain-{batch}.db"));
        let plain = runs as f64 / fill_plain(&path, &made, batch);
        row(&format!("runs stored a second, {batch} a commit"), ours, plain);
    }
    // Thirty days of one run a minute, ten series in turns, as an agent writes them.
    let made = make(10, 43_200 / scale);
    let (ours, plain) = (folder.path().join("ours.db"), folder.path().join("plain.db"));
    fill(&ours, &made, 500).await;
    fill_plain(&plain, &made, 500);
    let bytes = |path: &Path, tables: &str| {
        let sql = format!("SELECT sum(pgsize) FROM dbstat WHERE name IN ({tables})");
        let conn = Connection::open(path).expect("the file");
        let sum: i64 = conn.query_row(&sql, [], |r| r.get(0)).expect("its size");
        sum as f64 / made.len() as f64
    };
    row(
        "bytes a run",
        bytes(&ours, "'run', 'run_not_passed', 'phrase', 'revision'"),
        bytes(&plain, "'run', 'sqlite_autoindex_run_1', 'run_series', 'step', 'phase'"),
    );
    println!(
        "{:<46} {:>12.1}",
        "bytes a run for its roll-up (one run a minute)",
        bytes(&ours, "'rollup'")
    );
    let (our_read, count) = read(&ours).await;
    let (plain_read, plain_count) = read_plain(&plain);
    assert_eq!((count, plain_count), (made.len() / 10, made.len() / 10));
    row("ms to read 30 days of a series, warm", our_read, plain_read);
}

fn row(what: &str, ours: f64, plain: f64) {
    println!("{what:<46} {ours:>12.1} {plain:>12.1} {:>8.2}", ours / plain);
}

fn begin() -> Timestamp {
    Timestamp::from_second(1_790_000_000).expect("a time")
}

/// Runs of so many series, one a minute each, in the order of time.
fn make(series: usize, each: usize) -> Vec<Arc<Run>> {
    let mut rng = StdRng::seed_from_u64(1);
    let mut runs = Vec::with_capacity(series * each);
    for minute in 0..each {
        for n in 0..series {
            let us = (minute * 60_000_000 + n * 5_000_000) as i64 + rng.random_range(0..2_000);
            let at = begin() + SignedDuration::from_micros(us);
            runs.push(Arc::new(walk(&format!("journey-{n}"), at, &mut rng)));
        }
    }
    runs
}

/// Five steps over TLS with one connection, two assertions each, latencies as they are: log-normal.
fn walk(journey: &str, started_at: Timestamp, rng: &mut StdRng) -> Run {
    let noise = rand_distr::LogNormal::new(0.0, 0.4).expect("a distribution");
    let mut about = |ms: f64| Duration::from_secs_f64(ms * rng.sample(noise) / 1000.0);
    let mut offset = Duration::ZERO;
    let mut steps = Vec::new();
    for n in 0..STEPS {
        let mut phases =
            Phases { processing: about(60.0), transfer: about(1.5), ..Phases::default() };
        if n == 0 {
            (phases.resolve, phases.connect, phases.tls) = (about(2.0), about(12.0), about(25.0));
        }
        let check = |check: &str| AssertionResult {
            check: check.to_owned(),
            passed: true,
            expected: None,
            actual: None,
        };
        let hop = Hop {
            method: "GET".to_owned(),
            url: format!("https://shop.example.com/api/v1/{journey}/{n}"),
            status: Some(200),
            version: Some("HTTP/1.1".to_owned()),
            offset,
            duration: phases.total(),
            phases,
            reused: n > 0,
            peer: Some("192.0.2.17:443".parse().expect("an address")),
            body_bytes: 8_000 + about(100.0).as_micros() as u64 % 1000,
            certificate_expires_at: Some(begin() + SignedDuration::from_hours(1000)),
            server_timing: Vec::new(),
        };
        steps.push(StepRun {
            name: format!("step number {n}").as_str().into(),
            offset,
            duration: phases.total(),
            outcome: StepOutcome::Passed,
            hops: vec![hop],
            assertions: vec![
                check("status equals 200"),
                check("jsonpath $.items[*] count at_least 1"),
            ],
            captures: Vec::new(),
            iteration: None,
            retries: Vec::new(),
            failure: None,
            measures: Vec::new(),
            traffic: None,
        });
        offset += phases.total() + Duration::from_millis(2) + about(0.1);
    }
    Run {
        id: RunId::at(started_at),
        journey: journey.into(),
        environment: "production".into(),
        location: "fra1".into(),
        revision: "0123456789abcdef".into(),
        trigger: Trigger::Schedule,
        started_at,
        late_by: about(1.0),
        duration: steps.iter().map(|s| s.duration).sum(),
        outcome: Outcome::Passed,
        steps,
        deployed: vec![Deployed { service: "shop".into(), version: "2026.11.20".to_owned() }],
        insecure: false,
        traced: false,
        evidence: None,
        unwell: None,
    }
}

/// Seconds to store the runs, `batch` to a commit.
async fn fill(path: &Path, runs: &[Arc<Run>], batch: usize) -> f64 {
    let store = Store::open(path, &StoreOptions::default()).expect("a store");
    let watch = Clock.start();
    for some in runs.chunks(batch) {
        store.record_runs(some.to_vec()).await.expect("stored");
    }
    let seconds = watch.elapsed().as_secs_f64();
    store.close().await;
    seconds
}

/// Milliseconds to read one series whole, the best of ten, and its length.
async fn read(path: &Path) -> (f64, usize) {
    let store = Store::open(path, &StoreOptions::default()).expect("a store");
    let series = SeriesKey {
        journey: "journey-3".into(),
        environment: "production".into(),
        location: "fra1".into(),
    };
    let to = begin() + SignedDuration::from_hours(24 * 31);
    let mut times = Vec::new();
    let mut count = 0;
    for _ in 0..10 {
        let watch = Clock.start();
        count = store.probes(&series, begin(), to).await.expect("read").len();
        times.push(watch.elapsed().as_secs_f64() * 1000.0);
    }
    (best(&times), count)
}

/// The same runs in tables as they come to mind: a row for each run, step and phase, every name a number; without URLs,
/// peers and assertions, which ours keeps.
fn fill_plain(path: &Path, runs: &[Arc<Run>], batch: usize) -> f64 {
    let mut conn = Connection::open(path).expect("a file");
    conn.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
         CREATE TABLE run (number INTEGER PRIMARY KEY, id BLOB UNIQUE, series INTEGER, revision INTEGER, at INTEGER,
             late INTEGER, duration INTEGER, result INTEGER, failed_step INTEGER, fault INTEGER) STRICT;
         CREATE INDEX run_series ON run (series, at);
         CREATE TABLE step (run INTEGER, n INTEGER, began INTEGER, duration INTEGER, outcome INTEGER,
             status INTEGER, body INTEGER, PRIMARY KEY (run, n)) STRICT, WITHOUT ROWID;
         CREATE TABLE phase (run INTEGER, n INTEGER, phase INTEGER, duration INTEGER,
             PRIMARY KEY (run, n, phase)) STRICT, WITHOUT ROWID;",
    )
    .expect("a schema");
    let watch = Clock.start();
    for some in runs.chunks(batch) {
        let tx = conn.transaction().expect("a transaction");
        some.iter().for_each(|run| store_plain(&tx, run));
        tx.commit().expect("committed");
    }
    watch.elapsed().as_secs_f64()
}

fn store_plain(conn: &Connection, run: &Run) {
    let us = |d: Duration| d.as_micros() as i64;
    let prepared = |sql| conn.prepare_cached(sql).expect("a statement");
    let series: i64 =
        run.journey.as_str().trim_start_matches("journey-").parse().expect("a number");
    prepared("INSERT INTO run VALUES (NULL, ?1, ?2, 1, ?3, ?4, ?5, 0, NULL, NULL)")
        .execute(params![
            run.id.0.as_bytes().as_slice(),
            series,
            run.started_at.as_microsecond(),
            us(run.late_by),
            us(run.duration),
        ])
        .expect("a run");
    let id = conn.last_insert_rowid();
    for (n, step) in run.steps.iter().enumerate() {
        let (n, hop) = (n as i64, &step.hops[0]);
        let (began, duration) = (us(step.offset), us(step.duration));
        prepared("INSERT INTO step VALUES (?1, ?2, ?3, ?4, 0, ?5, ?6)")
            .execute(params![id, n, began, duration, hop.status, hop.body_bytes as i64])
            .expect("a step");
        for (phase, (_, length)) in hop.phases.named().into_iter().enumerate() {
            prepared("INSERT INTO phase VALUES (?1, ?2, ?3, ?4)")
                .execute(params![id, n, phase as i64, us(length)])
                .expect("a phase");
        }
    }
}

fn read_plain(path: &Path) -> (f64, usize) {
    let conn = Connection::open(path).expect("the file");
    let mut statement = conn
        .prepare(
            "SELECT at, late, duration, result, failed_step, fault, revision FROM run WHERE series = 3 ORDER BY at",
        )
        .expect("a statement");
    let mut times = Vec::new();
    let mut count = 0;
    for _ in 0..10 {
        let watch = Clock.start();
        let rows = statement.query_map([], |r| {
            let numbers: (i64, i64, i64, i64) = (r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?);
            let names: (Option<i64>, Option<i64>, i64) = (r.get(4)?, r.get(5)?, r.get(6)?);
            Ok((numbers, names))
        });
        count = rows.expect("rows").filter_map(Result::ok).collect::<Vec<_>>().len();
        times.push(watch.elapsed().as_secs_f64() * 1000.0);
    }
    (best(&times), count)
}

/// The best of all: what the machine did beside it cannot make it faster.
fn best(times: &[f64]) -> f64 {
    times.iter().copied().fold(f64::INFINITY, f64::min)
}
