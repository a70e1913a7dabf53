//! Runs a query over an answer.

use jsonpath_rust::{JsonPath, parser::parse_json_path};
use regex::{Regex, RegexBuilder};
use scraper::{Html, Selector};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{
    answer::{Answer, Certificate, Cookie},
    assert::Wording,
    filter::{self, days_between},
    node::{Node, hex},
};
use crate::model::{CertificateField, CookieAttribute, Query, Subject};

/// What a query found.
pub(super) struct Found {
    /// The values, in the order of the answer.
    pub(super) nodes: Vec<Node>,
    /// How many there are for `count`; a regular expression has one node, its first match, but counts all.
    pub(super) count: usize,
    /// Whether it is enough that a predicate holds of one of them.
    pub(super) any: bool,
}

impl Found {
    /// Values of which each is judged. One JSON array alone counts as its elements.
    pub(super) fn of(nodes: Vec<Node>) -> Self {
        let count = match nodes.as_slice() {
            [Node::Json(Value::Array(items))] => items.len(),
            all => all.len(),
        };
        Self { nodes, count, any: false }
    }

    fn one(node: Node) -> Self {
        Self { nodes: vec![node], count: 1, any: false }
    }

    fn maybe(node: Option<Node>) -> Self {
        Self::of(node.into_iter().collect())
    }

    /// Values of which one is enough.
    fn any(nodes: Vec<Node>) -> Self {
        Self { any: true, ..Self::of(nodes) }
    }

    /// Whether there is one JSON array and nothing else.
    pub(super) fn is_one_array(&self) -> bool {
        matches!(self.nodes.as_slice(), [Node::Json(Value::Array(_))])
    }

    /// The values to choose from: the elements, where there is one array alone.
    pub(super) fn elements(mut self) -> Vec<Node> {
        if !self.is_one_array() {
            return self.nodes;
        }
        match self.nodes.pop() {
            Some(Node::Json(Value::Array(items))) => items.into_iter().map(Node::Json).collect(),
            other => other.into_iter().collect(),
        }
    }
}

/// Why a capture has no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct CaptureFault {
    /// What was missing: lower case. May hold an excerpt of the answer, so it must be masked.
    pub message: String,
}

impl CaptureFault {
    /// The message without the value that a filter refused: for captures that are secret.
    pub fn without_value(&self) -> &str {
        self.message.split(GOT).next().unwrap_or_default()
    }
}

/// What stands before a value that a filter refused.
pub(super) const GOT: &str = ", got ";

/// The value of the first node, as text: JSON text without quotes, other JSON in its compact form, a duration in milliseconds, a date as
/// RFC 3339 writes it, bytes in hexadecimal.
///
/// # Errors
///
/// Nothing was found, it is `null`, the body is not what the query reads, or a filter takes something else.
pub fn capture(
    query: &Query,
    answer: &Answer,
    wording: &impl Wording,
) -> Result<String, CaptureFault> {
    first(query, answer, wording).map(Node::into_plain)
}

/// The value of the first node as JSON: numbers as numbers, a time as its milliseconds, dates and bytes as [`capture`] writes them.
///
/// # Errors
///
/// As [`capture`].
pub fn query_value(
    query: &Query,
    answer: &Answer,
    wording: &impl Wording,
) -> Result<Value, CaptureFault> {
    first(query, answer, wording).map(Node::into_json)
}

/// The first node, unless it is null.
pub(super) fn first(
    query: &Query,
    answer: &Answer,
    wording: &impl Wording,
) -> Result<Node, CaptureFault> {
    let fault = |message: String| CaptureFault { message };
    let found = find(query, answer, wording).map_err(fault)?;
    match found.nodes.into_iter().next() {
        None => Err(fault("nothing was found".to_owned())),
        Some(Node::Json(Value::Null)) => Err(fault("null was found".to_owned())),
        Some(node) => Ok(node),
    }
}

/// Runs the query and its filters. The error is a sentence about the answer, or about an expression that was not checked at load.
pub(super) fn find(
    query: &Query,
    answer: &Answer,
    wording: &impl Wording,
) -> Result<Found, String> {
    let found = look(&query.subject, answer, wording)?;
    query.filters.iter().try_fold(found, |found, filter| filter::apply(filter, found, answer.at))
}

