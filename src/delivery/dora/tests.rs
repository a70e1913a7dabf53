use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::model::{
    Acknowledgement, Change, ChangeKind, ChangeState, Commit, Conclusion, Dismissal,
    DismissalReason, Finding, FindingKind, FindingState, IncidentFact, Metric, Part, PipelineFact,
    PipelineKind, Word,
};

/// A Monday.
const ZERO: &str = "2026-11-02T00:00:00Z";

fn at(hours: i64) -> Timestamp {
    let zero: Timestamp = ZERO.parse().unwrap();
    zero.checked_add(SignedDuration::from_hours(hours)).unwrap()
}

fn change(id: &str, kind: ChangeKind, hour: i64) -> Change {
    let mut change = Change::new(id.into(), kind, at(hour));
    change.services = vec!["shop".into()];
    change.environments = vec!["production".into()];
    change.version = Some(format!("v-{id}"));
    change
}

fn commit(id: &str, hour: Option<i64>) -> Commit {
    Commit { id: id.into(), at: hour.map(at), author: None, message: None }
}

fn record(change: Change, worst: Option<Conclusion>) -> Record {
    Record {
        change,
        standing: Standing { worst, open: false },
        findings: Vec::new(),
        verdicts: Vec::new(),
        told_at: None,
        said: None,
    }
}

fn finding(change: &str, onset: i64, closed: Option<i64>) -> Finding {
    Finding {
        id: format!("f-{change}").as_str().into(),
        kind: FindingKind::Regressed,
        state: if closed.is_some() { FindingState::Recovered } else { FindingState::Open },
        change: Some(change.into()),
        journey: "checkout".into(),
        environment: "production".into(),
        location: "fra1".into(),
        metric: Metric::Latency,
        part: Part::Whole,
        pipeline: None,
        summary: "slower".into(),
        onset_at: Some(at(onset)),
        opened_at: at(onset),
        updated_at: at(onset),
        closed_at: closed.map(at),
        dismissal: None,
        acknowledged: None,
    }
}

fn of(changes: Vec<Record>) -> Dora {
    let records = Records { changes, ..Records::default() };
    Dora::of(&records, &Choice::default(), (at(0), at(14 * 24)))
}

fn dismissal(reason: DismissalReason) -> Dismissal {
    Dismissal { reason, note: None, by: None }
}

#[test]
fn nothing_deployed_is_no_figure_at_all() {
    let dora = of(vec![record(change("flag", ChangeKind::Flag, 5), None)]);
    assert_eq!((dora.all.frequency.n, dora.all.frequency.scale), (0, "none"));
    assert_eq!(dora.all.failure_rate.of, None);
    assert_eq!(dora.all.lead_time.seconds, None);
    assert_eq!(dora.all.rework.of, None);
    assert_eq!(dora.weeks.len(), 2);
}

#[test]
fn what_nobody_saw_is_never_good() {
    for (worst, open, expected) in [
        (Some(Conclusion::Unchanged), false, Ok(())),
        (Some(Conclusion::Improved), false, Ok(())),
        (Some(Conclusion::Transient), false, Ok(())),
        (Some(Conclusion::PreExisting), false, Ok(())),
        (Some(Conclusion::Unchanged), true, Err(Unseen::Watched)),
        (Some(Conclusion::Watching), false, Err(Unseen::Watched)),
        (None, false, Err(Unseen::Unwatched)),
        (Some(Conclusion::InsufficientData), false, Err(Unseen::TooFew)),
        (Some(Conclusion::Inconclusive), false, Err(Unseen::Inconclusive)),
        (Some(Conclusion::ProberFault), false, Err(Unseen::Inconclusive)),
        (Some(Conclusion::Suspected), false, Err(Unseen::Suspected)),
    ] {
        let mut one = record(change("a", ChangeKind::Deploy, 5), worst);
        one.standing.open = open;
        let rate = of(vec![one]).all.failure_rate;
        match expected {
            Ok(()) => assert_eq!(rate.of.unwrap().n, 1, "{worst:?}"),
            Err(why) => {
                assert_eq!(rate.of, None, "{worst:?}");
                assert_eq!((rate.missing[0].count, rate.missing[0].why.as_str()), (1, why.words()));
            }
        }
    }
}

