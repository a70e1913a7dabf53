//! Which exchanges of which runs are kept, and how many bytes of them.

use std::{sync::Arc, time::Duration};

use wayfarer::{
    model::{
        Evidence, Exchange, Outcome, PageEvidence, Picture, ResourceType, Run, Traffic,
        TypeTraffic, Witness,
    },
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

#[tokio::test]
async fn what_a_browser_showed_is_kept_beside_the_last_good_picture() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let good = run("checkout", later(0), 10);
    let mut bad = failed("checkout", later(10));
    let picture = |name: &str, bytes: usize| Picture {
        step: "open".into(),
        name: name.to_owned(),
        offset: Duration::from_millis(7),
        media_type: "image/jpeg".to_owned(),
        data: "A".repeat(bytes),
    };
    let page = |pictures| PageEvidence {
        url: "https://shop.test/".to_owned(),
        pictures,
        dom: Some("<p>".repeat(60_000)),
        ..PageEvidence::default()
    };
    let own = page(vec![picture("end", 450_000), picture("failure", 400_000)]);
    bad.evidence.as_mut().unwrap().page = Some(Box::new(own));
    bad.steps[0].traffic = Some(Box::new(Traffic {
        by_type: vec![TypeTraffic { kind: ResourceType::Image, requests: 3, failed: 1, bytes: 9 }],
        ..Traffic::default()
    }));
    store.record_runs(vec![Arc::new(good.clone()), Arc::new(bad.clone())]).await.unwrap();
    let mut beside = witness(&good);
    let mut shown = page(vec![picture("other", 10), picture("end", 5_000)]);
    shown.pictures[0].step = "before".into();
    shown.keep_beside(&"open".into());
    beside.evidence.page = Some(Box::new(shown));
    store.record_good(vec![(bad.id, beside.clone())]).await.unwrap();

    let kept = store.evidence(&bad.id).await.unwrap().unwrap();
    let page = kept.failing.evidence.page.unwrap();
    assert_eq!(
        page.pictures.last().map(|p| (p.name.as_str(), p.data.len())),
        Some(("failure", 400_000))
    );
    assert!(
        page.dom.is_some_and(|dom| dom.len() < 150_000) && page.dom_cut,
        "the document made room"
    );
    let good = kept.last_good.unwrap().evidence.page.unwrap();
    assert_eq!(good.pictures.iter().map(|p| p.name.as_str()).collect::<Vec<_>>(), ["end"]);
    assert_eq!(good.dom, None);
    let run = store.run(&bad.id).await.unwrap().unwrap();
    assert_eq!(run.steps[0].traffic, bad.steps[0].traffic);
}
