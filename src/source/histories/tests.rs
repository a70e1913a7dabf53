use super::*;
use crate::model::FaultKind;

const CASE: &str = r#"[{"id":"a","source":"s","interval_s":60,"series":[{"journey":"j","environment":"e","services":["x"],"file":"a.csv"}],
 "changes":[{"id":"c","kind":"deploy","service":"x","environment":"e","at":200,"finished_at":null}],
 "truth":[{"journey":"j","metric":"latency","label":"none","change":null}]}]"#;

fn folder(index: &str, csv: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(INDEX), index).unwrap();
    fs::write(dir.path().join("a.csv"), csv).unwrap();
    dir
}

#[test]
fn dirty_rows_are_read_as_far_as_they_mean_something() {
    let csv = "\u{feff}ts, latency_ms,success,failed_step,error\r\n120,NaN,1\n60,10.5,1,,\n60,99,1,,\n\n180,,0,pay,timeout\n240.5,-3,\n";
    let cases = read(folder(CASE, csv).path()).unwrap();
    let probes = &cases[0].series[0].probes;
    assert_eq!(probes.len(), 4);
    assert_eq!(probes[0].latency_ms, Some(10.5));
    assert_eq!((probes[1].latency_ms, probes[1].success), (None, Some(true)));
    let signature = probes[2].signature.clone().unwrap();
    assert_eq!((&*signature.step, signature.kind), ("pay", Some(FaultKind::Timeout)));
    assert_eq!((probes[3].latency_ms, probes[3].success), (None, None));
    assert_eq!(probes[3].at.as_millisecond(), 240_500);
    assert_eq!(cases[0].series[0].key.location.as_str(), "local");
}

#[test]
fn what_means_nothing_is_named_with_file_and_line() {
    let csv = |row: &str| format!("ts,latency_ms,success\n60,1,1\n{row}\n");
    for (index, text, expected) in [
        (CASE.to_owned(), csv("soon,1,1"), "a.csv, line 3: `soon` is no time"),
        (CASE.to_owned(), csv("NaN,1,1"), "a.csv, line 3: `NaN` is no time"),
        (CASE.to_owned(), csv("1e300,1,1"), "a.csv, line 3: `1e300` is no time"),
        (CASE.to_owned(), csv("120,fast,1"), "a.csv, line 3: `fast` is no latency"),
        (CASE.to_owned(), csv("120,1,maybe"), "a.csv, line 3: `maybe` is no success"),
        (
            CASE.to_owned(),
            "ts,success\n1,1\n".to_owned(),
            "line 1: there is no column `latency_ms`",
        ),
        (CASE.replace("a.csv", "../a.csv"), csv(""), "case `a`: `../a.csv` is not a file within"),
        (CASE.replace("a.csv", "b.csv"), csv(""), "cannot read"),
        (CASE.replace("deploy", "deplyo"), csv(""), "case `a`: change `c`: unknown kind `deplyo`"),
        (CASE.replace(":60,", ":0,"), csv(""), "case `a`: `interval_s` must be"),
        (CASE.replace("\"none\"", "\"nothing\""), csv(""), "cases.json, line 3:"),
        ("{".to_owned(), csv(""), "cases.json, line 1:"),
    ] {
        let error = read(folder(&index, &text).path()).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}\nexpected: {expected}");
    }
}

#[test]
fn what_was_written_reads_back_the_same() {
    let csv = "ts,latency_ms,success,failed_step,error,host\n60.25,10.503,1,,,\n120,,0,\"pay, then\",timeout,\n180,,,,,\n\
        240,,0,pay,\"connect: payments.internal, refused\",Pay.example\n300,,0,,payments is down,\n";
    let case = CASE.replace("\"finished_at\":null", "\"finished_at\":200.5");
    let cases = read(folder(&case, csv).path()).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let made = dir.path().join("new/deeper");
    clear(&made, |_, _| false).unwrap();
    assert_eq!(write(&made, cases.iter().cloned()).unwrap(), 1);
    assert_eq!(read(&made).unwrap(), cases);
    let mut several = cases.clone();
    several[0].changes[0].services.push("y".into());
    let error = write(&made, several.into_iter()).unwrap_err().to_string();
    assert!(error.contains("change `c` names several"), "{error}");
}

#[test]
fn a_folder_with_anything_of_others_is_left_alone() {
    let ours = |source: &str, id: &str| source == "s" && id == "a";
    let dir = folder(CASE, "ts,latency_ms,success\n");
    let error = clear(dir.path(), |_, _| false).unwrap_err().to_string();
    assert!(error.contains("a.csv"), "{error}");
    fs::write(dir.path().join("notes.txt"), "mine").unwrap();
    let error = clear(dir.path(), ours).unwrap_err().to_string();
    assert!(error.contains("`notes.txt`"), "{error}");
    assert!(dir.path().join("a.csv").exists() && dir.path().join(INDEX).exists());
    fs::remove_file(dir.path().join("notes.txt")).unwrap();
    clear(dir.path(), ours).unwrap();
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn an_empty_folder_is_no_history() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(read(dir.path()), Err(HistoryError::Unreadable { .. })));
    fs::write(dir.path().join(INDEX), "[]").unwrap();
    assert!(read(dir.path()).unwrap().is_empty());
}
