//! Predicates that do not fit what they look at, or that no value can satisfy.

use super::pattern_fault;
use crate::{
    check::{
        date::read_date,
        describe::{key as word, predicate as in_words},
        hold::peel,
        kind::{Facts, Kind},
        node::read_number,
        schema,
    },
    model::{Limit, Literal, Predicate, Query, Subject, Type},
};

/// The versions of HTTP that an answer may have.
const VERSIONS: [&str; 3] = ["HTTP/1.0", "HTTP/1.1", "HTTP/2"];

/// Why a predicate can never hold of what a query gives, or fits nothing of the kind.
pub(super) fn fault_of_predicate(
    query: &Query,
    facts: &Facts,
    predicate: &Predicate,
) -> Option<String> {
    let (positive, negated) = peel(predicate);
    if let Some(fault) = alone(positive) {
        return Some(fault);
    }
    if let Predicate::Exists(wanted) = positive {
        if *wanted == negated && facts.always {
            return Some(format!("{} always exists", facts.what));
        }
        if facts.kind == Kind::Boolean {
            return Some(
                "a flag is always there: write `equals = true` or `equals = false`".to_owned(),
            );
        }
        return None;
    }
    let limits = limits(positive);
    if facts.kind != Kind::Time && limits.iter().any(|limit| matches!(limit, Limit::Time(_))) {
        return Some(format!("`{}` with a time fits only a duration", key(predicate)));
    }
    if query.filters.is_empty() {
        match &query.subject {
            Subject::Status => return ranged(predicate, facts, (100.0, 599.0)),
            Subject::Redirects => return ranged(predicate, facts, (0.0, f64::from(u32::MAX))),
            Subject::Version => {
                if let Some(fault) = version(positive) {
                    return Some(fault);
                }
            }
            _ => {}
        }
        let text = matches!(
            query.subject,
            Subject::Url | Subject::Version | Subject::Sha256 | Subject::Ip
        );
        if text && !limits.is_empty() {
            return Some(format!(
                "`{}` needs a number, and {} is text",
                key(predicate),
                facts.what
            ));
        }
    }
    match facts.kind {
        Kind::Any => None,
        Kind::Time => time(predicate, &limits),
        Kind::Number => number(predicate, facts),
        Kind::Text => text(predicate, facts),
        Kind::Boolean => boolean(predicate, facts),
        Kind::Date => date(predicate, &limits, facts),
        Kind::Bytes => bytes(predicate, facts),
        Kind::List => list(predicate, &limits, facts),
    }
}

/// What a journey writes, `not_` included.
fn key(predicate: &Predicate) -> String {
    let (_, negated) = peel(predicate);
    format!("{}{}", if negated { "not_" } else { "" }, word(predicate))
}

/// The limits of a predicate.
pub(super) fn limits(predicate: &Predicate) -> Vec<&Limit> {
    use Predicate as P;
    match predicate {
        P::Above(limit) | P::Below(limit) | P::AtLeast(limit) | P::AtMost(limit) => vec![limit],
        P::Between(low, high) => vec![low, high],
        _ => Vec::new(),
    }
}

/// The values a predicate compares with.
fn literals(predicate: &Predicate) -> &[Literal] {
    match predicate {
        Predicate::Equals(literal) => std::slice::from_ref(literal),
        Predicate::OneOf(all) => all,
        _ => &[],
    }
}

/// What is wrong with a predicate whatever it looks at.
fn alone(predicate: &Predicate) -> Option<String> {
    match predicate {
        Predicate::OneOf(literals) if literals.is_empty() => {
            return Some("`one_of` is empty: nothing is one of no values".to_owned());
        }
        Predicate::Matches(pattern) => return pattern_fault(pattern),
        Predicate::Schema(schema) => return schema::fault(&schema.json),
        Predicate::Below(Limit::Time(limit)) if limit.is_zero() => {
            return Some("no duration is below 0s".to_owned());
        }
        Predicate::Between(low, high) => {
            let backwards = match (low, high) {
                (Limit::Number(low), Limit::Number(high)) => low > high,
                (Limit::Time(low), Limit::Time(high)) => low > high,
                (Limit::Date(low), Limit::Date(high)) => low > high,
                (Limit::Text(_), _) | (_, Limit::Text(_)) => false,
                _ => return Some("`between` has limits of two types".to_owned()),
            };
            if backwards {
                return Some(format!(
                    "nothing is {}: the lower limit comes first",
                    in_words(predicate)
                ));
            }
        }
        _ => {}
    }
    let infinite = |limit: &&Limit| matches!(limit, Limit::Number(n) if !n.is_finite());
    limits(predicate)
        .iter()
        .any(infinite)
        .then(|| format!("`{}` needs a finite number", word(predicate)))
}

