//! Where in the responses so far a value stands that a later request sends.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value as Json;

use super::recording::Exchange;
use crate::import::{
    draft::Query,
    html, names, secrets,
    tree::Tree,
    vault::{bits, looks_random},
};

/// Longest value that is looked for: hidden fields of old frameworks are long.
const LONGEST: usize = 64 * 1024;

/// A place in a response.
#[derive(Debug, Clone)]
pub(super) struct Source {
    /// The step whose response it is.
    pub(super) step: usize,
    pub(super) query: Query,
    /// What the value may be called.
    pub(super) name: String,
    pub(super) secret: bool,
    /// The value is short: it only counts where an id belongs.
    pub(super) weak: bool,
}

/// All places by value; of several, the first.
#[derive(Default)]
pub(super) struct Index {
    places: HashMap<String, Source>,
    /// What requests sent before any response had it: the user's own.
    ours: BTreeSet<String>,
}

impl Index {
    /// The place of a value.
    pub(super) fn find(&self, value: &str) -> Option<&Source> {
        self.places.get(value)
    }

    /// A value that was sent and stood in no response before.
    pub(super) fn sent(&mut self, value: &str) {
        if value.len() <= LONGEST && !self.places.contains_key(value) {
            self.ours.insert(value.to_owned());
        }
    }

    fn add(&mut self, value: &str, source: Source) {
        if value.len() <= LONGEST && !self.ours.contains(value) && !self.places.contains_key(value)
        {
            self.places.insert(value.to_owned(), source);
        }
    }

    /// Everything distinctive in a response.
    pub(super) fn read(&mut self, step: usize, exchange: &Exchange) {
        if let Some(text) = &exchange.text {
            let json =
                exchange.media.ends_with("json") || text.trim_start().starts_with(['{', '[']);
            if let Some(json) = json.then(|| serde_json::from_str::<Json>(text).ok()).flatten() {
                let noun = noun_of(exchange);
                self.json(step, &json, &mut Path::new(noun));
            } else if exchange.media.contains("html") || exchange.media.contains("xml") {
                self.page(step, text);
            }
        }
        self.headers(step, exchange);
        self.cookies(step, exchange);
        self.landing(step, exchange);
    }

    fn json(&mut self, step: usize, json: &Json, path: &mut Path) {
        let (value, number) = match json {
            Json::String(text) => (text.clone(), false),
            Json::Number(number) => (number.to_string(), true),
            Json::Array(items) => {
                for (at, item) in items.iter().enumerate() {
                    path.enter(Segment::Index(at), |path| self.json(step, item, path));
                }
                return;
            }
            Json::Object(members) => {
                for (key, item) in members {
                    path.enter(Segment::Key(key.clone()), |path| self.json(step, item, path));
                }
                return;
            }
            _ => return,
        };
        let key = path.key();
        let Some(strength) = strength(&key, &value, number) else { return };
        let source = Source {
            step,
            query: Query::named("jsonpath", path.jsonpath()),
            name: match value.starts_with('/') || value.starts_with("http") {
                true if !path.name().ends_with("url") => format!("{}_link", path.name()),
                _ => path.name(),
            },
            secret: is_secret(&key, &value),
            weak: strength == Strength::Weak,
        };
        self.add(&value, source);
    }

    fn headers(&mut self, step: usize, exchange: &Exchange) {
        for (name, value) in &exchange.received {
            let location = name == "location" && !(300..400).contains(&exchange.status);
            let told = location
                || matches!(name.as_str(), "etag" | "authorization")
                || (name != "set-cookie" && secrets::is_secret_key(name));
            if !told || strength(name, value, false).is_none() && !location {
                continue;
            }
            let called = if location {
                format!("{}_location", noun_of(exchange))
            } else {
                name.strip_prefix("x-").unwrap_or(name).to_owned()
            };
            let source = Source {
                step,
                query: Query::named("header", name.clone()),
                name: names::variable(called.trim_start_matches('_')),
                secret: secrets::is_secret_key(name),
                weak: false,
            };
            self.add(value, source.clone());
            if location {
                self.segments(value, &source);
            }
        }
    }

    /// The ids in a `Location`: each segment by what stands before it.
    fn segments(&mut self, location: &str, source: &Source) {
        let path = location.split(['?', '#']).next().unwrap_or_default();
        let segments: Vec<&str> = path.split('/').collect();
        for (at, segment) in segments.iter().enumerate().skip(1) {
            let before = segments[at - 1];
            if before.is_empty() || strength("id", segment, false).is_none() {
                continue;
            }
            let pattern = format!("/{}/([^/?#]+)", regex::escape(before));
            let query = source.query.clone().filter(Tree::one("regex", Tree::text(pattern)));
            let name = names::variable(&format!("{}_id", singular(before)));
            let weak = segment.len() < 8;
            self.add(segment, Source { query, name, weak, ..source.clone() });
        }
    }

