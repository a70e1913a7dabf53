//! What pages asked the network for, from Chromium's performance log: the `Network` events of the Chrome DevTools Protocol
//! (<https://chromedevtools.github.io/devtools-protocol/tot/Network/>), one JSON text each. Where there is no log, from Resource Timing.

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use http::{HeaderMap, HeaderValue};
use serde_json::Value;

use super::timing::{Entry, Marks, bytes, protocol, span};
use crate::{
    engine::http::server_times,
    model::{
        Hop, HostTraffic, PageRequest, ResourceType, SlowResource, StepName, Timing, Traffic,
        TypeTraffic,
    },
};

/// Most requests of a step that are looked at one by one; beyond them they are only counted.
const MOST: usize = 5_000;

/// Longest URL, header and other text of a request, in bytes.
const TEXT: usize = 2 << 10;

/// Most headers of a message.
const HEADERS: usize = 60;

/// Most third parties and slow resources that are told.
const TOLD: (usize, usize) = (10, 5);

/// One request, redirects apart.
#[derive(Debug, Clone, Default)]
pub(super) struct Request {
    pub(super) url: String,
    method: String,
    kind: Option<ResourceType>,
    /// Whether it opened a document in a window (not in a frame).
    pub(super) document: bool,
    /// Seconds by the browser's monotonic clock.
    began: f64,
    /// What is added to that for seconds since 1970.
    epoch: f64,
    ended: Option<f64>,
    /// Milliseconds after `began`.
    marks: Option<Marks>,
    status: Option<u16>,
    version: Option<String>,
    error: Option<String>,
    cancelled: bool,
    bytes: u64,
    body_bytes: u64,
    head_bytes: u64,
    /// What of the bytes an earlier step has counted.
    counted: u64,
    cached: bool,
    media_type: Option<String>,
    pub(super) peer: Option<SocketAddr>,
    request_headers: Vec<(String, String)>,
    response_headers: Vec<(String, String)>,
    certificate_ends: Option<i64>,
    server_timing: Vec<(String, Duration)>,
}

impl Request {
    fn failed(&self) -> bool {
        // What a page itself gave up, or left behind when it went, failed nobody.
        !self.cancelled && (self.error.is_some() || self.status.is_some_and(|s| s >= 400))
    }

    fn host(&self) -> Option<String> {
        host(&self.url)
    }

    fn kind(&self) -> ResourceType {
        self.kind.unwrap_or(ResourceType::Other)
    }

    /// Seconds since 1970.
    pub(super) fn at(&self) -> f64 {
        self.began + self.epoch
    }

    /// In milliseconds after `began`; what has not ended lasts until `now` (seconds by the same clock).
    fn marks(&self, now: f64) -> Marks {
        let end = (self.ended.unwrap_or(now) - self.began).max(0.0) * 1e3;
        let marks = self.marks.unwrap_or_default();
        Marks { end: end.max(marks.start), ..marks }
    }

    /// Its beginning as a time after the run's, which began at `origin` (seconds since 1970).
    fn offset(&self, marks: &Marks, origin: f64) -> Duration {
        span((self.at() - origin) * 1e3 + marks.start)
    }

    fn timing(&self, origin: f64, now: f64) -> Timing {
        let marks = self.marks(now);
        let phases = marks.phases();
        Timing { offset: self.offset(&marks, origin), duration: phases.total(), phases }
    }

    fn hop(&self, origin: f64, now: f64) -> Hop {
        let Timing { offset, duration, phases } = self.timing(origin, now);
        Hop {
            method: self.method.clone(),
            url: self.url.clone(),
            status: self.status,
            version: self.version.clone(),
            offset,
            duration,
            phases,
            reused: self.status.is_some() && self.marks.is_some_and(|m| m.connected.is_none()),
            peer: self.peer,
            body_bytes: self.body_bytes,
            certificate_expires_at: self
                .certificate_ends
                .and_then(|at| jiff::Timestamp::from_second(at).ok()),
            server_timing: self.server_timing.clone(),
        }
    }

    fn told(&self, step: &StepName, origin: f64, now: f64) -> PageRequest {
        PageRequest {
            step: step.clone(),
            method: self.method.clone(),
            url: self.url.clone(),
            kind: self.kind(),
            status: self.status,
            version: self.version.clone(),
            error: self.error.clone().filter(|_| !self.cancelled),
            bytes: self.bytes,
            media_type: self.media_type.clone(),
            cached: self.cached,
            unfinished: self.ended.is_none() || (self.cancelled && self.status.is_none()),
            peer: self.peer,
            request_headers: self.request_headers.clone(),
            response_headers: self.response_headers.clone(),
            timing: self.timing(origin, now),
        }
    }
}

