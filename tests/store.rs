//! The data file as others use it: what was acknowledged stays, whatever happens.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

#[path = "store/evidence.rs"]
mod evidence;
#[path = "store/figures.rs"]
mod figures;
#[path = "store/known.rs"]
mod known;
#[path = "store/made.rs"]
mod made;

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use wayfarer::{
    model::{
        ChangeId, ChangeKind, ChangeState, Commit, Conclusion, Dismissal, DismissalReason, Effect,
        Finding, FindingKind, FindingState, Metric, Outcome, Part, Probe, Retention, RunId,
        Verdict,
    },
    store::{
        ChangeFilter, Conclusions, FindingFilter, Judged, MessageState, NewMessage, OutboxMark,
        RecordOutcome, RunFilter, RunResult, Store, StoreError, StoreOptions, WatchRecord, kept,
    },
};

use made::{at, change, failed, later, noon, open, run, series, verdict};

#[tokio::test]
async fn runs_come_back_in_every_way() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let mut runs = Vec::new();
    for n in 0..40 {
        runs.push(run("checkout", later(60 * n), 100 + n.unsigned_abs()));
        runs.push(run("search", later(60 * n + 7), 30));
    }
    runs.push(failed("checkout", later(2400)));
    let mut broken = run("checkout", later(2460), 5);
    broken.outcome = Outcome::Broken { reason: "no sockets".to_owned() };
    runs.push(broken);
    let runs: Vec<_> = runs.into_iter().map(Arc::new).collect();
    assert_eq!(store.record_runs(runs.clone()).await.unwrap(), 82);
    // Twice is harmless, also for the sums.
    assert_eq!(store.record_runs(runs.clone()).await.unwrap(), 0);
    assert_eq!(store.counts().await.unwrap().runs, 82);

    let probes = store.probes(&series("checkout"), later(60), later(2461)).await.unwrap();
    let expected: Vec<_> = runs
        .iter()
        .filter(|r| r.journey.as_str() == "checkout" && r.started_at >= later(60))
        .map(|r| Probe::from(&kept(r)))
        .collect();
    let bare: Vec<_> = expected.iter().map(Probe::bare).collect();
    assert_eq!(probes, bare);
    // The times of parts where they are asked for, with names that runs share.
    let (checkout, span) = (series("checkout"), (later(60), later(2461)));
    let with_parts = store.probes_with_parts(&checkout, span, later(60)).await.unwrap();
    assert_eq!(with_parts, expected);
    assert_eq!(with_parts[0].parts.get(&Part::Step("open".into())), Some(101.0));
    let layout = |n: usize| with_parts[n].parts.layout().unwrap();
    assert!(Arc::ptr_eq(layout(0), layout(30)));
    let some = store.probes_with_parts(&checkout, span, later(120)).await.unwrap();
    assert!(some[0].parts.is_empty() && some[1..] == expected[1..]);

    let newest = store.runs(RunFilter { limit: 3, ..RunFilter::default() }).await.unwrap();
    let times: Vec<_> = newest.iter().map(|r| r.started_at).collect();
    assert_eq!(times, [later(2460), later(2400), later(60 * 39 + 7)]);
    for (result, count) in [(RunResult::Failed, 1), (RunResult::Broken, 1), (RunResult::Passed, 40)]
    {
        let filter = RunFilter {
            journey: Some("checkout".into()),
            result: Some(result),
            ..RunFilter::default()
        };
        assert_eq!(store.runs(filter).await.unwrap().len(), count, "{result:?}");
    }
    for one in &runs {
        let back = store.run(&one.id).await.unwrap().unwrap();
        assert_eq!(back, kept(one));
    }
    assert_eq!(store.run(&RunId::at(later(9))).await.unwrap(), None);
    assert_eq!(store.series().await.unwrap(), [series("checkout"), series("search")]);
    let latest = store.latest_runs().await.unwrap();
    assert_eq!(latest.iter().map(|r| r.started_at).collect::<Vec<_>>(), [later(2460), later(2347)]);

    let rollups = store.rollups(&series("checkout"), noon(), later(3600)).await.unwrap();
    assert_eq!(rollups.len(), 9);
    assert_eq!(rollups.iter().map(|r| r.passed).sum::<u64>(), 40);
    assert_eq!(rollups.iter().map(|r| (r.failed, r.broken)).next_back(), Some((1, 1)));
    assert_eq!(rollups[0].deployed[0].version, "1.0");
    let mut all = wayfarer::store::Histogram::default();
    rollups.iter().for_each(|r| all.merge(&r.latency));
    let p50 = all.quantile(0.5).unwrap().as_secs_f64();
    assert!((p50 / 0.1195 - 1.0).abs() < 0.02, "{p50}");
}

