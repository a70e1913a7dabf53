//! Faults drawn for people, by miette.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError,
    MietteSpanContents, SourceCode, SourceSpan, SpanContents,
};

use super::Fault;

/// Narrower than this nothing can be read.
const NARROWEST: usize = 40;

/// A fault with the text it quotes.
struct Drawn<'a> {
    fault: &'a Fault,
    source: Lines<'a>,
}

/// A text of which whole lines are quoted, and no others: miette alone quotes either the span or its neighbours too.
struct Lines<'a> {
    path: &'a str,
    text: &'a str,
}

/// Draws all faults, and counts them at the end.
pub(super) fn all(
    faults: &[Fault],
    texts: &BTreeMap<String, Arc<str>>,
    colour: bool,
    width: usize,
) -> String {
    let theme = if colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_width(width.max(NARROWEST))
        .with_links(false)
        .with_context_lines(1)
        .without_syntax_highlighting();
    let mut out = String::new();
    for fault in faults {
        let text = texts.get(&fault.path).map_or("\n", |text| &**text);
        let drawn = Drawn { fault, source: Lines { path: &fault.path, text } };
        // A fault that cannot be drawn is still said.
        if handler.render_report(&mut out, &drawn).is_err() {
            out.push_str(&format!("{fault}\n"));
        }
        out.push('\n');
    }
    let files: BTreeSet<_> = faults.iter().map(|fault| &fault.path).collect();
    out.push_str(&format!("{} in {}\n", count(faults.len(), "fault"), count(files.len(), "file")));
    out
}

fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

impl SourceCode for Lines<'_> {
    fn read_span<'b>(
        &'b self,
        span: &SourceSpan,
        before: usize,
        _after: usize,
    ) -> Result<Box<dyn SpanContents<'b> + 'b>, MietteError> {
        // Asked for no context, miette wants the place; else what to quote.
        let wanted = if before == 0 { *span } else { self.whole_lines(span) };
        let found = self.text.read_span(&wanted, 0, 0)?;
        Ok(Box::new(MietteSpanContents::new_named(
            self.path.to_owned(),
            found.data(),
            *found.span(),
            found.line(),
            self.column(wanted.offset()),
            found.line_count(),
        )))
    }
}

impl Lines<'_> {
    /// The column of a byte in characters, from 0: what editors count, and what [`Fault::column`] says.
    fn column(&self, offset: usize) -> usize {
        let head = self.text.get(..offset).unwrap_or_default();
        head.rsplit('\n').next().unwrap_or_default().chars().count()
    }

    fn whole_lines(&self, span: &SourceSpan) -> SourceSpan {
        let head = self.text.get(..span.offset()).unwrap_or_default();
        let start = head.rfind('\n').map_or(0, |newline| newline + 1);
        let last = span.offset() + span.len();
        let tail = self.text.get(last..).unwrap_or_default();
        let end = last + tail.find('\n').unwrap_or(tail.len());
        (start..end).into()
    }
}

impl fmt::Debug for Drawn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.fault, f)
    }
}

impl fmt::Display for Drawn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.fault.message)
    }
}

impl std::error::Error for Drawn<'_> {}

impl Diagnostic for Drawn<'_> {
    fn help(&self) -> Option<Box<dyn fmt::Display + '_>> {
        self.fault.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let label =
            LabeledSpan::new_with_span(Some(self.fault.label.clone()), self.fault.span.clone());
        Some(Box::new(std::iter::once(label)))
    }
}
