//! What a run asked for as HAR 1.2 (<http://www.softwareishard.com/blog/har-12-spec/>), for whoever has tools for that. Bodies are there of what we
//! sent ourselves; of what a browser asked for there are none.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::model::{Evidence, Exchange, PageRequest, Phases, Timing, Witness};

/// The HAR of some runs, each with what it asked for (masked).
pub fn har<'a>(runs: impl IntoIterator<Item = (&'a str, &'a Witness)>) -> Value {
    let (mut pages, mut entries) = (Vec::new(), Vec::new());
    for (journey, witness) in runs {
        add(journey, witness, &mut pages, &mut entries);
    }
    let creator = json!({ "name": "Wayfarer", "version": env!("CARGO_PKG_VERSION") });
    json!({ "log": { "version": "1.2", "creator": creator, "pages": pages, "entries": entries } })
}

/// One page for each step.
fn add(journey: &str, witness: &Witness, pages: &mut Vec<Value>, entries: &mut Vec<Value>) {
    let Witness { run, started_at, evidence: Evidence { exchanges, page, .. } } = witness;
    let asked = page.iter().flat_map(|page| &page.requests);
    let mut all: Vec<(Duration, &str, Value)> = Vec::new();
    for exchange in exchanges {
        let timing = exchange.timing.unwrap_or_default();
        let step = exchange.step.as_ref().map_or("", |step| step.as_str());
        all.push((timing.offset, step, of_exchange(exchange)));
    }
    for request in asked {
        all.push((request.timing.offset, request.step.as_str(), of_request(request)));
    }
    all.sort_by_key(|(offset, ..)| *offset);
    let mut known: Vec<&str> = Vec::new();
    for (offset, step, mut entry) in all {
        let started = at(*started_at, offset);
        let number = known.iter().position(|name| *name == step).unwrap_or_else(|| {
            known.push(step);
            let title = format!("{journey}: {step}");
            let id = format!("{run}-{}", known.len());
            pages.push(
                json!({ "startedDateTime": started, "id": id, "title": title, "pageTimings": {} }),
            );
            known.len() - 1
        });
        entry["pageref"] = format!("{run}-{}", number + 1).into();
        entry["startedDateTime"] = started.into();
        entries.push(entry);
    }
}

fn at(started_at: Timestamp, offset: Duration) -> String {
    let at = started_at.checked_add(offset).unwrap_or(started_at);
    at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

fn of_exchange(exchange: &Exchange) -> Value {
    let (method, url) = exchange.request_line.split_once(' ').unwrap_or(("GET", ""));
    let timing = exchange.timing.unwrap_or_default();
    let version = exchange.version.as_deref().unwrap_or_default();
    let mut request = message(method, url, version, &exchange.request_headers);
    if let Some(body) = &exchange.request_body {
        let kind = header(&exchange.request_headers, "content-type");
        request["postData"] = json!({ "mimeType": kind, "text": body });
        request["bodySize"] = body.len().into();
    }
    let kind = header(&exchange.response_headers, "content-type");
    let mut content =
        json!({ "size": exchange.response_body.as_ref().map_or(0, String::len), "mimeType": kind });
    if let Some(body) = &exchange.response_body {
        content["text"] = body.as_str().into();
    }
    if exchange.truncated {
        content["comment"] = "only its beginning".into();
    }
    let answer = Answer {
        status: exchange.status,
        version,
        headers: &exchange.response_headers,
        bytes: None,
    };
    entry(timing, request, response(&answer, content))
}

fn of_request(asked: &PageRequest) -> Value {
    let version = asked.version.as_deref().unwrap_or_default();
    let request = message(&asked.method, &asked.url, version, &asked.request_headers);
    let kind = asked.media_type.as_deref().unwrap_or("x-unknown");
    let content = json!({ "size": asked.bytes, "mimeType": kind });
    let answer = Answer {
        status: asked.status,
        version,
        headers: &asked.response_headers,
        bytes: Some(asked.bytes),
    };
    let mut response = response(&answer, content);
    if let Some(error) = &asked.error {
        response["_error"] = error.as_str().into();
    }
    let mut entry = entry(asked.timing, request, response);
    entry["_resourceType"] = asked.kind.as_str().into();
    if let Some(peer) = asked.peer {
        entry["serverIPAddress"] = peer.ip().to_string().into();
    }
    entry
}

fn entry(timing: Timing, request: Value, response: Value) -> Value {
    json!({
        "pageref": null,
        "startedDateTime": null,
        "time": ms(timing.duration),
        "request": request,
        "response": response,
        "cache": {},
        "timings": timings(&timing.phases),
    })
}

/// `connect` holds the time of `ssl`, too; -1 is what did not happen.
fn timings(phases: &Phases) -> Value {
    let some = |time: Duration| if time.is_zero() { -1.0 } else { ms(time) };
    json!({
        "blocked": -1,
        "dns": some(phases.resolve),
        "connect": some(phases.connect + phases.tls),
        "ssl": some(phases.tls),
        "send": 0,
        "wait": ms(phases.processing),
        "receive": ms(phases.transfer),
    })
}

fn message(method: &str, url: &str, version: &str, headers: &[(String, String)]) -> Value {
    let query: Vec<Value> = url::Url::parse(url)
        .map(|url| {
            url.query_pairs().map(|(name, value)| json!({ "name": name, "value": value })).collect()
        })
        .unwrap_or_default();
    json!({
        "method": method, "url": url, "httpVersion": version, "cookies": [], "headers": pairs(headers),
        "queryString": query, "headersSize": -1, "bodySize": -1,
    })
}

struct Answer<'a> {
    status: Option<u16>,
    version: &'a str,
    headers: &'a [(String, String)],
    /// Over the wire.
    bytes: Option<u64>,
}

