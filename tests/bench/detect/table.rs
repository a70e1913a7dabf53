//! Tables, row by row as they are measured: plain columns or Markdown.

/// A table under way.
pub(crate) struct Table {
    markdown: bool,
    widths: Vec<usize>,
}

impl Table {
    /// Prints the head: each column with its width.
    pub(crate) fn begin(markdown: bool, title: &str, columns: &[(&str, usize)]) -> Self {
        println!("\n{}{title}\n", if markdown { "### " } else { "== " });
        let table = Self { markdown, widths: columns.iter().map(|(_, width)| *width).collect() };
        table.row(columns.iter().map(|(name, _)| (*name).to_owned()).collect());
        if markdown {
            println!("|{}", "---|".repeat(columns.len()));
        }
        table
    }

    /// Prints a row.
    pub(crate) fn row(&self, cells: Vec<String>) {
        if self.markdown {
            println!("| {} |", cells.join(" | "));
            return;
        }
        let padded = cells.iter().zip(&self.widths).map(|(cell, width)| format!("{cell:<width$}"));
        println!("{}", padded.collect::<Vec<_>>().join("  ").trim_end());
    }
}
