//! The files of a configuration: `wayfarer.toml` beside `journeys/`.
//!
//! Texts are read whole and handed to [`crate::config::load`]; nothing is understood here.

use std::{
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

use crate::config::SourceFile;

/// The settings file.
pub const SETTINGS: &str = "wayfarer.toml";

/// The folder of the journey files, beside the settings.
pub const JOURNEYS: &str = "journeys";

/// The folder of parts, below that of the journeys.
pub const PARTS: &str = "parts";

/// Largest file that is read, in bytes: nobody writes a longer one by hand.
const LARGEST_BYTES: u64 = 1 << 20;

/// The texts of a configuration.
#[derive(Debug, Clone)]
pub struct Found {
    /// The folder that holds them: what relative paths in the settings start from.
    pub root: PathBuf,
    /// The settings.
    pub main: SourceFile,
    /// The journeys, sorted by file name; then the parts that they may use, from a folder of their own.
    pub journeys: Vec<SourceFile>,
    /// What looks like a journey and was not read, each with the reason; and that there is none at all.
    pub overlooked: Vec<String>,
}

/// Why there is no configuration to read. Each says the path and the way out.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The place given does not exist.
    #[error("there is no {}: give a folder with a wayfarer.toml, or the file itself", .0.display())]
    NoPlace(PathBuf),
    /// A file was given that is not the settings.
    #[error("{} is not a wayfarer.toml: give the settings, their journeys are found beside them", .0.display())]
    NotSettings(PathBuf),
    /// The folder has no settings.
    #[error("there is no wayfarer.toml in {}: `wayfarer init {}` writes one", .0.display(), .0.display())]
    NoSettings(PathBuf),
    /// There is no folder of journeys.
    #[error("there is no folder {}: create it and put one .toml file for each journey into it", .0.display())]
    NoJourneys(PathBuf),
    /// The operating system says no.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// What could not be read.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is no text.
    #[error("{} is not UTF-8 text from byte {at} on: save it as UTF-8", path.display())]
    NotText {
        /// Which file.
        path: PathBuf,
        /// The first byte that is wrong.
        at: usize,
    },
    /// The file is longer than anybody writes.
    #[error("{} is longer than 1 MiB: it cannot be a file of settings or a journey", .0.display())]
    TooLarge(PathBuf),
    /// Several of these at once.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Several(Vec<SourceError>),
    /// The folder cannot be watched for changes.
    #[error("cannot watch {} for changes: {message}; SIGHUP reloads all the same", path.display())]
    Unwatchable {
        /// Which folder.
        path: PathBuf,
        /// What the watcher says.
        message: String,
    },
}

/// Finds and reads the configuration at `start`: a folder with `wayfarer.toml` beside `journeys/`, or that `wayfarer.toml`.
///
/// Journeys are the `.toml` files directly in the folder, links followed; hidden files and what editors leave behind are not.
///
/// # Errors
/// A file or folder that is missing, unreadable, no text or too large.
pub fn find(start: &Path) -> Result<Found, SourceError> {
    let (found, mut unreadable) = survey(start)?;
    match unreadable.len() {
        0 => Ok(found),
        1 => Err(unreadable.remove(0)),
        _ => Err(SourceError::Several(unreadable)),
    }
}

/// As [`find`], but goes on without the journeys that cannot be read and gives their faults beside the rest: whoever checks
/// wants all faults at once.
///
/// # Errors
/// Settings or a folder that are missing or unreadable.
pub fn survey(start: &Path) -> Result<(Found, Vec<SourceError>), SourceError> {
    let (root, settings) = locate(start)?;
    let main = read(&settings)?;
    let folder = root.join(JOURNEYS);
    let mut paths = Vec::new();
    let unreadable = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            SourceError::NoJourneys(folder.clone())
        }
        _ => SourceError::Unreadable { path: folder.clone(), source },
    };
    let mut overlooked = Vec::new();
    for entry in fs::read_dir(&folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.is_dir() {
            let parts = path.file_name().is_some_and(|name| name == PARTS);
            overlooked.extend((!parts).then(|| deeper(&path)).flatten());
        } else if is_journey(&path) {
            paths.push(path);
        } else {
            overlooked.extend(misnamed(&path));
        }
    }
    paths.sort();
    overlooked.sort();
    if paths.is_empty() {
        overlooked.push(format!(
            "there is no journey in {}: put one .toml file for each into it",
            folder.display()
        ));
    }
    paths.extend(parts(&folder.join(PARTS))?);
    let (mut journeys, mut faults) = (Vec::new(), Vec::new());
    for path in &paths {
        match read(path) {
            Ok(journey) => journeys.push(journey),
            Err(fault) => faults.push(fault),
        }
    }
    Ok((Found { root, main, journeys, overlooked }, faults))
}

