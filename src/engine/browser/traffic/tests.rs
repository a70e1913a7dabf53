use proptest::prelude::*;
use serde_json::json;

use super::*;

const SHOP: &str = include_str!("../../../../tests/browser/recorded/shop.json");

/// When the recorded run began, in seconds since 1970.
const ORIGIN: f64 = 1_795_255_626.0;

fn read(entries: &[Value]) -> Asked {
    let mut ledger = Ledger::default();
    ledger.read(entries);
    ledger.take(&"open".into(), ORIGIN, None)
}

/// An entry of the log.
fn entry(method: &str, params: &Value) -> Value {
    json!({ "message": json!({ "message": { "method": method, "params": params }, "webview": "F" }).to_string() })
}

fn begin(id: &str, url: &str, kind: &str, at: f64) -> Value {
    let params = json!({ "requestId": id, "type": kind, "frameId": "F", "timestamp": at, "wallTime": ORIGIN + at,
        "request": { "url": url, "method": "GET", "headers": {} } });
    entry("Network.requestWillBeSent", &params)
}

fn finish(id: &str, bytes: u64, at: f64) -> Value {
    entry(
        "Network.loadingFinished",
        &json!({ "requestId": id, "encodedDataLength": bytes, "timestamp": at }),
    )
}

#[test]
fn a_recorded_page_is_told_as_it_was() {
    let entries: Vec<Value> = serde_json::from_str(SHOP).unwrap();
    let asked = read(&entries);
    let urls: Vec<_> =
        asked.hops.iter().map(|hop| (hop.url.rsplit('/').next().unwrap(), hop.status)).collect();
    assert_eq!(urls, [("", Some(302)), ("shop", Some(200))]);
    let [first, second] = &asked.hops[..] else { panic!("{:?}", asked.hops) };
    // Chromium had connected ahead.
    assert!(first.reused && first.phases.connect.is_zero(), "{first:?}");
    assert!(second.reused && second.phases.processing > Duration::from_millis(50), "{second:?}");
    assert_eq!(second.version.as_deref(), Some("HTTP/1.1"));
    assert_eq!(second.server_timing, [("db".to_owned(), Duration::from_millis(12))]);
    assert!(second.offset >= first.offset + first.duration, "{first:?} {second:?}");
    assert!(second.peer.is_some_and(|peer| peer.ip().is_loopback()));
    let sorts: Vec<_> =
        asked.traffic.by_type.iter().map(|s| (s.kind.as_str(), s.requests, s.failed)).collect();
    assert_eq!(
        sorts,
        [
            ("document", 2, 0),
            ("stylesheet", 1, 0),
            ("script", 2, 0),
            ("image", 2, 1),
            ("fetch", 2, 1)
        ]
    );
    let parties: Vec<_> =
        asked.traffic.third_parties.iter().map(|p| (p.host.as_str(), p.requests)).collect();
    assert_eq!(parties, [("localhost", 1)]);
    assert!(asked.traffic.slowest[0].url.ends_with("/tracker.js"), "{:?}", asked.traffic.slowest);
    let refused = asked.requests.iter().find(|r| r.error.is_some()).unwrap();
    assert_eq!(refused.error.as_deref(), Some("net::ERR_UNSAFE_PORT"));
    let script = asked.traffic.by_type.iter().find(|s| s.kind == ResourceType::Script).unwrap();
    assert_eq!(script.bytes, 567 + 5166);
}

#[test]
fn a_request_across_two_steps_is_counted_once_and_its_bytes_where_they_came() {
    let mut ledger = Ledger::default();
    ledger.read(&[
        begin("1", "https://a.test/", "Document", 1.0),
        begin("2", "https://a.test/feed", "Fetch", 1.5),
    ]);
    ledger.read(&[entry(
        "Network.dataReceived",
        &json!({"requestId": "2", "encodedDataLength": 100, "timestamp": 2.0}),
    )]);
    ledger.read(&[finish("1", 500, 2.0)]);
    let first = ledger.take(&"one".into(), ORIGIN, None);
    let fetch = |asked: &Asked| {
        asked.traffic.by_type.iter().find(|s| s.kind == ResourceType::Fetch).copied()
    };
    assert_eq!(fetch(&first).map(|s| (s.requests, s.bytes)), Some((1, 100)));
    assert!(first.requests[1].unfinished && !first.requests[0].unfinished);
    ledger.read(&[finish("2", 350, 3.0)]);
    let second = ledger.take(&"two".into(), ORIGIN, Some("a.test"));
    assert_eq!(fetch(&second).map(|s| (s.requests, s.bytes)), Some((0, 250)));
    assert!(second.requests.is_empty() && second.hops.is_empty());
    assert!(ledger.take(&"three".into(), ORIGIN, None).traffic.by_type.is_empty());
}

