//! Many senders, one change: whatever the order in which they come, and however often.

use jiff::Timestamp;
use proptest::{collection::vec, prelude::*, sample::select};
use wayfarer::{
    model::{
        Change, ChangeKind, ChangeState, Commit, Finding, FindingKind, FindingState, Metric, Part,
        RollbackOrder,
    },
    store::{
        ChangeFilter, Conclusions, FindingFilter, NewMessage, Ordered, RecordOutcome, Store,
        StoreOptions, Telling,
    },
};

fn minute(n: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + 60 * n).unwrap()
}

fn store() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("w.db"), &StoreOptions::default()).unwrap();
    (dir, store)
}

fn change(
    source: &str,
    id: &str,
    version: &str,
    commit: &str,
    at: i64,
    state: ChangeState,
) -> Change {
    let mut change = Change::new(id.into(), ChangeKind::Deploy, minute(at));
    change.source = source.to_owned();
    change.services = vec!["shop".into()];
    change.environments = vec!["production".into()];
    change.version = (!version.is_empty()).then(|| version.to_owned());
    if !commit.is_empty() {
        change.commits =
            vec![Commit { id: commit.to_owned(), at: None, author: None, message: None }];
    }
    change.state = state;
    change.finished_at = (state != ChangeState::Started).then(|| minute(at));
    change
}

async fn all(store: &Store) -> Vec<Change> {
    let filter = ChangeFilter { limit: 1000, ..ChangeFilter::default() };
    let mut changes = store.changes(filter).await.unwrap();
    changes.sort_by(|a, b| (a.started_at, &a.id).cmp(&(b.started_at, &b.id)));
    changes
}

/// A start by one, a finish by another, a marker by a third that joins the two.
fn deploy() -> Vec<Change> {
    vec![
        change("github", "github:acme/shop:7", "", "abc1234def567", 0, ChangeState::Started),
        change("grafana", "grafana:1", "v2.4.1", "", 6, ChangeState::Finished),
        change("argocd", "argocd:shop:abc1234", "2.4.1", "abc1234def567", 5, ChangeState::Finished),
    ]
}

fn finding(change: &str) -> Finding {
    Finding {
        id: "fnd-1".into(),
        kind: FindingKind::Regressed,
        state: FindingState::Open,
        change: Some(change.into()),
        journey: "checkout".into(),
        environment: "production".into(),
        location: "local".into(),
        metric: Metric::Latency,
        part: Part::Whole,
        summary: "slower".to_owned(),
        onset_at: None,
        opened_at: minute(7),
        updated_at: minute(7),
        closed_at: None,
        dismissal: None,
        acknowledged: None,
        pipeline: None,
    }
}

fn order(change: &Change) -> (RollbackOrder, NewMessage) {
    let order = RollbackOrder {
        id: format!("rollback-shop-{}", change.id).into(),
        hook: "shop".to_owned(),
        change: change.clone(),
        service: "shop".into(),
        to_commit: None,
        environments: vec!["production".into()],
        reason: "it is slow".to_owned(),
        by: "ana".to_owned(),
        automatic: false,
        at: minute(8),
    };
    let message = NewMessage {
        key: format!("rollback/shop/{}", change.id),
        receiver: "rollback:shop".to_owned(),
        thread: None,
        body: "{}".to_owned(),
        created_at: minute(8),
        next_try_at: minute(8),
    };
    (order, message)
}

/// A change that is absorbed by another one takes along what was found of it and what was ordered about it: under the id that is left, and
/// under every one before, nothing is undone twice.
#[tokio::test]
async fn findings_and_rollbacks_follow_a_change_into_another_one() {
    let (_dir, store) = store();
    let [github, grafana, argocd] = deploy().try_into().unwrap();
    store.record_change(github.clone()).await.unwrap();
    store.record_change(grafana.clone()).await.unwrap();
    assert_eq!(all(&store).await.len(), 2);
    let findings = vec![finding(grafana.id.as_str())];
    store.conclude(Conclusions { findings, ..Conclusions::default() }).await.unwrap();
    let (first, message) = order(&grafana);
    assert_eq!(store.order_rollback(first, Some(message)).await.unwrap(), Ordered::New);
    // What makes the two one comes last.
    store.record_change(argocd).await.unwrap();
    let one = all(&store).await.remove(0);
    assert_eq!(one.id, github.id);
    let filter = FindingFilter { change: Some(one.id.clone()), ..FindingFilter::default() };
    let moved = store.findings(filter).await.unwrap();
    assert_eq!(moved.len(), 1);
    assert_eq!(moved[0].change.as_ref(), Some(&one.id));
    assert_eq!(store.rollbacks(&one.id).await.unwrap().len(), 1);
    let (again, message) = order(&one);
    let known = store.order_rollback(again, Some(message)).await.unwrap();
    assert!(matches!(known, Ordered::Known(record) if record.order.change.id == grafana.id));
    // The old id is as good as the new one.
    assert_eq!(store.change(&grafana.id).await.unwrap(), Some(one));
}

