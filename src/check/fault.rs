//! What can be said against queries and assertions before anything is walked.

use jsonpath_rust::parser::parse_json_path;

use super::{
    describe::{key, predicate as in_words},
    find::{regex, selector},
};
use crate::model::{Assertion, Literal, Predicate, Query, Subject};

/// Why a query can never find anything: an expression that does not compile, a name that cannot be. Lower case.
pub fn fault_of_query(query: &Query) -> Option<String> {
    match &query.subject {
        Subject::Header(name) => (!is_token(name))
            .then(|| format!("`{name}` cannot be the name of a header (RFC 9110, section 5.1)")),
        Subject::Cookie(name) => (!is_token(name))
            .then(|| format!("`{name}` cannot be the name of a cookie (RFC 6265, section 4.1.1)")),
        Subject::JsonPath(path) => match parse_json_path(path) {
            Ok(_) => None,
            Err(error) => {
                Some(format!("the JSONPath does not compile: {}", one_line(&error.to_string())))
            }
        },
        Subject::Css { selector: css, attribute } => match selector(css) {
            Err(error) => Some(format!("the CSS selector does not compile: {error}")),
            Ok(_) if attribute.as_ref().is_some_and(|a| a.trim().is_empty()) => {
                Some("the attribute has no name".to_owned())
            }
            Ok(_) => None,
        },
        Subject::Regex(pattern) => pattern_fault(pattern),
        Subject::Status | Subject::Body | Subject::Duration | Subject::Url | Subject::Redirects => {
            None
        }
    }
}

/// Why an assertion can never hold, or says nothing: its query, a predicate that does not fit the query, a threshold that is impossible,
/// thresholds that contradict each other. Lower case.
pub fn fault_of_assertion(assertion: &Assertion) -> Option<String> {
    let Assertion { query, predicates, count } = assertion;
    if let Some(fault) = fault_of_query(query) {
        return Some(fault);
    }
    if predicates.is_empty() && count.is_empty() {
        return Some("nothing is asserted: a predicate such as `equals` is missing".to_owned());
    }
    predicates
        .iter()
        .find_map(|predicate| fault_of_predicate(query, predicate))
        .or_else(|| contradiction(predicates, whole(query)))
        .or_else(|| fault_of_count(query, count))
}

/// Whether the values are whole numbers, so that nothing lies between 3 and 4.
fn whole(query: &Query) -> bool {
    matches!(query.subject, Subject::Status | Subject::Redirects)
}

fn fault_of_predicate(query: &Query, predicate: &Predicate) -> Option<String> {
    use Predicate as P;
    let key = key(predicate);
    let always = matches!(
        query.subject,
        Subject::Status | Subject::Body | Subject::Duration | Subject::Url | Subject::Redirects
    );
    let (what, a_number) = match &query.subject {
        Subject::Status => ("the status", true),
        Subject::Redirects => ("the number of redirects", true),
        Subject::Duration => ("a duration", false),
        Subject::Url => ("the URL", false),
        _ => ("the value", false),
    };
    match predicate {
        P::OneOf(literals) if literals.is_empty() => {
            return Some("`one_of` is empty: nothing is one of no values".to_owned());
        }
        P::Matches(pattern) => {
            if let Some(fault) = pattern_fault(pattern) {
                return Some(fault);
            }
        }
        P::Exists(false) if always => return Some(format!("{what} always exists")),
        P::Faster(limit) if limit.is_zero() => {
            return Some("no duration is below 0s".to_owned());
        }
        P::Above(n) | P::Below(n) | P::AtLeast(n) | P::AtMost(n) if !n.is_finite() => {
            return Some(format!("`{key}` needs a finite number"));
        }
        _ => {}
    }
    let timed = matches!(predicate, P::Faster(_) | P::Slower(_));
    match &query.subject {
        Subject::Duration if !timed && !matches!(predicate, P::Exists(true)) => Some(format!(
            "`{key}` does not fit a duration: use `below` or `above` with a time such as \"2s\""
        )),
        Subject::Duration => None,
        _ if timed => Some(format!("`{key}` with a time fits only a duration")),
        _ if a_number => fault_of_number(query, what, predicate),
        Subject::Url
            if matches!(predicate, P::Above(_) | P::Below(_) | P::AtLeast(_) | P::AtMost(_)) =>
        {
            Some(format!("`{key}` needs a number, and {what} is text"))
        }
        _ => None,
    }
}

/// Predicates of the status and of the number of redirects.
fn fault_of_number(query: &Query, what: &str, predicate: &Predicate) -> Option<String> {
    use Predicate as P;
    let value = |literal: &Literal| match literal {
        Literal::Number(number) => in_range(query, what, *number),
        Literal::Bool(_) => Some(format!("{what} is a number, not a truth value")),
        Literal::Text(text) if text.is_plain() => match super::node::read_number(&text.0) {
            Some(number) => in_range(query, what, number),
            None => Some(format!("{what} is a number, not \"{text}\"")),
        },
        Literal::Text(_) => None,
    };
    match predicate {
        P::Equals(literal) | P::NotEquals(literal) => value(literal),
        P::OneOf(literals) => literals.iter().find_map(value),
        P::Above(limit) | P::AtLeast(limit) | P::Below(limit) | P::AtMost(limit) => {
            let (low, high) = limits(query);
            let none = match predicate {
                P::Above(_) => *limit >= high,
                P::AtLeast(_) => *limit > high,
                P::Below(_) => *limit <= low,
                _ => *limit < low,
            };
            none.then(|| format!("{what} is never {}", in_words(predicate).replace('_', " ")))
        }
        P::Exists(true) => None,
        other => Some(format!("`{}` does not fit {what}, which is a number", key(other))),
    }
}

