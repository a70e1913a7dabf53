//! Numbers taken out of an answer.

use super::{
    answer::Answer,
    find::{CaptureFault, capture},
};
use crate::model::Query;

/// The number that a query finds, finite; `true` and `false` are 1 and 0, and a time is in milliseconds.
///
/// # Errors
///
/// Nothing was found, or what was found is no number.
pub fn measure(query: &Query, answer: &Answer) -> Result<f64, CaptureFault> {
    let text = capture(query, answer)?;
    let number = match text.trim() {
        "true" => Some(1.0),
        "false" => Some(0.0),
        // `inf` and `nan` would be read as numbers.
        text if text.contains(|c: char| c.is_ascii_digit()) => text.parse().ok(),
        _ => None,
    };
    number.filter(|n: &f64| n.is_finite()).ok_or_else(|| {
        let short: String = text.chars().take(60).collect();
        CaptureFault { message: format!("`{short}` is no number") }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

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
            assert_eq!(measure(&number(), &answer).ok(), found, "{body}");
        }
    }

    fn number() -> Query {
        Query::json_path("$.n")
    }
}
