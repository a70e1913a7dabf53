//! A table of a file: keys are asked for one by one, and those that nobody asked for are unknown.

use std::{cell::RefCell, ops::Range, time::Duration};

use toml::de::DeTable;

use super::{
    hint,
    names::NameOf,
    page::{Note, Page},
    value::{At, Entry},
};

/// A table while it is read. Call [`Reader::finish`] when every key was asked for.
pub(super) struct Reader<'t> {
    pub(super) page: &'t Page<'t>,
    /// What people call it: `step.http`; empty for the top of a file.
    pub(super) name: String,
    /// Where it begins: its header, its braces or its key.
    pub(super) span: Range<usize>,
    table: &'t DeTable<'t>,
    asked: RefCell<Vec<&'static str>>,
}

impl<'t> Reader<'t> {
    pub(super) fn new(
        page: &'t Page<'t>,
        table: &'t DeTable<'t>,
        name: String,
        span: Range<usize>,
    ) -> Self {
        Self { page, name, span, table, asked: RefCell::default() }
    }

    /// The top of a file. Its place is the first line that says anything.
    pub(super) fn top(page: &'t Page<'t>, table: &'t DeTable<'t>) -> Self {
        let mut at = 0;
        for line in page.text.split_inclusive('\n') {
            let start = line.trim_start();
            if !start.is_empty() && !start.starts_with('#') {
                let begin = at + line.len() - start.len();
                return Self::new(
                    page,
                    table,
                    String::new(),
                    begin..begin + start.trim_end().len(),
                );
            }
            at += line.len();
        }
        Self::new(page, table, String::new(), 0..0)
    }

    /// Asks for a key.
    pub(super) fn take(&self, key: &'static str) -> Option<Entry<'t>> {
        self.asked.borrow_mut().push(key);
        #[cfg(test)]
        self.page.asked(self.table, Some(key));
        let (name, value) = self.table.get_key_value(key)?;
        Some(Entry {
            page: self.page,
            key: name.get_ref(),
            key_span: name.span(),
            span: value.span(),
            value: value.get_ref(),
        })
    }

    /// Whether nothing stands in it but these keys.
    pub(super) fn holds_only(&self, keys: &[&str]) -> bool {
        self.table.keys().all(|key| keys.contains(&&**key.get_ref()))
    }

    /// Whether a key is there, whatever its value.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// All entries in the order of the file, for tables whose keys are names.
    pub(super) fn entries(&self) -> Vec<Entry<'t>> {
        let mut entries: Vec<Entry<'t>> = self
            .table
            .iter()
            .map(|(name, value)| Entry {
                page: self.page,
                key: name.get_ref(),
                key_span: name.span(),
                span: value.span(),
                value: value.get_ref(),
            })
            .collect();
        entries.sort_by_key(|entry| entry.key_span.start);
        entries
    }

    /// Notes a fault of the whole table.
    pub(super) fn note(&self, note: Note) {
        self.page.note(note);
    }

    /// A fault at the beginning of the table.
    pub(super) fn fault(&self, message: impl Into<String>) -> Note {
        Note::new(self.span.clone(), message)
    }

    /// Notes that a key is missing, if it is; `example` shows how it is written.
    pub(super) fn require(&self, key: &str, example: &str) {
        if !self.has(key) {
            let whose = if self.name.is_empty() {
                "a journey".to_owned()
            } else {
                format!("`{}`", self.name)
            };
            let note =
                self.fault(format!("{whose} needs `{key}`")).label(format!("no `{key}` here"));
            self.note(note.help(format!("add `{example}`")).derived());
        }
    }

    /// Notes every key that nobody asked for.
    pub(super) fn finish(&self) {
        #[cfg(test)]
        self.page.asked(self.table, None);
        let asked = self.asked.borrow();
        for entry in self.entries().iter().filter(|entry| !asked.contains(&entry.key)) {
            let place =
                if self.name.is_empty() { String::new() } else { format!(" in `{}`", self.name) };
            let missing: Vec<&str> = asked.iter().copied().filter(|key| !self.has(key)).collect();
            let advice = hint::nearest(entry.key, missing)
                .map(|near| format!("did you mean `{near}`?"))
                .or_else(|| hint::key_advice(entry.key, &asked));
            let note = Note::new(
                entry.key_span.clone(),
                format!("unknown key `{}`{place}", entry.key.escape_debug()),
            );
            self.note(note.label("not known here").maybe_help(advice));
        }
    }

    pub(super) fn text(&self, key: &'static str) -> Option<At<String>> {
        self.take(key)?.text()
    }

    pub(super) fn name(&self, key: &'static str, kind: NameOf) -> Option<At<String>> {
        self.take(key)?.name(kind)
    }

    pub(super) fn names(&self, key: &'static str, kind: NameOf) -> Option<Vec<At<String>>> {
        self.take(key)?.names(kind)
    }

    pub(super) fn boolean(&self, key: &'static str) -> Option<At<bool>> {
        self.take(key)?.boolean()
    }

    pub(super) fn number(&self, key: &'static str) -> Option<At<f64>> {
        self.take(key)?.number()
    }

    pub(super) fn count(&self, key: &'static str, limits: Range<u64>) -> Option<At<u64>> {
        self.take(key)?.count(limits)
    }

    pub(super) fn duration(
        &self,
        key: &'static str,
        limits: Range<Duration>,
    ) -> Option<At<Duration>> {
        self.take(key)?.duration(limits)
    }

    /// A table below this one, called by both their names in messages.
    pub(super) fn table(&self, key: &'static str) -> Option<Reader<'t>> {
        let name = self.below(key);
        self.take(key)?.table(name)
    }

    /// The tables of `[[key]]`, in order.
    pub(super) fn tables(&self, key: &'static str) -> Vec<Reader<'t>> {
        let name = self.below(key);
        let Some(entry) = self.take(key) else { return Vec::new() };
        let items = entry.elements(&format!("a list of tables, `[[{name}]]`")).unwrap_or_default();
        items.iter().filter_map(|item| item.table(name.clone())).collect()
    }

    /// The name of something in this table.
    pub(super) fn below(&self, key: &str) -> String {
        if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) }
    }
}