#[tokio::test]
async fn a_run_whose_id_tells_another_time_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let mut odd = run("checkout", noon(), 50);
    odd.id = RunId::at(at("2020-01-01T00:00:00Z"));
    let mut random = run("checkout", later(1), 50);
    random.id = "936da01f-9abd-4d9d-80c7-02af85c822a8".parse().unwrap();
    for one in [odd, random] {
        store.record_runs(vec![Arc::new(one.clone())]).await.unwrap();
        assert_eq!(store.run(&one.id).await.unwrap(), Some(kept(&one)));
    }
}

#[tokio::test]
async fn many_writers_are_one_transaction_and_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..300 {
        let store = store.clone();
        tasks.spawn(async move {
            store.record_runs(vec![Arc::new(run("checkout", later(n), 50))]).await
        });
    }
    while let Some(done) = tasks.join_next().await {
        assert_eq!(done.unwrap().unwrap(), 1);
    }
    store.clone().close().await;
    assert_eq!(
        store.record_runs(Vec::new()).await.unwrap_err(),
        StoreError::Closed { doing: "record runs" }
    );
    assert!(!folder.path().join("w.db-wal").exists(), "the log was not folded into the file");
    let store = open(&folder);
    assert_eq!(store.probes(&series("checkout"), noon(), later(400)).await.unwrap().len(), 300);
}

#[tokio::test]
async fn start_and_finish_are_one_change() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let mut start = change("c1", noon());
    (start.state, start.finished_at, start.version) = (ChangeState::Started, None, None);
    start.title = Some("payments".to_owned());
    let first = store.record_change(start.clone()).await.unwrap();
    assert_eq!((first.outcome, first.seq), (RecordOutcome::New, 1));
    store.record_change(change("c0", later(-60))).await.unwrap();
    let finish = change("c1", later(60));
    let merged = store.record_change(finish.clone()).await.unwrap();
    assert_eq!((merged.outcome, merged.seq), (RecordOutcome::Merged, 3));
    assert_eq!(merged.change.started_at, noon());
    assert_eq!(merged.change.finished_at, Some(later(60)));
    assert_eq!(merged.change.state, ChangeState::Finished);
    assert_eq!(
        (merged.change.title.as_deref(), merged.change.version.as_deref()),
        (Some("payments"), Some("2.0"))
    );
    for again in [start, finish, change("c1", later(90))] {
        let same = store.record_change(again).await.unwrap();
        assert_eq!(
            (same.outcome, same.seq, &same.change),
            (RecordOutcome::Same, 3, &merged.change)
        );
    }
    let since = store.changes_since(1).await.unwrap();
    let seen: Vec<_> = since.iter().map(|(seq, c)| (*seq, c.id.as_str())).collect();
    assert_eq!(seen, [(2, "c0"), (3, "c1")]);
    assert_eq!(store.change(&"c1".into()).await.unwrap(), Some(merged.change));
    assert_eq!(store.change(&"c9".into()).await.unwrap(), None);
}

#[tokio::test]
async fn changes_are_found_by_service_environment_and_time() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let mut staging = change("staging", later(1));
    staging.environments = vec!["staging".into()];
    let mut everywhere = change("everywhere", later(2));
    (everywhere.environments, everywhere.services) = (Vec::new(), vec!["ledger".into()]);
    for one in [change("old", noon()), staging, everywhere, change("new", later(3))] {
        store.record_change(one).await.unwrap();
    }
    let ids = async |filter: ChangeFilter| -> Vec<String> {
        store.changes(filter).await.unwrap().iter().map(|c| c.id.to_string()).collect()
    };
    let all = ChangeFilter::default;
    assert_eq!(ids(all()).await, ["new", "everywhere", "staging", "old"]);
    assert_eq!(ids(ChangeFilter { limit: 1, ..all() }).await, ["new"]);
    assert_eq!(ids(ChangeFilter { service: Some("ledger".into()), ..all() }).await, ["everywhere"]);
    let environment = Some("production".into());
    assert_eq!(ids(ChangeFilter { environment, ..all() }).await, ["new", "everywhere", "old"]);
    let (since, until) = (Some(later(1)), Some(later(3)));
    assert_eq!(ids(ChangeFilter { since, until, ..all() }).await, ["everywhere", "staging"]);
}

