//! The files that a file of the configuration names.

use std::{
    fs,
    io::{self, Read},
    path::Path,
};

use crate::config::{Attachments, mentioned};

/// Largest file that is attached, in bytes: it is held in memory, and sent by every run.
const LARGEST_BYTES: u64 = 8 << 20;

/// Reads the files that `text` names under `keys`, relative to `folder`. What cannot be read is told where it is named.
pub(super) fn read(text: &str, keys: &[&str], folder: &Path) -> Attachments {
    let mut attachments = Attachments::default();
    for path in mentioned(text, keys) {
        let content = content(folder, &path);
        attachments.insert(path, content);
    }
    attachments
}

fn content(folder: &Path, path: &str) -> Result<Vec<u8>, String> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let unreadable = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            "does not exist beside this file".to_owned()
        }
        _ => format!("cannot be read: {error}"),
    };
    let folder = folder.canonicalize().map_err(unreadable)?;
    let whole = folder.join(path).canonicalize().map_err(unreadable)?;
    if !whole.starts_with(&folder) {
        return Err("is a link that leads out of the folder of this file".to_owned());
    }
    if !fs::metadata(&whole).map_err(unreadable)?.is_file() {
        return Err("is not a file".to_owned());
    }
    let mut bytes = Vec::new();
    let file = fs::File::open(&whole).map_err(unreadable)?;
    file.take(LARGEST_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > LARGEST_BYTES {
        return Err("is longer than 8 MiB".to_owned());
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_below_the_folder_are_read() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("journeys");
        fs::create_dir_all(folder.join("deep")).unwrap();
        fs::write(folder.join("deep/a.png"), b"\x89PNG").unwrap();
        fs::write(root.path().join("outside"), b"x").unwrap();
        let long = vec![b' '; usize::try_from(LARGEST_BYTES).unwrap() + 1];
        fs::write(folder.join("long"), long).unwrap();
        assert_eq!(content(&folder, "deep/a.png").unwrap(), b"\x89PNG");
        assert_eq!(content(&folder, "gone").unwrap_err(), "does not exist beside this file");
        assert_eq!(content(&folder, "deep").unwrap_err(), "is not a file");
        assert_eq!(content(&folder, "long").unwrap_err(), "is longer than 8 MiB");
        assert!(content(&folder, "../outside").unwrap_err().contains("leads out"));
    }

    #[cfg(unix)]
    #[test]
    fn links_may_not_lead_out() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("journeys");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("real"), b"x").unwrap();
        fs::write(root.path().join("outside"), b"x").unwrap();
        std::os::unix::fs::symlink("real", folder.join("within")).unwrap();
        std::os::unix::fs::symlink("../outside", folder.join("out")).unwrap();
        assert_eq!(content(&folder, "within").unwrap(), b"x");
        assert!(content(&folder, "out").unwrap_err().contains("leads out"));
    }
}
