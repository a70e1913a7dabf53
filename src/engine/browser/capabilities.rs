//! What a driver is asked for (WebDriver section 7).

use serde_json::{Map, Value, json};

use super::driver::Kind;
use crate::model::{BrowserSettings, Device};

/// What keeps Chromium from speaking to anyone but the pages it opens, and from asking its user anything.
const QUIET: [&str; 12] = [
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-client-side-phishing-detection",
    "--disable-breakpad",
    "--disable-quic",
    "--no-pings",
    "--password-store=basic",
];

/// How a browser shall be.
#[derive(Debug)]
pub(super) struct Wanted<'a> {
    pub(super) kind: Kind,
    pub(super) settings: &'a BrowserSettings,
    pub(super) device: &'a Device,
    /// Whether it shows itself.
    pub(super) headed: bool,
    /// Whether it may not use its sandbox, which root cannot.
    pub(super) root: bool,
    pub(super) insecure: bool,
}

/// The capabilities to ask for.
pub(super) fn capabilities(wanted: &Wanted<'_>) -> Map<String, Value> {
    let mut all = Map::new();
    all.insert("pageLoadStrategy".to_owned(), json!("normal"));
    all.insert("unhandledPromptBehavior".to_owned(), json!("ignore"));
    all.insert("acceptInsecureCerts".to_owned(), json!(wanted.insecure));
    all.insert(
        "timeouts".to_owned(),
        json!({ "script": 30_000, "pageLoad": 300_000, "implicit": 0 }),
    );
    match wanted.kind {
        Kind::Chromium => {
            all.insert("browserName".to_owned(), json!("chrome"));
            all.insert("goog:chromeOptions".to_owned(), chromium(wanted));
            all.insert(
                "goog:loggingPrefs".to_owned(),
                json!({ "performance": "ALL", "browser": "ALL" }),
            );
        }
        Kind::Firefox => {
            all.insert("browserName".to_owned(), json!("firefox"));
        }
    }
    all
}

fn chromium(wanted: &Wanted<'_>) -> Value {
    let mut words: Vec<String> = QUIET.iter().map(ToString::to_string).collect();
    if !wanted.headed {
        words.push("--headless=new".to_owned());
        words.push("--disable-gpu".to_owned());
    }
    if wanted.root {
        words.push("--no-sandbox".to_owned());
    }
    let (width, height) = wanted.device.window;
    words.push(format!("--window-size={width},{height}"));
    words.extend(wanted.settings.arguments.iter().cloned());
    let mut options = json!({ "args": words });
    if let (Some(binary), Some(options)) = (&wanted.settings.binary, options.as_object_mut()) {
        options.insert("binary".to_owned(), json!(binary));
    }
    options
}
