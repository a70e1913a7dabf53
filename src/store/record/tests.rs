use std::{collections::HashMap, net::SocketAddr, time::Duration};

use jiff::Timestamp;
use proptest::{
    option,
    prelude::{Just, Strategy, any, prop_assert_eq, prop_oneof, proptest},
    prop_compose,
    sample::select,
};

use super::{Head, Layouts, encode, kept, probe, run};
use crate::{
    model::{
        AssertionResult, Attempt, Deployed, Failure, FaultKind, Hop, Measured, Outcome, Part,
        Phases, Probe, ResourceType, Run, RunId, StepOutcome, StepRun, Traffic, Trigger,
        TypeTraffic, Unwell,
    },
    store::{dictionary::Dictionary, error::Fault, names::ReadRevision},
};

fn duration() -> impl Strategy<Value = Duration> {
    prop_oneof![
        Just(Duration::ZERO),
        (0..5_000_000_000_u64).prop_map(Duration::from_nanos),
        (0..5_000_000_u64).prop_map(Duration::from_micros),
        any::<Duration>(),
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), ".{0,12}", Just("ü".repeat(900)), Just("x".repeat(3000))]
}

fn time() -> impl Strategy<Value = Timestamp> {
    (-10_000_000_000..10_000_000_000_i64, 0..1_000_000_000_i32)
        .prop_map(|(s, n)| Timestamp::new(s, if s < 0 { -n } else { n }).unwrap())
}

fn phases() -> impl Strategy<Value = Phases> {
    [duration(), duration(), duration(), duration(), duration()].prop_map(
        |[resolve, connect, tls, processing, transfer]| Phases {
            resolve,
            connect,
            tls,
            processing,
            transfer,
        },
    )
}

prop_compose! {
    fn hop()(
        (method, url) in (
            select(vec!["GET", "POST", "a b\n"]),
            prop_oneof![text(), Just("https://u:p@Pay.internal:8443/v1?x=1".to_owned())],
        ),
        status in prop_oneof![Just(Some(200)), any::<Option<u16>>()],
        version in prop_oneof![Just(Some("HTTP/1.1".to_owned())), Just(Some("HTTP/2".to_owned())), option::of(text())],
        (offset, length, exact) in (duration(), duration(), any::<bool>()),
        phases in phases(),
        reused in any::<bool>(),
        peer in option::of(any::<SocketAddr>()),
        body_bytes in any::<u64>(),
        certificate_expires_at in option::of(time()),
        server_timing in rarely((text(), duration())),
    ) -> Hop {
        let sum = phases.named().iter().fold(Duration::ZERO, |sum, (_, d)| sum.saturating_add(*d));
        Hop {
            method: method.to_owned(), url, status, version, offset,
            duration: if exact { sum } else { length },
            phases, reused, peer, body_bytes, certificate_expires_at, server_timing }
    }
}

/// What few steps have.
fn rarely<T: std::fmt::Debug>(what: impl Strategy<Value = T>) -> impl Strategy<Value = Vec<T>> {
    let some = proptest::collection::vec(what, 0..4);
    (any::<u8>(), some).prop_map(|(n, all)| if n < 180 { Vec::new() } else { all })
}

prop_compose! {
    fn attempt()((offset, duration) in (duration(), duration()), status in any::<Option<u16>>(), reason in text()) -> Attempt {
        Attempt { offset, duration, status, reason }
    }
}

fn number() -> impl Strategy<Value = f64> {
    let price = |cents: i32| f64::from(cents) / 100.0;
    prop_oneof![
        any::<i32>().prop_map(price),
        any::<i64>().prop_map(|n| n as f64),
        any::<f64>(),
        Just(-0.0)
    ]
}

prop_compose! {
    fn measured()(
        name in select(vec!["price", "rows", "", "ü"]), unit in option::of(text()),
        value in option::of(number()), note in option::of(text()),
    ) -> Measured {
        Measured { name: name.into(), unit, value, note }
    }
}

prop_compose! {
    fn failure()(
        (step, kind, message) in (text(), select(FAULTS), text()),
        (check, expected, actual) in (option::of(text()), option::of(text()), option::of(text())),
    ) -> Failure {
        Failure { step: step.into(), kind, message, check, expected, actual }
    }
}

prop_compose! {
    fn traffic()(sorts in proptest::collection::vec((select(ResourceType::ALL.to_vec()), any::<u32>(), any::<u32>(), any::<u64>()), 0..12)) -> Traffic {
        let by_type = sorts.into_iter().map(|(kind, requests, failed, bytes)| TypeTraffic { kind, requests, failed, bytes });
        Traffic { by_type: by_type.collect(), ..Traffic::default() }
    }
}

