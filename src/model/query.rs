//! The grammar that captures and assertions share: a query finds a value, predicates judge it.

use std::time::Duration;

use serde::Serialize;

use super::Text;

/// Where in a response a value is found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Query {
    /// The status code of the last hop, a number.
    Status,
    /// A header of the last hop, by name without regard to case; all values where there are several.
    Header(String),
    /// A cookie as the jar holds it after the step, by name: its value.
    Cookie(String),
    /// The decoded body as text.
    Body,
    /// RFC 9535 over the body as JSON.
    JsonPath(String),
    /// A CSS selector over the body as HTML: the text of the elements, or an attribute's value.
    Css {
        /// The selector (Selectors Level 4, as `scraper` has it).
        selector: String,
        /// The attribute to read instead of the text.
        attribute: Option<String>,
    },
    /// A regular expression over the body: its first group, or the whole match where it has none.
    Regex(String),
    /// The duration of the step: request to last byte, over all hops.
    Duration,
    /// The URL of the last hop.
    Url,
    /// How many redirects were followed.
    Redirects,
}

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

/// What must hold of a value.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum Predicate {
    /// Equal, number to number and text to text; text that reads as the expected number is equal to it.
    Equals(Literal),
    /// Not equal.
    NotEquals(Literal),
    /// Text that contains a text.
    Contains(Text),
    /// Text that does not contain a text.
    NotContains(Text),
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
    /// A number above a limit.
    Above(f64),
    /// A number below a limit.
    Below(f64),
    /// A number not below a limit.
    AtLeast(f64),
    /// A number not above a limit.
    AtMost(f64),
    /// A time not longer than this (`duration = { below = "2s" }`): strictly below.
    Faster(Duration),
    /// A time longer than this: strictly above.
    Slower(Duration),
    /// One of several values.
    OneOf(Vec<Literal>),
}
