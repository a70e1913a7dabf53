//! What is kept of pages that failed: pictures, document, console, requests; and what `wayfarer run` makes of it.

use std::{
    fs,
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::Value;
use wayfarer::model::{FaultKind, PageEvidence, Picture, Run};

use super::{
    site::{Asked, Reply, answer},
    stage::{Stage, failed, page},
};

const FORM: &str = r#"<!doctype html><title>Sign in</title><h1>Sign in</h1>
<form><label>Name <input name=user></label><label>Password <input type=password value="typed before"></label><button type=button>Go</button></form>
<script>console.error('it is 500 today'); fetch('/api/broken'); fetch('/api/broken?token=open+sesame+42');</script>"#;

fn site(asked: &Asked) -> Reply {
    match asked.path.as_str() {
        path if path.starts_with("/api/broken") => {
            answer(500, &["content-type: text/plain"], "broken")
        }
        "/endless.png" => Reply::Later(Duration::from_secs(20), Vec::new()),
        "/half" => page("<h1>Half a page</h1><img src=/endless.png>"),
        _ => page(FORM),
    }
}

fn shown(run: &Run) -> &PageEvidence {
    let evidence =
        run.evidence.as_ref().unwrap_or_else(|| panic!("no evidence: {:?}", run.outcome));
    evidence.page.as_ref().unwrap()
}

fn is_jpeg(picture: &Picture) -> bool {
    picture.media_type == "image/jpeg"
        && BASE64_STANDARD.decode(&picture.data).unwrap().starts_with(&[0xff, 0xd8])
}

#[tokio::test]
async fn a_failed_step_shows_its_page_without_what_is_secret() {
    let Some(stage) = Stage::new(site).await else { return };
    let run = stage
        .walk(
            r#"
[[step]]
name = "look"
[step.browser]
open = "{{base_url}}/form"
[[step]]
name = "sign in"
[step.browser]
patience = "300ms"
do = [
  { type = { label = "Name", text = "{{password}}" } },
  { type = { label = "Password", text = "{{password}}" } },
  { screenshot = "filled" },
  { click = { role = "button", name = "Enter" } },
]
"#,
        )
        .await;
    failed(&run, FaultKind::Element);
    let page = shown(&run);
    let pictures: Vec<_> =
        page.pictures.iter().map(|p| (p.step.as_str(), p.name.as_str())).collect();
    assert_eq!(pictures, [("look", "end"), ("sign in", "filled"), ("sign in", "failure")]);
    assert!(page.pictures.iter().all(is_jpeg));
    assert!(page.url.ends_with("/form") && page.title == "Sign in", "{page:?}");
    let dom = page.dom.as_deref().unwrap();
    assert!(
        dom.contains("<h1>Sign in</h1>") && dom.contains("***") && !dom.contains("typed before"),
        "{dom}"
    );
    let errors: Vec<_> = page.console.iter().filter(|m| m.source == "console-api").collect();
    assert!(errors.len() == 1 && errors[0].text.contains("it is 500 today"), "{:?}", page.console);
    assert_eq!(page.requests.iter().filter(|request| request.status == Some(500)).count(), 2);
    assert!(
        page.requests.iter().any(|request| request.url.ends_with("token=***")),
        "{:?}",
        page.requests
    );
    let actions: Vec<_> =
        page.actions.iter().map(|a| (a.step.as_str(), a.failure.is_some())).collect();
    assert_eq!(
        actions,
        [
            ("look", false),
            ("sign in", false),
            ("sign in", false),
            ("sign in", false),
            ("sign in", true)
        ]
    );
    assert!(
        page.actions[4].failure.as_ref().unwrap().contains("no button \"Enter\""),
        "{:?}",
        page.actions[4]
    );
}

#[tokio::test]
async fn a_page_that_never_ends_is_shown_as_far_as_it_came() {
    let Some(stage) = Stage::new(site).await else { return };
    let began = Instant::now();
    let run = stage
        .walk("[[step]]\nname = \"open\"\ntimeout = \"3s\"\n[step.browser]\nopen = \"{{base_url}}/half\"\n")
        .await;
    failed(&run, FaultKind::Timeout);
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    let page = shown(&run);
    assert_eq!(page.pictures.iter().map(|p| p.name.as_str()).collect::<Vec<_>>(), ["failure"]);
    assert!(page.dom.as_ref().is_some_and(|dom| dom.contains("Half a page")));
    let endless =
        page.requests.iter().find(|request| request.url.ends_with("/endless.png")).unwrap();
    assert!(endless.unfinished && endless.status.is_none(), "{endless:?}");
}

#[tokio::test]
async fn a_page_that_hangs_or_crashed_shows_nothing_and_still_fails() {
    let Some(stage) = Stage::new(|asked: &Asked| match asked.path.as_str() {
        "/hang" => page("<h1>Hang</h1><script>setTimeout(() => { const x = new XMLHttpRequest(); x.open('GET', '/endless', false); x.send(); }, 200)</script>"),
        "/endless" => Reply::Later(Duration::from_secs(25), Vec::new()),
        _ => page("<h1>Here</h1>"),
    })
    .await
    else {
        return;
    };
    let began = Instant::now();
    let run = stage
        .walk("[[step]]\nname = \"open\"\ntimeout = \"4s\"\n[step.browser]\nopen = \"{{base_url}}/hang\"\ndo = [{ wait = { text = \"never\" } }]\n")
        .await;
    failed(&run, FaultKind::Timeout);
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
}

/// The second time it is asked the shop has no button.
#[tokio::test]
async fn the_command_writes_a_page_with_the_last_good_picture_and_a_har() {
    let asked = AtomicU32::new(0);
    let Some(stage) = Stage::new(move |of: &Asked| match of.path.as_str() {
        "/shop" if asked.fetch_add(1, Ordering::SeqCst) == 0 => {
            page("<h1>Shop</h1><button>Buy</button>")
        }
        "/shop" => page(
            "<h1>Shop</h1><p>sold out</p><script>console.error('</script><img src=x>')</script>",
        ),
        _ => answer(404, &["content-type: text/plain"], "no"),
    })
    .await
    else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let settings =
        format!("[environments.here]\nbase_url = \"http://127.0.0.1:{}\"\n", stage.site.port());
    fs::create_dir(folder.path().join("journeys")).unwrap();
    fs::write(folder.path().join("wayfarer.toml"), settings).unwrap();
    let journey = r#"
name = "shop"
environments = ["here"]
every = "1h"
[[step]]
name = "buy"
[step.browser]
open = "{{base_url}}/shop"
patience = "200ms"
do = [{ click = { role = "button", name = "Buy" } }]
"#;
    fs::write(folder.path().join("journeys/shop.toml"), journey).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_wayfarer"));
    command.current_dir(&folder).args([
        "run",
        "shop",
        "--repeat",
        "2",
        "--evidence",
        "kept",
        "--har",
        "shop.har",
    ]);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(4), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("1 request") && said.contains("evidence  kept/shop-"), "{said}");

    let mut pages: Vec<_> =
        fs::read_dir(folder.path().join("kept")).unwrap().map(|e| e.unwrap().path()).collect();
    pages.sort();
    assert_eq!(pages.len(), 2, "{pages:?}");
    let html = fs::read_to_string(&pages[1]).unwrap();
    assert_eq!(
        html.matches("<img src=\"data:image/jpeg;base64,").count(),
        2,
        "the failure beside the good run"
    );
    assert!(
        html.contains("when it failed")
            && html.contains("the last good run")
            && !html.contains("<script")
    );
    assert!(
        html.contains("sold out") && html.contains("&lt;img src&#x3D;"),
        "the document is text"
    );

    let har: Value =
        serde_json::from_str(&fs::read_to_string(folder.path().join("shop.har")).unwrap()).unwrap();
    let entries = har["log"]["entries"].as_array().unwrap();
    let told: Vec<_> = entries
        .iter()
        .map(|e| (e["response"]["status"].as_u64(), e["_resourceType"].as_str()))
        .collect();
    assert_eq!(
        told,
        [(Some(200), Some("document")), (Some(200), Some("document")), (Some(404), Some("image"))]
    );
    assert_eq!(har["log"]["pages"].as_array().map(Vec::len), Some(2));
}
