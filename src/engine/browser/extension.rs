//! The environment's headers, in a browser.
//!
//! The DevTools protocol can add headers to every request of a tab, also to those to strangers, and headers are what tokens stand in. So Chromium gets an extension of
//! its own, written for the run, with declarative rules (`chrome.declarativeNetRequest`): headers go to the origins of the environment and to no other, from
//! every tab, frame and worker.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use url::Url;

/// All kinds of requests; a rule without them leaves out the page itself.
const TYPES: [&str; 15] = [
    "main_frame",
    "sub_frame",
    "stylesheet",
    "script",
    "image",
    "font",
    "object",
    "xmlhttprequest",
    "ping",
    "csp_report",
    "media",
    "websocket",
    "webtransport",
    "webbundle",
    "other",
];

/// The origins that belong to an environment: those of its variables that are addresses, `base_url` among them.
pub(super) fn origins<'a>(values: impl Iterator<Item = &'a String>) -> Vec<String> {
    let urls = values.filter_map(|value| Url::parse(value).ok());
    let web = urls.filter(|url| matches!(url.scheme(), "http" | "https"));
    let mut all: Vec<String> = web.map(|url| url.origin().ascii_serialization()).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// Writes the extension and gives its folder; none where there is nothing to add.
pub(super) fn write(
    headers: &[(String, String)],
    origins: &[String],
    folder: &Path,
) -> std::io::Result<Option<PathBuf>> {
    if headers.is_empty() || origins.is_empty() {
        return Ok(None);
    }
    let own = folder.join("headers");
    std::fs::create_dir(&own)?;
    std::fs::write(own.join("manifest.json"), manifest().to_string())?;
    std::fs::write(own.join("rules.json"), rules(headers, origins).to_string())?;
    Ok(Some(own))
}

fn manifest() -> Value {
    json!({
        "manifest_version": 3,
        "name": "headers",
        "version": "1",
        "permissions": ["declarativeNetRequest"],
        "host_permissions": ["<all_urls>"],
        "declarative_net_request": {
            "rule_resources": [{ "id": "headers", "enabled": true, "path": "rules.json" }]
        }
    })
}

fn rules(headers: &[(String, String)], origins: &[String]) -> Value {
    let set: Vec<Value> = headers
        .iter()
        .map(|(name, value)| {
            json!({ "header": name.to_ascii_lowercase(), "operation": "set", "value": value })
        })
        .collect();
    // A web socket of an origin is asked for by ws or wss.
    let sockets =
        origins.iter().filter_map(|origin| Some(format!("ws{}", origin.strip_prefix("http")?)));
    let rules = (1..).zip(origins.iter().cloned().chain(sockets)).map(|(id, origin): (u32, _)| {
        json!({
            "id": id,
            "priority": 1,
            "action": { "type": "modifyHeaders", "requestHeaders": set },
            "condition": { "urlFilter": format!("|{origin}/"), "resourceTypes": TYPES }
        })
    });
    rules.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_go_to_the_environments_own_origins_alone() {
        let values = [
            "https://shop.example:8443/base".to_owned(),
            "https://shop.example:8443/other".to_owned(),
            "http://api.example".to_owned(),
            "probe@example.com".to_owned(),
            "ftp://files.example/".to_owned(),
        ];
        let origins = origins(values.iter());
        assert_eq!(origins, ["http://api.example", "https://shop.example:8443"]);
        let headers = [("X-Probe".to_owned(), "yes".to_owned())];
        let rules = rules(&headers, &origins);
        let filters: Vec<&str> = rules
            .as_array()
            .unwrap()
            .iter()
            .map(|rule| rule["condition"]["urlFilter"].as_str().unwrap())
            .collect();
        assert_eq!(
            filters,
            [
                "|http://api.example/",
                "|https://shop.example:8443/",
                "|ws://api.example/",
                "|wss://shop.example:8443/"
            ]
        );
        assert_eq!(rules[0]["action"]["requestHeaders"][0]["header"], "x-probe");
    }

    #[test]
    fn without_headers_there_is_no_extension() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(write(&[], &["http://a".to_owned()], folder.path()).unwrap(), None);
        let headers = [("a".to_owned(), "b".to_owned())];
        let made = write(&headers, &["http://a".to_owned()], folder.path()).unwrap().unwrap();
        assert!(made.join("manifest.json").is_file() && made.join("rules.json").is_file());
    }
}