fn limits(query: &Query) -> (f64, f64) {
    if query.subject == Subject::Status { (100.0, 599.0) } else { (0.0, f64::from(u32::MAX)) }
}

fn in_range(query: &Query, what: &str, number: f64) -> Option<String> {
    let (low, high) = limits(query);
    if (low..=high).contains(&number) && number.fract() == 0.0 {
        return None;
    }
    Some(match &query.subject {
        Subject::Status => format!("{what} is a whole number from 100 to 599, never {number}"),
        _ => format!("{what} is a whole number and not below 0, never {number}"),
    })
}

fn fault_of_count(query: &Query, count: &[Predicate]) -> Option<String> {
    use Predicate as P;
    if count.is_empty() {
        return None;
    }
    if !matches!(
        query.subject,
        Subject::Header(_) | Subject::JsonPath(_) | Subject::Css { .. } | Subject::Regex(_)
    ) {
        return Some(format!(
            "`count` fits only `header`, `jsonpath`, `css` and `regex`: there is one {}",
            super::describe::query(query)
        ));
    }
    let number = |number: f64| {
        (number < 0.0 || number.fract() != 0.0 || !number.is_finite())
            .then(|| format!("a count is a whole number and not below 0, never {number}"))
    };
    let literal = |literal: &Literal| match literal {
        Literal::Number(n) => number(*n),
        Literal::Text(text) if !text.is_plain() => None,
        _ => Some("a count is compared with a number".to_owned()),
    };
    let fault = count.iter().find_map(|predicate| match predicate {
        P::Equals(l) | P::NotEquals(l) => literal(l),
        P::OneOf(all) if all.is_empty() => {
            Some("`one_of` is empty: nothing is one of no values".to_owned())
        }
        P::OneOf(all) => all.iter().find_map(literal),
        P::Below(limit) if *limit <= 0.0 => Some("no count is below 0".to_owned()),
        P::Above(n) | P::AtLeast(n) | P::Below(n) | P::AtMost(n) => number(*n),
        other => Some(format!("`{}` does not fit a count, which is a number", key(other))),
    });
    fault.or_else(|| contradiction(count, true))
}

/// Predicates that cannot hold together. `whole` says that the value is a whole number.
fn contradiction(predicates: &[Predicate], whole: bool) -> Option<String> {
    use Predicate as P;
    // Limits as (value, whether the value itself is excluded, the predicate).
    let mut low: Option<(f64, bool, &P)> = None;
    let mut high: Option<(f64, bool, &P)> = None;
    for predicate in predicates {
        let (limit, strict, upper) = match predicate {
            P::Above(n) => (*n, true, false),
            P::Slower(t) => (t.as_secs_f64(), true, false),
            P::AtLeast(n) => (*n, false, false),
            P::Below(n) => (*n, true, true),
            P::Faster(t) => (t.as_secs_f64(), true, true),
            P::AtMost(n) => (*n, false, true),
            P::Equals(Literal::Number(n)) => {
                if low.is_none_or(|l| *n > l.0) {
                    low = Some((*n, false, predicate));
                }
                (*n, false, true)
            }
            _ => continue,
        };
        let slot = if upper { &mut high } else { &mut low };
        let tighter = slot.is_none_or(|(old, old_strict, _)| {
            let further = if upper { limit < old } else { limit > old };
            #[expect(clippy::float_cmp, reason = "limits as written")]
            let same = limit == old;
            further || (same && strict && !old_strict)
        });
        if tighter {
            *slot = Some((limit, strict, predicate));
        }
    }
    if let (Some((l, l_strict, a)), Some((h, h_strict, b))) = (low, high) {
        let between = if whole {
            let first = if l_strict { l.floor() + 1.0 } else { l.ceil() };
            let last = if h_strict { h.ceil() - 1.0 } else { h.floor() };
            first <= last
        } else {
            l < h || (l <= h && !l_strict && !h_strict)
        };
        if !between {
            return Some(format!("nothing is both `{}` and `{}`", in_words(a), in_words(b)));
        }
    }
    let exists = |wanted| predicates.contains(&P::Exists(wanted));
    let empty = |wanted| predicates.contains(&P::IsEmpty(wanted));
    if exists(false) && predicates.iter().any(|p| !matches!(p, P::Exists(false) | P::IsEmpty(true)))
    {
        return Some("what does not exist has no value to compare".to_owned());
    }
    (empty(true) && empty(false)).then(|| "nothing is both empty and not empty".to_owned())
}

fn pattern_fault(pattern: &str) -> Option<String> {
    regex(pattern).err().map(|error| format!("the regular expression does not compile: {error}"))
}

/// A `token` of RFC 9110, section 5.6.2.
fn is_token(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

/// An error of the `JSONPath` parser draws the expression over several lines; the last says what it wanted.
fn one_line(error: &str) -> String {
    let said = error.lines().rev().find_map(|line| line.trim().strip_prefix("= "));
    said.unwrap_or_else(|| error.lines().next().unwrap_or_default()).trim().to_owned()
}
