//! In a real browser: light and dark, wide and narrow, with and without scripts.

use std::{fs, path::Path};

use serde_json::{Value, json};

use super::{browser::Browser, stage::Stage};

/// The sum of all layout shifts so far (Layout Instability API).
const MOVED: &str = "const done = arguments[arguments.length - 1]; let sum = 0;
    const add = (entries) => entries.forEach((e) => { sum += e.value; });
    new PerformanceObserver((list) => add(list.getEntries())).observe({ type: 'layout-shift', buffered: true });
    setTimeout(() => done(sum), 150);";

#[tokio::test]
async fn every_page_fits_and_the_console_is_silent() {
    let Some(browser) = Browser::new().await else { return };
    let stage = Stage::new().await;
    for (width, dark) in [(1100, false), (400, true)] {
        browser.as_wide(width, dark).await;
        for path in stage.pages() {
            browser.client.goto(&format!("http://{}{path}", stage.address)).await.unwrap();
            let wide = browser.run("return document.documentElement.scrollWidth").await;
            assert!(wide.as_u64().unwrap() <= u64::from(width), "{path} is {wide} wide at {width}");
            let said = browser.console().await;
            let real: Vec<_> = said.iter().filter(|line| !line.contains("/nope")).collect();
            assert!(real.is_empty(), "{path}: {real:?}");
            // Nothing moves once it is drawn: what the script puts in has the room of what it takes away.
            let moved = browser.client.execute_async(MOVED, Vec::new()).await.unwrap();
            assert!(moved.as_f64().unwrap_or(0.0) < 0.02, "{path} moves by {moved}");
        }
    }
}

#[tokio::test]
async fn without_scripts_everything_is_there() {
    let Some(browser) = Browser::new().await else { return };
    let stage = Stage::new().await;
    browser.cdp("Emulation.setScriptExecutionDisabled", json!({ "value": true })).await;
    for (path, texts) in [
        ("/", ["checkout", "made things worse"]),
        ("/journeys/checkout?environment=production", ["Latency", "held against"]),
    ] {
        browser.client.goto(&format!("http://{}{path}", stage.address)).await.unwrap();
        let html = browser.client.source().await.unwrap();
        for text in texts {
            assert!(html.contains(text), "{path}: {text}");
        }
        assert!(html.contains("<path class=\"median\""), "{path}");
    }
}

#[tokio::test]
async fn times_are_the_readers_and_a_span_is_zoomed() {
    let Some(browser) = Browser::new().await else { return };
    let stage = Stage::new().await;
    browser.as_wide(1100, false).await;
    browser.cdp("Emulation.setTimezoneOverride", json!({ "timezoneId": "Asia/Kolkata" })).await;
    let address =
        format!("http://{}/journeys/checkout?environment=production&span=24h", stage.address);
    browser.client.goto(&address).await.unwrap();
    let told = browser
        .run("const t = document.querySelector('time[data-form=second]'); return [t.dateTime, t.textContent, t.title]")
        .await;
    let at: jiff::Timestamp = told[0].as_str().unwrap().parse().unwrap();
    let there = at.in_tz("Asia/Kolkata").unwrap().strftime("%Y-%m-%d %H:%M:%S").to_string();
    assert_eq!(told[1], Value::from(there));
    assert!(told[2].as_str().unwrap().ends_with("UTC"));
    // Hovering tells, dragging zooms.
    let place = browser
        .run("const r = document.querySelector('[data-chart] svg.plot').getBoundingClientRect(); return [r.left, r.top, r.width, r.height]")
        .await;
    let number = |at: usize| place[at].as_f64().unwrap();
    let mouse = |kind: &'static str, share: f64, buttons: u8| json!({ "type": kind, "x": number(0) + share * number(2), "y": number(1) + number(3) / 2.5, "button": "left", "buttons": buttons, "clickCount": 1 });
    browser.cdp("Input.dispatchMouseEvent", mouse("mouseMoved", 0.4, 0)).await;
    let tip = browser.run("return document.querySelector('[data-chart] .tip').textContent").await;
    assert!(tip.as_str().unwrap().contains("median"), "{tip}");
    browser.cdp("Input.dispatchMouseEvent", mouse("mousePressed", 0.4, 1)).await;
    browser.cdp("Input.dispatchMouseEvent", mouse("mouseMoved", 0.7, 1)).await;
    browser.cdp("Input.dispatchMouseEvent", mouse("mouseReleased", 0.7, 0)).await;
    for _ in 0..50 {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        let drawn = browser
            .run("return document.querySelectorAll('.uplot canvas').length && location.search")
            .await;
        if drawn.as_str().is_some_and(|query| query.contains("from=")) {
            assert!(browser.console().await.is_empty());
            return;
        }
    }
    panic!("no zoomed chart came");
}

/// axe-core (MPL 2.0) is not part of this repository: `tests/run` gets it. Where `AXE_CORE` says that it lies somewhere, as it does there, it
/// must; anywhere else what an earlier `tests/run` got is taken. None, and a loud word, where there is none.
#[expect(
    clippy::disallowed_methods,
    reason = "where something of others lies is said by the environment"
)]
#[expect(clippy::print_stderr, reason = "who skips says so")]
fn axe() -> Option<String> {
    let gotten = Path::new(env!("CARGO_TARGET_TMPDIR")).join("axe/axe.min.js");
    if let Ok(named) = std::env::var("AXE_CORE") {
        let read = fs::read_to_string(&named);
        return Some(read.unwrap_or_else(|e| {
            panic!("pages are not accessible for all we know: there is no axe-core at {named}: {e}")
        }));
    }
    let read = fs::read_to_string(gotten).ok();
    if read.is_none() {
        eprintln!(
            "NOT TESTED: there is no axe-core, so nothing is known of accessibility; tests/run gets it"
        );
    }
    read
}

const AXE: &str = "const done = arguments[arguments.length - 1];
    axe.run().then((r) => done(r.violations), (e) => done([{ id: String(e), impact: 'critical', nodes: [{}] }]));";

#[tokio::test]
async fn axe_finds_nothing_serious() {
    let Some(axe) = axe() else { return };
    let Some(browser) = Browser::new().await else { return };
    let stage = Stage::new().await;
    let mut faults = Vec::new();
    for (width, dark) in [(1100, false), (1100, true), (400, false)] {
        browser.as_wide(width, dark).await;
        for path in stage.pages().into_iter().chain(stage.files()) {
            browser.client.goto(&format!("http://{}{path}", stage.address)).await.unwrap();
            browser.run(&axe).await;
            let found = browser.client.execute_async(AXE, Vec::new()).await.unwrap();
            for fault in found.as_array().unwrap() {
                if ["serious", "critical"].contains(&fault["impact"].as_str().unwrap_or_default()) {
                    let node = &fault["nodes"][0];
                    faults.push(format!(
                        "{path} {width} dark={dark}: {} {} {}",
                        fault["id"], node["html"], node["failureSummary"]
                    ));
                }
            }
            let said = browser.console().await;
            let real = said.iter().filter(|line| !line.contains("/nope"));
            faults.extend(real.map(|line| format!("{path} on the console: {line}")));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
