//! One thing that a query found.

use std::time::Duration;

use serde_json::Value;

/// A found value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    Number(f64),
    Text(String),
    Time(Duration),
    Json(Value),
}

impl Node {
    /// What it is, for people.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Number(_) | Self::Json(Value::Number(_)) => "a number",
            Self::Text(_) | Self::Json(Value::String(_)) => "text",
            Self::Time(_) => "a time",
            Self::Json(Value::Null) => "null",
            Self::Json(Value::Bool(_)) => "a truth value",
            Self::Json(Value::Array(_)) => "an array",
            Self::Json(Value::Object(_)) => "an object",
        }
    }

    /// How it looks, for people: text in quotes, the rest as it is.
    pub(super) fn show(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) | Self::Json(Value::String(text)) => format!("\"{text}\""),
            Self::Time(time) => span(*time),
            Self::Json(value) => value.to_string(),
        }
    }

    /// It as a number: a number, or text that reads as one.
    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) | Self::Json(Value::String(text)) => read_number(text),
            Self::Json(Value::Number(number)) => number.as_f64(),
            Self::Time(_) | Self::Json(_) => None,
        }
    }

    /// It as text: text, numbers and truth values.
    pub(super) fn text(&self) -> Option<String> {
        match self {
            Self::Number(number) => Some(number.to_string()),
            Self::Text(text) | Self::Json(Value::String(text)) => Some(text.clone()),
            Self::Json(value @ (Value::Number(_) | Value::Bool(_))) => Some(value.to_string()),
            Self::Time(_) | Self::Json(_) => None,
        }
    }

    /// Whether there is nothing in it; none where the question has no sense.
    pub(super) fn is_empty(&self) -> Option<bool> {
        match self {
            Self::Text(text) | Self::Json(Value::String(text)) => Some(text.is_empty()),
            Self::Json(Value::Null) => Some(true),
            Self::Json(Value::Array(items)) => Some(items.is_empty()),
            Self::Json(Value::Object(members)) => Some(members.is_empty()),
            Self::Number(_) | Self::Time(_) | Self::Json(_) => None,
        }
    }
}

/// Text as a finite decimal number.
pub(super) fn read_number(text: &str) -> Option<f64> {
    let text = text.trim();
    let decimal = text.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b));
    text.parse::<f64>().ok().filter(|number| decimal && number.is_finite())
}

/// A span of time as it is written in a journey: `2s`, `350ms`, `1.5s`.
pub fn span(time: Duration) -> String {
    if time.subsec_nanos() == 0 {
        return format!("{}s", time.as_secs());
    }
    let (value, unit) = if time < Duration::from_secs(1) {
        (time.as_secs_f64() * 1000.0, "ms")
    } else {
        (time.as_secs_f64(), "s")
    };
    let text = format!("{value:.3}");
    format!("{}{unit}", text.trim_end_matches('0').trim_end_matches('.'))
}