/// A folder of journeys that nobody looks into.
fn deeper(folder: &Path) -> Option<String> {
    let mut entries = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path());
    let one = entries.find(|path| is_journey(path) && !path.is_dir())?;
    Some(format!(
        "{} is not read: journeys stand directly in `{JOURNEYS}`, parts in `{JOURNEYS}/{PARTS}`",
        one.display()
    ))
}

/// `X.TOML`: where capitals matter, it is another ending.
fn misnamed(path: &Path) -> Option<String> {
    let ending = path.extension()?;
    (ending.eq_ignore_ascii_case("toml") && is_kept(path) && !is_journey(path))
        .then(|| format!("{} is not read: its name must end in `.toml`", path.display()))
}

/// The files of parts, sorted; none where there is no folder of them.
fn parts(folder: &Path) -> Result<Vec<PathBuf>, SourceError> {
    let unreadable = |source| SourceError::Unreadable { path: folder.to_owned(), source };
    let entries = match fs::read_dir(folder) {
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        entries => entries.map_err(unreadable)?,
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(unreadable)?.path();
        if is_journey(&path) && !path.is_dir() {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// Whether a path is named like a journey file.
pub(super) fn is_journey(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "toml") && is_kept(path)
}

/// Whether a path is named like a file that somebody keeps, not like what an editor leaves behind.
pub(super) fn is_kept(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    // `.#x.toml` and `#x.toml#` are Emacs's, `.x.toml.swp` is Vim's.
    !name.starts_with(['.', '#']) && !name.ends_with('~')
}

fn locate(start: &Path) -> Result<(PathBuf, PathBuf), SourceError> {
    let missing = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => SourceError::NoPlace(start.to_owned()),
        _ => SourceError::Unreadable { path: start.to_owned(), source },
    };
    if !fs::metadata(start).map_err(missing)?.is_dir() {
        if start.extension().is_none_or(|ending| ending != "toml") {
            return Err(SourceError::NotSettings(start.to_owned()));
        }
        let beside = start.parent().filter(|parent| !parent.as_os_str().is_empty());
        let root = beside.unwrap_or(Path::new("."));
        // A journey alone has no environments to run in.
        if root.file_name().is_some_and(|folder| folder == JOURNEYS) {
            return Err(SourceError::NotSettings(start.to_owned()));
        }
        return Ok((root.to_owned(), start.to_owned()));
    }
    let settings = start.join(SETTINGS);
    if settings.is_file() {
        Ok((start.to_owned(), settings))
    } else {
        Err(SourceError::NoSettings(start.to_owned()))
    }
}

fn read(path: &Path) -> Result<SourceFile, SourceError> {
    let unreadable = |source| SourceError::Unreadable { path: path.to_owned(), source };
    let file = fs::File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(LARGEST_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > LARGEST_BYTES {
        return Err(SourceError::TooLarge(path.to_owned()));
    }
    let text = String::from_utf8(bytes).map_err(|error| SourceError::NotText {
        path: path.to_owned(),
        at: error.utf8_error().valid_up_to(),
    })?;
    let shown = path.strip_prefix(".").unwrap_or(path);
    Ok(SourceFile { path: shown.display().to_string(), text })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    #[test]
    fn what_cannot_be_read_is_told_beside_the_rest() {
        let folder = folder(&[
            ("wayfarer.toml", b"# settings"),
            ("journeys/a.toml", b"a"),
            ("journeys/b.toml", b"\xff"),
            ("journeys/c.toml", b"c\xff"),
        ]);
        let (found, faults) = survey(folder.path()).unwrap();
        assert_eq!((found.journeys.len(), faults.len()), (1, 2));
        let text = find(folder.path()).unwrap_err().to_string();
        assert!(
            text.contains("b.toml is not UTF-8") && text.contains("c.toml is not UTF-8"),
            "{text}"
        );
    }

    #[test]
    fn journeys_are_sorted_and_leftovers_left_out() {
        let folder = folder(&[
            ("wayfarer.toml", b"# settings"),
            ("journeys/b.toml", b"b"),
            ("journeys/a.toml", b"a"),
            ("journeys/a.toml~", b"old"),
            ("journeys/.a.toml.swp", b"\xff"),
            ("journeys/.#b.toml", b"\xff"),
            ("journeys/#b.toml#", b"\xff"),
            ("journeys/README.md", b"text"),
            ("journeys/deep/c.toml", b"c"),
            ("journeys/Z.TOML", b"c"),
            ("journeys/files/order.json", b"{}"),
            ("journeys/parts/z.toml", b"part"),
            ("journeys/parts/z.toml~", b"old"),
        ]);
        for start in [folder.path().to_owned(), folder.path().join("wayfarer.toml")] {
            let found = find(&start).unwrap();
            assert_eq!(found.root, folder.path());
            assert_eq!(found.main.text, "# settings");
            let texts: Vec<_> = found.journeys.iter().map(|file| file.text.as_str()).collect();
            assert_eq!(texts, ["a", "b", "part"]);
            assert!(found.journeys[0].path.ends_with("journeys/a.toml"));
            let [capitals, deep] = &found.overlooked[..] else { panic!("{:?}", found.overlooked) };
            assert!(deep.contains("journeys/deep/c.toml is not read"), "{deep}");
            assert!(capitals.ends_with("Z.TOML is not read: its name must end in `.toml`"));
        }
    }

    #[test]
    fn a_folder_without_journeys_is_told() {
        let folder = folder(&[("wayfarer.toml", b""), ("journeys/deep/c.toml", b"c")]);
        let overlooked = find(folder.path()).unwrap().overlooked;
        assert!(overlooked[1].starts_with("there is no journey in "), "{overlooked:?}");
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed() {
        let folder =
            folder(&[("elsewhere/x", b"name"), ("wayfarer.toml", b""), ("journeys/a.toml", b"a")]);
        let link = folder.path().join("journeys/linked.toml");
        std::os::unix::fs::symlink(folder.path().join("elsewhere/x"), &link).unwrap();
        assert_eq!(find(folder.path()).unwrap().journeys[1].text, "name");
        fs::remove_file(folder.path().join("elsewhere/x")).unwrap();
        let error = find(folder.path()).unwrap_err().to_string();
        assert!(error.starts_with(&format!("cannot read {}", link.display())), "{error}");
    }

    #[test]
    fn errors_name_the_path_and_the_way_out() {
        let empty = folder(&[]);
        let at = empty.path().display().to_string();
        let error = |start: &Path| find(start).unwrap_err().to_string();
        assert_eq!(
            error(empty.path()),
            format!("there is no wayfarer.toml in {at}: `wayfarer init {at}` writes one")
        );
        assert_eq!(
            error(&empty.path().join("x")),
            format!("there is no {at}/x: give a folder with a wayfarer.toml, or the file itself")
        );
        let alone = folder(&[("wayfarer.toml", b""), ("notes.txt", b"")]);
        let at = alone.path().display().to_string();
        assert_eq!(
            error(alone.path()),
            format!(
                "there is no folder {at}/journeys: create it and put one .toml file for each journey into it"
            )
        );
        assert_eq!(
            error(&alone.path().join("notes.txt")),
            format!(
                "{at}/notes.txt is not a wayfarer.toml: give the settings, their journeys are found beside them"
            )
        );
        let odd = folder(&[("wayfarer.toml", b"ok"), ("journeys/a.toml", b"a = \"\xe4\"")]);
        let at = odd.path().display().to_string();
        assert_eq!(
            error(odd.path()),
            format!("{at}/journeys/a.toml is not UTF-8 text from byte 5 on: save it as UTF-8")
        );
        let long =
            folder(&[("wayfarer.toml", &vec![b' '; (1 << 20) + 1]), ("journeys/a.toml", b"")]);
        assert!(error(long.path()).contains("longer than 1 MiB"));
    }
}
