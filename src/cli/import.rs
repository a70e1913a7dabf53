//! `wayfarer import`: what people have already, as a journey.

use std::{
    fs,
    io::{self, Read, Write},
    path::Path,
};

use super::{Context, Exit, Failed, args::ImportArguments, init, say};
use crate::{
    config::{self, SourceFile},
    import::{self, ImportError, Imported, Known, Note, NoteKind, Options},
    source::files::{self, Found},
};

/// Largest input, in bytes: recordings of long sessions are large.
const LARGEST_BYTES: u64 = 512 << 20;

/// Reads the input, writes the journey, and says what should be known.
pub(super) fn run(arguments: &ImportArguments, context: &Context) -> Result<Exit, Failed> {
    if let Some(path) = &arguments.output
        && !arguments.force
        && path.symlink_metadata().is_ok()
    {
        let message = format!("{} is there already: --force writes over it", path.display());
        return Err(Failed::new(Exit::Usage, message));
    }
    let (text, source) = read(&arguments.input)?;
    let found = files::survey(&context.config).ok().map(|(found, _)| found);
    let settings = found.as_ref().and_then(|found| config::load(&found.main, &[]).ok());
    let known: Vec<Known> = settings.iter().flat_map(|config| known(&config.settings)).collect();
    let mut operations = arguments.operations.clone();
    if let (Some(method), Some(path)) = (&arguments.method, &arguments.path) {
        operations.push(format!("{method} {path}"));
    }
    let stem = |path: &Path| path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let options = Options {
        source,
        name: arguments.name.clone().or_else(|| arguments.output.as_deref().and_then(stem)),
        environment: arguments.environment.clone(),
        format: arguments.format.clone(),
        operations,
        hosts: arguments.hosts.clone(),
        environments: known,
    };
    let imported = import::import(&text, &options).map_err(failed)?;
    match &arguments.output {
        Some(path) => {
            write(path, &with_schema(path, &imported.toml), arguments.force)?;
            tell(&format!("wrote {}\n", path.display()));
        }
        None => say(&imported.toml)?,
    }
    notes(&imported);
    self_check(&imported, settings.is_some().then_some(found).flatten())
}

fn failed(error: ImportError) -> Failed {
    let exit = match &error {
        ImportError::NoFormat { .. } | ImportError::NoOperation { .. } | ImportError::Name(_) => {
            Exit::Usage
        }
        _ => Exit::Config,
    };
    Failed::new(exit, error)
}

/// The text, and what to call it.
fn read(input: &str) -> Result<(String, String), Failed> {
    let first = input.split_whitespace().next().unwrap_or_default();
    if matches!(first, "curl" | "curl.exe") && input.trim() != first {
        return Ok((input.to_owned(), String::new()));
    }
    let mut bytes = Vec::new();
    let unreadable = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => Failed::new(
            Exit::Usage,
            format!("there is no file {input}: give a file, `-`, or a curl command in quotes"),
        ),
        _ => Failed::new(Exit::Trouble, format!("cannot read {input}: {error}")),
    };
    let source: Box<dyn Read> = if input == "-" {
        Box::new(io::stdin().lock())
    } else {
        Box::new(fs::File::open(input).map_err(unreadable)?)
    };
    source.take(LARGEST_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > LARGEST_BYTES {
        return Err(Failed::new(Exit::Usage, format!("{input} is larger than 512 MiB")));
    }
    let text = decode(bytes).ok_or_else(|| {
        Failed::new(Exit::Config, format!("{input} is not text: save it as UTF-8"))
    })?;
    let source = if input == "-" { String::new() } else { input.to_owned() };
    Ok((text, source))
}

/// UTF-8, or the UTF-16 that Windows' shells write into files.
fn decode(bytes: Vec<u8>) -> Option<String> {
    let wide = |read: fn([u8; 2]) -> u16| {
        let units = bytes[2..].chunks_exact(2).map(|pair| read([pair[0], pair[1]]));
        char::decode_utf16(units).collect::<Result<String, _>>().ok()
    };
    match bytes.get(..2) {
        Some([0xFF, 0xFE]) => wide(u16::from_le_bytes),
        Some([0xFE, 0xFF]) => wide(u16::from_be_bytes),
        _ => String::from_utf8(bytes).ok(),
    }
}

