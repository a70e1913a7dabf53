//! hurl files (<https://hurl.dev/docs/hurl-file.html>): requests, options, captures, asserts, templates.
//!
//! Read by ourselves: the format's own parser needs a C library for XML.

mod body;
mod entry;
mod expression;
mod lines;
mod options;

use super::{draft::Draft, fault::ImportError, formats::Importer, imported::Options};
use lines::without_comment;

pub(super) const IMPORTER: Importer = Importer { name: "hurl", detects, read };

/// The methods that begin an entry; any word in capitals may.
fn is_request(line: &str) -> bool {
    let mut words = line.split_whitespace();
    let method = words.next().unwrap_or_default();
    let capitals = method.len() >= 3 && method.chars().all(|c| c.is_ascii_uppercase());
    capitals && words.next().is_some_and(|url| !url.starts_with(':')) && method != "HTTP"
}

/// `HTTP 200`, `HTTP/1.1 200`, `HTTP/2 *`, `HTTP`.
fn is_response(line: &str) -> bool {
    let first = line.split_whitespace().next().unwrap_or_default();
    first == "HTTP" || first.starts_with("HTTP/")
}

fn detects(_: &str, head: &str) -> bool {
    let line = head.lines().next().unwrap_or_default();
    let url = line.split_whitespace().nth(1).unwrap_or_default();
    is_request(line) && (url.starts_with("http") || url.starts_with("{{"))
}

fn read(text: &str, _: &Options) -> Result<Draft, ImportError> {
    let lines: Vec<&str> = text.lines().collect();
    let mut draft = Draft { origin: "hurl".to_owned(), ..Draft::default() };
    let mut at = 0;
    let mut comments: Vec<String> = Vec::new();
    while at < lines.len() {
        let line = lines[at].trim();
        if let Some(comment) = line.strip_prefix('#') {
            comments.push(comment.trim().to_owned());
        } else if line.is_empty() {
            comments.clear();
        } else if is_request(without_comment(line)) {
            at = entry::read(&lines, at, std::mem::take(&mut comments), &mut draft)?;
            continue;
        } else {
            return Err(broken(at, "a request was expected, such as `GET https://example.com`"));
        }
        at += 1;
    }
    Ok(draft)
}

/// A fault at a line, counted from 0.
fn broken(line: usize, reason: &str) -> ImportError {
    ImportError::Broken { format: "a hurl file", reason: format!("line {}: {reason}", line + 1) }
}