#[test]
fn what_a_page_gave_up_did_not_fail_and_what_was_blocked_did() {
    let failed = |params: Value| {
        let params = [
            ("requestId", json!("1")),
            ("timestamp", json!(2.0)),
            ("errorText", json!("net::ERR_ABORTED")),
        ]
        .into_iter()
        .chain(params.as_object().unwrap().iter().map(|(k, v)| (k.as_str(), v.clone())))
        .map(|(k, v)| (k.to_owned(), v))
        .collect::<serde_json::Map<_, _>>();
        let asked = read(&[
            begin("1", "https://a.test/x", "Fetch", 1.0),
            entry("Network.loadingFailed", &params.into()),
        ]);
        (asked.traffic.by_type[0].failed, asked.requests[0].error.clone())
    };
    assert_eq!(failed(json!({"canceled": true})), (0, None));
    assert_eq!(failed(json!({"canceled": false})).0, 1);
    let blocked = failed(json!({"canceled": true, "blockedReason": "csp"}));
    assert_eq!(blocked, (1, Some("net::ERR_ABORTED (csp)".to_owned())));
}

#[test]
fn pages_of_the_browser_itself_and_its_favicon_do_not_count() {
    let asked = read(&[
        begin("1", "chrome://newtab/", "Document", 1.0),
        begin("2", "data:text/html,hi", "Document", 1.0),
        begin("3", "https://a.test/favicon.ico", "Other", 1.0),
        begin("4", "blob:https://a.test/1", "Script", 1.0),
    ]);
    assert!(asked.requests.is_empty() && asked.traffic.by_type.is_empty());
}

#[test]
fn the_documents_of_frames_are_no_hops() {
    let mut frame = begin("2", "https://ads.test/", "Document", 1.0);
    frame["message"] =
        frame["message"].as_str().unwrap().replace("\"frameId\":\"F\"", "\"frameId\":\"G\"").into();
    let asked = read(&[begin("1", "https://a.test/", "Document", 1.0), frame]);
    assert_eq!((asked.hops.len(), asked.third_party_requests), (1, 1));
    assert_eq!(asked.traffic.by_type[0].requests, 2);
}

#[test]
fn sites_are_told_apart() {
    for (host, site, same) in [
        ("cdn.shop.example", "www.shop.example", true),
        ("shop.example", "www.shop.example", true),
        ("ads.example", "www.shop.example", false),
        ("a.co.uk", "b.co.uk", false),
        ("www.a.co.uk", "a.co.uk", true),
        ("10.0.0.1", "10.0.0.2", false),
        ("10.0.0.1", "10.0.0.1", true),
        ("[::1]", "[::2]", false),
        ("localhost", "localhost", true),
        ("localhost", "shop.example", false),
        ("t.co", "www.t.co", true),
        ("", "..", false),
    ] {
        assert_eq!(same_site(host, Some(site)), same, "{host} {site}");
    }
}

#[test]
fn resource_timing_stands_in_for_the_log() {
    let document: Entry =
        serde_json::from_str(include_str!("../../../../tests/browser/recorded/navigation.json"))
            .unwrap();
    let resources: Vec<Entry> =
        serde_json::from_str(include_str!("../../../../tests/browser/recorded/resources.json"))
            .unwrap();
    let asked = from_entries(Some(&document), &resources, (&"open".into(), 0.0), (0.25, 2000.0));
    assert_eq!(asked.hops.len(), 1);
    assert!(asked.hops[0].offset > Duration::from_millis(250), "{:?}", asked.hops[0].offset);
    let sorts: Vec<_> =
        asked.traffic.by_type.iter().map(|s| (s.kind.as_str(), s.requests)).collect();
    assert_eq!(sorts[0], ("document", 1));
    assert_eq!(asked.third_party_requests, 1);
    // What an earlier step asked for is not this one's.
    let later =
        from_entries(Some(&document), &resources, (&"more".into(), 1_900.0), (0.25, 2000.0));
    assert!(later.hops.is_empty() && later.requests.len() <= 1, "{:?}", later.requests);
}

