//! Ten thousand webhooks, shuffled and many of them twice, through the real binary: exactly the right changes are left.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    thread,
};

use jiff::Timestamp;
use rand::{SeedableRng, rngs::StdRng, seq::SliceRandom};
use serde_json::{Value, json};

use super::support::Site;

/// Deployments, each told of by three senders in six webhooks.
const DEPLOYS: usize = 1_000;
/// Webhooks that come again.
const AGAIN: usize = 4_000;
const SERVICES: usize = 20;

struct Hook {
    path: String,
    event: &'static str,
    body: String,
}

fn at(deploy: usize, minute: i64) -> Timestamp {
    // A service is deployed every three hours.
    let hours = 3 * i64::try_from(deploy / SERVICES).unwrap();
    Timestamp::from_second(1_780_000_000 + 3600 * hours + 60 * minute).unwrap()
}

fn service(deploy: usize) -> String {
    format!("service-{}", deploy % SERVICES)
}

/// Forty digits that differ from the first on, as hashes do.
fn commit(deploy: usize) -> String {
    let mixed = u64::try_from(deploy + 1).unwrap().wrapping_mul(0x9e37_79b9_7f4a_7c15);
    format!("{mixed:016x}{mixed:016x}{deploy:08x}")
}

fn place(deploy: usize) -> &'static str {
    if deploy.is_multiple_of(3) { "staging" } else { "production" }
}

fn fails(deploy: usize) -> bool {
    deploy.is_multiple_of(7)
}

fn hooks(deploy: usize) -> Vec<Hook> {
    let (service, commit, place) = (service(deploy), commit(deploy), place(deploy));
    let (start, end) = (at(deploy, 0), at(deploy, 4));
    let github = |event: &'static str, state: &str, at: Timestamp| {
        Hook {
        path: "/hooks/github".to_owned(),
        event,
        body: json!({
            "action": "created",
            "deployment": { "id": 10_000 + deploy, "sha": commit, "environment": place, "created_at": start, "ref": "main" },
            "deployment_status": { "state": state, "created_at": at },
            "repository": { "full_name": format!("acme/{service}") },
        })
        .to_string(),
    }
    };
    let argo = |trigger: &str, phase: &str, finished: Option<Timestamp>| {
        Hook {
        path: "/hooks/argocd".to_owned(),
        event: "",
        body: json!({
            "app": service, "namespace": "apps", "environment": place, "revision": commit, "trigger": trigger, "phase": phase,
            "health": if finished.is_some() { "Healthy" } else { "Progressing" },
            "started_at": at(deploy, 2), "finished_at": finished,
        })
        .to_string(),
    }
    };
    let marker = Hook {
        path: format!("/api/annotations?environment={place}"),
        event: "",
        body: json!({
            "time": at(deploy, 6).as_millisecond(), "tags": ["deploy", service, commit],
            "text": format!("Deploy {service}@{commit}\nTriggered by: jo"),
        })
        .to_string(),
    };
    let done = if fails(deploy) { "failure" } else { "success" };
    vec![
        github("deployment", "", start),
        github("deployment_status", "in_progress", at(deploy, 1)),
        github("deployment_status", done, end),
        argo("on-sync-running", "Running", None),
        argo("on-deployed", "Succeeded", Some(at(deploy, 5))),
        marker,
    ]
}

/// Sends webhooks over one connection that is kept.
fn send(port: u16, hooks: &[Hook]) {
    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_nodelay(true).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut writer = stream;
    for hook in hooks {
        let head = format!(
            "POST {} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\ncontent-type: application/json\r\nx-github-event: {}\r\ncontent-length: {}\r\n\r\n",
            hook.path,
            hook.event,
            hook.body.len()
        );
        writer.write_all(format!("{head}{}", hook.body).as_bytes()).unwrap();
        let mut status = String::new();
        reader.read_line(&mut status).unwrap();
        let mut length = 0;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            if line.trim().is_empty() {
                break;
            }
            if let Some(text) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = text.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        assert!(status.contains(" 200 "), "{status}{}", String::from_utf8_lossy(&body));
    }
}

#[test]
fn ten_thousand_webhooks_leave_the_right_changes() {
    let site = Site::new(
        "http://127.0.0.1:9",
        "[environments.staging]\nbase_url = \"http://127.0.0.1:9\"",
    );
    site.journey("checkout", "service-0", "1h", "/");
    let agent = site.agent_with(&[], "warn");
    let mut random = StdRng::seed_from_u64(6);
    let mut all: Vec<Hook> = (0..DEPLOYS).flat_map(hooks).collect();
    let mut again: Vec<Hook> = (0..DEPLOYS).flat_map(hooks).collect();
    again.shuffle(&mut random);
    again.truncate(AGAIN);
    all.append(&mut again);
    all.shuffle(&mut random);
    assert_eq!(all.len(), 10_000);
    let port = site.port;
    let share = all.len().div_ceil(8);
    thread::scope(|scope| {
        for part in all.chunks(share) {
            scope.spawn(move || send(port, part));
        }
    });
    let mut seen = 0;
    for n in 0..SERVICES {
        let answer = site.json(&format!("/api/v1/changes?service=service-{n}&limit=1000"));
        let rows = answer["changes"].as_array().unwrap();
        let mut changes: Vec<&Value> = rows.iter().map(|row| &row["change"]).collect();
        changes.sort_by_key(|change| change["started_at"].as_str().unwrap().to_owned());
        assert_eq!(changes.len(), DEPLOYS / SERVICES, "service-{n}");
        for (deploy, change) in (n..DEPLOYS).step_by(SERVICES).zip(changes) {
            assert_eq!(change["started_at"], json!(at(deploy, 0)), "{change}");
            assert_eq!(change["finished_at"], json!(at(deploy, 4)), "{change}");
            let state = if fails(deploy) { "failed" } else { "finished" };
            assert_eq!(change["state"], json!(state), "{change}");
            assert_eq!(change["environments"], json!([place(deploy)]));
            assert_eq!(change["commits"][0]["id"], json!(commit(deploy)));
            seen += 1;
        }
    }
    assert_eq!(seen, DEPLOYS);
    let last = &site.json("/api/v1/changes?limit=1")["changes"][0]["change"]["id"];
    let id = last.as_str().unwrap().replace('/', "%2F").replace(':', "%3A");
    let shown = site.json(&format!("/api/v1/changes/{id}"));
    let mut told: Vec<&str> =
        shown["told"].as_array().unwrap().iter().map(|t| t["source"].as_str().unwrap()).collect();
    told.sort_unstable();
    told.dedup();
    assert_eq!(told, ["argocd", "github", "grafana"]);
    drop(agent);
}
