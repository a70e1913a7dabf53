//! Why nothing could be imported.

/// Why an import gives no journey. Every message says what to do, and none holds a value of the input.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// Nobody knows this format.
    #[error("this is none of the formats that can be imported ({}): say which with --format", .0.join(", "))]
    Unknown(Vec<&'static str>),
    /// A format was asked for that does not exist.
    #[error("there is no format `{name}`; there are {}", known.join(", "))]
    NoFormat {
        /// What was asked for.
        name: String,
        /// What there is.
        known: Vec<&'static str>,
    },
    /// The input breaks the rules of its format.
    #[error("not {format}: {reason}")]
    Broken {
        /// Which format, with its article.
        format: &'static str,
        /// What is wrong and where.
        reason: String,
    },
    /// The input is understood, but holds nothing that a journey could do.
    #[error("there is nothing to walk in it: {0}")]
    Empty(String),
    /// An operation was asked for that is not there.
    #[error("there is no operation `{wanted}`; there are:\n{known}")]
    NoOperation {
        /// What was asked for.
        wanted: String,
        /// What there is, one a line.
        known: String,
    },
    /// A name was asked for that no journey or environment can have.
    #[error(
        "`{0}` cannot be a name: letters, digits, `.`, `_` and `-`, beginning with a letter or digit"
    )]
    Name(String),
}

impl ImportError {
    /// A fault of JSON, with its place but without its text.
    pub(super) fn json(format: &'static str, error: &serde_json::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        let reason = match error.classify() {
            serde_json::error::Category::Eof => {
                format!("it ends in the middle, at line {line}: was it cut off?")
            }
            serde_json::error::Category::Data => {
                format!("line {line}, column {column} is not what belongs there")
            }
            _ if error.to_string().starts_with("recursion limit") => {
                format!("line {line}, column {column} is nested deeper than 128 levels")
            }
            _ => format!("line {line}, column {column} is not JSON"),
        };
        Self::Broken { format, reason }
    }
}
