//! The examples in `journeys/` are good journeys, all of them, and so are those within its README; each is walked as well, by the real binary and
//! through a shop of their own on loopback. Two kinds of blocks are only checked: settings (`# wayfarer.toml`), which name proxies, networks
//! and hosts of others, and the one step that AWS would have to answer. What needs a browser is only checked where there is none.
#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

#[path = "examples/shop.rs"]
mod shop;

use std::{fs, path::Path, process::Command};

use shop::{PASSWORD, Shop, USER};

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

/// A block that begins with `# wayfarer.toml` is one of settings, one with `[agent]` is all of them, one that begins with `# journeys/parts/` is
/// a file that every journey may use, one with `environments` a whole journey, and any other a piece of one.
#[test]
fn every_block_of_both_readmes_is_good() {
    for page in ["README.md", "journeys/README.md"] {
        every_block_is_good(page);
    }
}

fn every_block_is_good(name: &str) {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap();
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
        let all = text.starts_with("[agent]");
        let settings = all || text.starts_with("# wayfarer.toml");
        let whole = text.lines().any(|line| line.starts_with("environments"));
        let main = match (all, settings) {
            (true, _) => text.clone(),
            (false, true) => format!("{SETTINGS}\n{text}"),
            (false, false) => SETTINGS.to_owned(),
        };
        const STEP: &str = "[[step]]\nname = \"a\"\n[step.http]\nurl = \"{{base_url}}/\"\n";
        let journey = match (settings, whole) {
            (true, _) => format!("{HEAD}{STEP}"),
            (false, true) => text,
            (false, false) if text.contains("[[step") => format!("{HEAD}{text}"),
            (false, false) => format!("{HEAD}{text}{STEP}"),
        };
        let main = SourceFile { path: "wayfarer.toml".into(), text: main };
        let file = SourceFile { path: format!("{name}, line {line}"), text: journey };
        let files = [&[file], &parts[..]].concat();
        config::load_with(&main, &files, &Samples).unwrap_or_else(|faults| panic!("{faults}"));
    }
}

/// Settings for the shop; every environment of the examples is it. `way` is how it is reached.
fn settings(shop: &Shop, way: &str) -> String {
    let way = way.replace("PORT", &shop.address.port().to_string());
    ["production", "staging"]
        .map(|environment| {
            format!(
                "[environments.{environment}]\n{way}\nvars = {{ user = \"{USER}\" }}\n\
                 secrets = {{ password = {{ env = \"SHOP_PASSWORD\" }} }}\n",
            )
        })
        .join("\n")
}

/// By its name and its authority.
const BY_NAME: &str = "base_url = \"https://shop.example.com:PORT\"\nca = \"ca.pem\"\n\
                       resolve = { \"shop.example.com\" = \"127.0.0.1\" }";

/// As it was reached when it was recorded: its certificate was nobody's there.
const AS_RECORDED: &str = "base_url = \"https://localhost:PORT\"\ninsecure = true";

/// Whether something needs a browser.
fn needs_browser(text: &str) -> bool {
    text.contains("[step.browser]")
}

/// Whether there is a browser to be driven. One at a time is enough for this machine: the two tests wait for each other.
#[expect(clippy::print_stdout, reason = "what is left out is said")]
fn there_is_a_browser() -> bool {
    let found = Command::new("chromedriver").arg("--version").output().is_ok();
    if !found {
        println!("no chromedriver here: what needs a browser is not walked");
    }
    found
}

static ONE_BROWSER: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Walks everything in a folder; what it printed where that does not pass.
async fn walk(folder: &Path, environment: &str) -> Result<String, String> {
    loop {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wayfarer"));
        command
            .args(["run", "--env", environment, "--show"])
            .current_dir(folder)
            .env("SHOP_PASSWORD", PASSWORD)
            .env("NO_COLOR", "1");
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let text = [output.stdout, output.stderr].map(|t| String::from_utf8_lossy(&t).into_owned());
        let text = text.concat();
        assert!(!text.contains(PASSWORD), "{text}");
        if output.status.success() {
            return Ok(text);
        }
        // A browser that waited for a processor most of the time tells nothing of the example.
        if !text.contains("our machine is too busy") {
            return Err(text);
        }
    }
}