prop_compose! {
    fn assertion()(check in text(), passed in any::<bool>(), expected in option::of(text()), actual in option::of(text()))
        -> AssertionResult { AssertionResult { check, passed, expected, actual } }
}

prop_compose! {
    fn step()(
        name in prop_oneof![text(), select(vec!["a", "b"]).prop_map(str::to_owned)],
        (offset, duration) in (duration(), duration()),
        outcome in select(vec![StepOutcome::Passed, StepOutcome::Passed, StepOutcome::Failed, StepOutcome::Broken, StepOutcome::Skipped]),
        hops in proptest::collection::vec(hop(), 0..4),
        assertions in proptest::collection::vec(assertion(), 0..4),
        captures in proptest::collection::vec((text(), text()), 0..3),
        (iteration, retries, failed, measures) in (option::of(any::<u32>()), rarely(attempt()), rarely(failure()), rarely(measured())),
        traffic in option::of(traffic()),
    ) -> StepRun {
        let failure = failed.into_iter().next().map(Box::new);
        StepRun { name: name.into(), offset, duration, outcome, hops, assertions, captures, iteration, retries, failure, measures, traffic: traffic.map(Box::new) }
    }
}

const FAULTS: &[FaultKind] = &[
    FaultKind::Dns,
    FaultKind::Connect,
    FaultKind::Tls,
    FaultKind::Reset,
    FaultKind::Timeout,
    FaultKind::Redirect,
    FaultKind::Protocol,
    FaultKind::TooLarge,
    FaultKind::Status,
    FaultKind::Assertion,
    FaultKind::Capture,
    FaultKind::Template,
    FaultKind::Guard,
    FaultKind::Element,
    FaultKind::Page,
];

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        Just(Outcome::Passed),
        failure().prop_map(Outcome::Failed),
        text().prop_map(|reason| Outcome::Broken { reason })
    ]
}

prop_compose! {
    fn any_run()(
        outcome in outcome(),
        steps in proptest::collection::vec(step(), 0..5),
        trigger in select(vec![Trigger::Schedule, Trigger::Burst, Trigger::Smoke, Trigger::Manual]),
        started_at in time(),
        (late_by, duration) in (duration(), duration()),
        named in any::<bool>(),
        insecure in any::<bool>(),
        unwell in option::of((any::<bool>(), any::<u32>(), 0..=100_u8).prop_map(
            |(failed, slower_percent, steal_percent)| Unwell { failed, slower_percent, steal_percent })),
    ) -> Run {
        let mut outcome = outcome;
        if let (Outcome::Failed(failure), Some(last), true) = (&mut outcome, steps.last(), named) {
            failure.step = last.name.clone();
        }
        Run {
            id: RunId::at(started_at), journey: "j".into(), environment: "e".into(), location: "l".into(),
            revision: "r".into(), trigger, started_at, late_by, duration, outcome, steps,
            deployed: vec![Deployed { service: "s".into(), version: "1".to_owned() }], insecure, traced: insecure,
            evidence: None, unwell,
        }
    }
}

/// What a reader would know of the writer's dictionary.
fn learned(dictionary: &mut Dictionary, phrases: &mut HashMap<u32, Box<[u8]>>) -> ReadRevision {
    phrases.extend(dictionary.take_fresh());
    ReadRevision::of("r".into(), phrases.clone())
}

fn back(record: &[u8], of: &Run, revision: &ReadRevision) -> Result<Run, Fault> {
    run(Head::read(record)?, (of.id, kept(of).started_at, &of.series()), revision, &of.deployed)
}

