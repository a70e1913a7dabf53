//! What is measured of pages: documents as hops, what they asked for, how they felt.

use std::time::Duration;

use wayfarer::model::{ResourceType, Run, StepRun, Traffic};

use super::{
    site::{Asked, Reply, answer},
    stage::{Stage, later, page, passed},
};

/// A shop that asks for a bit of everything, shifts once, and works for a while at each click.
const SHOP: &str = r#"<!doctype html><title>Shop</title><link rel=stylesheet href=/style.css>
<script src=/app.js></script><h1>Shop</h1><img src=/missing.png><button>Buy</button><p id=out></p>"#;
const APP: &str = r#"console.error('cart is empty');
fetch('/api/cart'); fetch('http://localhost:' + location.port + '/count.js');
setTimeout(() => { const d = document.createElement('div'); d.style.height = '120px'; d.textContent = 'banner'; document.body.prepend(d); }, 120);
document.addEventListener('click', () => { const t = performance.now(); while (performance.now() - t < 80);
  document.getElementById('out').textContent = '1 item'; });"#;

fn shop(asked: &Asked) -> Reply {
    match asked.path.as_str() {
        "/" => answer(302, &["location: /shop"], ""),
        "/shop" => later(Duration::from_millis(80), SHOP),
        "/style.css" => answer(200, &["content-type: text/css"], "body { font: 18px sans-serif }"),
        "/app.js" => answer(200, &["content-type: text/javascript"], APP),
        "/api/cart" => answer(200, &["content-type: application/json"], "{}"),
        "/count.js" => {
            answer(200, &["content-type: text/javascript", "access-control-allow-origin: *"], "1")
        }
        "/frame" => page("<h1>Frame</h1><iframe src=/inner></iframe>"),
        "/inner" => page("<p>inside</p>"),
        "/first" => page(
            "<p>going</p><script>addEventListener('load', () => location.href = '/second')</script>",
        ),
        "/second" => page("<h1>There</h1>"),
        _ => answer(404, &["content-type: text/plain"], "no"),
    }
}

fn measured(step: &StepRun, name: &str) -> Option<f64> {
    step.measures.iter().find(|measure| measure.name.as_str() == name).and_then(|m| m.value)
}

fn hops(step: &StepRun) -> Vec<(&str, Option<u16>)> {
    let path = |url: &'_ str| {
        url.find("//").and_then(|at| url[at + 2..].find('/').map(|slash| at + 2 + slash))
    };
    step.hops.iter().map(|hop| (&hop.url[path(&hop.url).unwrap()..], hop.status)).collect()
}

fn sort(step: &StepRun, kind: ResourceType) -> Option<(u32, u32)> {
    let sorts = &step.traffic.as_ref().unwrap().by_type;
    sorts.iter().find(|sort| sort.kind == kind).map(|sort| (sort.requests, sort.failed))
}

/// What holds of every browser step.
fn is_consistent(run: &Run) {
    for step in run.steps.iter().filter(|step| step.traffic.is_some()) {
        let mut last = Duration::ZERO;
        for hop in &step.hops {
            assert_eq!(hop.duration, hop.phases.total(), "{hop:?}");
            assert!(hop.offset >= last && hop.offset >= step.offset, "{step:?}");
            last = hop.offset;
        }
    }
}

