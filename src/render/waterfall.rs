//! Draws a run for a terminal.

use crate::model::Run;

/// How wide and how colourful.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Columns of the terminal; 80 if unknown, never taken below 60.
    pub width: usize,
    /// Whether ANSI colours may be used.
    pub colour: bool,
}

/// The run as text.
pub fn waterfall(run: &Run, layout: Layout) -> String {
    format!("{} {}", run.journey, layout.width)
}
