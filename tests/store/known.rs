//! What is kept in memory of the file says what the file says: sums of days, and facts of pipelines.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use wayfarer::{
    model::{PipelineFact, PipelineKind},
    store::{Band, Facts, Histogram, Store},
};

use crate::made::{later, noon, open, run};

const HOUR: i64 = 3600;

/// The same from the roll-ups, five minutes by five minutes.
async fn slowly(store: &Store, from: Timestamp, to: Timestamp) -> (u64, Histogram) {
    let key = run("checkout", noon(), 1).series();
    let step = (Duration::from_secs(300), to);
    let bands = store.bands(vec![key], (from, to), step).await.unwrap();
    let mut all = Band::default();
    for band in &bands[0] {
        all.passed += band.passed;
        all.latency.merge(&band.latency);
    }
    (all.passed, all.latency)
}

#[tokio::test]
async fn sums_are_those_of_the_roll_ups_also_when_late_runs_come() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let key = run("checkout", noon(), 1).series();
    // Six days, a run every seven minutes.
    let runs = (0..6 * 24 * 60 / 7)
        .map(|n| Arc::new(run("checkout", later(n * 420), 50 + (n % 90).unsigned_abs())));
    store.record_runs(runs.collect()).await.unwrap();
    let now = later(6 * 24 * HOUR);
    let same = async |from: i64, to: i64| {
        let (from, to) = (later(from), later(to));
        let fast = store.sums(vec![key.clone()], (from, to), now).await.unwrap();
        assert_eq!(
            (fast[0].passed, fast[0].latency.clone()),
            slowly(&store, from, to).await,
            "{from} {to}"
        );
        let hours = (Duration::from_secs(2 * 3600), now);
        let hours = store.bands(vec![key.clone()], (from, to), hours).await.unwrap();
        let whole = |at: Timestamp| (at.as_second() - noon().as_second()) % (2 * HOUR) == 0;
        if from < to && whole(from) && whole(to) {
            assert_eq!(
                hours[0].iter().map(|b| b.passed).sum::<u64>(),
                fast[0].passed,
                "{from} {to}"
            );
        }
        fast[0].passed
    };
    for (from, to) in [
        (0, 144),
        (1, 143),
        (30, 31),
        (12, 36),
        (12, 60),
        (13, 61),
        (100, 100),
        (90, 80),
        (-50, 300),
    ] {
        for _ in 0..2 {
            same(from * HOUR, to * HOUR).await;
        }
    }
    let before = same(0, 144 * HOUR).await;
    let late = Arc::new(run("checkout", later(40 * HOUR + 1), 5000));
    store.record_runs(vec![late]).await.unwrap();
    assert_eq!(same(0, 144 * HOUR).await, before + 1);
    store.close().await;
}

fn fact(n: i64) -> PipelineFact {
    let mut fact = PipelineFact::new(format!("run:{n}"), PipelineKind::Pipeline, "CI");
    fact.started_at = Some(later(n * 60));
    fact
}

fn names(facts: &Facts) -> Vec<&str> {
    facts.iter().map(|fact| fact.id.as_str()).collect()
}

#[tokio::test]
async fn facts_are_those_of_the_file_also_when_one_is_told_anew() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    for n in 0..20 {
        store.record_pipeline(fact(n), noon()).await.unwrap();
    }
    let of = async |from: i64, to: i64, most| {
        store.facts((later(from * 60), later(to * 60)), most).await.unwrap()
    };
    for _ in 0..2 {
        assert_eq!(
            names(&of(15, 100, 50).await),
            ["run:19", "run:18", "run:17", "run:16", "run:15"]
        );
        assert_eq!(
            names(&of(-100, 2, 50).await),
            ["run:1", "run:0"],
            "further back than what is known"
        );
        assert_eq!(names(&of(17, 19, 50).await), ["run:18", "run:17"]);
        assert_eq!(names(&of(0, 100, 2).await), ["run:19", "run:18"]);
        assert_eq!(names(&of(0, 3, 2).await), ["run:2", "run:1"], "beyond what was read");
        assert!(of(50, 60, 5).await.is_empty());
    }
    let mut again = fact(19);
    again.finished_at = Some(later(19 * 60) + SignedDuration::from_secs(5));
    store.record_pipeline(again, noon()).await.unwrap();
    assert!(of(19, 100, 5).await[0].finished_at.is_some());
    store.close().await;
}
