//! What a run keeps of what it sent and got.

use std::time::Duration;

use wayfarer::model::{Body, FaultKind, Query, Text};

use crate::{
    journey::{Values, With, engine, failed, get, passed, ticket, walk_with},
    site::{Reply, Site, answer},
};

const SECRET: &str = "hunter22-and-so-on";

#[tokio::test]
async fn the_steps_before_the_failing_one_are_kept() {
    let site = Site::start(None, |asked| match asked.path.as_str() {
        "/start" => answer(302, &["location: /login", "set-cookie: sid=c00kie-value"], ""),
        "/login" => answer(200, &["content-type: application/json"], "{\"token\":\"t0ken-4711\"}"),
        _ => answer(503, &["retry-after: 5"], "no token t0ken-4711, c00kie-value"),
    })
    .await;
    let base = format!("http://shop.test:{}", site.port());
    let open = get(format!("{base}/start")).named("open").capture(
        "token",
        Query::json_path("$.token"),
        true,
    );
    let pay = get(format!("{base}/pay?t={{{{token}}}}"))
        .named("pay")
        .post(Body::Text(Text::from("pay {{token}}\nnow")));
    let run = walk_with(&engine(vec![]), vec![open, pay], &Values::default()).await;
    failed(&run, FaultKind::Status);
    let evidence = run.evidence.as_ref().unwrap();
    let steps: Vec<_> = evidence.exchanges.iter().map(|e| e.step.clone().unwrap()).collect();
    assert_eq!(steps, ["open", "open", "pay"].map(Into::into));
    let statuses: Vec<_> = evidence.exchanges.iter().map(|e| e.status).collect();
    assert_eq!(statuses, [Some(302), Some(200), Some(503)]);
    for (exchange, hop) in evidence.exchanges.iter().zip(run.steps.iter().flat_map(|s| &s.hops)) {
        let timing = exchange.timing.unwrap();
        assert_eq!((timing.offset, timing.duration), (hop.offset, hop.duration));
        assert_eq!(timing.phases, hop.phases);
    }
    // What was captured as a secret later on is masked where it came from.
    assert_eq!(evidence.exchanges[1].response_body.as_deref(), Some("{\"token\":\"***\"}"));
    assert_eq!(evidence.exchanges[2].response_body.as_deref(), Some("no token ***, ***"));
    assert!(evidence.curl.ends_with("--data-raw 'pay ***\nnow'"), "{}", evidence.curl);
}

#[tokio::test]
async fn a_run_that_passed_gives_its_exchanges_apart() {
    let site = Site::start(None, |_| answer(200, &[], format!("welcome, {SECRET}"))).await;
    let values = Values { secrets: &[("password", SECRET)], ..Values::default() };
    let step = get(format!("http://shop.test:{}/?p={{{{password}}}}", site.port()));
    let (run, trace) =
        engine(vec![]).walk_traced(ticket(vec![step], Duration::from_secs(30), &values)).await;
    passed(&run);
    let trace = trace.unwrap();
    assert!(!format!("{trace:?}").contains("hunter"));
    let evidence = trace.evidence();
    assert!(evidence.curl.is_empty() && run.evidence.is_none());
    assert_eq!(evidence.exchanges[0].response_body.as_deref(), Some("welcome, ***"));
    assert!(!serde_json::to_string(&evidence).unwrap().contains("hunter"));
}

#[tokio::test]
async fn a_secret_across_the_end_of_what_is_kept_is_masked() {
    // The body is kept to 16 KiB: the secret begins at each place around that.
    for place in (16 * 1024 - 30..16 * 1024 + 4).step_by(7) {
        let site = Site::start(None, move |_| {
            answer(500, &[], format!("{}{SECRET}{}", "x".repeat(place), "y".repeat(40_000)))
        })
        .await;
        let values = Values { secrets: &[("password", SECRET)], ..Values::default() };
        let step = get(format!("http://shop.test:{}/", site.port()));
        let run = walk_with(&engine(vec![]), vec![step], &values).await;
        let evidence = run.evidence.unwrap();
        let body = evidence.exchanges[0].response_body.as_deref().unwrap();
        assert!(!body.contains('h') && evidence.exchanges[0].truncated, "{place}");
        assert!(body.len() <= 16 * 1024 + 3);
    }
}

#[tokio::test]
async fn a_secret_that_a_broken_answer_cuts_is_masked() {
    let site = Site::start(None, |_| {
        let head = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nyour password is ";
        Reply::Close(format!("{head}{}", &SECRET[..9]).into_bytes())
    })
    .await;
    let values = Values { secrets: &[("password", SECRET)], ..Values::default() };
    let step = get(format!("http://shop.test:{}/", site.port()));
    let run = walk_with(&engine(vec![]), vec![step], &values).await;
    let body = run.evidence.unwrap().exchanges[0].response_body.clone().unwrap();
    assert_eq!(body, "your password is ***");
}

#[tokio::test]
async fn a_thousand_exchanges_are_not_all_kept() {
    let site = Site::start(None, |asked| {
        let status = if asked.path == "/last" { 500 } else { 200 };
        answer(status, &[], "x".repeat(20_000))
    })
    .await;
    let base = format!("http://shop.test:{}", site.port());
    let mut steps: Vec<_> =
        (0..250).map(|n| get(format!("{base}/{n}")).named(&format!("step {n}"))).collect();
    steps.push(get(format!("{base}/last")).named("last"));
    let run = walk_with(&engine(vec![]), steps, &Values::default()).await;
    let evidence = run.evidence.unwrap();
    assert_eq!(evidence.exchanges.len() + evidence.left_out as usize, 251);
    assert!(evidence.exchanges.len() <= 200);
    assert_eq!(evidence.exchanges.last().unwrap().step, Some("last".into()));
}