fn look(subject: &Subject, answer: &Answer, wording: &impl Wording) -> Result<Found, String> {
    let text = |text: &str| Node::Text(text.to_owned());
    Ok(match subject {
        Subject::Status => Found::one(Node::Number(f64::from(answer.status))),
        Subject::Version => Found::one(text(&answer.version)),
        Subject::Redirects => Found::one(Node::Number(f64::from(answer.redirects))),
        Subject::Duration => Found::one(Node::Time(answer.duration)),
        Subject::Phase(name) => {
            let phases = answer.phases.named();
            let time = phases.iter().find(|(phase, _)| phase == name).map(|(_, time)| *time);
            Found::maybe(time.map(Node::Time))
        }
        Subject::ServerTiming(name) => {
            let times = answer.server_timing.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name));
            Found::of(times.map(|(_, time)| Node::Time(*time)).collect())
        }
        Subject::Url => Found::one(text(&answer.url)),
        Subject::Ip => Found::maybe(answer.ip.map(|ip| Node::Text(ip.to_string()))),
        Subject::Body => Found::one(text(&answer.body)),
        Subject::Bytes => Found::one(Node::Bytes(answer.bytes().to_vec())),
        Subject::Sha256 => Found::one(Node::Text(hex(&Sha256::digest(answer.bytes())))),
        Subject::Header(name) => {
            let values = answer.headers.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name));
            Found::any(values.map(|(_, value)| text(value)).collect())
        }
        Subject::Cookie { name, attribute } => {
            let cookie = answer.cookies.iter().find(|cookie| cookie.name == *name);
            Found::maybe(cookie.and_then(|cookie| of_cookie(cookie, *attribute)))
        }
        Subject::Certificate(field) => match &answer.certificate {
            Some(certificate) => of_certificate(certificate, *field, answer),
            None => Found::of(Vec::new()),
        },
        Subject::JsonPath(path) => Found::of(json_within(path, answer.json()?)?),
        Subject::Css { selector, attribute } => {
            Found::of(css_within(selector, attribute.as_deref(), answer.html())?)
        }
        Subject::Regex(pattern) => {
            let regex = regex(pattern)?;
            let first = regex.captures(&answer.body).and_then(|groups| {
                groups.get(usize::from(groups.len() > 1)).map(|m| text(m.as_str()))
            });
            Found { count: regex.find_iter(&answer.body).count(), ..Found::maybe(first) }
        }
        Subject::Variable(name) => Found::maybe(wording.variable(name).map(Node::Text)),
    })
}

fn of_cookie(cookie: &Cookie, attribute: CookieAttribute) -> Option<Node> {
    use CookieAttribute as C;
    let text = |text: &Option<String>| text.clone().map(Node::Text);
    match attribute {
        C::Value => Some(Node::Text(cookie.value.clone())),
        C::Path => text(&cookie.path),
        C::Domain => text(&cookie.domain),
        C::SameSite => text(&cookie.same_site),
        C::Expires => cookie.expires.map(Node::Date),
        C::MaxAge => cookie.max_age_s.map(|seconds| Node::Json(Value::Number(seconds.into()))),
        C::Secure => Some(Node::Json(Value::Bool(cookie.secure))),
        C::HttpOnly => Some(Node::Json(Value::Bool(cookie.http_only))),
    }
}

fn of_certificate(certificate: &Certificate, field: CertificateField, answer: &Answer) -> Found {
    use CertificateField as C;
    let text = |text: &String| Node::Text(text.clone());
    Found::one(match field {
        C::Subject => text(&certificate.subject),
        C::Issuer => text(&certificate.issuer),
        C::Serial => text(&certificate.serial),
        C::San => return Found::any(certificate.names.iter().map(text).collect()),
        C::NotBefore => Node::Date(certificate.not_before),
        C::NotAfter => Node::Date(certificate.not_after),
        C::ChainLength => Node::Number(f64::from(certificate.chain_length)),
        C::ExpiresInDays => Node::Number(days_between(answer.at, certificate.chain_ends)),
    })
}