proptest! {
    #[test]
    fn a_run_comes_back_as_kept(walked in any_run()) {
        let mut dictionary = Dictionary::default();
        let mut phrases = HashMap::new();
        let expected = kept(&walked);
        prop_assert_eq!(&kept(&expected), &expected);
        let mut layouts = Layouts::default();
        // First with everything written out, then with lines that have numbers.
        for _ in 0..3 {
            let record = encode(&walked, 7, 3, &mut dictionary);
            let revision = learned(&mut dictionary, &mut phrases);
            let head = Head::read(&record).unwrap();
            prop_assert_eq!((head.revision, head.deployed), (7, 3));
            prop_assert_eq!(&back(&record, &walked, &revision).unwrap(), &expected);
            let bare = probe(head.clone(), expected.started_at, &revision, None).unwrap();
            prop_assert_eq!(&bare, &Probe::from(&expected).bare());
            let seen = probe(head, expected.started_at, &revision, Some(&mut layouts)).unwrap();
            prop_assert_eq!(seen, Probe::from(&expected));
            // What was kept is stored as it stands.
            let again = encode(&expected, 7, 3, &mut dictionary);
            let revision = learned(&mut dictionary, &mut phrases);
            prop_assert_eq!(&back(&again, &walked, &revision).unwrap(), &expected);
        }
    }

    #[test]
    fn garbage_is_refused_or_read(
        walked in any_run(), at in any::<proptest::sample::Index>(), noise in proptest::collection::vec(any::<u8>(), 0..80)
    ) {
        let mut dictionary = Dictionary::default();
        let record = encode(&walked, 7, 3, &mut dictionary);
        let revision = learned(&mut dictionary, &mut HashMap::new());
        let cut = at.index(record.len());
        let mut damaged = [&record[..cut], &noise[..]].concat();
        drop(back(&damaged, &walked, &revision));
        if let Some(first) = damaged.first_mut() {
            *first = if noise.len() % 2 == 0 { super::PLAIN } else { super::EXTENDED };
        }
        drop(back(&damaged, &walked, &revision));
        if let Ok(head) = Head::read(&damaged) {
            drop(probe(head, walked.started_at, &revision, Some(&mut Layouts::default())));
        }
    }
}

/// A record of version 1 as it was written when that version was new: it stays readable for ever.
#[test]
fn a_record_of_version_1_stays_readable() {
    let walked = fixture();
    let mut dictionary = Dictionary::default();
    let record = encode(&walked, 7, 3, &mut dictionary);
    let hex: String = record.iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(hex, FIXTURE);
    let revision = learned(&mut dictionary, &mut HashMap::new());
    assert_eq!(back(&record, &walked, &revision).unwrap(), kept(&walked));
}

#[test]
fn a_run_with_nothing_new_is_written_as_ever_and_a_tail_is_passed_over() {
    let mut walked = fixture();
    let mut dictionary = Dictionary::default();
    assert_eq!(encode(&walked, 7, 3, &mut dictionary)[0], super::PLAIN);
    walked.steps[0].iteration = Some(2);
    walked.steps[0].measures =
        vec![measure(Some(12.99), None), measure(None, Some("nothing found"))];
    let mut record = encode(&walked, 7, 3, &mut dictionary);
    assert_eq!(record[0], super::EXTENDED);
    // What a newer program may add.
    record.extend([99, 3, 1, 2, 3]);
    let revision = learned(&mut dictionary, &mut HashMap::new());
    assert_eq!(back(&record, &walked, &revision).unwrap(), kept(&walked));
    let head = Head::read(&record).unwrap();
    let seen = probe(head, walked.started_at, &revision, Some(&mut Layouts::default())).unwrap();
    let price = Part::Measure("open".into(), "price".into());
    assert_eq!(seen.parts.get(&price), Some(f64::from(12.99_f32)));
}

#[test]
fn what_was_wrong_with_us_stands_in_the_tail() {
    let mut walked = fixture();
    walked.outcome = Outcome::Passed;
    let mut dictionary = Dictionary::default();
    encode(&walked, 7, 3, &mut dictionary);
    let well = encode(&walked, 7, 3, &mut dictionary);
    walked.unwell = Some(Unwell { failed: true, slower_percent: 130, steal_percent: 4 });
    let record = encode(&walked, 7, 3, &mut dictionary);
    assert_eq!((well[0], record[0]), (super::PLAIN, super::EXTENDED));
    // Sort, length, two numbers, of which the second takes two bytes.
    assert_eq!(record.len() - well.len(), 5);
    let revision = learned(&mut dictionary, &mut HashMap::new());
    assert_eq!(back(&record, &walked, &revision).unwrap(), kept(&walked));
    let seen = |record: &[u8]| {
        let head = Head::read(record).unwrap();
        probe(head, walked.started_at, &revision, Some(&mut Layouts::default())).unwrap()
    };
    assert_eq!((seen(&well).latency_ms, seen(&well).success), (Some(82.0), Some(true)));
    assert_eq!(seen(&record), Probe::from(&walked));
    assert_eq!((seen(&record).latency_ms, seen(&record).success), (None, None));
}

#[test]
fn a_measure_takes_few_bytes() {
    let mut walked = fixture();
    let mut dictionary = Dictionary::default();
    let mut size = |run: &Run| {
        encode(run, 7, 3, &mut dictionary);
        encode(run, 7, 3, &mut dictionary).len()
    };
    let without = size(&walked);
    walked.steps[0].measures = vec![measure(Some(12.99), None)];
    // Sort, length, number of the names, decimals, value.
    assert_eq!(size(&walked) - without, 6);
}

