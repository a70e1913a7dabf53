//! Judges assertions.

use serde_json::Value;

use super::{
    answer::Answer,
    describe::{describe, predicate as in_words},
    find::{Found, find, regex},
    node::{Node, read_number},
};
use crate::model::{Assertion, AssertionResult, Literal, Predicate, Query, Subject, Text};

/// How many characters of an actual value are shown.
const SHOWN: usize = 200;

/// What an assertion needs besides the answer: the values behind templates, and what nobody may see.
pub trait Wording {
    /// Fills a template. The error is a fragment for people.
    fn fill(&self, text: &Text) -> Result<String, String>;
    /// The first `cap` bytes of a text, without the secrets, and whether that is less than all.
    fn mask(&self, text: &str, cap: usize) -> (String, bool);
}

/// Judges one assertion. The result is masked, and the actual value shortened after that, so that no part of a secret is left.
pub fn assert(assertion: &Assertion, answer: &Answer, wording: &impl Wording) -> AssertionResult {
    // A character has at most four bytes, and masking first keeps the cut from leaving a part of a secret.
    let shown = |text: &str| {
        let (masked, less) = wording.mask(text, 4 * SHOWN);
        shorten(&masked, less)
    };
    let mut result = AssertionResult {
        check: wording.mask(&describe(assertion), usize::MAX).0,
        passed: true,
        expected: None,
        actual: None,
    };
    if let Err(miss) = judge_all(assertion, answer, wording) {
        result.passed = false;
        result.expected = Some(shown(&miss.expected));
        result.actual = Some(shown(&miss.actual));
    }
    result
}

/// Whether an answer is good where no assertion looks at the status: a 2xx.
pub fn holds_without_assertion(status: u16) -> bool {
    (200..300).contains(&status)
}

/// Whether any assertion looks at the status; if none does, the engine asserts a 2xx.
pub fn looks_at_status(assertions: &[Assertion]) -> bool {
    assertions.iter().any(|assertion| is_status(&assertion.query))
}

/// Whether a query looks at the status.
pub fn is_status(query: &Query) -> bool {
    query.subject == Subject::Status
}

/// Why an assertion does not hold.
struct Miss {
    expected: String,
    actual: String,
}

fn judge_all(assertion: &Assertion, answer: &Answer, wording: &impl Wording) -> Result<(), Miss> {
    let found = match find(&assertion.query, answer) {
        Ok(found) => found,
        Err(actual) => {
            let first = assertion.predicates.iter().map(in_words);
            let counts = assertion.count.iter().map(|p| format!("count {}", in_words(p)));
            return Err(Miss { expected: first.chain(counts).next().unwrap_or_default(), actual });
        }
    };
    for predicate in &assertion.predicates {
        judge_nodes(predicate, &found, wording)?;
    }
    for predicate in &assertion.count {
        #[expect(clippy::cast_precision_loss, reason = "nobody finds 2^53 nodes")]
        let count = Node::Number(found.count as f64);
        let filled = fill(predicate, wording)?;
        if holds(&filled, &count) != Ok(true) {
            return Err(Miss {
                expected: format!("count {}", in_words(&filled)),
                actual: found.count.to_string(),
            });
        }
    }
    Ok(())
}

/// Judges one predicate over all nodes.
fn judge_nodes(predicate: &Predicate, found: &Found, wording: &impl Wording) -> Result<(), Miss> {
    let predicate = &fill(predicate, wording)?;
    let nodes = &found.nodes;
    let expected = || in_words(predicate);
    match predicate {
        Predicate::Exists(wanted) if nodes.is_empty() != *wanted => return Ok(()),
        Predicate::IsEmpty(true) if nodes.is_empty() => return Ok(()),
        Predicate::Exists(_) => {
            let actual = nodes.first().map_or_else(|| "nothing found".to_owned(), Node::show);
            return Err(Miss { expected: expected(), actual });
        }
        _ if nodes.is_empty() => {
            return Err(Miss { expected: expected(), actual: "nothing found".to_owned() });
        }
        _ => {}
    }
    let negative = matches!(predicate, Predicate::NotEquals(_) | Predicate::NotContains(_));
    if found.any && nodes.len() > 1 && !negative {
        if nodes.iter().any(|node| holds(predicate, node) == Ok(true)) {
            return Ok(());
        }
        let all: Vec<String> = nodes.iter().map(Node::show).collect();
        return Err(Miss { expected: expected(), actual: all.join(", ") });
    }
    for node in nodes {
        match holds(predicate, node) {
            Ok(true) => {}
            Ok(false) => return Err(Miss { expected: expected(), actual: node.show() }),
            Err(wanted) => {
                return Err(Miss {
                    expected: format!("{} ({wanted})", expected()),
                    actual: format!("{}: {}", node.kind(), node.show()),
                });
            }
        }
    }
    Ok(())
}

