//! The expressions inside a file, put to those who will evaluate them.

use std::collections::BTreeSet;

use crate::{
    check,
    model::{Assertion, Query, Text},
    render::{Template, TemplateFault},
};

/// The names of a template.
pub(super) struct Names {
    /// All that it reads.
    pub(super) all: BTreeSet<String>,
    /// Those it cannot be filled without.
    pub(super) needed: BTreeSet<String>,
}

/// The names a template reads. It is tried with a text for each of them, so that what can never be filled is told at load.
pub(super) fn names_of(text: &Text) -> Result<Names, TemplateFault> {
    let template = Template::compile(text).map_err(|mut fault| {
        // What the grammar expected is a list of its rules, which says nothing to people.
        if let Some((said, _)) = fault.message.split_once(": expected ") {
            fault.message = said.to_owned();
        }
        fault
    })?;
    let names = template.names();
    let texts = names.iter().map(|name| (name.clone(), "text".to_owned())).collect();
    match template.fill(&texts) {
        Ok(_) => Ok(Names { all: names, needed: template.needed().clone() }),
        Err(fault) => Err(TemplateFault {
            message: format!(
                "it can never be filled: {}; every variable is a text without parts",
                fault.message
            ),
            ..fault
        }),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_never_be_filled_is_a_fault() {
        for text in ["{{base_url.foo}}", "{{user.length}}", "{{#each user}}x{{/each}}"] {
            let fault = names_of(&Text::from(text)).err().unwrap();
            assert!(fault.message.contains("can never be filled"), "{text}: {}", fault.message);
        }
        for text in ["{{this}}", "{{./this}}", "{{@root}}", "{{@index}}", "{{default this 'x'}}"] {
            let fault = names_of(&Text::from(text)).err().unwrap();
            assert!(fault.message.contains("not the name of a variable"), "{text}: {fault}");
        }
        for text in
            ["plain", "{{a}}/{{b}}", "{{#if a}}{{b}}{{else}}{{c}}{{/if}}", "{{urlencode a}}"]
        {
            assert!(names_of(&Text::from(text)).is_ok(), "{text}");
        }
    }
}