#[tokio::test]
async fn what_is_deployed_is_what_was_finished_last() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let version = |id: &str, seconds, version: Option<&str>| {
        let mut change = change(id, later(seconds));
        change.version = version.map(str::to_owned);
        change
    };
    let mut gone_wrong = version("failed", 20, Some("3"));
    gone_wrong.state = ChangeState::Failed;
    let mut flag = version("flag", 30, Some("on"));
    flag.kind = ChangeKind::Flag;
    let mut by_commit = version("commit", 5, None);
    by_commit.services = vec!["ledger".into()];
    by_commit.commits = ["a1", "b2"]
        .map(|id| Commit { id: id.to_owned(), at: None, author: None, message: None })
        .to_vec();
    let ahead = version("ahead", 500, Some("9"));
    for one in [
        version("b", 10, Some("2")),
        version("a", 0, Some("1")),
        gone_wrong,
        flag,
        by_commit,
        ahead,
    ] {
        store.record_change(one).await.unwrap();
    }
    let deployed = store.deployed(&"production".into(), later(100)).await.unwrap();
    let seen: Vec<_> = deployed
        .values()
        .map(|d| (d.service.as_str(), d.version.as_str(), d.commit.as_deref(), d.change.as_str()))
        .collect();
    assert_eq!(seen, [("ledger", "b2", Some("b2"), "commit"), ("payments", "2", None, "b")]);
    assert!(store.deployed(&"staging".into(), later(100)).await.unwrap().is_empty());
}

