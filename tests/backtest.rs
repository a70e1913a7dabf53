//! The back-test on recorded and on made histories: what the numbers promise must hold.
#![expect(clippy::unwrap_used, reason = "a test may fail")]

#[path = "backtest/own.rs"]
mod own;

use std::path::{Path, PathBuf};

use serde_json::Value;
use wayfarer::{
    cli::backtest,
    correlate::replay,
    model::{Detect, Label, Watch},
    source::histories,
};

fn made() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/histories/made")
}

fn json(dir: &Path, set: &[&str]) -> Value {
    let set: Vec<String> = set.iter().map(|s| (*s).to_owned()).collect();
    serde_json::from_str(&backtest::run(dir, true, &set).unwrap()).unwrap()
}

fn result<'a>(report: &'a Value, case: &str, metric: &str) -> &'a Value {
    report["results"]
        .as_array()
        .unwrap()
        .iter()
        .find(|r| r["case"] == case && r["metric"] == metric)
        .unwrap()
}

#[test]
fn made_histories_are_judged_right() {
    let report = json(&made(), &[]);
    assert_eq!(report["cases"], 3);
    for (case, metric, expected) in [
        ("step", "latency", "regressed"),
        ("step", "success", "unchanged"),
        ("quiet", "latency", "unchanged"),
        ("quiet", "success", "unchanged"),
        ("drop", "latency", "unchanged"),
        ("drop", "success", "regressed"),
    ] {
        assert_eq!(result(&report, case, metric)["final"], expected, "{case} {metric}");
    }
    let hit = &result(&report, "step", "latency")["regressed"];
    assert_eq!(hit["change"], "change-1");
    assert_eq!(hit["candidates"][0]["change"], "change-1");
    let after = hit["probes_after"].as_u64().unwrap();
    assert!((4..=20).contains(&after), "{after}");
    // Runs are a minute apart, and the change lies 30 s before one of them.
    assert_eq!(hit["at"].as_f64().unwrap(), 1_700_012_000.0 + 30.0 + 60.0 * (after - 1) as f64);
    assert!(result(&report, "quiet", "latency")["suspected"].is_null());
    let summary = &report["summary"]["made"];
    assert_eq!(summary["false_alarm_rate"]["suspected"], 0.0);
    assert_eq!(summary["power"]["regressed"], 1.0);
    for (group, names) in [
        ("false_alarm_rate", vec!["suspected", "regressed"]),
        ("power", vec!["suspected", "regressed"]),
        ("delay_probes", vec!["median", "p90"]),
        ("attribution", vec!["top1_at_hit", "top1_at_end", "named", "named_wrong"]),
    ] {
        let keys: Vec<&String> = summary[group].as_object().unwrap().keys().collect();
        assert_eq!(keys, names);
    }
}

#[test]
fn settings_reach_the_detector() {
    let lax = json(&made(), &["detect.latency.relative=150%"]);
    assert!(result(&lax, "step", "latency")["suspected"].is_null());
    let wrong = backtest::run(&made(), true, &["detect.speed=1".to_owned()]);
    assert!(wrong.unwrap_err().to_string().contains("detect.speed"));
    assert!(backtest::run(Path::new("tests/histories"), true, &[]).is_err());
}

#[test]
fn the_table_fits_a_terminal() {
    let text = backtest::run(&made(), false, &[]).unwrap();
    assert!(text.lines().all(|l| l.chars().count() <= 80), "{text}");
    assert!(text.contains("made") && text.contains("100.0%"), "{text}");
}

#[test]
fn recorded_histories_are_judged_as_well_as_the_reference_judges_them() {
    let dir = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/cases"));
    if !dir.join("cases.json").exists() {
        println!("skipped: the recorded histories are not here");
        return;
    }
    let cases = histories::read(dir).unwrap();
    let halves: Vec<Vec<_>> = std::thread::scope(|scope| {
        let half = |odd: usize| cases.iter().skip(odd).step_by(2);
        let work: Vec<_> = [0, 1]
            .map(|odd| {
                let own = half(odd);
                scope.spawn(move || {
                    own.flat_map(|c| replay::replay(c, &Detect::default(), &Watch::default()))
                        .collect()
                })
            })
            .into_iter()
            .collect();
        work.into_iter().map(|w| w.join().unwrap()).collect()
    });
    let report = replay::report(&cases, halves.concat());
    let of = |label: Label| -> Vec<&replay::CaseResult> {
        cases
            .iter()
            .flat_map(|c| c.truth.iter().map(move |t| (c, t)))
            .filter(|(_, t)| t.label == label)
            .filter_map(|(c, t)| {
                report
                    .results
                    .iter()
                    .find(|r| r.case == c.id && r.journey == t.journey && r.metric == t.metric)
            })
            .collect()
    };
    let (none, harmed) = (of(Label::None), of(Label::Regressed));
    let wrong = none.iter().filter(|r| r.regressed.is_some()).count();
    let found = harmed.iter().filter(|r| r.suspected.is_some()).count();
    println!("{wrong} of {} wrong, {found} of {} found", none.len(), harmed.len());
    assert!(wrong * 1000 <= none.len() * 3, "{wrong} of {}", none.len());
    assert!(found * 100 >= harmed.len() * 72, "{found} of {}", harmed.len());
}

#[test]
fn an_error_in_a_history_lifts_the_change_of_the_service_it_names() {
    let history = |error: &str| {
        let dir = tempfile::tempdir().unwrap();
        let mut csv = String::from("ts,latency_ms,success,failed_step,error,host\n");
        for row in 0..440 {
            let at = 1_700_000_000 + 60 * row;
            let ms = 300.0 + 40.0 * f64::from(row * 7919 % 97) / 97.0;
            if row >= 400 && row % 5 < 3 {
                csv += &format!("{at},,0,checkout,{error}\n");
            } else {
                csv += &format!("{at},{ms},1,,,\n");
            }
        }
        std::fs::write(dir.path().join("buy.csv"), csv).unwrap();
        let index = r#"[{"id":"two","source":"made","interval_s":60,
          "series":[{"journey":"buy","environment":"production","services":["checkout"],"file":"buy.csv"}],
          "changes":[{"id":"payments-2","kind":"deploy","service":"payments","environment":"production","at":1700023950,"finished_at":1700023980},
                     {"id":"cart-2","kind":"deploy","service":"cart","environment":"production","at":1700023950,"finished_at":1700023980}],
          "depends_on":{"checkout":["payments","cart"]},
          "truth":[{"journey":"buy","metric":"success","label":"regressed","change":"payments-2"}]}]"#;
        std::fs::write(dir.path().join("cases.json"), index).unwrap();
        let report = json(dir.path(), &[]);
        let found = result(&report, "two", "success");
        assert_eq!(found["final"], "regressed", "{found}");
        let odds = |id: &str| {
            let candidates = found["candidates"].as_array().unwrap();
            let one = candidates.iter().find(|c| c["change"] == id);
            one.map_or(0.0, |c| c["probability"].as_f64().unwrap())
        };
        (odds("payments-2"), odds("cart-2"))
    };
    let (payments, cart) = history("status: upstream did not answer,shop.example");
    assert!((payments - cart).abs() < 0.01, "{payments} {cart}");
    for error in [
        "status: upstream payments did not answer,shop.example",
        "\"connect: payments.internal, 10.2.3.4:8443 refused\",shop.example",
        "status,payments.internal",
    ] {
        let (payments, cart) = history(error);
        assert!(payments > 2.5 * cart, "{error}: {payments} {cart}");
    }
}