#[test]
fn a_page_that_asks_without_end_is_bounded() {
    let mut ledger = Ledger::default();
    for nth in 0..MOST + 10 {
        ledger.read(&[begin(&nth.to_string(), "https://a.test/x", "Fetch", 1.0)]);
    }
    let asked = ledger.take(&"open".into(), ORIGIN, None);
    assert_eq!((asked.requests.len(), asked.left_out), (MOST, 10));
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
    ];
    let keys = proptest::sample::select(vec![
        "requestId",
        "timestamp",
        "wallTime",
        "request",
        "url",
        "response",
        "timing",
        "requestTime",
        "dnsEnd",
        "sslStart",
        "sslEnd",
        "headers",
        "status",
        "encodedDataLength",
        "redirectResponse",
        "remoteIPAddress",
        "type",
    ]);
    leaf.prop_recursive(3, 24, 8, move |inner| {
        proptest::collection::vec((keys.clone(), inner), 0..8).prop_map(|members| {
            members
                .into_iter()
                .map(|(k, v)| (k.to_owned(), v))
                .collect::<serde_json::Map<_, _>>()
                .into()
        })
    })
}

proptest! {
    #[test]
    fn any_log_is_harmless(
        events in proptest::collection::vec((0usize..7, any_json()), 0..20),
        junk in ".{0,60}",
    ) {
        let methods = ["requestWillBeSent", "responseReceived", "dataReceived", "loadingFinished", "loadingFailed", "webSocketCreated", "odd"];
        let mut ledger = Ledger::default();
        for (method, mut params) in events {
            if let Some(members) = params.as_object_mut() {
                members.entry("requestId").or_insert("1".into());
                members.entry("request").or_insert(json!({"url": "https://a.test/"}));
            }
            ledger.read(&[entry(&format!("Network.{}", methods[method]), &params)]);
        }
        ledger.read(&[json!({ "message": format!("\"Network.{junk}") }), json!(junk), Value::Null]);
        let asked = ledger.take(&"s".into(), 0.0, Some("a.test"));
        for hop in &asked.hops {
            prop_assert_eq!(hop.duration, hop.phases.total());
        }
    }
}

#[test]
fn a_new_connection_has_all_phases() {
    let timing = json!({ "requestTime": 10.002, "dnsStart": 1.0, "dnsEnd": 11.0, "connectStart": 11.0, "sslStart": 31.0,
        "sslEnd": 61.0, "connectEnd": 61.0, "sendStart": 61.2, "sendEnd": 61.5, "receiveHeadersStart": 161.0, "receiveHeadersEnd": 162.0 });
    let response = json!({ "status": 200, "protocol": "h2", "timing": timing, "remoteIPAddress": "[2001:db8::1]", "remotePort": 443,
        "securityDetails": { "validTo": 1_800_000_000 } });
    let asked = read(&[
        begin("1", "https://a.test/", "Document", 10.0),
        entry(
            "Network.responseReceived",
            &json!({ "requestId": "1", "timestamp": 10.2, "response": response }),
        ),
        finish("1", 900, 10.202),
    ]);
    let hop = &asked.hops[0];
    let ms = hop.phases.named().map(|(_, d)| d.as_millis());
    assert_eq!(ms, [11, 20, 30, 100, 39]);
    assert_eq!(
        (hop.offset, hop.duration),
        (Duration::from_millis(10_002), Duration::from_millis(200))
    );
    assert_eq!((hop.version.as_deref(), hop.reused, hop.body_bytes), (Some("HTTP/2"), false, 900));
    assert_eq!(hop.peer.map(|peer| peer.to_string()).as_deref(), Some("[2001:db8::1]:443"));
    assert_eq!(hop.certificate_expires_at.map(jiff::Timestamp::as_second), Some(1_800_000_000));
}
