//! What is known of a value before anything is walked: what it will be, and whether it will be there.

use super::filter::kind_after;
use crate::model::{CertificateField, CookieAttribute, Query, Subject};

/// What a query will give, as far as that is known without an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Anything: JSON, or what a filter makes of it.
    Any,
    /// Text.
    Text,
    /// A number.
    Number,
    /// A truth value.
    Boolean,
    /// A span of time.
    Time,
    /// A point in time.
    Date,
    /// Bytes.
    Bytes,
    /// A list.
    List,
}

impl Kind {
    /// What people call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Any => "anything",
            Self::Text => "text",
            Self::Number => "a number",
            Self::Boolean => "a truth value",
            Self::Time => "a time",
            Self::Date => "a date",
            Self::Bytes => "bytes",
            Self::List => "a list",
        }
    }
}

/// What is known of a subject.
pub(super) struct Facts {
    /// What people call it: `the status`.
    pub(super) what: String,
    pub(super) kind: Kind,
    /// Whether it is there in every answer.
    pub(super) always: bool,
    /// Whether there may be several.
    pub(super) several: bool,
    /// Whether it is enough that a predicate holds of one of several.
    pub(super) any: bool,
}

/// What is known of a subject.
pub(super) fn facts(subject: &Subject) -> Facts {
    use Subject as S;
    let (what, kind, always, several) = match subject {
        S::Status => ("the status", Kind::Number, true, false),
        S::Version => ("the version", Kind::Text, true, false),
        S::Header(_) => ("the value", Kind::Text, false, true),
        S::Cookie { attribute, .. } => ("the value", cookie(*attribute), false, false),
        S::Body => ("the body", Kind::Text, true, false),
        S::Bytes => ("the body", Kind::Bytes, true, false),
        S::Sha256 => ("the digest", Kind::Text, true, false),
        S::JsonPath(_) => ("the value", Kind::Any, false, true),
        S::Css { .. } => ("the value", Kind::Text, false, true),
        S::Regex(_) => ("the value", Kind::Text, false, true),
        S::Duration => ("a duration", Kind::Time, true, false),
        S::Phase(_) => ("a phase", Kind::Time, true, false),
        S::ServerTiming(_) => ("a time of the server", Kind::Time, false, true),
        S::Url => ("the URL", Kind::Text, true, false),
        S::Redirects => ("the number of redirects", Kind::Number, true, false),
        S::Ip => ("the address", Kind::Text, false, false),
        S::Certificate(field) => {
            let (kind, several) = certificate(*field);
            ("the value", kind, false, several)
        }
        S::Variable(_) => ("the variable", Kind::Text, false, false),
    };
    let any = matches!(subject, S::Header(_) | S::Certificate(CertificateField::San));
    Facts { what: what.to_owned(), kind, always, several, any }
}

fn cookie(attribute: CookieAttribute) -> Kind {
    use CookieAttribute as C;
    match attribute {
        C::Value | C::Path | C::Domain | C::SameSite => Kind::Text,
        C::Expires => Kind::Date,
        C::MaxAge => Kind::Number,
        C::Secure | C::HttpOnly => Kind::Boolean,
    }
}

fn certificate(field: CertificateField) -> (Kind, bool) {
    use CertificateField as C;
    match field {
        C::Subject | C::Issuer | C::Serial => (Kind::Text, false),
        C::San => (Kind::Text, true),
        C::ExpiresInDays | C::ChainLength => (Kind::Number, false),
        C::NotBefore | C::NotAfter => (Kind::Date, false),
    }
}

/// What is known of a query with its filters. Where a filter cannot be used, the first such fault is kept instead.
pub(super) fn facts_of(query: &Query) -> Result<Facts, String> {
    let mut facts = facts(&query.subject);
    for filter in &query.filters {
        facts.kind = kind_after(filter, facts.kind)?;
        let one = matches!(filter.name.as_str(), "first" | "last" | "nth" | "count" | "all");
        facts.several = (facts.several && !one)
            || matches!(filter.name.as_str(), "jsonpath" | "css" | "split" | "all");
        facts.any &= !one;
        // A filter may refuse what is there, or find nothing in it.
        facts.always = matches!(filter.name.as_str(), "count" | "all");
        "the value".clone_into(&mut facts.what);
    }
    Ok(facts)
}

/// What a query will give; anything where a filter cannot be used, which is told elsewhere.
pub fn kind_of(query: &Query) -> Kind {
    facts_of(query).map_or(Kind::Any, |facts| facts.kind)
}
