//! SIGKILL in the middle of a watch: what was acknowledged is there, the watch goes on, and its verdict is the right one.

use super::support::{Site, Target, eventually, signal};

#[test]
fn a_watch_survives_kill_nine() {
    let target = Target::start();
    // Long beside what a busy machine adds by itself.
    target.delay(80);
    let more = "[watch]\nwindow = \"4s\"\nmin_runs = 40\nburst = false\nsettle = \"1s\"";
    let site = Site::new(&format!("http://127.0.0.1:{}", target.port), more);
    site.journey("home", "shop", "100ms", "/");
    let mut agent = site.agent();
    let runs = || site.json("/api/v1/runs?limit=1000")["runs"].as_array().unwrap().len();
    eventually("a baseline", || (runs() >= 80).then_some(()));

    target.delay(300);
    let body = r#"{"id":"slow","service":"shop","environment":"production","version":"2"}"#;
    let (status, _) = site.ask("POST", "/api/v1/changes", &[], body).unwrap();
    assert_eq!(status, 200);
    let before = eventually("a few runs of the watch", || {
        let judged = site.json("/api/v1/changes/slow");
        let probes = judged["verdicts"][0]["probes"].as_u64()?;
        (probes >= 3).then_some(runs())
    });
    signal(&agent, "KILL");
    agent.0.wait().unwrap();

    let _agent = site.agent();
    assert!(runs() >= before, "runs that were shown are on disk");
    let judged = site.json("/api/v1/changes/slow/verdict?wait=30s");
    assert_eq!(judged["verdict"], "regressed", "{judged:#}");
    assert_eq!(judged["gate"]["status"], "fail");
    let latency =
        judged["verdicts"].as_array().unwrap().iter().find(|v| v["metric"] == "latency").unwrap();
    assert_eq!(latency["named"], "slow", "{latency}");
    let (code, out, _) = site.run(&["gate", "slow"]);
    assert_eq!(code, 5, "{out}");
}
