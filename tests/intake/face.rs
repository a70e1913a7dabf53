//! Hooks as their senders meet them: the real binary, proofs, answers, what is passed on, and what waits for a place.

use std::{
    io::{Read, Write},
    net::TcpListener,
    sync::mpsc,
    thread,
};

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::support::{Site, eventually};

const SETTINGS: &str = r#"
[environments.staging]
base_url = "http://127.0.0.1:9"
[hooks.github]
secret = { env = "GH" }
[hooks.flags]
sender = "unleash"
token = { env = "FLAGS" }
[[token]]
name = "admin"
scope = "admin"
secret = { env = "ADMIN" }
"#;

const VARIABLES: &[(&str, &str)] =
    &[("GH", "It's a Secret"), ("FLAGS", "open sesame"), ("ADMIN", "admin-token")];

fn site(more: &str) -> Site {
    let site = Site::new("http://127.0.0.1:9", &format!("{SETTINGS}\n{more}"));
    site.journey("checkout", "order-service", "1h", "/");
    site
}

fn post(site: &Site, path: &str, headers: &[(&str, &str)], body: &str) -> (u16, Value) {
    let (status, text) = site.ask("POST", path, headers, body).unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

fn signed(body: &str) -> String {
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(b"It's a Secret").unwrap();
    mac.update(body.as_bytes());
    let digits: String = mac.finalize().into_bytes().iter().map(|b| format!("{b:02x}")).collect();
    format!("sha256={digits}")
}

fn deployment(state: &str) -> String {
    json!({
        "deployment": { "id": 7, "sha": "f95f852bd8fca8fcc58a9a2d6c842781e32a215e", "environment": "production",
            "created_at": "2026-11-20T10:00:00Z" },
        "deployment_status": { "state": state, "created_at": "2026-11-20T10:05:00Z" },
        "repository": { "full_name": "acme/order-service" }
    })
    .to_string()
}

#[test]
fn who_proves_nothing_is_refused_and_what_is_broken_says_where() {
    let site = site("");
    let _agent = site.agent_with(VARIABLES, "info");
    let body = deployment("success");
    let event = ("X-GitHub-Event", "deployment_status");
    let good = signed(&body);
    // A proxy in front changes nothing for a signed body.
    let proxied = ("X-Forwarded-For", "203.0.113.7");
    let (status, answer) =
        post(&site, "/hooks/github", &[event, proxied, ("X-Hub-Signature-256", &good)], &body);
    assert_eq!((status, answer["changes"][0]["outcome"].as_str()), (200, Some("new")), "{answer}");
    let wrong = signed("another body");
    for header in [("X-Hub-Signature-256", wrong.as_str()), ("Authorization", "Bearer admin-token")]
    {
        assert_eq!(post(&site, "/hooks/github", &[event, header], &body).0, 401);
    }
    assert_eq!(site.log().matches("hook.refused").count(), 2, "one line each");
    let broken = signed("{\"deployment\":");
    let (status, answer) = post(
        &site,
        "/hooks/github",
        &[event, ("X-Hub-Signature-256", &broken)],
        "{\"deployment\":",
    );
    assert_eq!(status, 400);
    assert!(answer["error"]["message"].as_str().unwrap().contains("line 1, column 14"), "{answer}");
    let star = signed("{}");
    let unknown = [("X-GitHub-Event", "star"), ("X-Hub-Signature-256", star.as_str())];
    assert_eq!(post(&site, "/hooks/github", &unknown, "{}").0, 200);
    let metrics = site.metrics();
    for outcome in ["change", "refused", "broken", "ignored"] {
        assert!(metrics.contains(&format!("hook=\"github\",outcome=\"{outcome}\"")), "{outcome}");
    }
    // A sender that can set no header shows its token in the address; elsewhere than here a hook without proof asks for a token.
    let flag = json!({ "id": 1, "type": "feature-environment-enabled", "environment": "production", "featureName": "x" }).to_string();
    assert_eq!(post(&site, "/hooks/flags/open%20sesame", &[proxied], &flag).0, 200);
    assert_eq!(post(&site, "/hooks/flags/open", &[proxied], &flag).0, 401);
    assert_eq!(post(&site, "/hooks/unleash", &[proxied], &flag).0, 401);
    assert_eq!(
        post(&site, "/hooks/unleash", &[proxied, ("Authorization", "Bearer admin-token")], &flag).0,
        200
    );
    assert_eq!(post(&site, "/hooks/nobody", &[], "{}").0, 404);
    let kept = site.json("/api/v1/deliveries?hook=github")["deliveries"].clone();
    assert_eq!(kept.as_array().unwrap().len(), 3);
    assert!(!site.log().contains("sesame"));
}

/// Answers every request as Grafana does, and tells what it heard.
fn grafana() -> (u16, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (heard, tell) = mpsc::channel();
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut text = String::new();
            let mut part = [0_u8; 4096];
            // Head and body may come apart.
            while !text.contains("\r\n\r\n") || !text.trim_end().ends_with('}') {
                let read = stream.read(&mut part).unwrap_or(0);
                if read == 0 {
                    break;
                }
                text += &String::from_utf8_lossy(&part[..read]);
            }
            let body = "{\"message\":\"Annotation added\",\"id\":777}";
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                body.len()
            );
            stream.write_all(format!("{head}{body}").as_bytes()).ok();
            if heard.send(text).is_err() {
                return;
            }
        }
    });
    (port, tell)
}

