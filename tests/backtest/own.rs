//! The back-test over the agent's own data file: a real one, filled as an agent fills it.

use std::{fs, path::Path, process::Command, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use wayfarer::{
    clock::Clock,
    model::{
        Change, ChangeKind, Conclusion, Finding, FindingKind, FindingState, Metric, Outcome,
        Quantiles, Run, RunId, Trigger, Verdict,
    },
    store::{Conclusions, Store, StoreOptions},
};

const SETTINGS: &str = "[environments.production]\nbase_url = \"https://shop.test\"\n";
const JOURNEY: &str = "name = \"checkout\"\nservices = [\"shop\"]\nenvironments = [\"production\"]\nevery = \"60s\"\n\n\
    [[step]]\nname = \"open\"\n[step.http]\nurl = \"{{base_url}}/\"\n";

fn ago(now: Timestamp, hours: f64) -> Timestamp {
    now - SignedDuration::from_secs_f64(hours * 3600.0)
}

fn run(at: Timestamp, ms: f64) -> Arc<Run> {
    Arc::new(Run {
        id: RunId::at(at),
        journey: "checkout".into(),
        environment: "production".into(),
        location: "local".into(),
        revision: "r1".into(),
        trigger: Trigger::Schedule,
        started_at: at,
        late_by: Duration::ZERO,
        duration: Duration::from_secs_f64(ms / 1e3),
        outcome: Outcome::Passed,
        steps: Vec::new(),
        deployed: Vec::new(),
        insecure: false,
        traced: false,
        evidence: None,
        unwell: None,
    })
}

fn change(id: &str, at: Timestamp) -> Change {
    Change {
        services: vec!["shop".into()],
        environments: vec!["production".into()],
        ..Change::new(id.into(), ChangeKind::Deploy, at)
    }
}

/// Four days of a quiet journey, an eighth slower since a change 30 hours ago; a harmless one 10 hours ago that somebody had to
/// dismiss, and one of last year.
async fn fill(path: &Path, now: Timestamp) {
    let store = Store::open(path, &StoreOptions::default()).unwrap();
    let slower = ago(now, 30.0);
    let runs: Vec<Arc<Run>> = (0..4 * 1440_u32)
        .map(|n| {
            let at = ago(now, 96.0 - f64::from(n) / 60.0);
            let noise = f64::from(n * 7919 % 101) / 101.0 - 0.5;
            run(at, 300.0 * (1.0 + 0.06 * noise) * if at >= slower { 1.125 } else { 1.0 })
        })
        .collect();
    for some in runs.chunks(1000) {
        store.record_runs(some.to_vec()).await.unwrap();
    }
    let blamed = ago(now, 10.0);
    for (id, at) in [("a-little", slower), ("harmless", blamed), ("long-ago", ago(now, 9000.0))] {
        store.record_change(change(id, at)).await.unwrap();
    }
    let verdict = Verdict {
        change: "a-little".into(),
        journey: "checkout".into(),
        environment: "production".into(),
        location: "local".into(),
        metric: Metric::Latency,
        part: wayfarer::model::Part::Whole,
        conclusion: Conclusion::Unchanged,
        summary: "as before".to_owned(),
        log_e: None,
        suspected_at_log_e: None,
        regressed_at_log_e: None,
        before: Quantiles::default(),
        after: Quantiles::default(),
        effect: None,
        onset: None,
        probes: 60,
        baseline_probes: 180,
        notes: Vec::new(),
        candidates: Vec::new(),
        named: None,
        suspected_since: None,
        regressed_since: None,
        recovered_at: None,
        decided_at: ago(now, 29.0),
    };
    let finding = Finding {
        id: "f-1".into(),
        kind: FindingKind::Suspected,
        state: FindingState::Dismissed,
        change: Some("harmless".into()),
        journey: "checkout".into(),
        environment: "production".into(),
        location: "local".into(),
        metric: Metric::Latency,
        part: wayfarer::model::Part::Whole,
        pipeline: None,
        dismissal: None,
        acknowledged: None,
        summary: "slower".to_owned(),
        onset_at: Some(blamed),
        opened_at: blamed,
        updated_at: blamed,
        closed_at: Some(blamed),
    };
    let (verdicts, findings) = (vec![verdict], vec![finding]);
    store.conclude(Conclusions { verdicts, findings, ..Conclusions::default() }).await.unwrap();
    store.close().await;
}

struct Answer {
    code: Option<i32>,
    out: String,
    err: String,
}

fn backtest(arguments: &[&str]) -> Answer {
    let out = Command::new(env!("CARGO_BIN_EXE_wayfarer"))
        .arg("backtest")
        .args(arguments)
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Answer { code: out.status.code(), out: text(&out.stdout), err: text(&out.stderr) }
}

fn json(arguments: &[&str]) -> Value {
    let answer = backtest(arguments);
    assert_eq!(answer.code, Some(0), "{}", answer.err);
    serde_json::from_str(&answer.out).unwrap()
}

#[tokio::test]
async fn other_settings_are_held_against_the_present_ones() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().to_str().unwrap();
    fs::create_dir(folder.path().join("journeys")).unwrap();
    fs::write(folder.path().join("wayfarer.toml"), SETTINGS).unwrap();
    fs::write(folder.path().join("journeys/checkout.toml"), JOURNEY).unwrap();
    fill(&folder.path().join("wayfarer.db"), Clock.now()).await;

    let lower = ["--set", "detect.latency.relative=10%", "--json"];
    let report = json(&[&["--since", "60d", "-c", root], &lower[..]].concat());
    assert_eq!(report["changes"], 2);
    assert_eq!(report["differing"].as_array().unwrap().len(), 1, "{report:#}");
    let differing = &report["differing"][0];
    assert_eq!(differing["change"], "a-little");
    assert_eq!(differing["recorded"], "unchanged");
    assert!(["suspected", "regressed"].contains(&differing["other"].as_str().unwrap()));
    assert_ne!(differing["present"], differing["other"]);
    let latency = differing["verdicts"].as_array().unwrap();
    let latency = latency.iter().find(|v| v["metric"] == "latency").unwrap();
    assert_eq!(
        (&latency["journey"], &latency["recorded"]),
        (&"checkout".into(), &"unchanged".into())
    );
    let dismissed = &report["findings"]["dismissed"];
    assert_eq!((&dismissed["of"], &dismissed["present"]), (&1.into(), &0.into()), "{report:#}");
    let counted = |said: &str| -> u64 {
        report["verdicts"][said].as_object().unwrap().values().filter_map(Value::as_u64).sum()
    };
    // Two changes, one journey, two metrics.
    assert_eq!((counted("recorded"), counted("present"), counted("other")), (1, 4, 4));

    // Only the file: its settings are the shipped ones, and they say the same.
    let file = folder.path().join("wayfarer.db");
    let alone = json(&[&["--data", file.to_str().unwrap()], &lower[..]].concat());
    assert_eq!(alone["differing"][0]["change"], "a-little", "{alone:#}");

    let short = json(&["--since", "20h", "-c", root, "--json"]);
    assert_eq!((&short["changes"], &short["verdicts"]["other"]), (&1.into(), &Value::Null));

    let table = backtest(&["-c", root, "--set", "detect.latency.relative=10%"]).out;
    assert!(table.lines().all(|l| l.chars().count() <= 80), "{table}");
    assert!(table.contains("a-little") && table.contains("2 changes since"), "{table}");
}

#[test]
fn what_cannot_be_looked_at_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("none.db");
    let missing = missing.to_str().unwrap();
    let empty = folder.path().to_str().unwrap();
    for (arguments, code, expected) in [
        (vec!["--data", missing], 7, "there is no data file"),
        (vec!["-c", empty], 3, "wayfarer.toml"),
        (vec!["--since", "soon"], 2, "60d"),
        (vec![empty, "--since", "3d"], 2, "cannot be used"),
        (vec!["--data", missing, "--set", "detect.speed=1"], 7, "no data file"),
    ] {
        let answer = backtest(&arguments);
        assert_eq!(answer.code, Some(code), "{}", answer.err);
        assert!(answer.err.contains(expected), "{}", answer.err);
    }
}
