use jiff::Timestamp;

use super::*;
use crate::{
    model::{
        ChangeKind, ChangeState, Conclusion, Effect, GateAnswer, GateStatus, Metric, Note, Onset,
        Part, Quantiles, Touch, Word,
    },
    render::{Layout, page::Pages},
};

const HOSTILE: &str = "<script>alert(1)</script> @team #1 [x](javascript:alert(1)) `|` http://evil.example \u{202e}\u{1b}[2J";

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_780_000_000 + second).unwrap()
}

fn judgement(verdict: Conclusion) -> Judgement {
    let quantiles = |p50: f64| Quantiles {
        runs: 60,
        p50_ms: Some(p50),
        p95_ms: Some(p50 * 1.3),
        ..Quantiles::default()
    };
    Judgement {
        journey: HOSTILE.to_owned(),
        environment: "production".to_owned(),
        location: "fra1".to_owned(),
        metric: Metric::Latency,
        part: Part::Whole,
        subject: "latency".to_owned(),
        verdict,
        summary: format!("p50 148 -> 208 ms since {}: {HOSTILE}", at(60)),
        before: quantiles(148.0),
        after: quantiles(208.0),
        effect: Some(Effect { estimate: 1.4, low: 1.3, high: 1.5 }),
        onset: Some(Onset { at: at(60), earliest: at(50), latest: at(70) }),
        recovered_at: None,
        probes: 60,
        baseline_probes: 180,
        notes: vec![HOSTILE.to_owned()],
        suspects: vec![
            Share { change: HOSTILE.into(), probability: 0.8 },
            Share { change: "other".into(), probability: 0.15 },
        ],
        dismissed: None,
        parts: vec![],
    }
}

fn case() -> Case {
    let walk = |ms: f64, result: &str| Walk {
        run: "r".to_owned(),
        at: at(55),
        ms,
        result: result.to_owned(),
        message: (result == "failed").then(|| HOSTILE.to_owned()),
        steps: vec![WalkStep {
            name: HOSTILE.to_owned(),
            outcome: result.to_owned(),
            ms,
            phases: vec![("processing".to_owned(), ms), ("\"><x".to_owned(), 1.0)],
        }],
    };
    let stretch = |n: i64| Stretch {
        at: at(n * 10),
        ms: Some([140.0, 150.0, 160.0]),
        passed: 5,
        failed: u64::try_from(n % 3).unwrap(),
    };
    Case {
        of: 0,
        from: at(0),
        to: at(120),
        step_s: 10.0,
        stretches: (0..12).map(stretch).collect(),
        failures: vec![Moment { at: at(61), run: "r".to_owned(), step: Some(HOSTILE.to_owned()) }],
        changes: vec![Flag {
            at: at(40),
            change: HOSTILE.into(),
            what: HOSTILE.to_owned(),
            verdict: Some(Conclusion::Regressed),
            own: true,
        }],
        good: Some(walk(148.0, "passed")),
        bad: Some(walk(208.0, "failed")),
        step: Some(HOSTILE.to_owned()),
        phase: Some("processing".to_owned()),
        bad_exchange: Some(crate::model::Exchange {
            request_line: format!("GET {HOSTILE}"),
            response_body: Some(HOSTILE.to_owned()),
            status: Some(500),
            ..Default::default()
        }),
        good_exchange: None,
        picture: Some("javascript:alert(1)".to_owned()),
    }
}

