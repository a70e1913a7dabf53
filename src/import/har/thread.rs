//! Values that a response gave and a later request sends: the request takes them from a capture.

use std::collections::{BTreeMap, BTreeSet};

use percent_encoding::percent_decode_str;

use super::{
    find::{Index, Source, is_id_key},
    recording::Exchange,
};
use crate::import::{
    draft::{Auth, Body, Capture, Content, Draft, Step},
    names,
    text::{Piece, Text},
    tree::Tree,
};

/// What parts texts into values, at first; these may stand in one.
const OUTER: &[char] =
    &[' ', ',', ';', '|', '&', '"', '\'', '<', '>', '(', ')', '{', '}', '[', ']', '\n', '\t', '\r'];

/// Longest text that is searched value by value.
const LONGEST: usize = 1 << 20;

/// Threads all steps; `exchanges` are theirs.
pub(super) fn thread(draft: &mut Draft, exchanges: &[Exchange]) {
    let mut weaver = Weaver::default();
    for (at, exchange) in exchanges.iter().enumerate() {
        let mut step = std::mem::take(&mut draft.steps[at]);
        weaver.step(&mut step);
        draft.steps[at] = step;
        for value in std::mem::take(&mut weaver.plain) {
            weaver.index.sent(&value);
        }
        weaver.index.read(at, exchange);
    }
    for (value, capture) in weaver.captured {
        if capture.1.secret {
            draft.vault.silence(&value);
        }
        draft.steps[capture.0].captures.push(capture.1);
    }
    for step in &mut draft.steps {
        step.captures.sort_by(|a, b| a.name.cmp(&b.name));
    }
}

#[derive(Default)]
struct Weaver {
    index: Index,
    /// Values that are captured, with the step.
    captured: BTreeMap<String, (usize, Capture)>,
    names: BTreeSet<String>,
    /// Values of this step that come from nowhere.
    plain: Vec<String>,
}

impl Weaver {
    fn step(&mut self, step: &mut Step) {
        self.url(&mut step.url);
        for (key, text) in &mut step.query {
            self.text(key, text);
        }
        for (name, text) in &mut step.headers {
            if name != "content-type" && name != "accept" {
                self.text(name, text);
            }
        }
        if let Some(Auth(_, fields)) = &mut step.auth {
            fields.iter_mut().for_each(|(key, text)| self.text(key, text));
        }
        match &mut step.body {
            Body::Form(fields) => fields.iter_mut().for_each(|(key, text)| self.text(key, text)),
            Body::Json(tree) => self.tree("", tree),
            Body::GraphQl { variables: Some(tree), .. } => self.variables(tree),
            Body::Text(text) => self.text("", text),
            Body::Multipart(parts) => {
                for part in parts {
                    if let Content::Text(text) = &mut part.content {
                        self.text(&part.name, text);
                    }
                }
            }
            _ => {}
        }
    }

    /// Variables of GraphQL stay a table: a number that is captured would be a text there, so it is left.
    fn variables(&mut self, tree: &mut Tree) {
        match tree {
            Tree::Table(members) => {
                for (key, value) in members {
                    match value {
                        Tree::Text(text) => self.text(key, text),
                        value => self.variables(value),
                    }
                }
            }
            Tree::List(items) => items.iter_mut().for_each(|item| self.variables(item)),
            _ => {}
        }
    }

    fn tree(&mut self, key: &str, tree: &mut Tree) {
        match tree {
            Tree::Text(text) => self.text(key, text),
            Tree::Number(number) => {
                let number = number.clone();
                match self.name(&number, is_id_key(key)) {
                    Some(name) => *tree = Tree::Hole(name),
                    None => self.plain.push(number),
                }
            }
            Tree::List(items) => items.iter_mut().for_each(|item| self.tree(key, item)),
            Tree::Table(members) => {
                members.iter_mut().for_each(|(key, value)| self.tree(key, value))
            }
            _ => {}
        }
    }

    /// The variable of a value, captured from now on; `id`: the value stands where an id belongs.
    fn name(&mut self, value: &str, id: bool) -> Option<String> {
        if let Some((_, capture)) = self.captured.get(value) {
            let weak = self.index.find(value).is_some_and(|source| source.weak);
            return (id || !weak).then(|| capture.name.clone());
        }
        let source: Source = self.index.find(value).filter(|source| id || !source.weak)?.clone();
        let name = names::unique(&source.name, &mut self.names, "_");
        let capture = Capture { name: name.clone(), query: source.query, secret: source.secret };
        self.captured.insert(value.to_owned(), (source.step, capture));
        Some(name)
    }

    /// An address: whole, or segment by segment.
    fn url(&mut self, url: &mut Text) {
        let Some(plain) = url.as_plain().map(str::to_owned) else { return };
        let start = plain.find("://").map_or(0, |at| at + 3);
        let path = plain[start..].find('/').map_or(plain.len(), |at| start + at);
        if let Some(name) = self.name(&plain, false) {
            *url = Text::name(name);
            return;
        }
        if let Some(name) = (path < plain.len()).then(|| self.name(&plain[path..], false)).flatten()
        {
            *url = Text::plain(&plain[..path]);
            url.push(Piece::Name(name));
            return;
        }
        let mut made = Text::plain(&plain[..path]);
        for (at, segment) in plain[path..].split('/').enumerate() {
            if at > 0 {
                made.push(Piece::Plain("/".to_owned()));
            }
            let decoded = percent_decode_str(segment).decode_utf8_lossy().into_owned();
            match self.name(&decoded, true) {
                Some(name) if is_unreserved(&decoded) => made.push(Piece::Name(name)),
                Some(name) => made.push(Piece::Encoded(name)),
                None => {
                    self.plain.push(decoded);
                    made.push(Piece::Plain(segment.to_owned()));
                }
            }
        }
        *url = made;
    }

    /// A text: whole, or value by value.
    fn text(&mut self, key: &str, text: &mut Text) {
        let id = is_id_key(key);
        let Some(plain) = text.as_plain().filter(|plain| !plain.is_empty()).map(str::to_owned)
        else {
            return;
        };
        if let Some(name) = self.name(&plain, id) {
            *text = Text::name(name);
            return;
        }
        self.plain.push(plain.clone());
        if plain.len() > LONGEST {
            return;
        }
        let mut made = Text::default();
        for word in plain.split_inclusive(OUTER) {
            let value = word.strip_suffix(OUTER).unwrap_or(word);
            self.word(value, &mut made);
            made.push(Piece::Plain(word[value.len()..].to_owned()));
        }
        *text = made;
    }

    /// One value of a text, whole, or between the marks that ids are put together with.
    fn word(&mut self, word: &str, made: &mut Text) {
        if word.len() < 5 {
            return made.push(Piece::Plain(word.to_owned()));
        }
        if let Some(name) = self.name(word, false) {
            return made.push(Piece::Name(name));
        }
        self.plain.push(word.to_owned());
        for part in word.split_inclusive(['/', ':', '=', '?', '#']) {
            let value = part.strip_suffix(['/', ':', '=', '?', '#']).unwrap_or(part);
            match (value.len() < word.len()).then(|| self.name(value, false)).flatten() {
                Some(name) => made.push(Piece::Name(name)),
                None => made.push(Piece::Plain(value.to_owned())),
            }
            made.push(Piece::Plain(part[value.len()..].to_owned()));
        }
    }
}

fn is_unreserved(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || "-._~".contains(c))
}
