//! Browser and HTTP steps in one journey: one jar, one flow, one report.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use wayfarer::model::{FaultKind, StepOutcome};

use super::{
    site::{Asked, Reply, answer},
    stage::{Stage, captured, failed, page, passed},
};

/// A shop with a login that redirects and sets a session cookie no script can see.
fn shop(asked: &Asked) -> Reply {
    let signed_in =
        asked.header("cookie").is_some_and(|cookie| cookie.contains("sid=s3cr3t-session"));
    match (asked.method.as_str(), asked.path.as_str()) {
        ("GET", "/login") => page(
            "<title>Sign in</title><form method=post action=/login><label>Email <input name=user></label>
<label>Password <input name=password type=password></label><button>Sign in</button></form>",
        ),
        ("POST", "/login") if asked.body.contains("password=open+sesame+42") => answer(
            303,
            &["location: /account", "set-cookie: sid=s3cr3t-session; Path=/; HttpOnly; Max-Age=3600"],
            "",
        ),
        ("POST", "/login") => answer(403, &["content-type: text/html"], "<h1>Wrong</h1>"),
        ("POST", "/logout") => answer(204, &["set-cookie: sid=gone; Path=/; Max-Age=0"], ""),
        (_, "/account") if signed_in => page("<title>Account</title><h1>Hello Jo</h1><p data-testid=number>7</p>"),
        (_, "/api/me") if signed_in => answer(200, &["content-type: application/json"], r#"{"name":"Jo"}"#),
        _ => answer(401, &["content-type: text/html"], "<h1>Who are you?</h1>"),
    }
}

const SIGN_IN: &str = r#"
[[step]]
name = "sign in"
[step.browser]
open = "{{base_url}}/login"
do = [
  { type = { label = "Email", text = "jo@example.com" } },
  { type = { label = "Password", text = "{{password}}" } },
  { click = { role = "button", name = "Sign in" } },
  { wait = { url = { ends_with = "/account" } } },
]
[step.capture]
number = { element = { test_id = "number" } }
"#;

#[tokio::test]
async fn a_session_goes_from_the_browser_to_http_and_back() {
    let Some(stage) = Stage::new(shop).await else { return };
    let run = stage
        .walk(&format!(
            r#"{SIGN_IN}
[[step]]
name = "ask the api"
[step.http]
url = "{{{{base_url}}}}/api/me?n={{{{number}}}}"
[step.expect]
status = 401

[[step]]
name = "ask it right"
[step.http]
url = "{{{{base_url}}}}/api/me"
[[step.assert]]
query = {{ jsonpath = "$.name" }}
equals = "Jo"

[[step]]
name = "sign out"
[step.http]
method = "POST"
url = "{{{{base_url}}}}/logout"

[[step]]
name = "see that"
[step.browser]
open = "{{{{base_url}}}}/account"
[step.expect]
status = 401
"#
        ))
        .await;
    passed(&run);
    assert_eq!(captured(&run, "number"), "7");
    let hops: Vec<_> =
        run.steps[0].hops.iter().map(|hop| (hop.method.as_str(), hop.status)).collect();
    assert_eq!(hops, [("GET", Some(200)), ("POST", Some(303)), ("GET", Some(200))]);
}

#[tokio::test]
async fn what_http_signed_in_the_browser_goes_on_with() {
    let Some(stage) = Stage::new(shop).await else { return };
    let run = stage
        .walk(
            r#"
[[step]]
name = "sign in"
[step.http]
method = "POST"
url = "{{base_url}}/login"
form = { user = "jo", password = "{{password}}" }
[[step]]
name = "look"
[step.browser]
open = "{{base_url}}/account"
[[step.assert]]
query = { element = { role = "heading" } }
equals = "Hello Jo"
[[step.assert]]
query = { cookie = "sid", attribute = "http_only" }
equals = true
"#,
        )
        .await;
    passed(&run);
}

#[tokio::test]
async fn the_flow_of_a_journey_holds_for_browser_steps() {
    let asked = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&asked);
    let Some(stage) = Stage::new(move |asked| match asked.path.as_str() {
        "/flaky" if count.fetch_add(1, Ordering::SeqCst) < 1 => {
            answer(503, &["content-type: text/html"], "<h1>Busy</h1>")
        }
        "/flaky" => page("<h1>Fine</h1>"),
        _ => page("<h1>Here</h1>"),
    })
    .await
    else {
        return;
    };
    let run = stage
        .walk(
            r##"
[[step]]
name = "flaky"
retry = { count = 2, delay = "10ms" }
[step.browser]
open = "{{base_url}}/flaky"
[step.capture]
state = { element = { role = "heading" } }

[[step]]
name = "left out"
when = { query = { variable = "state" }, equals = "Busy" }
[step.browser]
open = "{{base_url}}/never"

[[step]]
name = "each"
repeat = { over = ["a", "b"], as = "which" }
[step.browser]
open = "{{base_url}}/{{which}}"

[[step]]
name = "may fail"
optional = true
[step.browser]
patience = "200ms"
do = [{ click = { text = "Nothing" } }]

[[step]]
name = "fails"
[step.browser]
patience = "200ms"
do = [{ click = { text = "{{state}}{{password}}" } }]

[[step]]
name = "not come to"
[step.browser]
open = "{{base_url}}/never"

[[step]]
name = "clean up"
always = true
[step.browser]
open = "{{base_url}}/cleaned"
"##,
        )
        .await;
    let failure = failed(&run, FaultKind::Element);
    assert!(failure.message.contains("no text \"Fine***\" in 200ms"), "{failure:?}");
    let told: Vec<_> = run
        .steps
        .iter()
        .map(|step| (step.name.as_str(), step.outcome, step.iteration, step.retries.len()))
        .collect();
    use StepOutcome as O;
    assert_eq!(
        told,
        [
            ("flaky", O::Passed, None, 1),
            ("left out", O::Skipped, None, 0),
            ("each", O::Passed, Some(1), 0),
            ("each", O::Passed, Some(2), 0),
            ("may fail", O::Failed, None, 0),
            ("fails", O::Failed, None, 0),
            ("not come to", O::Skipped, None, 0),
            ("clean up", O::Passed, None, 0),
        ]
    );
    assert_eq!(run.steps[0].retries[0].status, Some(503));
    let paths: Vec<String> = stage.site.asked().iter().map(|asked| asked.path.clone()).collect();
    assert!(
        paths.contains(&"/cleaned".to_owned()) && !paths.contains(&"/never".to_owned()),
        "{paths:?}"
    );
    assert_eq!(failure.step.as_str(), "fails");
}

#[tokio::test]
async fn a_shared_session_may_be_opened_by_a_browser() {
    let Some(stage) = Stage::new(shop).await else { return };
    let steps = "setup = { use = \"login\" }\n[[step]]\nname = \"ask\"\n[step.http]\nurl = \"{{base_url}}/api/me\"\n";
    let part = SIGN_IN.replace("[[step]]\nname", "\n[[step]]\nname");
    for _ in 0..2 {
        let run = stage.walk_with(&[("login", &part)], steps, Duration::from_secs(30)).await;
        passed(&run);
    }
    let logins = stage.site.asked().iter().filter(|asked| asked.path == "/login").count();
    assert_eq!(logins, 2, "a page and a form, once for both runs");
}