pub(super) fn full() -> Review {
    let text = || Some(HOSTILE.to_owned());
    Review {
        change: Subject {
            id: HOSTILE.into(),
            kind: ChangeKind::Deploy,
            what: HOSTILE.to_owned(),
            services: vec![HOSTILE.to_owned()],
            environments: vec!["production".to_owned()],
            version: text(),
            previous_version: text(),
            build: text(),
            release: text(),
            title: text(),
            author: text(),
            planned: Some(false),
            url: Some("javascript:alert(1)".to_owned()),
            commits: vec![CommitLine {
                id: HOSTILE.to_owned(),
                message: text(),
                author: text(),
                url: Some("javascript:alert(1)".to_owned()),
            }],
            told_by: vec![HOSTILE.to_owned()],
            state: ChangeState::Finished,
            started_at: at(40),
            finished_at: Some(at(45)),
            labels: [(HOSTILE.to_owned(), HOSTILE.to_owned())].into(),
        },
        verdict: Some(Conclusion::Regressed),
        open: false,
        gate: GateStatus::Fail,
        reason: HOSTILE.to_owned(),
        journeys: vec![judgement(Conclusion::Regressed), judgement(Conclusion::Unchanged)],
        suspects: vec![Suspect {
            change: "other".into(),
            what: HOSTILE.to_owned(),
            started_at: Some(at(30)),
            share: 0.15,
            own: false,
        }],
        cases: vec![case()],
        more_cases: 2,
        alerts: vec![Alert {
            at: at(80),
            to: HOSTILE.to_owned(),
            what: HOSTILE.to_owned(),
            state: "given_up".to_owned(),
            settled_at: Some(at(90)),
            attempts: 3,
            error: text(),
        }],
        alerts_kept_days: 7,
        gate_answers: vec![GateAnswer {
            change: HOSTILE.into(),
            by: text(),
            via: "curl".to_owned(),
            status: GateStatus::Fail,
            verdict: Some(Conclusion::Regressed),
            reason: HOSTILE.to_owned(),
            at: at(81),
            last_at: at(99),
            times: 4,
        }],
        rollbacks: vec![Undo {
            hook: HOSTILE.to_owned(),
            state: "failed".to_owned(),
            by: HOSTILE.to_owned(),
            reason: HOSTILE.to_owned(),
            at: at(85),
            settled_at: None,
            error: text(),
        }],
        dismissed: vec![Dismissed {
            what: HOSTILE.to_owned(),
            reason: "accepted".to_owned(),
            by: text(),
            note: text(),
            at: Some(at(90)),
        }],
        acknowledged: vec![Taken {
            what: HOSTILE.to_owned(),
            by: text(),
            note: text(),
            at: at(88),
        }],
        notes: vec![Note {
            id: 1,
            change: HOSTILE.into(),
            at: at(95),
            author: text(),
            text: format!("{HOSTILE}\nsecond line"),
            edited: Some(Touch { at: at(96), by: text() }),
            removed: None,
        }],
        outcome: vec![Word { at: at(97), author: text(), failed: Some(true), why: text() }],
        hints: vec![HOSTILE.to_owned()],
        page: Some("https://way.example/base/changes/x".to_owned()),
        made_at: at(100),
    }
}

#[test]
fn a_review_leaves_as_json_and_comes_back() {
    let review = full();
    let json = serde_json::to_value(&review).unwrap();
    assert_eq!(serde_json::from_value::<Review>(json).unwrap(), review);
}

#[test]
fn a_file_stands_alone_and_what_others_wrote_is_text_in_it() {
    let pages = Pages::new().unwrap();
    for page in [None, Some("https://way.example/base/changes/x".to_owned())] {
        let file = review_file(&pages, &Review { page: page.clone(), ..full() }).unwrap();
        for bad in
            ["<script", "<img src=x", "javascript:alert(1)\"", "src=\"http", "@import", "url("]
        {
            assert!(!file.html.contains(bad), "{bad}");
        }
        assert!(!file.html.contains(" style=\"") && !file.html.contains("<link"));
        assert_eq!(file.html.contains("href=\"https://way.example/base/"), page.is_some());
        assert!(file.policy.starts_with("default-src 'none'") && file.policy.contains("'sha256-"));
        assert!(file.html.len() < 100_000, "{}", file.html.len());
    }
}

#[test]
fn markdown_calls_nobody_and_holds_nothing_of_others() {
    let text = markdown::review(&full());
    assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'));
    // Outside of code nothing of theirs is markup.
    let mut plain = String::new();
    for line in text.lines() {
        let mut rest = line;
        while let Some(at) = rest.find('`').filter(|at| !rest[..*at].ends_with('\\')) {
            plain += &rest[..at];
            let fence = rest[at..].len() - rest[at..].trim_start_matches('`').len();
            let after = &rest[at + fence..];
            let end = after.find(&"`".repeat(fence)).expect("a fence that is closed");
            rest = &after[end + fence..];
        }
        plain += rest;
        plain.push('\n');
    }
    for bad in ["<script", "@team", "[x](", "http://evil", " #1"] {
        assert!(!plain.contains(bad), "{bad} in\n{plain}");
    }
    let rows = text.lines().filter(|l| l.starts_with("| ✕"));
    for row in rows {
        let bars = row.replace("\\|", "").matches('|').count();
        assert_eq!(bars, 9, "{row}");
    }
}