    /// Cookies whose value is also sent in a header or a form; some frameworks send it decoded there.
    fn cookies(&mut self, step: usize, exchange: &Exchange) {
        for (name, value) in &exchange.set_cookies {
            if strength(name, value, false) != Some(Strength::Strong) {
                continue;
            }
            let source = Source {
                step,
                query: Query::named("cookie", name.clone()),
                name: names::variable(&name.to_lowercase()),
                secret: true,
                weak: false,
            };
            let decoded = percent_encoding::percent_decode_str(value).decode_utf8_lossy();
            if decoded != value.as_str() {
                let query = source.query.clone().filter(Tree::text("decode_url"));
                self.add(&decoded, Source { query, ..source.clone() });
            }
            self.add(value, source);
        }
    }

    /// The pairs of the address that redirects led to.
    fn landing(&mut self, step: usize, exchange: &Exchange) {
        let Some(url) = exchange.landed.as_ref() else { return };
        for (key, value) in url.query_pairs() {
            if strength(&key, &value, false) != Some(Strength::Strong) {
                continue;
            }
            let pattern = format!("[?&]{}=([^&#]+)", regex::escape(&key));
            let query = Query::plain("url").filter(Tree::one("regex", Tree::text(pattern)));
            let encoded = value.chars().any(|c| !c.is_ascii_alphanumeric() && !"-_.~".contains(c));
            let query = if encoded { query.filter(Tree::text("decode_url")) } else { query };
            let secret = is_secret(&key, &value);
            self.add(
                &value,
                Source { step, query, name: names::variable(&key), secret, weak: false },
            );
        }
    }

    fn page(&mut self, step: usize, page: &str) {
        let mut seen: BTreeMap<String, ()> = BTreeMap::new();
        let mut form: Option<String> = None;
        html::tags(page, |tag| {
            if tag.name == "form" {
                let named = tag.attribute("id").map(|id| format!("form[id=\"{id}\"]"));
                form = named
                    .or_else(|| tag.attribute("action").map(|a| format!("form[action=\"{a}\"]")));
            }
            if tag.name == "script" {
                self.script(step, tag.content, &mut seen);
                return;
            }
            for (selector, attribute, key, value) in carried(tag) {
                if strength(&key, &value, false).is_none() || selector.contains("{{") {
                    continue;
                }
                // A capture gives the first that fits: another of the same name needs its form named.
                let mut selector = selector;
                if seen.insert(selector.clone(), ()).is_some() {
                    let Some(form) = &form else { continue };
                    selector = format!("{form} {selector}");
                    if form.contains(['\\', '\n'])
                        || form.contains("{{")
                        || seen.insert(selector.clone(), ()).is_some()
                    {
                        continue;
                    }
                }
                let source = Source {
                    step,
                    query: Query::named("css", selector).attribute(attribute),
                    name: name_of_field(&key),
                    secret: is_secret(&key, &value),
                    weak: strength(&key, &value, false) == Some(Strength::Weak),
                };
                self.add(&value, source);
            }
        });
    }

    /// Values in a page's own scripts: `"csrfToken":"…"`, `token = '…'`.
    fn script(&mut self, step: usize, script: &str, seen: &mut BTreeMap<String, ()>) {
        for (key, value) in quoted_values(script) {
            if strength(key, value, false) != Some(Strength::Strong) {
                continue;
            }
            let pattern = format!("\\b{}[\"']?\\s*[:=]\\s*[\"']([^\"']+)", regex::escape(key));
            if seen.insert(pattern.clone(), ()).is_some() {
                continue;
            }
            let query = Query::named("regex", pattern);
            let source = Source {
                step,
                query,
                name: names::variable(&names::words(key).join("_")),
                secret: is_secret(key, value),
                weak: false,
            };
            self.add(value, source);
        }
    }
}

