//! `wayfarer slo`.

use std::{fs, process::Command};

use serde_json::Value;

use crate::stage::{Came, folder, harm, history, now, said, store, wayfarer};

const LISTEN: &str = "127.0.0.1:1";

#[tokio::test]
async fn the_table_counts_what_was_good_bad_slow_and_unknown_and_names_who_spent_it() {
    let journeys = [
        ("checkout", "objective = 99.0\nlatency = \"800ms\"\nwindow = \"1d\""),
        ("browse", "objective = 99.9\nwindow = \"1d\""),
    ];
    let folder = folder(LISTEN, "", &journeys);
    let (store, now) = (store(folder.path()), now());
    // 1,440 times a day: 14.4 may be bad. Six failed and two were slow while a change did harm, one was slow long before, three broke.
    let came = |ago: i64| match ago {
        600..606 => Came::Failed,
        606..608 | 900 => Came::Slow,
        700..703 => Came::Broken,
        _ => Came::Good,
    };
    history(&store, "checkout", (now, 1430), came).await;
    history(&store, "browse", (now, 1430), |_| Came::Good).await;
    harm(&store, "checkout", "deploy-7", (610, 598), now).await;
    store.close().await;
    let answer: Value =
        serde_json::from_str(&said(&wayfarer(folder.path(), &["slo", "--json"]))).unwrap();
    let rows = answer["objectives"].as_array().unwrap();
    assert_eq!(rows.len(), 2);
    let row = &rows[1];
    let number = |key: &str| row[key].as_f64().unwrap();
    assert_eq!(row["journey"], "checkout");
    assert!((number("bad") - 9.0).abs() < 0.01 && (number("slow") - 3.0).abs() < 0.01, "{row:#}");
    assert!((number("allowed") - 14.4).abs() < 0.1, "{row:#}");
    assert!((number("left") - (1.0 - 9.0 / 14.4)).abs() < 0.01, "{row:#}");
    // Nobody knows of the three that broke, and of what was not walked meanwhile.
    assert!((3.0..16.0).contains(&number("unknown")), "{row:#}");
    assert_eq!(row["state"], "good");
    let spent = row["spent_by"].as_array().unwrap();
    assert_eq!(spent[0]["change"], "deploy-7");
    assert!((spent[0]["bad"].as_f64().unwrap() - 8.0).abs() < 0.2, "{spent:?}");
    assert_eq!((&spent[1]["cause"], &rows[0]["left"]), (&"usual".into(), &1.0.into()));
    let table = said(&wayfarer(folder.path(), &["slo"]));
    assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
    assert!(table.contains("change deploy-7 spent 5"), "{table}");
    let one = said(&wayfarer(folder.path(), &["slo", "browse", "--env", "production"]));
    assert!(one.contains("browse") && !one.contains("checkout"), "{one}");
}

#[test]
fn rules_for_prometheus_stand_the_test_that_is_written_beside_them() {
    let journeys = [
        ("checkout", "objective = 99.9"),
        ("browse", "objective = 99.5\nwindow = \"7d\""),
        ("report", "objective = 90.0\nwindow = \"90d\""),
        ("nightly", "objective = 70.0\nwindow = \"28d\""),
    ];
    let folder = folder(LISTEN, "", &journeys);
    let told = said(&wayfarer(folder.path(), &["slo", "--rules", "prometheus", "-o", "slo.yml"]));
    assert!(told.contains("wrote slo.yml") && told.contains("wrote slo_test.yml"), "{told}");
    let rules = fs::read_to_string(folder.path().join("slo.yml")).unwrap();
    assert_eq!(said(&wayfarer(folder.path(), &["slo", "--rules", "prometheus"])), rules);
    for arguments in [["check", "rules", "slo.yml"], ["test", "rules", "slo_test.yml"]] {
        let Ok(checked) =
            Command::new("promtool").args(arguments).current_dir(folder.path()).output()
        else {
            println!("skipped: promtool is not installed");
            return;
        };
        let text = String::from_utf8_lossy(&checked.stdout).into_owned();
        let wrong = String::from_utf8_lossy(&checked.stderr).into_owned();
        assert!(checked.status.success(), "{arguments:?}: {text}\n{wrong}");
    }
    // A test that cannot fail shows nothing: without the alerts, and with another factor, it does.
    let tame = rules.replace("14.4 * 0.001", "2000 * 0.001").replace("(6 * 0.001", "(2000 * 0.001");
    for broken in [tame, rules.replace("alert: Wayfarer", "alert: Other")] {
        assert_ne!(broken, rules);
        fs::write(folder.path().join("slo.yml"), broken).unwrap();
        let test = Command::new("promtool")
            .args(["test", "rules", "slo_test.yml"])
            .current_dir(folder.path())
            .output();
        assert!(!test.unwrap().status.success());
    }
}

#[test]
fn openslo_goes_out_and_comes_back() {
    let journeys = [
        ("checkout", "objective = 99.95\nlatency = \"800ms\"\nwindow = \"28d\""),
        ("browse", "objective = 99.5"),
    ];
    let folder = folder(LISTEN, "", &journeys);
    said(&wayfarer(folder.path(), &["slo", "--openslo", "-o", "objectives.yaml"]));
    let back = said(&wayfarer(folder.path(), &["slo", "--import", "objectives.yaml"]));
    for text in [
        "[slo]\nobjective = 99.95\nlatency = \"800ms\"\nwindow = \"28d\"\n",
        "[slo]\nobjective = 99.5\nwindow = \"30d\"\n",
        "for the journey checkout",
    ] {
        assert!(back.contains(text), "{back}");
    }
    assert!(!back.contains("# left out: "), "{back}");
    for (text, code) in [
        ("apiVersion: openslo/v1\nkind: SLO\nspec: {objectives: [{target: 1.0}]}\n", 3),
        ("a: &a [*a]", 3),
        ("kind: Pod", 3),
        ("", 3),
    ] {
        fs::write(folder.path().join("other.yaml"), text).unwrap();
        let answer = wayfarer(folder.path(), &["slo", "--import", "other.yaml"]);
        assert_eq!(answer.status.code(), Some(code), "{text}: {answer:?}");
    }
    assert_eq!(wayfarer(folder.path(), &["slo", "--import", "nowhere"]).status.code(), Some(2));
}

#[test]
fn who_promises_nothing_is_told_how() {
    let folder = folder(LISTEN, "", &[]);
    let journey = crate::stage::journey("plain", "objective = 99.0");
    let plain = journey.replace("[slo]\nobjective = 99.0\n", "");
    fs::write(folder.path().join("journeys/plain.toml"), plain).unwrap();
    let answer = wayfarer(folder.path(), &["slo", "--rules", "prometheus"]);
    assert_eq!(answer.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&answer.stderr).contains("[slo]"), "{answer:?}");
}
