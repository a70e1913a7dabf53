//! Where the settings name secrets: what is wrong with one shows only when it is fetched, and is then said with line and caret, too.

use std::{collections::BTreeMap, ops::Range, sync::Arc};

use super::{Fault, Faults, page::Note};

/// Where each secret is named in the settings file, and the text to quote, which holds no secret.
#[derive(Debug, Clone, PartialEq)]
pub struct Origins {
    pub(super) path: String,
    pub(super) text: Arc<str>,
    pub(super) spans: BTreeMap<String, Range<usize>>,
}

impl Origins {
    /// A fault of the secret that is called so, such as `environments.production.secrets.password` or `token.pipeline`; `help` says the
    /// way out. The first of the names that is known tells the line.
    pub fn fault(&self, names: &[String], message: &str, help: &str) -> Fault {
        let span = names.iter().find_map(|name| self.spans.get(name)).cloned().unwrap_or(0..0);
        Note::new(span, message).label("named here").help(help).place(&self.path, &self.text)
    }

    /// These faults, to be drawn with their lines.
    pub fn gather(&self, faults: Vec<Fault>) -> Faults {
        Faults::new(faults, [(self.path.clone(), Arc::clone(&self.text))].into())
    }
}