#[tokio::test]
async fn conclusions_are_all_or_nothing_and_tell_their_history() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    store.record_change(change("c1", noon())).await.unwrap();
    let watch = WatchRecord {
        change: "c1".into(),
        environment: "production".into(),
        opened_at: noon(),
        until: later(1800),
        closed_at: None,
    };
    let finding = Finding {
        id: "f1".into(),
        kind: FindingKind::Suspected,
        state: FindingState::Open,
        change: Some("c1".into()),
        journey: "checkout".into(),
        environment: "production".into(),
        location: "fra1".into(),
        metric: Metric::Latency,
        part: Part::Whole,
        pipeline: None,
        summary: "slower".to_owned(),
        onset_at: None,
        opened_at: later(1),
        updated_at: later(1),
        closed_at: None,
        dismissal: None,
        acknowledged: None,
    };
    let message = NewMessage {
        key: "f1/opened".to_owned(),
        receiver: "ops".to_owned(),
        thread: None,
        body: "{}".to_owned(),
        created_at: later(1),
        next_try_at: later(1),
    };
    let mut infinite = verdict("c1", Conclusion::Suspected, later(1));
    infinite.effect = Some(Effect { estimate: f64::INFINITY, low: 1.0, high: f64::NAN });
    store
        .conclude(Conclusions {
            verdicts: vec![infinite.clone()],
            findings: vec![finding.clone()],
            messages: vec![message.clone(), message.clone()],
            told: vec![],
            watches: vec![watch.clone()],
            change_cursor: Some(1),
        })
        .await
        .unwrap();
    infinite.effect = None;
    assert_eq!(store.verdicts(&"c1".into()).await.unwrap(), [infinite]);
    assert_eq!(store.change_cursor().await.unwrap(), 1);
    let open = store.open_changes().await.unwrap();
    assert_eq!((open[0].change.id.as_str(), &open[0].watches[..]), ("c1", &[watch.clone()][..]));

    // Later ones win, an older one that comes late does not; the history tells each step.
    for (conclusion, seconds) in
        [(Conclusion::Regressed, 5), (Conclusion::Regressed, 6), (Conclusion::Unchanged, 2)]
    {
        let verdicts = vec![verdict("c1", conclusion, later(seconds))];
        store.conclude(Conclusions { verdicts, ..Conclusions::default() }).await.unwrap();
    }
    assert_eq!(store.verdicts(&"c1".into()).await.unwrap()[0].decided_at, later(6));
    let history = store.verdict_changes(&"c1".into()).await.unwrap();
    let steps: Vec<_> = history.iter().map(|h| (h.before, h.after)).collect();
    assert_eq!(
        steps,
        [(None, Conclusion::Suspected), (Some(Conclusion::Suspected), Conclusion::Regressed)]
    );

    // A part of the journey has a verdict of its own, which alters by itself.
    let part = Part::Phase("sign in".into(), "processing".into());
    for conclusion in [Conclusion::Suspected, Conclusion::Regressed] {
        let verdicts = vec![Verdict { part: part.clone(), ..verdict("c1", conclusion, later(7)) }];
        store.conclude(Conclusions { verdicts, ..Conclusions::default() }).await.unwrap();
    }
    let parts: Vec<_> = store.verdicts(&"c1".into()).await.unwrap();
    let parts: Vec<_> = parts.into_iter().map(|v| (v.part, v.conclusion)).collect();
    let expected = [(Part::Whole, Conclusion::Regressed), (part.clone(), Conclusion::Regressed)];
    assert_eq!(parts, expected);
    let history = store.verdict_changes(&"c1".into()).await.unwrap();
    let last = history.last().unwrap();
    assert_eq!((&last.part, last.before), (&part, Some(Conclusion::Suspected)));

    let closed = Finding {
        state: FindingState::Recovered,
        updated_at: later(9),
        closed_at: Some(later(9)),
        ..finding.clone()
    };
    let shut = WatchRecord { closed_at: Some(later(9)), ..watch };
    store
        .conclude(Conclusions {
            findings: vec![closed.clone()],
            watches: vec![shut.clone()],
            ..Conclusions::default()
        })
        .await
        .unwrap();
    assert!(store.open_changes().await.unwrap().is_empty());
    let seen = |changes, regressed, dismissed| Judged { changes, regressed, dismissed };
    assert_eq!(store.judged(later(0)).await.unwrap(), seen(1, 1, 0));
    assert_eq!(store.judged(later(10)).await.unwrap(), seen(0, 0, 0));
    assert_eq!(store.watches(&"c1".into()).await.unwrap(), [shut]);
    let of = |state| FindingFilter { state: Some(state), ..FindingFilter::default() };
    assert!(store.findings(of(FindingState::Open)).await.unwrap().is_empty());
    assert_eq!(
        store.findings(of(FindingState::Recovered)).await.unwrap(),
        std::slice::from_ref(&closed)
    );
    assert_eq!(store.finding(&"f1".into()).await.unwrap(), Some(closed));
    assert_eq!(store.finding_counts().await.unwrap()[0].count, 1);

    let wrong = Finding {
        id: "f2".into(),
        kind: FindingKind::Regressed,
        state: FindingState::Dismissed,
        dismissal: Some(Dismissal { reason: DismissalReason::FalseAlarm, note: None, by: None }),
        ..finding.clone()
    };
    let meant = Finding {
        id: "f3".into(),
        dismissal: Some(Dismissal { reason: DismissalReason::Accepted, note: None, by: None }),
        ..wrong.clone()
    };
    let findings = vec![wrong.clone(), meant.clone()];
    store.conclude(Conclusions { findings, ..Conclusions::default() }).await.unwrap();
    assert_eq!(store.judged(later(0)).await.unwrap(), seen(1, 1, 1));
    assert!(store.dismissals().await.unwrap().values().all(|n| *n == 1));
    assert_eq!(store.finding(&"f2".into()).await.unwrap(), Some(wrong));
}

