//! The secrets of an input: each value under one name, and out of everything that is written.

use std::collections::{BTreeMap, BTreeSet};

use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
use regex::Regex;

use super::{names, text::Piece};

/// Shorter values, and words of lower case letters alone, are only hidden where they stand under their own key.
const SHORTEST: usize = 6;

/// Words of lower case letters are hidden everywhere from this length on.
const LONG_WORD: usize = 12;

/// What stands in the place of a secret in texts for people.
const HIDDEN: &str = "…";

/// A secret that became a reference.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) name: String,
    /// Where it stood.
    pub(super) place: String,
}

/// All secrets by value.
#[derive(Debug, Default)]
pub(super) struct Vault {
    kept: Vec<Kept>,
    by_value: BTreeMap<String, usize>,
    /// Values that are captured when the journey is walked, or that a cookie jar holds: never to be written.
    silent: BTreeSet<String>,
    taken: BTreeSet<String>,
}

impl Vault {
    /// Keeps names from being given to secrets.
    pub(super) fn reserve(&mut self, names: impl IntoIterator<Item = String>) {
        self.taken.extend(names);
    }

    /// Takes a secret; the same value has the same name.
    pub(super) fn keep(&mut self, value: &str, wanted: &str, place: &str) -> String {
        if let Some(at) = self.by_value.get(value) {
            return self.kept[*at].name.clone();
        }
        let name = names::unique(&names::variable(wanted), &mut self.taken, "_");
        self.by_value.insert(value.to_owned(), self.kept.len());
        self.kept.push(Kept { name: name.clone(), place: place.to_owned() });
        name
    }

    /// Takes a secret under the name that templates have for it already.
    pub(super) fn keep_as(&mut self, value: &str, name: &str, place: &str) -> String {
        if let Some(at) = self.by_value.get(value) {
            return self.kept[*at].name.clone();
        }
        self.taken.insert(name.to_owned());
        self.by_value.insert(value.to_owned(), self.kept.len());
        self.kept.push(Kept { name: name.to_owned(), place: place.to_owned() });
        name.to_owned()
    }

    /// A secret that the input refers to by name, without its value.
    pub(super) fn refer(&mut self, name: &str, place: &str) {
        if !self.kept.iter().any(|kept| kept.name == name) {
            self.taken.insert(name.to_owned());
            self.kept.push(Kept { name: name.to_owned(), place: place.to_owned() });
        }
    }

    /// A value that must not be written, though no reference stands for it.
    pub(super) fn silence(&mut self, value: &str) {
        if is_distinct(value) {
            self.silent.insert(value.to_owned());
        }
    }

    /// The secrets, as they were met.
    pub(super) fn kept(&self) -> &[Kept] {
        &self.kept
    }

    /// What finds them in texts.
    pub(super) fn finder(&self) -> Finder {
        let mut spelled: BTreeMap<String, Option<Piece>> = BTreeMap::new();
        for value in &self.silent {
            spelled.extend(spellings(value).into_iter().map(|(text, _)| (text, None)));
        }
        for (value, at) in self.by_value.iter().filter(|(value, _)| is_distinct(value)) {
            let name = &self.kept[*at].name;
            for (text, encoded) in spellings(value) {
                let piece =
                    if encoded { Piece::Encoded(name.clone()) } else { Piece::Name(name.clone()) };
                spelled.insert(text, Some(piece));
            }
        }
        Finder::new(spelled)
    }
}

/// Finds secrets in texts, all at once.
pub(super) struct Finder {
    spelled: BTreeMap<String, Option<Piece>>,
    pattern: Option<Regex>,
}

impl Finder {
    fn new(spelled: BTreeMap<String, Option<Piece>>) -> Self {
        let mut longest_first: Vec<&String> = spelled.keys().collect();
        longest_first.sort_by_key(|text| std::cmp::Reverse(text.len()));
        let all: Vec<String> = longest_first.iter().map(|text| regex::escape(text)).collect();
        let pattern = (!all.is_empty())
            .then(|| regex::RegexBuilder::new(&all.join("|")).size_limit(1 << 30).build().ok());
        Self { pattern: pattern.flatten(), spelled }
    }

    /// A literal with references in the places of secrets; what is not to be written at all becomes `…`.
    pub(super) fn pieces(&self, text: &str) -> Vec<Piece> {
        let Some(pattern) = &self.pattern else { return vec![Piece::Plain(text.to_owned())] };
        let mut pieces = Vec::new();
        let mut from = 0;
        for found in pattern.find_iter(text) {
            pieces.push(Piece::Plain(text[from..found.start()].to_owned()));
            let piece = self.spelled.get(found.as_str()).cloned().flatten();
            pieces.push(piece.unwrap_or_else(|| Piece::Plain(HIDDEN.to_owned())));
            from = found.end();
        }
        pieces.push(Piece::Plain(text[from..].to_owned()));
        pieces
    }

