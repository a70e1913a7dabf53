//! The grammar that captures, assertions and measures share: a query finds a value, [predicates](super::predicate) judge it.

use serde::Serialize;

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
    /// The protocol of the last answer: `HTTP/1.1`, `HTTP/2`.
    Version,
    /// A header of the last hop, by name without regard to case; all values where there are several.
    Header(String),
    /// A cookie as the jar holds it after the step, by name.
    Cookie {
        /// Its name, in the case it was set with.
        name: String,
        /// What of it: its value unless said.
        attribute: CookieAttribute,
    },
    /// The decoded body as text.
    Body,
    /// The body as bytes, content encodings undone: a number is their count, text is their hexadecimal form.
    Bytes,
    /// SHA-256 (FIPS 180-4) over these bytes, in lower-case hexadecimal.
    Sha256,
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
    /// One phase of the step by its name in [`super::Phases::named`], summed over all hops: a time.
    Phase(String),
    /// What the server says of its own time in the last answer (W3C Server Timing), by name: a time.
    ServerTiming(String),
    /// The URL of the last hop.
    Url,
    /// How many redirects were followed.
    Redirects,
    /// The address that answered last, without its port.
    Ip,
    /// What the certificate of the last hop's server says; of plain HTTP there is none.
    Certificate(CertificateField),
    /// A variable or capture of the run, as text.
    Variable(String),
}

/// What of a cookie is looked at (RFC 6265, section 5.3, and `SameSite` of its successor).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum CookieAttribute {
    /// Its value.
    Value,
    /// The path it was set for.
    Path,
    /// The domain it was set for; none where it stays with its host.
    Domain,
    /// When it ends, a date; none where it was not said.
    Expires,
    /// How long it lasts, in seconds; none where it was not said.
    MaxAge,
    /// Whether it goes over TLS only.
    Secure,
    /// Whether scripts cannot see it.
    HttpOnly,
    /// `Strict`, `Lax` or `None`; none where it was not said.
    SameSite,
}

impl CookieAttribute {
    /// All, by the words a journey writes.
    pub const ALL: [(&str, Self); 8] = [
        ("value", Self::Value),
        ("path", Self::Path),
        ("domain", Self::Domain),
        ("expires", Self::Expires),
        ("max_age", Self::MaxAge),
        ("secure", Self::Secure),
        ("http_only", Self::HttpOnly),
        ("same_site", Self::SameSite),
    ];

    /// The word a journey writes.
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, one)| *one == self).map_or("value", |(word, _)| word)
    }
}

/// What of a server's certificate is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum CertificateField {
    /// Whose it is, as `CN=shop.example.com, O=Shop` (RFC 4514, in the order of the certificate).
    Subject,
    /// Who vouches for it, in the same form.
    Issuer,
    /// Whole and parted days until the first certificate of the chain ends; below 0 when it has ended.
    ExpiresInDays,
    /// When it begins, a date.
    NotBefore,
    /// When it ends, a date.
    NotAfter,
    /// How many certificates the server sent.
    ChainLength,
    /// Its serial number, in lower-case hexadecimal.
    Serial,
    /// The names and addresses it is for (RFC 5280, section 4.2.1.6): a predicate must hold of one of them.
    San,
}

impl CertificateField {
    /// All, by the words a journey writes.
    pub const ALL: [(&str, Self); 8] = [
        ("subject", Self::Subject),
        ("issuer", Self::Issuer),
        ("expires_in_days", Self::ExpiresInDays),
        ("not_before", Self::NotBefore),
        ("not_after", Self::NotAfter),
        ("chain_length", Self::ChainLength),
        ("serial", Self::Serial),
        ("san", Self::San),
    ];

    /// The word a journey writes.
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, one)| *one == self).map_or("subject", |(word, _)| word)
    }
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
        Self::cookie_attribute(name, CookieAttribute::Value)
    }

    /// An attribute of a cookie.
    pub fn cookie_attribute(name: &str, attribute: CookieAttribute) -> Self {
        Subject::Cookie { name: name.to_owned(), attribute }.into()
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

    /// A variable or capture of the run.
    pub fn variable(name: &str) -> Self {
        Subject::Variable(name.to_owned()).into()
    }

    /// The same with one more filter, which is told nothing.
    #[must_use]
    pub fn then(self, filter: &str) -> Self {
        self.then_with(filter, Argument::None)
    }

    /// The same with one more filter.
    #[must_use]
    pub fn then_with(mut self, filter: &str, argument: Argument) -> Self {
        self.filters.push(Filter { name: filter.to_owned(), argument });
        self
    }
}
