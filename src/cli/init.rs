//! `wayfarer init`: the starter files.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use crate::config::schema;

/// The folder of the schemas that editors read: the first line of each file names its own.
const SCHEMAS: &str = ".wayfarer/schema";

/// The schema of journeys, as one in `journeys/` names it.
pub(super) const JOURNEY_SCHEMA: &str = "../.wayfarer/schema/journey.json";

/// What is written besides the schemas, with its place below the folder.
const FILES: &[(&str, &str)] = &[
    ("wayfarer.toml", include_str!("init/wayfarer.toml")),
    ("journeys/first.toml", include_str!("init/first.toml")),
    ("deploy/wayfarer.service", include_str!("init/wayfarer.service")),
    ("deploy/prometheus.yml", include_str!("init/prometheus.yml")),
];

/// Why nothing was written, or not all.
#[derive(Debug, thiserror::Error)]
pub(super) enum InitError {
    /// Something is there already; nothing was written.
    #[error("{} is there already and is not overwritten: choose an empty folder", .0.display())]
    Exists(PathBuf),
    /// The operating system says no.
    #[error("cannot write {}: {source}", path.display())]
    Unwritable {
        /// What could not be written.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// Writes the starter files into `dir`, which is made if it is not there, and says which.
///
/// # Errors
/// One of the files exists (then none is written), or a file or folder cannot be written.
pub(super) fn run(dir: &Path) -> Result<Vec<PathBuf>, InitError> {
    let mut files: Vec<(PathBuf, String)> =
        FILES.iter().map(|(name, text)| (dir.join(name), (*text).to_owned())).collect();
    files.extend(schema::all().into_iter().map(|(name, schema)| {
        let path = dir.join(SCHEMAS).join(name).with_extension("json");
        (path, super::schema::written(&schema))
    }));
    // A link that leads nowhere is there too, so the link itself is asked for.
    if let Some((path, _)) = files.iter().find(|(path, _)| path.symlink_metadata().is_ok()) {
        return Err(InitError::Exists(path.clone()));
    }
    for (path, text) in &files {
        write_new(path, text)
            .map_err(|source| InitError::Unwritable { path: path.clone(), source })?;
    }
    Ok(files.into_iter().map(|(path, _)| path).collect())
}

fn write_new(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    // A file that came in the meantime is not overwritten either.
    fs::OpenOptions::new().write(true).create_new(true).open(path)?.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config, source::files};

    #[test]
    fn what_is_written_is_a_good_configuration() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("new/place");
        let written = run(&dir).unwrap();
        assert_eq!(written.len(), FILES.len() + 3);
        let found = files::find(&dir).unwrap();
        let config = config::load(&found.main, &found.journeys).unwrap_or_else(|f| panic!("{f}"));
        assert_eq!(config.journeys.len(), 1);
        let environment = &config.settings.environments["local"];
        // The agent itself is the first site: `run` works without anything else.
        let own = format!("http://{}", config.settings.agent.listen);
        assert_eq!(environment.vars["base_url"], own);
        assert!(environment.secrets.is_empty());
    }

    #[test]
    fn every_file_names_a_schema_that_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let written = run(folder.path()).unwrap();
        let mut named = 0;
        for path in written.iter().filter(|path| path.extension().is_some_and(|e| e == "toml")) {
            let text = fs::read_to_string(path).unwrap();
            let name = text.lines().next().and_then(|line| line.strip_prefix("#:schema ")).unwrap();
            let schema = fs::read_to_string(path.parent().unwrap().join(name)).unwrap();
            let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
            assert_eq!(schema["$schema"], "http://json-schema.org/draft-07/schema#");
            named += 1;
        }
        assert_eq!(named, 2);
    }

    #[test]
    fn what_is_commented_out_is_good_too() {
        for (name, text) in FILES.iter().filter(|(name, _)| name.ends_with("wayfarer.toml")) {
            let on: String = text
                .lines()
                .map(|line| line.strip_prefix("#: ").unwrap_or(line).to_owned() + "\n")
                .collect();
            let file =
                |text: &str| config::SourceFile { path: (*name).to_owned(), text: text.to_owned() };
            config::load(&file(&on), &[]).unwrap_or_else(|f| panic!("{f}"));
        }
    }

    #[test]
    fn nothing_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let mine = folder.path().join("journeys/first.toml");
        fs::create_dir(folder.path().join("journeys")).unwrap();
        fs::write(&mine, "mine").unwrap();
        let error = run(folder.path()).unwrap_err().to_string();
        assert_eq!(
            error,
            format!(
                "{} is there already and is not overwritten: choose an empty folder",
                mine.display()
            )
        );
        assert_eq!(fs::read_to_string(&mine).unwrap(), "mine");
        assert!(!folder.path().join("wayfarer.toml").exists());
    }
}
