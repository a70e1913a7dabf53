//! Files that a file of the configuration names: found here, read by [`crate::source`], looked up here again.

use std::{collections::BTreeMap, sync::Arc};

use toml::de::{DeTable, DeValue};

use super::value::Entry;
use crate::model::Attachment;

/// Keys of a journey file whose texts are paths.
pub const JOURNEY_FILES: &[&str] = &["file", "body_file", "schema"];

/// Keys of the settings whose texts are paths of files that are no secrets.
pub const SETTINGS_FILES: &[&str] = &["ca", "certificate"];

/// The content of the files that a file names, by path as written, or why there is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attachments(BTreeMap<String, Result<Arc<[u8]>, String>>);

impl Attachments {
    /// Adds a file, or why it could not be read: fits after its path.
    pub fn insert(&mut self, path: impl Into<String>, content: Result<Vec<u8>, String>) {
        self.0.insert(path.into(), content.map(Arc::from));
    }
}

/// The paths that a file of the configuration may mean: every text under one of these keys, however deep. It finds rather too much than
/// too little; a path that leads out of the folder is not among them.
pub fn mentioned(text: &str, keys: &[&str]) -> Vec<String> {
    let (table, _) = DeTable::parse_recoverable(text);
    let mut found = Vec::new();
    gather(table.get_ref(), keys, &mut found);
    found.retain(|path| path_fault(path).is_none());
    found.sort();
    found.dedup();
    found
}

fn gather(table: &DeTable<'_>, keys: &[&str], found: &mut Vec<String>) {
    for (key, value) in table.iter() {
        match value.get_ref() {
            DeValue::String(text) if keys.contains(&&**key.get_ref()) => {
                found.push(text.to_string());
            }
            DeValue::Table(inner) => gather(inner, keys, found),
            DeValue::Array(items) => {
                for item in items.iter() {
                    if let DeValue::Table(inner) = item.get_ref() {
                        gather(inner, keys, found);
                    }
                }
            }
            _ => {}
        }
    }
}

/// What keeps a path from being one of a file below the folder, if anything.
fn path_fault(path: &str) -> Option<&'static str> {
    if path.contains("{{") {
        Some("files are read when the journey is loaded: their paths are no templates")
    } else if path.starts_with(['/', '\\', '~']) || path.get(1..2) == Some(":") {
        Some("write it relative to this file")
    } else if path.split(['/', '\\']).any(|part| part == "..") {
        Some("it must lie below the folder of this file")
    } else if path.contains('\0') {
        Some("no file has such a name")
    } else {
        None
    }
}

impl Entry<'_> {
    /// A file below the folder of this one, by its path.
    pub(super) fn attachment(&self) -> Option<Attachment> {
        let path = self.text()?.value;
        if let Some(why) = path_fault(&path) {
            let note = self.fault(format!(
                "`{}`: `{}` cannot be the path of a file",
                self.key,
                path.escape_debug()
            ));
            return self.refuse(note.label("not below this folder").help(why));
        }
        match self.page.attached.0.get(&path) {
            Some(Ok(bytes)) => Some(Attachment { path, bytes: Arc::clone(bytes) }),
            Some(Err(why)) => {
                let note = self.fault(format!("`{}`: {} {why}", self.key, path.escape_debug()));
                self.refuse(note.label("cannot be sent or used"))
            }
            None => {
                let note =
                    self.fault(format!("`{}`: {} was not read", self.key, path.escape_debug()));
                self.refuse(note.label("no files here"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_found_however_deep() {
        let text = "[[step]]\n[step.http]\nbody_file = \"b.xml\"\nmultipart = [{ file = \"a/p.png\" }, { file = \"../x\" }]\n\
             graphql = { file = \"q.graphql\" }\n[[step.assert]]\nschema = \"s.json\"\n[step.other]\nfile = \"a/p.png\"";
        assert_eq!(mentioned(text, JOURNEY_FILES), ["a/p.png", "b.xml", "q.graphql", "s.json"]);
        assert_eq!(mentioned(text, SETTINGS_FILES), [""; 0]);
        assert_eq!(mentioned("file = \"x\"\nbroken", JOURNEY_FILES), ["x"]);
    }

    #[test]
    fn paths_that_lead_out() {
        for (path, good) in [
            ("a.png", true),
            ("a/b.png", true),
            ("a..b", true),
            ("./a", true),
            ("/etc/passwd", false),
            ("~/x", false),
            ("a/../../b", false),
            ("..\\x", false),
            ("C:\\x", false),
            ("{{x}}", false),
        ] {
            assert_eq!(path_fault(path).is_none(), good, "{path}");
        }
    }
}
