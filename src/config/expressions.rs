//! The expressions inside a file, put to those who will evaluate them.

use std::collections::BTreeSet;

use crate::model::{Assertion, Query, Text};

/// Why a template does not compile.
pub(super) struct TemplateFault {
    pub(super) message: String,
    /// Where in the text, in bytes, if that is known.
    pub(super) offset: Option<usize>,
}

/// The names a template reads.
pub(super) fn names_of(text: &Text) -> Result<BTreeSet<String>, TemplateFault> {
    // TO JOIN: crate::render::Template::compile(text).
    let mut names = BTreeSet::new();
    let mut rest = text.0.as_str();
    while let Some(at) = rest.find("{{") {
        let Some(end) = rest[at..].find("}}") else {
            return Err(TemplateFault {
                message: "not closed".into(),
                offset: Some(text.0.len() - rest.len() + at),
            });
        };
        names.insert(rest[at + 2..at + end].trim().to_owned());
        rest = &rest[at + end + 2..];
    }
    Ok(names)
}

/// What is wrong with a query, if anything.
pub(super) fn query_fault(_query: &Query) -> Option<String> {
    // TO JOIN: crate::check::fault_of_query(query).
    None
}

/// What is wrong with an assertion, if anything.
pub(super) fn assertion_fault(_assertion: &Assertion) -> Option<String> {
    // TO JOIN: crate::check::fault_of_assertion(assertion).
    None
}