#[tokio::test]
async fn three_senders_in_every_order_are_one_change() {
    let tellings = deploy();
    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    for order in orders {
        let (_dir, store) = store();
        for at in order.into_iter().chain(order) {
            store.record_change(tellings[at].clone()).await.unwrap();
        }
        let changes = all(&store).await;
        assert_eq!(changes.len(), 1, "{order:?}: {changes:?}");
        let one = &changes[0];
        assert_eq!((one.started_at, one.finished_at), (minute(0), Some(minute(5))), "{order:?}");
        assert_eq!(one.commits[0].id, "abc1234def567");
        assert_eq!(one.id, tellings[order[0]].id, "the first id stays");
        for telling in &tellings {
            assert_eq!(store.change(&telling.id).await.unwrap().as_ref(), Some(one), "{order:?}");
        }
        assert_eq!(store.voices(&one.id).await.unwrap().len(), 3);
        let again = store.record_change(tellings[0].clone()).await.unwrap();
        assert_eq!(again.outcome, RecordOutcome::Same);
    }
}

#[tokio::test]
async fn a_change_that_turns_out_to_be_another_is_let_go() {
    let (_dir, store) = store();
    let tellings = deploy();
    store.record_change(tellings[0].clone()).await.unwrap();
    store.record_change(tellings[1].clone()).await.unwrap();
    let newest = store.changes_since(0).await.unwrap().last().unwrap().0;
    store.record_change(tellings[2].clone()).await.unwrap();
    let absorbed = store.absorbed_since(0).await.unwrap();
    assert_eq!(absorbed.len(), 1);
    assert_eq!((&absorbed[0].1, &absorbed[0].2), (&tellings[1].id, &tellings[0].id));
    // Whoever follows the log hears of what is left, under a place that was never given before.
    let since = store.changes_since(newest).await.unwrap();
    assert_eq!(since.len(), 1);
    assert_eq!(since[0].1.id, tellings[0].id);
}

#[tokio::test]
async fn what_is_deployed_is_reported_again_and_again() {
    let (_dir, store) = store();
    let report = |revision: &str, at: i64| Telling {
        change: change(
            "flux",
            &format!("flux:webapp:{revision}"),
            "",
            revision,
            at,
            ChangeState::Finished,
        ),
        reports: Some("flux:webapp".to_owned()),
        loose: false,
        replaces: false,
    };
    for (revision, at) in [
        ("aaa1111", 0),
        ("aaa1111", 10),
        ("bbb2222", 20),
        ("bbb2222", 30),
        ("aaa1111", 40),
        ("aaa1111", 50),
    ] {
        store.record_telling(report(revision, at)).await.unwrap();
    }
    let changes = all(&store).await;
    let times: Vec<_> = changes.iter().map(|c| (c.commits[0].id.as_str(), c.started_at)).collect();
    assert_eq!(times, [("aaa1111", minute(0)), ("bbb2222", minute(20)), ("aaa1111", minute(40))]);
}

#[tokio::test]
async fn a_region_is_closed_by_saying_it_anew() {
    let (_dir, store) = store();
    let open = change("grafana", "grafana:1", "v1", "", 0, ChangeState::Finished);
    store.record_change(open.clone()).await.unwrap();
    let mut closed = open.clone();
    closed.finished_at = Some(minute(9));
    let telling = Telling { replaces: true, ..Telling::from(closed) };
    let recorded = store.record_telling(telling).await.unwrap();
    assert_eq!(recorded.outcome, RecordOutcome::Merged);
    assert_eq!(recorded.change.finished_at, Some(minute(9)));
    assert_eq!(all(&store).await.len(), 1);
}

/// Tellings of one sender that lie far apart, only one of which says the commit: what joins them is found from either side.
#[tokio::test]
async fn a_telling_far_away_counts_as_well() {
    let tellings = [
        change("github", "github:0", "2", "abc1234", 29, ChangeState::Started),
        change("grafana", "grafana:0", "", "abc1234", 60, ChangeState::Started),
        change("grafana", "grafana:0", "", "", 0, ChangeState::Started),
    ];
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0], [1, 0, 2]] {
        let (_dir, store) = store();
        for at in order {
            store.record_change(tellings[at].clone()).await.unwrap();
        }
        assert_eq!(all(&store).await.len(), 1, "{order:?}");
    }
}

/// What some senders could say of some deploys within two hours.
fn telling() -> impl Strategy<Value = Change> {
    let state = select(vec![ChangeState::Started, ChangeState::Finished, ChangeState::Failed]);
    let of = (select(vec!["github", "argocd", "grafana"]), 0..3_u8, select(vec!["", "1", "2"]));
    (of, select(vec!["", "abc1234", "def5678"]), 0..120_i64, state).prop_map(
        |((source, number, version), commit, at, state)| {
            change(source, &format!("{source}:{number}"), version, commit, at, state)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_order_and_repetition_of_tellings_do_not_matter(
        tellings in vec(telling(), 1..10), turn in any::<prop::sample::Index>()
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut turned = tellings.clone();
            turned.rotate_left(turn.index(tellings.len()));
            let mut twice = tellings.clone();
            twice.reverse();
            twice.extend(tellings.clone());
            let mut outcomes = Vec::new();
            for order in [&tellings, &turned, &twice] {
                let (_dir, store) = store();
                for telling in order {
                    store.record_change(telling.clone()).await.unwrap();
                }
                // Which of its ids a change has depends on who came first; nothing else does.
                let mut changes: Vec<String> = all(&store)
                    .await
                    .into_iter()
                    .map(|change| format!("{:?}", Change { id: "".into(), ..change }))
                    .collect();
                changes.sort();
                outcomes.push(changes);
            }
            assert_eq!(outcomes[0], outcomes[1]);
            assert_eq!(outcomes[0], outcomes[2]);
        });
    }
}
