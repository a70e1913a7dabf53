//! Trouble that no change explains, a change that is logged late, and recovery.

use serde_json::Value;

use super::support::{Site, Target, eventually};

const FAST: &str = "[watch]\nwindow = \"3s\"\nmin_runs = 30\nburst = false\nsettle = \"400ms\"";

fn open(site: &Site) -> Vec<Value> {
    site.json("/api/v1/findings?state=open")["findings"].as_array().unwrap().clone()
}

#[test]
fn failures_without_a_change_are_unexplained_until_one_is_logged_and_recover_when_it_is_over() {
    let target = Target::start();
    let site = Site::new(&format!("http://127.0.0.1:{}", target.port), FAST);
    site.journey("home", "shop", "100ms", "/");
    let _agent = site.agent();
    let runs = || site.json("/api/v1/runs?limit=1000")["runs"].as_array().unwrap().len();
    eventually("a history", || (runs() >= 100).then_some(()));
    assert!(open(&site).is_empty());

    target.status(500);
    let finding = eventually("an unexplained finding", || open(&site).first().cloned());
    assert_eq!(finding["kind"], "unexplained", "{finding}");
    assert_eq!(finding["metric"], "success", "{finding}");
    let onset = finding["onset_at"].as_str().unwrap().to_owned();

    let body = format!(
        r#"{{"id":"late","service":"shop","environment":"production","kind":"config","started_at":"{onset}"}}"#
    );
    assert_eq!(site.ask("POST", "/api/v1/changes", &[], &body).unwrap().0, 200);
    let blamed = eventually("the change logged late to be blamed", || {
        open(&site).into_iter().find(|f| f["change"] == "late")
    });
    assert_eq!(blamed["kind"], "regressed", "{blamed}");
    let explained = site.json("/api/v1/findings?state=explained");
    assert_eq!(explained["findings"][0]["id"], finding["id"], "{explained}");
    assert_eq!(open(&site).len(), 1, "one trouble, one finding");

    target.status(200);
    eventually("the finding to recover", || open(&site).is_empty().then_some(()));
}

#[test]
fn a_prober_that_cannot_open_sockets_blames_nobody() {
    let target = Target::start();
    let site = Site::new(&format!("http://127.0.0.1:{}", target.port), "");
    // Two hosts, so two connections: some limit is enough for the program and the first, but not for the second.
    site.write(
        "journeys/two.toml",
        &format!(
            "name = \"two\"\nservices = [\"shop\"]\nenvironments = [\"production\"]\nevery = \"60s\"\n\n\
             [[step]]\nname = \"one\"\n[step.http]\nurl = \"{{{{base_url}}}}/\"\n\n\
             [[step]]\nname = \"two\"\n[step.http]\nurl = \"http://127.0.0.2:{}/\"\n",
            target.port
        ),
    );
    let broken = (6..40).find_map(|files| {
        let command = site.command(&["run", "--json"]);
        let line = format!(
            "ulimit -n {files}; exec {} {}",
            command.get_program().to_str().unwrap(),
            command.get_args().map(|a| a.to_str().unwrap()).collect::<Vec<_>>().join(" "),
        );
        let output = std::process::Command::new("sh").args(["-c", &line]).output().unwrap();
        let runs: Value = serde_json::from_slice(&output.stdout).ok()?;
        assert_ne!(runs["runs"][0]["outcome"]["result"], "failed", "{runs}");
        (runs["runs"][0]["outcome"]["result"] == "broken").then_some((output.status.code(), runs))
    });
    let (code, runs) = broken.expect("some limit leaves the program but not the socket");
    assert_eq!(code, Some(7), "{runs}");
    assert!(runs["runs"][0]["outcome"]["reason"].as_str().unwrap().len() > 10, "{runs}");
}