#[test]
fn the_two_pipeline_calls_work_as_they_are_and_are_passed_on() {
    let (port, heard) = grafana();
    let site =
        site(&format!("[hooks.grafana]\nforward = {{ url = \"http://127.0.0.1:{port}\" }}\n"));
    let _agent = site.agent_with(VARIABLES, "info");
    // The token that the pipeline has for Grafana goes there; here nobody needs one.
    let token = ("Authorization", "Bearer glsa_pipeline");
    let first = json!({ "tags": ["deploy", "order-service", "v2.4.1"],
        "text": "Deployed order-service v2.4.1\nCommit: abc123\nAuthor: jane.doe" });
    let (status, answer) =
        post(&site, "/api/annotations?environment=production", &[token], &first.to_string());
    assert_eq!((status, answer["id"].as_i64()), (200, Some(777)), "{answer}");
    let passed = heard.recv().unwrap();
    assert!(passed.starts_with("POST /api/annotations HTTP/1.1"), "{passed}");
    assert!(passed.to_ascii_lowercase().contains("authorization: bearer glsa_pipeline"));
    let (status, _) = site
        .ask(
            "PATCH",
            "/api/annotations/777?environment=production",
            &[token],
            "{\"timeEnd\":4000000000000}",
        )
        .unwrap();
    assert_eq!(status, 200);
    assert!(heard.recv().unwrap().starts_with("PATCH /api/annotations/777 "));
    let change = site.json("/api/v1/changes")["changes"][0]["change"].clone();
    assert_eq!(change["services"], json!(["order-service"]));
    assert_eq!((&change["version"], &change["author"]), (&json!("v2.4.1"), &json!("jane.doe")));
    assert_eq!(change["environments"], json!(["production"]));
    assert_eq!(change["finished_at"], "2096-10-02T07:06:40Z");
    let sha = "f95f852bd8fca8fcc58a9a2d6c842781e32a215e";
    let second = json!({ "tags": ["deploy", "acme/order-service", sha],
        "text": format!("Deploy acme/order-service@{sha}\nTriggered by: jane\nBranch: main\nRun: https://ci.example.com/9") });
    post(&site, "/api/annotations?environment=production", &[], &second.to_string());
    let rows = site.json("/api/v1/changes")["changes"].clone();
    let change = rows
        .as_array()
        .unwrap()
        .iter()
        .map(|r| &r["change"])
        .find(|c| c["url"] == "https://ci.example.com/9");
    let change = change.unwrap();
    assert_eq!(change["commits"][0]["id"], sha);
    assert_eq!(
        (&change["services"], &change["author"]),
        (&json!(["order-service"]), &json!("jane"))
    );
}

