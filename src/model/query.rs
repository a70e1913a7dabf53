//! The grammar that captures and assertions share: a query finds a value, predicates judge it.

use std::time::Duration;

use serde::Serialize;

use super::Text;

/// Where a value is found, and what is made of it before it is judged or kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Query {
    /// What is looked at.
    pub subject: Subject,
    /// What is made of it, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub filters: Vec<Filter>,
}

/// What a query looks at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Subject {
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

/// One step from what was found to what is judged: `"trim"`, `{ nth = 2 }`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Filter {
    /// Its name, one of those that `check` knows.
    pub name: String,
    /// What it is told.
    pub argument: Argument,
}

/// What a filter is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Argument {
    /// Nothing: its name says all.
    None,
    /// A text: a separator, a pattern, a path.
    Text(String),
    /// A whole number.
    Number(u64),
    /// Two texts: what is replaced, and by what.
    Pair(String, String),
}

impl From<Subject> for Query {
    fn from(subject: Subject) -> Self {
        Self { subject, filters: Vec::new() }
    }
}

impl Query {
    /// The status code.
    pub fn status() -> Self {
        Subject::Status.into()
    }

    /// A header.
    pub fn header(name: &str) -> Self {
        Subject::Header(name.to_owned()).into()
    }

    /// The value of a cookie.
    pub fn cookie(name: &str) -> Self {
        Subject::Cookie(name.to_owned()).into()
    }

    /// The body as text.
    pub fn body() -> Self {
        Subject::Body.into()
    }

    /// A path into the body as JSON.
    pub fn json_path(path: &str) -> Self {
        Subject::JsonPath(path.to_owned()).into()
    }

    /// The text of elements.
    pub fn css(selector: &str) -> Self {
        Subject::Css { selector: selector.to_owned(), attribute: None }.into()
    }

    /// An attribute of elements.
    pub fn css_attribute(selector: &str, attribute: &str) -> Self {
        let attribute = Some(attribute.to_owned());
        Subject::Css { selector: selector.to_owned(), attribute }.into()
    }

    /// A pattern in the body.
    pub fn regex(pattern: &str) -> Self {
        Subject::Regex(pattern.to_owned()).into()
    }

    /// The duration of the step.
    pub fn duration() -> Self {
        Subject::Duration.into()
    }

    /// The URL of the last hop.
    pub fn url() -> Self {
        Subject::Url.into()
    }

    /// How many redirects were followed.
    pub fn redirects() -> Self {
        Subject::Redirects.into()
    }
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