#[test]
fn text_keeps_within_its_columns() {
    for width in [40, 80, 120] {
        let text = text::review(&full(), Layout { width, colour: false });
        // Addresses stay whole.
        for line in text.lines().filter(|line| !line.starts_with("  http")) {
            assert!(line.chars().count() <= width, "{width}: {line}");
            assert!(!line.chars().any(char::is_control), "{line:?}");
        }
    }
}

#[test]
fn a_summary_says_what_people_want_to_know() {
    let felt = |passed, failed, p50: f64| Felt {
        passed,
        failed,
        p50_ms: Some(p50),
        p95_ms: Some(p50 * 2.0),
    };
    for (now, before, trend) in [
        (felt(1000, 0, 100.0), Some(felt(1000, 0, 100.0)), "same"),
        (felt(1000, 0, 130.0), Some(felt(1000, 0, 100.0)), "worse"),
        (felt(1000, 0, 70.0), Some(felt(1000, 0, 100.0)), "better"),
        (felt(950, 50, 70.0), Some(felt(1000, 0, 100.0)), "worse"),
        (felt(990, 10, 100.0), Some(felt(998, 2, 100.0)), "worse"),
        (felt(1000, 0, 100.0), Some(felt(900, 100, 100.0)), "better"),
        (felt(10, 0, 100.0), None, "new"),
    ] {
        assert_eq!(now.trend(before.as_ref(), (0.2, 0.03)), trend, "{now:?} {before:?}");
    }
    let journey = DigestJourney {
        journey: "checkout".to_owned(),
        description: None,
        environment: "production".to_owned(),
        location: "fra1".to_owned(),
        now: felt(990, 10, 200.0),
        before: Some(felt(1000, 0, 100.0)),
        trend: "worse".to_owned(),
    };
    assert_eq!(
        digest::sentence(&journey),
        "checkout in production takes 200 ms, 100 % longer than before (100 ms); one time in twenty more than 400 ms; it failed 10 times of 1000 (never before)"
    );
}

#[test]
fn failures_that_would_cover_each_other_are_one_mark() {
    let mut case = case();
    let failed = |second: i64| Moment { at: at(second), run: format!("r{second}"), step: None };
    // The newest first, as they are read; 1 s is 0.83% of the chart's two minutes.
    case.failures = [90, 62, 61, 60].map(failed).to_vec();
    case.failures.insert(2, Moment { at: at(61), run: "twin".to_owned(), step: None });
    let chart = plot::latency(&case, &judgement(Conclusion::Regressed));
    let told: Vec<_> = chart.dots.iter().map(|dot| (dot.link.as_str(), &dot.text)).collect();
    assert_eq!(told.len(), 4, "{told:?}");
    assert_eq!(told[0].0, "runs/r60");
    assert!(told[1].1.ends_with(", and 1 more"), "{told:?}");
}

#[test]
fn what_was_found_again_is_told_once() {
    let found = |kind: &str, opened: i64, closed: Option<i64>| DigestFinding {
        kind: kind.to_owned(),
        state: if closed.is_some() { "recovered" } else { "open" }.to_owned(),
        what: "latency of checkout in production".to_owned(),
        journey: "checkout".to_owned(),
        environment: "production".to_owned(),
        location: "fra1".to_owned(),
        summary: format!("found at {opened}"),
        change: Some("c".into()),
        opened_at: at(opened),
        closed_at: closed.map(at),
        times: 1,
    };
    let all = [
        found("suspected", 30, Some(40)),
        found("regressed", 10, Some(20)),
        DigestFinding { change: None, ..found("unexplained", 5, None) },
    ];
    let told = told_once(all);
    assert_eq!(told.len(), 2);
    let first = &told[0];
    assert_eq!((first.times, first.kind.as_str()), (2, "regressed"));
    assert_eq!((first.opened_at, first.closed_at), (at(10), Some(at(40))));
    let again = told_once([found("regressed", 30, None), found("regressed", 10, Some(20))]);
    assert_eq!((again[0].closed_at, again[0].state.as_str()), (None, "open"));
}