/// What a step asked for, once it is over.
#[derive(Debug, Default)]
pub(super) struct Asked {
    pub(super) traffic: Traffic,
    /// Documents that were opened, redirects included, in order.
    pub(super) hops: Vec<Hop>,
    /// Every request, in order.
    pub(super) requests: Vec<PageRequest>,
    /// How many more there were.
    pub(super) left_out: u32,
    pub(super) third_party_requests: u32,
}

/// The requests of the present step, and those before it that have not ended.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    requests: Vec<Request>,
    /// By the browser's name for it: redirects keep it.
    open: HashMap<String, usize>,
    left_out: u32,
    /// The latest time that was seen, by the browser's monotonic clock.
    now: f64,
}

impl Ledger {
    /// Reads entries of the performance log. What is no event of the network, or no event at all, is passed over.
    pub(super) fn read(&mut self, entries: &[Value]) {
        for entry in entries {
            let Some(text) = entry["message"].as_str() else { continue };
            if !text.contains("\"Network.") {
                continue;
            }
            let Ok(event) = serde_json::from_str::<Value>(text) else { continue };
            let (view, message) = (event["webview"].as_str(), &event["message"]);
            let Some(method) = message["method"].as_str() else { continue };
            self.event(method, &message["params"], view.unwrap_or_default());
        }
    }

    fn event(&mut self, method: &str, told: &Value, view: &str) {
        let Some(id) = told["requestId"].as_str() else { return };
        let at = told["timestamp"].as_f64().filter(|at| at.is_finite());
        if let Some(at) = at {
            self.now = self.now.max(at);
        }
        match method {
            "Network.requestWillBeSent" => self.begin(id, told, view),
            "Network.webSocketCreated" => self.socket(id, told),
            _ => {
                let now = self.now;
                let Some(request) = self.open.get(id).and_then(|at| self.requests.get_mut(*at))
                else {
                    return;
                };
                match method {
                    "Network.responseReceived" => request.answer(&told["response"]),
                    "Network.webSocketHandshakeResponseReceived" => {
                        request.answer(&told["response"]);
                    }
                    "Network.requestServedFromCache" => request.cached = true,
                    "Network.dataReceived" => {
                        let more = number(&told["encodedDataLength"]);
                        request.bytes = request.bytes.saturating_add(more);
                        request.body_bytes = request.body_bytes.saturating_add(more);
                    }
                    "Network.loadingFinished" => {
                        let all = number(&told["encodedDataLength"]);
                        request.finish(all, at.unwrap_or(now));
                        self.open.remove(id);
                    }
                    "Network.loadingFailed" => {
                        request.fail(told, at.unwrap_or(now));
                        self.open.remove(id);
                    }
                    "Network.webSocketFrameError" => {
                        request.error = told["errorMessage"].as_str().map(clip);
                    }
                    "Network.webSocketClosed" => {
                        request.ended = Some(at.unwrap_or(now));
                        self.open.remove(id);
                    }
                    _ => {}
                }
            }
        }
    }

    fn begin(&mut self, id: &str, told: &Value, view: &str) {
        let at = told["timestamp"].as_f64().unwrap_or(self.now);
        if let Some(response) = told.get("redirectResponse")
            && let Some(request) = self.open.remove(id).and_then(|at| self.requests.get_mut(at))
        {
            request.answer(response);
            request.finish(number(&response["encodedDataLength"]), at);
        }
        let (asked, url) = (&told["request"], told["request"]["url"].as_str().unwrap_or_default());
        if !(url.starts_with("http:") || url.starts_with("https:")) || is_favicon(told, url) {
            return;
        }
        let word = told["type"].as_str().unwrap_or_default();
        let frame = told["frameId"].as_str();
        let request = Request {
            url: clip(url),
            method: clip(asked["method"].as_str().unwrap_or("GET")),
            kind: Some(kind(word)),
            document: word == "Document" && frame == Some(view),
            began: at,
            epoch: told["wallTime"].as_f64().map_or(0.0, |wall| wall - at),
            request_headers: headers(&asked["headers"]),
            ..Request::default()
        };
        self.add(id, request);
    }