fn misfit(predicate: &Predicate, facts: &Facts) -> Option<String> {
    Some(format!(
        "`{}` does not fit {}, which is {}",
        key(predicate),
        facts.what,
        facts.kind.name()
    ))
}

fn time(predicate: &Predicate, limits: &[&Limit]) -> Option<String> {
    let timed = !limits.is_empty() && limits.iter().all(|limit| matches!(limit, Limit::Time(_)));
    (!timed).then(|| {
        format!(
            "`{}` does not fit a duration: use `below` or `above` with a time such as \"2s\"",
            key(predicate)
        )
    })
}

/// Whole numbers between two limits: the status and the number of redirects.
fn ranged(predicate: &Predicate, facts: &Facts, (low, high): (f64, f64)) -> Option<String> {
    use Predicate as P;
    if let Some(fault) = number(predicate, facts) {
        return Some(fault);
    }
    let what = &facts.what;
    let (positive, _) = peel(predicate);
    let outside = |number: f64| {
        let within = (low..=high).contains(&number) && number.fract() == 0.0;
        let range = if low > 0.0 { "from 100 to 599" } else { "and not below 0" };
        (!within).then(|| format!("{what} is a whole number {range}, never {number}"))
    };
    let read = |literal: &Literal| match literal {
        Literal::Number(number) => outside(*number),
        Literal::Text(text) if text.is_plain() => read_number(&text.0).and_then(outside),
        _ => None,
    };
    if let Some(fault) = literals(positive).iter().find_map(read) {
        return Some(fault);
    }
    let n = |limit: &Limit| match limit {
        Limit::Number(number) => Some(*number),
        _ => None,
    };
    let never = match positive {
        P::Above(limit) => n(limit).is_some_and(|n| n >= high),
        P::AtLeast(limit) => n(limit).is_some_and(|n| n > high),
        P::Below(limit) => n(limit).is_some_and(|n| n <= low),
        P::AtMost(limit) => n(limit).is_some_and(|n| n < low),
        P::Between(from, to) => n(from).is_some_and(|n| n > high) || n(to).is_some_and(|n| n < low),
        _ => false,
    };
    never.then(|| format!("{what} is never {}", in_words(positive).replace('_', " ")))
}

fn number(predicate: &Predicate, facts: &Facts) -> Option<String> {
    use Predicate as P;
    let what = &facts.what;
    let (positive, _) = peel(predicate);
    match positive {
        P::Is(Type::Number | Type::Integer) | P::Schema(_) => None,
        P::Equals(_) | P::OneOf(_) => literals(positive).iter().find_map(|literal| match literal {
            Literal::Bool(_) => Some(format!("{what} is a number, not a truth value")),
            Literal::Text(text) if text.is_plain() && read_number(&text.0).is_none() => {
                Some(format!("{what} is a number, not \"{text}\""))
            }
            _ => None,
        }),
        limited if !limits(limited).is_empty() => {
            let dated = limits(limited).iter().any(|limit| matches!(limit, Limit::Date(_)));
            dated.then(|| format!("{what} is a number, not a date"))
        }
        _ => misfit(predicate, facts),
    }
}

fn text(predicate: &Predicate, facts: &Facts) -> Option<String> {
    match peel(predicate).0 {
        Predicate::Is(Type::List | Type::Object | Type::Null) => misfit(predicate, facts),
        _ => None,
    }
}

fn version(positive: &Predicate) -> Option<String> {
    literals(positive).iter().find_map(|literal| match literal {
        Literal::Text(text) if !text.is_plain() || VERSIONS.contains(&text.0.as_str()) => None,
        other => {
            let said = match other {
                Literal::Text(text) => format!("\"{text}\""),
                Literal::Number(number) => number.to_string(),
                Literal::Bool(truth) => truth.to_string(),
            };
            Some(format!("a version is one of {}, never {said}", VERSIONS.join(", ")))
        }
    })
}