#[test]
fn verdicts_rollbacks_and_people_say_that_it_failed() {
    let mut regressed = record(change("a", ChangeKind::Deploy, 5), Some(Conclusion::Regressed));
    regressed.findings = vec![finding("a", 5, Some(8))];
    let quiet = record(change("b", ChangeKind::Deploy, 20), Some(Conclusion::Unchanged));
    let undone = record(change("c", ChangeKind::Deploy, 30), Some(Conclusion::Unchanged));
    let mut back = change("r", ChangeKind::Rollback, 33);
    back.version = Some("v-b".into());
    let mut marked = change("d", ChangeKind::Deploy, 60);
    marked.labels = BTreeMap::from([("change_failure".into(), "true".into())]);
    let mut cleared = change("e", ChangeKind::Deploy, 70);
    cleared.labels = BTreeMap::from([("change_failure".into(), "false".into())]);
    let mut cleared = record(cleared, Some(Conclusion::Regressed));
    cleared.findings = vec![finding("e", 70, None)];
    let told = record(change("f", ChangeKind::Deploy, 90), None);
    let mut incident = IncidentFact::new("i");
    incident.change = Some("f".into());
    (incident.detected_at, incident.resolved_at) = (Some(at(91)), Some(at(95)));
    let records = Records {
        changes: vec![
            regressed,
            quiet,
            undone,
            record(back, None),
            record(marked, Some(Conclusion::Unchanged)),
            cleared,
            told,
        ],
        incidents: vec![incident],
        ..Records::default()
    };
    let dora = Dora::of(&records, &Choice::default(), (at(0), at(14 * 24)));
    let failed: Vec<(&str, &[Why], Option<&str>)> = dora
        .failed
        .iter()
        .map(|d| {
            let f = d.failure().unwrap();
            (d.change.as_str(), f.why.as_slice(), f.recovered_by)
        })
        .collect();
    assert_eq!(
        failed,
        [
            ("f", [Why::Said].as_slice(), Some("incident")),
            ("d", &[Why::Said], None),
            ("c", &[Why::RolledBack], Some("rollback")),
            ("a", &[Why::Verdict], Some("journeys")),
        ]
    );
    let rate = dora.all.failure_rate.of.unwrap();
    assert_eq!((rate.hits, rate.n), (4, 6));
    // From the end of each deployment: 3 h, 3 h and 5 h; of the marked one nobody said when it was over.
    let recovery = dora.all.recovery.seconds.unwrap();
    assert_eq!((recovery.n, recovery.p50), (3, 3.0 * 3600.0));
    assert_eq!(dora.all.recovery.missing[0].why, "nobody saw when it was over");
    assert_eq!((dora.all.frequency.n, dora.all.rollbacks), (6, 1));
}

#[test]
fn failures_that_only_people_know_of_do_not_stand_for_what_nobody_saw() {
    let mut marked = change("a", ChangeKind::Deploy, 5);
    marked.labels = BTreeMap::from([("change_failure".into(), "true".into())]);
    let unseen = |id: &str, hour| record(change(id, ChangeKind::Deploy, hour), None);
    let rate =
        of(vec![record(marked.clone(), None), unseen("b", 6), unseen("c", 7)]).all.failure_rate;
    assert_eq!(rate.of, None);
    assert_eq!(rate.missing.iter().map(|gap| gap.count).collect::<Vec<_>>(), [1, 2]);
    // Where all that is left was seen, it counts.
    let seen = record(change("b", ChangeKind::Deploy, 6), Some(Conclusion::Unchanged));
    let rate = of(vec![record(marked, None), seen]).all.failure_rate;
    assert_eq!((rate.of.unwrap().hits, rate.of.unwrap().n), (1, 2));
}

#[test]
fn the_last_word_of_a_person_wins_over_label_and_verdict() {
    let said = |failed| {
        let (author, why) = (Some("ines".to_owned()), Some("orders were lost".to_owned()));
        Some(Word { at: at(9), author, failed, why })
    };
    let mut marked = change("a", ChangeKind::Deploy, 5);
    marked.labels = BTreeMap::from([("change_failure".into(), "true".into())]);
    for (word, hits) in [(None, 1), (said(Some(false)), 0), (said(None), 1)] {
        let mut one = record(marked.clone(), Some(Conclusion::Unchanged));
        one.said = word;
        assert_eq!(of(vec![one]).all.failure_rate.of.unwrap().hits, hits);
    }
    let mut harmed = record(change("a", ChangeKind::Deploy, 5), Some(Conclusion::Regressed));
    harmed.findings = vec![finding("a", 5, None)];
    harmed.said = said(Some(false));
    assert_eq!(of(vec![harmed]).all.failure_rate.of.unwrap().hits, 0);
    let mut quiet = record(change("a", ChangeKind::Deploy, 5), Some(Conclusion::Unchanged));
    quiet.said = said(Some(true));
    let dora = of(vec![quiet]);
    let failure = dora.failed[0].failure().unwrap();
    assert_eq!(failure.why, [Why::Said]);
    assert_eq!(failure.summary, "ines says that it failed: orders were lost");
}

