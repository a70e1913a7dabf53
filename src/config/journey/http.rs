//! `[step.http]`.

use http::{HeaderName, HeaderValue};
use url::Url;

use super::{auth, body};
use crate::{
    config::{
        hint,
        page::Note,
        reader::Reader,
        value::{At, Entry},
    },
    model::{Body, Connection, HttpStep, HttpVersion, IpFamily, Text},
};

/// The methods of RFC 9110 that ask something of a site, and PATCH (RFC 5789).
pub(in crate::config) const METHODS: &[&str] =
    &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"];

/// How many redirects are followed unless told otherwise.
pub(in crate::config) const REDIRECTS: u32 = 10;

/// Largest body that is read unless told otherwise.
pub(in crate::config) const MAX_BODY_BYTES: u64 = 10 * 1024 * 1024;

/// Largest body that may be asked for: it is held in memory.
const LARGEST_BODY_BYTES: u64 = 1024 * 1024 * 1024;

pub(in crate::config) const VERSIONS: &[(&str, HttpVersion)] =
    &[("1.1", HttpVersion::Http1), ("2", HttpVersion::Http2), ("auto", HttpVersion::Auto)];

pub(in crate::config) const FAMILIES: &[(&str, IpFamily)] =
    &[("4", IpFamily::V4), ("6", IpFamily::V6)];

pub(in crate::config) const CONNECTIONS: &[(&str, Connection)] =
    &[("journey", Connection::Journey), ("fresh", Connection::Fresh)];

/// Lowers the table; `stays`: a redirect is expected and must be seen, not followed.
pub(super) fn lower(
    table: &Reader<'_>,
    stays: bool,
    templates: &mut Vec<At<Text>>,
) -> Option<HttpStep> {
    table.require("url", "url = \"{{base_url}}/login\"");
    let default = if table.has("graphql") { "POST" } else { "GET" };
    let method =
        table.take("method").map_or_else(|| Some(default.to_owned()), |entry| method(&entry));
    let url = table.take("url").and_then(|entry| url(&entry));
    templates.extend(url.clone());
    let query = pairs(table, "query", templates);
    let headers = pairs(table, "headers", templates);
    for (entry, text) in &headers {
        check_header(entry, text);
    }
    let body = body::lower(table, templates);
    check_method(table, body.as_ref(), method.as_deref());
    let auth = auth::lower(table, templates);
    let written = headers.iter().find(|(e, _)| e.key.eq_ignore_ascii_case("authorization"));
    if let (true, Some((entry, _))) = (table.has("auth"), written) {
        let note = Note::new(entry.key_span.clone(), "`auth` writes this header already");
        table.note(note.label("besides `auth`").help("keep one of them"));
    }
    let version = table.take("http").and_then(|entry| word(&entry, VERSIONS)).unwrap_or_default();
    let ip = table.take("ip").and_then(|entry| word(&entry, FAMILIES));
    let connection = connection(table);
    let default = if stays { 0 } else { REDIRECTS };
    let redirects = table
        .count("redirects", 0..50)
        .map_or(default, |n| u32::try_from(n.value).unwrap_or(default));
    let max_body_bytes = table
        .take("max_body")
        .and_then(|entry| entry.size(1..LARGEST_BODY_BYTES))
        .map_or(MAX_BODY_BYTES, |size| size.value);
    table.finish();
    Some(HttpStep {
        method: method?,
        url: url?.value,
        query: plain(query),
        headers: plain(headers),
        body,
        redirects,
        max_body_bytes,
        auth,
        version,
        ip,
        connection,
    })
}

/// `connection`, of a step or of a whole journey.
pub(super) fn connection(table: &Reader<'_>) -> Option<Connection> {
    table.take("connection").and_then(|entry| word(&entry, CONNECTIONS))
}

/// One of a few words.
fn word<T: Copy>(entry: &Entry<'_>, words: &[(&str, T)]) -> Option<T> {
    let text = entry.text()?;
    let found = words.iter().find(|(word, _)| *word == text.value);
    found.map(|(_, value)| *value).or_else(|| {
        let note =
            entry.fault(format!("`{}` cannot be `{}`", entry.key, text.value.escape_debug()));
        let advice = hint::advice(&text.value, words.iter().map(|(word, _)| *word));
        entry.refuse(note.label("not known here").maybe_help(advice))
    })
}