#[tokio::test]
async fn a_page_is_measured_and_so_is_what_is_done_on_it() {
    let Some(stage) = Stage::new(shop).await else { return };
    let run = stage
        .walk(
            r#"
[[step]]
name = "open"
[step.browser]
open = "{{base_url}}/"
do = [{ wait = { text = "banner" } }, { wait = { network = "quiet" } }]
[step.expect]
status = 200
[[step]]
name = "buy"
[step.browser]
do = [{ click = { role = "button", name = "Buy" } }, { wait = { text = "1 item" } }]
"#,
        )
        .await;
    passed(&run);
    is_consistent(&run);
    let [open, buy] = &run.steps[..] else { panic!("{run:?}") };
    assert_eq!(hops(open), [("/", Some(302)), ("/shop", Some(200))]);
    assert!(open.hops[1].phases.processing >= Duration::from_millis(80), "{:?}", open.hops[1]);
    assert_eq!(open.hops[1].version.as_deref(), Some("HTTP/1.1"));
    assert!(open.hops[1].peer.is_some_and(|peer| peer.ip().is_loopback()));
    assert!(open.hops[1].body_bytes >= SHOP.len() as u64, "{:?}", open.hops[1]);

    let told = |name: &str| {
        measured(open, name).unwrap_or_else(|| panic!("no {name}: {:?}", open.measures))
    };
    assert!(
        told("ttfb") >= 80.0 && told("ttfb") <= told("fcp") && told("fcp") <= told("lcp"),
        "{:?}",
        open.measures
    );
    assert!(told("dom_ready") <= told("load"), "{:?}", open.measures);
    assert!(told("cls") > 0.0 && told("cls") < 1.0, "{:?}", open.measures);
    assert_eq!(
        (told("failed_requests"), told("console_errors"), told("third_party_requests")),
        (1.0, 1.0, 1.0)
    );
    assert_eq!(told("requests"), 7.0, "{:?}", open.traffic);
    assert!(told("transferred") > (SHOP.len() + APP.len()) as f64);
    assert_eq!(
        (sort(open, ResourceType::Document), sort(open, ResourceType::Image)),
        (Some((2, 0)), Some((1, 1)))
    );
    let Traffic { third_parties, slowest, .. } = &**open.traffic.as_ref().unwrap();
    assert_eq!(
        third_parties.iter().map(|party| party.host.as_str()).collect::<Vec<_>>(),
        ["localhost"]
    );
    assert!(slowest.iter().any(|slow| slow.url.ends_with("/shop")), "{slowest:?}");

    // The document belongs to the step that opened it; what is done on it to the one that did.
    assert!(buy.hops.is_empty() && buy.traffic.is_some(), "{buy:?}");
    assert_eq!(
        (measured(buy, "ttfb"), measured(buy, "lcp"), measured(buy, "load")),
        (None, None, None)
    );
    assert_eq!(
        (measured(buy, "requests"), measured(buy, "console_errors")),
        (Some(0.0), Some(0.0))
    );
    assert!(
        measured(buy, "inp").is_some_and(|inp| (80.0..2_000.0).contains(&inp)),
        "{:?}",
        buy.measures
    );
    assert_eq!(measured(open, "inp"), None);
}

#[tokio::test]
async fn every_document_of_a_step_is_a_hop_and_frames_are_none() {
    let Some(stage) = Stage::new(shop).await else { return };
    let run = stage
        .walk(
            r#"
[[step]]
name = "on"
[step.browser]
open = "{{base_url}}/first"
do = [{ wait = { text = "There" } }]
[[step]]
name = "frame"
[step.browser]
open = "{{base_url}}/frame"
"#,
        )
        .await;
    passed(&run);
    is_consistent(&run);
    assert_eq!(hops(&run.steps[0]), [("/first", Some(200)), ("/second", Some(200))]);
    assert_eq!(hops(&run.steps[1]), [("/frame", Some(200))]);
    assert_eq!(sort(&run.steps[1], ResourceType::Document), Some((2, 0)));
}

#[tokio::test]
async fn a_journeys_own_measure_wins_over_a_built_in_one() {
    let Some(stage) = Stage::new(shop).await else { return };
    let run = stage
        .walk(
            r##"
[[step]]
name = "open"
[step.browser]
open = "{{base_url}}/shop"
[step.measure]
requests = { script = "return 7" }
[[step.assert]]
query = { vital = "ttfb" }
above = "50ms"
"##,
        )
        .await;
    passed(&run);
    let own: Vec<_> =
        run.steps[0].measures.iter().filter(|m| m.name.as_str() == "requests").collect();
    assert_eq!(own.iter().map(|measure| measure.value).collect::<Vec<_>>(), [Some(7.0)]);
    assert!(measured(&run.steps[0], "lcp").is_some());
}
