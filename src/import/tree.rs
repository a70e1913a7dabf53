//! Values with holes: what becomes a TOML value, or JSON where TOML cannot say it.

use serde_json::Value as Json;

use super::{text::Text, toml_text};

/// How deep a value may nest before it is written as text: TOML readers stop at 80.
const DEEPEST: usize = 48;

/// A value of a journey file.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Tree {
    /// JSON's null, which TOML has not.
    Null,
    /// A truth value.
    Bool(bool),
    /// A number, in JSON's spelling.
    Number(String),
    /// A text.
    Text(Text),
    /// A variable where JSON has no quotes: `{"id": {{id}}}`.
    Hole(String),
    /// A list.
    List(Vec<Tree>),
    /// A table, in order.
    Table(Vec<(String, Tree)>),
}

impl Tree {
    /// A literal text.
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Text(Text::plain(text))
    }

    /// A whole number.
    pub(super) fn number(number: impl ToString) -> Self {
        Self::Number(number.to_string())
    }

    /// A table with one key.
    pub(super) fn one(key: &str, value: Tree) -> Self {
        Self::Table(vec![(key.to_owned(), value)])
    }

    /// JSON as it is: braces in its texts are literal.
    pub(super) fn of_json(json: &Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(truth) => Self::Bool(*truth),
            Json::Number(number) => Self::Number(number.to_string()),
            Json::String(text) => Self::text(text.clone()),
            Json::Array(items) => Self::List(items.iter().map(Self::of_json).collect()),
            Json::Object(members) => Self::Table(
                members.iter().map(|(key, value)| (key.clone(), Self::of_json(value))).collect(),
            ),
        }
    }

    /// Whether TOML can say it.
    pub(super) fn is_toml(&self) -> bool {
        self.fits(DEEPEST)
    }

    fn fits(&self, depth: usize) -> bool {
        match self {
            Self::Null | Self::Hole(_) => false,
            Self::Bool(_) | Self::Text(_) => true,
            Self::Number(number) => {
                if number.contains(['.', 'e', 'E']) {
                    number.parse::<f64>().is_ok_and(f64::is_finite)
                } else {
                    number.parse::<i64>().is_ok()
                }
            }
            Self::List(items) => depth > 0 && items.iter().all(|item| item.fits(depth - 1)),
            Self::Table(members) => depth > 0 && members.iter().all(|(_, v)| v.fits(depth - 1)),
        }
    }

    /// The value on one line (but for texts that have several).
    pub(super) fn inline(&self) -> String {
        match self {
            Self::Null | Self::Hole(_) => "\"\"".to_owned(),
            Self::Bool(truth) => truth.to_string(),
            Self::Number(number) => toml_text::number(number),
            Self::Text(text) => toml_text::quoted(&text.template()),
            Self::List(items) => {
                let items: Vec<String> = items.iter().map(Self::inline).collect();
                format!("[{}]", items.join(", "))
            }
            Self::Table(members) if members.is_empty() => "{}".to_owned(),
            Self::Table(members) => {
                let members: Vec<String> = members
                    .iter()
                    .map(|(key, value)| format!("{} = {}", toml_text::key(key), value.inline()))
                    .collect();
                format!("{{ {} }}", members.join(", "))
            }
        }
    }

    /// The value as JSON text for a template, two spaces a level.
    pub(super) fn json(&self) -> Text {
        let mut text = Text::default();
        self.write_json(0, &mut text);
        text
    }

    fn write_json(&self, level: usize, out: &mut Text) {
        use super::text::Piece::{Name, Plain};
        let indent = |level: usize| "  ".repeat(level);
        match self {
            Self::Null => out.push(Plain("null".into())),
            Self::Bool(truth) => out.push(Plain(truth.to_string())),
            Self::Number(number) => out.push(Plain(number.clone())),
            Self::Hole(name) => out.push(Name(name.clone())),
            Self::Text(text) => write_text(text, out),
            Self::List(items) if items.is_empty() => out.push(Plain("[]".into())),
            Self::Table(members) if members.is_empty() => out.push(Plain("{}".into())),
            Self::List(items) => {
                for (at, item) in items.iter().enumerate() {
                    let before = if at == 0 { "[\n" } else { ",\n" };
                    out.push(Plain(format!("{before}{}", indent(level + 1))));
                    item.write_json(level + 1, out);
                }
                out.push(Plain(format!("\n{}]", indent(level))));
            }
            Self::Table(members) => {
                for (at, (key, value)) in members.iter().enumerate() {
                    let before = if at == 0 { "{\n" } else { ",\n" };
                    let key = Json::String(key.clone());
                    out.push(Plain(format!("{before}{}{key}: ", indent(level + 1))));
                    value.write_json(level + 1, out);
                }
                out.push(Plain(format!("\n{}}}", indent(level))));
            }
        }
    }

    /// Every text and hole in it, however deep.
    pub(super) fn each_text(&mut self, with: &mut impl FnMut(&mut Text)) {
        match self {
            Self::Text(text) => with(text),
            Self::List(items) => items.iter_mut().for_each(|item| item.each_text(with)),
            Self::Table(members) => members.iter_mut().for_each(|(_, v)| v.each_text(with)),
            Self::Hole(name) => {
                let mut text = Text::name(name.clone());
                with(&mut text);
                if let Some(new) = text.names().next() {
                    *name = new.to_owned();
                }
            }
            _ => {}
        }
    }
}

