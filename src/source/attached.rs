//! Files that journeys and settings name: read from below the folder of the file that names them.

use std::{fs, io::Read, path::Path};

use crate::config::Attached;

/// Largest file that is attached, in bytes: what is sent is held in memory.
const LARGEST_BYTES: u64 = 16 << 20;

/// Files on the disk, beside the configuration.
#[derive(Debug, Clone, Copy)]
pub struct Beside;

impl Attached for Beside {
    fn read(&self, beside: &str, name: &str) -> Result<Vec<u8>, String> {
        let parent = Path::new(beside).parent().filter(|parent| !parent.as_os_str().is_empty());
        let folder = parent.unwrap_or(Path::new("."));
        let said = |error: std::io::Error| match error.kind() {
            std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
            _ => error.to_string(),
        };
        let folder = folder.canonicalize().map_err(said)?;
        let path = folder.join(name).canonicalize().map_err(said)?;
        // A mounted configuration is all links into a folder of its own (`..data`), which is below this one.
        if !path.starts_with(&folder) {
            return Err("it is a link that leads out of the folder".to_owned());
        }
        if !path.is_file() {
            return Err("it is not a file".to_owned());
        }
        let mut bytes = Vec::new();
        let file = fs::File::open(&path).map_err(said)?;
        file.take(LARGEST_BYTES + 1).read_to_end(&mut bytes).map_err(said)?;
        if bytes.len() as u64 > LARGEST_BYTES {
            return Err("it is longer than 16 MiB".to_owned());
        }
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn only_files_below_the_folder_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let journeys = folder.path().join("journeys");
        fs::create_dir_all(journeys.join("deep")).unwrap();
        fs::write(folder.path().join("outside.json"), "no").unwrap();
        fs::write(journeys.join("deep/a.json"), "yes").unwrap();
        for (link, to) in [("out.json", "../outside.json"), ("in.json", "deep/a.json")] {
            std::os::unix::fs::symlink(to, journeys.join(link)).unwrap();
        }
        let beside = journeys.join("x.toml").display().to_string();
        let read = |name: &str| Beside.read(&beside, name);
        assert_eq!(read("deep/a.json").as_deref(), Ok(b"yes".as_slice()));
        assert_eq!(read("in.json").as_deref(), Ok(b"yes".as_slice()));
        for (name, part) in [
            ("out.json", "leads out of the folder"),
            ("../outside.json", "leads out of the folder"),
            ("none.json", "no such file"),
            ("deep", "not a file"),
        ] {
            assert!(read(name).is_err_and(|reason| reason.contains(part)), "{name}");
        }
    }
}
