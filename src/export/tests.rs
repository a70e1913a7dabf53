use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    process::{Command, Stdio},
    time::Duration,
};

use jiff::Timestamp;

use super::*;
use crate::model::{
    Change, ChangeId, ChangeKind, Conclusion, Deployment, Device, Effect, Failure, FaultKind,
    Finding, FindingKind, FindingState, Hop, Journey, Measured, Metric, Outcome, Part, Phases,
    Quantiles, ResourceType, Run, RunId, Schedule, StepOutcome, StepRun, Traffic, Trigger,
    TypeTraffic, Verdict,
};

fn noon(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + seconds).unwrap()
}

fn step(name: &str, statuses: &[u16]) -> StepRun {
    let ms = Duration::from_millis;
    let hop = |status: &u16| Hop {
        method: "GET".to_owned(),
        url: "https://shop.test/".to_owned(),
        status: Some(*status),
        version: None,
        offset: Duration::ZERO,
        duration: ms(10),
        phases: Phases { connect: ms(2), processing: ms(8), ..Phases::default() },
        reused: false,
        peer: None,
        body_bytes: 0,
        certificate_expires_at: Some(noon(i64::from(*status))),
        server_timing: Vec::new(),
    };
    StepRun {
        name: name.into(),
        offset: Duration::ZERO,
        duration: ms(10),
        outcome: StepOutcome::Passed,
        hops: statuses.iter().map(hop).collect(),
        assertions: Vec::new(),
        captures: Vec::new(),
        iteration: None,
        retries: Vec::new(),
        failure: None,
        measures: Vec::new(),
        traffic: None,
    }
}

fn run(journey: &str, at: Timestamp) -> Run {
    Run {
        id: RunId::at(at),
        journey: journey.into(),
        environment: "production".into(),
        location: "fra1".into(),
        revision: "r".into(),
        trigger: Trigger::Schedule,
        started_at: at,
        late_by: Duration::from_millis(1),
        duration: Duration::from_millis(250),
        outcome: Outcome::Passed,
        steps: vec![step("open", &[303, 200]), step("buy", &[201])],
        deployed: Vec::new(),
        insecure: false,
        traced: false,
        evidence: None,
        unwell: None,
    }
}

fn measure(name: &str, value: Option<f64>) -> Measured {
    Measured { name: name.into(), unit: None, value, note: None }
}

#[test]
fn measures_are_those_of_the_last_run() {
    let exporter = Exporter::new("1.0").unwrap();
    let line = |name: &str, value: &str| {
        format!(
            "wayfarer_measure{{journey=\"checkout\",environment=\"production\",location=\"fra1\",step=\"open\",name=\"{name}\"}} {value}\n"
        )
    };
    let mut first = run("checkout", noon(0));
    first.steps[0].measures = vec![measure("total", Some(12.5)), measure("rows", Some(3.0))];
    exporter.observe(&first);
    assert!(exporter.text().contains(&line("total", "12.5")), "{}", exporter.text());
    let mut next = run("checkout", noon(60));
    let mut again = next.steps[0].clone();
    next.steps[0].measures = vec![measure("total", Some(1.0)), measure("rows", None)];
    again.measures = vec![measure("total", Some(2.0))];
    next.steps.push(again);
    exporter.observe(&next);
    let text = exporter.text();
    assert!(text.contains(&line("total", "1.5")) && !text.contains("name=\"rows\""), "{text}");
    exporter.forget_journey(&"checkout".into());
    assert!(!exporter.text().contains("wayfarer_measure"));
}