#[test]
fn what_people_dismissed_did_not_fail() {
    for reason in DismissalReason::ALL {
        let mut one = record(change("a", ChangeKind::Deploy, 5), Some(Conclusion::Regressed));
        let mut false_alarm = finding("a", 5, Some(6));
        false_alarm.state = FindingState::Dismissed;
        false_alarm.dismissal = Some(dismissal(*reason));
        one.findings = vec![false_alarm];
        let dora = of(vec![one]);
        let rate = dora.all.failure_rate.of.unwrap();
        assert_eq!((rate.hits, rate.n, dora.all.dismissed), (0, 1, 1), "{reason:?}");
    }
}

#[test]
fn an_incident_that_only_came_later_blames_nobody() {
    let one = record(change("a", ChangeKind::Deploy, 5), Some(Conclusion::Unchanged));
    let mut incident = IncidentFact::new("i");
    incident.service = Some("shop".into());
    incident.detected_at = Some(at(6));
    let mut records =
        Records { changes: vec![one], incidents: vec![incident], ..Records::default() };
    let of = |r: &Records| Dora::of(r, &Choice::default(), (at(0), at(100))).failed.len();
    assert_eq!(of(&records), 0);
    // The very artifact that was deployed does.
    records.incidents[0].artifact = Some("pkg:oci/shop@1".into());
    records.changes[0].change.labels.insert("artifact".into(), "pkg:oci/shop@1".into());
    assert_eq!(of(&records), 1);
}

#[test]
fn times_to_detect_react_and_resolve() {
    let mut one = record(change("a", ChangeKind::Deploy, 5), Some(Conclusion::Regressed));
    let mut found = finding("a", 6, Some(10));
    found.acknowledged = Some(Acknowledgement { at: at(7), note: None, by: None });
    let mut open = finding("a", 8, None);
    open.journey = "browse".into();
    open.id = "f-2".into();
    one.findings = vec![found];
    one.told_at = Some(at(6).checked_add(SignedDuration::from_mins(4)).unwrap());
    let dora = of(vec![one.clone()]);
    let failure = dora.failed[0].failure().unwrap();
    assert_eq!(failure.detect_s(), Some(240.0));
    assert_eq!(failure.react_s(), Some(3600.0));
    assert_eq!(failure.resolve_s(), Some(4.0 * 3600.0));
    assert_eq!(dora.failed[0].recovery_s(), Some(5.0 * 3600.0));
    // One journey that is not as before is enough for it to go on.
    one.findings.push(open);
    let dora = of(vec![one]);
    assert_eq!(dora.failed[0].failure().unwrap().recovered_at, None);
    assert_eq!(dora.all.resolve.missing[0].why, "it is not over");
}

#[test]
fn lead_times_say_what_they_lack() {
    let with = |id: &str, commits: Vec<Commit>| {
        let mut one = change(id, ChangeKind::Deploy, 100);
        one.commits = commits;
        record(one, Some(Conclusion::Unchanged))
    };
    let dora = of(vec![
        with("none", vec![]),
        with("bare", vec![commit("abcdef1234", None)]),
        with("late", vec![commit("abcdef5678", Some(101))]),
        with("good", vec![commit("abcdef9999", Some(98)), commit("abcdef0000", Some(96))]),
    ]);
    let lead = dora.all.lead_time;
    assert_eq!(lead.seconds.unwrap().n, 2);
    assert_eq!(lead.seconds.unwrap().p50, 3.0 * 3600.0);
    let mut why: Vec<&str> = lead.missing.iter().map(|gap| gap.why.as_str()).collect();
    why.sort_unstable();
    assert_eq!(
        why,
        [
            "no commit was said",
            "the commit is said to be younger than its deployment",
            "the commit was said without its time, and no push told it",
        ]
    );
}

#[test]
fn pushes_tell_the_times_of_commits_and_which_ones_a_deployment_brought() {
    let push = |id: &str, hour: i64, commits: Vec<Commit>| {
        let mut fact = PipelineFact::new(id, PipelineKind::Push, "main");
        fact.repository = Some("acme/shop".into());
        fact.reference = Some("main".into());
        fact.commits = commits;
        fact.finished_at = Some(at(hour));
        fact
    };
    let facts = [
        push("2", 10, vec![commit("bbbbbbbb01", Some(8)), commit("cccccccc01", Some(9))]),
        push("1", 5, vec![commit("aaaaaaaa01", Some(4))]),
    ];
    let deployed = |id: &str, hour: i64, hash: &str| {
        let mut one = change(id, ChangeKind::Deploy, hour);
        one.commits = vec![commit(hash, None)];
        record(one, Some(Conclusion::Unchanged))
    };
    let records = Records {
        changes: vec![deployed("one", 6, "aaaaaaaa01"), deployed("two", 12, "cccccccc")],
        commits: Commits::of(&facts),
        ..Records::default()
    };
    let all = deployments(&records);
    assert_eq!(all[0].lead_s, [2.0 * 3600.0]);
    // The one in between came along.
    assert_eq!(all[1].lead_s, [3.0 * 3600.0, 4.0 * 3600.0]);
}

