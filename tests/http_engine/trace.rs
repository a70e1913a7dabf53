//! What servers get to put their work into a run's trace.

use std::collections::BTreeSet;

use wayfarer::model::{FaultKind, Query, Tracing, Transport};

use crate::{
    journey::{Values, With, engine, failed, get, passed, status, walk, walk_with},
    site::{Site, answer},
};

fn traced(traceparent: Option<bool>, url: Option<&str>) -> Values<'static> {
    let tracing = Tracing { traceparent, url: url.map(str::to_owned) };
    Values { transport: Transport { tracing, ..Transport::default() }, ..Values::default() }
}

#[tokio::test]
async fn every_request_of_a_run_is_in_its_trace() {
    let other = Site::start(None, |_| answer(200, &[], "")).await;
    let to = format!("Location: http://other.test:{}/b", other.port());
    let site = Site::start(None, move |asked| match asked.path.as_str() {
        "/away" => answer(302, &[&to], ""),
        "/on" => answer(302, &["Location: /"], ""),
        _ => answer(200, &[], ""),
    })
    .await;
    let url = |path: &str| format!("http://shop.test:{}{path}", site.port());
    let engine = engine(vec![]);
    let steps = || vec![get(url("/")), get(url("/on")), get(url("/away"))];
    let values = traced(None, Some("https://jaeger.example/trace/{trace_id}"));
    let run = walk_with(&engine, steps(), &values).await;
    passed(&run);
    let asked: Vec<_> = site.asked().into_iter().chain(other.asked()).collect();
    assert_eq!(asked.len(), 5);
    let mut parents = BTreeSet::new();
    for one in &asked {
        let header = one.header("traceparent").unwrap();
        let parts: Vec<&str> = header.split('-').collect();
        assert_eq!((parts[0], parts[1], parts[3]), ("00", run.id.trace_id().as_str(), "01"));
        assert_eq!(one.head.to_ascii_lowercase().matches("traceparent:").count(), 1);
        parents.insert(parts[2].to_owned());
    }
    assert_eq!(parents.len(), 5, "each request has a parent id of its own");
    let link = values.transport.tracing.link(&run).unwrap();
    assert_eq!(link, format!("https://jaeger.example/trace/{}", run.id.trace_id()));
}

#[tokio::test]
async fn nothing_is_sent_unless_somebody_wants_it_and_what_a_journey_writes_wins() {
    let site = Site::start(None, |_| answer(200, &[], "")).await;
    let step = || get(format!("http://shop.test:{}/", site.port()));
    let engine = engine(vec![]);
    let run = walk(&engine, vec![step()]).await;
    assert!(!run.traced && site.asked()[0].header("traceparent").is_none());
    let off = traced(Some(false), Some("https://jaeger.example/{trace_id}"));
    let run = walk_with(&engine, vec![step()], &off).await;
    assert!(!run.traced && site.asked()[1].header("traceparent").is_none());
    assert_eq!(off.transport.tracing.link(&run), None);
    let run = walk_with(&engine, vec![step()], &traced(Some(true), None)).await;
    assert!(run.traced && site.asked()[2].header("traceparent").is_some());
    let own = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
    let steps = vec![step().header("TraceParent", own)];
    let run = walk_with(&engine, steps, &traced(Some(true), None)).await;
    assert!(!run.traced, "its trace is another one");
    assert_eq!(site.asked()[3].header("traceparent"), Some(own));
}

#[tokio::test]
async fn evidence_shows_the_header_and_the_curl_line_leaves_it_out() {
    let site = Site::start(None, |_| answer(500, &[], "")).await;
    let step =
        get(format!("http://shop.test:{}/", site.port())).expect(Query::status(), status(200.0));
    let run = walk_with(&engine(vec![]), vec![step], &traced(Some(true), None)).await;
    failed(&run, FaultKind::Status);
    let evidence = run.evidence.unwrap();
    let headers = &evidence.exchanges[0].request_headers;
    let sent = headers.iter().find(|(name, _)| name == "traceparent").unwrap();
    assert!(sent.1.contains(&run.id.trace_id()));
    assert!(!evidence.curl.contains("traceparent"), "{}", evidence.curl);
}
