//! A change whose watch was over when the agent stopped: harm that came late is found by the next agent, and told once.

use std::{path::Path, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use wayfarer::{
    model::{
        Change, ChangeKind, Conclusion, Metric, Outcome, Part, Quantiles, Run, RunId, Trigger,
        Verdict,
    },
    store::{Conclusions, Store, StoreOptions, WatchRecord},
};

use super::support::{Site, eventually};

fn ago(now: Timestamp, hours: f64) -> Timestamp {
    now - SignedDuration::from_secs_f64(hours * 3600.0)
}

fn run(at: Timestamp, ms: f64) -> Arc<Run> {
    Arc::new(Run {
        id: RunId::at(at),
        journey: "home".into(),
        environment: "production".into(),
        location: "test".into(),
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

fn unchanged(metric: Metric, decided_at: Timestamp) -> Verdict {
    Verdict {
        change: "leak".into(),
        journey: "home".into(),
        environment: "production".into(),
        location: "test".into(),
        metric,
        part: Part::Whole,
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
        decided_at,
    }
}

/// Four days of runs a minute apart, a change ten hours ago whose watch ended after one, and half as slow again for five hours.
async fn fill(path: &Path, now: Timestamp) {
    let store = Store::open(path, &StoreOptions::default()).unwrap();
    let runs: Vec<Arc<Run>> = (0..4 * 1440_u32)
        .map(|n| {
            let at = ago(now, 96.0 - f64::from(n) / 60.0);
            let noise = f64::from(n * 7919 % 101) / 101.0 - 0.5;
            run(at, 300.0 * (1.0 + 0.06 * noise) * if at >= ago(now, 5.0) { 1.5 } else { 1.0 })
        })
        .collect();
    for some in runs.chunks(1000) {
        store.record_runs(some.to_vec()).await.unwrap();
    }
    let (started, closed) = (ago(now, 10.0), ago(now, 9.0));
    let change = Change {
        services: vec!["shop".into()],
        environments: vec!["production".into()],
        finished_at: Some(started),
        ..Change::new("leak".into(), ChangeKind::Deploy, started)
    };
    let recorded = store.record_change(change).await.unwrap();
    let watch = WatchRecord {
        change: "leak".into(),
        environment: "production".into(),
        opened_at: started,
        until: closed,
        closed_at: Some(closed),
    };
    let verdicts = vec![unchanged(Metric::Latency, closed), unchanged(Metric::Success, closed)];
    let conclusions = Conclusions {
        verdicts,
        watches: vec![watch],
        change_cursor: Some(recorded.seq),
        ..Conclusions::default()
    };
    store.conclude(conclusions).await.unwrap();
    store.close().await;
}

#[test]
fn harm_that_comes_after_the_watch_is_found_by_the_next_agent_and_told_once() {
    let site = Site::new("http://127.0.0.1:9", "");
    site.journey("home", "shop", "60s", "/");
    let path = site.dir.path().join("test.db");
    tokio::runtime::Runtime::new().unwrap().block_on(fill(&path, Timestamp::now()));

    let agent = site.agent();
    let judged = eventually("the late harm", || {
        let judged = site.json("/api/v1/changes/leak");
        (judged["verdict"] == "regressed").then_some(judged)
    });
    assert_eq!(judged["open"], false, "{judged:#}");
    assert_eq!(judged["gate"]["status"], "fail", "{judged:#}");
    let of = |judged: &Value, metric: &str| {
        judged["verdicts"]
            .as_array()
            .unwrap()
            .iter()
            .find(|v| v["metric"] == metric)
            .unwrap()
            .clone()
    };
    assert_eq!(of(&judged, "success")["summary"], "as before", "told again: {judged:#}");
    let findings = || site.json("/api/v1/findings")["findings"].as_array().unwrap().clone();
    let harm = |all: &[Value]| all.iter().filter(|f| f["change"] == "leak").count();
    assert_eq!(harm(&findings()), 1, "{:#?}", findings());

    drop(agent);
    let _agent = site.agent();
    std::thread::sleep(Duration::from_secs(2));
    let again = site.json("/api/v1/changes/leak");
    assert_eq!(of(&again, "latency"), of(&judged, "latency"));
    assert_eq!((&again["open"], harm(&findings())), (&Value::Bool(false), 1), "{again:#}");
}
