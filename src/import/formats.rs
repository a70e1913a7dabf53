//! The formats, and the way from a text to a journey.

use super::{
    curl,
    draft::Draft,
    fault::ImportError,
    har, hurl,
    imported::{Imported, Options},
    names, openapi, postman, settle,
};

/// One format.
pub(super) struct Importer {
    /// Its name, for `--format`.
    pub(super) name: &'static str,
    /// Whether a text looks like it. `head` is its beginning, without blank lines and comments.
    pub(super) detects: fn(text: &str, head: &str) -> bool,
    /// Reads it.
    pub(super) read: fn(text: &str, options: &Options) -> Result<Draft, ImportError>,
}

/// All formats. The first that detects a text reads it.
const IMPORTERS: &[Importer] =
    &[har::IMPORTER, postman::IMPORTER, openapi::IMPORTER, curl::IMPORTER, hurl::IMPORTER];

/// How much of a text is looked at to know its format, in bytes.
const HEAD: usize = 64 * 1024;

/// The names of all formats.
pub fn formats() -> Vec<&'static str> {
    IMPORTERS.iter().map(|importer| importer.name).collect()
}

/// The format of a text, if it is known.
pub fn detect(text: &str) -> Option<&'static str> {
    importer_of(text).map(|importer| importer.name)
}

fn importer_of(text: &str) -> Option<&'static Importer> {
    let mut end = text.len().min(HEAD);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let mut head = text[..end].trim_start_matches('\u{feff}').trim_start();
    while head.starts_with('#') {
        head = head.split_once('\n').map_or("", |(_, rest)| rest).trim_start();
    }
    IMPORTERS.iter().find(|importer| (importer.detects)(text, head))
}

/// Turns a text into a journey.
///
/// # Errors
/// A format that nobody knows, a text that breaks the rules of its format, or one with nothing to walk in it.
pub fn import(text: &str, options: &Options) -> Result<Imported, ImportError> {
    for name in [&options.name, &options.environment].into_iter().flatten() {
        if !names::is_thing(name) {
            return Err(ImportError::Name(name.clone()));
        }
    }
    let importer = match &options.format {
        Some(name) => IMPORTERS
            .iter()
            .find(|importer| importer.name == name)
            .ok_or_else(|| ImportError::NoFormat { name: name.clone(), known: formats() })?,
        None => importer_of(text).ok_or_else(|| ImportError::Unknown(formats()))?,
    };
    let text = text.trim_start_matches('\u{feff}');
    let draft = (importer.read)(text, options)?;
    settle::settle(draft, options)
}