#[tokio::test]
async fn a_message_is_due_until_it_is_settled() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let message = |key: &str, seconds| NewMessage {
        key: key.to_owned(),
        receiver: "ops".to_owned(),
        thread: None,
        body: "{}".to_owned(),
        created_at: noon(),
        next_try_at: later(seconds),
    };
    let messages = vec![message("b", 2), message("a", 1), message("z", 100)];
    store.conclude(Conclusions { messages, ..Conclusions::default() }).await.unwrap();
    let due = store.outbox_due(later(10), 10).await.unwrap();
    assert_eq!(due.iter().map(|m| m.key.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    let retry = OutboxMark::Retry { next_try_at: later(50), error: "ü".repeat(2000) };
    assert!(store.outbox_mark(due[0].id, retry).await.unwrap());
    assert!(
        store
            .outbox_mark(due[1].id, OutboxMark::Delivered { at: later(10), receipt: None })
            .await
            .unwrap()
    );
    assert!(
        !store
            .outbox_mark(due[1].id, OutboxMark::Delivered { at: later(11), receipt: None })
            .await
            .unwrap()
    );
    assert!(store.outbox_due(later(10), 10).await.unwrap().is_empty());
    assert_eq!(store.outbox_next().await.unwrap(), Some(later(50)));
    let again = store.outbox_due(later(60), 10).await.unwrap();
    assert_eq!((again[0].attempts, again[0].last_error.as_ref().map(String::len)), (1, Some(1024)));
    let up = OutboxMark::GivenUp { at: later(61), error: "gone".to_owned() };
    store.outbox_mark(again[0].id, up).await.unwrap();
    let given_up = store.outbox(Some(MessageState::GivenUp), 0).await.unwrap();
    assert_eq!(given_up[0].settled_at, Some(later(61)));
    assert_eq!(store.outbox(None, 0).await.unwrap().len(), 3);
}

#[tokio::test]
async fn old_rows_go_in_small_batches() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let mut runs = Vec::new();
    for n in 0..100 {
        runs.push(Arc::new(failed("checkout", later(60 * n))));
        runs.push(Arc::new(run("search", later(60 * n), 10)));
    }
    // Two that began at the very same time as others.
    runs.push(Arc::new(run("search", later(0), 10)));
    runs.push(Arc::new(run("search", later(0), 10)));
    store.record_runs(runs).await.unwrap();
    let minutes = |m: u64| Duration::from_secs(60 * m);
    let retention = Retention {
        runs: minutes(50),
        evidence: minutes(10),
        rollups: minutes(60),
        ..Retention::default()
    };
    let now = later(60 * 100);
    let (mut rounds, mut runs, mut evidence, mut rollups) = (0, 0, 0, 0);
    loop {
        let pruned = store.prune(now, &retention, 7).await.unwrap();
        assert!(pruned.runs <= 9 && pruned.evidence <= 7);
        (rounds, runs) = (rounds + 1, runs + pruned.runs);
        (evidence, rollups) = (evidence + pruned.evidence, rollups + pruned.rollups);
        if !pruned.more {
            break;
        }
        assert!(rounds < 100);
    }
    // Of failures alike one every ten minutes is kept, and the newest.
    assert_eq!((runs, evidence, rollups), (102, 9, 14));
    assert_eq!(store.counts().await.unwrap().runs, 100);
    let left = store.runs(RunFilter { limit: 500, ..RunFilter::default() }).await.unwrap();
    assert_eq!(left.len(), 100);
    assert!(left.iter().all(|r| r.started_at >= later(60 * 50)));
    assert!(store.run(&left[0].id).await.unwrap().is_some());
    // The revision goes when nothing can be of it any more, and comes back with the next run.
    let next_week = later(8 * 86_400);
    while store.prune(next_week, &retention, 50).await.unwrap().more {}
    assert_eq!(store.counts().await.unwrap().runs, 0);
    let newest = run("search", next_week, 10);
    store.record_runs(vec![Arc::new(newest.clone()), Arc::new(newest.clone())]).await.unwrap();
    assert_eq!(store.run(&newest.id).await.unwrap(), Some(kept(&newest)));
    assert!(store.size_bytes().await.unwrap() > 0);
}

#[tokio::test]
async fn two_processes_share_a_file() {
    // Two handles are two sets of connections: to SQLite the same as two processes.
    let folder = tempfile::tempdir().unwrap();
    let (agent, command) = (open(&folder), open(&folder));
    for n in 0..20 {
        let walked = run(if n % 2 == 0 { "checkout" } else { "search" }, later(n), 10);
        let store = if n % 3 == 0 { &agent } else { &command };
        store.record_runs(vec![Arc::new(walked.clone())]).await.unwrap();
        let other = if n % 3 == 0 { &command } else { &agent };
        assert_eq!(other.run(&walked.id).await.unwrap(), Some(kept(&walked)), "{n}");
    }
    command.record_change(change("c1", noon())).await.unwrap();
    assert_eq!(agent.changes_since(0).await.unwrap().len(), 1);
    let looking = Store::open_read_only(agent.path(), &StoreOptions::default()).unwrap();
    assert_eq!(looking.counts().await.unwrap().runs, 20);
    assert_eq!(
        looking.record_change(change("c2", noon())).await.unwrap_err(),
        StoreError::ReadOnly { doing: "record a change" }
    );
}

