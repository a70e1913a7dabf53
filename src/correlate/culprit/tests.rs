use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;

use crate::{
    correlate::{
        Room, gate,
        made::{Make, REAL, START_S, change, fail, member, slow},
        series::moment,
    },
    model::{
        Change, ChangeKind, Conclusion, Detect, FaultKind, GateStatus, Metric, Probe, Service,
        Signature, Verdict, Watch,
    },
};

const CALM: Make = Make { sd: 0.1, spikes: 0.0, diurnal: 0.0, ok: 1.0, ..REAL };

fn at(row: usize) -> Timestamp {
    moment(START_S + 60.0 * super::super::figures::count(row) - 1.0)
}

/// A journey of one service each, lived through run by run; the verdicts at the end, by change and journey.
fn lived(
    series: &[(&str, Vec<Probe>)],
    changes: &[Change],
    depends_on: &[(&str, &str)],
) -> (Room, BTreeMap<(String, String), Verdict>) {
    let mut services: BTreeMap<_, Service> = BTreeMap::new();
    for (caller, called) in depends_on {
        services.entry((*caller).into()).or_default().depends_on.push((*called).into());
    }
    let watch = Watch { window: Duration::from_secs(3600), ..Watch::default() };
    let mut room = Room::new(watch, Detect::default(), services);
    let mut order: Vec<&Change> = changes.iter().collect();
    order.sort_by_key(|c| c.started_at);
    let mut last = Timestamp::MIN;
    for row in 0..series[0].1.len() {
        for change in order.iter().filter(|c| c.started_at > last && c.started_at <= at(row + 1)) {
            let before =
                |p: &[Probe]| p.iter().filter(|p| p.at < change.started_at).cloned().collect();
            let members = series.iter().map(|(s, p)| (member(s, &[s], 60), before(p))).collect();
            room.open(change, members, change.started_at);
        }
        last = at(row + 1);
        for (service, probes) in series {
            room.push(&member(service, &[service], 60).series, &probes[row], probes[row].at);
        }
    }
    let mut worst: BTreeMap<(String, String), Verdict> = BTreeMap::new();
    for verdict in changes.iter().flat_map(|c| room.verdicts(&c.id)) {
        let key = (verdict.change.to_string(), verdict.journey.to_string());
        if worst.get(&key).is_none_or(|w| verdict.conclusion < w.conclusion) {
            worst.insert(key, verdict);
        }
    }
    (room, worst)
}

fn odds(verdict: &Verdict, id: &str) -> f64 {
    verdict.candidates.iter().find(|c| c.change.as_str() == id).map_or(0.0, |c| c.probability)
}

#[test]
fn both_watches_of_overlapping_changes_name_the_same_and_the_innocent_gate_does_not_fail() {
    let mut pay = CALM.probes(1, 440, 60.0);
    slow(&mut pay, 402, 1.6);
    let series =
        [("pay", pay), ("cart", CALM.probes(2, 440, 60.0)), ("ad", CALM.probes(3, 440, 60.0))];
    let changes = [change("innocent", "cart", at(398)), change("guilty", "pay", at(401))];
    let (room, verdicts) = lived(&series, &changes, &[]);
    for id in ["innocent", "guilty"] {
        let verdict = &verdicts[&(id.to_owned(), "pay".to_owned())];
        assert_eq!(verdict.conclusion, Conclusion::Regressed, "{id}: {}", verdict.summary);
        assert_eq!(verdict.named.as_ref().map(|n| n.as_str()), Some("guilty"), "{verdict:?}");
        assert!(odds(verdict, "innocent") < 0.05, "{verdict:?}");
    }
    assert_eq!(gate(&room.verdicts(&"guilty".into()), &[], true).status, GateStatus::Fail);
    let innocent = gate(&room.verdicts(&"innocent".into()), &[], true);
    assert_eq!(innocent.status, GateStatus::Inconclusive, "{}", innocent.reason);
    assert!(innocent.reason.contains("guilty"), "{}", innocent.reason);
}

#[test]
fn a_shift_a_few_runs_before_a_change_is_not_pinned_on_it() {
    let named = |row: usize| {
        (0..12)
            .filter(|seed| {
                let mut pay = CALM.probes(10 + seed, 440, 60.0);
                slow(&mut pay, row, 2.0);
                let series = [("pay", pay), ("cart", CALM.probes(50 + seed, 440, 60.0))];
                let (_, verdicts) = lived(&series, &[change("late", "pay", at(400))], &[]);
                verdicts[&("late".to_owned(), "pay".to_owned())].named.is_some()
            })
            .count()
    };
    assert!(named(400) >= 11, "{}", named(400));
    assert!(named(397) <= 3, "{}", named(397));
}

#[test]
fn a_rollback_confirms_its_suspect_or_clears_it() {
    let changes = [
        change("pay-2", "pay", at(398)),
        change("cart-2", "cart", at(399)),
        Change { kind: ChangeKind::Rollback, ..change("pay-1", "pay", at(425)) },
    ];
    let calls = [("checkout", "pay"), ("checkout", "cart")];
    let story = |until: usize| {
        let mut buy = CALM.probes(21, 460, 60.0);
        slow(&mut buy[..until], 400, 1.8);
        let (_, verdicts) = lived(&[("checkout", buy)], &changes, &calls);
        let verdict = &verdicts[&("pay-2".to_owned(), "checkout".to_owned())];
        (odds(verdict, "pay-2"), odds(verdict, "cart-2"))
    };
    let (guilty, innocent) = story(426);
    assert!(guilty > 0.8 && innocent < 0.1, "{guilty} {innocent}");
    let (cleared, other) = story(460);
    assert!(other > 3.0 * cleared, "{cleared} {other}");
}

