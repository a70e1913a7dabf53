use serde_json::json;

use super::*;

/// A run as the API gives it, with hostile text wherever a target can put some.
fn hostile() -> Value {
    let evil = "</pre></title><script>alert(1)</script><img src=x onerror=alert(2)>\"'`{{title}}";
    let timing = json!({ "offset_ms": 5.0, "duration_ms": 30.0,
        "phases_ms": { "resolve": 1.0, "connect": 2.0, "tls": 0.0, "processing": 20.0, "transfer": 7.0 } });
    let request = |status: Value, error: Value| {
        json!({ "step": "buy", "method": evil, "url": format!("https://a.test/{evil}"), "type": "script", "status": status,
            "version": "HTTP/2", "error": error, "bytes": 1234, "media_type": evil, "request_headers": [[evil, evil]],
            "response_headers": [], "timing": timing })
    };
    let picture = |name: &str, media: &str, data: &str| json!({ "step": "buy", "name": name, "offset_ms": 10, "media_type": media, "data": data });
    let page = json!({
        "url": format!("https://a.test/{evil}"), "title": evil, "dom": evil, "dom_cut": true,
        "pictures": [picture("end", "image/jpeg", "AAAA"), picture(evil, "image/svg+xml", "AAAA"),
            picture("failure", "image/jpeg", "BBBB"), picture("odd", "image/png", "\" onload=x")],
        "console": [{ "step": "buy", "level": "error", "source": evil, "text": evil, "offset_ms": 3 }],
        "actions": [{ "step": "buy", "what": evil, "offset_ms": 1, "duration_ms": 2, "failure": evil }],
        "requests": [request(json!(200), Value::Null), request(Value::Null, json!("net::ERR_CONNECTION_REFUSED"))],
        "busy": [{ "offset_ms": 6, "duration_ms": 60 }],
    });
    json!({
        "id": "00000000-0000-0000-0000-000000000000", "journey": "shop", "environment": "production", "location": "here",
        "started_at": "2026-11-21T10:00:00Z", "duration_ms": 1234.5,
        "outcome": { "result": "failed", "step": "buy", "kind": "element", "message": evil },
        "steps": [{ "name": "buy", "outcome": "failed", "duration_ms": 30.0,
            "assertions": [{ "check": evil, "passed": false, "expected": evil, "actual": evil }],
            "measures": [{ "name": "lcp", "unit": "ms", "value": 1200.5 }],
            "traffic": { "by_type": [], "third_parties": [{ "host": evil, "requests": 1, "failed": 1, "bytes": 5, "time_ms": 3 }],
                "slowest": [{ "url": evil, "type": "image", "duration_ms": 4, "bytes": 9 }] } }],
        "evidence": { "exchanges": [{ "request_line": format!("GET https://a.test/{evil}"), "request_headers": [[evil, evil]],
            "request_body": evil, "status": 500, "response_headers": [], "response_body": evil, "truncated": false }], "curl": evil, "page": page },
        "last_good": { "run": "00000000-0000-0000-0000-000000000001", "started_at": "2026-11-21T09:00:00Z",
            "evidence": { "exchanges": [], "curl": "", "page": { "pictures": [picture("end", "image/webp", "CCCC")] } } },
    })
}

fn page(run: &Value) -> EvidencePage {
    evidence_page(&Pages::new().unwrap(), run).unwrap().unwrap()
}

#[test]
fn a_hostile_page_is_only_text() {
    let EvidencePage { html, policy } = page(&hostile());
    let elements = |name: &str| html.matches(&format!("<{name}")).count();
    assert_eq!((elements("script"), elements("title>")), (0, 1 + 2), "{html}");
    // Three pictures: of the failure, of the good run, and the other of this run; none of an unknown sort or with markup in it.
    assert_eq!(elements("img"), 3, "{html}");
    assert!(
        !html.contains("onerror=") && !html.contains(" onload=") && !html.contains("svg+xml"),
        "{html}"
    );
    assert!(
        html.contains("data:image/jpeg;base64,BBBB")
            && html.contains("data:image/webp;base64,CCCC")
    );
    // Nothing is fetched from anywhere.
    assert_eq!((elements("link"), html.matches("url(").count(), elements("a ")), (0, 0, 0));
    assert!(
        policy.starts_with("default-src 'none'; img-src data:; style-src 'sha256-"),
        "{policy}"
    );
    assert!(policy.ends_with("frame-ancestors 'none'"));
    for word in ["connection refused", "1.2 kB", "lcp 1200 ms", "main thread busy", "1 failed"] {
        assert!(html.contains(word), "{word}: {html}");
    }
}

#[test]
fn the_style_is_the_one_the_policy_allows() {
    let EvidencePage { html, policy } = page(&hostile());
    let style = html.split("<style>").nth(1).unwrap().split("</style>").next().unwrap();
    let hash = BASE64_STANDARD.encode(Sha256::digest(style));
    assert!(policy.contains(&hash) && html.contains(&hash.replace('=', "&#x3D;")), "{policy}");
    assert!(!html.contains(" style="), "styles of elements are not allowed");
}

#[test]
fn runs_without_a_browser_have_a_page_and_runs_of_which_nothing_is_kept_have_none() {
    let mut run = hostile();
    run["evidence"].as_object_mut().unwrap().remove("page");
    let html = page(&run).html;
    assert!(html.contains("Exchanges of HTTP steps") && !html.contains("<h2>Document"));
    run["evidence"] = Value::Null;
    assert!(evidence_page(&Pages::new().unwrap(), &run).unwrap().is_none());
    let exchanges = json!({ "exchanges": [], "curl": "" });
    run["alike"] = json!({ "run": "00000000-0000-0000-0000-000000000009", "started_at": "2026-11-21T09:00:00Z", "evidence": exchanges });
    assert!(page(&run).html.contains("failed in the same way"));
    assert!(
        evidence_page(
            &Pages::new().unwrap(),
            &json!({ "evidence": { "exchanges": [], "curl": "" } })
        )
        .unwrap()
        .is_some()
    );
}
