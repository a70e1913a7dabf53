//! The expressions inside a file, put to those who will evaluate them.

use std::collections::BTreeSet;

use crate::{
    check,
    model::{Assertion, Query, Text},
    render::{Template, TemplateFault},
};

/// The names a template reads.
pub(super) fn names_of(text: &Text) -> Result<BTreeSet<String>, TemplateFault> {
    Template::compile(text).map(|template| template.names()).map_err(|mut fault| {
        // What the grammar expected is a list of its rules, which says nothing to people.
        if let Some((said, _)) = fault.message.split_once(": expected ") {
            fault.message = said.to_owned();
        }
        fault
    })
}

/// What is probably missing in a template that does not compile.
pub(super) fn template_advice(text: &Text) -> String {
    let count = |mark: &str| text.0.matches(mark).count();
    let block = text.0.split("{{#").nth(1).and_then(|rest| rest.split([' ', '}']).next());
    match block {
        _ if count("{{") > count("}}") => "a `}}` is missing".to_owned(),
        Some(block) if count("{{#") > count("{{/") => format!("`{{{{/{block}}}}}` is missing"),
        _ => "`{{name}}` is filled in, `{{#if name}}…{{/if}}` is a block: this is handlebars"
            .to_owned(),
    }
}

/// What is wrong with a query, if anything.
pub(super) fn query_fault(query: &Query) -> Option<String> {
    check::fault_of_query(query)
}

/// What is wrong with an assertion, if anything.
pub(super) fn assertion_fault(assertion: &Assertion) -> Option<String> {
    check::fault_of_assertion(assertion)
}
