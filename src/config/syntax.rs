//! What the TOML parser has to say, sifted: one broken line makes it stumble several times.

use std::ops::Range;

use toml::de::Error;

use super::page::Note;

/// Faults of these kinds throw the parser off for the lines that follow: keys may be lost or land in the wrong table.
const TEARING: &[&str] =
    &["unclosed", "missing comma", "key with no value", "invalid multi-line", "unexpected"];

/// Faults of these kinds are often nothing but the echo of one just before.
const ECHOES: &[&str] =
    &["missing comma", "unclosed array", "unclosed inline table", "unexpected `=` in array"];

/// Where the text of a file cannot be trusted.
#[derive(Debug, Default)]
pub(super) struct Damage {
    /// Stretches of whole lines that hold a fault of the syntax.
    lines: Vec<Range<usize>>,
    /// From here on keys may be missing or misplaced.
    torn_from: Option<usize>,
}

impl Damage {
    /// Whether keys may be missing or misplaced.
    pub(super) fn is_torn(&self) -> bool {
        self.torn_from.is_some()
    }

    /// The lines that hold a fault of the syntax.
    pub(super) fn lines(&self) -> &[Range<usize>] {
        &self.lines
    }

    /// Whether a fault found here may only be an echo of the damage.
    pub(super) fn echoes(&self, span: &Range<usize>, derived: bool) -> bool {
        self.lines.iter().any(|line| line.contains(&span.start))
            || self.torn_from.is_some_and(|from| derived || span.start >= from)
    }
}

/// The parser's faults in order, at most one a line and without echoes, and the damage they did.
pub(super) fn sift(text: &str, mut errors: Vec<Error>) -> (Damage, Vec<Note>) {
    let place = |error: &Error| error.span().map_or(0, |span| span.start.min(text.len()));
    errors.sort_by_key(place);
    let mut damage = Damage::default();
    let mut notes = Vec::new();
    let mut last: Option<usize> = None;
    for error in errors {
        let at = place(&error);
        let line = line_of(text, at);
        let number = text[..line.start].matches('\n').count();
        let message = error.message();
        if starts_with_any(message, TEARING) {
            damage.torn_from.get_or_insert(line.start);
        }
        let same_line = last == Some(number);
        let next_line = last.is_some_and(|last| last + 1 == number);
        last = Some(number);
        if same_line || (next_line && starts_with_any(message, ECHOES)) {
            continue;
        }
        damage.lines.push(line.clone());
        notes.push(note(text, &line, at, &error));
    }
    (damage, notes)
}

fn note(text: &str, line: &Range<usize>, at: usize, error: &Error) -> Note {
    let (what, expected) =
        error.message().split_once(", expected ").unwrap_or((error.message(), ""));
    let mut span = error.span().unwrap_or(0..0);
    if span.is_empty() && at == text.len() && line.is_empty() && at > 0 {
        // The end of the file: the caret goes under the last character there is.
        let last = text.trim_end().len();
        span = last..last;
    }
    let label =
        if expected.is_empty() { "here".to_owned() } else { format!("expected {expected}") };
    let unquoted = what == "string values must be quoted" || what == "invalid boolean";
    let help = unquoted
        .then(|| "a text stands in quotes; times, sizes and percentages are texts".to_owned());
    Note::new(span, format!("not TOML: {what}")).label(label).maybe_help(help)
}

/// The line that holds a byte, without its line break.
fn line_of(text: &str, at: usize) -> Range<usize> {
    let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let end = text[at..].find('\n').map_or(text.len(), |newline| at + newline);
    start..end.max(start + 1)
}

fn starts_with_any(message: &str, beginnings: &[&str]) -> bool {
    beginnings.iter().any(|beginning| message.starts_with(beginning))
}
