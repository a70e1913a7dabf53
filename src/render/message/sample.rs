//! Notices that never happened: templates are tried with them, and people see what would come.

use jiff::Timestamp;

use crate::model::{
    ChangeId, ChangeKind, ChangeNews, ChangeState, Conclusion, FindingId, FindingState, Gravity,
    Happening, LocationName, Metric, Notice, NoticeChange, NoticeFinding, NoticePerson,
};

/// When the samples happen: 2026-01-05 10:00 UTC, a Monday.
const BEGIN: i64 = 1_767_607_200;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(BEGIN + second).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// One of every shape: everything known, nothing known, with and without a change, going on and over.
pub fn all() -> Vec<Notice> {
    let mut alone = unexplained();
    alone.owners.clear();
    alone.runbooks.clear();
    alone.page = None;
    let mut bare = failed();
    bare.change = bare.change.map(|change| NoticeChange {
        author: None,
        commit: None,
        commit_message: None,
        url: None,
        version: None,
        page: None,
        ..change
    });
    vec![regressed(), recovered(), dismissed(), unexplained(), failed(), alone, bare]
}

fn change() -> NoticeChange {
    NoticeChange {
        id: ChangeId::from("sample-4711"),
        kind: ChangeKind::Deploy,
        words: "deploy of shop 2.4.1".to_owned(),
        services: vec!["shop".into()],
        environments: vec!["production".into()],
        version: Some("2.4.1".to_owned()),
        previous_version: Some("2.4.0".to_owned()),
        commit: Some("9fceb02d0ae598e95dc970b74767f19372d61af8".to_owned()),
        commit_message: Some("Ask the tax service for every line".to_owned()),
        author: Some("jane.doe".to_owned()),
        release: None,
        title: Some("shop 2.4.1".to_owned()),
        url: Some("https://ci.example.com/shop/runs/4711".to_owned()),
        state: ChangeState::Finished,
        started_at: at(-120),
        finished_at: Some(at(0)),
        page: Some("https://wayfarer.example.com/changes/sample-4711".to_owned()),
    }
}

fn finding(gravity: Gravity) -> NoticeFinding {
    NoticeFinding {
        id: FindingId::from("fnd-sample"),
        journey: "checkout".into(),
        environment: "production".into(),
        location: LocationName::from("fra1"),
        metric: Metric::Latency,
        subject: "latency of step `pay`".to_owned(),
        gravity,
        state: FindingState::Open,
        summary: "the median rose from 230 ms to 412 ms (+79%, 90% interval +70% to +88%)"
            .to_owned(),
        before: Some("median 230 ms, p95 410 ms".to_owned()),
        after: Some("median 412 ms, p95 690 ms".to_owned()),
        owner: Some("team-payments".to_owned()),
        runbook: Some("https://runbooks.example.com/checkout".to_owned()),
        run: Some(
            "https://wayfarer.example.com/runs/019a3c5e-7b1f-7c2a-9d4e-1f2a3b4c5d6e/evidence"
                .to_owned(),
        ),
        trace: None,
        since: at(30),
        until: None,
    }
}

/// A change that did harm, with everything known of it.
pub fn regressed() -> Notice {
    Notice {
        incident: "change:sample-4711".to_owned(),
        happening: Happening::Opened,
        gravity: Gravity::Regressed,
        was: None,
        firing: true,
        title: "production: checkout regressed after deploy of shop 2.4.1".to_owned(),
        environments: vec!["production".into()],
        services: vec!["shop".into()],
        owners: vec!["team-payments".to_owned()],
        runbooks: vec!["https://runbooks.example.com/checkout".to_owned()],
        labels: [
            ("change", "sample-4711"),
            ("environment", "production"),
            ("location", "fra1"),
            ("service", "shop"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into(),
        change: Some(change()),
        findings: vec![finding(Gravity::Regressed)],
        more: 0,
        person: None,
        page: Some("https://wayfarer.example.com/changes/sample-4711".to_owned()),
        started_at: at(30),
        ended_at: None,
        at: at(300),
    }
}

/// The same, over.
pub fn recovered() -> Notice {
    let mut notice = regressed();
    notice.happening = Happening::Recovered;
    notice.was = Some(Gravity::Regressed);
    notice.firing = false;
    notice.title = "production: checkout is as before (deploy of shop 2.4.1)".to_owned();
    notice.ended_at = Some(at(1800));
    notice.at = at(1800);
    for finding in &mut notice.findings {
        finding.state = FindingState::Recovered;
        finding.until = Some(at(1800));
    }
    notice
}

/// The same, called nothing by a person.
pub fn dismissed() -> Notice {
    let mut notice = recovered();
    notice.happening = Happening::Dismissed;
    notice.title = "production: checkout: called a false alarm by jane".to_owned();
    notice.person = Some(NoticePerson {
        by: Some("jane".to_owned()),
        reason: Some("false_alarm".to_owned()),
        note: Some("the load test".to_owned()),
    });
    notice
}

/// Trouble without a change.
pub fn unexplained() -> Notice {
    let mut notice = regressed();
    notice.incident = "unexplained:production:fnd-sample".to_owned();
    notice.gravity = Gravity::Unexplained;
    notice.title = "production: checkout is in trouble that no logged change explains".to_owned();
    notice.services.clear();
    notice.labels.remove("change");
    notice.labels.remove("service");
    notice.change = None;
    for finding in &mut notice.findings {
        *finding = NoticeFinding {
            before: None,
            after: None,
            run: None,
            ..self::finding(Gravity::Unexplained)
        };
        finding.owner = None;
        finding.runbook = None;
    }
    notice
}

/// A change that was given up.
pub fn failed() -> Notice {
    let mut notice = regressed();
    notice.gravity = Gravity::Failed;
    notice.title = "production: deploy of shop 2.4.1 failed".to_owned();
    notice.findings.clear();
    notice.owners.clear();
    notice.runbooks.clear();
    notice
}

/// News of a change.
pub fn news() -> ChangeNews {
    ChangeNews {
        change: change(),
        verdict: Some(Conclusion::Regressed),
        open: true,
        summary: Some("checkout in production: the median rose from 230 ms to 412 ms".to_owned()),
        at: at(300),
    }
}
