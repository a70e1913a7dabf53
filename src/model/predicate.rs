//! What must hold of a value that a [query](super::query) found.

use std::{fmt, time::Duration};

use jiff::Timestamp;
use serde::Serialize;

use super::Text;

/// A value to compare with.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum Literal {
    /// Text, which may be a template.
    Text(Text),
    /// A number.
    Number(f64),
    /// A truth value.
    Bool(bool),
}

/// A value that others lie above or below.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum Limit {
    /// A number.
    Number(f64),
    /// A span of time.
    Time(Duration),
    /// A point in time.
    Date(Timestamp),
    /// A template that gives a number or a date.
    Text(Text),
}

impl From<f64> for Limit {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<Duration> for Limit {
    fn from(time: Duration) -> Self {
        Self::Time(time)
    }
}

impl From<Timestamp> for Limit {
    fn from(date: Timestamp) -> Self {
        Self::Date(date)
    }
}

/// What a value is. JSON has types of its own; text from a header, a page or a pattern has none, and is what it reads as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Type {
    /// A number.
    Number,
    /// A number without a fraction.
    Integer,
    /// True or false.
    Boolean,
    /// Text.
    Text,
    /// A JSON array.
    List,
    /// A JSON object.
    Object,
    /// JSON's null.
    Null,
    /// A date, or text that reads as one (RFC 3339, or as HTTP writes them).
    Date,
    /// Text in the form of RFC 9562: 8-4-4-4-12 hexadecimal digits.
    Uuid,
}

impl Type {
    /// All, by the predicate that a journey writes.
    pub const ALL: [(&str, Self); 9] = [
        ("is_number", Self::Number),
        ("is_integer", Self::Integer),
        ("is_boolean", Self::Boolean),
        ("is_text", Self::Text),
        ("is_list", Self::List),
        ("is_object", Self::Object),
        ("is_null", Self::Null),
        ("is_date", Self::Date),
        ("is_uuid", Self::Uuid),
    ];

    /// The key a journey writes.
    pub fn key(self) -> &'static str {
        Self::ALL.iter().find(|(_, one)| *one == self).map_or("is_text", |(key, _)| key)
    }
}

/// A JSON schema (draft 2020-12).
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Schema {
    /// The file it was read from, as the journey names it; none where the journey holds it.
    #[serde(skip)]
    pub file: Option<String>,
    /// The schema.
    pub json: serde_json::Value,
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.file {
            Some(file) => write!(f, "Schema({file:?})"),
            None => write!(f, "Schema({})", self.json),
        }
    }
}

/// What must hold of a value.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum Predicate {
    /// Equal, number to number and text to text; text that reads as the expected number is equal to it.
    Equals(Literal),
    /// Text that contains a text, or a list with an element that is equal to it.
    Contains(Text),
    /// Text that begins with a text.
    StartsWith(Text),
    /// Text that ends with a text.
    EndsWith(Text),
    /// Text that a regular expression matches anywhere.
    Matches(String),
    /// There is a value (`true`), or there is none (`false`).
    Exists(bool),
    /// The value is empty: text of length 0, an array or object of none, or null.
    IsEmpty(bool),
    /// A value of a type.
    Is(Type),
    /// A value above a limit.
    Above(Limit),
    /// A value below a limit.
    Below(Limit),
    /// A value not below a limit.
    AtLeast(Limit),
    /// A value not above a limit.
    AtMost(Limit),
    /// A value not below the first and not above the second.
    Between(Limit, Limit),
    /// One of several values.
    OneOf(Vec<Literal>),
    /// JSON that a schema admits.
    Schema(Schema),
    /// The predicate does not hold, of none of the values where there are several.
    Not(Box<Predicate>),
}

impl Predicate {
    /// The opposite: what is negated twice is itself, and what has both forms takes the other one.
    #[must_use]
    pub fn negated(self) -> Self {
        match self {
            Self::Not(inner) => *inner,
            Self::Exists(wanted) => Self::Exists(!wanted),
            Self::IsEmpty(wanted) => Self::IsEmpty(!wanted),
            other => Self::Not(Box::new(other)),
        }
    }
}
