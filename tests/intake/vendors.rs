//! The vendors' own paths, and how bodies may come, over HTTP against the running agent.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;

use super::support::{Site, eventually};

fn site(more: &str) -> Site {
    let site = Site::new("http://127.0.0.1:9", more);
    site.journey("checkout", "shop", "1h", "/");
    site
}

/// A request whose body is bytes; status and body of the answer.
fn send(site: &Site, path: &str, headers: &[(&str, &str)], body: &[u8]) -> (u16, Value) {
    let mut stream = TcpStream::connect(("127.0.0.1", site.port)).unwrap();
    let mut head = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    stream.write_all(format!("{head}\r\n").as_bytes()).unwrap();
    stream.write_all(body).ok();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
    (status, serde_json::from_str(body).unwrap_or(Value::Null))
}

fn change(site: &Site, id: &str) -> Value {
    let path = format!("/api/v1/changes/{}", id.replace('/', "%2F").replace(':', "%3A"));
    eventually(id, || {
        let (status, body) = site.get(&path)?;
        (status == 200).then(|| serde_json::from_str::<Value>(&body).unwrap()["change"].clone())
    })
}

#[test]
fn pipelines_that_call_a_vendor_call_us_by_the_same_path() {
    let site = site("[hooks.datadog]\ntoken = { env = \"DD\" }\n");
    let _agent = site.agent_with(&[("DD", "the-api-key")], "info");
    let datadog = json!({ "data": { "attributes": {
        "service": "shop", "env": "production", "version": "v1", "started_at": 1_793_491_974_000_000_000_i64,
        "finished_at": 1_793_491_984_000_000_000_i64, "id": "4242b0e7-11ec-4b0e",
        "git": { "commit_sha": "66adc9350f2cc9b250b69abddab733dd55e1a588", "repository_url": "https://github.com/acme/shop" } } } });
    let body = datadog.to_string();
    let path = "/api/v2/dora/deployment";
    assert_eq!(send(&site, path, &[("DD-API-KEY", "wrong")], body.as_bytes()).0, 401);
    let (status, answer) = send(&site, path, &[("DD-API-KEY", "the-api-key")], body.as_bytes());
    assert!(matches!(status, 200 | 202), "{status}: {answer}");
    assert!(answer["data"]["id"].is_string(), "{answer}");
    assert_eq!(change(&site, "datadog:4242b0e7-11ec-4b0e")["version"], "v1");

    let sentry =
        json!({ "environment": "production", "name": "x", "dateFinished": "2026-11-20T10:00:00Z" });
    let path = "/api/0/organizations/acme/releases/shop%402.4.1/deploys/";
    let (status, answer) = send(&site, path, &[], sentry.to_string().as_bytes());
    assert_eq!((status, &answer["environment"]), (201, &json!("production")), "{answer}");

    let devlake = json!({ "id": "d1", "result": "SUCCESS", "environment": "PRODUCTION", "startedDate": "2026-11-20T12:00:00+00:00",
        "finishedDate": "2026-11-20T12:05:00+00:00", "deploymentCommits": [{ "repoUrl": "git@github.com:acme/shop.git",
            "commitSha": "015e3d3b480e417aede5a1293bd61de9b0fd051d", "refName": "refs/tags/v2.4.2" }] });
    for start in ["/plugins/webhook", "/api/plugins/webhook", "/api/rest/plugins/webhook"] {
        let path = format!("{start}/connections/1/deployments");
        let (status, answer) = send(&site, &path, &[], devlake.to_string().as_bytes());
        assert_eq!(status, 200, "{answer}");
    }
    let honeycomb =
        json!({ "message": "deploy shop v2.4.3", "type": "deploy", "start_time": 1_795_000_000 });
    let (status, answer) = send(&site, "/1/markers/shop", &[], honeycomb.to_string().as_bytes());
    assert_eq!(status, 201, "{answer}");
    assert!(answer["id"].is_string() || answer["id"].is_number(), "{answer}");
    let listed = site.json("/api/v1/changes?limit=50");
    let versions: Vec<&str> = listed["changes"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|row| row["change"]["version"].as_str())
        .collect();
    for version in ["v1", "2.4.1", "v2.4.2", "v2.4.3"] {
        assert_eq!(
            versions.iter().filter(|v| **v == version).count(),
            1,
            "{version}: {versions:?}"
        );
    }
}

async fn gzip(body: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    let mut encoder = async_compression::tokio::write::GzipEncoder::new(&mut packed);
    encoder.write_all(body).await.unwrap();
    encoder.shutdown().await.unwrap();
    packed
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_in_other_forms() {
    let site = site("");
    let _agent = site.agent();
    let body =
        json!({ "id": "gz-1", "service": "shop", "environment": "production", "version": "1" })
            .to_string();
    let json = ("content-type", "application/json");
    let coded = ("content-encoding", "gzip");
    let packed = gzip(body.as_bytes()).await;
    let (status, answer) = send(&site, "/hooks/wayfarer", &[json, coded], &packed);
    assert_eq!((status, answer["changes"][0]["outcome"].as_str()), (200, Some("new")), "{answer}");
    assert_eq!(change(&site, "gz-1")["version"], "1");
    // Cut short, not gzip at all, and far larger than a plain one may be.
    assert_eq!(send(&site, "/hooks/wayfarer", &[json, coded], &packed[..packed.len() / 2]).0, 400);
    assert_eq!(send(&site, "/hooks/wayfarer", &[json, coded], body.as_bytes()).0, 400);
    let bomb = gzip(&vec![b' '; 40 << 20]).await;
    assert!(bomb.len() < 100_000);
    assert_eq!(send(&site, "/hooks/wayfarer", &[json, coded], &bomb).0, 413);
    let (status, answer) =
        send(&site, "/hooks/wayfarer", &[json, ("content-encoding", "br")], b"x");
    assert_eq!(status, 415, "{answer}");
    let event = ("content-type", "application/cloudevents+protobuf");
    let (status, answer) = send(&site, "/api/v1/events", &[event], b"\x0a\x01");
    assert_eq!((status, answer["error"]["code"].as_str()), (415, Some("unsupported")), "{answer}");
}
