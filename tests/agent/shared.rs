//! Whose trouble is it? What other environments share is not the change's; what our own self-check shares is ours.

use serde_json::Value;

use super::support::{Site, Target, eventually};

const FAST: &str = "[watch]\nwindow = \"6s\"\nmin_runs = 40\nburst = false\nsettle = \"1s\"";

/// A journey in production and in three other environments, all of them at one server; seldom enough that a busy machine keeps the schedule.
fn four(target: &Target) -> Site {
    let base = format!("http://127.0.0.1:{}", target.port);
    let others = ["emea", "apac", "staging"]
        .map(|name| format!("[environments.{name}]\nbase_url = \"{base}\"\n\n"))
        .concat();
    // Production asks for a path of its own, which can be slowed alone.
    let site = Site::new(&format!("{base}/pay"), &format!("{others}{FAST}"));
    site.write(
        "journeys/home.toml",
        "name = \"home\"\nservices = [\"shop\"]\nenvironments = [\"production\", \"emea\", \"apac\", \"staging\"]\n\
         every = \"400ms\"\ntimeout = \"5s\"\n\n[[step]]\nname = \"open\"\n[step.http]\nurl = \"{{base_url}}/\"\n",
    );
    site
}

/// How many runs there were, without asking for each: a machine that is busy enough as it is walks more meanwhile.
fn walked(site: &Site) -> f64 {
    let metrics = site.metrics();
    let counts = metrics.lines().filter(|line| line.starts_with("wayfarer_runs_total{"));
    counts.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
}

fn judged(site: &Site, harm: impl FnOnce()) -> Value {
    eventually("a baseline", || (walked(site) >= 300.0).then_some(()));
    let body = r#"{"id":"c","service":"shop","environment":"production","version":"2"}"#;
    assert_eq!(site.ask("POST", "/api/v1/changes", &[], body).unwrap().0, 200);
    harm();
    eventually("the watch to end", || {
        let judged = site.json("/api/v1/changes/c");
        (judged["open"] == false && judged["verdicts"][0].is_object()).then_some(judged)
    })
}

fn of<'a>(judged: &'a Value, metric: &str) -> &'a Value {
    let all = judged["verdicts"].as_array().unwrap();
    all.iter().find(|v| v["metric"] == metric && v["part"].is_null()).unwrap()
}

#[test]
fn what_every_environment_shares_is_not_the_changes_doing() {
    let target = Target::start();
    // Long beside what a busy machine adds by itself.
    target.delay(80);
    let site = four(&target);
    let _agent = site.agent();
    let judged = judged(&site, || target.delay(220));
    let latency = of(&judged, "latency");
    assert_ne!(latency["verdict"], "regressed", "{latency:#}");
    assert!(latency["notes"].to_string().contains("in other environments shared"), "{latency:#}");
    assert_ne!(judged["gate"]["status"], "fail", "{judged:#}");
}

#[test]
fn what_one_environment_has_alone_is() {
    let target = Target::start();
    target.delay(80);
    let site = four(&target);
    let _agent = site.agent();
    let judged = judged(&site, || target.delay_pay(140));
    assert_eq!(judged["verdict"], "regressed", "{judged:#}");
    assert_eq!(judged["gate"]["status"], "fail", "{judged:#}");
}

/// A site with a self-check to another server, and what becomes of a change after which the target fails, alone or with that.
fn with_self_check(together: bool) -> (Value, Value, String) {
    let (target, good) = (Target::start(), Target::start());
    // What a busy machine adds to a millisecond would be a shift.
    target.delay(60);
    let site = Site::new(&format!("http://127.0.0.1:{}", target.port), FAST);
    let settings = std::fs::read_to_string(site.dir.path().join("wayfarer.toml")).unwrap();
    let check = format!("self_check = \"http://127.0.0.1:{}/\"\n\n[environments", good.port);
    site.write("wayfarer.toml", &settings.replacen("\n[environments", &check, 1));
    site.journey("home", "shop", "150ms", "/");
    let agent = site.agent();
    eventually("a baseline", || (walked(&site) >= 120.0).then_some(()));
    let metrics = site.metrics();
    assert!(metrics.contains("wayfarer_agent_self_check_success{"), "{metrics}");
    let judged = {
        let body = r#"{"id":"c","service":"shop","environment":"production","version":"2"}"#;
        assert_eq!(site.ask("POST", "/api/v1/changes", &[], body).unwrap().0, 200);
        if together {
            good.status(503);
        }
        target.status(503);
        eventually("the watch to end", || {
            let judged = site.json("/api/v1/changes/c");
            (judged["open"] == false && judged["verdicts"][0].is_object()).then_some(judged)
        })
    };
    let findings = site.json("/api/v1/findings?state=open");
    let metrics = site.metrics();
    let runs = &site.json("/api/v1/runs?limit=1000")["runs"];
    let other = if together { "failed" } else { "broken" };
    let unlike = |run: &&Value| run["outcome"]["result"] == other;
    let unlike = runs.as_array().unwrap().iter().find(unlike);
    assert_eq!(unlike, None);
    drop(agent);
    // As the store has it, so after a restart.
    let _agent = site.agent();
    assert_eq!(site.json("/api/v1/changes/c")["verdict"], judged["verdict"]);
    (judged, findings, metrics)
}

#[test]
fn what_fails_together_with_the_self_check_is_our_fault() {
    let (judged, findings, metrics) = with_self_check(true);
    assert_eq!(judged["verdict"], "prober_fault", "{judged:#}");
    assert_eq!(judged["gate"]["status"], "inconclusive", "{judged:#}");
    assert_eq!(findings["findings"], Value::Array(Vec::new()), "{findings:#}");
    let down =
        |line: &str| line.starts_with("wayfarer_agent_self_check_success{") && line.ends_with(" 0");
    assert!(metrics.lines().any(down), "{metrics}");
}

#[test]
fn what_fails_while_the_self_check_is_well_is_not() {
    let (judged, findings, _) = with_self_check(false);
    assert_eq!(judged["verdict"], "regressed", "{judged:#}");
    assert_eq!(of(&judged, "success")["verdict"], "regressed", "{judged:#}");
    assert!(!findings["findings"].as_array().unwrap().is_empty(), "{findings:#}");
}