/// Whether the (filled) predicate holds of a node; the error is the type it would take.
fn holds(predicate: &Predicate, node: &Node) -> Result<bool, &'static str> {
    const TEXT: &str = "text";
    let text = || node.text().ok_or(TEXT);
    let number = || node.number().ok_or("a number");
    let time = || match node {
        Node::Time(time) => Ok(*time),
        _ => Err("a time"),
    };
    Ok(match predicate {
        Predicate::Equals(literal) => equal(node, literal)?,
        Predicate::NotEquals(literal) => !equal(node, literal).unwrap_or(false),
        Predicate::OneOf(literals) => literals.iter().any(|l| equal(node, l) == Ok(true)),
        Predicate::Contains(part) => contains(node, &part.0)?,
        Predicate::NotContains(part) => !contains(node, &part.0)?,
        Predicate::StartsWith(part) => text()?.starts_with(&part.0),
        Predicate::EndsWith(part) => text()?.ends_with(&part.0),
        Predicate::Matches(pattern) => {
            regex(pattern).map_err(|_| "a pattern that compiles")?.is_match(&text()?)
        }
        Predicate::Exists(wanted) => *wanted,
        Predicate::IsEmpty(wanted) => {
            node.is_empty().ok_or("text, an array or an object")? == *wanted
        }
        Predicate::Above(limit) => number()? > *limit,
        Predicate::Below(limit) => number()? < *limit,
        Predicate::AtLeast(limit) => number()? >= *limit,
        Predicate::AtMost(limit) => number()? <= *limit,
        Predicate::Faster(limit) => time()? < *limit,
        Predicate::Slower(limit) => time()? > *limit,
    })
}

fn contains(node: &Node, part: &str) -> Result<bool, &'static str> {
    if let Node::Json(Value::Array(items)) = node {
        let literal = Literal::Text(Text(part.to_owned()));
        return Ok(items.iter().any(|i| equal(&Node::Json(i.clone()), &literal) == Ok(true)));
    }
    node.text().map(|text| text.contains(part)).ok_or("text or an array")
}

fn equal(node: &Node, literal: &Literal) -> Result<bool, &'static str> {
    match literal {
        #[expect(clippy::float_cmp, reason = "equality is what was asked for")]
        Literal::Number(wanted) => node.number().map(|got| got == *wanted).ok_or("a number"),
        Literal::Bool(wanted) => match node.text().as_deref() {
            Some("true") => Ok(*wanted),
            Some("false") => Ok(!*wanted),
            _ => Err("a truth value"),
        },
        Literal::Text(Text(wanted)) => match (node, node.text()) {
            (Node::Number(_) | Node::Json(Value::Number(_)), Some(got)) => {
                // The text first: a 64-bit id does not survive becoming a float.
                Ok(got == *wanted || read_number(wanted).is_some_and(|w| node.number() == Some(w)))
            }
            (_, Some(got)) => Ok(got == *wanted),
            (Node::Json(value), None) => match serde_json::from_str::<Value>(wanted) {
                Ok(wanted) if wanted.is_array() || wanted.is_object() => Ok(*value == wanted),
                _ => Err("text"),
            },
            _ => Err("text"),
        },
    }
}

/// The predicate with its templates filled.
fn fill(predicate: &Predicate, wording: &impl Wording) -> Result<Predicate, Miss> {
    let text = |text: &Text| {
        if text.is_plain() {
            return Ok(text.clone());
        }
        wording.fill(text).map(Text).map_err(|fault| Miss {
            expected: in_words(predicate),
            actual: format!("its template cannot be filled: {fault}"),
        })
    };
    let literal = |literal: &Literal| match literal {
        Literal::Text(t) => text(t).map(Literal::Text),
        other => Ok(other.clone()),
    };
    Ok(match predicate {
        Predicate::Equals(l) => Predicate::Equals(literal(l)?),
        Predicate::NotEquals(l) => Predicate::NotEquals(literal(l)?),
        Predicate::Contains(t) => Predicate::Contains(text(t)?),
        Predicate::NotContains(t) => Predicate::NotContains(text(t)?),
        Predicate::StartsWith(t) => Predicate::StartsWith(text(t)?),
        Predicate::EndsWith(t) => Predicate::EndsWith(text(t)?),
        Predicate::OneOf(all) => {
            Predicate::OneOf(all.iter().map(literal).collect::<Result<_, _>>()?)
        }
        other => other.clone(),
    })
}

/// A masked text, short enough to read.
fn shorten(text: &str, less: bool) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None if less => format!("{text}…"),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests;
