use std::time::Duration;

use jiff::Timestamp;

use super::*;
use crate::model::{
    Evidence, Exchange, Failure, FaultKind, Phases, Revision, RunId, StepRun, Trigger, Unwell,
};

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn hop(method: &str, url: &str, status: Option<u16>, phases: [u64; 5]) -> Hop {
    let [resolve, connect, tls, processing, transfer] = phases.map(ms);
    let phases = Phases { resolve, connect, tls, processing, transfer };
    Hop {
        method: method.to_owned(),
        url: url.to_owned(),
        status,
        version: Some("HTTP/1.1".to_owned()),
        offset: Duration::ZERO,
        duration: phases.total(),
        phases,
        reused: false,
        peer: None,
        body_bytes: 10,
        certificate_expires_at: None,
        server_timing: Vec::new(),
    }
}

fn run(outcome: Outcome) -> Run {
    let step = |name: &str, outcome, hops: Vec<Hop>| StepRun {
        name: name.into(),
        offset: Duration::ZERO,
        duration: hops.iter().map(|h| h.duration).sum(),
        outcome,
        hops,
        assertions: vec![],
        captures: vec![],
        iteration: None,
        retries: Vec::new(),
        failure: None,
        measures: Vec::new(),
        traffic: None,
    };
    let last = match outcome {
        Outcome::Passed => StepOutcome::Passed,
        Outcome::Failed(_) => StepOutcome::Failed,
        Outcome::Broken { .. } => StepOutcome::Broken,
    };
    let status = if last == StepOutcome::Passed { 200 } else { 500 };
    let site = "https://shop.example.com";
    let steps = vec![
        step(
            "open login page",
            StepOutcome::Passed,
            vec![hop("GET", &format!("{site}/login?next=%2F"), Some(200), [20, 30, 60, 110, 10])],
        ),
        step(
            "sign in as the customer with the long name",
            last,
            vec![
                hop("POST", &format!("{site}/login"), Some(303), [0, 0, 0, 150, 0]),
                hop(
                    "GET",
                    "http://other.example.com/account/overview/2",
                    Some(status),
                    [1, 1, 0, 60, 90],
                ),
            ],
        ),
    ];
    Run {
        id: RunId::at(Timestamp::UNIX_EPOCH),
        journey: "checkout".into(),
        environment: "production".into(),
        location: "fra1".into(),
        revision: Revision::new("r"),
        trigger: Trigger::Manual,
        started_at: Timestamp::UNIX_EPOCH,
        late_by: Duration::ZERO,
        duration: steps.iter().map(|s| s.duration).sum(),
        outcome,
        steps,
        deployed: vec![],
        insecure: false,
        traced: false,
        evidence: None,
        unwell: None,
    }
}

fn failure() -> Run {
    let mut run = run(Outcome::Failed(Failure {
        step: "sign in".into(),
        kind: FaultKind::Status,
        message: "status equals 200: expected equals 200, got 500".to_owned(),
        check: Some("status equals 200".to_owned()),
        expected: Some("equals 200".to_owned()),
        actual: Some("500".to_owned()),
    }));
    let body = "<html>\n\n<h1>sorry \u{1b}[31mred\u{1b}[0m \u{202e}evil</h1>\n".to_owned()
        + &"a line of text. ".repeat(20);
    run.evidence = Some(Evidence {
        exchanges: vec![Exchange {
            request_line: "GET http://other.example.com/account/overview/2".to_owned(),
            request_headers: vec![],
            request_body: None,
            status: Some(500),
            response_headers: vec![],
            response_body: Some(body),
            truncated: true,
            ..Exchange::default()
        }],
        curl: "curl -i http://other.example.com/account/overview/2 --data-raw 'a\nb'".to_owned(),
        ..Evidence::default()
    });
    run
}

fn draw(run: &Run, width: usize) -> String {
    waterfall(run, Layout { width, colour: false })
}

