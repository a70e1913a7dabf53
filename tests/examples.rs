//! The examples in `journeys/` are good journeys, all of them, and so are those within its README.
#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::{fs, path::Path};

use wayfarer::config::{self, Attached, SourceFile};

/// The settings that the examples need: two environments of a shop.
const SETTINGS: &str = r#"
[environments.production]
base_url = "https://shop.example.com"
vars = { user = "probe@example.com" }
secrets = { password = { env = "SHOP_PASSWORD" } }

[environments.staging]
base_url = "https://staging.example.com"
vars = { user = "probe@example.com" }
secrets = { password = { file = "/run/secrets/staging" } }

[services.shop]
depends_on = ["auth", "payments"]
"#;

#[test]
fn every_example_is_a_good_journey() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("journeys");
    let in_folder =
        |folder: &Path| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<SourceFile> = in_folder(&folder)
        .chain(in_folder(&folder.join("parts")))
        .filter(|path| path.extension().is_some_and(|kind| kind == "toml"))
        .map(|path| SourceFile {
            path: path.display().to_string(),
            text: fs::read_to_string(path).unwrap(),
        })
        .collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let main = SourceFile { path: "wayfarer.toml".into(), text: SETTINGS.into() };
    let config = config::load(&main, &files).unwrap_or_else(|faults| panic!("{faults}"));
    // One of them is two journeys, and one file is a part.
    assert_eq!(config.journeys.len(), files.len());
    assert!(config.journeys.len() >= 4);
}

/// Files that the blocks name: each is what its name says.
struct Samples;

impl Attached for Samples {
    fn read(&self, _: &str, name: &str) -> Result<Vec<u8>, String> {
        let text = match name.rsplit_once('.').map_or("", |(_, kind)| kind) {
            "pem" => {
                let key = rcgen::KeyPair::generate().unwrap();
                let params = rcgen::CertificateParams::new(Vec::new()).unwrap();
                params.self_signed(&key).unwrap().pem()
            }
            "json" => "{}".to_owned(),
            "graphql" => "query Cart { cart { total } }".to_owned(),
            _ => "sample".to_owned(),
        };
        Ok(text.into_bytes())
    }
}

/// What a fragment of a journey stands in.
const HEAD: &str = "name = \"example\"\nenvironments = [\"production\"]\nevery = \"60s\"\n";

/// The `toml` blocks of a page, each with the number of its first line.
fn blocks(page: &str) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, String)> = Vec::new();
    let mut inside = false;
    for (number, line) in page.lines().enumerate() {
        if !inside && line.trim_end() == "```toml" {
            inside = true;
            found.push((number + 2, String::new()));
        } else if line.starts_with("```") {
            inside = false;
        } else if let (true, Some((_, text))) = (inside, found.last_mut()) {
            *text += line;
            text.push('\n');
        }
    }
    found
}

/// A block that begins with `# wayfarer.toml` is one of settings, one that begins with `# journeys/parts/` a file that every journey may use, one with
/// `environments` a whole journey, and any other a piece of one.
#[test]
fn every_block_of_the_readme_is_good() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("journeys");
    let page = fs::read_to_string(folder.join("README.md")).unwrap();
    let blocks = blocks(&page);
    assert!(!blocks.is_empty(), "no blocks found");
    let parts: Vec<SourceFile> = blocks
        .iter()
        .filter_map(|(_, text)| {
            let path = text.lines().next()?.strip_prefix("# ")?;
            let file = SourceFile { path: path.to_owned(), text: text.clone() };
            path.starts_with("journeys/parts/").then_some(file)
        })
        .collect();
    for (line, text) in blocks {
        if text.starts_with("# journeys/parts/") {
            continue;
        }
        let settings = text.starts_with("# wayfarer.toml");
        let whole = text.lines().any(|line| line.starts_with("environments"));
        let main = if settings { format!("{SETTINGS}\n{text}") } else { SETTINGS.to_owned() };
        let journey = match (settings, whole) {
            (true, _) => {
                format!("{HEAD}[[step]]\nname = \"a\"\n[step.http]\nurl = \"{{{{base_url}}}}/\"\n")
            }
            (false, true) => text,
            (false, false) => format!("{HEAD}{text}"),
        };
        let main = SourceFile { path: "wayfarer.toml".into(), text: main };
        let file = SourceFile { path: format!("journeys/README.md, line {line}"), text: journey };
        let files = [&[file], &parts[..]].concat();
        config::load_with(&main, &files, &Samples).unwrap_or_else(|faults| panic!("{faults}"));
    }
}