#[test]
fn rework_is_what_repairs() {
    let mut bad = record(change("a", ChangeKind::Deploy, 5), Some(Conclusion::Regressed));
    bad.findings = vec![finding("a", 6, Some(9))];
    let fix = record(change("fix", ChangeKind::Deploy, 8), Some(Conclusion::Improved));
    let mut urgent = change("urgent", ChangeKind::Deploy, 20);
    urgent.planned = Some(false);
    let mut planned = change("planned", ChangeKind::Deploy, 30);
    planned.planned = Some(true);
    let back = change("back", ChangeKind::Rollback, 40);
    let dora = of(vec![
        bad,
        fix,
        record(urgent, Some(Conclusion::Unchanged)),
        record(planned, Some(Conclusion::Unchanged)),
        record(back, None),
    ]);
    let rework = &dora.all.rework;
    assert_eq!((rework.of.unwrap().hits, rework.of.unwrap().n), (3, 5));
    assert_eq!(rework.missing[0].count, 1, "only the first one said nothing and was no repair");
}

#[test]
fn given_up_and_running_ones_are_no_deployments() {
    let mut given_up = change("a", ChangeKind::Deploy, 5);
    given_up.state = ChangeState::Failed;
    let mut running = change("b", ChangeKind::Deploy, 6);
    running.state = ChangeState::Started;
    running.finished_at = None;
    let dora = of(vec![record(given_up, None), record(running, None)]);
    assert_eq!((dora.all.frequency.n, dora.all.given_up), (0, 1));
}

#[test]
fn services_and_environments_stand_apart() {
    let mut both = change("a", ChangeKind::Deploy, 5);
    both.services.push("ledger".into());
    let mut staging = change("b", ChangeKind::Deploy, 6);
    staging.environments = vec!["staging".into()];
    let mut anywhere = change("c", ChangeKind::Deploy, 7);
    anywhere.environments.clear();
    let records = Records {
        changes: [both, staging, anywhere].map(|c| record(c, None)).into(),
        everywhere: vec!["production".into()],
        ..Records::default()
    };
    let dora = Dora::of(&records, &Choice::default(), (at(0), at(48)));
    let names: Vec<(&str, &str, usize)> = dora
        .services
        .iter()
        .map(|s| (s.service.as_str(), s.environment.as_str(), s.figures.frequency.n))
        .collect();
    assert_eq!(
        names,
        [("ledger", "production", 1), ("shop", "production", 2), ("shop", "staging", 1)]
    );
    let only = Choice { environment: Some("staging".into()), ..Choice::default() };
    assert_eq!(Dora::of(&records, &only, (at(0), at(48))).all.frequency.n, 1);
}

#[test]
fn weeks_begin_on_mondays() {
    let records = Records {
        changes: vec![
            record(change("a", ChangeKind::Deploy, 24), Some(Conclusion::Unchanged)),
            record(change("b", ChangeKind::Deploy, 8 * 24), Some(Conclusion::Unchanged)),
        ],
        ..Records::default()
    };
    let dora = Dora::of(&records, &Choice::default(), (at(12), at(9 * 24)));
    let weeks: Vec<(String, usize, bool)> =
        dora.weeks.iter().map(|w| (w.from.to_string(), w.deployments, w.partial)).collect();
    assert_eq!(
        weeks,
        [("2026-11-02T00:00:00Z".into(), 1, true), ("2026-11-09T00:00:00Z".into(), 1, true)]
    );
}

#[test]
fn unusual_lengths_are_those_that_matter() {
    let usual = [300.0, 310.0, 295.0, 305.0, 320.0, 290.0, 300.0, 315.0];
    for (before, took, expected) in [
        (&usual[..], 900.0, true),
        (&usual[..], 400.0, false),
        (&usual[..7], 900.0, false),
        (&[10.0; 12][..], 30.0, false),
        (&[60.0; 12][..], 95.0, true),
        (&[60.0, 600.0, 90.0, 300.0, 1200.0, 100.0, 60.0, 800.0][..], 1500.0, false),
    ] {
        assert_eq!(lengthy::unusual(before, took).is_some(), expected, "{before:?} {took}");
    }
}

#[test]
fn order_does_not_matter() {
    let mut changes: Vec<Record> = (0..20)
        .map(|i| {
            let kind = if i % 5 == 4 { ChangeKind::Rollback } else { ChangeKind::Deploy };
            record(change(&format!("c{i}"), kind, i * 7), Some(Conclusion::Unchanged))
        })
        .collect();
    let forward = of(changes.clone());
    changes.reverse();
    assert_eq!(of(changes), forward);
}
