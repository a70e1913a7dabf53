//! A real Alertmanager (Debian's is 0.25): it fires, resolves, and resolves by itself when the agent is killed.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use super::{Running, agent, ask, folder, free_port, log, secrets, until};

/// Alertmanager, up; none where it is not installed.
fn alertmanager(folder: &Path) -> Option<(u16, Running)> {
    let program = [
        "/usr/bin/prometheus-alertmanager",
        "/usr/bin/alertmanager",
        "/usr/local/bin/alertmanager",
    ];
    let Some(program) = program.iter().find(|path| Path::new(path).exists()) else {
        println!("skipped: prometheus-alertmanager is not installed (tests/run installs it)");
        return None;
    };
    let port = free_port();
    let settings = folder.join("alertmanager.yml");
    fs::write(&settings, "route:\n  receiver: none\nreceivers:\n- name: none\n").unwrap();
    let child = Command::new(program)
        .arg(format!("--config.file={}", settings.display()))
        .arg(format!("--storage.path={}", folder.join("am").display()))
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .arg("--cluster.listen-address=")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let running = Running(child);
    until("Alertmanager's start", || {
        ask(port, "GET", "/-/ready", None, "").contains(" 200 ").then_some(())
    });
    Some((port, running))
}

/// The alerts that go on.
fn firing(port: u16) -> Vec<serde_json::Value> {
    let answer = ask(port, "GET", "/api/v2/alerts", None, "");
    let body = answer.split("\r\n\r\n").nth(1).unwrap_or("[]");
    serde_json::from_str(body).unwrap_or_default()
}

#[test]
fn an_alert_fires_resolves_and_outlives_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let Some((manager, _manager)) = alertmanager(dir.path()) else { return };
    let port = free_port();
    let receiver = format!(
        "[[receiver]]\nname = \"am\"\nkind = \"alertmanager\"\nurl = \"http://127.0.0.1:{manager}\"\nresend = \"1s\"\n\
         labels = {{ team = \"shop\" }}\n"
    );
    let own = folder(port, &receiver);
    let mut running = agent(own.path(), port, &secrets());
    let failed = |id: &str| {
        format!(
            r#"{{"id":"{id}","service":"shop","environment":"production","version":"2.4.1","state":"failed"}}"#
        )
    };
    log(port, &failed("dep-1"));
    let alert = until("the alert", || firing(manager).pop());
    assert_eq!(alert["labels"]["alertname"], "WayfarerChangeFailed");
    assert_eq!(alert["labels"]["team"], "shop");
    assert_eq!(alert["labels"]["change"], "dep-1");
    assert_eq!(alert["generatorURL"], "https://w.example/changes/dep-1");
    assert_eq!(alert["annotations"]["summary"], "production: deploy of shop 2.4.1 failed");
    // It is sent again and again: its end moves on.
    let ends = alert["endsAt"].clone();
    until("another reminder", || {
        let alert = firing(manager).pop()?;
        (alert["endsAt"] != ends && alert["fingerprint"] == alert["fingerprint"]).then_some(())
    });
    // A newer change that succeeds ends it.
    log(port, r#"{"id":"dep-2","service":"shop","environment":"production","version":"2.4.2"}"#);
    until("its end", || firing(manager).is_empty().then_some(()));
    // Another one fails, and the agent dies: four intervals later nobody is kept awake.
    log(port, &failed("dep-3"));
    until("the second alert", || firing(manager).pop());
    running.0.kill().unwrap();
    running.0.wait().unwrap();
    until("its end by itself", || firing(manager).is_empty().then_some(()));
    // Started again, it goes on.
    let _again = agent(own.path(), port, &secrets());
    let alert = until("the alert of a new start", || firing(manager).pop());
    assert_eq!(alert["labels"]["change"], "dep-3");
}

#[test]
fn the_example_of_a_routing_tree_is_taken() {
    let Ok(output) = Command::new("amtool")
        .args(["check-config", "deploy/alertmanager.yml"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
    else {
        println!("skipped: amtool is not installed (tests/run installs it)");
        return;
    };
    assert!(output.status.success(), "{output:?}");
}