    fn socket(&mut self, id: &str, told: &Value) {
        let epoch = self.requests.last().map_or(0.0, |request| request.epoch);
        let request = Request {
            url: clip(told["url"].as_str().unwrap_or_default()),
            method: "GET".to_owned(),
            kind: Some(ResourceType::WebSocket),
            began: self.now,
            epoch,
            ..Request::default()
        };
        self.add(id, request);
    }

    fn add(&mut self, id: &str, request: Request) {
        if self.requests.len() >= MOST {
            self.left_out = self.left_out.saturating_add(1);
            return;
        }
        self.open.insert(id.to_owned(), self.requests.len());
        self.requests.push(request);
    }

    /// The requests of the step so far and those that are still open: whom they went to.
    pub(super) fn requests(&self) -> &[Request] {
        &self.requests
    }

    /// Ends a step. `origin` is when the run began, in seconds since 1970 by the browser's clock; `site` is the host of the step's document.
    pub(super) fn take(&mut self, step: &StepName, origin: f64, site: Option<&str>) -> Asked {
        let now = self.now;
        let own = self.requests.iter().filter(|r| r.document).find_map(Request::host);
        let site = site.map(ToOwned::to_owned).or(own);
        let mut asked = Asked { left_out: self.left_out, ..Asked::default() };
        let mut sums = Sums::default();
        for request in &self.requests {
            // One of an earlier step: only what came of it since counts here.
            let new = request.counted == 0;
            sums.add(request, new, now, site.as_deref());
            if new {
                asked.requests.push(request.told(step, origin, now));
                if request.document {
                    asked.hops.push(request.hop(origin, now));
                }
            }
        }
        asked.third_party_requests = sums.third_party_requests;
        asked.traffic = sums.traffic();
        self.carry();
        asked
    }

    /// Keeps what has not ended for the next step.
    fn carry(&mut self) {
        let open: HashMap<usize, String> = self.open.drain().map(|(id, at)| (at, id)).collect();
        let mut kept = Vec::new();
        for (at, mut request) in std::mem::take(&mut self.requests).into_iter().enumerate() {
            if let Some(id) = open.get(&at) {
                // At least 1: that it was counted is known by it.
                request.counted = request.bytes.max(1);
                self.open.insert(id.clone(), kept.len());
                kept.push(request);
            }
        }
        self.requests = kept;
        self.left_out = 0;
    }
}

impl Request {
    fn answer(&mut self, told: &Value) {
        self.status =
            told["status"].as_u64().and_then(|s| u16::try_from(s).ok()).filter(|s| *s > 0);
        self.version = told["protocol"].as_str().and_then(protocol);
        self.media_type = told["mimeType"].as_str().filter(|t| !t.is_empty()).map(clip);
        let is = |name: &str| told[name] == true;
        self.cached |= is("fromDiskCache") || is("fromServiceWorker") || is("fromPrefetchCache");
        if self.document {
            self.server_timing = server_timing(&told["headers"]);
        }
        self.response_headers = headers(&told["headers"]);
        self.head_bytes = number(&told["encodedDataLength"]);
        self.bytes = self.bytes.max(self.head_bytes);
        let port = told["remotePort"].as_u64().and_then(|port| u16::try_from(port).ok());
        let address = told["remoteIPAddress"].as_str().and_then(address);
        self.peer = address.zip(port).map(Into::into);
        self.certificate_ends = told["securityDetails"]["validTo"].as_i64();
        self.marks = marks(&told["timing"], self.began);
    }

    /// `all` is everything that came over the wire, head included.
    fn finish(&mut self, all: u64, at: f64) {
        self.bytes = self.bytes.max(all);
        self.body_bytes = self.body_bytes.max(self.bytes.saturating_sub(self.head_bytes));
        self.ended = Some(at);
    }

    fn fail(&mut self, told: &Value, at: f64) {
        let blocked = told["blockedReason"].as_str();
        let error = told["errorText"].as_str().filter(|text| !text.is_empty());
        let text = match (error, blocked) {
            (Some(error), Some(blocked)) => format!("{error} ({blocked})"),
            (Some(text), None) | (None, Some(text)) => text.to_owned(),
            (None, None) => "it failed".to_owned(),
        };
        self.error = Some(clip(&text));
        self.cancelled = told["canceled"] == true && blocked.is_none();
        self.ended = Some(at);
    }
}

/// Sums of requests by sort and host.
#[derive(Default)]
struct Sums {
    by_type: Vec<TypeTraffic>,
    parties: Vec<HostTraffic>,
    slowest: Vec<SlowResource>,
    third_party_requests: u32,
}

