//! What is told, with a store and a restart between.

use super::*;
use crate::{
    config::{self, SourceFile},
    model::{ChangeKind, FindingKind, Part},
    store::{Conclusions, StoreOptions},
};

const SETTINGS: &str = r#"
[agent]
public_url = "https://w.example"
[environments.production]
base_url = "https://shop.example.com"
[services.shop]
owner = "team-shop"
[[receiver]]
name = "ops"
kind = "slack"
url = { env = "HOOK" }
[[receiver]]
name = "am"
kind = "alertmanager"
url = "http://127.0.0.1:9093"
[[receiver]]
name = "chart"
kind = "grafana"
url = "http://127.0.0.1:3000"
token = { env = "TOKEN" }
"#;

const JOURNEY: &str = r#"
name = "checkout"
services = ["shop"]
environments = ["production"]
every = "60s"
owner = "team-checkout"
runbook = "https://runbooks.example.com/checkout"
[[step]]
name = "home"
[step.http]
url = "{{base_url}}/"
"#;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_767_571_200 + second).unwrap()
}

fn alerts() -> Alerts {
    let file = |path: &str, text: &str| SourceFile { path: path.into(), text: text.into() };
    let config =
        config::load(&file("wayfarer.toml", SETTINGS), &[file("journeys/checkout.toml", JOURNEY)]);
    let mut alerts = Alerts::default();
    alerts.configure(&Setup::outline("/".into(), config.unwrap()));
    alerts
}

fn finding(change: Option<&str>, id: &str) -> Finding {
    let kind = if change.is_some() { FindingKind::Regressed } else { FindingKind::Unexplained };
    Finding {
        id: id.into(),
        kind,
        state: FindingState::Open,
        change: change.map(Into::into),
        journey: "checkout".into(),
        environment: "production".into(),
        location: "local".into(),
        metric: Metric::Latency,
        part: Part::Whole,
        pipeline: None,
        summary: "slower".to_owned(),
        onset_at: Some(at(5)),
        opened_at: at(10),
        updated_at: at(10),
        closed_at: None,
        dismissal: None,
        acknowledged: None,
    }
}

/// What is new at a moment, stored and remembered: the receivers with what happened, and the last notice.
async fn told(alerts: &mut Alerts, store: &Store, now: i64) -> (Vec<String>, Option<Notice>) {
    let mut out = alerts.look(store, &[], at(now)).await.unwrap();
    let mut said = Vec::new();
    let mut last = None;
    for message in &out.messages {
        if let Ok(Parcel::Notice(notice)) = Parcel::from_body(&message.body) {
            said.push(format!("{} {}", message.receiver, notice.happening.as_str()));
            last = Some(*notice);
        }
    }
    let (messages, told) = (std::mem::take(&mut out.messages), std::mem::take(&mut out.records));
    store.conclude(Conclusions { messages, told, ..Conclusions::default() }).await.unwrap();
    alerts.stored(out);
    (said, last)
}

async fn keep(store: &Store, finding: &Finding) {
    let findings = vec![finding.clone()];
    store.conclude(Conclusions { findings, ..Conclusions::default() }).await.unwrap();
}

#[tokio::test]
async fn a_restart_tells_nothing_twice_and_forgets_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("w.db"), &StoreOptions::default()).unwrap();
    let mut change = Change::new("c1".into(), ChangeKind::Deploy, at(0));
    change.services = vec!["shop".into()];
    change.environments = vec!["production".into()];
    store.record_change(change).await.unwrap();
    let (mut harm, lone) = (finding(Some("c1"), "f1"), finding(None, "f2"));
    let lone = Finding { onset_at: Some(at(4000)), ..lone };
    keep(&store, &harm).await;
    keep(&store, &lone).await;

    let mut first = alerts();
    first.finding(&harm);
    first.finding(&lone);
    let (said, _) = told(&mut first, &store, 20).await;
    assert_eq!(said, ["ops opened", "am opened", "ops opened", "am opened"]);
    assert_eq!(told(&mut first, &store, 21).await.0, [""; 0]);
    assert_eq!(first.board(at(21))["am"].len(), 2);

    // A new agent concludes something before it was told what was told.
    let mut second = alerts();
    second.finding(&harm);
    second.finding(&lone);
    assert_eq!(told(&mut second, &store, 30).await.0, [""; 0]);
    assert_eq!(second.board(at(30))["am"].len(), 2);

    // The end comes while nobody runs: the next start tells it.
    harm.state = FindingState::Recovered;
    harm.updated_at = at(40);
    harm.closed_at = Some(at(40));
    keep(&store, &harm).await;
    let mut third = alerts();
    let (said, last) = told(&mut third, &store, 50).await;
    assert_eq!(said, ["ops recovered", "am recovered"]);
    let last = last.unwrap();
    assert_eq!(last.ended_at, Some(at(40)));
    assert_eq!(last.owners, ["team-checkout"]);
    assert_eq!(last.runbooks, ["https://runbooks.example.com/checkout"]);
    assert_eq!(last.page.as_deref(), Some("https://w.example/changes/c1"));
    assert_eq!(last.labels["service"], "shop");
    // Alertmanager hears of it for a while, then no more.
    assert_eq!(third.board(at(60))["am"].iter().filter(|notice| !notice.firing).count(), 1);
    assert_eq!(third.board(at(60 + 16 * 60))["am"].len(), 1);
}

#[tokio::test]
async fn what_could_not_be_stored_is_told_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("w.db"), &StoreOptions::default()).unwrap();
    let mut alerts = alerts();
    alerts.finding(&finding(None, "f1"));
    let lost = alerts.look(&store, &[], at(20)).await.unwrap();
    assert_eq!(lost.messages.len(), 2);
    drop(lost);
    assert_eq!(told(&mut alerts, &store, 21).await.0.len(), 2);
    assert_eq!(told(&mut alerts, &store, 22).await.0.len(), 0);
}

#[tokio::test]
async fn charts_hear_of_a_change_at_each_stage() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("w.db"), &StoreOptions::default()).unwrap();
    let mut alerts = alerts();
    let mut change = Change::new("c1".into(), ChangeKind::Deploy, at(0));
    change.services = vec!["shop".into()];
    change.state = ChangeState::Started;
    change.finished_at = None;
    for (finished, now, count) in [(None, 1, 1), (None, 2, 0), (Some(at(3)), 3, 1), (None, 4, 0)] {
        if let Some(at) = finished {
            change.state = ChangeState::Finished;
            change.finished_at = Some(at);
        }
        let recorded = store.record_change(change.clone()).await.unwrap();
        alerts.change(&recorded.change);
        let mut out = alerts.news(&store, at(now)).await.unwrap();
        assert_eq!(out.messages.len(), count, "{now}");
        let (messages, told) =
            (std::mem::take(&mut out.messages), std::mem::take(&mut out.records));
        store.conclude(Conclusions { messages, told, ..Conclusions::default() }).await.unwrap();
        alerts.stored(out);
    }
    // 10,000 changes at once are looked up in portions.
    for n in 0..200 {
        let mut one = change.clone();
        one.id = format!("burst-{n}").as_str().into();
        store.record_change(one.clone()).await.unwrap();
        alerts.change(&one);
    }
    assert_eq!(alerts.news(&store, at(5)).await.unwrap().messages.len(), AT_ONCE);
}
