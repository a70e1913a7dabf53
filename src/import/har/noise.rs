//! Which exchanges of a recording belong to the user's path, and why the others do not.

use std::collections::BTreeSet;

use super::recording::Exchange;
use crate::import::url_parts::owner;

/// Hosts, and owners of hosts, that count, measure, advertise or report.
const ANALYTICS: [&str; 56] = [
    "google-analytics.com",
    "analytics.google.com",
    "googletagmanager.com",
    "doubleclick.net",
    "googlesyndication.com",
    "googleadservices.com",
    "facebook.net",
    "connect.facebook.net",
    "hotjar.com",
    "hotjar.io",
    "segment.com",
    "segment.io",
    "mixpanel.com",
    "amplitude.com",
    "sentry.io",
    "nr-data.net",
    "newrelic.com",
    "browser-intake-datadoghq.com",
    "browser-intake-datadoghq.eu",
    "datadoghq-browser-agent.com",
    "clarity.ms",
    "plausible.io",
    "cloudflareinsights.com",
    "fullstory.com",
    "intercom.io",
    "intercomcdn.com",
    "hs-analytics.net",
    "hs-scripts.com",
    "hsforms.com",
    "ads.linkedin.com",
    "licdn.com",
    "analytics.tiktok.com",
    "bat.bing.com",
    "criteo.com",
    "criteo.net",
    "optimizely.com",
    "launchdarkly.com",
    "onetrust.com",
    "cookielaw.org",
    "cookiebot.com",
    "usercentrics.eu",
    "matomo.cloud",
    "posthog.com",
    "heap.io",
    "heapanalytics.com",
    "logrocket.io",
    "lr-ingest.io",
    "bugsnag.com",
    "rollbar.com",
    "scorecardresearch.com",
    "quantserve.com",
    "taboola.com",
    "outbrain.com",
    "mouseflow.com",
    "appdynamics.com",
    "dynatrace.com",
];

/// Segments of paths that count or report, on anybody's host.
const COUNTING: [&str; 19] = [
    "collect",
    "beacon",
    "beacons",
    "pixel",
    "rum",
    "telemetry",
    "analytics",
    "csp-report",
    "csp_report",
    "matomo.php",
    "piwik.php",
    "gtm.js",
    "gtag",
    "tracking",
    "pageview",
    "pageviews",
    "web-vitals",
    "vitals",
    "heartbeat",
];

/// Endings of files that pages are dressed with.
const ASSETS: &[(&str, &str)] = &[
    ("css", "stylesheets"),
    ("js", "scripts"),
    ("mjs", "scripts"),
    ("map", "scripts"),
    ("wasm", "scripts"),
    ("png", "images"),
    ("jpg", "images"),
    ("jpeg", "images"),
    ("gif", "images"),
    ("svg", "images"),
    ("webp", "images"),
    ("avif", "images"),
    ("ico", "images"),
    ("bmp", "images"),
    ("woff", "fonts"),
    ("woff2", "fonts"),
    ("ttf", "fonts"),
    ("otf", "fonts"),
    ("eot", "fonts"),
    ("mp4", "media"),
    ("webm", "media"),
    ("mp3", "media"),
    ("m4s", "media"),
    ("ts", "media"),
    ("m3u8", "media"),
    ("ogg", "media"),
    ("webmanifest", "manifests"),
];

/// What a page's navigation and its forms ask for.
pub(super) fn is_page(exchange: &Exchange) -> bool {
    match (exchange.kind.as_deref(), exchange.sent("sec-fetch-dest")) {
        (Some(kind), _) => kind == "document",
        (None, Some(dest)) => matches!(dest, "document" | "frame"),
        (None, None) => {
            exchange.media.contains("html") && exchange.sent("x-requested-with").is_none()
        }
    }
}

/// Why an exchange is noise wherever it goes, if it is.
pub(super) fn reason(exchange: &Exchange) -> Option<&'static str> {
    let kind = exchange.kind.as_deref().unwrap_or_default();
    let dest = exchange.sent("sec-fetch-dest").unwrap_or_default();
    if exchange.socket || exchange.status == 101 || kind == "websocket" || dest == "websocket" {
        return Some("a websocket: a journey has single requests");
    }
    if exchange.method == "OPTIONS"
        && (kind == "preflight" || exchange.sent("access-control-request-method").is_some())
    {
        return Some("preflights of the browser");
    }
    if exchange.service_worker
        || exchange.sent("service-worker").is_some()
        || dest == "serviceworker"
    {
        return Some("service workers");
    }
    if exchange
        .sent("purpose")
        .or(exchange.sent("sec-purpose"))
        .is_some_and(|p| p.contains("prefetch"))
        || kind == "prefetch"
    {
        return Some("prefetched, perhaps never looked at");
    }
    if kind == "ping" || kind == "cspviolationreport" || dest == "report" {
        return Some("reports of the browser");
    }
    if kind == "eventsource" || exchange.media == "text/event-stream" {
        return Some("a stream of events: a journey has single requests");
    }
    if counts(exchange) {
        return Some("analytics and reports of errors");
    }
    if let Some(asset) = asset(exchange, kind, dest) {
        return Some(asset);
    }
    (exchange.status == 0).then_some("without an answer: blocked, or stopped by the browser")
}