#[test]
fn a_run_that_passed() {
    insta::assert_snapshot!(draw(&run(Outcome::Passed), 80), @r##"
PASSED checkout in production from fra1, 532 ms

✓ open login page                    230 ms
    GET https://…ple.com/login 200   230 ms  ·--====███████▒
✓ sign in as the customer wit…       302 ms
    POST /login                303   150 ms                 ██████████
    GET http://o…nt/overview/2 200   152 ms                           ████▒▒▒▒▒▒

    · resolve  - connect  = tls  █ processing  ▒ transfer
"##);
    insta::assert_snapshot!(draw(&run(Outcome::Passed), 120), @r##"
PASSED checkout in production from fra1, 532 ms

✓ open login page                                      230 ms
    GET https://shop.example.com/login           200   230 ms  ··---=======████████████▒
✓ sign in as the customer with the long name           302 ms
    POST /login                                  303   150 ms                           ████████████████
    GET http://other.exam…com/account/overview/2 200   152 ms                                           ██████▒▒▒▒▒▒▒▒▒▒

    · resolve  - connect  = tls  █ processing  ▒ transfer
"##);
}

#[test]
fn a_run_that_failed() {
    insta::assert_snapshot!(draw(&failure(), 80), @r##"
FAILED checkout in production from fra1, 532 ms

✓ open login page                    230 ms
    GET https://…ple.com/login 200   230 ms  ·--====███████▒
✗ sign in as the customer wit…       302 ms
    POST /login                303   150 ms                 ██████████
    GET http://o…nt/overview/2 500   152 ms                           ████▒▒▒▒▒▒

    · resolve  - connect  = tls  █ processing  ▒ transfer

failed in step "sign in"
  assertion status equals 200
  expected  equals 200
  actual    500
  body      <html>
            <h1>sorry ·[31mred·[0m ·evil</h1>
            a line of text. a line of text. a line of text. a line of text. a l…
            … and more
  repeat    curl -i http://other.example.com/account/overview/2 --data-raw 'a
b'
"##);
    insta::assert_snapshot!(draw(&failure(), 120), @r##"
FAILED checkout in production from fra1, 532 ms

✓ open login page                                      230 ms
    GET https://shop.example.com/login           200   230 ms  ··---=======████████████▒
✗ sign in as the customer with the long name           302 ms
    POST /login                                  303   150 ms                           ████████████████
    GET http://other.exam…com/account/overview/2 500   152 ms                                           ██████▒▒▒▒▒▒▒▒▒▒

    · resolve  - connect  = tls  █ processing  ▒ transfer

failed in step "sign in"
  assertion status equals 200
  expected  equals 200
  actual    500
  body      <html>
            <h1>sorry ·[31mred·[0m ·evil</h1>
            a line of text. a line of text. a line of text. a line of text. a line of text. a line of text. a line of t…
            … and more
  repeat    curl -i http://other.example.com/account/overview/2 --data-raw 'a
b'
"##);
}

#[test]
fn a_run_that_broke() {
    let broken = Outcome::Broken { reason: "no socket can be opened".to_owned() };
    insta::assert_snapshot!(draw(&run(broken), 80), @r##"
BROKEN checkout in production from fra1, 532 ms

✓ open login page                    230 ms
    GET https://…ple.com/login 200   230 ms  ·--====███████▒
! sign in as the customer wit…       302 ms
    POST /login                303   150 ms                 ██████████
    GET http://o…nt/overview/2 500   152 ms                           ████▒▒▒▒▒▒

    · resolve  - connect  = tls  █ processing  ▒ transfer

broken: no socket can be opened
This is trouble on our side, not the target's: the run counts for nothing.
"##);
}

#[test]
fn a_run_that_passed_while_we_were_unwell() {
    let mut run = run(Outcome::Passed);
    assert!(!draw(&run, 80).contains("not judged"));
    run.unwell = Some(Unwell { failed: false, slower_percent: 260, steal_percent: 12 });
    let text = draw(&run, 80);
    let last = "not judged: our self-check took 2.6 times as long as usual, our host gave 12% of the processor time to others\n";
    assert!(text.ends_with(last), "{text}");
}

#[test]
fn no_row_is_wider_than_the_terminal() {
    for width in [0, 60, 61, 80, 133, 200] {
        let text = draw(&run(Outcome::Passed), width);
        let widest = text.lines().map(|line| line.chars().count()).max();
        assert!(widest.is_some_and(|w| w <= width.max(60)), "{width}: {widest:?}");
    }
}

#[test]
fn colour_only_when_asked_and_nothing_else_changes() {
    let run = failure();
    let plain = draw(&run, 80);
    assert!(!plain.contains('\u{1b}') && !plain.contains('\u{202e}'));
    let coloured = waterfall(&run, Layout { width: 80, colour: true });
    let code = regex::Regex::new("\u{1b}\\[[0-9]+m").unwrap();
    let uncoloured = code.replace_all(&coloured, "");
    let trim = |text: &str| text.lines().map(|l| l.trim_end().to_owned()).collect::<Vec<_>>();
    assert_eq!(trim(&uncoloured), trim(&plain));
}

#[test]
fn an_empty_run_is_drawn() {
    let mut run = run(Outcome::Broken { reason: "x".to_owned() });
    run.steps.clear();
    run.duration = Duration::ZERO;
    assert!(draw(&run, 80).starts_with("BROKEN checkout in production from fra1, 0.0 ms\n"));
}

#[test]
fn what_a_step_measured_is_below_it() {
    let mut run = run(Outcome::Passed);
    run.steps.truncate(1);
    let measured = |name: &str, unit: Option<&str>, value, note: Option<&str>| Measured {
        name: name.into(),
        unit: unit.map(str::to_owned),
        value,
        note: note.map(str::to_owned),
    };
    run.steps[0].measures = vec![
        measured("total", Some("EUR"), Some(12.0), None),
        measured("rows", None, Some(7.0), None),
        measured("age", Some("s"), None, Some("`\u{1b}[31mred` is no number")),
    ];
    insta::assert_snapshot!(draw(&run, 80), @r##"
PASSED checkout in production from fra1, 532 ms

✓ open login page                    230 ms
    GET https://…ple.com/login 200   230 ms  ·--====███████▒
    # total 12.00 EUR
    # rows 7
    # age none: `·[31mred` is no number

    · resolve  - connect  = tls  █ processing  ▒ transfer
"##);
}

#[test]
fn what_the_server_says_of_its_time_stands_below_its_hop() {
    let mut run = run(Outcome::Passed);
    run.steps[0].hops[0].server_timing =
        vec![("db".to_owned(), ms(53)), ("\u{1b}".to_owned(), ms(1))];
    let text = waterfall(&run, Layout { width: 80, colour: false });
    assert!(text.contains("\n      server: db 53 ms, · 1.0 ms\n"), "{text}");
}