#[test]
fn a_name_is_not_lost_while_the_end_of_failures_is_not_sure_yet() {
    let changes = [
        change("pay-2", "pay", at(385)),
        change("accounts-42", "accounts", at(400)),
        Change {
            kind: ChangeKind::Rollback,
            services: vec!["pay".into(), "accounts".into()],
            ..change("back", "pay", at(440))
        },
    ];
    let mut sign_in = CALM.probes(61, 480, 60.0);
    fail(&mut sign_in[..440], 400, 0.25, 7);
    for rows in (430..=480).step_by(5) {
        let series = [("accounts", sign_in[..rows].to_vec())];
        let (_, verdicts) = lived(&series, &changes, &[]);
        let verdict = &verdicts[&("accounts-42".to_owned(), "accounts".to_owned())];
        assert_eq!(verdict.conclusion, Conclusion::Regressed, "{rows}: {}", verdict.summary);
        // A quarter that fails leaves room for doubt; it must not grow with the good runs after the rollback.
        assert!(odds(verdict, "accounts-42") > 0.64, "{rows}: {:?}", verdict.candidates);
    }
}

#[test]
fn a_trouble_that_is_over_did_not_begin_for_sure_before_the_second_of_two_changes() {
    // A run a second: eight of them lie between the two changes, and an onset is known to a dozen runs.
    let second = Duration::from_secs(1);
    let watch = Watch { window: 240 * second, settle: 60 * second, ..Watch::default() };
    let moment_of = |row: usize| moment(START_S + super::super::figures::count(row) - 0.5);
    for seed in 0..12 {
        let mut runs = CALM.probes(70 + seed, 460, 1.0);
        fail(&mut runs[..300], 203, 0.45, 7 + seed);
        let mut room = Room::new(watch.clone(), Detect::default(), BTreeMap::new());
        let one = super::super::Member { interval: second, ..member("sign-in", &["web"], 60) };
        let changes =
            [change("first", "pay", moment_of(192)), change("second", "accounts", moment_of(200))];
        for (row, run) in runs.iter().enumerate() {
            for change in changes.iter().filter(|c| c.started_at == moment_of(row)) {
                room.open(change, vec![(one.clone(), runs[..row].to_vec())], change.started_at);
            }
            room.push(&one.series, run, run.at);
            room.close_due(run.at);
        }
        let told = room.verdicts(&"second".into());
        let verdict = told.iter().find(|v| v.metric == Metric::Success).unwrap();
        let bad = matches!(verdict.conclusion, Conclusion::Regressed | Conclusion::Transient);
        assert!(bad, "{seed}: {:?} {}", verdict.conclusion, verdict.summary);
    }
}

#[test]
fn the_step_that_fails_names_its_service() {
    let mut buy = CALM.probes(31, 440, 60.0);
    fail(&mut buy, 400, 0.6, 7);
    for probe in buy.iter_mut().filter(|p| p.success == Some(false)) {
        let kind = Some(FaultKind::Status);
        probe.signature = Some(Signature::new("open cart page", kind));
    }
    let changes = [change("pay-2", "pay", at(399)), change("cart-2", "cart", at(399))];
    let calls = [("checkout", "pay"), ("checkout", "cart")];
    let (_, verdicts) = lived(&[("checkout", buy)], &changes, &calls);
    let verdict = &verdicts[&("cart-2".to_owned(), "checkout".to_owned())];
    assert!(odds(verdict, "cart-2") > 2.0 * odds(verdict, "pay-2"), "{verdict:?}");
}

#[test]
fn the_error_names_the_service_that_broke() {
    let told = |text: &str, host: Option<&str>| {
        let mut buy = CALM.probes(31, 440, 60.0);
        fail(&mut buy, 400, 0.6, 7);
        for probe in buy.iter_mut().filter(|p| p.success == Some(false)) {
            let mut signature = Signature::new("checkout", Some(FaultKind::Status)).saying(text);
            signature.host = host.map(Into::into);
            probe.signature = Some(signature);
        }
        let changes = [change("pay-2", "payments", at(399)), change("cart-2", "cart", at(399))];
        let calls = [("checkout", "payments"), ("checkout", "cart")];
        let (_, verdicts) = lived(&[("checkout", buy)], &changes, &calls);
        let verdict = &verdicts[&("cart-2".to_owned(), "checkout".to_owned())];
        (odds(verdict, "pay-2"), odds(verdict, "cart-2"))
    };
    let (pay, cart) = told("no word of anybody", None);
    assert!((pay - cart).abs() < 0.02, "{pay} {cart}");
    for (text, host) in [
        ("upstream `payments` refused: connection 17 of 20", None),
        ("cannot connect to payments.internal:8443", None),
        ("", Some("payments.internal")),
        ("", Some("payments-v2.prod.svc")),
    ] {
        let (pay, cart) = told(text, host);
        assert!(pay > 2.5 * cart, "{text} {host:?}: {pay} {cart}");
    }
}
