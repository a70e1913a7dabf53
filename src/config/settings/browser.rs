//! `[browser]`: how browsers are had on this machine.

use std::{ops::Range, time::Duration};

use url::Url;

use crate::{
    config::{reader::Reader, value::Entry},
    model::{BrowserSettings, Driver},
};

/// How many browsers there may be at once.
pub(in crate::config) const AT_ONCE: Range<u64> = 1..64;

/// How long a run may wait for its turn.
const QUEUE: Range<Duration> = Duration::from_secs(1)..Duration::from_secs(3600);

/// What a browser may take: less than an empty page needs would fail every run.
const MEMORY: Range<u64> = 512 << 20..1 << 40;

/// What Wayfarer says to a browser itself: another value would break what it does.
const OURS: &[&str] = &[
    "--user-data-dir",
    "--remote-debugging-port",
    "--remote-debugging-pipe",
    "--headless",
    "--proxy-server",
    "--no-proxy-server",
    "--host-resolver-rules",
    "--load-extension",
    "--window-size",
];

/// Lowers the table; what is missing has a default.
pub(super) fn lower(top: &Reader<'_>) -> BrowserSettings {
    let mut browser = BrowserSettings::default();
    let Some(table) = top.table("browser") else { return browser };
    if let Some(driver) = table.take("driver").and_then(|entry| driver(&entry)) {
        browser.driver = driver;
    }
    browser.binary = table.text("binary").map(|binary| binary.value);
    if let Some(entry) = table.take("arguments") {
        let wanted = "a list of words for the browser's command line, such as [\"--lang=de\"]";
        let words = entry.elements(wanted).unwrap_or_default();
        browser.arguments = words.iter().filter_map(argument).collect();
    }
    if let Some(at_once) = table.count("at_once", AT_ONCE) {
        browser.at_once = u32::try_from(at_once.value).unwrap_or(u32::MAX);
    }
    if let Some(most) = table.take("memory_max").and_then(|entry| entry.size(MEMORY)) {
        browser.memory_max_bytes = most.value;
    }
    if let Some(queue) = table.duration("queue", QUEUE) {
        browser.queue = queue.value;
    }
    table.finish();
    browser
}

/// A program, or the address of a driver or grid.
fn driver(entry: &Entry<'_>) -> Option<Driver> {
    let text = entry.text()?.value;
    if !text.contains("://") {
        return Some(Driver::Program(text));
    }
    let fault = |message: &str, label: &str, help: &str| {
        let note = entry.fault(format!("`driver`: {message}"));
        entry.refuse(note.label(label).help(help))
    };
    match Url::parse(&text) {
        Ok(url) if !url.username().is_empty() || url.password().is_some() => {
            entry.page.hide(entry.span.clone());
            fault(
                "an address with a password",
                "it would stand in the file",
                "let the grid be reached without one, or by a way through that adds it",
            )
        }
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.host().is_some() => {
            Some(Driver::Remote(text))
        }
        _ => fault(
            "not the address of a driver or grid",
            "neither a program nor an address",
            "write `http://grid:4444`, or the path of chromedriver or geckodriver",
        ),
    }
}

/// One word of the command line.
fn argument(entry: &Entry<'_>) -> Option<String> {
    let word = entry.text()?.value;
    let name = word.split('=').next().unwrap_or(&word);
    if OURS.contains(&name) {
        let help = match name {
            "--headless" => "`wayfarer run --headed` shows the browser",
            "--window-size" => "write `window = \"1280x800\"` in [browser] of the journey",
            "--proxy-server" | "--no-proxy-server" => "write `proxy` in the environment",
            "--host-resolver-rules" => "write `resolve` in the environment",
            _ => "each run has a browser and a profile of its own",
        };
        let note = entry.fault(format!("`arguments`: `{name}` is Wayfarer's to say"));
        return entry.refuse(note.label("not here").help(help));
    }
    Some(word)
}
