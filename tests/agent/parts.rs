//! A change that slows one step: which step and phase it was, after a kill as well; and a person who says it is nothing.

use super::support::{Site, Target, eventually, signal};

const MORE: &str = "[watch]\nwindow = \"4s\"\nmin_runs = 40\nburst = false\nsettle = \"1s\"\n\n\
    [[token]]\nname = \"people\"\nscope = \"admin\"\nsecret = { file = \"admin.token\" }\n\n\
    [[token]]\nname = \"pipeline\"\nscope = \"write\"\nsecret = { file = \"write.token\" }";

const JOURNEY: &str = "name = \"buy\"\nservices = [\"shop\"]\nenvironments = [\"production\"]\nevery = \"150ms\"\ntimeout = \"5s\"\n\n\
    [[step]]\nname = \"open\"\n[step.http]\nurl = \"{{base_url}}/\"\n\n\
    [[step]]\nname = \"pay\"\n[step.http]\nurl = \"{{base_url}}/pay\"\n";

#[test]
fn a_slower_step_is_named_survives_a_kill_and_can_be_dismissed() {
    let target = Target::start();
    // Long beside what a busy machine adds by itself.
    target.delay(60);
    let site = Site::new(&format!("http://127.0.0.1:{}", target.port), MORE);
    site.write("admin.token", "over");
    site.write("write.token", "there");
    site.write("journeys/buy.toml", JOURNEY);
    let mut agent = site.agent();
    let runs = || site.json("/api/v1/runs?limit=1000")["runs"].as_array().unwrap().len();
    eventually("a baseline", || (runs() >= 70).then_some(()));

    target.delay_pay(250);
    let body = r#"{"id":"slow","service":"shop","environment":"production","version":"2"}"#;
    assert_eq!(site.ask("POST", "/api/v1/changes", &[], body).unwrap().0, 200);
    eventually("a few runs of the watch", || {
        (site.json("/api/v1/changes/slow")["verdicts"][0]["probes"].as_u64()? >= 3).then_some(())
    });
    signal(&agent, "KILL");
    agent.0.wait().unwrap();
    let agent = site.agent();
    let judged = eventually("the watch to end", || {
        let judged = site.json("/api/v1/changes/slow");
        (judged["open"] == false).then_some(judged)
    });
    assert_eq!(judged["verdict"], "regressed", "{judged:#}");
    let verdicts = judged["verdicts"].as_array().unwrap();
    let whole = verdicts.iter().find(|v| v["metric"] == "latency" && v["part"].is_null()).unwrap();
    let said = whole["summary"].as_str().unwrap();
    assert!(said.contains("mostly step `pay`, processing"), "{said}");
    let parts: Vec<_> = verdicts.iter().filter(|v| v["part"]["step"] == "pay").collect();
    assert!(!parts.is_empty() && parts.len() <= 2, "{judged:#}");
    assert!(verdicts.iter().all(|v| v["part"]["step"] != "open"), "{judged:#}");
    let page = site.get("/changes/slow").unwrap().1;
    assert!(page.contains("What moved:</b>") && page.contains("pay"), "{page}");
    let metrics = site.metrics();
    let ratios = metrics.lines().filter(|l| l.starts_with("wayfarer_shift_ratio{")).count();
    assert_eq!(ratios, 2, "{metrics}");

    assert_eq!(site.run(&["gate", "slow"]).0, 5);
    dismissed(&site);
    gate_by_the_rest(&site);
    drop(agent);
    let _agent = site.agent();
    gate_by_the_rest(&site);
}

/// What a person dismissed fails no gate any more; the verdicts that are left answer.
fn gate_by_the_rest(site: &Site) {
    let gate = site.json("/api/v1/gate?change=slow");
    let reason = gate["reason"].as_str().unwrap();
    assert!(reason.starts_with("1 regression dismissed as false_alarm by people; "), "{gate}");
    assert!(["pass", "inconclusive"].contains(&gate["status"].as_str().unwrap()), "{gate}");
    assert!(gate["verdict"] != "regressed", "{gate}");
    let rows = gate["journeys"].as_array().unwrap();
    let slow = rows.iter().find(|row| row["verdict"] == "regressed").unwrap();
    assert_eq!(slow["dismissed"]["by"], "people", "{gate}");
    let (code, out, _) = site.run(&["gate", "slow"]);
    assert!([0, 6].contains(&code) && out.contains("dismissed as false_alarm"), "{code} {out}");
    let page = site.get("/changes/slow").unwrap().1;
    for said in ["dismissed: false alarm", "<strong>people</strong><br>a drill"] {
        assert!(page.contains(said), "{said}: {page}");
    }
    let metrics = eventually("the gate to be shown", || {
        Some(site.metrics()).filter(|metrics| metrics.contains("\nwayfarer_gate{"))
    });
    assert!(!metrics.contains("verdict=\"regressed\"} 1"), "{metrics}");
    let shown = metrics.lines().find(|l| l.starts_with("wayfarer_gate{")).unwrap();
    assert!(!shown.ends_with(" 0"), "{shown}");
}

/// One finding, whatever parts moved; only a person with an `admin` token closes it.
fn dismissed(site: &Site) {
    let open = || site.json("/api/v1/findings?state=open")["findings"].as_array().unwrap().clone();
    let findings = open();
    assert_eq!(findings.len(), 1, "{findings:?}");
    let path = format!("/api/v1/findings/{}/dismiss", findings[0]["id"].as_str().unwrap());
    let body = r#"{"reason":"false_alarm","note":"a drill"}"#;
    let (admin, write) = (("Authorization", "Bearer over"), ("Authorization", "Bearer there"));
    let status =
        |headers: &[(&str, &str)], body: &str| site.ask("POST", &path, headers, body).unwrap().0;
    assert_eq!((status(&[], body), status(&[write], body)), (401, 403));
    assert_eq!(status(&[admin], r#"{"reason":"dunno"}"#), 400);
    assert_eq!(status(&[admin], body), 200);
    let unknown = site.ask("POST", "/api/v1/findings/none/dismiss", &[admin], body).unwrap();
    assert_eq!(unknown.0, 404, "{}", unknown.1);
    assert!(open().is_empty());
    let all = site.json("/api/v1/findings?state=dismissed");
    assert_eq!(all["findings"][0]["dismissal"]["reason"], "false_alarm", "{all}");
    assert_eq!(all["budget"]["expected_per_100_changes"], 0.5, "{all}");
    let window = &all["budget"]["windows"][0];
    assert_eq!((&window["changes_judged"], &window["dismissed_as_false"]), (&1.into(), &1.into()));
    let page = site.get("/").unwrap().1;
    let line = "Expected at most 0.5 false verdicts per 100 changes; of the last 1 changes (90 days) 1 regressed";
    assert!(page.contains(line), "{page}");
    let metrics = site.metrics();
    for line in [
        "wayfarer_changes_judged_total 1",
        "wayfarer_verdicts_dismissed_total{reason=\"false_alarm\"} 1",
        "wayfarer_false_verdict_budget{window=\"30d\"} 0.005",
    ] {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }
}
