//! Judges assertions.

use super::{
    answer::Answer,
    describe::{describe, predicate as in_words},
    fill::fill,
    find::{Found, find},
    hold::{as_json, holds, peel},
    node::Node,
    schema,
};
use crate::model::{Assertion, AssertionResult, Predicate, Query, Subject, Text};

/// How many characters of an actual value are shown.
const SHOWN: usize = 200;

/// What an assertion needs besides the answer: the values behind templates, and what nobody may see.
pub trait Wording {
    /// Fills a template. The error is a fragment for people.
    fn fill(&self, text: &Text) -> Result<String, String>;
    /// The value of a variable or capture, if there is one of that name.
    fn variable(&self, name: &str) -> Option<String>;
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
pub(super) struct Miss {
    pub(super) expected: String,
    pub(super) actual: String,
}

fn judge_all(assertion: &Assertion, answer: &Answer, wording: &impl Wording) -> Result<(), Miss> {
    let found = match find(&assertion.query, answer, wording) {
        Ok(found) => found,
        Err(actual) => {
            let first = assertion.predicates.iter().map(in_words);
            let counts = assertion.count.iter().map(|p| format!("count {}", in_words(p)));
            return Err(Miss { expected: first.chain(counts).next().unwrap_or_default(), actual });
        }
    };
    for predicate in &assertion.predicates {
        judge_nodes(&fill(predicate, wording)?, &found)?;
    }
    for predicate in &assertion.count {
        #[expect(clippy::cast_precision_loss, reason = "nobody finds 2^53 nodes")]
        let count = Node::Number(found.count as f64);
        let filled = fill(predicate, wording)?;
        let (positive, negated) = peel(&filled);
        if holds(positive, &count) != Ok(!negated) {
            return Err(Miss {
                expected: format!("count {}", in_words(&filled)),
                actual: found.count.to_string(),
            });
        }
    }
    Ok(())
}

/// Judges one filled predicate over all nodes.
fn judge_nodes(predicate: &Predicate, found: &Found) -> Result<(), Miss> {
    let nodes = &found.nodes;
    let expected = || in_words(predicate);
    let (positive, negated) = peel(predicate);
    match positive {
        Predicate::Exists(wanted) if nodes.is_empty() != (*wanted != negated) => return Ok(()),
        Predicate::IsEmpty(wanted) if (*wanted != negated) && nodes.is_empty() => return Ok(()),
        Predicate::Exists(_) => {
            let actual = nodes.first().map_or_else(|| "nothing found".to_owned(), Node::show);
            return Err(Miss { expected: expected(), actual });
        }
        _ if nodes.is_empty() => {
            return Err(Miss { expected: expected(), actual: "nothing found".to_owned() });
        }
        _ => {}
    }
    if found.any && nodes.len() > 1 && !negated {
        if nodes.iter().any(|node| holds(positive, node) == Ok(true)) {
            return Ok(());
        }
        let all: Vec<String> = nodes.iter().map(Node::show).collect();
        return Err(Miss { expected: expected(), actual: all.join(", ") });
    }
    for node in nodes {
        match holds(positive, node) {
            Ok(held) if held != negated => {}
            // What is of another type is not equal.
            Err(_) if negated && matches!(positive, Predicate::Equals(_)) => {}
            Ok(_) => {
                return Err(Miss { expected: expected(), actual: falls_short(positive, node) });
            }
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

/// The value of which a predicate does not hold; of a schema, what is against it.
fn falls_short(predicate: &Predicate, node: &Node) -> String {
    match predicate {
        Predicate::Schema(schema) => {
            schema::violation(&schema.json, &as_json(node)).unwrap_or_else(|| node.show())
        }
        Predicate::Is(_) => node.typed(),
        _ => node.show(),
    }
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