#[test]
fn what_has_no_place_waits_for_a_rule_or_a_person() {
    let site = site("");
    let _agent = site.agent_with(VARIABLES, "info");
    let flag = |name: &str| {
        json!({ "object_kind": "feature_flag", "project": { "path_with_namespace": "acme/web" },
        "object_attributes": { "id": name.len(), "name": name, "active": true } })
        .to_string()
    };
    for name in ["checkout-v2", "other"] {
        let (status, answer) = post(&site, "/hooks/gitlab", &[], &flag(name));
        assert_eq!((status, answer["unplaced"].as_array().unwrap().len()), (200, 1), "{answer}");
    }
    let waiting =
        || site.json("/api/v1/changes?unplaced=true")["changes"].as_array().unwrap().clone();
    assert_eq!(waiting().len(), 2);
    assert!(site.json("/api/v1/changes")["changes"].as_array().unwrap().is_empty());
    let settings = std::fs::read_to_string(site.dir.path().join("wayfarer.toml")).unwrap();
    let rule = "[[place]]\nwhen = { sender = \"gitlab\", flag = \"checkout-*\" }\nservice = \"order-service\"\nenvironment = \"production\"\n";
    site.write("wayfarer.toml", &format!("{settings}\n{rule}"));
    eventually("the rule to be tried", || (waiting().len() == 1).then_some(()));
    let placed = site.json("/api/v1/changes")["changes"][0]["change"].clone();
    assert_eq!(placed["services"], json!(["order-service"]));
    let id = waiting()[0]["change"]["id"].as_str().unwrap().replace('/', "%2F").replace(':', "%3A");
    let path = format!("/api/v1/changes/{id}/place");
    assert_eq!(post(&site, &path, &[], "{\"environment\":\"staging\"}").0, 401);
    let admin = ("Authorization", "Bearer admin-token");
    let (status, answer) = post(&site, &path, &[admin], "{\"environment\":\"staging\"}");
    assert_eq!((status, &answer["change"]["environments"]), (200, &json!(["staging"])));
    assert!(waiting().is_empty());
}

#[test]
fn two_changes_that_turn_out_to_be_one_have_one_watch() {
    let site = site("");
    let agent = site.agent_with(VARIABLES, "info");
    let record = |id: &str, source: &str, more: Value| {
        let mut body = json!({ "id": id, "service": "order-service", "environment": "production" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let path = if source == "api" { "/api/v1/changes" } else { "/hooks/wayfarer" };
        assert_eq!(post(&site, path, &[], &body.to_string()).0, 200);
    };
    record("by-version", "api", json!({ "version": "2.4.1" }));
    record("by-commit", "hook", json!({ "commit": "abc1234def", "release": "R1" }));
    let watches = || {
        let text = site.metrics();
        let line =
            text.lines().find(|l| l.starts_with("wayfarer_agent_watches_open ")).map(str::to_owned);
        line.and_then(|l| l.split(' ').next_back().and_then(|n| n.parse::<f64>().ok()))
    };
    eventually("two watches", || (watches() == Some(2.0)).then_some(()));
    let event = json!({
        "context": { "specversion": "0.5.1", "id": "e1", "source": "/ci", "type": "dev.cdevents.service.deployed.0.3.0",
            "timestamp": site.json("/api/v1/changes/by-commit")["change"]["started_at"] },
        "subject": { "id": "order-service", "content": { "environment": { "id": "production" }, "artifactId": "pkg:oci/x@2.4.1" } },
        "customData": { "commit": "abc1234def" }
    });
    assert_eq!(post(&site, "/api/v1/events", &[], &event.to_string()).0, 200);
    eventually("one watch", || (watches() == Some(1.0)).then_some(()));
    let shown = site.json("/api/v1/changes/by-commit");
    assert_eq!(shown["change"]["id"], "by-version");
    assert_eq!(shown["told"].as_array().unwrap().len(), 3);
    assert_eq!(shown["release"]["changes"].as_array().unwrap().len(), 1);
    assert_eq!(site.json("/api/v1/changes")["changes"].as_array().unwrap().len(), 1);
    // As it was when the agent comes back.
    drop(agent);
    let _agent = site.agent_with(VARIABLES, "info");
    eventually("the watch to be open again", || (watches() == Some(1.0)).then_some(()));
}