fn measure(value: Option<f64>, note: Option<&str>) -> Measured {
    let note = note.map(str::to_owned);
    Measured { name: "price".into(), unit: Some("EUR".to_owned()), value, note }
}

#[test]
fn rounds_of_a_step_are_summed_and_skipped_ones_are_none() {
    let mut walked = fixture();
    walked.outcome = Outcome::Passed;
    let mut round = walked.steps[0].clone();
    round.measures = vec![measure(Some(1.0), None)];
    let mut other = round.clone();
    other.measures = vec![measure(Some(4.0), None)];
    let mut skipped = round.clone();
    (skipped.name, skipped.outcome) = ("later".into(), StepOutcome::Skipped);
    let mut spoilt = round.clone();
    spoilt.name = "mixed".into();
    let failed = StepRun { outcome: StepOutcome::Failed, ..spoilt.clone() };
    walked.steps = vec![round, other, skipped, spoilt, failed];
    let parts = Probe::from(&walked).parts;
    let of = |step: &str| parts.get(&Part::Step(step.into()));
    assert_eq!((of("open"), of("later"), of("mixed")), (Some(82.0), None, None));
    assert_eq!(parts.get(&Part::Measure("open".into(), "price".into())), Some(2.5));
    assert_eq!(parts.get(&Part::Measure("mixed".into(), "price".into())), Some(1.0));
}

#[test]
fn a_later_version_is_refused() {
    let Err(fault) = Head::read(&[9, 0, 0]) else { panic!("read a version that does not exist") };
    assert!(fault.told("read a run").to_string().contains("format 9 is not known here"));
}

#[test]
fn phases_still_add_up() {
    let third = Duration::from_nanos(1_333_333);
    let cut = super::kept::phases(&Phases {
        resolve: third,
        connect: third,
        tls: third,
        processing: third,
        transfer: third,
    });
    assert_eq!(cut.total(), Duration::from_micros(6_666));
}

const FIXTURE: &str = "\
    010507940ad08005030102090e73746174757320776173203530330106737461747573010332303001033530332800d8\
    040105746f6b656e032a2a2a06000e04c0000207bb03020180b2b7b30d001c04504f53541668747470733a2f2f73686f\
    702e746573742f63617274c0b802bc05e7243da01f029ff7040100010332303001033530330105746f6b656e032a2a2a\
    01af0202c0b802bc05e72411f803900302c0b802bc05e724";

fn fixture() -> Run {
    let us = Duration::from_micros;
    let started_at: Timestamp = "2026-11-20T12:00:00.000250Z".parse().unwrap();
    let hop = |offset: u64, status, reused| Hop {
        method: "POST".to_owned(),
        url: "https://shop.test/cart".to_owned(),
        status: Some(status),
        version: Some("HTTP/2".to_owned()),
        offset: us(offset),
        duration: us(40_700),
        phases: Phases { processing: us(40_000), transfer: us(700), ..Phases::default() },
        reused,
        peer: Some("192.0.2.7:443".parse().unwrap()),
        body_bytes: 4_711,
        certificate_expires_at: Some("2027-01-01T00:00:00Z".parse().unwrap()),
        server_timing: Vec::new(),
    };
    let step = |name: &str, offset, hops: Vec<Hop>, passed| StepRun {
        name: name.into(),
        offset: us(offset),
        duration: us(41_000),
        outcome: if passed { StepOutcome::Passed } else { StepOutcome::Failed },
        hops,
        assertions: vec![AssertionResult {
            check: "status".to_owned(),
            passed,
            expected: (!passed).then(|| "200".to_owned()),
            actual: (!passed).then(|| "503".to_owned()),
        }],
        captures: vec![("token".to_owned(), "***".to_owned())],
        iteration: None,
        retries: Vec::new(),
        failure: None,
        measures: Vec::new(),
        traffic: None,
    };
    Run {
        id: RunId::at(started_at),
        journey: "checkout".into(),
        environment: "production".into(),
        location: "fra1".into(),
        revision: "r".into(),
        trigger: Trigger::Burst,
        started_at,
        late_by: us(1_300),
        duration: us(82_000),
        outcome: Outcome::Failed(Failure {
            step: "buy".into(),
            kind: FaultKind::Status,
            message: "status was 503".to_owned(),
            check: Some("status".to_owned()),
            expected: Some("200".to_owned()),
            actual: Some("503".to_owned()),
        }),
        steps: vec![
            step("open", 0, vec![hop(0, 200, false)], true),
            step("buy", 43_000, vec![hop(43_000, 302, true), hop(83_900, 503, true)], false),
        ],
        deployed: Vec::new(),
        insecure: false,
        traced: false,
        evidence: None,
        unwell: None,
    }
}