fn boolean(predicate: &Predicate, facts: &Facts) -> Option<String> {
    let (positive, _) = peel(predicate);
    let good = |literal: &Literal| match literal {
        Literal::Bool(_) => true,
        Literal::Text(text) => !text.is_plain() || matches!(text.0.as_str(), "true" | "false"),
        Literal::Number(_) => false,
    };
    match positive {
        Predicate::Equals(literal) if good(literal) => None,
        Predicate::Is(Type::Boolean) => None,
        _ => misfit(predicate, facts),
    }
}

fn date(predicate: &Predicate, limits: &[&Limit], facts: &Facts) -> Option<String> {
    let (positive, _) = peel(predicate);
    let wrong =
        || Some(format!("{} is a date: compare it with one such as \"2026-01-31\"", facts.what));
    if limits.iter().any(|limit| !matches!(limit, Limit::Date(_) | Limit::Text(_))) {
        return wrong();
    }
    match positive {
        Predicate::Equals(_) | Predicate::OneOf(_) => {
            let good = literals(positive).iter().all(|literal| match literal {
                Literal::Text(text) => !text.is_plain() || read_date(&text.0).is_some(),
                _ => false,
            });
            if good { None } else { wrong() }
        }
        Predicate::IsEmpty(_)
        | Predicate::Is(
            Type::List
            | Type::Object
            | Type::Null
            | Type::Boolean
            | Type::Number
            | Type::Integer
            | Type::Uuid,
        ) => misfit(predicate, facts),
        _ => None,
    }
}

/// Numbers are their count, texts their hexadecimal form.
fn bytes(predicate: &Predicate, facts: &Facts) -> Option<String> {
    use Predicate as P;
    let (positive, _) = peel(predicate);
    let hexadecimal = |text: &str| {
        let good = text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        (!good).then(|| {
            format!("bytes are compared in lower-case hexadecimal such as \"89504e47\", never \"{text}\"")
        })
    };
    match positive {
        P::Contains(text) | P::StartsWith(text) | P::EndsWith(text) if text.is_plain() => {
            hexadecimal(&text.0)
        }
        P::Equals(Literal::Text(text)) if text.is_plain() => hexadecimal(&text.0),
        P::Is(_) | P::Schema(_) => misfit(predicate, facts),
        P::Equals(Literal::Bool(_)) => misfit(predicate, facts),
        _ => None,
    }
}

fn list(predicate: &Predicate, limits: &[&Limit], facts: &Facts) -> Option<String> {
    use Predicate as P;
    let (positive, _) = peel(predicate);
    match positive {
        P::StartsWith(_) | P::EndsWith(_) | P::Matches(_) => misfit(predicate, facts),
        P::Equals(Literal::Number(_) | Literal::Bool(_)) => misfit(predicate, facts),
        P::Is(kind) if *kind != Type::List => misfit(predicate, facts),
        _ if !limits.is_empty() => Some(format!(
            "`{}` needs a number, and {} is a list: add the filter `count`",
            key(predicate),
            facts.what
        )),
        _ => None,
    }
}

/// Predicates on how many there are.
pub(super) fn fault_of_count(count: &[Predicate]) -> Option<String> {
    count.iter().find_map(|predicate| {
        let (positive, _) = peel(predicate);
        alone(positive).or_else(|| one_count(positive))
    })
}

fn one_count(predicate: &Predicate) -> Option<String> {
    use Predicate as P;
    let number = |number: f64| {
        (number < 0.0 || number.fract() != 0.0 || !number.is_finite())
            .then(|| format!("a count is a whole number and not below 0, never {number}"))
    };
    let compared = || Some("a count is compared with a number".to_owned());
    match predicate {
        P::Equals(_) | P::OneOf(_) => {
            literals(predicate).iter().find_map(|literal| match literal {
                Literal::Number(n) => number(*n),
                Literal::Text(text) if !text.is_plain() => None,
                _ => compared(),
            })
        }
        P::Below(Limit::Number(limit)) if *limit <= 0.0 => Some("no count is below 0".to_owned()),
        limited if !limits(limited).is_empty() => {
            limits(limited).into_iter().find_map(|limit| match limit {
                Limit::Number(n) => number(*n),
                Limit::Text(_) => None,
                _ => compared(),
            })
        }
        other => Some(format!("`{}` does not fit a count, which is a number", word(other))),
    }
}
