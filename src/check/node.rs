//! One thing that a query found.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Number, Value, json};

use super::date::read_date;

/// A found value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    Number(f64),
    /// Text that no format gave a type: it is what it reads as.
    Text(String),
    Time(Duration),
    Date(Timestamp),
    Bytes(Vec<u8>),
    Json(Value),
}

impl Node {
    /// What it is, for people.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Number(_) | Self::Json(Value::Number(_)) => "a number",
            Self::Text(_) | Self::Json(Value::String(_)) => "text",
            Self::Time(_) => "a time",
            Self::Date(_) => "a date",
            Self::Bytes(_) => "bytes",
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
            Self::Date(date) => date.to_string(),
            Self::Bytes(bytes) => {
                // Nobody reads more, and the hexadecimal form doubles it.
                let begins = hex(&bytes[..bytes.len().min(32)]);
                let more = if bytes.len() > 32 { "…" } else { "" };
                format!("{} bytes {begins}{more}", bytes.len())
            }
            Self::Json(value) => value.to_string(),
        }
    }

    /// It with its type: `text "abc"`, `a number 5`, `null`.
    pub(super) fn typed(&self) -> String {
        match self {
            Self::Json(Value::Null) => "null".to_owned(),
            Self::Bytes(_) => self.show(),
            other => format!("{} {}", other.kind(), other.show()),
        }
    }

    /// It as a number: a number, text that reads as one, or how many bytes there are.
    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) | Self::Json(Value::String(text)) => read_number(text),
            Self::Json(Value::Number(number)) => number.as_f64(),
            #[expect(clippy::cast_precision_loss, reason = "no body has 2^53 bytes")]
            Self::Bytes(bytes) => Some(bytes.len() as f64),
            Self::Time(_) | Self::Date(_) | Self::Json(_) => None,
        }
    }

    /// It as text: text, numbers, truth values, dates, and bytes in hexadecimal.
    pub(super) fn text(&self) -> Option<String> {
        match self {
            Self::Number(number) => Some(number.to_string()),
            Self::Text(text) | Self::Json(Value::String(text)) => Some(text.clone()),
            Self::Json(value @ (Value::Number(_) | Value::Bool(_))) => Some(value.to_string()),
            Self::Date(date) => Some(date.to_string()),
            Self::Bytes(bytes) => Some(hex(bytes)),
            Self::Time(_) | Self::Json(_) => None,
        }
    }

    /// It as a point in time: a date, or text that reads as one.
    pub(super) fn date(&self) -> Option<Timestamp> {
        match self {
            Self::Date(date) => Some(*date),
            Self::Text(text) | Self::Json(Value::String(text)) => read_date(text),
            _ => None,
        }
    }

    /// Whether there is nothing in it; none where the question has no sense.
    pub(super) fn is_empty(&self) -> Option<bool> {
        match self {
            Self::Text(text) | Self::Json(Value::String(text)) => Some(text.is_empty()),
            Self::Bytes(bytes) => Some(bytes.is_empty()),
            Self::Json(Value::Null) => Some(true),
            Self::Json(Value::Array(items)) => Some(items.is_empty()),
            Self::Json(Value::Object(members)) => Some(members.is_empty()),
            Self::Number(_) | Self::Time(_) | Self::Date(_) | Self::Json(_) => None,
        }
    }

    /// It as a template sees it: text as it is, other JSON in its compact form, a time in milliseconds, a date as RFC 3339 writes it.
    pub(super) fn into_plain(self) -> String {
        match self {
            Self::Text(text) | Self::Json(Value::String(text)) => text,
            Self::Number(number) => number.to_string(),
            Self::Time(time) => format!("{:.3}", milliseconds(time)),
            Self::Date(date) => date.to_string(),
            Self::Bytes(bytes) => hex(&bytes),
            Self::Json(value) => value.to_string(),
        }
    }

    /// It as JSON.
    pub(super) fn into_json(self) -> Value {
        match self {
            Self::Json(value) => value,
            Self::Text(text) => Value::String(text),
            Self::Number(number) => whole_or_not(number),
            Self::Time(time) => json!(milliseconds(time)),
            Self::Date(date) => Value::String(date.to_string()),
            Self::Bytes(bytes) => Value::String(hex(&bytes)),
        }
    }
}

/// A time in milliseconds, as it leaves the program.
pub(super) fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// A number as JSON: a whole one without a point.
fn whole_or_not(number: f64) -> Value {
    #[expect(clippy::cast_possible_truncation, reason = "checked to be a whole number that fits")]
    if number.fract() == 0.0 && number.abs() < 9e15 {
        return Value::Number((number as i64).into());
    }
    Number::from_f64(number).map_or(Value::Null, Value::Number)
}

/// Bytes in lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble & 15)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
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
