//! Faults: what is wrong in a file, where, and what to write instead.

use std::{collections::BTreeMap, fmt, ops::Range, sync::Arc};

use serde::Serialize;

use super::draw;

/// One thing that is wrong in one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The file, as its [`super::SourceFile`] names it.
    pub path: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is wrong: a fragment in lower case.
    pub message: String,
    /// What stands under the caret.
    pub label: String,
    /// What to do about it.
    pub help: Option<String>,
    /// Bytes of the text, for the caret.
    #[serde(skip)]
    pub(super) span: Range<usize>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.path, self.line, self.column, self.message)
    }
}

/// Every fault of every file: never none. Its [`fmt::Display`] draws them all without colour.
#[derive(Debug, Clone)]
pub struct Faults {
    faults: Vec<Fault>,
    /// The texts to quote, by path; what may be a secret is already starred out.
    texts: BTreeMap<String, Arc<str>>,
}

impl Faults {
    pub(super) fn new(faults: Vec<Fault>, texts: BTreeMap<String, Arc<str>>) -> Self {
        Self { faults, texts }
    }

    /// The faults, in the order of files and lines.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Fault> {
        self.faults.iter()
    }

    /// Draws every fault with its line and caret, and counts them at the end. `width` is in characters.
    pub fn render(&self, colour: bool, width: usize) -> String {
        draw::all(&self.faults, &self.texts, colour, width)
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false, 100))
    }
}

impl std::error::Error for Faults {}
