//! All files in, a whole configuration or all faults out.

use std::collections::BTreeMap;

use super::{
    Attached, Fault, Faults, Unattached, journey,
    page::{Note, Page},
    reader::Reader,
    settings,
};
use crate::model::{Journey, Settings};

/// A file that was read elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// What people call it in messages.
    pub path: String,
    /// What stands in it.
    pub text: String,
}

/// Everything that was configured, checked as far as it can be without looking outside.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// `wayfarer.toml`.
    pub settings: Settings,
    /// The journeys, in the order of their files.
    pub journeys: Vec<Journey>,
}

/// Lowers the settings and all journeys, which name no other files.
///
/// # Errors
/// As [`load_with`].
pub fn load(main: &SourceFile, journeys: &[SourceFile]) -> Result<Config, Faults> {
    load_with(main, journeys, &Unattached)
}

/// Lowers the settings and all journeys. What they name is read through `attached`.
///
/// # Errors
/// Every fault of every file. Faults that would only be echoes are left out: of a broken line, or of a settings file that
/// cannot be read far enough to know its environments.
pub fn load_with(
    main: &SourceFile,
    journeys: &[SourceFile],
    attached: &dyn Attached,
) -> Result<Config, Faults> {
    let (page, table) = Page::open(main, attached);
    let (settings, places) = settings::lower(&Reader::top(&page, &table));
    let mut closed = vec![(main.path.clone(), page.close())];
    let mut lowered: Vec<Journey> = Vec::new();
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    for file in journeys {
        let (page, table) = Page::open(file, attached);
        let draft = journey::lower(&Reader::top(&page, &table), &places);
        if let Some(name) = draft.name {
            if let Some(other) = names.get(&name.value) {
                let note =
                    Note::new(name.span, format!("two journeys are called `{}`", name.value));
                page.note(note.label("taken").help(format!("{other} has this name already")));
            } else {
                names.insert(name.value, file.path.clone());
            }
        }
        lowered.extend(draft.journey);
        closed.push((file.path.clone(), page.close()));
    }
    let mut faults: Vec<Fault> = Vec::new();
    let mut texts = BTreeMap::new();
    for (path, (found, text)) in closed {
        if !found.is_empty() {
            faults.extend(found);
            texts.insert(path, text);
        }
    }
    if faults.is_empty() {
        Ok(Config { settings, journeys: lowered })
    } else {
        Err(Faults::new(faults, texts))
    }
}

#[cfg(test)]
mod tests;
