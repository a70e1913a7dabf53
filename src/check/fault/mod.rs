//! What can be said against queries and assertions before anything is walked.

mod contradiction;
mod predicate;

use self::{
    contradiction::contradiction,
    predicate::{fault_of_count, fault_of_predicate},
};
use super::{
    describe,
    find::{css_fault, json_path_fault, regex},
    kind::facts_of,
};
use crate::model::{Assertion, Phases, Query, Subject};

/// Why a query can never find anything: an expression that does not compile, a name that cannot be, a filter that has no use for what comes
/// before it. Lower case.
pub fn fault_of_query(query: &Query) -> Option<String> {
    fault_of_subject(&query.subject).or_else(|| facts_of(query).err())
}

fn fault_of_subject(subject: &Subject) -> Option<String> {
    let token = |name: &str, what: &str| {
        (!is_token(name)).then(|| format!("`{name}` cannot be the name of a {what}"))
    };
    match subject {
        Subject::Header(name) => token(name, "header (RFC 9110, section 5.1)"),
        Subject::Cookie { name, .. } => token(name, "cookie (RFC 6265, section 4.1.1)"),
        Subject::ServerTiming(name) => token(name, "time of the server (W3C Server Timing)"),
        Subject::JsonPath(path) => json_path_fault(path),
        Subject::Css { selector, attribute } => css_fault(selector, attribute.as_deref()),
        Subject::Regex(pattern) => pattern_fault(pattern),
        Subject::Phase(name) => {
            let names = Phases::default().named().map(|(name, _)| name);
            (!names.contains(&name.as_str()))
                .then(|| format!("there is no phase `{name}`: it is one of {}", names.join(", ")))
        }
        Subject::Status
        | Subject::Version
        | Subject::Body
        | Subject::Bytes
        | Subject::Sha256
        | Subject::Duration
        | Subject::Url
        | Subject::Redirects
        | Subject::Ip
        | Subject::Certificate(_)
        | Subject::Variable(_) => None,
    }
}

/// Why an assertion can never hold, or says nothing: its query, a predicate that does not fit the query, a threshold that is impossible,
/// predicates that contradict each other. Lower case.
pub fn fault_of_assertion(assertion: &Assertion) -> Option<String> {
    let Assertion { query, predicates, count } = assertion;
    if let Some(fault) = fault_of_query(query) {
        return Some(fault);
    }
    if predicates.is_empty() && count.is_empty() {
        return Some("nothing is asserted: a predicate such as `equals` is missing".to_owned());
    }
    let facts = match facts_of(query) {
        Ok(facts) => facts,
        Err(fault) => return Some(fault),
    };
    predicates
        .iter()
        .find_map(|predicate| fault_of_predicate(query, &facts, predicate))
        // Several headers may each do what another predicate asks for.
        .or_else(|| contradiction(predicates, whole(query), facts.any))
        .or_else(|| {
            if !count.is_empty() && !facts.several {
                return Some(format!(
                    "`count` fits only what there may be several of: there is one {}",
                    describe::query(query)
                ));
            }
            fault_of_count(count)
        })
        .or_else(|| contradiction(count, true, false))
}

/// Whether the values are whole numbers, so that nothing lies between 3 and 4.
fn whole(query: &Query) -> bool {
    match query.filters.last() {
        Some(filter) => matches!(filter.name.as_str(), "count" | "length" | "to_integer"),
        None => matches!(query.subject, Subject::Status | Subject::Redirects),
    }
}

fn pattern_fault(pattern: &str) -> Option<String> {
    regex(pattern).err().map(|error| format!("the regular expression does not compile: {error}"))
}

/// A `token` of RFC 9110, section 5.6.2.
fn is_token(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}
