//! Over HTTP: what a page may do, where its links lead, how heavy it is, and what goes wrong is told in the reader's language.

use std::collections::BTreeSet;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use url::Url;

use super::stage::Stage;

/// The values of these attributes, unescaped as far as our templates escape.
fn attributes(html: &str, name: &str) -> Vec<String> {
    let start = format!(" {name}=\"");
    let rest = html.split(&start).skip(1);
    let values = rest.filter_map(|part| part.split('"').next());
    values.map(|v| v.replace("&amp;", "&").replace("&#x3D;", "=")).collect()
}

#[tokio::test]
async fn every_page_is_strict_light_and_made_of_what_is_known() {
    let stage = Stage::new().await;
    for path in stage.pages() {
        let answer = stage.get(&path).await;
        let expected = if path.ends_with("/nope") { 404 } else { 200 };
        assert_eq!(answer.status, expected, "{path}: {}", answer.body);
        assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"), "{path}");
        let policy = answer.header("content-security-policy").unwrap();
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'"),
            "{policy}"
        );
        assert!(!policy.contains("unsafe"), "{policy}");
        let html = &answer.body;
        let inline = [" style=\"", "<style", "<script>", " onload=\"", " onclick=\""];
        let links = ["href=\"/", "src=\"/", "href=\"javascript"];
        for forbidden in inline.iter().chain(&links) {
            assert!(!html.contains(forbidden), "{path}: {forbidden}");
        }
        assert!(html.len() < 200_000, "{path} weighs {}", html.len());
        assert!(html.contains("<h1") && html.contains("<main"), "{path}");
    }
}

#[tokio::test]
async fn every_link_leads_somewhere_below_any_path() {
    let stage = Stage::new().await;
    // The dashboard as a proxy shows it: below a path that it takes away.
    let base = Url::parse("https://proxy.test/tools/wayfarer/").unwrap();
    let mut waiting: Vec<Url> =
        stage.pages().iter().map(|p| base.join(&format!(".{p}")).unwrap()).collect();
    let mut seen = BTreeSet::new();
    while let Some(page) = waiting.pop() {
        let below = page.path().strip_prefix("/tools/wayfarer").map(str::to_owned);
        let below = below.unwrap_or_else(|| panic!("{page} leads out"));
        if !seen.insert(page.to_string()) || seen.len() > 260 {
            continue;
        }
        let query = page.query().map_or(String::new(), |q| format!("?{q}"));
        let answer = stage.get(&format!("{below}{query}")).await;
        let expected = if below.ends_with("/nope") { 404 } else { 200 };
        assert_eq!(answer.status, expected, "{page}");
        if answer.header("content-type").is_none_or(|kind| !kind.starts_with("text/html")) {
            continue;
        }
        let links =
            attributes(&answer.body, "href").into_iter().chain(attributes(&answer.body, "src"));
        for link in links.filter(|link| !link.starts_with('#')) {
            let mut next = page.join(&link).unwrap();
            next.set_fragment(None);
            if next.host_str() == Some("proxy.test") {
                waiting.push(next);
            } else {
                assert!(["http", "https", "data"].contains(&next.scheme()), "{page}: {link}");
            }
        }
    }
    assert!(seen.len() > 40, "{}", seen.len());
}

#[tokio::test]
async fn errors_are_pages_for_people_and_json_for_programs() {
    let stage = Stage::new().await;
    for path in
        ["/changes/nope", "/nowhere", "/journeys/nope", "/runs/nope", "/journeys/checkout?span=2y"]
    {
        let page = stage.get(path).await;
        assert!(page.body.contains("To the overview"), "{path}: {}", page.body);
        let json = stage.ask("GET", path, "application/json", "").await;
        assert_eq!(json.status, page.status, "{path}");
        let told: serde_json::Value = serde_json::from_str(&json.body).unwrap();
        assert!(told["error"]["hint"].is_string(), "{path}: {told}");
    }
    let api = stage.get("/api/v1/changes/nope").await;
    assert!(api.header("content-type").unwrap().starts_with("application/json"));
}

#[tokio::test]
async fn assets_may_be_kept_and_charts_are_columns() {
    let stage = Stage::new().await;
    let page = stage.get("/").await;
    let style =
        attributes(&page.body, "href").into_iter().find(|h| h.contains("style.css")).unwrap();
    let stamped = stage.get(&format!("/{}", style.trim_start_matches("./"))).await;
    assert!(stamped.header("cache-control").unwrap().contains("immutable"));
    let plain = stage.get("/assets/style.css").await;
    assert_eq!(plain.header("cache-control"), Some("public, max-age=300"));
    for (query, status) in [
        ("journey=checkout&environment=production&span=24h", 200),
        ("journey=checkout&environment=production&span=90d&points=10000", 200),
        ("journey=nobody&environment=production", 200),
        ("environment=production", 400),
        ("journey=checkout&environment=production&from=x", 400),
    ] {
        let answer = stage.ask("GET", &format!("/api/v1/series?{query}"), "*/*", "").await;
        assert_eq!(answer.status, status, "{query}: {}", answer.body);
        if status == 200 {
            let told: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
            let lengths: BTreeSet<usize> =
                ["at", "passed", "failed", "broken", "p5_ms", "p50_ms", "p95_ms"]
                    .iter()
                    .map(|name| told[name].as_array().unwrap().len())
                    .collect();
            assert_eq!(lengths.len(), 1, "{query}");
        }
    }
}

#[tokio::test]
async fn what_happens_is_told_live() {
    let stage = Stage::new().await;
    let mut stream = TcpStream::connect(&stage.address).await.unwrap();
    let request = format!("GET /live HTTP/1.1\r\nhost: {}\r\n\r\n", stage.address);
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut heard = String::new();
    let mut buffer = [0; 4096];
    let mut told = false;
    while !heard.contains("event: change") {
        let n = tokio::time::timeout(std::time::Duration::from_secs(20), stream.read(&mut buffer))
            .await
            .unwrap()
            .unwrap();
        assert!(n > 0, "{heard}");
        heard += &String::from_utf8_lossy(&buffer[..n]);
        if !told {
            told = true;
            let change =
                r#"{"id":"now","kind":"deploy","service":"payments","environment":"production"}"#;
            let answer = stage.ask("POST", "/api/v1/changes", "application/json", change).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
        }
    }
    assert!(
        heard.contains("text/event-stream") && heard.contains(r#"{"change":"now"}"#),
        "{heard}"
    );
}