impl Sums {
    fn add(&mut self, request: &Request, new: bool, now: f64, site: Option<&str>) {
        let kind = request.kind();
        let at = self.by_type.iter().position(|sort| sort.kind == kind).unwrap_or_else(|| {
            self.by_type.push(TypeTraffic { kind, requests: 0, failed: 0, bytes: 0 });
            self.by_type.len() - 1
        });
        let (one, failed) = (u32::from(new), u32::from(request.failed()));
        let bytes = request.bytes.saturating_sub(if new { 0 } else { request.counted });
        let sort = &mut self.by_type[at];
        sort.requests += one;
        sort.failed += failed;
        sort.bytes = sort.bytes.saturating_add(bytes);
        if !new {
            return;
        }
        let marks = request.marks(now);
        let duration = marks.phases().total();
        self.slowest.push(SlowResource { url: request.url.clone(), kind, duration, bytes });
        let Some(host) = request.host().filter(|host| !same_site(host, site)) else { return };
        self.third_party_requests += 1;
        let at = self.parties.iter().position(|party| party.host == host).unwrap_or_else(|| {
            let time = Duration::ZERO;
            self.parties.push(HostTraffic { host, requests: 0, failed: 0, bytes: 0, time });
            self.parties.len() - 1
        });
        let party = &mut self.parties[at];
        party.requests += 1;
        party.failed += failed;
        party.bytes = party.bytes.saturating_add(bytes);
        party.time += duration;
    }

    fn traffic(mut self) -> Traffic {
        self.by_type.sort_by_key(|sort| sort.kind);
        self.parties.sort_by_key(|party| std::cmp::Reverse(party.time));
        self.parties.truncate(TOLD.0);
        self.slowest.sort_by_key(|slow| std::cmp::Reverse(slow.duration));
        self.slowest.truncate(TOLD.1);
        Traffic { by_type: self.by_type, third_parties: self.parties, slowest: self.slowest }
    }
}

/// What was asked for by Resource Timing (<https://www.w3.org/TR/resource-timing/>), where there is no log: the page's own document, and what it
/// asked for since `since` (milliseconds by the page's clock). Failures without an answer are not told there, other origins' sizes neither.
pub(super) fn from_entries(
    document: Option<&Entry>,
    resources: &[Entry],
    (step, since): (&StepName, f64),
    (origin, now): (f64, f64),
) -> Asked {
    let site = document.and_then(|document| host(&document.name));
    let mut asked = Asked::default();
    let mut sums = Sums::default();
    let opened = document.filter(|document| document.start_time >= since);
    let late = resources.iter().filter(|entry| entry.start_time >= since);
    for entry in opened.into_iter().chain(late).take(MOST) {
        if !entry.name.starts_with("http") {
            continue;
        }
        let marks = entry.marks(now);
        let request = Request {
            url: clip(&entry.name),
            method: "GET".to_owned(),
            kind: Some(initiated(&entry.initiator_type)),
            began: 0.0,
            epoch: 0.0,
            ended: Some(marks.end / 1e3),
            status: entry.status(),
            version: entry.version(),
            bytes: entry.bytes(),
            body_bytes: bytes(entry.encoded_body_size),
            cached: entry.transfer_size == 0.0 && entry.encoded_body_size > 0.0,
            marks: Some(marks),
            ..Request::default()
        };
        sums.add(&request, true, now / 1e3, site.as_deref());
        asked.requests.push(request.told(step, -origin, now / 1e3));
        if entry.initiator_type == "navigation" {
            asked.hops.push(request.hop(-origin, now / 1e3));
        }
    }
    asked.third_party_requests = sums.third_party_requests;
    asked.traffic = sums.traffic();
    asked
}

/// Milliseconds after `began` (seconds) of a `ResourceTiming` of the protocol: milliseconds after its `requestTime` (seconds), -1 is none.
fn marks(told: &Value, began: f64) -> Option<Marks> {
    let start = told["requestTime"].as_f64().filter(|at| *at > 0.0)?;
    let start = ((start - began) * 1e3).max(0.0);
    let at = |name: &str| told[name].as_f64().filter(|ms| *ms >= 0.0).map(|ms| start + ms);
    let secured = at("sslEnd").filter(|end| Some(*end) > at("sslStart"));
    let (began_dns, resolved) = (at("dnsStart"), at("dnsEnd"));
    Some(Marks {
        start,
        resolved: resolved.filter(|end| Some(*end) > began_dns),
        connected: at("sslStart").filter(|_| secured.is_some()).or(at("connectEnd")),
        secured,
        head: at("receiveHeadersStart").or(at("receiveHeadersEnd")),
        end: start,
    })
}