/// The nodes of a JSON value that a path finds.
pub(super) fn json_within(path: &str, value: &Value) -> Result<Vec<Node>, String> {
    let nodes = value.query(path).map_err(|error| format!("{path}: {error}"))?;
    Ok(nodes.into_iter().cloned().map(Node::Json).collect())
}

/// Why a path does not compile.
pub(super) fn json_path_fault(path: &str) -> Option<String> {
    let error = parse_json_path(path).err()?.to_string();
    if !path.trim_start().starts_with('$') {
        return Some("a JSONPath begins with `$`".to_owned());
    }
    let said = match rest(path, &error) {
        // What the parser wanted are names of its rules, which tell nobody anything; where it stopped does.
        Some("") => "it breaks off".to_owned(),
        Some(rest) if rest.starts_with('-') => {
            format!("`{rest}` is not expected; a name with `-` in it stands in brackets: `['a-b']`")
        }
        Some(rest) => format!("`{rest}` is not expected"),
        None => error.lines().next().unwrap_or_default().trim().to_owned(),
    };
    Some(format!("the JSONPath does not compile: {said}"))
}

/// The part of a path from where its parser stopped: it says so in characters, as ` --> 1:10`.
fn rest<'a>(path: &'a str, error: &str) -> Option<&'a str> {
    let (_, place) = error.split_once("--> 1:")?;
    let column: usize = place.lines().next()?.trim().parse().ok()?;
    let at = path.char_indices().nth(column.checked_sub(1)?).map_or(path.len(), |(at, _)| at);
    Some(&path[at..])
}

/// The texts of the elements that a selector finds, or their attributes.
pub(super) fn css_within(
    css: &str,
    attribute: Option<&str>,
    html: &Html,
) -> Result<Vec<Node>, String> {
    let selector = selector(css)?;
    let elements = html.select(&selector);
    Ok(match attribute.filter(|name| *name != "text") {
        Some(name) => {
            elements.filter_map(|e| e.attr(name)).map(|v| Node::Text(v.to_owned())).collect()
        }
        // White space is collapsed as a browser shows it, or every line break of a template would be part of the value.
        None => elements
            .map(|e| {
                let text: String = e.text().collect();
                Node::Text(text.split_whitespace().collect::<Vec<_>>().join(" "))
            })
            .collect(),
    })
}

/// Why a selector or its attribute can never do.
pub(super) fn css_fault(css: &str, attribute: Option<&str>) -> Option<String> {
    if let Err(error) = selector(css) {
        return Some(format!("the CSS selector does not compile: {error}"));
    }
    attribute
        .is_some_and(|name| name.trim().is_empty())
        .then(|| "the attribute has no name".to_owned())
}

/// Compiles a selector; the error is lower case.
fn selector(css: &str) -> Result<Selector, String> {
    use scraper::error::SelectorErrorKind as K;
    Selector::parse(css).map_err(|error| match error {
        K::EndOfLine => "it breaks off".to_owned(),
        K::UnexpectedToken => "it has a character where none can be".to_owned(),
        // The crate's own text asks for a report to its developer, and all it shows is the name of a variant.
        K::UnexpectedSelectorParseError(kind) => match format!("{kind:?}").as_str() {
            "UnsupportedPseudoClassOrElement" => {
                "it has a pseudo-class or pseudo-element that is not known here".to_owned()
            }
            "EmptySelector" | "DanglingCombinator" => {
                "beside a comma or a combinator such as `>` a selector is missing".to_owned()
            }
            _ => "it is not a CSS selector".to_owned(),
        },
        other => lower_first(&other.to_string()),
    })
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_ascii_lowercase());
    first.into_iter().chain(chars).collect()
}

/// Compiles a regular expression, which may take 1 MiB: a pattern is a user's, and repeats of repeats grow without bound.
pub(super) fn regex(pattern: &str) -> Result<Regex, String> {
    RegexBuilder::new(pattern).size_limit(1 << 20).build().map_err(|error| match error {
        regex::Error::CompiledTooBig(limit) => {
            format!("it is too big: compiled it takes more than {limit} bytes")
        }
        regex::Error::Syntax(text) => {
            // The last line says what is wrong, the lines before it draw the pattern.
            let line = text.lines().last().unwrap_or_default();
            line.trim_start_matches("error: ").to_owned()
        }
        other => other.to_string(),
    })
}