#[test]
fn pages_are_shown_under_the_names_of_browser_checks() {
    let exporter = Exporter::new("1.0").unwrap();
    let mut first = run("checkout", noon(0));
    let sort = |kind, requests, failed, bytes| TypeTraffic { kind, requests, failed, bytes };
    let by_type =
        vec![sort(ResourceType::Document, 1, 0, 900), sort(ResourceType::Image, 4, 1, 12_000)];
    first.steps[0].traffic = Some(Box::new(Traffic { by_type, ..Traffic::default() }));
    first.steps[0].measures = vec![measure("lcp", Some(1250.0)), measure("cls", Some(0.04))];
    // A journey's own measure of an HTTP step is no vital.
    first.steps[1].measures = vec![measure("lcp", Some(7.0))];
    exporter.observe(&first);
    let labels = r#",step="open""#;
    for (name, more, wanted) in [
        ("probe_browser_web_vital_lcp", "", Some("1.25")),
        ("probe_browser_web_vital_cls", "", Some("0.04")),
        ("probe_browser_web_vital_inp", "", None),
        ("probe_browser_http_requests", r#",resource_type="image""#, Some("4")),
        ("probe_browser_http_req_failed", r#",resource_type="image""#, Some("0.25")),
        ("probe_browser_data_received", r#",resource_type="document""#, Some("900")),
    ] {
        let series = of_checkout(name, &format!("{labels}{more}"));
        assert_eq!(value(&exporter, &series).as_deref(), wanted, "{series}");
    }
    assert_eq!(lines(&exporter, "probe_browser_web_vital_lcp"), 1);
    exporter.observe(&run("checkout", noon(60)));
    assert_eq!(lines(&exporter, "probe_browser"), 0);
    exporter.observe(&first_at(&first, noon(120)));
    assert!(lines(&exporter, "probe_browser") > 0);
    exporter.forget_journey(&"checkout".into());
    assert_eq!(lines(&exporter, "probe_browser"), 0);
}

fn first_at(run: &Run, started_at: Timestamp) -> Run {
    Run { started_at, id: RunId::at(started_at), ..run.clone() }
}

fn failed(journey: &str, at: Timestamp) -> Run {
    let mut run = run(journey, at);
    run.steps.truncate(1);
    run.steps[0].outcome = StepOutcome::Failed;
    run.steps[0].hops.clear();
    run.outcome = Outcome::Failed(Failure {
        step: "open".into(),
        kind: FaultKind::Dns,
        message: "no such host".to_owned(),
        check: None,
        expected: None,
        actual: None,
    });
    run
}

fn journey(name: &str) -> Journey {
    Journey {
        name: name.into(),
        description: None,
        services: vec!["shop".into(), "payments".into()],
        environments: vec!["production".into()],
        schedule: Schedule::Every(Duration::from_secs(60)),
        burst: None,
        timeout: Duration::from_secs(30),
        owner: Some("team \"a\\b\"\nc".to_owned()),
        runbook: Some("https://runbooks.test/ü".to_owned()),
        slo: None,
        vars: BTreeMap::new(),
        setup: None,
        variant: None,
        device: Device::default(),
        steps: Vec::new(),
        revision: "r".into(),
    }
}

fn change(id: &str, started_at: Timestamp) -> Change {
    Change {
        services: vec!["payments".into()],
        environments: vec!["production".into()],
        version: Some("2.0".to_owned()),
        source: "api".to_owned(),
        ..Change::new(id.into(), ChangeKind::Deploy, started_at)
    }
}

fn verdict(change: &str, metric: Metric, conclusion: Conclusion) -> Verdict {
    let share = |success| Quantiles { success: Some(success), ..Quantiles::default() };
    Verdict {
        change: change.into(),
        journey: "checkout".into(),
        environment: "production".into(),
        location: "fra1".into(),
        metric,
        part: Part::Whole,
        conclusion,
        summary: String::new(),
        log_e: None,
        suspected_at_log_e: None,
        regressed_at_log_e: None,
        before: share(1.0),
        after: share(0.8),
        effect: Some(Effect { estimate: 1.4, low: 1.3, high: 1.5 }),
        onset: None,
        probes: 0,
        baseline_probes: 0,
        notes: Vec::new(),
        candidates: Vec::new(),
        named: None,
        suspected_since: None,
        regressed_since: None,
        recovered_at: None,
        decided_at: noon(0),
    }
}

fn finding(kind: FindingKind) -> Finding {
    Finding {
        id: "f".into(),
        kind,
        state: FindingState::Open,
        change: None,
        journey: "checkout".into(),
        environment: "production".into(),
        location: "fra1".into(),
        metric: Metric::Latency,
        part: Part::Whole,
        pipeline: None,
        summary: String::new(),
        onset_at: None,
        opened_at: noon(0),
        updated_at: noon(0),
        closed_at: None,
        dismissal: None,
        acknowledged: None,
    }
}

/// The value of a series as written, by the beginning of its line.
fn value(exporter: &Exporter, series: &str) -> Option<String> {
    let text = exporter.text();
    let line = text.lines().find(|l| l.strip_prefix(series).is_some_and(|r| r.starts_with(' ')))?;
    line.rsplit(' ').next().map(str::to_owned)
}

/// How many lines speak of something.
fn lines(exporter: &Exporter, of: &str) -> usize {
    exporter.text().lines().filter(|l| !l.starts_with('#') && l.contains(of)).count()
}

const CHECKOUT: &str = r#"{journey="checkout",environment="production",location="fra1"}"#;

fn of_checkout(name: &str, more: &str) -> String {
    format!("{name}{}{more}}}", CHECKOUT.trim_end_matches('}'))
}

#[test]
fn a_run_is_shown_under_the_names_people_know() {
    let exporter = Exporter::new("1.0").unwrap();
    exporter.observe(&run("checkout", noon(0)));
    let expected = [
        ("probe_success", "", "1"),
        ("probe_duration_seconds", "", "0.25"),
        ("probe_http_duration_seconds", r#",phase="processing""#, "0.024"),
        ("probe_http_duration_seconds", r#",phase="tls""#, "0"),
        ("probe_http_status_code", "", "201"),
        ("probe_ssl_earliest_cert_expiry", "", "1790000200"),
        ("wayfarer_step_phase_seconds", r#",step="open",phase="connect""#, "0.004"),
        ("wayfarer_step_http_status_code", r#",step="open""#, "200"),
        ("wayfarer_runs_total", r#",result="passed""#, "1"),
        ("wayfarer_runs_total", r#",result="failed""#, "0"),
        ("wayfarer_run_duration_seconds_bucket", r#",le="0.3""#, "1"),
        ("wayfarer_run_duration_seconds_count", "", "1"),
        ("wayfarer_step_duration_seconds_sum", r#",step="buy""#, "0.01"),
        ("wayfarer_run_last_timestamp_seconds", "", "1790000000"),
    ];
    for (name, more, wanted) in expected {
        let series = of_checkout(name, more);
        assert_eq!(value(&exporter, &series).as_deref(), Some(wanted), "{series}");
    }
}

#[test]
fn a_failed_run_shows_how_far_it_came_and_a_broken_one_moves_nothing() {
    let exporter = Exporter::new("1.0").unwrap();
    exporter.observe(&run("checkout", noon(0)));
    exporter.observe(&failed("checkout", noon(60)));
    let mut broken = run("checkout", noon(120));
    broken.outcome = Outcome::Broken { reason: "no sockets".to_owned() };
    exporter.observe(&broken);
    // An old one that comes late is counted, and does not move what is newer.
    exporter.observe(&run("checkout", noon(30)));
    let expected = [
        ("probe_success", "", Some("0")),
        ("probe_http_status_code", "", Some("0")),
        ("probe_http_duration_seconds", r#",phase="processing""#, Some("0")),
        ("probe_ssl_earliest_cert_expiry", "", Some("1790000200")),
        ("wayfarer_step_http_status_code", r#",step="open""#, Some("0")),
        ("wayfarer_step_http_status_code", r#",step="buy""#, None),
        ("wayfarer_runs_total", r#",result="passed""#, Some("2")),
        ("wayfarer_runs_total", r#",result="failed""#, Some("1")),
        ("wayfarer_runs_total", r#",result="broken""#, Some("1")),
        ("wayfarer_run_duration_seconds_count", "", Some("2")),
        ("wayfarer_run_last_timestamp_seconds", "", Some("1790000060")),
    ];
    for (name, more, wanted) in expected {
        let series = of_checkout(name, more);
        assert_eq!(value(&exporter, &series).as_deref(), wanted, "{series}");
    }
}

#[test]
fn a_restored_run_is_shown_and_not_counted() {
    let exporter = Exporter::new("1.0").unwrap();
    exporter.restore(&run("checkout", noon(0)));
    assert_eq!(value(&exporter, &of_checkout("probe_success", "")).as_deref(), Some("1"));
    assert_eq!(lines(&exporter, "wayfarer_runs_total"), 0);
}

#[test]
fn a_journey_that_is_gone_is_not_shown() {
    let exporter = Exporter::new("1.0").unwrap();
    for name in ["checkout", "search"] {
        exporter.journey_info(&journey(name));
        exporter.observe(&run(name, noon(0)));
    }
    exporter.forget_journey(&"checkout".into());
    // One that was under way when it went.
    exporter.observe(&run("checkout", noon(9)));
    assert_eq!(lines(&exporter, r#"journey="checkout""#), 0);
    assert!(lines(&exporter, r#"journey="search""#) > 20);
    exporter.journey_info(&journey("checkout"));
    exporter.observe(&run("checkout", noon(10)));
    assert!(lines(&exporter, r#"journey="checkout""#) > 20);
}

#[test]
fn one_verdict_holds_and_the_gate_follows_the_newest_change() {
    let exporter = Exporter::new("1.0").unwrap();
    let gate = r#"wayfarer_gate{service="payments",environment="production"}"#;
    let first = change("c1", noon(0));
    exporter.change(&first);
    assert_eq!(
        value(&exporter, r#"wayfarer_change_timestamp_seconds{change="c1",service="payments",version="2.0",kind="deploy"}"#)
            .as_deref(),
        Some("1790000000")
    );
    assert_eq!(value(&exporter, gate).as_deref(), Some("NaN"));
    let mut verdicts = vec![
        verdict("c1", Metric::Latency, Conclusion::Watching),
        verdict("c1", Metric::Success, Conclusion::Unchanged),
    ];
    exporter.verdicts(&first, &verdicts, &[], true);
    let holds = |word: &str| {
        format!(
            r#"wayfarer_verdict{{change="c1",service="payments",environment="production",verdict="{word}"}}"#
        )
    };
    assert_eq!(value(&exporter, &holds("watching")).as_deref(), Some("1"));
    verdicts[0].conclusion = Conclusion::Regressed;
    exporter.verdicts(&first, &verdicts, &[], true);
    assert_eq!(value(&exporter, &holds("watching")), None);
    assert_eq!(value(&exporter, &holds("regressed")).as_deref(), Some("1"));
    assert_eq!(value(&exporter, gate).as_deref(), Some("0"));
    // Hearing of it again takes nothing back.
    exporter.change(&first);
    assert_eq!(value(&exporter, gate).as_deref(), Some("0"));
    let shift = |metric: &str| {
        format!(
            r#"wayfarer_shift_ratio{{journey="checkout",metric="{metric}",change="c1",environment="production",location="fra1"}}"#
        )
    };
    assert_eq!(value(&exporter, &shift("latency")).as_deref(), Some("1.4"));
    assert_eq!(value(&exporter, &shift("success")).as_deref(), Some("0.8"));

    let second = change("c2", noon(60));
    exporter.change(&second);
    assert_eq!(value(&exporter, gate).as_deref(), Some("NaN"));
    exporter.verdicts(&second, &[verdict("c2", Metric::Latency, Conclusion::Improved)], &[], false);
    exporter.verdicts(&first, &verdicts, &[], false);
    assert_eq!(value(&exporter, gate).as_deref(), Some("1"));

    exporter.keep_changes(&BTreeSet::from([ChangeId::from("c2")]));
    assert_eq!((lines(&exporter, "\"c1\""), lines(&exporter, "\"c2\"")), (0, 3));
    for n in 0..150 {
        exporter.change(&change(&format!("n{n}"), noon(100 + n)));
    }
    assert_eq!(lines(&exporter, "wayfarer_change_timestamp_seconds"), 100);
    assert_eq!(lines(&exporter, "\"c2\""), 0);
}

#[test]
fn what_is_deployed_and_found_is_shown_as_it_is_now() {
    let exporter = Exporter::new("1.0").unwrap();
    let deployment = |version: &str| Deployment {
        service: "payments".into(),
        version: version.to_owned(),
        commit: Some("abc".to_owned()),
        change: "c".into(),
        at: noon(0),
    };
    for version in ["1", "2"] {
        let deployed = BTreeMap::from([("payments".into(), deployment(version))]);
        exporter.deployed(&"production".into(), &deployed);
    }
    exporter.deployed(&"staging".into(), &BTreeMap::new());
    let series = r#"wayfarer_deployed_info{service="payments",environment="production",version="2",commit="abc"}"#;
    assert_eq!(value(&exporter, series).as_deref(), Some("1"));
    assert_eq!(lines(&exporter, "wayfarer_deployed_info"), 1);
    exporter.findings(&[finding(FindingKind::Regressed), finding(FindingKind::Regressed)]);
    exporter.finding_counts([(FindingState::Recovered, FindingKind::Suspected, 7)]);
    let count = |state: &str, kind: &str| {
        value(&exporter, &format!(r#"wayfarer_findings{{state="{state}",kind="{kind}"}}"#))
    };
    assert_eq!(count("open", "regressed").as_deref(), Some("2"));
    assert_eq!(count("open", "unexplained").as_deref(), Some("0"));
    assert_eq!(count("recovered", "suspected").as_deref(), Some("7"));
}

#[test]
fn series_are_told_apart_by_their_values_not_by_a_hash_of_them() {
    let exporter = Exporter::new("1.0").unwrap();
    let mut other = run("check", noon(0));
    other.environment = "outproduction".into();
    exporter.observe(&run("checkout", noon(0)));
    exporter.observe(&other);
    assert_eq!(lines(&exporter, "probe_success"), 2);
}

/// Everything at once, with label values nobody wants to see.
fn full() -> Exporter {
    let exporter = Exporter::new("1.0").unwrap();
    let hostile = "a\"b\\c\nd{e}=\u{1f680} ü\r\t";
    exporter.journey_info(&journey(hostile));
    let mut measured = run(hostile, noon(0));
    measured.steps[0].measures = vec![measure(hostile, Some(-1.5))];
    exporter.observe(&measured);
    exporter.observe(&run("checkout", noon(0)));
    exporter.observe(&failed("checkout", noon(60)));
    let mut odd = change(hostile, noon(0));
    odd.version = Some(hostile.to_owned());
    exporter.change(&odd);
    exporter.change(&change("c1", noon(0)));
    exporter.verdicts(
        &change("c1", noon(0)),
        &[verdict("c1", Metric::Latency, Conclusion::Regressed)],
        &[],
        true,
    );
    let deployment = Deployment {
        service: hostile.into(),
        version: hostile.to_owned(),
        commit: None,
        change: "c".into(),
        at: noon(0),
    };
    exporter.deployed(&"production".into(), &BTreeMap::from([(hostile.into(), deployment)]));
    exporter.findings(&[finding(FindingKind::Unexplained)]);
    exporter.queue(3, 2);
    exporter.ticks_skipped(4, 0);
    exporter.store_commit(Duration::from_millis(3));
    exporter.store_error();
    exporter.reloaded(true, noon(0));
    exporter.reloaded(false, noon(1));
    exporter.watches_open(1);
    exporter
}

#[test]
fn hostile_label_values_stay_inside_their_quotes() {
    let text = full().text();
    for line in text.lines().filter(|l| !l.starts_with('#')) {
        let (series, value) = line.rsplit_once(' ').unwrap();
        assert!(value.parse::<f64>().is_ok(), "{line}");
        assert!(!series.contains('{') || series.ends_with('}'), "{line}");
    }
    assert!(text.contains(r#"journey="a\"b\\c\nd{e}="#));
}

#[test]
fn promtool_finds_nothing_to_say() {
    let started = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut promtool) = started else {
        println!("skipped: promtool is not installed");
        return;
    };
    promtool.stdin.take().unwrap().write_all(full().text().as_bytes()).unwrap();
    let said = promtool.wait_with_output().unwrap();
    assert!(said.status.success(), "{said:?}");
    assert_eq!(String::from_utf8_lossy(&said.stdout), "");
    assert_eq!(String::from_utf8_lossy(&said.stderr), "");
}