fn response(answer: &Answer<'_>, content: Value) -> Value {
    let body = answer.bytes.map_or_else(|| (-1).into(), Value::from);
    json!({
        "status": answer.status.unwrap_or(0), "statusText": "", "httpVersion": answer.version, "cookies": [],
        "headers": pairs(answer.headers), "content": content, "redirectURL": header(answer.headers, "location"),
        "headersSize": -1, "bodySize": -1, "_transferSize": body,
    })
}

fn pairs(headers: &[(String, String)]) -> Vec<Value> {
    headers.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect()
}

fn header<'a>(headers: &'a [(String, String)], name: &str) -> &'a str {
    let found = headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    found.map_or("", |(_, value)| value.as_str())
}

fn ms(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{PageEvidence, ResourceType, RunId};

    #[test]
    fn requests_of_a_browser_and_our_own_stand_in_the_order_of_time() {
        let millis = Duration::from_millis;
        let phases = Phases {
            resolve: millis(1),
            connect: millis(2),
            tls: millis(3),
            processing: millis(40),
            transfer: millis(4),
        };
        let timing = |offset| Timing { offset: millis(offset), duration: phases.total(), phases };
        let exchange = Exchange {
            step: Some("sign in".into()),
            request_line: "POST https://a.test/login?x=1".to_owned(),
            request_headers: vec![("Content-Type".to_owned(), "application/json".to_owned())],
            request_body: Some("{}".to_owned()),
            status: Some(303),
            response_headers: vec![("location".to_owned(), "/home".to_owned())],
            timing: Some(timing(700)),
            ..Exchange::default()
        };
        let asked = PageRequest {
            step: "open".into(),
            method: "GET".to_owned(),
            url: "https://a.test/x.js".to_owned(),
            kind: ResourceType::Script,
            status: None,
            version: None,
            error: Some("net::ERR_CONNECTION_REFUSED".to_owned()),
            bytes: 0,
            media_type: None,
            cached: false,
            unfinished: false,
            peer: Some("192.0.2.1:443".parse().unwrap()),
            request_headers: Vec::new(),
            response_headers: Vec::new(),
            timing: timing(5),
        };
        let page = PageEvidence { requests: vec![asked], ..PageEvidence::default() };
        let evidence = Evidence {
            exchanges: vec![exchange],
            page: Some(Box::new(page)),
            ..Evidence::default()
        };
        let started_at = Timestamp::from_second(1_800_000_000).unwrap();
        let witness = Witness { run: RunId(uuid::Uuid::nil()), started_at, evidence };
        let har = har([("shop", &witness)]);
        let entries = har["log"]["entries"].as_array().unwrap();
        let line = |e: &Value| {
            format!(
                "{} {} {} {}",
                e["startedDateTime"], e["request"]["url"], e["response"]["status"], e["pageref"]
            )
        };
        insta::assert_snapshot!(entries.iter().map(line).collect::<Vec<_>>().join("\n"), @r#"
        "2027-01-15T08:00:00.005Z" "https://a.test/x.js" 0 "00000000-0000-0000-0000-000000000000-1"
        "2027-01-15T08:00:00.700Z" "https://a.test/login?x=1" 303 "00000000-0000-0000-0000-000000000000-2"
        "#);
        assert_eq!(har["log"]["pages"][1]["title"], "shop: sign in");
        insta::assert_snapshot!(entries[0]["timings"], @r#"{"blocked":-1,"dns":1.0,"connect":5.0,"ssl":3.0,"send":0,"wait":40.0,"receive":4.0}"#);
        assert_eq!(entries[0]["time"], 50.0);
        assert_eq!(entries[0]["response"]["_error"], "net::ERR_CONNECTION_REFUSED");
        assert_eq!(entries[1]["request"]["postData"]["text"], "{}");
        assert_eq!(entries[1]["request"]["queryString"][0]["name"], "x");
    }
}
