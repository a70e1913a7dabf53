//! Configuration that alters while the agent runs.

use std::fs;

use super::support::{Site, Target, eventually, signal};

#[test]
fn journeys_come_and_go_and_a_bad_file_is_refused() {
    let target = Target::start();
    let site = Site::new(&format!("http://127.0.0.1:{}", target.port), "");
    site.journey("first", "shop", "300ms", "/");
    let agent = site.agent();
    let runs_of = |name: &str| site.metrics().contains(&format!("journey=\"{name}\""));
    eventually("the first journey", || runs_of("first").then_some(()));

    site.journey("second", "shop", "300ms", "/");
    eventually("the second journey", || runs_of("second").then_some(()));

    site.write("journeys/third.toml", "name = \"third\"\nevry = \"1s\"\n");
    let log = eventually("the refusal", || Some(site.log()).filter(|l| l.contains("refused")));
    assert!(log.contains("evry"), "{log}");
    assert!(runs_of("first") && runs_of("second"));
    signal(&agent, "HUP");
    eventually("a second refusal", || {
        (site.log().matches("reload: refused").count() >= 2).then_some(())
    });

    fs::remove_file(site.dir.path().join("journeys/third.toml")).unwrap();
    fs::remove_file(site.dir.path().join("journeys/second.toml")).unwrap();
    eventually("the second journey's metrics to go", || (!runs_of("second")).then_some(()));
    assert!(runs_of("first"));

    let line = site
        .log()
        .lines()
        .filter_map(|l| serde_json::from_str::<serde_json::Value>(l).ok())
        .find(|l| l["message"] == "run.passed")
        .expect("a line of a run");
    assert_eq!(line["span"]["journey"], "first", "{line}");
    assert_eq!(line["span"]["environment"], "production", "{line}");
    assert!(line["span"]["run"].is_string() && line["span"]["change"].is_string(), "{line}");
}
