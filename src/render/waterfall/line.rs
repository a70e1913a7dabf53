//! A line of pieces, each in an ink; and text made fit for a terminal.

use std::time::Duration;

/// A colour or a weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::render) enum Ink {
    Plain,
    Bold,
    Dim,
    Red,
    Green,
    Yellow,
    Blue,
    Magenta,
    Cyan,
}

impl Ink {
    /// The parameter of the SGR sequence (ECMA-48, section 8.3.117).
    fn code(self) -> Option<u8> {
        match self {
            Self::Plain => None,
            Self::Bold => Some(1),
            Self::Dim => Some(2),
            Self::Red => Some(31),
            Self::Green => Some(32),
            Self::Yellow => Some(33),
            Self::Blue => Some(34),
            Self::Magenta => Some(35),
            Self::Cyan => Some(36),
        }
    }
}

/// Pieces of text; neighbours in the same ink are one piece.
#[derive(Debug, Default)]
pub(in crate::render) struct Line(Vec<(Ink, String)>);

impl Line {
    pub(in crate::render) fn plain(&mut self, text: &str) {
        self.ink(Ink::Plain, text);
    }

    pub(in crate::render) fn ink(&mut self, ink: Ink, text: &str) {
        match self.0.last_mut() {
            Some((last, piece)) if *last == ink => piece.push_str(text),
            _ => self.0.push((ink, text.to_owned())),
        }
    }

    /// Takes the white space off the end.
    pub(in crate::render) fn trim(&mut self) {
        if let Some((_, piece)) = self.0.last_mut() {
            piece.truncate(piece.trim_end().len());
        }
    }

    pub(in crate::render) fn draw(&self, colour: bool) -> String {
        let mut out = String::new();
        for (ink, piece) in &self.0 {
            match ink.code().filter(|_| colour) {
                Some(code) => out.push_str(&format!("\u{1b}[{code}m{piece}\u{1b}[0m")),
                None => out.push_str(piece),
            }
        }
        out.truncate(out.trim_end_matches(' ').len());
        out
    }
}

/// Text that cannot steer a terminal: control characters and direction marks (Unicode Standard Annex #9, section 2) become `·`.
pub(in crate::render) fn clean(text: &str) -> String {
    let steers = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if steers(c) { '·' } else { c }).collect()
}

/// Clean text in exactly so many columns: cut with `…` or filled with spaces. Every character counts as one column.
pub(in crate::render) fn fit(text: &str, columns: usize) -> String {
    let text = clip(text, columns);
    let length = text.chars().count();
    text + &" ".repeat(columns - length)
}

/// Clean text in at most so many columns.
pub(in crate::render) fn clip(text: &str, columns: usize) -> String {
    let text = clean(text);
    if text.chars().count() <= columns {
        return text;
    }
    let kept: String = text.chars().take(columns.saturating_sub(1)).collect();
    kept + "…"
}

/// The same, cut in the middle: of a URL both its beginning and the end of its path tell something.
pub(in crate::render) fn fit_url(text: &str, columns: usize) -> String {
    let text = clean(text);
    let length = text.chars().count();
    if length <= columns {
        return fit(&text, columns);
    }
    let head = columns.saturating_sub(1) / 2;
    let tail = columns.saturating_sub(1) - head;
    let kept: String = text.chars().take(head).collect();
    let end: String = text.chars().skip(length - tail).collect();
    format!("{kept}…{end}")
}

/// A time with three or so digits: `0.4 ms`, `123 ms`, `12.3 s`.
pub fn length_of_time(time: Duration) -> String {
    let ms = time.as_secs_f64() * 1000.0;
    if ms < 9.95 {
        format!("{ms:.1} ms")
    } else if ms < 9_999.5 {
        format!("{ms:.0} ms")
    } else {
        format!("{:.1} s", ms / 1000.0)
    }
}
