//! Pipelines and deployments as their senders tell them, through the real agent: facts, figures, findings, metrics, page and verb.

use std::{
    io::{Read, Write},
    net::TcpListener,
    process::{Command, Stdio},
    sync::mpsc,
    thread,
};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::support::{Site, eventually, program};

const SETTINGS: &str = r#"
[hooks.github]
sender = "github"
services = { "acme/shop" = "shop" }
[pipelines]
min_runs = 10
success = "80%"
flaky = false
[pipelines.for."acme/shop nightly"]
build = false
"#;

/// A webhook of GitHub about a run, so long ago.
fn run(site: &Site, name: &str, n: i64, (minutes, seconds): (i64, i64), good: bool) {
    let began = Timestamp::now() - SignedDuration::from_mins(minutes);
    let body = json!({
        "action": "completed",
        "repository": { "full_name": "acme/shop", "default_branch": "main" },
        "workflow_run": {
            "id": n, "run_attempt": 1, "name": name, "event": "push", "head_branch": "main",
            "head_sha": format!("{n:040x}"), "conclusion": if good { "success" } else { "failure" },
            "created_at": began, "run_started_at": began,
            "updated_at": began + SignedDuration::from_secs(seconds),
            "head_commit": { "id": format!("{n:040x}"), "timestamp": began, "message": "work" }
        }
    });
    hook(site, "workflow_run", &body);
    let job = json!({
        "action": "completed",
        "repository": { "full_name": "acme/shop" },
        "workflow_job": {
            "id": 1000 + n, "run_id": n, "run_attempt": 1, "name": "build", "head_sha": format!("{n:040x}"),
            "status": "completed", "conclusion": if good { "success" } else { "failure" },
            "created_at": began, "started_at": began + SignedDuration::from_secs(7),
            "completed_at": began + SignedDuration::from_secs(seconds)
        }
    });
    hook(site, "workflow_job", &job);
}

fn hook(site: &Site, event: &str, body: &Value) {
    let headers = [("X-GitHub-Event", event), ("Content-Type", "application/json")];
    let (status, answer) = site.ask("POST", "/hooks/github", &headers, &body.to_string()).unwrap();
    assert_eq!(status, 200, "{answer}");
}

fn event(site: &Site, kind: &str, at: Timestamp, content: &Value) {
    let body = json!({
        "context": { "specversion": "0.5.1", "id": format!("{kind}-1"), "source": "/pager",
            "type": format!("dev.cdevents.{kind}.0.3.0"), "timestamp": at,
            "links": [{ "linkType": "RELATION", "linkKind": "TRIGGER", "target": { "contextId": "d1" } }] },
        "subject": { "id": "i-7", "source": "/pager", "content": content }
    });
    let json = [("Content-Type", "application/json")];
    let (status, answer) = site.ask("POST", "/api/v1/events", &json, &body.to_string()).unwrap();
    assert_eq!(status, 200, "{answer}");
}

/// Takes messages and hands them on.
fn receiver() -> (u16, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, heard) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut text = Vec::new();
            let mut part = [0; 65_536];
            while let Ok(n @ 1..) = stream.read(&mut part) {
                text.extend(&part[..n]);
                let seen = String::from_utf8_lossy(&text);
                let Some((head, body)) = seen.split_once("\r\n\r\n") else { continue };
                let wanted = head.lines().find_map(|l| {
                    l.to_ascii_lowercase().strip_prefix("content-length: ")?.parse::<usize>().ok()
                });
                if wanted.is_some_and(|n| body.len() >= n) {
                    break;
                }
            }
            drop(
                stream.write_all(
                    b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
                ),
            );
            if sender.send(String::from_utf8_lossy(&text).into_owned()).is_err() {
                break;
            }
        }
    });
    (port, heard)
}