/// A text between quotes: its literal parts escaped as JSON has it.
fn write_text(text: &Text, out: &mut Text) {
    use super::text::Piece::Plain;
    out.push(Plain("\"".into()));
    for piece in &text.0 {
        match piece {
            Plain(literal) => {
                let quoted = Json::String(literal.clone()).to_string();
                out.push(Plain(quoted[1..quoted.len() - 1].to_owned()));
            }
            piece => out.push(piece.clone()),
        }
    }
    out.push(Plain("\"".into()));
}

/// Marks around the number of a hole while its text is read as JSON: characters for private use, of which no text has any.
const OPEN: char = '\u{F8F0}';
const CLOSE: char = '\u{F8F1}';

impl Tree {
    /// A text with holes read as JSON; none if it is none. A hole outside of quotes stays one.
    pub(super) fn parse(text: &Text) -> Option<Self> {
        use super::text::Piece::Plain;
        let mut json = String::new();
        let (mut quoted, mut escaped) = (false, false);
        for (at, piece) in text.0.iter().enumerate() {
            if let Plain(plain) = piece {
                if plain.contains([OPEN, CLOSE]) {
                    return None;
                }
                for c in plain.chars() {
                    match c {
                        _ if escaped => escaped = false,
                        '\\' if quoted => escaped = true,
                        '"' => quoted = !quoted,
                        _ => {}
                    }
                }
                json.push_str(plain);
            } else if quoted {
                json.push_str(&format!("{OPEN}{at}{CLOSE}"));
            } else {
                json.push_str(&format!("\"{OPEN}{OPEN}{at}{CLOSE}\""));
            }
        }
        let parsed: Json = serde_json::from_str(&json).ok()?;
        let mut tree = Self::of_json(&parsed);
        let plain = text.0.iter().all(|piece| matches!(piece, Plain(_)));
        (plain || tree.refill(text)).then_some(tree)
    }

    /// Puts the holes back; false where one stands in a key.
    fn refill(&mut self, from: &Text) -> bool {
        match self {
            Self::Text(text) => {
                let Some(plain) = text.as_plain().filter(|plain| plain.contains(OPEN)) else {
                    return true;
                };
                let bare = plain.strip_prefix(OPEN).and_then(|rest| rest.strip_prefix(OPEN));
                if let Some(at) = bare.and_then(|rest| rest.strip_suffix(CLOSE)) {
                    let Some(super::text::Piece::Name(name)) =
                        at.parse::<usize>().ok().and_then(|at| from.0.get(at))
                    else {
                        return false;
                    };
                    *self = Self::Hole(name.clone());
                    return true;
                }
                let mut filled = Text::default();
                for part in plain.split_inclusive(CLOSE) {
                    let (before, hole) = part.split_once(OPEN).unwrap_or((part, ""));
                    filled.push(super::text::Piece::Plain(before.to_owned()));
                    let at = hole.strip_suffix(CLOSE).and_then(|at| at.parse::<usize>().ok());
                    if let Some(piece) = at.and_then(|at| from.0.get(at)) {
                        filled.push(piece.clone());
                    }
                }
                *text = filled;
                true
            }
            Self::List(items) => items.iter_mut().all(|item| item.refill(from)),
            Self::Table(members) => {
                members.iter_mut().all(|(key, value)| !key.contains(OPEN) && value.refill(from))
            }
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::text::Piece;

    #[test]
    fn json_with_holes() {
        let mut text = Text::plain("{\"a\": \"x ");
        text.push(Piece::Name("one".into()));
        text.push(Piece::Plain("\", \"b\": [".into()));
        text.push(Piece::Name("two".into()));
        text.push(Piece::Plain(", 1.5, null]}".into()));
        let tree = Tree::parse(&text).unwrap();
        assert!(!tree.is_toml());
        assert_eq!(
            tree.json().template(),
            "{\n  \"a\": \"x {{one}}\",\n  \"b\": [\n    {{two}},\n    1.5,\n    null\n  ]\n}"
        );
        assert!(Tree::parse(&Text::plain("{a}")).is_none());
        let easy = Tree::parse(&Text::plain("{\"a b\": [1, {\"c\": \"'\"}]}")).unwrap();
        assert_eq!(easy.inline(), "{ \"a b\" = [1, { c = \"'\" }] }");
        assert!(!Tree::parse(&Text::plain("[".repeat(60) + &"]".repeat(60))).unwrap().is_toml());
    }
}
