//! Waiting: what for, how long, and what time it counts as.

use std::time::Duration;

use wayfarer::{clock::Clock, model::FaultKind};

use super::{
    site::{Reply, answer},
    stage::{Stage, captured, failed, later, not_found, page, passed},
};

/// A single-page app that draws itself late.
const APP: &str = r##"<!doctype html><title>Start</title><div id=app>loading</div>
<button onclick="setTimeout(() => { app.innerHTML = '<h1>Cart</h1><p>1 item</p>'; document.title = 'Cart'; history.pushState(0, '', '/cart'); }, 700)">Buy</button>
<button onclick="spin()">Spin</button><button>Idle</button><i id=spinner hidden>…</i>
<button onclick="load()">Load</button><p id=loaded role=status></p>
<script>
  const spin = () => { spinner.hidden = false; setTimeout(() => { spinner.hidden = true; }, 300); };
  const load = async () => { for (const n of [1, 2]) { await fetch('/data?' + n); } loaded.textContent = 'all'; };
  setTimeout(() => { window.ready = 7; }, 250);
</script>"##;

#[tokio::test]
async fn time_is_the_pages_and_not_the_drivers() {
    let Some(stage) = Stage::new(|asked| match asked.path.as_str() {
        "/app" => page(APP),
        "/late" => {
            page("<p id=t></p><script>setTimeout(() => { t.textContent = 'here' }, 700)</script>")
        }
        "/slow" => later(Duration::from_millis(400), "<h1>Slow</h1>"),
        path if path.starts_with("/data") => Reply::Later(
            Duration::from_millis(200),
            match answer(200, &[], "{}") {
                Reply::Bytes(bytes) => bytes,
                _ => Vec::new(),
            },
        ),
        _ => not_found(),
    })
    .await
    else {
        return;
    };
    let run = stage
        .walk(
            r##"
[[step]]
name = "ready"
[step.browser]
open = "{{base_url}}/app"
do = [{ wait = { script = "return window.ready === 7" } }]

[[step]]
name = "buy"
[step.browser]
do = [{ click = { role = "button", name = "Buy" } }, { wait = { text = "1 item" } }]

[[step]]
name = "nothing"
[step.browser]
do = [{ click = { role = "button", name = "Idle" } }]

[[step]]
name = "spinner"
[step.browser]
do = [
  { click = { role = "button", name = "Spin" } },
  { wait = { hidden = { css = "#spinner" } } },
  { wait = { url = "/cart" } },
  { wait = { title = { matches = "^C.rt$" } } },
]

[[step]]
name = "quiet"
[step.browser]
do = [{ click = { role = "button", name = "Load" } }, { wait = { network = "quiet" } }]
[[step.assert]]
query = { element = { css = "#loaded" } }
equals = "all"

[[step]]
name = "time"
[step.browser]
do = [{ wait = { time = "300ms" } }]

[[step]]
name = "late"
[step.browser]
open = "{{base_url}}/late"
[[step.assert]]
query = { element = { css = "#t" } }
equals = "here"

[[step]]
name = "slow"
[step.browser]
open = "{{base_url}}/slow"
"##,
        )
        .await;
    passed(&run);
    let took = |name: &str| {
        let step = run.steps.iter().find(|step| step.name.as_str() == name).unwrap();
        step.duration.as_secs_f64() * 1e3
    };
    for (name, least, most) in [
        ("ready", 240.0, 600.0),
        ("buy", 699.0, 800.0),
        ("nothing", 0.0, 30.0),
        ("spinner", 299.0, 420.0),
        // Two answers of 200 ms each; that nothing followed for 500 ms is no time of the page.
        ("quiet", 400.0, 650.0),
        ("time", 299.0, 400.0),
        ("late", 700.0, 900.0),
        ("slow", 400.0, 600.0),
    ] {
        let took = took(name);
        assert!((least..most).contains(&took), "{name} took {took} ms");
    }
}

