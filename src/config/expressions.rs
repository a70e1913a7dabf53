//! The expressions inside a file, put to those who will evaluate them.

use std::collections::BTreeSet;

use crate::{
    check,
    model::{Assertion, Query, Text},
    render::{Template, TemplateFault},
};

/// The names a template reads.
pub(super) fn names_of(text: &Text) -> Result<BTreeSet<String>, TemplateFault> {
    Template::compile(text).map(|template| template.names())
}

/// What is wrong with a query, if anything.
pub(super) fn query_fault(query: &Query) -> Option<String> {
    check::fault_of_query(query)
}

/// What is wrong with an assertion, if anything.
pub(super) fn assertion_fault(assertion: &Assertion) -> Option<String> {
    check::fault_of_assertion(assertion)
}
