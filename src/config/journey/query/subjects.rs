//! What queries look at: a row for each subject, by which it is read here and explained to editors.

use serde_json::Value;

use crate::{
    check::Kind,
    config::names::NameOf,
    config::schema::words::{header_name, json_path, name, text, word},
    model::{CertificateField, Phases, Subject},
};

/// Subjects that need no more words: key, subject, and a sentence for people.
pub(in crate::config) const PLAIN: [(&str, Subject, &str); 9] = [
    ("status", Subject::Status, "The status code of the last answer, a number."),
    ("version", Subject::Version, "The protocol of the last answer: `HTTP/1.1` or `HTTP/2`."),
    ("body", Subject::Body, "The decoded body as text."),
    (
        "bytes",
        Subject::Bytes,
        "The decoded body as bytes: compared with a number or a size, their count; with text, their lower-case hexadecimal form.",
    ),
    ("url", Subject::Url, "The URL that was asked last, after redirects."),
    ("redirects", Subject::Redirects, "How many redirects were followed."),
    (
        "duration",
        Subject::Duration,
        "How long the step took, over all its hops: a time such as `2s`.",
    ),
    ("ip", Subject::Ip, "The address that answered last, without its port."),
    ("sha256", Subject::Sha256, "SHA-256 of the decoded body, in lower-case hexadecimal."),
];

/// A subject with a name, path, selector, pattern or field.
pub(in crate::config) struct NamedSubject {
    /// Its key.
    pub(in crate::config) key: &'static str,
    /// What the name may be, as a schema with the sentence given.
    pub(in crate::config) name: fn(&str) -> Value,
    /// What it gives, where that does not depend on the name.
    pub(in crate::config) gives: Kind,
    /// A sentence for people.
    pub(in crate::config) about: &'static str,
}

const fn named(
    key: &'static str,
    name: fn(&str) -> Value,
    gives: Kind,
    about: &'static str,
) -> NamedSubject {
    NamedSubject { key, name, gives, about }
}

/// Subjects with a name, path, selector, pattern or field.
#[rustfmt::skip]
pub(in crate::config) const NAMED: [NamedSubject; 9] = [
    named("header", header_name, Kind::Text, "A header of the last answer, by its name."),
    named("cookie", text, Kind::Any, "A cookie as the jar holds it after the step, by its name; with `attribute` one of its attributes."),
    named("jsonpath", json_path, Kind::Any, "What a JSONPath (RFC 9535) finds in the body: `$.items[0].id`."),
    named("css", text, Kind::Text, "The text of the elements that a CSS selector finds in the body; with `attribute` that attribute of theirs."),
    named("regex", text, Kind::Text, "A regular expression over the body: the first group of its first match, or the whole match where it has none."),
    named("phase", phase, Kind::Time, "How long one phase took, over all hops."),
    named("server_timing", text, Kind::Time, "What the server says of its own time (`Server-Timing`), by its name."),
    named("certificate", certificate_field, Kind::Any, "A field of the server's certificate."),
    named("variable", variable, Kind::Text, "A variable or a capture, by its name."),
];

fn phase(about: &str) -> Value {
    word(about, &Phases::default().named().map(|(name, _)| name))
}

fn certificate_field(about: &str) -> Value {
    word(about, &CertificateField::ALL.map(|(word, _)| word))
}

fn variable(about: &str) -> Value {
    name(about, NameOf::Variable)
}
