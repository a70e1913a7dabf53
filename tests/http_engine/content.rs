//! Redirects, cookies, bodies, captures, assertions.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use wayfarer::model::{
    Body, FaultKind, Literal, Outcome, Predicate, Query, Step, StepOutcome, Text,
};

use crate::{
    journey::{Values, With, broken, engine, failed, get, hops, passed, status, walk, walk_with},
    site::{Asked, Reply, Site, answer},
};

fn shop(site: &Site, path: &str) -> Step {
    get(format!("http://shop.test:{}{path}", site.port()))
}

#[tokio::test]
async fn redirects_are_followed_hop_by_hop() {
    let site = Site::start(None, |asked| match asked.path.as_str() {
        "/login" if asked.method == "POST" => {
            answer(303, &["location: account?x=1#top", "set-cookie: sid=abc; HttpOnly"], "bye")
        }
        "/account?x=1" => answer(302, &["location: /done"], ""),
        "/done" if asked.header("cookie") == Some("sid=abc") => answer(200, &[], "welcome"),
        _ => answer(500, &[], ""),
    })
    .await;
    let step = shop(&site, "/login")
        .post(Body::Form(vec![("user".to_owned(), Text::from("a b&c"))]))
        .expect(Query::redirects(), status(2.0))
        .expect(Query::url(), Predicate::EndsWith(Text::from("/done")))
        .expect(Query::cookie("sid"), Predicate::Exists(true))
        .expect(Query::body(), Predicate::Equals(Literal::Text(Text::from("welcome"))));
    let run = walk(&engine(vec![]), vec![step]).await;
    passed(&run);
    let walked: Vec<_> = hops(&run).iter().map(|h| (h.method.clone(), h.status.unwrap())).collect();
    let expected = [("POST", 303), ("GET", 302), ("GET", 200)].map(|(m, s)| (m.to_owned(), s));
    assert_eq!(walked, expected);
    let asked = site.asked();
    assert_eq!(asked[0].body, "user=a+b%26c");
    assert_eq!(asked[0].header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!((asked[1].body.as_str(), asked[1].header("content-type")), ("", None));
    assert!(asked[0].header("user-agent").unwrap().starts_with("Wayfarer/"));
    assert_eq!(asked[0].header("accept-encoding"), Some("gzip, deflate, br, zstd"));
    // The first assertion of the list is the one nobody wrote.
    assert_eq!(run.steps[0].assertions[0].check, "status");
}

#[tokio::test]
async fn redirects_that_lead_nowhere_fail() {
    let site = Site::start(None, |asked: &Asked| match asked.path.as_str() {
        "/circle" => answer(302, &["location: /circle2"], ""),
        "/circle2" => answer(302, &["location: /circle"], ""),
        "/none" => answer(302, &[], ""),
        "/ftp" => answer(302, &["location: ftp://x/"], ""),
        "/cookie" if asked.header("cookie").is_none() => {
            answer(302, &["location: /cookie", "set-cookie: seen=1"], "")
        }
        "/cookie" => answer(200, &[], ""),
        path => {
            let n: u32 = path[1..].parse().unwrap();
            answer(302, &[&format!("location: /{}", n + 1)], "")
        }
    })
    .await;
    let engine = engine(vec![]);
    for (path, part, requests) in [
        ("/circle", "more than 10 redirects, in a circle: http://shop.test:", 11),
        ("/none", "no Location", 1),
        ("/ftp", "its scheme is `ftp`", 1),
        ("/1", "more than 10 redirects", 11),
    ] {
        let run = walk(&engine, vec![shop(&site, path)]).await;
        let failure = failed(&run, FaultKind::Redirect);
        assert!(failure.message.contains(part), "{}", failure.message);
        assert_eq!(hops(&run).len(), requests, "{path}");
        assert_eq!(run.evidence.as_ref().unwrap().exchanges.len(), requests);
    }
    passed(&walk(&engine, vec![shop(&site, "/cookie")]).await);
}

#[tokio::test]
async fn a_server_that_warms_up_redirects_to_the_same_address() {
    let visits = AtomicUsize::new(0);
    let site = Site::start(None, move |_| {
        if visits.fetch_add(1, Ordering::SeqCst) < 3 {
            answer(302, &["location: /"], "")
        } else {
            answer(200, &[], "warm")
        }
    })
    .await;
    let step = shop(&site, "/").expect(Query::redirects(), status(3.0));
    passed(&walk(&engine(vec![]), vec![step]).await);
}

#[tokio::test]
async fn a_redirect_that_is_not_followed_is_judged_by_what_is_expected() {
    let site = Site::start(None, |_| answer(303, &["location: /account"], "")).await;
    let engine = engine(vec![]);
    let none = |step: Step| step.http(|http| http.redirects = 0);
    let expected = none(shop(&site, "/"))
        .expect(Query::status(), status(303.0))
        .expect(Query::header("location"), Predicate::EndsWith(Text::from("/account")));
    passed(&walk(&engine, vec![expected]).await);
    let run = walk(&engine, vec![none(shop(&site, "/"))]).await;
    let failure = failed(&run, FaultKind::Status);
    assert_eq!(failure.expected.as_deref(), Some("2xx"));
    assert_eq!(failure.actual.as_deref(), Some("303"));
}

#[tokio::test]
async fn credentials_stay_with_their_host() {
    let other = Site::start(None, |_| answer(200, &[], "")).await;
    let port = other.port();
    let site = Site::start(None, move |asked| {
        if asked.path == "/here" {
            return answer(302, &["location: /there", "set-cookie: sid=abc"], "");
        }
        answer(302, &[&format!("location: http://other.test:{port}/")], "")
    })
    .await;
    let step = shop(&site, "/here")
        .header("Authorization", "Bearer {{token}}")
        .header("Cookie", "mine=1")
        .header("X-Api-Key", "{{token}}")
        .header("X-Plain", "1");
    let values = Values { secrets: &[("token", "t0ps3cret")], ..Values::default() };
    let run = walk_with(&engine(vec![]), vec![step], &values).await;
    passed(&run);
    let there = &site.asked()[1];
    assert_eq!(there.header("authorization"), Some("Bearer t0ps3cret"));
    assert_eq!(there.header("cookie"), Some("mine=1; sid=abc"));
    let leaked = &other.asked()[0];
    for name in ["authorization", "cookie", "x-api-key"] {
        assert_eq!(leaked.header(name), None, "{name}");
    }
    assert_eq!(leaked.header("x-plain"), Some("1"));
}

#[tokio::test]
async fn json_forms_and_queries_are_templates() {
    let site = Site::start(None, |_| answer(201, &[], r#"{"id":"o-1","n":[1,2,3]}"#)).await;
    let order = shop(&site, "/orders?a=1")
        .http(|http| http.query.push(("q".to_owned(), Text::from("{{user}} & co"))))
        .post(Body::Json(json!({"user": "{{user}}", "n": 2, "tags": ["{{user}}", true]})))
        .capture("order", Query::json_path("$.id"), false)
        .expect(Query::status(), status(201.0));
    let text = shop(&site, "/{{order}}").post(Body::Text(Text::from("<{{order}}>")));
    let values = Values { vars: &[("user", "a\"b")], ..Values::default() };
    let run = walk_with(&engine(vec![]), vec![order, text], &values).await;
    passed(&run);
    let asked = site.asked();
    assert_eq!(asked[0].path, "/orders?a=1&q=a%22b+%26+co");
    assert_eq!(asked[0].body, r#"{"user":"a\"b","n":2,"tags":["a\"b",true]}"#);
    assert_eq!(asked[0].header("content-type"), Some("application/json"));
    assert_eq!((asked[1].path.as_str(), asked[1].body.as_str()), ("/o-1", "<o-1>"));
    assert_eq!(run.steps[0].captures, vec![("order".to_owned(), "o-1".to_owned())]);
}

#[tokio::test]
async fn a_token_in_a_form_is_captured_and_sent_back() {
    let site = Site::start(None, |asked| match (asked.method.as_str(), asked.path.as_str()) {
        ("GET", "/login") => answer(
            200,
            &["content-type: text/html", "set-cookie: sid=1; Path=/"],
            "<form><input name=\"csrf\" value=\"tok&amp;en\"></form>",
        ),
        ("POST", "/login") if asked.body == "csrf=tok%26en" => answer(200, &[], "in"),
        _ => answer(403, &[], ""),
    })
    .await;
    let csrf = Query::css_attribute("input[name=csrf]", "value");
    let steps = vec![
        shop(&site, "/login").named("open").capture("csrf", csrf, true),
        shop(&site, "/login")
            .named("sign in")
            .post(Body::Form(vec![("csrf".to_owned(), Text::from("{{csrf}}"))])),
    ];
    let run = walk(&engine(vec![]), steps).await;
    passed(&run);
    assert_eq!(run.steps[0].captures, vec![("csrf".to_owned(), "***".to_owned())]);
}

#[tokio::test]
async fn a_failed_step_is_the_last() {
    let site = Site::start(None, |asked| {
        answer(if asked.path == "/bad" { 500 } else { 200 }, &["x-a: 1"], "<h1>sorry</h1>")
    })
    .await;
    let steps = vec![
        shop(&site, "/good").named("first"),
        shop(&site, "/bad").named("second").expect(Query::body(), Predicate::Exists(true)),
        shop(&site, "/good").named("third"),
    ];
    let run = walk(&engine(vec![]), steps).await;
    let failure = failed(&run, FaultKind::Status);
    assert_eq!(failure.step.as_str(), "second");
    assert_eq!(failure.message, "expected a 2xx status, got 500");
    assert_eq!(run.steps.len(), 3);
    assert_eq!(run.steps[2].outcome, StepOutcome::Skipped);
    assert_eq!(run.steps[1].assertions.len(), 2);
    let evidence = run.evidence.as_ref().unwrap();
    assert_eq!(evidence.exchanges[0].response_body.as_deref(), Some("<h1>sorry</h1>"));
    assert!(evidence.curl.contains(&format!("curl -i http://shop.test:{}/bad", site.port())));
    assert_eq!(site.asked().len(), 2);
}

#[tokio::test]
async fn a_capture_that_finds_nothing_fails_the_step() {
    let site = Site::start(None, |_| answer(200, &[], r#"{"a":1}"#)).await;
    let step = shop(&site, "/")
        .capture("id", Query::json_path("$.id"), false)
        .expect(Query::body(), Predicate::Contains(Text::from("{{id}}")));
    let run = walk(&engine(vec![]), vec![step]).await;
    let failure = failed(&run, FaultKind::Capture);
    assert_eq!(failure.check.as_deref(), Some("capture id = jsonpath $.id"));
    assert_eq!(failure.actual.as_deref(), Some("nothing was found"));
}

#[tokio::test]
async fn whose_fault_a_template_is() {
    let site =
        Site::start(None, |_| answer(200, &[], r#"{"next":"::nowhere","bad":"a\nb"}"#)).await;
    let engine = engine(vec![]);
    let first = || {
        shop(&site, "/").capture("next", Query::json_path("$.next"), false).capture(
            "bad",
            Query::json_path("$.bad"),
            false,
        )
    };
    let run = walk(&engine, vec![first(), get("{{next}}")]).await;
    assert!(failed(&run, FaultKind::Template).message.contains("::nowhere"));
    let run = walk(&engine, vec![first(), shop(&site, "/").header("x-bad", "{{bad}}")]).await;
    assert!(failed(&run, FaultKind::Template).message.contains("x-bad"));
    // Without a captured value in it, the fault is in our own files.
    let run = walk(&engine, vec![get("/relative")]).await;
    assert!(broken(&run).contains("not a URL"), "{}", broken(&run));
    let run = walk(&engine, vec![shop(&site, "/{{missing}}")]).await;
    assert!(broken(&run).contains("`missing` is not defined"));
    let run = walk(&engine, vec![shop(&site, "/").header("a b", "1")]).await;
    assert!(broken(&run).contains("`a b` cannot be the name of a header"));
    let step =
        shop(&site, "/").expect(Query::body(), Predicate::Contains(Text::from("{{missing}}")));
    let run = walk(&engine, vec![step]).await;
    assert!(broken(&run).contains("`missing` is not defined"));
}

#[tokio::test]
async fn users_in_urls_become_basic_credentials() {
    let site = Site::start(None, |_| answer(500, &[], "")).await;
    let step = get(format!("http://probe:{{{{urlencode password}}}}@shop.test:{}/", site.port()));
    let values = Values { secrets: &[("password", "p@ss/w")], ..Values::default() };
    let run = walk_with(&engine(vec![]), vec![step], &values).await;
    assert_eq!(site.asked()[0].header("authorization"), Some("Basic cHJvYmU6cEBzcy93"));
    let json = serde_json::to_string(&run).unwrap();
    assert!(!json.contains("cHJvYmU6cEBzcy93") && json.contains("Basic ***"), "{json}");
}

#[tokio::test]
async fn head_and_empty_answers_have_no_body() {
    let site = Site::start(None, |asked| match asked.method.as_str() {
        "HEAD" => Reply::Bytes(
            b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\ncontent-encoding: gzip\r\n\r\n".to_vec(),
        ),
        _ => Reply::Bytes(b"HTTP/1.1 204 No Content\r\ncontent-encoding: br\r\n\r\n".to_vec()),
    })
    .await;
    let head = shop(&site, "/").http(|http| http.method = "HEAD".to_owned());
    let run = walk(&engine(vec![]), vec![head, shop(&site, "/")]).await;
    assert_eq!(run.outcome, Outcome::Passed);
    assert_eq!(hops(&run)[0].body_bytes, 0);
}
