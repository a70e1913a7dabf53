//! Keeps out of every message what looks like a secret that somebody wrote into a file.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

/// Last words of keys whose values are not for showing.
const WORDS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "secrets",
    "token",
    "credential",
    "credentials",
    "apikey",
    "api_key",
    "private_key",
    "access_key",
    "authorization",
];

/// Whether a key names something that is kept secret.
fn is_secret(key: &str) -> bool {
    let key = key.to_lowercase().replace('-', "_");
    WORDS.iter().any(|word| key == *word || key.ends_with(&format!("_{word}")))
}

/// Plain texts under keys that name secrets, wherever they stand in a table.
pub(super) fn plain_secrets(table: &DeTable<'_>, found: &mut Vec<Range<usize>>) {
    for (key, value) in table.iter() {
        match value.get_ref() {
            DeValue::String(text) if is_secret(key.get_ref()) && !text.contains("{{") => {
                found.push(value.span());
            }
            DeValue::Table(inner) => plain_secrets(inner, found),
            DeValue::Array(items) => {
                for item in items.iter() {
                    if let DeValue::Table(inner) = item.get_ref() {
                        plain_secrets(inner, found);
                    }
                }
            }
            _ => {}
        }
    }
}

/// In lines that cannot be read as TOML: everything behind the equals sign of a key that names a secret.
pub(super) fn in_broken_line(text: &str, line: &Range<usize>, found: &mut Vec<Range<usize>>) {
    let Some(content) = text.get(line.start..line.end.min(text.len())) else { return };
    let lower = content.to_ascii_lowercase();
    let first = WORDS.iter().filter_map(|word| lower.find(word).map(|at| at + word.len())).min();
    let value = first.and_then(|after| content[after..].find('=').map(|at| after + at + 1));
    if let Some(at) = value {
        found.push(line.start + at..line.start + content.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_by_their_keys() {
        for (key, secret) in [
            ("password", true),
            ("shop-password", true),
            ("API_KEY", true),
            ("csrf_token", true),
            ("user", false),
            ("token_url", false),
            ("keyboard", false),
        ] {
            assert_eq!(is_secret(key), secret, "{key}");
        }
    }

    #[test]
    fn a_broken_line_shows_nothing_behind_the_key() {
        let text = "a = 1\nsecrets = { password = \"hunter2, x = 1 }\n";
        let mut found = Vec::new();
        in_broken_line(text, &(6..text.len()), &mut found);
        assert!(!found.is_empty());
        assert!(found.iter().all(|span| text[span.clone()].contains("hunter2")));
        in_broken_line("user = 'x", &(0..9), &mut found);
        assert_eq!(found.len(), 1);
    }
}
