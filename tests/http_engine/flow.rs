//! Attempts, conditions, rounds, clean-up, parts and matrices, written as a user writes them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use wayfarer::{
    clock::Clock,
    config::{self, SourceFile},
    engine::Ticket,
    model::{FaultKind, Journey, Outcome, Run, StepOutcome, StepRun},
};

use crate::{
    journey::{Values, broken, engine, failed, is_consistent, passed, ticket},
    site::{Asked, Reply, Site, answer},
};

/// The top of a journey.
const HEAD: &str = "name = \"j\"\nenvironments = [\"production\"]\nevery = \"60s\"\n";

/// The journeys of files; `j.toml` gets its top, the others are parts.
pub(crate) fn journeys(files: &[(&str, &str)]) -> Vec<Journey> {
    let main = "[environments.production]\nbase_url = \"http://x.test\"\nvars = { user = \"probe\" }\nsecrets = { password = { env = \"P\" } }\n";
    let main = SourceFile { path: "wayfarer.toml".into(), text: main.into() };
    let file = |(name, text): &(&str, &str)| {
        if *name == "j" {
            return SourceFile { path: "journeys/j.toml".into(), text: format!("{HEAD}{text}") };
        }
        SourceFile { path: format!("journeys/parts/{name}.toml"), text: (*text).to_owned() }
    };
    let files: Vec<SourceFile> = files.iter().map(file).collect();
    config::load(&main, &files).unwrap_or_else(|faults| panic!("{faults}")).journeys
}

/// A ticket for a journey on a site.
pub(crate) fn to(site: &Site, journey: &Arc<Journey>, environment: &str) -> Ticket {
    let url = format!("http://shop.test:{}", site.port());
    let vars = [("base_url", url.as_str()), ("user", "probe")];
    let values = Values { vars: &vars, secrets: &[("password", "hunter22")], ..Values::default() };
    let mut ticket = ticket(Vec::new(), Duration::from_secs(30), &values);
    ticket.journey = Arc::clone(journey);
    Arc::make_mut(&mut ticket.environment).name = environment.into();
    ticket
}

async fn walk(site: &Site, files: &[(&str, &str)]) -> Run {
    let journey = Arc::new(journeys(files).remove(0));
    let run = engine(vec![]).walk(to(site, &journey, "production")).await;
    is_consistent(&run);
    run
}

async fn walk_one(site: &Site, text: &str) -> Run {
    walk(site, &[("j", text)]).await
}

fn names(run: &Run) -> Vec<(&str, StepOutcome)> {
    run.steps.iter().map(|step| (step.name.as_str(), step.outcome)).collect()
}

fn step<'a>(run: &'a Run, name: &str) -> &'a StepRun {
    run.steps.iter().find(|step| step.name.as_str() == name).unwrap()
}

/// A server that counts what it was asked, and answers by that.
async fn counting(reply: impl Fn(usize, &Asked) -> Reply + Send + Sync + 'static) -> Site {
    let asked = AtomicUsize::new(0);
    Site::start(None, move |request| reply(asked.fetch_add(1, Ordering::SeqCst), request)).await
}

fn paths(site: &Site) -> Vec<String> {
    site.asked().into_iter().map(|asked| asked.path).collect()
}

use StepOutcome::{Broken, Failed, Passed, Skipped};

