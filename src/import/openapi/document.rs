//! A description of an API, its references followed: what operations there are.

use std::collections::BTreeSet;

use serde_json::Value as Json;

/// Longest chain of references that is followed.
const CHAIN: usize = 32;

/// A document.
pub(super) struct Document {
    root: Json,
}

/// One operation.
#[derive(Clone, Copy)]
pub(super) struct Operation<'d> {
    pub(super) method: &'static str,
    pub(super) path: &'d str,
    pub(super) item: &'d Json,
    pub(super) said: &'d Json,
}

const METHODS: [(&str, &str); 8] = [
    ("get", "GET"),
    ("head", "HEAD"),
    ("post", "POST"),
    ("put", "PUT"),
    ("patch", "PATCH"),
    ("delete", "DELETE"),
    ("options", "OPTIONS"),
    ("trace", "TRACE"),
];

impl Document {
    pub(super) fn new(root: Json) -> Self {
        Self { root }
    }

    pub(super) fn root(&self) -> &Json {
        &self.root
    }

    /// What a value stands for, if it is a reference within the document; none where it leads nowhere or in a circle.
    pub(super) fn follow<'d>(&'d self, value: &'d Json) -> Option<&'d Json> {
        let mut value = value;
        let mut seen = BTreeSet::new();
        for _ in 0..CHAIN {
            let Some(reference) = value.get("$ref").and_then(Json::as_str) else {
                return Some(value);
            };
            if !seen.insert(reference) {
                return None;
            }
            value = self.root.pointer(reference.strip_prefix('#')?)?;
        }
        None
    }

    /// All operations, in the order of the document.
    pub(super) fn operations(&self) -> Vec<Operation<'_>> {
        let mut all = Vec::new();
        for (path, item) in self.root["paths"].as_object().into_iter().flatten() {
            let Some(item) = self.follow(item) else { continue };
            for (key, method) in METHODS {
                if let Some(said) = item.get(key).filter(|said| said.is_object()) {
                    all.push(Operation { method, path, item, said });
                }
            }
        }
        all
    }

    /// The parameters of an operation: its own win over those of its path.
    pub(super) fn parameters<'d>(&'d self, operation: &Operation<'d>) -> Vec<&'d Json> {
        let list = |value: &'d Json| value["parameters"].as_array().into_iter().flatten();
        let own: Vec<&Json> = list(operation.said).filter_map(|p| self.follow(p)).collect();
        let mut all: Vec<&Json> = list(operation.item)
            .filter_map(|p| self.follow(p))
            .filter(|p| !own.iter().any(|o| o["name"] == p["name"] && o["in"] == p["in"]))
            .collect();
        all.extend(own);
        all
    }

    /// The site: the first server, its variables filled with their defaults.
    pub(super) fn server(&self, operation: Option<&Operation<'_>>) -> Option<String> {
        let of = |value: &Json| value["servers"].as_array().and_then(|all| all.first()).cloned();
        let server = operation.and_then(|o| of(o.said).or_else(|| of(o.item)));
        let server = server.or_else(|| of(&self.root))?;
        let mut url = server["url"].as_str()?.trim_end_matches('/').to_owned();
        for (name, variable) in server["variables"].as_object().into_iter().flatten() {
            url = url
                .replace(&format!("{{{name}}}"), variable["default"].as_str().unwrap_or_default());
        }
        (url.starts_with("http://") || url.starts_with("https://")).then_some(url)
    }
}

impl Operation<'_> {
    /// `GET /pets/{id}`.
    pub(super) fn label(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// How it may be asked for: an id, or method and path.
    pub(super) fn is(&self, wanted: &str) -> bool {
        let id = self.said["operationId"].as_str() == Some(wanted);
        let (method, path) = wanted.split_once(' ').unwrap_or(("", ""));
        id || (method.eq_ignore_ascii_case(self.method) && path.trim() == self.path)
    }

    /// A line for a list of all.
    pub(super) fn listed(&self) -> String {
        let id = self.said["operationId"].as_str().map_or_else(String::new, |id| format!("  {id}"));
        let summary = self.said["summary"].as_str().unwrap_or_default();
        let summary: String = summary.chars().filter(|c| !c.is_control()).take(60).collect();
        let summary = if summary.is_empty() { summary } else { format!("  {summary}") };
        format!("  {:<7}{}{id}{summary}", self.method, self.path)
    }
}
