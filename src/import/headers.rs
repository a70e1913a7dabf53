//! Which recorded headers say something of the user's path, and which only of the client that was used.

/// Headers that a client sets for itself, or that belong to one connection.
const OWN: [&str; 31] = [
    "accept-charset",
    "accept-encoding",
    "accept-language",
    "cache-control",
    "connection",
    "content-length",
    "device-memory",
    "dnt",
    "downlink",
    "dpr",
    "ect",
    "expect",
    "host",
    "if-modified-since",
    "if-none-match",
    "keep-alive",
    "pragma",
    "priority",
    "proxy-connection",
    "purpose",
    "referer",
    "rtt",
    "save-data",
    "te",
    "transfer-encoding",
    "upgrade",
    "upgrade-insecure-requests",
    "user-agent",
    "viewport-width",
    "x-client-data",
    "alt-used",
];

/// Headers that name one single request in somebody's traces.
const TRACES: [&str; 22] = [
    "traceparent",
    "tracestate",
    "baggage",
    "sentry-trace",
    "newrelic",
    "b3",
    "x-b3-traceid",
    "x-b3-spanid",
    "x-b3-sampled",
    "x-b3-parentspanid",
    "uber-trace-id",
    "x-amzn-trace-id",
    "x-cloud-trace-context",
    "request-id",
    "x-request-id",
    "x-correlation-id",
    "request-context",
    "x-datadog-trace-id",
    "x-datadog-parent-id",
    "x-datadog-origin",
    "x-datadog-sampling-priority",
    "postman-token",
];

/// Why a header of a recording is left out, if it is.
pub(super) fn left_out(name: &str, value: &str) -> Option<&'static str> {
    let lower = name.to_ascii_lowercase();
    if lower.starts_with("sec-") || OWN.contains(&lower.as_str()) || lower.starts_with(':') {
        return Some("headers that every client sets for itself");
    }
    if TRACES.contains(&lower.as_str()) {
        return Some("headers that trace one single request");
    }
    let anything = value.trim() == "*/*" || value.contains("*/*;q=") || value.contains("*/*; q=");
    (lower == "accept" && anything && !value.contains("json"))
        .then_some("headers that every client sets for itself")
}

/// Whether a name and a value can be sent as a header.
pub(super) fn is_sendable(name: &str, value: &str) -> bool {
    http::HeaderName::from_bytes(name.as_bytes()).is_ok()
        && http::HeaderValue::from_str(value).is_ok()
}

/// Whether the header makes a request one of a kind: a fresh value is sent for each run.
pub(super) fn is_idempotency_key(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    matches!(lower.as_str(), "idempotency-key" | "x-idempotency-key")
}
