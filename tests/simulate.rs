//! `wayfarer simulate`: what it writes is what the back-test reads, and nobody's files are lost to it.
#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use wayfarer::{model::Case, simulate, source::histories};

fn wayfarer(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_wayfarer")).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap();
    let mut names: Vec<String> =
        entries.map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn every_scenario_reads_back_the_same() {
    for scenario in simulate::scenarios() {
        let dir = tempfile::tempdir().unwrap();
        let mut case = simulate::case(scenario, 11);
        // The format knows whole journeys only.
        for probe in case.series.iter_mut().flat_map(|s| &mut s.probes) {
            probe.parts = Default::default();
        }
        histories::write(dir.path(), [case.clone()].into_iter()).unwrap();
        assert!(histories::read(dir.path()).unwrap() == [case], "{}", scenario.name);
    }
}

#[test]
fn what_is_simulated_is_judged_by_the_back_test() {
    let dir = tempfile::tempdir().unwrap();
    let made = dir.path().join("histories");
    let path = made.to_str().unwrap();
    let out = wayfarer(&["simulate", "step100", path, "--count", "3", "--seed", "5"]);
    assert!(out.status.success(), "{}", text(&out.stderr));
    assert!(text(&out.stdout).contains("wrote 3 cases"), "{}", text(&out.stdout));
    let scenario = simulate::find("step100").unwrap();
    let expected: Vec<Case> = (5..8).map(|seed| simulate::case(scenario, seed)).collect();
    assert_eq!(histories::read(&made).unwrap(), expected);
    let header = fs::read_to_string(made.join("step100-5.csv")).unwrap();
    assert!(header.starts_with("ts,latency_ms,success,failed_step,error\n"), "{header:.80}");

    let out = wayfarer(&["backtest", path, "--json"]);
    let report: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!((report["cases"].as_u64(), out.status.code()), (Some(3), Some(0)));
    assert_eq!(report["summary"]["step100"]["power"]["suspected"], 1.0);

    // Again, and fewer: what was there before is gone.
    let out = wayfarer(&["simulate", "success50", path, "--count", "1"]);
    assert!(out.status.success(), "{}", text(&out.stderr));
    assert_eq!(names(&made), ["cases.json", "success50-1.csv"]);
}

#[test]
fn scenarios_are_listed_with_a_line_each() {
    let out = wayfarer(&["simulate", "--list"]);
    assert_eq!(out.status.code(), Some(0));
    let listed = text(&out.stdout);
    assert_eq!(listed.lines().count(), simulate::scenarios().count());
    assert!(listed.lines().all(|line| line.chars().count() <= 105), "{listed}");
    for name in ["null-usual", "overlap", "slow-path", "staged", "rollback25", "null-fleet"] {
        assert!(listed.lines().any(|l| l.starts_with(&format!("{name} "))), "{name}");
    }
    let help = text(&wayfarer(&["simulate", "--help"]).stdout);
    assert!(help.contains("Example: wayfarer simulate step20"), "{help}");
}

#[test]
fn mistakes_are_told_and_nothing_is_touched() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_str().unwrap();
    let refused = |arguments: &[&str], code: i32, expected: &str| {
        let out = wayfarer(arguments);
        let said = text(&out.stderr);
        assert_eq!(out.status.code(), Some(code), "{said}");
        assert!(said.contains(expected), "{said}");
    };
    refused(&["simulate", "step5O", path], 2, "did you mean `step50`?");
    refused(&["simulate"], 2, "required");
    refused(&["simulate", "step50", path, "--count", "0"], 2, "--count");
    refused(&["simulate", "step50", path, "--seed", "18446744073709551615"], 2, "no room");
    assert!(names(dir.path()).is_empty());

    // Recorded histories look like simulated ones, and are not.
    let recorded = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/histories/made");
    for name in names(&recorded) {
        fs::copy(recorded.join(&name), dir.path().join(&name)).unwrap();
    }
    refused(&["simulate", "step50", path], 2, "was not written by a simulation");
    assert_eq!(names(dir.path()), names(&recorded));

    let file = dir.path().join("cases.json");
    refused(&["simulate", "step50", file.to_str().unwrap()], 7, "cannot");
    let made = dir.path().join("made");
    let path = made.to_str().unwrap();
    assert!(wayfarer(&["simulate", "step50", path, "--count", "1"]).status.success());
    fs::write(made.join("notes.txt"), "mine").unwrap();
    refused(&["simulate", "step20", path], 2, "`notes.txt`");
    assert_eq!(names(&made), ["cases.json", "notes.txt", "step50-1.csv"]);
}