/// The environments that are configured.
fn known(settings: &crate::model::Settings) -> Vec<Known> {
    settings
        .environments
        .iter()
        .map(|(name, environment)| Known {
            name: name.to_string(),
            base_url: environment.vars.get("base_url").cloned(),
            vars: environment.vars.keys().cloned().collect(),
            secrets: environment.secrets.keys().cloned().collect(),
        })
        .collect()
}

/// The journey's text, with the line by which editors find its schema where `init` has put one.
fn with_schema(path: &Path, text: &str) -> String {
    let there = path.parent().is_some_and(|folder| folder.join(init::JOURNEY_SCHEMA).is_file());
    if there { format!("#:schema {}\n{text}", init::JOURNEY_SCHEMA) } else { text.to_owned() }
}

fn write(path: &Path, text: &str, force: bool) -> Result<(), Failed> {
    let unwritable = |error: io::Error| {
        Failed::new(Exit::Trouble, format!("cannot write {}: {error}", path.display()))
    };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(unwritable)?;
    }
    let mut open = fs::OpenOptions::new();
    // A file that came in the meantime is not overwritten either.
    let open = if force {
        open.write(true).create(true).truncate(true)
    } else {
        open.write(true).create_new(true)
    };
    open.open(path).and_then(|mut file| file.write_all(text.as_bytes())).map_err(unwritable)
}

/// Says everything that should be known, whatever is left out by its reason.
fn notes(imported: &Imported) {
    let mut text = String::new();
    for kind in NoteKind::ALL {
        let notes: Vec<&Note> = imported.notes.iter().filter(|note| note.kind == kind).collect();
        if notes.is_empty() {
            continue;
        }
        text.push_str(&format!("\n{kind}:\n"));
        for (why, whats) in import::by_reason(&notes) {
            if kind == NoteKind::LeftOut {
                text.push_str(&format!("  {why}\n"));
                whats.iter().for_each(|what| text.push_str(&format!("    {what}\n")));
            } else {
                text.push_str(&format!("  {}: {why}\n", whats.join(", ")));
            }
        }
    }
    if !imported.secrets.is_empty() {
        text.push_str("\nSecrets, by reference:\n");
        for secret in &imported.secrets {
            text.push_str(&format!("  {} ({}): from {}\n", secret.name, secret.place, secret.env));
        }
    }
    if !imported.settings.is_empty() {
        let what = if imported.new_environment { "add" } else { "add what is missing" };
        text.push_str(&format!("\nIn wayfarer.toml, {what}:\n\n"));
        imported.settings.lines().for_each(|line| text.push_str(&format!("  {line}\n")));
    }
    if !text.is_empty() {
        tell(text.trim_start_matches('\n'));
    }
}

/// Loads the journey as `check` would, with what was proposed for it.
fn self_check(imported: &Imported, found: Option<Found>) -> Result<Exit, Failed> {
    // The files it names are still to be put there: `check` will look for them.
    if !imported.files.is_empty() {
        return Ok(Exit::Good);
    }
    let proposed = SourceFile { path: "wayfarer.toml".to_owned(), text: imported.settings.clone() };
    let main = match found {
        Some(found) if imported.settings.is_empty() => found.main,
        Some(found) if imported.new_environment => SourceFile {
            text: format!("{}\n\n{}", found.main.text, imported.settings),
            ..found.main
        },
        // What an environment lacks cannot be added to its text by appending it.
        Some(_) => return Ok(Exit::Good),
        None => proposed,
    };
    let journey = SourceFile { path: "imported".to_owned(), text: imported.toml.clone() };
    match config::load(&main, &[journey]) {
        Ok(_) => Ok(Exit::Good),
        Err(faults) => {
            let advice = "the import still has faults; mend them by hand, and please report it:";
            Err(Failed::new(Exit::Config, format!("{advice}\n{faults}")))
        }
    }
}

/// Writes to standard error; a reader that has gone away is nobody's fault.
fn tell(text: &str) {
    drop(io::stderr().lock().write_all(text.as_bytes()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journey_beside_a_schema_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journeys/x.toml");
        assert_eq!(with_schema(&path, "name = \"x\"\n"), "name = \"x\"\n");
        init::run(folder.path()).unwrap();
        let expected = "#:schema ../.wayfarer/schema/journey.json\nname = \"x\"\n";
        assert_eq!(with_schema(&path, "name = \"x\"\n"), expected);
        assert_eq!(with_schema(Path::new("x.toml"), "a"), "a");
    }
}