#[tokio::test]
async fn a_locked_file_and_other_files_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.db");
    let options =
        StoreOptions { busy_timeout: Duration::from_millis(30), ..StoreOptions::default() };
    let store = Store::open(&path, &options).unwrap();
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let locked = store.record_change(change("c1", noon())).await.unwrap_err();
    assert_eq!(
        locked.to_string(),
        "cannot record a change: the data file is locked by another process"
    );
    other.execute_batch("COMMIT").unwrap();
    store.record_change(change("c1", noon())).await.unwrap();
    drop(store);

    other.pragma_update(None, "user_version", 99).unwrap();
    for error in [Store::open(&path, &options), Store::open_read_only(&path, &options)] {
        let text = error.unwrap_err().to_string();
        assert!(text.contains("was written by a newer wayfarer (its schema is 99"), "{text}");
    }
    let foreign = folder.path().join("foreign.db");
    rusqlite::Connection::open(&foreign).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    let text = Store::open(&foreign, &options).unwrap_err().to_string();
    assert!(text.contains("the database of another program"), "{text}");
    let noise = folder.path().join("noise.db");
    std::fs::write(&noise, "this is not a database at all, it only looks long enough").unwrap();
    let text = Store::open(&noise, &options).unwrap_err().to_string();
    assert!(text.contains("not a wayfarer data file"), "{text}");
    let text = Store::open(&folder.path().join("no/where.db"), &options).unwrap_err().to_string();
    assert!(text.contains("cannot open the data file"), "{text}");
    let absent = Store::open_read_only(&folder.path().join("absent.db"), &options).unwrap_err();
    assert!(absent.to_string().contains("there is no such file"), "{absent}");
}

#[tokio::test]
async fn a_damaged_page_is_an_error_not_a_panic() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let runs = (0..3000).map(|n| Arc::new(run("checkout", later(n), 10))).collect();
    store.record_runs(runs).await.unwrap();
    let path = store.path().to_owned();
    store.close().await;
    let mut bytes = std::fs::read(&path).unwrap();
    let length = bytes.len();
    bytes[length / 2..].fill(0xa5);
    std::fs::write(&path, bytes).unwrap();
    match Store::open(&path, &StoreOptions::default()) {
        Err(e) => assert!(!e.to_string().is_empty()),
        Ok(store) => {
            let read = store.probes(&series("checkout"), noon(), later(4000)).await;
            let text = read.unwrap_err().to_string();
            assert!(text.contains("damaged"), "{text}");
        }
    }
}

/// Writes and says so, until it is killed. Started by the test below, with the file's path in the environment.
#[tokio::test]
#[ignore = "a part of what_was_acknowledged_survives_kill"]
#[expect(clippy::disallowed_methods, reason = "how a test tells its own child the file")]
async fn child_that_writes() {
    let Some(path) = std::env::var_os("WAYFARER_TEST_STORE") else { return };
    let store = Store::open(Path::new(&path), &StoreOptions::default()).unwrap();
    for n in 0.. {
        let walked = run("checkout", later(n), 10);
        store.record_runs(vec![Arc::new(walked.clone())]).await.unwrap();
        println!("\nrun {}", walked.id);
        let id = format!("c{n}");
        store.record_change(change(&id, later(n))).await.unwrap();
        let verdicts = vec![verdict(&id, Conclusion::Watching, later(n))];
        store.conclude(Conclusions { verdicts, ..Conclusions::default() }).await.unwrap();
        println!("\nchange {id}");
    }
}

#[tokio::test]
async fn what_was_acknowledged_survives_kill() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.db");
    for lines in [37, 160] {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["child_that_writes", "--exact", "--ignored", "--nocapture"])
            .env("WAYFARER_TEST_STORE", &path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut acknowledged = Vec::new();
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            if line.starts_with("run ") || line.starts_with("change ") {
                acknowledged.push(line);
            }
            if acknowledged.len() == lines {
                // SIGKILL: no chance to tidy up.
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        assert!(acknowledged.len() >= lines);
        let store = Store::open(&path, &StoreOptions::default()).unwrap();
        for line in acknowledged {
            let there = match line.split_once(' ').unwrap() {
                ("run", id) => store.run(&id.parse().unwrap()).await.unwrap().is_some(),
                (_, id) => {
                    let id = ChangeId::from(id);
                    store.change(&id).await.unwrap().is_some()
                        && store.verdicts(&id).await.unwrap().len() == 1
                }
            };
            assert!(there, "{line} was acknowledged and is gone");
        }
    }
}

