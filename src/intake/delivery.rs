//! One request of a sender, and what is known here that helps to read it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::Value;

use super::{IntakeFault, document::Document, text};
use crate::model::{EnvironmentName, HookDefaults, ServiceName};

/// The headers of a request.
#[derive(Debug, Clone, Default)]
pub struct Headers(Vec<(String, String)>);

impl Headers {
    /// The first value of a header, whatever the case of its name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| &**value)
    }

    /// All headers, in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (&**key, &**value))
    }
}

impl From<Vec<(String, String)>> for Headers {
    fn from(pairs: Vec<(String, String)>) -> Self {
        Self(pairs)
    }
}

/// What is configured here, as far as it helps to understand a sender.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// What is filled in, and the sender's other names; the query of the request wins over the hook.
    pub defaults: HookDefaults,
    /// The services that journeys and settings name.
    pub services: BTreeSet<ServiceName>,
    /// The environments.
    pub environments: BTreeSet<EnvironmentName>,
}

/// Words that mean the same environment.
const SAME: &[&[&str]] = &[
    &["production", "prod", "prd", "live"],
    &["staging", "stage", "stg"],
    &["development", "dev", "develop"],
    &["testing", "test", "qa"],
];

impl Known {
    /// What a sender's service, repository or application is called here: as the hook's map says; else the whole name where
    /// something here is called so; else its last part, `payments` of `shop/payments`.
    pub fn service(&self, theirs: &str) -> Option<ServiceName> {
        let theirs = text::name(theirs)?;
        if let Some(ours) = mapped(&self.defaults.services, &theirs) {
            return Some(ours.clone());
        }
        let last = theirs.rsplit('/').next().unwrap_or(&theirs);
        let same = |name: &str| {
            self.services
                .get(name)
                .or_else(|| self.services.iter().find(|s| s.as_str().eq_ignore_ascii_case(name)))
        };
        same(&theirs).or_else(|| same(last)).cloned().or_else(|| Some(last.into()))
    }

    /// The service here that a word means, if it means one: of the hook's map, or one that is named somewhere here.
    pub fn service_here(&self, word: &str) -> Option<ServiceName> {
        if let Some(ours) = mapped(&self.defaults.services, word) {
            return Some(ours.clone());
        }
        self.services.iter().find(|s| s.as_str().eq_ignore_ascii_case(word)).cloned()
    }

    /// What a sender's environment is called here: as the hook's map says; else the one of that name, whatever its case; else
    /// the only one that means the same (`prod` and `production`); else as the sender calls it.
    pub fn environment(&self, theirs: &str) -> Option<EnvironmentName> {
        let theirs = text::name(theirs)?;
        if let Some(ours) = mapped(&self.defaults.environments, &theirs) {
            return Some(ours.clone());
        }
        Some(self.environment_here(&theirs).unwrap_or_else(|| theirs.as_str().into()))
    }

    /// The configured environment that a word means, if it means one.
    pub fn environment_here(&self, word: &str) -> Option<EnvironmentName> {
        if let Some(ours) = mapped(&self.defaults.environments, word) {
            return Some(ours.clone());
        }
        let same = |name: &EnvironmentName, word: &str| name.as_str().eq_ignore_ascii_case(word);
        let environments = || self.environments.iter();
        if let Some(name) = self.environments.get(word) {
            return Some(name.clone());
        }
        if let Some(name) = environments().find(|name| same(name, word)) {
            return Some(name.clone());
        }
        let group = SAME.iter().find(|g| g.iter().any(|w| w.eq_ignore_ascii_case(word)))?;
        let mut meant = environments().filter(|name| group.iter().any(|word| same(name, word)));
        let one = meant.next()?;
        meant.next().is_none().then(|| one.clone())
    }

    /// The only environment there is.
    pub fn only_environment(&self) -> Option<&EnvironmentName> {
        let mut all = self.environments.iter();
        all.next().filter(|_| all.next().is_none())
    }
}

