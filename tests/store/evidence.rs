//! Which exchanges of which runs are kept, and how many bytes of them.

use std::sync::Arc;

use wayfarer::{
    model::{Evidence, Exchange, Outcome, Run, Witness},
    store::{RunFilter, Store},
};

use super::made::{failed, later, open, run};

/// The runs with evidence of their own, by their begin in seconds.
async fn kept(store: &Store) -> Vec<i64> {
    let all = store.runs(RunFilter { limit: 5_000, ..RunFilter::default() }).await.unwrap();
    let mut kept = Vec::new();
    for run in all {
        if store.run(&run.id).await.unwrap().unwrap().evidence.is_some() {
            kept.push(run.started_at.duration_since(later(0)).as_secs());
        }
    }
    kept.sort_unstable();
    kept
}

fn otherwise(mut run: Run) -> Run {
    if let Outcome::Failed(failure) = &mut run.outcome {
        failure.check = Some("body contains \"thanks\"".to_owned());
    }
    run
}

fn witness(run: &Run) -> Witness {
    let exchange = Exchange {
        request_line: "GET https://shop.test/".to_owned(),
        status: Some(200),
        response_body: Some("thanks".to_owned()),
        ..Exchange::default()
    };
    let evidence = Evidence { exchanges: vec![exchange], ..Evidence::default() };
    Witness { run: run.id, started_at: run.started_at, evidence }
}

#[tokio::test]
async fn an_outage_of_an_hour_is_not_kept_360_times() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    for n in 0..360 {
        // Another failure now and then does not end the first one.
        let at = later(10 * n);
        let run =
            if n % 100 == 50 { otherwise(failed("checkout", at)) } else { failed("checkout", at) };
        store.record_runs(vec![Arc::new(run)]).await.unwrap();
    }
    let alike = [0, 600, 1200, 1800, 2400, 3000, 3590];
    let other = [500, 1500, 2500, 3500];
    let mut expected: Vec<i64> = alike.into_iter().chain(other).collect();
    expected.sort_unstable();
    assert_eq!(kept(&store).await, expected);

    // A run between them is shown what one before it sent and got.
    let all = store.runs(RunFilter { limit: 5_000, ..RunFilter::default() }).await.unwrap();
    let between = all.iter().find(|run| run.started_at == later(700)).unwrap();
    let shown = store.evidence(&between.id).await.unwrap().unwrap();
    assert_eq!(shown.failing.started_at, later(600));

    // Hours later it is an outage of its own: the last of the first one stays.
    store.record_runs(vec![Arc::new(failed("checkout", later(9_000)))]).await.unwrap();
    store.record_runs(vec![Arc::new(failed("checkout", later(9_010)))]).await.unwrap();
    let now = kept(&store).await;
    assert!([3590, 9000, 9010].iter().all(|at| now.contains(at)), "{now:?}");
}

#[tokio::test]
async fn the_last_good_run_stands_beside_a_failed_one() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let good = run("checkout", later(0), 10);
    let (first, second) = (failed("checkout", later(10)), failed("checkout", later(20)));
    let runs = [&good, &first, &second].map(|run| Arc::new(run.clone()));
    store.record_runs(runs.to_vec()).await.unwrap();
    store.record_good(vec![(first.id, witness(&good)), (second.id, witness(&good))]).await.unwrap();
    for failed in [&first, &second] {
        let kept = store.evidence(&failed.id).await.unwrap().unwrap();
        assert_eq!(kept.failing.run, failed.id);
        assert_eq!(kept.last_good, Some(witness(&good)));
    }
    assert_eq!(store.last_good(&good.series(), later(5)).await.unwrap(), Some(witness(&good)));
    assert_eq!(store.last_good(&good.series(), later(0)).await.unwrap(), None);
    // A good run has exchanges of its own now, and fails nothing.
    assert!(store.run(&good.id).await.unwrap().unwrap().evidence.is_some());
    assert_eq!(store.evidence(&run("checkout", later(30), 10).id).await.unwrap(), None);
}

#[tokio::test]
async fn evidence_keeps_within_its_budget() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let mut runs = Vec::new();
    for n in 0..40 {
        let mut run = failed(&format!("journey {n}"), later(n));
        if let Some(evidence) = &mut run.evidence {
            evidence.exchanges[0].response_body = Some("x".repeat(10_000));
        }
        runs.push(Arc::new(run));
    }
    store.record_runs(runs).await.unwrap();
    let mut gone = 0;
    loop {
        let (rows, more) = store.fit_evidence(200_000, 7).await.unwrap();
        gone += rows;
        if !more {
            break;
        }
    }
    let left = kept(&store).await;
    assert_eq!(left.len() as u64 + gone, 40);
    assert!((15..20).contains(&left.len()), "{left:?}");
    assert_eq!(left[0], 40 - i64::try_from(left.len()).unwrap(), "the oldest went first");
    assert_eq!(store.fit_evidence(200_000, 7).await.unwrap(), (0, false));
}
