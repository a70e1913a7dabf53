//! Every good file is good by its schema.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use wayfarer::config::schema;

use super::{faults, root, validator};

/// The `.toml` files of a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.extension().is_some_and(|ending| ending == "toml"));
    found.sort();
    assert!(!found.is_empty(), "nothing in {}", folder.display());
    found
}

/// Says which texts a schema refuses.
fn check(of: &str, texts: impl IntoIterator<Item = (String, String)>) {
    let schemas = schema::all();
    let (_, schema) = schemas.iter().find(|(name, _)| *name == of).unwrap();
    let validator = validator(schema);
    let mut refused = Vec::new();
    for (path, text) in texts {
        refused
            .extend(faults(&validator, &text).into_iter().map(|fault| format!("{path}: {fault}")));
    }
    assert!(refused.is_empty(), "\n{}\n", refused.join("\n"));
}

fn read(paths: Vec<PathBuf>) -> Vec<(String, String)> {
    let read = |path: PathBuf| (path.display().to_string(), fs::read_to_string(&path).unwrap());
    paths.into_iter().map(read).collect()
}

#[test]
fn the_examples() {
    check("journey", read(files(&root().join("journeys"))));
    check("part", read(files(&root().join("journeys/parts"))));
    check("journey", read(files(&root().join("src/demo/journeys"))));
    check("wayfarer", read(vec![root().join("src/demo/wayfarer.toml")]));
    check("wayfarer", read(vec![root().join("tests/bad_journeys/_settings.toml")]));
}

#[test]
fn what_init_writes() {
    let folder = tempfile::tempdir().unwrap();
    let wayfarer = env!("CARGO_BIN_EXE_wayfarer");
    let done = Command::new(wayfarer).arg("init").arg(folder.path()).output().unwrap();
    assert!(done.status.success(), "{done:?}");
    check("wayfarer", read(vec![folder.path().join("wayfarer.toml")]));
    check("journey", read(files(&folder.path().join("journeys"))));
    let settings = fs::read_to_string(folder.path().join("wayfarer.toml")).unwrap();
    let on: Vec<&str> = settings.lines().map(|l| l.strip_prefix("#: ").unwrap_or(l)).collect();
    check("wayfarer", [("with all that was commented out".to_owned(), on.join("\n"))]);
    for (name, schema) in schema::all() {
        let done = Command::new(wayfarer).args(["schema", name]).output().unwrap();
        let file = folder.path().join(format!(".wayfarer/schema/{name}.json"));
        assert_eq!(String::from_utf8(done.stdout).unwrap(), fs::read_to_string(file).unwrap());
        assert_eq!(done.status.code(), Some(0));
        assert!(schema["title"].is_string());
    }
}

#[test]
fn the_blocks_of_both_readmes() {
    const HEAD: &str = "name = \"x\"\nenvironments = [\"production\"]\nevery = \"60s\"\n";
    const STEP: &str = "[[step]]\nname = \"a\"\nhttp.url = \"https://example.com\"\n";
    for page in ["README.md", "journeys/README.md"] {
        let text = fs::read_to_string(root().join(page)).unwrap();
        let blocks: Vec<&str> =
            text.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
        assert!(blocks.len() >= 2, "{page}");
        for block in blocks {
            let has = |start: &str| block.lines().any(|line| line.starts_with(start));
            let place = format!("{page}: {}", block.lines().next().unwrap());
            let (of, whole) = if block.starts_with("# journeys/parts/") {
                ("part", block.to_owned())
            } else if block.starts_with("# wayfarer.toml")
                || ["[agent]", "[[receiver]]", "[[freeze]]"].iter().any(|table| has(table))
            {
                ("wayfarer", block.to_owned())
            } else if has("environments") {
                ("journey", block.to_owned())
            } else if has("[[step]]") {
                ("journey", format!("{HEAD}{block}"))
            } else {
                ("journey", format!("{HEAD}{block}\n{STEP}"))
            };
            check(of, [(place, whole)]);
        }
    }
}