fn mapped<'m, T>(map: &'m BTreeMap<String, T>, theirs: &str) -> Option<&'m T> {
    map.get(theirs).or_else(|| {
        map.iter().find(|(key, _)| key.eq_ignore_ascii_case(theirs)).map(|(_, ours)| ours)
    })
}

/// One request of a sender.
#[derive(Debug, Clone, Copy)]
pub struct Delivery<'a> {
    /// The name of the hook it came to.
    pub hook: &'a str,
    /// Its headers.
    pub headers: &'a Headers,
    /// Its query, by name.
    pub query: &'a BTreeMap<String, String>,
    /// What follows the hook's name in the path, without slashes at its ends.
    pub rest: &'a str,
    /// Its body, as it came.
    pub body: &'a [u8],
    /// What is known here.
    pub known: &'a Known,
    /// When it came.
    pub received_at: Timestamp,
}

impl<'a> Delivery<'a> {
    /// The body as JSON; a form with a field `payload` (a choice that GitHub offers) holds the JSON there.
    ///
    /// # Errors
    /// It is not JSON; the fault says where.
    pub(super) fn json(&self) -> Result<Value, IntakeFault> {
        let form = self
            .headers
            .get("content-type")
            .is_some_and(|kind| starts_with(kind, "application/x-www-form-urlencoded"));
        if form {
            let mut fields = url::form_urlencoded::parse(self.body);
            if let Some((_, payload)) = fields.find(|(name, _)| name == "payload") {
                return from_slice(payload.as_bytes());
            }
        }
        from_slice(self.body)
    }

    /// The body as a JSON object.
    ///
    /// # Errors
    /// It is not JSON, or something else than an object.
    pub(super) fn object(&self) -> Result<Value, IntakeFault> {
        let value = self.json()?;
        if value.is_object() {
            return Ok(value);
        }
        let what = Document(&value).type_name();
        Err(IntakeFault::new(
            format!("the body is {what}, not an object"),
            "send the JSON object that this sender's webhook sends",
        ))
    }

    /// A header.
    pub(super) fn header(&self, name: &str) -> Option<&'a str> {
        self.headers.get(name)
    }
}

/// JSON, or where it breaks.
pub(super) fn from_slice(bytes: &[u8]) -> Result<Value, IntakeFault> {
    serde_json::from_slice(bytes).map_err(|e| {
        let how = match e.classify() {
            serde_json::error::Category::Eof => "it ends too early",
            serde_json::error::Category::Syntax => "it is malformed there",
            _ => "it cannot be read there",
        };
        let (line, column) = (e.line(), e.column());
        IntakeFault::new(
            format!("the body is not JSON: line {line}, column {column}: {how}"),
            "send it as the sender made it, with Content-Type: application/json",
        )
    })
}

/// Whether a text begins with another, whatever the case.
pub(super) fn starts_with(text: &str, start: &str) -> bool {
    text.trim_start().get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_others() {
        let known = Known {
            defaults: HookDefaults {
                services: [("acme/monolith".to_owned(), "shop".into())].into(),
                environments: [("eu".to_owned(), "production".into())].into(),
                ..HookDefaults::default()
            },
            services: ["acme/api".into(), "payments".into()].into(),
            environments: ["production".into(), "staging".into()].into(),
        };
        for (theirs, ours) in [
            ("acme/monolith", "shop"),
            ("acme/api", "acme/api"),
            ("other/api", "api"),
            ("acme/Payments", "payments"),
            ("cart", "cart"),
        ] {
            assert_eq!(known.service(theirs).unwrap().as_str(), ours, "{theirs}");
        }
        for (theirs, ours) in [
            ("Production", "production"),
            ("prod", "production"),
            ("eu", "production"),
            ("stg", "staging"),
            ("github-pages", "github-pages"),
        ] {
            assert_eq!(known.environment(theirs).unwrap().as_str(), ours, "{theirs}");
        }
        assert_eq!(known.service(" / "), None);
        assert_eq!(known.only_environment(), None);
    }
}
