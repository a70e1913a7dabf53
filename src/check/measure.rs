//! Numbers taken out of an answer.

use serde_json::Value;

use super::{
    answer::Answer,
    assert::Wording,
    find::{CaptureFault, first},
    node::{Node, milliseconds},
};
use crate::model::Query;

/// The number that a query finds, finite; `true` and `false` are 1 and 0, a time is in milliseconds, bytes are how many there are.
///
/// # Errors
///
/// Nothing was found, or what was found is no number. It may hold an excerpt of the answer, so it must be masked.
pub fn measure(
    query: &Query,
    answer: &Answer,
    wording: &impl Wording,
) -> Result<f64, CaptureFault> {
    let node = first(query, answer, wording)?;
    let number = match &node {
        Node::Time(time) => Some(milliseconds(*time)),
        Node::Json(Value::Bool(truth)) => Some(f64::from(u8::from(*truth))),
        Node::Text(text) if matches!(text.trim(), "true" | "false") => {
            Some(f64::from(u8::from(text.trim() == "true")))
        }
        other => other.number(),
    };
    number.filter(|n: &f64| n.is_finite()).ok_or_else(|| {
        let message = format!("a number is wanted, got {}", node.typed());
        CaptureFault { message }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Text;

    #[test]
    fn numbers_are_taken_and_nothing_else() {
        for (body, found) in [
            (r#"{"n":12.5}"#, Some(12.5)),
            (r#"{"n":-3}"#, Some(-3.0)),
            (r#"{"n":" 7e2 "}"#, Some(700.0)),
            (r#"{"n":true}"#, Some(1.0)),
            (r#"{"n":false}"#, Some(0.0)),
            (r#"{"n":"12 EUR"}"#, None),
            (r#"{"n":"inf"}"#, None),
            (r#"{"n":"1e999"}"#, None),
            (r#"{"n":"NaN"}"#, None),
            (r#"{"n":null}"#, None),
            (r#"{"n":[1]}"#, None),
            ("{}", None),
            ("no json", None),
        ] {
            let answer = Answer::new(200, body.to_owned());
            assert_eq!(measure(&number(), &answer, &Nothing).ok(), found, "{body}");
        }
    }

    struct Nothing;

    impl Wording for Nothing {
        fn fill(&self, text: &Text) -> Result<String, String> {
            Ok(text.0.clone())
        }
        fn variable(&self, _: &str) -> Option<String> {
            None
        }
        fn mask(&self, text: &str, _: usize) -> (String, bool) {
            (text.to_owned(), false)
        }
    }

    fn number() -> Query {
        Query::json_path("$.n")
    }
}