/// Whether it is analytics, by host or path.
fn counts(exchange: &Exchange) -> bool {
    let host = exchange.host();
    let known = ANALYTICS.iter().any(|name| {
        host == *name || host.strip_suffix(name).is_some_and(|below| below.ends_with('.'))
    });
    let path = exchange.url.as_ref().map(url::Url::path).unwrap_or_default();
    known
        || (!is_page(exchange)
            && path
                .split('/')
                .any(|segment| COUNTING.contains(&segment.to_ascii_lowercase().as_str())))
        || host.starts_with("analytics.")
        || host.starts_with("metrics.")
        || host.starts_with("telemetry.")
}

fn asset(exchange: &Exchange, kind: &str, dest: &str) -> Option<&'static str> {
    let of_kind = match (kind, dest) {
        ("image", _) | ("", "image") => Some("images"),
        ("stylesheet", _) | ("", "style") => Some("stylesheets"),
        ("script", _) | ("", "script" | "worker" | "sharedworker") => Some("scripts"),
        ("font", _) | ("", "font") => Some("fonts"),
        ("media" | "texttrack", _) | ("", "audio" | "video" | "track") => Some("media"),
        ("manifest", _) | ("", "manifest") => Some("manifests"),
        _ => None,
    };
    if of_kind.is_some() {
        return of_kind;
    }
    // A page or a call for data is none, whatever its ending.
    if exchange.method != "GET"
        || is_page(exchange)
        || matches!(kind, "document" | "xhr" | "fetch") && exchange.media.contains("json")
    {
        return None;
    }
    let of_media = match exchange.media.split_once('/') {
        Some(("image", _)) => Some("images"),
        Some(("font", _)) => Some("fonts"),
        Some(("audio" | "video", _)) => Some("media"),
        Some(("text", "css")) => Some("stylesheets"),
        Some((_, media)) if media.contains("javascript") => Some("scripts"),
        Some((_, media)) if media.contains("font") => Some("fonts"),
        Some((_, media)) if media.contains("manifest") => Some("manifests"),
        _ => None,
    };
    let path = exchange.url.as_ref().map(url::Url::path).unwrap_or_default();
    let ending = path.rsplit('/').next().and_then(|file| file.rsplit_once('.'));
    let ending = ending.map(|(_, ending)| ending.to_ascii_lowercase());
    of_media.or_else(|| {
        ASSETS.iter().find(|(known, _)| ending.as_deref() == Some(known)).map(|(_, what)| *what)
    })
}

/// The hosts whose requests are kept.
pub(super) struct Site {
    owner: String,
    related: BTreeSet<String>,
}

impl Site {
    /// The site of a recording: that of its first page, with the hosts that it sends a user to and that send one back (to sign in).
    pub(super) fn of(exchanges: &[Exchange], also: &[String]) -> Self {
        let candidates = || exchanges.iter().filter(|exchange| reason(exchange).is_none());
        let first = candidates().find(|exchange| is_page(exchange)).or_else(|| candidates().next());
        let owner = owner(first.map(Exchange::host).unwrap_or_default()).to_owned();
        let mut site = Self { owner, related: also.iter().cloned().collect() };
        // Two rounds: a provider may send on to another.
        for _ in 0..2 {
            for exchange in candidates().filter(|exchange| (300..400).contains(&exchange.status)) {
                let Some(to) = exchange.location.as_ref().and_then(url::Url::host_str) else {
                    continue;
                };
                let typed = is_page(exchange) || exchange.kind.is_none();
                if typed && site.has(exchange.host()) != site.has(to) {
                    site.related.insert(exchange.host().to_owned());
                    site.related.insert(to.to_owned());
                }
            }
        }
        site
    }

    /// Whether a host belongs to it.
    pub(super) fn has(&self, host: &str) -> bool {
        owner(host) == self.owner || self.related.contains(host)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exchange(method: &str, url: &str, kind: Option<&str>, media: &str) -> Exchange {
        Exchange {
            method: method.into(),
            url: url::Url::parse(url).ok(),
            kind: kind.map(str::to_owned),
            media: media.into(),
            status: 200,
            ..Exchange::default()
        }
    }

    #[test]
    fn noise_is_told_from_the_path() {
        for (method, url, kind, media, noise) in [
            ("GET", "https://x.example/", Some("document"), "text/html", false),
            ("GET", "https://x.example/app.js", None, "application/javascript", true),
            ("GET", "https://x.example/data.js", Some("xhr"), "application/json", false),
            ("GET", "https://x.example/logo", None, "image/png", true),
            ("GET", "https://www.google-analytics.com/g", Some("fetch"), "", true),
            ("POST", "https://x.example/api/collect", Some("fetch"), "", true),
            ("GET", "https://x.example/collect", Some("document"), "text/html", false),
            ("GET", "https://x.example/api/collections", Some("xhr"), "application/json", false),
            ("POST", "https://x.example/upload.png", Some("xhr"), "application/json", false),
            ("POST", "https://x.example/x", Some("ping"), "", true),
        ] {
            let found = reason(&exchange(method, url, kind, media));
            assert_eq!(found.is_some(), noise, "{method} {url}: {found:?}");
        }
    }
}