/// Selector, attribute, key and value of what a tag carries.
fn carried(tag: &html::Tag<'_>) -> Vec<(String, String, String, String)> {
    let fits = |text: &str| !text.is_empty() && !text.contains(['"', '\\', '\n']);
    let mut found = Vec::new();
    let name = tag.attribute("name").or(tag.attribute("property")).filter(|name| fits(name));
    if let Some(name) = name {
        let by = if tag.attribute("name").is_some() { "name" } else { "property" };
        let selector = format!("{}[{by}=\"{name}\"]", tag.name);
        match tag.name.as_str() {
            "input" | "button" | "option" => found.extend(
                tag.attribute("value")
                    .map(|v| (selector, "value".into(), name.to_owned(), v.to_owned())),
            ),
            "meta" => found.extend(
                tag.attribute("content")
                    .map(|v| (selector, "content".into(), name.to_owned(), v.to_owned())),
            ),
            _ => {}
        }
    }
    for (attribute, value) in &tag.attributes {
        let plain = attribute.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        if attribute.starts_with("data-") && plain {
            let selector = format!("{}[{attribute}]", tag.name);
            found.push((selector, attribute.clone(), attribute[5..].to_owned(), value.clone()));
        }
    }
    found
}

/// `key: "value"` and `key = 'value'` in a script.
fn quoted_values(script: &str) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    let bytes = script.as_bytes();
    let mut at = 0;
    while let Some(open) = script[at..].find(['"', '\'']).map(|o| at + o) {
        let quote = bytes[open];
        let end = bytes[open + 1..].iter().position(|b| *b == quote || *b == b'\n');
        let Some(close) = end.map(|e| open + 1 + e) else { break };
        if bytes[close] == b'\n' {
            at = close;
            continue;
        }
        let before = script[..open].trim_end();
        let key =
            before.strip_suffix([':', '=']).map(|b| b.trim_end().trim_end_matches(['"', '\'']));
        let key = key.map(|key| {
            let start =
                key.rfind(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-' && c != '$');
            &key[start.map_or(0, |s| s + key[s..].chars().next().map_or(1, char::len_utf8))..]
        });
        if let Some(key) = key.filter(|key| key.len() >= 2 && key.len() <= 60) {
            found.push((key, &script[open + 1..close]));
        }
        at = close + 1;
    }
    found
}

/// How surely a value that stands in two places is the same on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Strength {
    Strong,
    Weak,
}

/// Last words of keys that name one thing among many.
const IDS: [&str; 25] = [
    "id",
    "ids",
    "uuid",
    "guid",
    "token",
    "key",
    "code",
    "number",
    "no",
    "ref",
    "reference",
    "nonce",
    "state",
    "csrf",
    "session",
    "handle",
    "cursor",
    "etag",
    "hash",
    "slug",
    "verifier",
    "challenge",
    "ticket",
    "viewstate",
    "eventvalidation",
];

/// Whether a key names one thing among many.
pub(super) fn is_id_key(key: &str) -> bool {
    names::words(key).last().is_some_and(|last| {
        IDS.contains(&last.as_str()) || (last.ends_with("id") && last.len() > 4)
    }) || secrets::is_secret_key(key)
}

fn strength(key: &str, value: &str, number: bool) -> Option<Strength> {
    let digits = value.chars().filter(char::is_ascii_digit).count();
    let id = is_id_key(key);
    if number || digits == value.len() {
        return match digits {
            d if d != value.len() => None,
            5.. if id || digits >= 7 => Some(Strength::Strong),
            3.. if id => Some(Strength::Weak),
            _ => None,
        };
    }
    let address =
        value.starts_with("http://") || value.starts_with("https://") || value.starts_with('/');
    if address {
        return (value.len() >= 12 && (digits >= 3 || value.split('/').any(looks_random)))
            .then_some(Strength::Strong);
    }
    let prose = value.chars().any(|c| c.is_whitespace() || c == '@' || c.is_control());
    if prose || is_date(value) {
        return None;
    }
    if looks_random(value)
        || (id && value.len() >= 8 && bits(value) >= 2.0 && (digits >= 1 || has_both_cases(value)))
    {
        return Some(Strength::Strong);
    }
    if value.len() >= 8 && digits >= 3 && bits(value) >= 2.5 {
        return Some(Strength::Strong);
    }
    (id && value.len() >= 4 && digits >= 1).then_some(Strength::Weak)
}

fn has_both_cases(value: &str) -> bool {
    value.chars().any(|c| c.is_ascii_uppercase()) && value.chars().any(|c| c.is_ascii_lowercase())
}

/// Dates and versions are alike in many places by chance.
fn is_date(value: &str) -> bool {
    let date = value.len() >= 10
        && value.is_char_boundary(10)
        && value[..10].chars().enumerate().all(|(at, c)| {
            if at == 4 || at == 7 { c == '-' || c == '/' } else { c.is_ascii_digit() }
        });
    date || value.chars().all(|c| c.is_ascii_digit() || c == '.' || c == ':')
}

fn is_secret(key: &str, value: &str) -> bool {
    secrets::is_secret_key(key) || crate::import::vault::is_key_by_form(value)
}