/// The words of the protocol.
fn kind(word: &str) -> ResourceType {
    match word {
        "Document" => ResourceType::Document,
        "Stylesheet" => ResourceType::Stylesheet,
        "Script" => ResourceType::Script,
        "Image" => ResourceType::Image,
        "Font" => ResourceType::Font,
        "Media" | "TextTrack" => ResourceType::Media,
        "XHR" | "Fetch" | "EventSource" | "FedCM" => ResourceType::Fetch,
        "WebSocket" => ResourceType::WebSocket,
        "Preflight" => ResourceType::Preflight,
        "Ping" | "CSPViolationReport" => ResourceType::Ping,
        _ => ResourceType::Other,
    }
}

/// The words of Resource Timing, which say who asked.
fn initiated(word: &str) -> ResourceType {
    match word {
        "navigation" | "iframe" | "frame" => ResourceType::Document,
        "script" => ResourceType::Script,
        "img" | "image" | "input" => ResourceType::Image,
        "audio" | "video" | "track" => ResourceType::Media,
        "fetch" | "xmlhttprequest" | "early-hints" => ResourceType::Fetch,
        "beacon" | "ping" => ResourceType::Ping,
        "link" => ResourceType::Stylesheet,
        _ => ResourceType::Other,
    }
}

/// A picture that no page names: a browser with a fresh profile asks for it by itself, and not always.
fn is_favicon(told: &Value, url: &str) -> bool {
    told["type"] == "Other"
        && url.split(['?', '#']).next().is_some_and(|url| url.ends_with("/favicon.ico"))
}

fn number(value: &Value) -> u64 {
    value.as_f64().map_or(0, bytes)
}

fn address(text: &str) -> Option<IpAddr> {
    text.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

fn headers(told: &Value) -> Vec<(String, String)> {
    let all = told.as_object().into_iter().flatten().take(HEADERS);
    all.filter_map(|(name, value)| Some((clip(name), clip(value.as_str()?)))).collect()
}

/// What the server says of its own time; several headers of a name are lines of one.
fn server_timing(told: &Value) -> Vec<(String, Duration)> {
    let named = |name: &str| name.eq_ignore_ascii_case("server-timing");
    let values = told.as_object().into_iter().flatten().filter(|(name, _)| named(name));
    let lines = values.filter_map(|(_, value)| value.as_str()).flat_map(str::lines);
    let mut headers = HeaderMap::new();
    for value in lines.filter_map(|line| HeaderValue::from_str(line).ok()) {
        headers.append("server-timing", value);
    }
    server_times(&headers)
}

fn clip(text: &str) -> String {
    if text.len() <= TEXT {
        return text.to_owned();
    }
    format!("{}…", &text[..text.floor_char_boundary(TEXT)])
}

pub(super) fn host(url: &str) -> Option<String> {
    url::Url::parse(url).ok()?.host_str().map(str::to_ascii_lowercase)
}

/// What registries of countries sell below: the site is one label more.
const REGISTRIES: [&str; 18] = [
    "ac", "co", "com", "edu", "go", "gob", "gouv", "gov", "gv", "ltd", "me", "mil", "ne", "net",
    "nom", "or", "org", "sch",
];

/// Whether two hosts are likely of one site: the same address, or the same last two labels; the last three below a registry of a country
/// (`co.uk`, `com.au`). A public suffix list would know more of them, and be old one day.
fn same_site(host: &str, site: Option<&str>) -> bool {
    let Some(site) = site else { return true };
    host == site || registrable(host).is_some_and(|own| Some(own) == registrable(site))
}

fn registrable(host: &str) -> Option<&str> {
    let host = host.trim_end_matches('.');
    if host.contains(':') || host.parse::<IpAddr>().is_ok() {
        return None;
    }
    let mut dots = host.rmatch_indices('.').map(|(at, _)| at);
    let (last, second) = (dots.next()?, dots.next());
    let second_level = &host[second.map_or(0, |at| at + 1)..last];
    let sold = REGISTRIES.contains(&second_level) && host.len() - last - 1 == 2;
    let from = if sold { dots.next() } else { second };
    Some(&host[from.map_or(0, |at| at + 1)..])
}

#[cfg(test)]
mod tests;