/// A folder for the shop, with the parts of `journeys/` and what the examples send.
fn folder(shop: &Shop) -> tempfile::TempDir {
    let dir = tempfile::TempDir::new().unwrap();
    let put = |name: &str, text: &str| {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    put("wayfarer.toml", &settings(shop, BY_NAME));
    put("ca.pem", &shop.authority);
    put("journeys/files/photo.png", "\u{89}PNG");
    put("journeys/files/order.xml", "<order/>");
    fs::create_dir(dir.path().join("journeys/parts")).unwrap();
    dir
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_example_passes() {
    let shop = Shop::open().await;
    let dir = folder(&shop);
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("journeys");
    for part in ["", "parts"] {
        for path in fs::read_dir(from.join(part)).unwrap().map(|entry| entry.unwrap().path()) {
            let needs = |path: &Path| needs_browser(&fs::read_to_string(path).unwrap());
            if path.extension().is_some_and(|kind| kind == "toml") && !needs(&path) {
                let name = path.file_name().unwrap();
                fs::copy(&path, dir.path().join("journeys").join(part).join(name)).unwrap();
            }
        }
    }
    for (environment, names) in [
        ("production", &["basket-de", "basket-fr", "browse", "checkout", "sign-in"][..]),
        ("staging", &["basket-de", "basket-fr", "browse", "checkout", "order"]),
    ] {
        let text = walk(dir.path(), environment).await.unwrap_or_else(|text| panic!("{text}"));
        for name in names {
            assert!(text.contains(&format!("PASSED {name} in {environment}")), "{name}: {text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_example_with_a_browser_passes() {
    if !there_is_a_browser() {
        return;
    }
    let _alone = ONE_BROWSER.lock().await;
    let shop = Shop::open().await;
    let dir = folder(&shop);
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("journeys");
    let mut walked = 0;
    for path in fs::read_dir(from).unwrap().map(|entry| entry.unwrap().path()) {
        let toml = path.extension().is_some_and(|kind| kind == "toml");
        if toml && needs_browser(&fs::read_to_string(&path).unwrap()) {
            fs::copy(&path, dir.path().join("journeys/one.toml")).unwrap();
            let shown = walk(dir.path(), "production").await;
            assert!(shown.is_ok(), "{}: {}", path.display(), shown.unwrap_err());
            walked += 1;
        }
    }
    assert!(walked > 0);
}

/// What Chrome's Recorder exported of a visit to the shop is imported and walked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recording_passes() {
    if !there_is_a_browser() {
        return;
    }
    let _alone = ONE_BROWSER.lock().await;
    let shop = Shop::open().await;
    let dir = folder(&shop);
    fs::write(dir.path().join("wayfarer.toml"), settings(&shop, AS_RECORDED)).unwrap();
    let recorded = include_str!("examples/recorded.json")
        .replace("PORT", &shop.address.port().to_string())
        .replace("SECRET", PASSWORD);
    fs::write(dir.path().join("recorded.json"), recorded).unwrap();
    let imported = Command::new(env!("CARGO_BIN_EXE_wayfarer"))
        .args([
            "import",
            "recorded.json",
            "-o",
            "journeys/recorded.toml",
            "--environment",
            "production",
        ])
        .current_dir(dir.path())
        .output()
        .unwrap();
    assert!(imported.status.success(), "{}", String::from_utf8_lossy(&imported.stderr));
    let journey = fs::read_to_string(dir.path().join("journeys/recorded.toml")).unwrap();
    assert!(!journey.contains(PASSWORD), "{journey}");
    let shown = walk(dir.path(), "production").await;
    assert!(shown.is_ok(), "{journey}\n{}", shown.unwrap_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_block_of_the_readme_passes() {
    let shop = Shop::open().await;
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("journeys/README.md");
    let blocks = blocks(&fs::read_to_string(page).unwrap());
    let dir = folder(&shop);
    for (_, text) in &blocks {
        if let Some(path) = text.lines().next().and_then(|line| line.strip_prefix("# journeys/")) {
            fs::write(dir.path().join("journeys").join(path), text).unwrap();
        }
    }
    let mut walked = 0;
    let browser = there_is_a_browser();
    for (line, text) in blocks {
        if text.starts_with("# ") || (needs_browser(&text) && !browser) {
            continue;
        }
        fs::write(dir.path().join("wayfarer.toml"), settings(&shop, BY_NAME)).unwrap();
        let _alone = if needs_browser(&text) { Some(ONE_BROWSER.lock().await) } else { None };
        // AWS is not on loopback: its signature goes to the shop.
        let text = text.replace("https://api.example.com/", "{{base_url}}/");
        let whole = text.lines().any(|line| line.starts_with("environments"));
        let text = if whole { text } else { format!("{HEAD}{text}") };
        fs::write(dir.path().join("journeys/block.toml"), text).unwrap();
        let shown = walk(dir.path(), "production").await;
        assert!(shown.is_ok(), "the block at line {line}: {}", shown.unwrap_err());
        walked += 1;
    }
    assert!(walked >= 10, "only {walked} blocks were walked");
}
