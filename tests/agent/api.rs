//! The API as pipelines and browsers meet it.

use super::support::{Site, Target, eventually};

const FAST: &str = "[watch]\nwindow = \"2s\"\nmin_runs = 30\nburst = false\nsettle = \"1s\"";

#[test]
fn changes_are_logged_merged_listed_and_judged() {
    let target = Target::start();
    let site = Site::new(&format!("http://127.0.0.1:{}", target.port), FAST);
    site.journey("home", "shop", "200ms", "/");
    let _agent = site.agent();
    let post = |body: &str| {
        let (status, body) = site.ask("POST", "/api/v1/changes", &[], body).unwrap();
        (status, serde_json::from_str::<serde_json::Value>(&body).unwrap())
    };

    let (status, answer) =
        post(r#"{"id":"a/1","service":"shop","environment":"production","state":"started"}"#);
    assert_eq!((status, &answer["outcome"]), (200, &"new".into()), "{answer}");
    assert_eq!(answer["journeys"][0], "home");
    let (_, answer) = post(
        r#"{"id":"a/1","service":"shop","environment":"production","state":"finished","version":"2"}"#,
    );
    assert_eq!(answer["outcome"], "merged", "{answer}");
    let (_, again) = post(
        r#"{"id":"a/1","service":"shop","environment":"production","state":"finished","version":"2"}"#,
    );
    assert_eq!(again["change"]["finished_at"], answer["change"]["finished_at"]);

    let (_, lonely) = post(r#"{"id":"b","service":"nobody","environment":"production"}"#);
    assert!(
        lonely["notes"].to_string().contains("no journey touches the service `nobody`"),
        "{lonely}"
    );
    let (_, elsewhere) = post(r#"{"id":"c","service":"shop","environment":"moon"}"#);
    assert!(
        elsewhere["notes"].to_string().contains("no environment is called `moon`"),
        "{elsewhere}"
    );

    for (body, status, message) in [
        ("{", 400, "the body is not JSON"),
        (r#"{"version":"1"}"#, 400, "neither `service` nor `environment` is said"),
    ] {
        let (got, answer) = post(body);
        assert_eq!(got, status);
        assert!(answer["error"]["message"].as_str().unwrap().contains(message), "{answer}");
        assert!(!answer["error"]["hint"].as_str().unwrap().is_empty());
    }
    let huge = format!(r#"{{"service":"s","title":"{}"}}"#, "x".repeat(2 << 20));
    assert_eq!(site.ask("POST", "/api/v1/changes", &[], &huge).map_or(413, |a| a.0), 413);

    let gate = site.json("/api/v1/gate?change=a%2F1");
    assert!(["pending", "inconclusive"].contains(&gate["status"].as_str().unwrap()), "{gate}");
    let list = site.json("/api/v1/changes?service=shop");
    assert_eq!(list["changes"].as_array().unwrap().len(), 2, "{list}");
    let judged = site.json("/api/v1/changes/a%2F1/verdict?wait=30s");
    assert_eq!(judged["open"], false, "{judged}");
    assert!(judged["verdicts"].as_array().unwrap().len() >= 2, "{judged}");
    assert_eq!(site.get("/api/v1/changes/none/verdict").unwrap().0, 404);
    assert_eq!(site.get("/api/v1/gate").unwrap().0, 400);
    assert_eq!(site.json("/api/v1/gate?service=never")["status"], "inconclusive");
    assert_eq!(site.get("/api/v1/runs?result=odd").unwrap().0, 400);

    let runs = site.json("/api/v1/runs?journey=home&limit=1");
    let id = runs["runs"][0]["id"].as_str().unwrap();
    let run = site.json(&format!("/api/v1/runs/{id}"));
    assert_eq!(run["outcome"]["result"], "passed");
    let page = site.get("/").unwrap().1;
    assert!(page.contains("home") && page.contains("./changes/a%2F1"), "{page}");
    assert!(site.get("/changes/a%2F1").unwrap().1.contains("shop"));
}

#[test]
fn a_web_page_of_another_site_is_refused() {
    let site = Site::new("http://127.0.0.1:9", "");
    site.journey("home", "shop", "60s", "/");
    let _agent = site.agent();
    let body = r#"{"service":"shop","environment":"production"}"#;
    let status =
        |headers: &[(&str, &str)]| site.ask("POST", "/api/v1/changes", headers, body).unwrap().0;
    assert_eq!(status(&[]), 200);
    assert_eq!(status(&[("Host", "evil.example")]), 403);
    assert_eq!(status(&[("Origin", "https://evil.example")]), 403);
    assert_eq!(status(&[("X-Forwarded-For", "203.0.113.9")]), 401);
    assert_eq!(status(&[("Authorization", "Bearer guess")]), 401);
    let own = format!("http://127.0.0.1:{}", site.port);
    assert_eq!(status(&[("Origin", &own)]), 200);
    assert_eq!(site.ask("GET", "/metrics", &[("Host", "evil.example")], "").unwrap().0, 403);
}

#[test]
fn the_change_log_works_through_the_agent_and_through_the_file() {
    let target = Target::start();
    let site = Site::new(&format!("http://127.0.0.1:{}", target.port), FAST);
    site.journey("home", "shop", "200ms", "/");
    let (code, out, err) = site.run(&[
        "change",
        "record",
        "--service",
        "shop",
        "--env",
        "production",
        "--id",
        "early",
    ]);
    assert!(code == 0 && out.starts_with("early\n") && out.contains("watched: home"), "{out}{err}");
    let agent = site.agent();
    let url = format!("http://127.0.0.1:{}", site.port);
    // Logged before the agent was up: found and watched all the same.
    eventually("the early change to be watched", || {
        let judged = site.json("/api/v1/changes/early");
        (!judged["verdicts"].as_array()?.is_empty()).then_some(())
    });
    // Logged into the file while the agent has it open.
    let (code, ..) = site.run(&[
        "change",
        "record",
        "--service",
        "shop",
        "--env",
        "production",
        "--id",
        "beside",
    ]);
    assert_eq!(code, 0);
    eventually("the change beside it to be watched", || {
        let judged = site.json("/api/v1/changes/beside");
        (!judged["verdicts"].as_array()?.is_empty()).then_some(())
    });
    let (code, out, err) = site.run(&[
        "change",
        "record",
        "--url",
        &url,
        "--service",
        "shop",
        "--env",
        "production",
        "--id",
        "asked",
    ]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("watched: home"), "{out}");
    let (code, out, _) = site.run(&["change", "list", "--url", &url]);
    assert!(code == 0 && out.contains("asked") && out.contains("early"), "{out}");
    let (code, out, _) = site.run(&["change", "show", "asked", "--json"]);
    assert!(code == 0 && serde_json::from_str::<serde_json::Value>(&out).is_ok(), "{out}");
    let (code, out, _) = site.run(&["gate", "asked", "--wait", "30s", "--url", &url]);
    assert!([0, 6].contains(&code), "{out}");
    let (code, _, err) = site.run(&["gate", "never"]);
    assert!(code == 6 && err.contains("no change has the id `never`"), "{code} {err}");
    drop(agent);
    let (code, _, err) = site.run(&["gate", "asked", "--url", &url]);
    assert!(code == 7 && err.contains("no agent answers"), "{code} {err}");
}
