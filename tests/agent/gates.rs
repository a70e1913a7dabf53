//! Gates as pipelines ask them: before a deployment, while it is watched, and after; by every consumer.

use std::process::Command;

use super::{
    consumers::{argo, by_metric, calls, exit_code, flagger, keptn, snippet, spinnaker, yaml},
    support::{Site, Target, eventually, program},
};

const TOKEN: &str = "secret-of-the-pipeline";
const MORE: &str = "[watch]\nwindow = \"5s\"\nmin_runs = 40\nburst = false\nsettle = \"1s\"\n\n\
    [[token]]\nname = \"pipeline\"\nscope = \"write\"\nsecret = { file = \"token\" }\n";

fn site(target: &Target, more: &str) -> Site {
    let site = Site::new(&format!("http://127.0.0.1:{}", target.port), &format!("{MORE}{more}"));
    site.write("token", TOKEN);
    site.journey("home", "shop", "100ms", "/");
    site
}

fn baseline(site: &Site) {
    let runs = || site.json("/api/v1/runs?limit=1000")["runs"].as_array().unwrap().len();
    eventually("a baseline", || (runs() >= 80).then_some(()));
}

fn deploy(site: &Site, id: &str) {
    let body = format!(r#"{{"id":"{id}","service":"shop","environment":"production"}}"#);
    assert_eq!(site.ask("POST", "/api/v1/changes", &[], &body).unwrap().0, 200);
}

#[test]
fn every_consumer_reads_the_same_answer() {
    let target = Target::start();
    target.delay(60);
    let site = site(&target, "");
    let agent = site.agent();
    baseline(&site);
    let url = format!("http://127.0.0.1:{}", site.port);

    // Nothing was logged yet: nobody can say.
    assert_eq!(argo(&site, "shop", TOKEN), "Inconclusive");
    assert_eq!(spinnaker(&site, "shop", TOKEN), "TERMINAL");
    assert!(!flagger(&site, "wayfarer-rollback", "shop", TOKEN).0);
    assert!(flagger(&site, "wayfarer-analysis", "shop", TOKEN).0);
    assert!(flagger(&site, "wayfarer-before", "shop", TOKEN).0);

    deploy(&site, "good/1");
    // Being watched.
    assert_eq!(argo(&site, "shop", TOKEN), "Inconclusive");
    assert_eq!(spinnaker(&site, "shop", TOKEN), "RUNNING");
    assert!(flagger(&site, "wayfarer-analysis", "shop", TOKEN).0);
    assert!(!flagger(&site, "wayfarer-promotion", "shop", TOKEN).0);
    assert!(!flagger(&site, "wayfarer-rollback", "shop", TOKEN).0);
    assert!(by_metric(&site, "shop").is_none_or(f64::is_nan) && !keptn(by_metric(&site, "shop")));
    let gate = site.json("/api/v1/gate?change=good%2F1&wait=30s");
    assert_eq!(gate["status"], "pass", "{gate:#}");
    assert_eq!(
        (gate["pass"].as_bool(), gate["score"].as_f64()),
        (Some(true), Some(1.0)),
        "{gate:#}"
    );
    for field in ["reason", "progress", "evaluated_at", "url"] {
        assert!(gate[field].is_string(), "{field}: {gate:#}");
    }
    assert_eq!(gate["change"]["id"], "good/1");
    assert!(gate["url"].as_str().unwrap().ends_with("/changes/good%2F1"), "{gate:#}");
    assert_eq!(argo(&site, "shop", TOKEN), "Successful");
    assert_eq!(spinnaker(&site, "shop", TOKEN), "SUCCEEDED");
    assert!(flagger(&site, "wayfarer-promotion", "shop", TOKEN).0);
    let (back, why) = flagger(&site, "wayfarer-rollback", "shop", TOKEN);
    assert!(!back && why.starts_with("pass: good/1: "), "{why}");
    eventually("the metric", || (by_metric(&site, "shop") == Some(1.0)).then_some(()));
    assert!(keptn(by_metric(&site, "shop")));

    target.delay(300);
    deploy(&site, "bad");
    let gate = site.json("/api/v1/gate?change=bad&wait=30s");
    assert_eq!(
        (gate["status"].as_str(), gate["pass"].as_bool()),
        (Some("fail"), Some(false)),
        "{gate:#}"
    );
    assert!(gate["score"].as_f64().unwrap() < 1.0, "{gate:#}");
    assert_eq!(argo(&site, "shop", TOKEN), "Failed");
    assert_eq!(spinnaker(&site, "shop", TOKEN), "TERMINAL");
    assert!(!flagger(&site, "wayfarer-analysis", "shop", TOKEN).0);
    assert!(!flagger(&site, "wayfarer-promotion", "shop", TOKEN).0);
    assert!(flagger(&site, "wayfarer-rollback", "shop", TOKEN).0, "roll back now");
    // The finding is open: nothing more is to be deployed.
    let (go, why) = flagger(&site, "wayfarer-before", "shop", TOKEN);
    assert!(!go && why.contains("home is"), "{why}");
    eventually("the metric", || (by_metric(&site, "shop") == Some(0.0)).then_some(()));
    assert!(!keptn(by_metric(&site, "shop")));
    for url in [None, Some(url.as_str())] {
        assert_eq!(exit_code(&site, "wayfarer gate bad --on-inconclusive pass", url), 5);
        assert_eq!(exit_code(&site, "wayfarer gate --service shop --env production", url), 5);
        assert_eq!(exit_code(&site, "wayfarer gate never --on-inconclusive pass", url), 6);
        assert_eq!(exit_code(&site, "wayfarer gate good/1", url), 0);
    }
    let (code, out, err) = site.run(&["gate", "bad", "--json"]);
    let document: serde_json::Value = serde_json::from_str(&out).expect(&err);
    assert_eq!((code, &document["status"]), (5, &"fail".into()), "{document:#}");
    assert_eq!(document["gate"]["status"], "fail");

    // Who shows no token, or a wrong one, hears nothing; and no token reaches the log.
    assert!(!flagger(&site, "wayfarer-rollback", "shop", "guessed-by-somebody").0);
    drop(agent);
    let log = site.log();
    assert!(
        !log.contains(TOKEN)
            && !log.contains("guessed-by-somebody")
            && log.contains("flagger.refused")
    );
}

#[test]
fn before_a_deployment_a_freeze_a_finding_or_a_spent_budget_says_no() {
    let target = Target::start();
    let freeze = "[[freeze]]\nreason = \"stock-taking\"\nservices = [\"pay\"]\nfrom = 2020-01-01T00:00:00Z\nto = 2099-01-01T00:00:00Z\n";
    let site = site(&target, freeze);
    let slo = "name = \"strict\"\nservices = [\"shop\"]\nenvironments = [\"production\"]\nevery = \"200ms\"\ntimeout = \"5s\"\n\
        [slo]\nobjective = 99.999999\nlatency = \"1ms\"\nwindow = \"1h\"\n\n[[step]]\nname = \"open\"\n[step.http]\nurl = \"{{base_url}}/\"\n";
    site.journey("paying", "pay", "200ms", "/pay");
    let _agent = site.agent();
    baseline(&site);
    let url = format!("http://127.0.0.1:{}", site.port);
    let ask = |query: &str| site.json(&format!("/api/v1/gate?before=true&{query}"));
    let open = ask("service=shop&environment=production");
    assert_eq!(open["status"], "pass", "{open:#}");
    assert!(open["change"].is_null() && open["journeys"][0]["journey"] == "home", "{open:#}");
    let frozen = ask("service=pay");
    assert_eq!(frozen["status"], "fail", "{frozen:#}");
    let reason = "frozen until 2099-01-01T00:00:00Z: stock-taking";
    assert_eq!(frozen["reason"], reason);
    assert_eq!(frozen["freezes"][0]["reason"], "stock-taking");
    assert_eq!(ask("service=pay&kind=rollback")["status"], "pass");
    assert_eq!(ask("service=pay&ignore=freeze")["status"], "pass");
    assert_eq!(ask("environment=production")["status"], "fail", "all of it holds `pay`, too");
    assert_eq!(ask("service=nobody")["status"], "inconclusive");
    let posted = r#"{"before":true,"service":"pay"}"#;
    let (status, body) = site.ask("POST", "/api/v1/gate", &[], posted).unwrap();
    assert!(status == 200 && body.contains("stock-taking"), "{body}");
    for query in ["service=pay&ignore=nothing", "environment=moon", "kind=odd", "change=x"] {
        let (status, body) = site.get(&format!("/api/v1/gate?before=true&{query}")).unwrap();
        assert_eq!(status, 400, "{query}: {body}");
    }
    for url in [None, Some(url.as_str())] {
        for (call, code) in [
            ("wayfarer gate --before --service shop --env production", 0),
            ("wayfarer gate --before --service pay", 5),
            ("wayfarer gate --before --service pay --kind rollback", 0),
            ("wayfarer gate --before --service pay --ignore freeze,finding", 0),
            ("wayfarer gate --before --service nobody", 6),
            ("wayfarer gate --before --service nobody --on-inconclusive pass", 0),
            ("wayfarer gate --before --service nobody --on-inconclusive fail", 5),
            ("wayfarer gate --before --service shop --env moon", 2),
        ] {
            assert_eq!(exit_code(&site, call, url), code, "{call} {url:?}");
        }
    }
    // As the snippets of three pipelines call it.
    for file in ["github-actions.yml", "gitlab-ci.yml", "Jenkinsfile"] {
        let before = calls(file).into_iter().find(|call| call.contains("--before")).unwrap();
        assert_eq!(exit_code(&site, &before, Some(&url)), 0, "{file}: {before}");
    }

    site.write("journeys/strict.toml", slo);
    let spent = eventually("a budget to be spent", || {
        let gate = ask("service=shop");
        (gate["status"] == "fail").then_some(gate)
    });
    assert!(spent["reason"].as_str().unwrap().contains("error budget"), "{spent:#}");
    let rows = spent["journeys"].as_array().unwrap();
    let strict = rows.iter().find(|row| row["journey"] == "strict").unwrap();
    assert_eq!(strict["budget"]["is_spent"], true, "{strict:#}");
    assert_eq!(ask("service=shop&ignore=budget")["status"], "pass");
}

#[test]
fn the_snippets_are_what_their_programs_read() {
    for name in ["argo-rollouts.yaml", "argo-rollouts-prometheus.yaml"] {
        let template = &yaml(&snippet(name))[0];
        assert_eq!(template["kind"], "AnalysisTemplate");
        let metric = &template["spec"]["metrics"][0];
        // Without both conditions Argo Rollouts calls anything a success, or anything else a failure.
        assert!(metric["successCondition"].is_string() && metric["failureCondition"].is_string());
    }
    let canary = &yaml(&snippet("flagger.yaml"))[0];
    let hooks = canary["spec"]["analysis"]["webhooks"].as_array().unwrap();
    for hook in hooks {
        let (kind, url) = (hook["type"].as_str().unwrap(), hook["url"].as_str().unwrap());
        let address = match kind {
            "confirm-rollout" | "confirm-promotion" | "confirm-traffic-increase" => "/confirm",
            "pre-rollout" | "rollout" => "/analysis",
            "rollback" => "/rollback",
            _ => "/event",
        };
        assert!(url.ends_with(address), "{kind} asks {url}");
        // Metadata of Flagger are texts.
        let texts = hook.get("metadata").and_then(|m| m.as_object()).into_iter().flatten();
        assert!(texts.map(|(_, value)| value).all(serde_json::Value::is_string), "{hook}");
    }
    let jobs = &yaml(&snippet("gitlab-ci.yml"))[0];
    assert_eq!(jobs["did-it-do-harm"]["allow_failure"]["exit_codes"], 6);
    assert_eq!(
        yaml(&snippet("github-actions.yml"))[0]["jobs"]["deploy"]["environment"],
        "production"
    );
    for file in ["github-actions.yml", "gitlab-ci.yml", "Jenkinsfile"] {
        assert_eq!(calls(file).len(), 2, "{file}: {:?}", calls(file));
    }
}

/// The queries of the snippets by Prometheus' own reader: pass, harm, still watched, and a gate that nobody has heard of.
#[test]
fn the_queries_say_what_they_should() {
    let Some(promtool) = program("promtool") else { return };
    let folder = tempfile::tempdir().unwrap();
    let metric = yaml(&snippet("flagger-metric.yaml")).remove(0);
    let query = metric["spec"]["query"].as_str().unwrap().trim().to_owned();
    let flagger = query.replace("{{ namespace }}", "production");
    let mut tests = String::new();
    for (service, expected) in [("good", 1), ("bad", 0), ("watched", 1), ("unheard", 1)] {
        let query = flagger.replace("{{ target }}", service);
        tests += &format!(
            "      - expr: '{query}'\n        eval_time: 1m\n        exp_samples:\n          - labels: '{{}}'\n            value: {expected}\n"
        );
    }
    let series = |service: &str, values: &str| {
        format!(
            "      - series: 'wayfarer_gate{{service=\"{service}\",environment=\"production\"}}'\n        values: '{values}'\n"
        )
    };
    let text = format!(
        "rule_files: []\nevaluation_interval: 1m\ntests:\n  - interval: 1m\n    input_series:\n{}{}{}    promql_expr_test:\n{tests}",
        series("good", "1 1"),
        series("bad", "0 0"),
        series("watched", "NaN NaN"),
    );
    let path = folder.path().join("test.yml");
    std::fs::write(&path, &text).unwrap();
    let output = Command::new(promtool).args(["test", "rules"]).arg(&path).output().unwrap();
    assert!(
        output.status.success(),
        "{text}\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
