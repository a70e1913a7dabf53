//! Server time and weight of every page.

use std::time::Instant;

use crate::{
    house::{House, browse},
    stock::{LARGE, SMALL},
};

/// Questions for each figure.
const ASKED: usize = 60;
/// Longest 95th percentile of a page, and of JSON, in ms.
const PAGE_MS: f64 = 100.0;
const JSON_MS: f64 = 150.0;
/// Heaviest page with all it asks for, as it is sent to a browser, in kB.
const PAGE_KB: f64 = 200.0;

/// Every page.
pub(crate) async fn pages(house: &House) -> Vec<String> {
    let mut pages: Vec<String> = [
        "/",
        "/?view=product",
        "/?view=developer&service=service-1",
        "/?page=9",
        "/budgets",
        "/changes",
        "/changes?page=30",
        "/changes?service=service-3",
        "/journeys/journey-001?span=1h",
        "/journeys/journey-001?span=24h",
        "/journeys/journey-001?span=30d",
        "/journeys/journey-001?span=90d",
        "/journeys/journey-001/compare?with=before:deploy-20",
        "/reports/week",
        "/services/service-3",
        "/services/service-3?since=90d",
        "/delivery",
        "/delivery?environment=&service=&span=90d",
        "/delivery?environment=&service=service-3&span=90d",
        "/delivery/pipelines/acme%2Fservice-3%20CI",
        "/login",
    ]
    .map(str::to_owned)
    .into();
    pages.extend([LARGE, SMALL, "deploy-21"].map(|id| format!("/changes/{id}")));
    pages.extend(["passed", "failed"].map(|word| word.to_owned()));
    for page in &mut pages {
        if page == "passed" || page == "failed" {
            let list = format!("/api/v1/runs?journey=journey-001&result={page}&limit=1");
            let runs: serde_json::Value =
                serde_json::from_slice(&house.ask(&list).await).expect("JSON");
            let id = runs["runs"][0]["id"].as_str().expect("a run's id").to_owned();
            *page = format!("/runs/{id}");
        }
    }
    pages
}

/// What charts and programs ask for.
const JSON: [&str; 12] = [
    "/api/v1/series?journey=journey-001&environment=production&span=1h",
    "/api/v1/series?journey=journey-001&environment=production&span=24h",
    "/api/v1/series?journey=journey-001&environment=production&span=90d&points=720",
    "/api/v1/journeys",
    "/api/v1/changes?limit=500",
    "/api/v1/findings",
    "/api/v1/runs?limit=100",
    "/api/v1/runs?result=failed&limit=100",
    "/api/v1/slo",
    "/api/v1/changes/deploy-everywhere/review",
    "/api/v1/delivery?span=90d",
    "/metrics",
];

/// Asks for everything again and again, and prints how long it took.
pub(crate) async fn times(house: &House) {
    println!("\n{:<62} {:>9} {:>9} {:>9}", "server time", "median", "p95", "kB sent");
    let pages = pages(house).await;
    let pages = pages.iter().map(|path| (path.as_str(), PAGE_MS));
    for (path, most) in pages.chain(JSON.map(|path| (path, JSON_MS))) {
        let (mut times, mut bytes) = (Vec::new(), 0);
        for _ in 0..ASKED {
            let begun = Instant::now();
            bytes = browse(&house.address, path).await;
            times.push(begun.elapsed().as_secs_f64() * 1000.0);
        }
        times.sort_by(f64::total_cmp);
        let p95 = times[ASKED * 95 / 100];
        println!(
            "{:<62} {:>6.1} ms {p95:>6.1} ms {:>9.1}{}",
            shown(path),
            times[ASKED / 2],
            bytes as f64 / 1000.0,
            miss(p95 > most)
        );
    }
}

/// What a page weighs with style sheet, scripts and icon, plain and as it is sent to a browser.
pub(crate) async fn weights(house: &House) {
    println!("\n{:<62} {:>9} {:>9} {:>9}", "weight in kB", "alone", "with all", "as sent");
    for path in pages(house).await {
        let body = house.ask(&path).await;
        let text = String::from_utf8_lossy(&body).into_owned();
        let (mut plain, mut sent) = (body.len(), browse(&house.address, &path).await);
        for asset in assets(&text) {
            let asset = format!("/{asset}");
            plain += house.ask(&asset).await.len();
            sent += browse(&house.address, &asset).await;
        }
        let [alone, plain, sent] = [body.len(), plain, sent].map(|n| n as f64 / 1000.0);
        println!(
            "{:<62} {alone:>9.1} {plain:>9.1} {sent:>9.1}{}",
            shown(&path),
            miss(sent > PAGE_KB)
        );
    }
}

/// The assets that a page names; with charts also what the script asks for once somebody zooms.
fn assets(html: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for piece in html.split("assets/").skip(1) {
        let end = piece.find(['"', '\'']).unwrap_or(0);
        let asset = format!("assets/{}", &piece[..end]);
        if end > 0 && !found.contains(&asset) {
            found.push(asset);
        }
    }
    if html.contains("data-chart") {
        found.extend(["uplot.min.js", "charts.js"].map(|name| format!("assets/{name}")));
    }
    found
}

pub(crate) fn shown(path: &str) -> &str {
    &path[..path.len().min(62)]
}

pub(crate) fn miss(missed: bool) -> &'static str {
    if missed { "  MISS" } else { "" }
}