#[tokio::test]
async fn a_navigation_under_way_is_followed() {
    let Some(stage) = Stage::new(|asked| match asked.path.as_str() {
        "/" => page("<button onclick=\"setTimeout(() => location = '/second', 300)\">Go</button><a href=/second>Link</a>"),
        "/second" => later(Duration::from_millis(300), "<script>setTimeout(() => location.replace('/third'), 150)</script>"),
        "/third" => page("<title>Third</title><h1>Arrived</h1>"),
        _ => not_found(),
    })
    .await
    else {
        return;
    };
    let run = stage
        .walk(
            r##"
[[step]]
name = "go"
[step.browser]
open = "{{base_url}}/"
do = [{ click = { role = "button", name = "Go" } }, { wait = { role = "heading", name = "Arrived" } }]
[step.capture]
url = { url = true }

[[step]]
name = "by link"
[step.browser]
open = "{{base_url}}/"
do = [{ click = { link = "Link" } }, { click = { text = "Arrived" } }]
"##,
        )
        .await;
    passed(&run);
    assert!(captured(&run, "url").ends_with("/third"));
    let millis: Vec<u128> = run.steps.iter().map(|step| step.duration.as_millis()).collect();
    assert!((750..1_400).contains(&millis[0]) && (450..1_200).contains(&millis[1]), "{millis:?}");
    assert_eq!(run.steps[0].hops.len(), 3, "{:#?}", run.steps[0].hops);
}

#[tokio::test]
async fn a_page_that_never_finishes_loading_fails_before_the_deadline() {
    let Some(stage) = Stage::new(|asked| match asked.path.as_str() {
        "/half" => page("<h1>Half</h1><img src=/never>"),
        "/silent" | "/never" => Reply::Hang(Vec::new()),
        "/" => page("<a href=/silent>Into nothing</a>"),
        _ => not_found(),
    })
    .await
    else {
        return;
    };
    for (steps, said) in [
        (
            "[step.browser]\nopen = \"{{base_url}}/half\"\n",
            "/half did not finish loading before the step's deadline of 3s",
        ),
        (
            "[step.browser]\nopen = \"{{base_url}}/silent\"\n",
            "/silent did not finish loading before the step's deadline of 3s",
        ),
        (
            "[step.browser]\nopen = \"{{base_url}}/\"\ndo = [{ click = { link = \"Into nothing\" } }]\n",
            "the page that link \"Into nothing\" opens did not finish loading before the step's deadline of 3s",
        ),
    ] {
        let began = Clock.instant();
        let run =
            stage.walk(&format!("[[step]]\nname = \"load\"\ntimeout = \"3s\"\n{steps}")).await;
        let failure = failed(&run, FaultKind::Timeout);
        assert!(failure.message.ends_with(said), "{}", failure.message);
        let seen = run.evidence.as_ref().and_then(|evidence| evidence.page.as_ref()).unwrap();
        assert!(!seen.pictures.is_empty(), "{said}");
        assert!(
            (2_000..3_100).contains(&run.steps[0].duration.as_millis()),
            "{:?}",
            run.steps[0].duration
        );
        assert!(Clock.instant().duration_since(began) < Duration::from_secs(12));
    }
}

#[tokio::test]
async fn a_wait_in_vain_says_what_was_there() {
    let Some(stage) = Stage::with_page("<title>Here</title><p>2 items in your cart</p><script>setInterval(() => fetch('/x'), 100)</script>").await else {
        return;
    };
    let wanted = [
        (
            "{ text = \"1 item in your cart\" }",
            FaultKind::Element,
            "no text \"1 item in your cart\" in 600ms: nearest is \"2 items in your cart\"",
        ),
        (
            "{ hidden = { text = \"2 items\" } }",
            FaultKind::Element,
            "text \"2 items\" is still to be seen, in 600ms",
        ),
        (
            "{ title = \"There\" }",
            FaultKind::Timeout,
            "expected title contains \"There\", got \"Here\" in 600ms",
        ),
        ("{ network = \"quiet\" }", FaultKind::Timeout, "the network was not quiet in 600ms"),
        (
            "{ script = \"return 0\" }",
            FaultKind::Timeout,
            "the script gave nothing that is true in 600ms",
        ),
        ("{ script = \"throw new Error('no')\" }", FaultKind::Page, "Error: no"),
    ];
    let step = |(nth, (wait, ..)): (usize, &(&str, FaultKind, &str))| {
        format!(
            "[[step]]\nname = \"wait {nth}\"\noptional = true\n[step.browser]\nopen = \"{{{{base_url}}}}/\"\npatience = \"600ms\"\ndo = [{{ wait = {wait} }}]\n"
        )
    };
    let steps: String = wanted.iter().enumerate().map(step).collect();
    let run = stage.walk_within(&steps, Duration::from_secs(60)).await;
    passed(&run);
    for (step, (wait, kind, said)) in run.steps.iter().zip(wanted) {
        let failure = step.failure.as_ref().unwrap_or_else(|| panic!("{wait} did not fail"));
        assert!(failure.kind == kind && failure.message.contains(said), "{failure:?}");
    }
}