#[test]
fn pipelines_are_counted_judged_and_told() {
    let (port, heard) = receiver();
    let told = format!(
        "[[receiver]]\nname = \"ops\"\nkind = \"webhook\"\nurl = \"http://127.0.0.1:{port}/\"\n"
    );
    let site = Site::new("http://127.0.0.1:9", &format!("{SETTINGS}{told}"));
    site.journey("checkout", "shop", "1h", "/");
    let _agent = site.agent();
    for n in 0..12 {
        run(&site, "CI", n, (600 - 10 * n, 1200), true);
        run(&site, "nightly", 100 + n, (600 - 10 * n, 1200), true);
    }
    let finding = eventually("the finding", || {
        let all = site.json("/api/v1/findings?state=open")["findings"].clone();
        all.as_array().unwrap().first().cloned()
    });
    assert_eq!(
        (finding["kind"].as_str(), finding["journey"].as_str()),
        (Some("pipeline"), Some("acme/shop CI"))
    );
    assert_eq!(finding["pipeline"]["signal"], "duration");
    let summary = finding["summary"].as_str().unwrap();
    assert!(summary.contains("took 20 min on average in 7 days"), "{summary}");
    let message = heard.recv().unwrap();
    assert!(message.contains("acme/shop CI is not what it should be (duration)"), "{message}");
    // What runs shorter again is kept again, and told so.
    for n in 12..60 {
        run(&site, "CI", n, (300 - 4 * n, 60), true);
    }
    eventually("its end", || {
        let all = site.json("/api/v1/findings?state=recovered")["findings"].clone();
        (!all.as_array().unwrap().is_empty()).then_some(())
    });
    assert!(site.json("/api/v1/findings?state=open")["findings"].as_array().unwrap().is_empty());
    let message = heard.recv().unwrap();
    assert!(message.contains("acme/shop CI is as before"), "{message}");

    let metrics = eventually("the runs in the metrics", || {
        let text = site.metrics();
        let line = r#"wayfarer_pipeline_runs_total{pipeline="acme/shop CI",result="success",trigger="push"} 60"#;
        text.contains(line).then_some(text)
    });
    for line in [
        r#"wayfarer_pipeline_duration_seconds_count{pipeline="acme/shop CI",result="success"} 60"#,
        r#"wayfarer_pipeline_stage_duration_seconds_count{pipeline="acme/shop CI",stage="build"} 60"#,
        r#"wayfarer_pipeline_queue_seconds_sum{pipeline="acme/shop CI"} 420"#,
        r#"wayfarer_pipeline_flaky_tests_total{pipeline="acme/shop CI"} 0"#,
        r#"wayfarer_findings{state="open",kind="pipeline"} 0"#,
    ] {
        assert!(metrics.contains(line), "{line}\n{metrics}");
    }
    if let Some(promtool) = program("promtool") {
        let mut check = Command::new(promtool)
            .args(["check", "metrics"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        check.stdin.take().unwrap().write_all(metrics.as_bytes()).unwrap();
        let said = check.wait_with_output().unwrap();
        let words = String::from_utf8_lossy(&said.stderr).into_owned()
            + &String::from_utf8_lossy(&said.stdout);
        assert!(said.status.success() && words.trim().is_empty(), "promtool: {words}");
    }
}

#[test]
fn facts_figures_page_and_verb() {
    let site = Site::new("http://127.0.0.1:9", SETTINGS);
    site.journey("checkout", "shop", "1h", "/");
    let agent = site.agent();
    let now = Timestamp::now();
    let ago = |hours: i64| now - SignedDuration::from_hours(hours);
    run(&site, "CI", 1, (300, 90), true);
    run(&site, "CI", 2, (200, 95), false);
    // A deployment that says a short hash: the push before told when its commit was made.
    let push = json!({
        "ref": "refs/heads/main", "after": format!("{:040x}", 0xabcdef), "repository": { "full_name": "acme/shop" },
        "commits": [{ "id": format!("abcdef0{:033x}", 0), "timestamp": ago(5), "message": "work", "author": { "name": "jo" } }],
        "head_commit": { "id": format!("abcdef0{:033x}", 0), "timestamp": ago(5) }
    });
    hook(&site, "push", &push);
    let deploy = json!({
        "id": "cdevents:/pager:d1", "service": "shop", "environment": "production", "version": "1.2.0", "commit": "abcdef0",
        "started_at": ago(4), "finished_at": ago(3)
    });
    let (status, answer) = site.ask("POST", "/api/v1/changes", &[], &deploy.to_string()).unwrap();
    assert_eq!(status, 200, "{answer}");
    let content = json!({ "service": { "id": "shop" }, "environment": { "id": "production" }, "description": "slow" });
    event(&site, "incident.detected", ago(2), &content);
    event(&site, "incident.resolved", ago(1), &content);

    let facts = site.json("/api/v1/pipelines");
    let all = facts["pipelines"].as_array().unwrap();
    assert_eq!(all.len(), 5, "{facts}");
    let newest = all.iter().find(|f| f["kind"] == "pipeline").unwrap();
    assert_eq!((newest["trigger"].as_str(), newest["main"].as_bool()), (Some("push"), Some(true)));
    assert_eq!(
        site.json("/api/v1/pipelines?service=shop&limit=1")["pipelines"].as_array().unwrap().len(),
        1
    );
    assert!(
        site.json("/api/v1/pipelines?service=nobody")["pipelines"].as_array().unwrap().is_empty()
    );
    let until = site.json(&format!("/api/v1/pipelines?until={}", ago(4)));
    assert_eq!(until["pipelines"].as_array().unwrap().len(), 3, "{until}");
    for bad in ["limit=0", "since=yesterday", "kind=push"] {
        assert_eq!(site.get(&format!("/api/v1/pipelines?{bad}")).unwrap().0, 400, "{bad}");
    }
    let incidents = site.json("/api/v1/incidents?service=shop");
    let incident = &incidents["incidents"][0];
    assert_eq!(incident["change"], "cdevents:/pager:d1", "{incidents}");
    assert!(incident["resolved_at"].is_string() && incident["detected_at"].is_string());
    assert_eq!(incidents["incidents"].as_array().unwrap().len(), 1);

    let report = site.json("/api/v1/delivery?environment=production&service=shop");
    let figures = &report["all"];
    assert_eq!(figures["frequency"]["n"], 1);
    // The commit was made two hours before the deployment was done.
    assert_eq!(figures["lead_time"]["seconds"]["p50"], 7200.0, "{report:#}");
    assert_eq!(figures["failure_rate"]["of"]["hits"], 1);
    assert_eq!(figures["recovery"]["seconds"]["p50"], 7200.0);
    assert_eq!(figures["resolve"]["seconds"]["p50"], 3600.0);
    assert_eq!(report["failed"][0]["fate"]["failed"]["why"], json!(["said"]));
    let pipeline = &report["pipelines"][0];
    assert_eq!(
        (pipeline["label"].as_str(), pipeline["stats"]["runs"].as_u64()),
        (Some("acme/shop CI"), Some(2))
    );
    assert_eq!(pipeline["stats"]["success"]["hits"], 1);
    assert!(pipeline["runs"].is_null());
    let one = site.json("/api/v1/delivery?pipeline=CI");
    assert_eq!(one["pipelines"][0]["runs"].as_array().unwrap().len(), 2);
    assert_eq!(site.get("/api/v1/delivery?pipeline=nobody").unwrap().0, 404);
    for bad in ["span=soon", "from=never", "x=1"] {
        assert_eq!(site.get(&format!("/api/v1/delivery?{bad}")).unwrap().0, 400, "{bad}");
    }

    let page = site.get("/delivery?environment=production").unwrap().1;
    for words in
        ["Change failure rate", "median of 1 commits", "shop 1.2.0", "acme/shop CI", "a single one"]
    {
        let words = words.replace("median of 1 commits", "one of the commits");
        assert!(page.contains(&words), "{words}");
    }
    let asked = ["delivery", "--env", "production", "--url"];
    let url = format!("http://127.0.0.1:{}", site.port);
    let (code, through, problem) = site.run(&[&asked[..], &[url.as_str()]].concat());
    assert_eq!(code, 0, "{problem}");
    assert!(through.lines().all(|line| line.chars().count() <= 80), "{through}");
    assert!(
        through.contains("change failure rate") && through.contains("1 of 1 failed"),
        "{through}"
    );
    drop(agent);
    let (code, from_file, problem) = site.run(&["delivery", "--env", "production"]);
    assert_eq!((code, from_file), (0, through), "{problem}");
    let (code, json, _) = site.run(&["delivery", "--json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((code, json["all"]["frequency"]["n"].as_u64()), (0, Some(1)));
}