#[tokio::test]
async fn a_newer_message_of_a_thread_takes_the_place_of_one_that_waits() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let message = |key: &str, receiver: &str, thread: Option<&str>| NewMessage {
        key: key.to_owned(),
        receiver: receiver.to_owned(),
        thread: thread.map(str::to_owned),
        body: "{}".to_owned(),
        created_at: noon(),
        next_try_at: noon(),
    };
    let send = async |message: NewMessage| {
        let conclusions = Conclusions { messages: vec![message], ..Conclusions::default() };
        store.conclude(conclusions).await.unwrap();
    };
    send(message("a1", "ops", Some("c1"))).await;
    send(message("b1", "pager", Some("c1"))).await;
    send(message("a2", "ops", Some("c2"))).await;
    send(message("x1", "ops", None)).await;
    send(message("a3", "ops", Some("c1"))).await;
    // The same once more takes nobody's place.
    send(message("a3", "ops", Some("c1"))).await;
    send(message("x2", "ops", None)).await;
    let due: Vec<String> =
        store.outbox_due_of("ops", later(1), 9).await.unwrap().into_iter().map(|m| m.key).collect();
    assert_eq!(due, ["a2", "x1", "a3", "x2"]);
    assert_eq!(store.outbox_due_of("pager", later(1), 9).await.unwrap().len(), 1);
    let mut receivers = store.outbox_receivers_due(later(1)).await.unwrap();
    receivers.sort();
    assert_eq!(receivers, ["ops", "pager"]);
    let old = store.outbox(Some(MessageState::Superseded), 9).await.unwrap();
    assert_eq!(old.len(), 1);
    // It was on its way when the newer one came: that it arrived is noted all the same, that it did not is not.
    let retry = OutboxMark::Retry { next_try_at: later(2), error: "no".to_owned() };
    assert!(!store.outbox_mark(old[0].id, retry).await.unwrap());
    let delivered = OutboxMark::Delivered { at: later(2), receipt: Some("17".to_owned()) };
    assert!(store.outbox_mark(old[0].id, delivered).await.unwrap());
    assert_eq!(store.outbox_receipt("ops", "c1").await.unwrap().as_deref(), Some("17"));
    assert_eq!(store.outbox_receipt("pager", "c1").await.unwrap(), None);
}

#[tokio::test]
async fn what_may_be_sent_once_is_begun_once() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let message = |key: &str| NewMessage {
        key: key.to_owned(),
        receiver: "rollback".to_owned(),
        thread: None,
        body: "{}".to_owned(),
        created_at: noon(),
        next_try_at: noon(),
    };
    let messages = vec![message("one"), message("two")];
    store.conclude(Conclusions { messages, ..Conclusions::default() }).await.unwrap();
    let due = store.outbox_due_of("rollback", later(1), 9).await.unwrap();
    assert!(store.outbox_mark(due[0].id, OutboxMark::Begun).await.unwrap());
    assert!(!store.outbox_mark(due[0].id, OutboxMark::Begun).await.unwrap(), "not twice");
    assert_eq!(store.outbox_due_of("rollback", later(1), 9).await.unwrap().len(), 1);
    // The agent ended meanwhile: what came of it is not known, and stays so.
    let unknown = store.outbox_unknown(later(5)).await.unwrap();
    assert_eq!(
        unknown.iter().map(|m| (m.key.as_str(), m.attempts)).collect::<Vec<_>>(),
        [("one", 1)]
    );
    assert_eq!(store.outbox_unknown(later(6)).await.unwrap(), []);
    assert!(!store.outbox_again(due[0].id, later(6)).await.unwrap());
    // One that is known to have failed may be begun again, and counts its tries.
    assert!(store.outbox_mark(due[1].id, OutboxMark::Begun).await.unwrap());
    let retry = OutboxMark::Retry { next_try_at: later(9), error: "refused".to_owned() };
    assert!(store.outbox_mark(due[1].id, retry).await.unwrap());
    let again = store.outbox_due_of("rollback", later(10), 9).await.unwrap();
    assert_eq!((again[0].key.as_str(), again[0].attempts), ("two", 1));
}
