//! What charts are drawn of.

use std::{sync::Arc, time::Duration};

use wayfarer::{
    model::{Conclusion, Part, RunId},
    store::{Conclusions, Standing},
};

use super::made::{change, failed, later, noon, open, run, series, verdict};

#[tokio::test]
async fn stretches_are_sums_of_roll_ups() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let mut runs: Vec<_> =
        (0..240).map(|n| run("checkout", later(60 * n), 100 + n.unsigned_abs() % 3)).collect();
    runs.push(failed("checkout", later(61)));
    store.record_runs(runs.into_iter().map(Arc::new).collect()).await.unwrap();
    let keys = vec![series("checkout"), series("nobody")];
    let span = (noon(), later(4 * 3600));
    let steps = [(1, 48), (300, 48), (900, 16), (3600, 4), (7200, 2), (86_400, 1)];
    // Of some hours that are over now the second time is from memory.
    for (step, stretches) in steps.into_iter().chain(steps) {
        let step = Duration::from_secs(step);
        let found = store.bands(keys.clone(), span, (step, later(5 * 3600))).await.unwrap();
        assert_eq!((found[0].len(), found[1].len()), (stretches, 0), "{step:?}");
        let passed: u64 = found[0].iter().map(|b| b.passed).sum();
        assert_eq!((passed, found[0][0].failed), (240, 1), "{step:?}");
        let [median] = found[0][0].latency.quantiles_ms([0.5]).unwrap();
        assert!((median / 101.0 - 1.0).abs() < 0.011, "{median}");
    }
    // Asked for since ever it says what there is, and looks at no more.
    let (ever, week) = ((jiff::Timestamp::MIN, later(4 * 3600)), Duration::from_secs(604_800));
    let found = store.bands(keys, ever, (week, later(5 * 3600))).await.unwrap();
    assert_eq!((found[0].len(), found[0][0].passed), (1, 240));
    assert_eq!(store.first_run(&series("checkout")).await.unwrap(), Some(noon()));
    assert_eq!(store.first_run(&series("nobody")).await.unwrap(), None);
}

#[tokio::test]
async fn single_runs_and_samples_come_in_the_order_of_time() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let runs: Vec<_> = (0..100)
        .map(|n| run("checkout", later(60 * n), 100))
        .chain([failed("checkout", later(6001))])
        .collect();
    let ids: Vec<RunId> = runs.iter().map(|r| r.id).collect();
    store.record_runs(runs.into_iter().map(Arc::new).collect()).await.unwrap();
    let (key, span) = (series("checkout"), (noon(), later(7000)));
    let newest = store.points(&key, span, 3).await.unwrap();
    assert_eq!(newest.iter().map(|p| p.id).collect::<Vec<_>>(), ids[98..]);
    let bad = store.points_not_passed(&key, span, 10).await.unwrap();
    assert_eq!(bad.iter().map(|p| p.id).collect::<Vec<_>>(), ids[100..]);
    assert_eq!(store.next_run(&key, later(1)).await.unwrap(), Some(ids[1]));
    assert_eq!(store.next_run(&key, later(7000)).await.unwrap(), None);
    let sample = store.sample(&key, (noon(), later(6000)), (10, 4)).await.unwrap();
    assert_eq!(sample.iter().map(Vec::len).collect::<Vec<_>>(), [4; 10]);
    assert_eq!(sample[1][0].at, later(600));
    assert_eq!(sample[1][0].parts.get(&Part::Step("open".into())), Some(100.0));
}

#[tokio::test]
async fn a_list_of_changes_says_how_each_stands() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    for id in ["a", "b", "c"] {
        store.record_change(change(id, noon())).await.unwrap();
    }
    let mut bad = verdict("a", Conclusion::Regressed, later(60));
    bad.before.p50_ms = Some(80.0);
    let calm = verdict("b", Conclusion::Unchanged, later(60));
    let told = Conclusions {
        verdicts: vec![bad.clone(), calm],
        change_cursor: Some(2),
        ..Conclusions::default()
    };
    store.conclude(told).await.unwrap();
    let ids = ["a", "b", "c", "nobody"].map(Into::into).to_vec();
    let standing = |worst, open| Standing { worst, open, dismissed: false };
    assert_eq!(
        store.standings(ids.clone()).await.unwrap(),
        [
            standing(Some(Conclusion::Regressed), false),
            standing(Some(Conclusion::Unchanged), false),
            standing(None, true),
            standing(None, false),
        ]
    );
    let held = store.baseline(&series("checkout"), ids).await.unwrap();
    assert_eq!(held, Some(bad));
    assert_eq!(store.baseline(&series("search"), vec!["a".into()]).await.unwrap(), None);
}