/// Notes a body that its method cannot carry.
fn check_method(table: &Reader<'_>, body: Option<&Body>, method: Option<&str>) {
    let (key, help) = match body {
        Some(Body::Form(_)) => {
            ("form", "add `method = \"POST\"`, or write `query` instead of `form`")
        }
        Some(Body::Multipart(_)) => ("multipart", "add `method = \"POST\"`"),
        Some(Body::GraphQl { .. }) => ("graphql", "leave out `method`: it is POST"),
        _ => return,
    };
    if let Some(method @ ("GET" | "HEAD")) = method {
        let span = table.take(key).map_or(table.span.clone(), |entry| entry.key_span);
        let what = if key == "form" { "a form" } else { key };
        let note = Note::new(span, format!("{what} cannot be sent with {method}"));
        table.note(note.label("needs another method").help(help));
    }
}

fn method(entry: &Entry<'_>) -> Option<String> {
    let text = entry.text()?;
    let upper = text.value.to_ascii_uppercase();
    if METHODS.contains(&upper.as_str()) {
        return Some(upper);
    }
    let advice = hint::advice(&upper, METHODS.iter().copied());
    let note = entry.fault(format!("there is no method `{}`", text.value.escape_debug()));
    entry.refuse(note.label("not a method").maybe_help(advice))
}

/// A whole address, or a template that begins like one.
pub(super) fn url(entry: &Entry<'_>) -> Option<At<Text>> {
    let text = entry.text()?;
    let plain = !text.value.contains("{{");
    let absolute = text.value.starts_with("http://") || text.value.starts_with("https://");
    let sound = if plain {
        absolute && Url::parse(&text.value).is_ok_and(|url| url.has_host())
    } else {
        absolute || text.value.starts_with("{{")
    };
    if !sound {
        let note = entry.fault(format!(
            "`{}`: `{}` is not a whole address",
            entry.key,
            text.value.escape_debug()
        ));
        let path = text.value.trim_start_matches('/');
        let host = path.split('/').next().is_some_and(|first| first.contains('.'));
        let help = if text.value.contains(':') || path.contains("{{") {
            "begin with `{{base_url}}`, `http://` or `https://`".to_owned()
        } else if host && !text.value.starts_with('/') {
            format!("write `https://{path}`")
        } else {
            format!("write `{{{{base_url}}}}/{path}`")
        };
        return entry.refuse(note.label("no scheme and host").help(help));
    }
    Some(At { value: Text(text.value), span: text.span })
}

/// The entries of a table whose values are templates or lists of them, in order.
pub(super) fn pairs<'t>(
    table: &Reader<'t>,
    key: &'static str,
    templates: &mut Vec<At<Text>>,
) -> Vec<(Entry<'t>, At<Text>)> {
    let mut pairs = Vec::new();
    for entry in table.table(key).map(|table| table.entries()).unwrap_or_default() {
        let values = if entry.value.is_array() {
            entry.elements("a text or a list of texts").unwrap_or_default()
        } else {
            vec![entry]
        };
        for value in values {
            if let Some(text) = value.template() {
                templates.push(text.clone());
                pairs.push((value, text));
            }
        }
    }
    pairs
}

/// Names and texts without their places.
pub(super) fn plain(pairs: Vec<(Entry<'_>, At<Text>)>) -> Vec<(String, Text)> {
    pairs.into_iter().map(|(entry, text)| (entry.key.to_owned(), text.value)).collect()
}

/// Notes what no header can be.
pub(in crate::config) fn check_header(entry: &Entry<'_>, text: &At<Text>) {
    if HeaderName::from_bytes(entry.key.as_bytes()).is_err() {
        let note = Note::new(
            entry.key_span.clone(),
            format!("`{}` is not the name of a header", entry.key.escape_debug()),
        );
        entry.page.note(note.label("not a header"));
    }
    // One that is wrong makes the server wait for more, or take the rest for another request.
    if ["content-length", "transfer-encoding"].iter().any(|n| entry.key.eq_ignore_ascii_case(n)) {
        let note = Note::new(
            entry.key_span.clone(),
            format!("`{}` follows from the body", entry.key.to_ascii_lowercase()),
        );
        entry.page.note(note.label("not to be written").help("leave it out: it is sent by itself"));
    }
    if text.value.is_plain() && HeaderValue::from_str(&text.value.0).is_err() {
        let note = entry
            .fault(format!("`{}` has a value that no header can have", entry.key.escape_debug()));
        entry.page.note(note.label("control characters").help("a header is one line of text"));
    }
}
