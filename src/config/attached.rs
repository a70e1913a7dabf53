//! Files that a configuration names: their bytes come from elsewhere, here it is only judged which names are allowed.

use std::path::{Component, Path};

use super::value::{At, Entry};

/// What stands in files that a settings or journey file names. Implemented by [`crate::source`]; this floor opens no file.
pub trait Attached {
    /// The bytes of the file `name`, which is relative to the folder of the file `beside` (as its [`super::SourceFile`] is
    /// called) and lies below that folder, links included.
    ///
    /// # Errors
    /// Why there are none, as a fragment for people.
    fn read(&self, beside: &str, name: &str) -> Result<Vec<u8>, String>;
}

/// No file is attached.
#[derive(Debug, Clone, Copy)]
pub struct Unattached;

impl Attached for Unattached {
    fn read(&self, _: &str, _: &str) -> Result<Vec<u8>, String> {
        Err("no files are attached here".to_owned())
    }
}

/// A file that was named: the name as written, and its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AttachedFile {
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
}

impl Entry<'_> {
    /// The file that a text names: below the folder of the file it stands in, never above or beside it.
    pub(super) fn attached(&self) -> Option<At<AttachedFile>> {
        let name = self.text()?;
        if !is_below(&name.value) {
            let note = self.fault(format!(
                "`{}` is not below the folder of this file",
                name.value.escape_debug()
            ));
            return self.refuse(
                note.label("would leave the folder")
                    .help("write a relative path without `..`, such as \"files/order.json\""),
            );
        }
        match self.page.attached.read(self.page.path, &name.value) {
            Ok(bytes) => {
                let file = AttachedFile { name: name.value, bytes };
                Some(At { value: file, span: name.span })
            }
            Err(reason) => {
                let note = self.fault(format!(
                    "the file `{}` cannot be read: {reason}",
                    name.value.escape_debug()
                ));
                self.refuse(note.label("not attached").help(
                    "the path starts from the folder of this file, and the file must lie below it",
                ))
            }
        }
    }

    /// The text of the file that a text names.
    pub(super) fn attached_text(&self) -> Option<At<(String, String)>> {
        let At { value: file, span } = self.attached()?;
        match String::from_utf8(file.bytes) {
            Ok(text) => Some(At { value: (file.name, text), span }),
            Err(error) => {
                let at = error.utf8_error().valid_up_to();
                let name = file.name.escape_debug().to_string();
                let note =
                    self.fault(format!("the file `{name}` is not UTF-8 text from byte {at} on"));
                self.refuse(note.label("not text").help("save it as UTF-8"))
            }
        }
    }
}

/// Whether a path as written stays below where it starts.
fn is_below(name: &str) -> bool {
    // A backslash separates on one system and is part of a name on another: no journey should depend on that.
    !name.contains('\\')
        && Path::new(name)
            .components()
            .all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_below_their_folder() {
        for (name, below) in [
            ("a.json", true),
            ("deep/a.json", true),
            ("./a.json", true),
            ("..", false),
            ("deep/../../a.json", false),
            ("/etc/passwd", false),
            ("a\\..\\b", false),
        ] {
            assert_eq!(is_below(name), below, "{name}");
        }
    }
}