/// `csrfmiddlewaretoken` and the like are called `csrf`.
fn name_of_field(key: &str) -> String {
    let joined = names::words(key).join("_");
    let csrf = joined.contains("csrf")
        || joined.contains("xsrf")
        || joined.contains("authenticity")
        || joined.contains("verification");
    if csrf && secrets::is_secret_key(key) { "csrf".to_owned() } else { names::variable(&joined) }
}

/// What a response's address speaks of: `order` for `/api/orders`.
fn noun_of(exchange: &Exchange) -> String {
    let path = exchange.url.as_ref().map(url::Url::path).unwrap_or_default();
    let word = |segment: &&str| {
        segment.len() > 2
            && segment.chars().all(|c| c.is_ascii_alphabetic() || c == '-' || c == '_')
    };
    path.split('/').rev().find(word).map(singular).unwrap_or_default()
}

/// One of several: `orders` becomes `order`.
fn singular(word: &str) -> String {
    let word = names::words(word).join("_");
    if let Some(stem) = word.strip_suffix("ies") {
        return format!("{stem}y");
    }
    let kept = word.ends_with("ss") || word.ends_with("us") || word.ends_with("is");
    word.strip_suffix('s').filter(|_| !kept).map_or(word.clone(), str::to_owned)
}

enum Segment {
    Key(String),
    Index(usize),
}

/// Where in a JSON document we are.
struct Path {
    segments: Vec<Segment>,
    noun: String,
}

impl Path {
    fn new(noun: String) -> Self {
        Self { segments: Vec::new(), noun }
    }

    fn enter(&mut self, segment: Segment, with: impl FnOnce(&mut Self)) {
        self.segments.push(segment);
        with(self);
        self.segments.pop();
    }

    /// The nearest key.
    fn key(&self) -> String {
        let keys = self.segments.iter().rev().find_map(|segment| match segment {
            Segment::Key(key) => Some(key.clone()),
            Segment::Index(_) => None,
        });
        keys.unwrap_or_default()
    }

    /// RFC 9535.
    fn jsonpath(&self) -> String {
        let mut path = String::from("$");
        for segment in &self.segments {
            match segment {
                Segment::Index(at) => path.push_str(&format!("[{at}]")),
                Segment::Key(key) => {
                    let bare = key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                        && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
                    if bare {
                        path.push_str(&format!(".{key}"));
                    } else {
                        let quoted = key.replace('\\', "\\\\").replace('\'', "\\'");
                        path.push_str(&format!("['{quoted}']"));
                    }
                }
            }
        }
        path
    }

    /// A name: the key, and for a bare `id` what it is the id of.
    fn name(&self) -> String {
        let keys: Vec<&String> = self
            .segments
            .iter()
            .filter_map(|segment| match segment {
                Segment::Key(key) => Some(key),
                Segment::Index(_) => None,
            })
            .collect();
        let Some((last, before)) = keys.split_last() else { return "value".to_owned() };
        let words = names::words(last).join("_");
        if !matches!(
            words.as_str(),
            "id" | "uuid" | "key" | "code" | "number" | "href" | "url" | "value"
        ) {
            return names::variable(&words);
        }
        let owner = before.iter().rev().find(|key| {
            !matches!(key.as_str(), "data" | "result" | "results" | "items" | "attributes")
        });
        let owner = owner.map_or_else(|| self.noun.clone(), |key| singular(key));
        names::variable(&format!("{owner}_{words}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_distinctive() {
        for (key, value, number, expected) in [
            ("id", "48213", true, Some(Strength::Strong)),
            ("id", "123", true, Some(Strength::Weak)),
            ("id", "7", true, None),
            ("price", "1299", true, None),
            ("total", "12.50", true, None),
            ("created", "2026-11-21T08:00:00Z", false, None),
            ("csrf", "aB3dE5fG", false, Some(Strength::Strong)),
            ("name", "Desk lamp", false, None),
            ("currency", "EUR", false, None),
            ("status", "completed", false, None),
            ("sku", "A-10", false, None),
            ("item_id", "A-10", false, Some(Strength::Weak)),
            ("x", "9f1c22ab-77aa-4bde-9c01-000000000001", false, Some(Strength::Strong)),
            ("version", "1.22.333", false, None),
            ("email", "jo77@example.com", false, None),
        ] {
            assert_eq!(strength(key, value, number), expected, "{key}={value}");
        }
    }

    #[test]
    fn scripts_hold_values() {
        let script = "window.cfg = {\"csrfToken\":\"abc123def456ghi7\", 'x': 1}; var api_key='k9';";
        assert_eq!(quoted_values(script), [("csrfToken", "abc123def456ghi7"), ("api_key", "k9")]);
    }
}
