//! Number for number: the folds against recorded paths of the reference detector.

use std::path::Path;

use serde::Deserialize;
use wayfarer::correlate::{Direction, LatencyFold, Look, Point, SuccessFold, Tuning};

/// One series with the main intermediate numbers.
#[derive(Deserialize)]
struct Series {
    name: String,
    k0: usize,
    #[serde(default = "minute")]
    interval_s: f64,
    window: usize,
    latency_ms: Vec<Option<f64>>,
    success: Vec<Option<f64>>,
    expect: Expected,
}

/// What the reference detector made of it.
#[derive(Deserialize)]
struct Expected {
    n: usize,
    s0: f64,
    se: f64,
    phi: f64,
    om: f64,
    m0: f64,
    threshold_raise: f64,
    raw_log_e: Vec<f64>,
    p_before: Vec<f64>,
    gated_log_e: Vec<f64>,
    suspected: Option<usize>,
    regressed: Option<usize>,
    success_log_e: Vec<f64>,
    success_suspected: Option<usize>,
    success_regressed: Option<usize>,
}

fn minute() -> f64 {
    60.0
}

impl Series {
    fn points(&self) -> Vec<Point> {
        self.latency_ms
            .iter()
            .zip(&self.success)
            .enumerate()
            .map(|(i, (ms, ok))| Point {
                at_s: 1.7e9 + i as f64 * self.interval_s,
                ln_ms: ms.filter(|ms| *ms > 0.0).map(f64::ln),
                ok: ok.map(|ok| ok > 0.0),
                kind: None,
            })
            .collect()
    }

    fn change_at(&self) -> f64 {
        1.7e9 + self.k0 as f64 * self.interval_s
    }
}

/// Number of probes at which a tier was first reached.
fn first(looks: &[Look], reached: impl Fn(&Look) -> bool) -> Option<usize> {
    looks.iter().position(reached).map(|i| i + 1)
}

/// The largest difference; values rounded to so many digits on one side.
fn off(ours: impl Iterator<Item = f64>, theirs: &[f64]) -> f64 {
    ours.zip(theirs).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

fn check(series: &Series) -> f64 {
    let (points, tuning) = (series.points(), Tuning::reference());
    let (before, after) = points.split_at(series.k0);
    let (at, interval, window) = (series.change_at(), series.interval_s, series.window);
    let mut fold =
        LatencyFold::freeze(before, at, interval, window, Direction::Worse, &tuning).unwrap();
    let (name, expected) = (&series.name, &series.expect);
    let b = fold.baseline();
    assert_eq!(b.n, expected.n, "{name}");
    for (what, ours, theirs) in [
        ("s0", b.s0, expected.s0),
        ("se", b.se, expected.se),
        ("phi", b.phi, expected.phi),
        ("om", b.om, expected.om),
        ("m0", b.m0, expected.m0),
    ] {
        assert!((ours - theirs).abs() < 1e-6, "{name} {what}: {ours} {theirs}");
    }
    let looks: Vec<Look> = after.iter().map(|p| fold.push(p)).collect();
    assert_eq!(looks.len(), series.window);
    let raw = off(looks.iter().map(|l| l.raw), &expected.raw_log_e);
    let gated = off(looks.iter().map(|l| l.log_e), &expected.gated_log_e);
    let earlier = off(looks.iter().map(|l| l.before), &expected.p_before);
    assert!(raw < 1e-4 && gated < 1e-4 && earlier < 1e-4, "{name}: {raw} {gated} {earlier}");
    let raised = looks[window - 1].suspected_at - tuning.latency_suspected;
    assert!((raised - expected.threshold_raise).abs() < 1e-4, "{name}: {raised}");
    assert_eq!(first(&looks, Look::suspected), expected.suspected, "{name}");
    assert_eq!(first(&looks, Look::regressed), expected.regressed, "{name}");

    let mut fold = SuccessFold::freeze(before, at, interval, window, Direction::Worse, &tuning);
    let looks: Vec<Look> = after.iter().map(|p| fold.push(p)).collect();
    let success = off(looks.iter().map(|l| l.log_e), &expected.success_log_e);
    assert!(success < 1e-4, "{name}: success {success}");
    assert_eq!(first(&looks, Look::suspected), expected.success_suspected, "{name}");
    assert_eq!(first(&looks, Look::regressed), expected.success_regressed, "{name}");
    println!(
        "{name}: raw {raw:.1e}, gated {gated:.1e}, before {earlier:.1e}, success {success:.1e}"
    );
    raw.max(gated).max(success)
}

fn check_file(path: &Path) {
    let Ok(text) = std::fs::read_to_string(path) else {
        println!("skipped: no {}", path.display());
        return;
    };
    let all: Vec<Series> = serde_json::from_str(&text).unwrap();
    assert!(!all.is_empty());
    all.iter().for_each(|series| assert!(check(series) < 1e-4));
}

#[test]
fn the_long_reference_series_give_the_same_numbers() {
    check_file(Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../shared/reference/fixtures.json"
    )));
}

#[test]
fn our_own_series_give_the_same_numbers() {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/histories/core.json"));
    assert!(path.exists());
    check_file(path);
}
