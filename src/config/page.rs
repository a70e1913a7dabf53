//! A file while it is read: its text and what was found wrong with it so far.

use std::{cell::RefCell, collections::BTreeMap, ops::Range, sync::Arc};

use toml::de::DeTable;

use super::{
    Attached, Fault, Origins, SourceFile, secrecy,
    syntax::{self, Damage},
};

/// A file while it is read. Faults are noted from everywhere, so it has inner mutability; it never leaves a thread.
pub(super) struct Page<'a> {
    pub(super) path: &'a str,
    pub(super) text: &'a str,
    /// The files that this one may name.
    pub(super) attached: &'a dyn Attached,
    damage: Damage,
    notes: RefCell<Vec<Note>>,
    secrets: RefCell<Vec<Range<usize>>>,
    /// Where secrets are named, for faults that show only when they are fetched.
    origins: RefCell<BTreeMap<String, Range<usize>>>,
    /// What was asked of which table (by its address): a key, or at the end whether there are others.
    #[cfg(test)]
    pub(super) asked: RefCell<Vec<(usize, Option<&'static str>)>>,
}

/// A fault being put together.
#[must_use]
pub(super) struct Note {
    span: Range<usize>,
    message: String,
    label: String,
    help: Option<String>,
    /// Whether it may only follow from text that could not be read.
    derived: bool,
}

impl Note {
    /// What is wrong, and where.
    pub(super) fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        Self { span, message: message.into(), label: "here".to_owned(), help: None, derived: false }
    }

    /// What stands under the caret.
    pub(super) fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// What to do about it.
    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// What to do about it, where that is known.
    pub(super) fn maybe_help(mut self, help: Option<String>) -> Self {
        self.help = help;
        self
    }

    /// The fault with its line and column.
    pub(super) fn place(mut self, path: &str, text: &str) -> Fault {
        // A value of many lines is shown by its first.
        let shown = text.get(self.span.clone()).and_then(|text| text.find('\n'));
        self.span.end = shown.map_or(self.span.end, |length| self.span.start + length);
        self.span = visible(text, self.span);
        let (line, column) = position(text, self.span.start);
        Fault {
            path: path.to_owned(),
            line,
            column,
            message: self.message,
            label: self.label,
            help: self.help,
            span: self.span,
        }
    }

    /// Says that something is missing: not worth a word in a file whose text is damaged.
    pub(super) fn derived(mut self) -> Self {
        self.derived = true;
        self
    }
}

impl<'a> Page<'a> {
    /// Reads the text as far as it can be read; every fault of its syntax is noted.
    pub(super) fn open(file: &'a SourceFile, attached: &'a dyn Attached) -> (Self, DeTable<'a>) {
        let (table, errors) = DeTable::parse_recoverable(&file.text);
        let (damage, notes) = syntax::sift(&file.text, errors);
        let mut secrets = Vec::new();
        secrecy::plain_secrets(table.get_ref(), &mut secrets);
        for line in damage.lines() {
            secrecy::in_broken_line(&file.text, line, &mut secrets);
        }
        let page = Self {
            path: &file.path,
            text: &file.text,
            attached,
            damage,
            notes: RefCell::new(notes),
            secrets: RefCell::new(secrets),
            origins: RefCell::default(),
            #[cfg(test)]
            asked: RefCell::default(),
        };
        (page, table.into_inner())
    }

    /// Whether parts of the file may be missing from what was read.
    pub(super) fn is_torn(&self) -> bool {
        self.damage.is_torn()
    }

    /// Writes down that a table was asked for a key, or for all that nobody asked for.
    #[cfg(test)]
    pub(super) fn asked(&self, table: &DeTable<'_>, key: Option<&'static str>) {
        self.asked.borrow_mut().push((std::ptr::from_ref(table).addr(), key));
    }

    /// Notes a fault, unless it may be nothing but the echo of a fault of the syntax.
    pub(super) fn note(&self, note: Note) {
        if !self.damage.echoes(&note.span, note.derived) {
            self.notes.borrow_mut().push(note);
        }
    }

    /// Makes sure that this stretch of the text is never shown.
    pub(super) fn hide(&self, span: Range<usize>) {
        self.secrets.borrow_mut().push(span);
    }

    /// Remembers where a secret is named.
    pub(super) fn mark(&self, name: &str, span: Range<usize>) {
        self.origins.borrow_mut().insert(name.to_owned(), span);
    }

    /// Where secrets are named, with the text to quote.
    pub(super) fn origins(&self) -> Origins {
        Origins {
            path: self.path.to_owned(),
            text: (star_out(self.text, &self.secrets.borrow()) + "\n").into(),
            spans: self.origins.borrow().clone(),
        }
    }

    /// The faults in the order of their places, and the text to quote, which ends with a line break.
    pub(super) fn close(self) -> (Vec<Fault>, Arc<str>) {
        let mut notes = self.notes.into_inner();
        notes.sort_by_key(|note| (note.span.start, note.span.end));
        let mut faults: Vec<Fault> = Vec::with_capacity(notes.len());
        for note in notes {
            let fault = note.place(self.path, self.text);
            if !faults.contains(&fault) {
                faults.push(fault);
            }
        }
        let quoted = star_out(self.text, &self.secrets.into_inner()) + "\n";
        (faults, quoted.into())
    }
}

/// A span without length has no caret: the character there, or at the end of a line the one before, stands for it.
fn visible(text: &str, span: Range<usize>) -> Range<usize> {
    if !span.is_empty() {
        return span;
    }
    let (head, tail) = text.split_at_checked(span.start).unwrap_or((text, ""));
    let next = tail.chars().next().filter(|c| *c != '\n' && *c != '\r');
    let before = head.chars().next_back().filter(|c| *c != '\n');
    match (next, before) {
        (Some(next), _) => span.start..span.start + next.len_utf8(),
        (None, Some(before)) => head.len() - before.len_utf8()..head.len(),
        (None, None) => head.len()..head.len(),
    }
}

/// Line and column of a byte, both from 1; the column counts characters.
fn position(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

/// The text with stars for the bytes of secrets; offsets stay as they are.
fn star_out(text: &str, secrets: &[Range<usize>]) -> String {
    let hidden = |at: usize| secrets.iter().any(|span| span.contains(&at));
    text.char_indices()
        .map(
            |(at, c)| {
                if c != '\n' && hidden(at) { "*".repeat(c.len_utf8()) } else { c.to_string() }
            },
        )
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_in_characters() {
        assert_eq!(position("a\nbé = 1\n", 6), (2, 4));
        assert_eq!(position("", 0), (1, 1));
        assert_eq!(position("a", 99), (1, 2));
    }

    #[test]
    fn stars_keep_the_offsets() {
        let text = "a = \"pässe\"\nb";
        let starred = star_out(text, std::slice::from_ref(&(4..12)));
        assert_eq!(starred, "a = ********\nb");
        assert_eq!(starred.len(), text.len());
    }
}