    /// A text for people without secrets.
    pub(super) fn scrub(&self, text: &str) -> String {
        match &self.pattern {
            Some(pattern) => pattern.replace_all(text, HIDDEN).into_owned(),
            None => text.to_owned(),
        }
    }

    /// Whether a text holds any secret.
    pub(super) fn finds_in(&self, text: &str) -> bool {
        self.pattern.as_ref().is_some_and(|pattern| pattern.is_match(text))
    }
}

/// A value as it may be spelled in requests, and whether that is percent-encoding.
fn spellings(value: &str) -> Vec<(String, bool)> {
    let mut all = vec![(value.to_owned(), false)];
    let encoded = percent_encode(value.as_bytes(), NON_ALPHANUMERIC).to_string();
    let form: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
    let quoted = serde_json::Value::String(value.to_owned()).to_string();
    for (text, percent) in
        [(encoded, true), (form, true), (quoted[1..quoted.len() - 1].to_owned(), false)]
    {
        if !all.iter().any(|(known, _)| *known == text) {
            all.push((text, percent));
        }
    }
    all
}

/// Whether a value cannot stand somewhere by chance.
pub(super) fn is_distinct(value: &str) -> bool {
    let word = value.chars().all(|c| c.is_lowercase());
    let number = value.chars().all(|c| c.is_ascii_digit());
    value.len() >= if word || number { LONG_WORD } else { SHORTEST }
}

/// Whether a value looks made by a machine: long, of mixed characters, with much in every character.
pub(super) fn looks_random(value: &str) -> bool {
    if value.len() < 16 || value.chars().any(|c| c.is_whitespace() || c == '/') {
        return false;
    }
    let letters = value.chars().any(|c| c.is_ascii_alphabetic());
    let digits = value.chars().filter(char::is_ascii_digit).count();
    let upper = value.chars().filter(char::is_ascii_uppercase).count();
    let lower = value.chars().filter(char::is_ascii_lowercase).count();
    let cases = upper > 0 && lower > 0;
    // A name in camel case has few capitals.
    let mixed = upper * 4 >= value.len() && lower * 4 >= value.len() && value.len() >= 20;
    letters && (digits >= 3 || (cases && digits >= 1) || mixed) && bits(value) >= 3.0
}

/// Shannon's entropy of the characters, in bits each.
pub(super) fn bits(value: &str) -> f64 {
    let mut counts: BTreeMap<char, u32> = BTreeMap::new();
    for c in value.chars() {
        *counts.entry(c).or_default() += 1;
    }
    let all = f64::from(counts.values().sum::<u32>());
    counts.values().map(|n| f64::from(*n) / all).map(|share| -share * share.log2()).sum()
}

/// Beginnings that services give their keys so that they can be found.
const PREFIXES: [&str; 26] = [
    "ghp_",
    "gho_",
    "ghs_",
    "ghu_",
    "github_pat_",
    "glpat-",
    "sk_live_",
    "sk_test_",
    "rk_live_",
    "rk_test_",
    "xoxb-",
    "xoxp-",
    "xoxa-",
    "xapp-",
    "AKIA",
    "ASIA",
    "AIza",
    "ya29.",
    "SG.",
    "shpat_",
    "npm_",
    "pypi-",
    "dop_v1_",
    "sk-",
    "whsec_",
    "-----BEGIN",
];

/// Whether a value says by its form that it opens something: a JSON web token, or a key with a known beginning.
pub(super) fn is_key_by_form(value: &str) -> bool {
    let jwt = value.starts_with("eyJ") && value.matches('.').count() >= 2 && value.len() >= 30;
    jwt || value.len() >= 16
        && PREFIXES.iter().any(|prefix| value.starts_with(prefix))
        && !value.contains(' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_has_one_name_and_is_found_in_every_spelling() {
        let mut vault = Vault::default();
        vault.reserve(["token".to_owned()]);
        assert_eq!(vault.keep("s3cret/ü", "token", "x"), "token_2");
        assert_eq!(vault.keep("s3cret/ü", "password", "y"), "token_2");
        assert_eq!(vault.keep("word", "password", "y"), "password");
        let finder = vault.finder();
        let name = Piece::Name("token_2".into());
        assert_eq!(finder.pieces("s3cret/ü")[1], name);
        assert_eq!(finder.pieces("a=s3cret%2F%C3%BC&b")[1], Piece::Encoded("token_2".into()));
        assert_eq!(finder.scrub("word s3cret/ü"), "word …");
    }

    #[test]
    fn what_looks_made_by_a_machine() {
        for (value, random) in [
            ("9f1c22ab-77aa-4bde-9c01-000000000001", true),
            ("dGhpcyBpcyBhIHRva2Vu", true),
            ("a8F3kQ9zLmN2xY7w", true),
            ("content-security-policy", false),
            ("getCustomerOrdersByStatus", false),
            ("shopping-cart-overview", false),
            ("1111111111111111", false),
            ("short1", false),
        ] {
            assert_eq!(looks_random(value), random, "{value}");
        }
        assert!(is_key_by_form("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc"));
        assert!(!is_key_by_form("sk-short"));
    }
}
