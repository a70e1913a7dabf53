//! All files in, a whole configuration or all faults out.

use std::collections::BTreeMap;

use super::{
    Attached, Fault, Faults, Origins, Unattached, browsers,
    journey::{
        self,
        part::{Opened, Parts, is_part},
    },
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
    /// Where the settings name secrets.
    pub origins: Origins,
}

impl Config {
    /// What is allowed and yet must not be overlooked, as sentences.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = self.settings.warnings();
        warnings.extend(browsers::too_many(&self.journeys, self.settings.browser.at_once));
        warnings.extend(browsers::without_certificate(&self.journeys, &self.settings));
        warnings.extend(self.journeys.iter().filter_map(|journey| {
            let (slo, kept) = (journey.slo?, self.settings.retention.rollups);
            (slo.window > kept).then(|| {
                format!(
                    "the `[slo] window` of `{}` is {}, but `[retention] rollups` keeps counts of runs for {}: what is older is not counted",
                    journey.name,
                    days(slo.window),
                    days(kept),
                )
            })
        }));
        warnings
    }
}

/// `30d`, `36h`.
fn days(span: std::time::Duration) -> String {
    match span.as_secs() {
        s if s % 86_400 == 0 => format!("{}d", s / 86_400),
        s if s % 3600 == 0 => format!("{}h", s / 3600),
        s => format!("{s}s"),
    }
}

/// Lowers the settings and all journeys, which name no other files.
///
/// # Errors
/// As [`load_with`].
pub fn load(main: &SourceFile, journeys: &[SourceFile]) -> Result<Config, Faults> {
    load_with(main, journeys, &Unattached)
}

/// Lowers the settings and all journeys. What they name is read through `attached`. A file in a folder `parts` is a part, which is no journey
/// itself: see `use` and `setup`.
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
    let origins = page.origins();
    let mut closed = vec![(main.path.clone(), page.close())];
    let open = |file| Page::open(file, attached);
    let (parts, journeys): (Vec<&SourceFile>, Vec<&SourceFile>) =
        journeys.iter().partition(|file| is_part(&file.path));
    let parts: Vec<Opened<'_>> = parts.into_iter().map(open).collect();
    let journeys: Vec<Opened<'_>> = journeys.into_iter().map(open).collect();
    let known = Parts::lower(&parts, &journeys, &places);
    let mut lowered: Vec<Journey> = Vec::new();
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    for (page, table) in &journeys {
        let draft = journey::lower(&Reader::top(page, table), &places, &known);
        for name in draft.names {
            if let Some(other) = names.get(&name.value) {
                let note =
                    Note::new(name.span, format!("two journeys are called `{}`", name.value));
                page.note(note.label("taken").help(format!("{other} has this name already")));
            } else {
                names.insert(name.value, page.path.to_owned());
            }
        }
        lowered.extend(draft.journeys);
    }
    for (page, _) in journeys.into_iter().chain(parts) {
        closed.push((page.path.to_owned(), page.close()));
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
        Ok(Config { settings, journeys: lowered, origins })
    } else {
        Err(Faults::new(faults, texts))
    }
}

#[cfg(test)]
mod tests;
