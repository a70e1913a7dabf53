//! One file for each possible mistake, with the exact message it must give: `bad_journeys/NAME.toml` is a journey beside
//! `_settings.toml`, `bad_journeys/NAME/` a whole folder with its own `wayfarer.toml`. `NAME.expected` is what a user sees.
//! `WAYFARER_BLESS=1 cargo test --test bad_journeys` writes the messages anew; read the difference before it is committed.
#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]
#![expect(
    clippy::disallowed_methods,
    reason = "a test is told by its environment to write what it should compare"
)]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use wayfarer::{
    config::{self, Config, Faults, SourceFile},
    source::attached::Beside,
};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/bad_journeys");

fn read(path: &Path, name: &str) -> SourceFile {
    SourceFile { path: name.to_owned(), text: fs::read_to_string(path).unwrap() }
}

fn sorted(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    paths.sort();
    paths
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

fn load(path: &Path) -> Result<Config, Faults> {
    let folder = Path::new(FOLDER);
    if path.is_dir() {
        let within = |folder: &str| {
            let files = sorted(&path.join(folder)).into_iter().filter(|file| file.is_file());
            let read = |file: PathBuf| read(&file, &format!("{folder}/{}", name_of(&file)));
            files.map(read).collect::<Vec<SourceFile>>()
        };
        let mut journeys = within("journeys");
        if path.join("journeys/parts").is_dir() {
            journeys.extend(within("journeys/parts"));
        }
        let main = read(&path.join("wayfarer.toml"), "wayfarer.toml");
        return config::load_with(&main, &journeys, &Beside);
    }
    let main = read(&folder.join("_settings.toml"), "wayfarer.toml");
    config::load_with(&main, &[read(path, &name_of(path))], &Beside)
}

fn cases() -> Vec<PathBuf> {
    let is_case = |path: &PathBuf| {
        !name_of(path).starts_with('_')
            && (path.is_dir() || path.extension().is_some_and(|e| e == "toml"))
    };
    sorted(Path::new(FOLDER)).into_iter().filter(is_case).collect()
}

#[test]
fn each_mistake_is_told_as_expected() {
    let bless = std::env::var("WAYFARER_BLESS").is_ok_and(|v| v == "1");
    let mut wrong = Vec::new();
    for path in cases() {
        let expected_path = path.with_extension("expected");
        let got = match load(&path) {
            Ok(_) => "no fault was found\n".to_owned(),
            Err(faults) => faults.to_string(),
        };
        if bless {
            fs::write(&expected_path, &got).unwrap();
            continue;
        }
        let expected = fs::read_to_string(&expected_path).unwrap_or_default();
        if got != expected {
            wrong.push(format!("=== {}\n{}", name_of(&path), difference(&expected, &got)));
        }
    }
    assert!(wrong.is_empty(), "\n{}\n(WAYFARER_BLESS=1 accepts these)\n", wrong.join("\n"));
}

/// Lines that were expected and did not come, and lines that came and were not expected.
fn difference(expected: &str, got: &str) -> String {
    let (old, new): (BTreeSet<_>, BTreeSet<_>) =
        (expected.lines().collect(), got.lines().collect());
    let gone =
        expected.lines().filter(|line| !new.contains(line)).map(|line| format!("- {line}\n"));
    let came = got.lines().filter(|line| !old.contains(line)).map(|line| format!("+ {line}\n"));
    gone.chain(came).collect()
}

#[test]
fn each_mistake_is_one() {
    for path in cases() {
        let faults = load(&path).err();
        let count = faults.as_ref().map_or(0, |faults| faults.iter().len());
        let many = name_of(&path).starts_with("many");
        assert!(
            count == 1 || (many && count > 1),
            "{} has {count} faults\n{}",
            name_of(&path),
            faults.map(|f| f.to_string()).unwrap_or_default()
        );
    }
}

#[test]
fn no_expectation_without_its_case() {
    let cases: BTreeSet<_> = cases().iter().map(|path| path.with_extension("expected")).collect();
    for path in sorted(Path::new(FOLDER))
        .into_iter()
        .filter(|path| path.extension().is_some_and(|e| e == "expected"))
    {
        assert!(cases.contains(&path), "{} belongs to no case", path.display());
    }
    assert!(cases.len() >= 30);
}

#[test]
fn secrets_are_not_shown() {
    for path in cases() {
        if let Err(faults) = load(&path) {
            assert!(!faults.to_string().contains("hunter2"), "{}", path.display());
            assert!(
                !faults.iter().any(|f| format!("{f} {f:?}").contains("hunter2")),
                "{}",
                path.display()
            );
        }
    }
}

#[test]
fn every_fault_of_every_file_comes_at_once() {
    let faults = load(&Path::new(FOLDER).join("many_faults")).unwrap_err();
    let files: BTreeSet<&str> = faults.iter().map(|fault| fault.path.as_str()).collect();
    assert_eq!(files.len(), 3, "{faults}");
    assert!(faults.iter().len() >= 10, "{faults}");
}

#[test]
fn the_settings_beside_them_are_good() {
    let good = SourceFile {
        path: "good.toml".into(),
        text: "name = \"good\"\nenvironments = [\"production\", \"staging\"]\nevery = \"60s\"\n[[step]]\nname = \"open\"\n[step.http]\nurl = \"{{base_url}}/?u={{user}}\"\n".into(),
    };
    let main = read(&Path::new(FOLDER).join("_settings.toml"), "wayfarer.toml");
    config::load(&main, &[good]).unwrap_or_else(|faults| panic!("{faults}"));
}