#[tokio::test]
async fn a_poll_keeps_every_attempt_and_is_as_slow_as_all_of_them() {
    let site = counting(|nth, _| match nth {
        0 => answer(503, &[], ""),
        1 => Reply::Later(
            Duration::from_millis(40),
            b"HTTP/1.1 200 OK\r\ncontent-length: 15\r\n\r\n{\"state\":\"busy\"}"[..54].to_vec(),
        ),
        _ => answer(200, &[], r#"{"state":"done","id":7}"#),
    })
    .await;
    let began = Clock.instant();
    let run = walk_one(
        &site,
        r#"
[[step]]
name = "poll"
retry = { count = 5, delay = "60ms", backoff = 2.0, until = { query = { jsonpath = "$.state" }, equals = "done" } }
[step.http]
url = "{{base_url}}/state"
[step.capture]
id = { jsonpath = "$.id" }

[[step]]
name = "look"
[step.http]
url = "{{base_url}}/{{id}}"
"#,
    )
    .await;
    passed(&run);
    let waited = Duration::from_millis(60 + 120);
    let elapsed = began.elapsed();
    let poll = step(&run, "poll");
    let statuses: Vec<_> = poll.retries.iter().map(|attempt| attempt.status).collect();
    assert_eq!(statuses, [Some(503), Some(200)]);
    assert_eq!(poll.retries[0].reason, "expected a 2xx status, got 503");
    assert!(poll.retries[1].reason.starts_with("until jsonpath $.state equals"), "{poll:?}");
    assert!(poll.duration >= Duration::from_millis(40), "the slow attempt counts");
    assert!(poll.duration + waited <= elapsed, "our own waits do not: {poll:?}");
    assert_eq!(poll.hops.len(), 1);
    assert_eq!(poll.assertions.last().unwrap().check, "until jsonpath $.state equals \"done\"");
    assert_eq!(paths(&site), ["/state", "/state", "/state", "/7"]);
}

#[tokio::test]
async fn what_never_comes_fails_with_its_last_attempt() {
    let site = counting(|_, _| answer(200, &[], r#"{"state":"busy"}"#)).await;
    let poll = r#"
[[step]]
name = "poll"
retry = { count = 2, delay = "1ms", until = { query = { jsonpath = "$.state" }, equals = "done" } }
[step.http]
url = "{{base_url}}/state"
"#;
    let run = walk_one(&site, poll).await;
    let failure = failed(&run, FaultKind::Assertion);
    assert!(failure.message.ends_with("got \"busy\" (the last of 3 attempts)"), "{failure:?}");
    assert_eq!(failure.check.as_deref(), Some("until jsonpath $.state equals \"done\""));
    assert_eq!(step(&run, "poll").retries.len(), 2);
    // The deadline holds over all attempts and the waits between them.
    let late = poll.replace("name = \"poll\"", "name = \"poll\"\ntimeout = \"150ms\"");
    let run = walk_one(&site, &late.replace("\"1ms\"", "\"100ms\"")).await;
    let failure = failed(&run, FaultKind::Assertion);
    assert!(
        failure.message.ends_with(
            "(the last of 2 attempts); the step's deadline of 150ms leaves no time for another attempt"
        ),
        "{failure:?}"
    );
}

#[tokio::test]
async fn without_until_a_step_is_tried_until_it_passes_and_a_broken_one_is_not() {
    let site = counting(|nth, _| if nth < 2 { Reply::Reset } else { answer(204, &[], "") }).await;
    let run = walk_one(
        &site,
        "[[step]]\nname = \"a\"\nretry = { count = 3, delay = \"1ms\" }\n[step.http]\nurl = \"{{base_url}}/\"\n",
    )
    .await;
    passed(&run);
    assert_eq!(step(&run, "a").retries.len(), 2);
    let run = walk_one(
        &site,
        "[[step]]\nname = \"a\"\nretry = { count = 3, delay = \"1ms\" }\n[step.http]\nurl = \"{{user}}/\"\n",
    )
    .await;
    assert!(broken(&run).starts_with("step a: "), "{run:?}");
    assert!(step(&run, "a").retries.is_empty());
}

#[tokio::test]
async fn a_hanging_attempt_ends_with_the_deadline_of_all() {
    let site =
        counting(|nth, _| if nth == 0 { answer(500, &[], "") } else { Reply::Hang(Vec::new()) })
            .await;
    let run = walk_one(
        &site,
        "timeout = \"300ms\"\n[[step]]\nname = \"a\"\nretry = { count = 3, delay = \"10ms\" }\n[step.http]\nurl = \"{{base_url}}/\"\n",
    )
    .await;
    let failure = failed(&run, FaultKind::Timeout);
    assert!(failure.message.starts_with("the journey's deadline of 300ms passed"), "{failure:?}");
    assert_eq!(step(&run, "a").retries.len(), 1);
}

#[tokio::test]
async fn every_element_of_a_captured_list_is_a_round() {
    let site = counting(|_, asked| match asked.path.as_str() {
        "/ids" => answer(200, &[], r#"{"ids":["a",2,"c","d"],"none":[],"text":"x"}"#),
        _ => answer(200, &[], ""),
    })
    .await;
    let list = |over: &str| {
        format!(
            r#"
[[step]]
name = "list"
[step.http]
url = "{{{{base_url}}}}/ids"
[step.capture]
ids = {{ jsonpath = "$.{over}" }}

[[step]]
name = "each"
repeat = {{ over = "{{{{ids}}}}", as = "id", most = 3 }}
[step.http]
url = "{{{{base_url}}}}/item/{{{{id}}}}"
"#
        )
    };
    let run = walk_one(&site, &list("ids")).await;
    passed(&run);
    let rounds: Vec<_> = run.steps.iter().skip(1).map(|s| (s.name.as_str(), s.iteration)).collect();
    assert_eq!(rounds, [("each", Some(1)), ("each", Some(2)), ("each", Some(3))]);
    assert_eq!(paths(&site), ["/ids", "/item/a", "/item/2", "/item/c"]);
    let run = walk_one(&site, &list("none")).await;
    passed(&run);
    assert_eq!(names(&run), [("list", Passed), ("each", Skipped)]);
    let run = walk_one(&site, &list("text")).await;
    assert_eq!(failed(&run, FaultKind::Template).message, "`repeat.over` is not a JSON array: x");
}

#[tokio::test]
async fn an_optional_step_fails_without_the_run_and_what_it_did_not_capture_is_named() {
    let site = counting(|_, asked| match asked.path.as_str() {
        "/optional" => answer(500, &[], ""),
        _ => answer(200, &[], "{}"),
    })
    .await;
    let run = walk_one(
        &site,
        r#"
[[step]]
name = "maybe"
optional = true
[step.http]
url = "{{base_url}}/optional"
[step.capture]
plan = { jsonpath = "$.plan" }

[[step]]
name = "sure"
[step.http]
url = "{{base_url}}/{{default plan 'none'}}"
"#,
    )
    .await;
    passed(&run);
    assert_eq!(names(&run), [("maybe", Failed), ("sure", Passed)]);
    let failure = step(&run, "maybe").failure.as_ref().unwrap();
    assert_eq!(failure.kind, FaultKind::Status);
    assert_eq!(paths(&site), ["/optional", "/none"]);
}

#[tokio::test]
async fn a_condition_on_a_capture_decides_whether_a_step_is_walked() {
    let plan = |plan: &'static str| {
        counting(move |_, asked| match asked.path.as_str() {
            "/me" => answer(200, &[], format!("{{\"plan\":\"{plan}\"}}")),
            "/maybe" => answer(500, &[], ""),
            _ => answer(200, &[], r#"{"id":"x1"}"#),
        })
    };
    let journey = r#"
[[step]]
name = "me"
[step.http]
url = "{{base_url}}/me"
[step.capture]
plan = { jsonpath = "$.plan" }

[[step]]
name = "pro page"
when = { query = { variable = "plan" }, equals = "pro" }
[step.http]
url = "{{base_url}}/pro"
[step.capture]
id = { jsonpath = "$.id" }

[[step]]
name = "pro item"
when = { query = { variable = "plan" }, equals = "pro" }
[step.http]
url = "{{base_url}}/pro/{{id}}"

[[step]]
name = "maybe"
optional = true
[step.http]
url = "{{base_url}}/maybe"
[step.capture]
coupon = { jsonpath = "$.id" }

[[step]]
name = "coupon"
when = { query = { variable = "coupon" }, exists = true }
[step.http]
url = "{{base_url}}/coupon/{{coupon}}"

[[step]]
name = "no coupon"
when = { query = { variable = "coupon" }, exists = false }
[step.http]
url = "{{base_url}}/none"
"#;
    let site = plan("pro").await;
    let run = walk_one(&site, journey).await;
    passed(&run);
    assert_eq!(paths(&site), ["/me", "/pro", "/pro/x1", "/maybe", "/none"]);
    let site = plan("free").await;
    let run = walk_one(&site, journey).await;
    passed(&run);
    assert_eq!(
        names(&run),
        [
            ("me", Passed),
            ("pro page", Skipped),
            ("pro item", Skipped),
            ("maybe", Failed),
            ("coupon", Skipped),
            ("no coupon", Passed),
        ]
    );
}

const CLEAN_UP: &str = r#"
timeout = "250ms"
[[step]]
name = "order"
[step.http]
url = "{{base_url}}/order"
[step.capture]
order = { jsonpath = "$.id" }

[[step]]
name = "pay"
[step.http]
url = "{{base_url}}/pay"
[step.capture]
bill = { jsonpath = "$.id" }

[[step]]
name = "look"
[step.http]
url = "{{base_url}}/look"

[[step]]
name = "delete the bill"
always = true
[step.http]
method = "DELETE"
url = "{{base_url}}/bill/{{bill}}"

[[step]]
name = "delete the order"
always = true
[step.http]
method = "DELETE"
url = "{{base_url}}/order/{{order}}"

[[step]]
name = "sign out"
always = true
[step.http]
url = "{{base_url}}/out"
"#;

#[tokio::test]
async fn clean_up_happens_after_a_failure_and_does_not_hide_it() {
    let site = counting(|_, asked| match asked.path.as_str() {
        "/order" => answer(200, &[], r#"{"id":"o1"}"#),
        "/pay" => answer(402, &[], ""),
        "/order/o1" => answer(500, &[], ""),
        _ => answer(200, &[], ""),
    })
    .await;
    let run = walk_one(&site, CLEAN_UP).await;
    let failure = failed(&run, FaultKind::Status);
    assert_eq!((failure.step.as_str(), failure.actual.as_deref()), ("pay", Some("402")));
    assert_eq!(
        names(&run),
        [
            ("order", Passed),
            ("pay", Failed),
            ("look", Skipped),
            // Nothing was captured that it could delete.
            ("delete the bill", Skipped),
            ("delete the order", Failed),
            ("sign out", Passed),
        ]
    );
    assert_eq!(run.ended_at(), Some(1));
    let second = step(&run, "delete the order").failure.as_ref().unwrap();
    assert_eq!(second.actual.as_deref(), Some("500"));
    assert_eq!(paths(&site), ["/order", "/pay", "/order/o1", "/out"]);
    assert!(run.evidence.unwrap().curl.contains("/pay "));
}

#[tokio::test]
async fn clean_up_happens_after_the_deadline_and_after_our_own_trouble() {
    let site = counting(|_, asked| match asked.path.as_str() {
        "/order" => answer(200, &[], r#"{"id":"o1"}"#),
        "/pay" => Reply::Hang(Vec::new()),
        _ => Reply::Later(
            Duration::from_millis(100),
            b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_vec(),
        ),
    })
    .await;
    let run = walk_one(&site, CLEAN_UP).await;
    let failure = failed(&run, FaultKind::Timeout);
    assert_eq!(failure.step.as_str(), "pay");
    assert_eq!(step(&run, "delete the order").outcome, Passed);
    assert_eq!(step(&run, "sign out").outcome, Passed);
    let mut journey = journeys(&[("j", CLEAN_UP)]).remove(0);
    if let wayfarer::model::Action::Http(http) = &mut journey.steps[1].action {
        http.url = "nowhere".into();
    }
    let run = engine(vec![]).walk(to(&site, &Arc::new(journey), "production")).await;
    assert!(broken(&run).starts_with("step pay: "), "{run:?}");
    assert_eq!(step(&run, "pay").outcome, Broken);
    assert_eq!(step(&run, "delete the order").outcome, Passed);
    assert_eq!(step(&run, "delete the bill").outcome, Skipped);
}

#[tokio::test]
async fn clean_up_goes_on_with_the_other_rounds() {
    let site = counting(|_, asked| match asked.path.as_str() {
        "/start" => answer(200, &[], r#"{"ids":["a","b","c"]}"#),
        "/fail" | "/item/b" => answer(500, &[], ""),
        _ => answer(200, &[], ""),
    })
    .await;
    let run = walk_one(
        &site,
        r#"
[[step]]
name = "start"
[step.http]
url = "{{base_url}}/start"
[step.capture]
ids = { jsonpath = "$.ids" }
[[step]]
name = "fail"
[step.http]
url = "{{base_url}}/fail"
[[step]]
name = "delete"
always = true
repeat = { over = "{{ids}}", as = "id" }
[step.http]
url = "{{base_url}}/item/{{id}}"
"#,
    )
    .await;
    assert_eq!(failed(&run, FaultKind::Status).step.as_str(), "fail");
    assert_eq!(names(&run)[2..], [("delete", Passed), ("delete", Failed), ("delete", Passed)]);
    assert!(run.steps[3].failure.is_some());
}

#[tokio::test]
async fn a_delay_is_waited_and_is_in_no_duration() {
    let site = counting(|_, _| answer(200, &[], "")).await;
    let began = Clock.instant();
    let run = walk_one(
        &site,
        "[[step]]\nname = \"a\"\ndelay = \"150ms\"\n[step.http]\nurl = \"{{base_url}}/\"\n",
    )
    .await;
    passed(&run);
    assert!(run.duration + Duration::from_millis(150) <= began.elapsed(), "{run:?}");
    assert!(run.steps[0].offset >= Duration::from_millis(150));
    // The journey's deadline goes on meanwhile.
    let run = walk_one(
        &site,
        "timeout = \"200ms\"\n[[step]]\nname = \"a\"\ndelay = \"150ms\"\n[step.http]\nurl = \"{{base_url}}/\"\n[[step]]\nname = \"b\"\ndelay = \"150ms\"\n[step.http]\nurl = \"{{base_url}}/\"\n",
    )
    .await;
    assert_eq!(failed(&run, FaultKind::Timeout).step.as_str(), "b");
}

const LOGIN: &str = r#"
inputs = ["name", "password"]
outputs = ["token"]

[[step]]
name = "open page"
[step.http]
url = "{{base_url}}/login"
[step.capture]
csrf = { regex = "csrf=(\\w+)", secret = true }

[[step]]
name = "send"
[step.http]
method = "POST"
url = "{{base_url}}/login"
form = { name = "{{name}}", password = "{{password}}", csrf = "{{csrf}}" }
[step.capture]
token = { jsonpath = "$.token", secret = true }
"#;

const WITH_LOGIN: &str = r#"
vars = { own = "1" }
[[step]]
use = "login"
with = { name = "{{user}}-{{own}}", password = "{{password}}" }

[[step]]
name = "account"
[step.http]
url = "{{base_url}}/account"
headers = { authorization = "Bearer {{token}}" }
"#;

async fn with_login() -> Site {
    Site::start(None, |asked| match (asked.method.as_str(), asked.path.as_str()) {
        ("GET", "/login") => answer(200, &["set-cookie: sid=s3ss10n1d; Path=/"], "csrf=c5rf70k3n"),
        ("POST", "/login") if asked.body == "name=probe-1&password=hunter22&csrf=c5rf70k3n" => {
            answer(200, &[], r#"{"token":"t0k3n-value"}"#)
        }
        _ if asked.header("authorization") == Some("Bearer t0k3n-value") => {
            answer(200, &[], "csrf=c5rf70k3n")
        }
        _ => answer(401, &[], "csrf=c5rf70k3n"),
    })
    .await
}

#[tokio::test]
async fn a_part_is_walked_in_a_scope_of_its_own() {
    let site = with_login().await;
    let run = walk(&site, &[("j", WITH_LOGIN), ("login", LOGIN)]).await;
    passed(&run);
    assert_eq!(
        names(&run),
        [("login: open page", Passed), ("login: send", Passed), ("account", Passed)]
    );
    let json = serde_json::to_string(&run).unwrap();
    assert!(!json.contains("t0k3n-value") && !json.contains("c5rf70k3n"), "{json}");
    // A part within a part, and the names they get.
    let outer = "outputs = [\"token\"]\n[[step]]\nuse = \"login\"\nwith = { name = \"{{user}}-1\", password = \"{{password}}\" }\n";
    let used = WITH_LOGIN.replace(
        "use = \"login\"\nwith = { name = \"{{user}}-{{own}}\", password = \"{{password}}\" }",
        "name = \"begin\"\nuse = \"session\"",
    );
    let run = walk(&site, &[("j", &used), ("login", LOGIN), ("session", outer)]).await;
    passed(&run);
    assert_eq!(run.steps[0].name.as_str(), "begin: login: open page");
}

#[tokio::test]
async fn a_part_that_fails_ends_the_run_at_its_step() {
    let site = with_login().await;
    let wrong = WITH_LOGIN.replace("{{user}}-{{own}}", "nobody");
    let run = walk(&site, &[("j", &wrong), ("login", LOGIN)]).await;
    let failure = failed(&run, FaultKind::Status);
    assert_eq!(failure.step.as_str(), "login: send");
    assert_eq!(
        names(&run),
        [("login: open page", Passed), ("login: send", Failed), ("account", Skipped)]
    );
    // Optional as a whole, its outputs are missing with a reason.
    let optional = wrong
        .replace("use = \"login\"", "use = \"login\"\noptional = true")
        .replace("Bearer {{token}}", "Bearer {{default token 'none'}}");
    let run = walk(&site, &[("j", &optional), ("login", LOGIN)]).await;
    assert_eq!(failed(&run, FaultKind::Status).step.as_str(), "account");
    assert!(step(&run, "login: send").failure.is_some());
}

#[tokio::test]
async fn the_deadline_of_a_part_holds_over_all_of_its_steps() {
    let site = counting(|_, _| {
        Reply::Later(
            Duration::from_millis(120),
            b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_vec(),
        )
    })
    .await;
    let part = "[[step]]\nname = \"a\"\n[step.http]\nurl = \"{{base_url}}/a\"\n[[step]]\nname = \"b\"\n[step.http]\nurl = \"{{base_url}}/b\"\n";
    let run =
        walk(&site, &[("j", "[[step]]\nuse = \"two\"\ntimeout = \"200ms\"\n"), ("two", part)])
            .await;
    let failure = failed(&run, FaultKind::Timeout);
    assert_eq!(failure.step.as_str(), "two: b");
    assert!(failure.message.starts_with("the part's deadline of 200ms passed"), "{failure:?}");
}

#[tokio::test]
async fn a_matrix_makes_a_journey_of_each_combination() {
    let all = journeys(&[(
        "j",
        "matrix = { country = [\"de\", \"fr\"] }\n[[step]]\nname = \"a\"\n[step.http]\nurl = \"{{base_url}}/{{country}}/{{journey}}\"\n",
    )]);
    let names: Vec<_> = all.iter().map(|journey| journey.name.as_str()).collect();
    assert_eq!(names, ["j-de", "j-fr"]);
    assert_ne!(all[0].revision, all[1].revision);
    let site = counting(|_, _| answer(200, &[], "")).await;
    for journey in all {
        let run = engine(vec![]).walk(to(&site, &Arc::new(journey), "production")).await;
        assert_eq!(run.outcome, Outcome::Passed);
    }
    assert_eq!(paths(&site), ["/de/j-de", "/fr/j-fr"]);
}
