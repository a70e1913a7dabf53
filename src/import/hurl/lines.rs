//! The pieces of a hurl file's lines: texts with templates, quoted strings, words (<https://hurl.dev/docs/grammar.html>).

use crate::import::{
    names,
    text::{Piece, Text},
};

/// Reads a text that is not quoted, up to a comment: escapes (`\#`, `\u{41}`) and `{{templates}}`.
pub(super) fn value(line: &str) -> Text {
    template(without_comment(line).trim(), true)
}

/// A line without its comment: ` #` or a `#` at its beginning.
pub(super) fn without_comment(line: &str) -> &str {
    let mut escaped = false;
    let mut quoted = false;
    for (at, c) in line.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            '#' if !quoted && line[..at].chars().next_back().is_none_or(char::is_whitespace) => {
                return &line[..at];
            }
            _ => {}
        }
    }
    line
}

/// A text with templates; escapes are undone where the text has them.
pub(super) fn template(text: &str, escapes: bool) -> Text {
    let mut out = Text::default();
    let mut rest = text;
    while let Some(open) = rest.find("{{") {
        let Some(close) = rest[open..].find("}}").map(|at| open + at) else { break };
        let before = if escapes { unescape(&rest[..open]) } else { rest[..open].to_owned() };
        out.push(Piece::Plain(before));
        out.push(hole(rest[open + 2..close].trim()));
        rest = &rest[close + 2..];
    }
    out.push(Piece::Plain(if escapes { unescape(rest) } else { rest.to_owned() }));
    out
}

/// A variable, or one of hurl's functions: a fresh id is the run's, a date cannot be made.
fn hole(expression: &str) -> Piece {
    match expression {
        "newUuid" => Piece::Name("run_id".to_owned()),
        "newDate" => Piece::Name("now".to_owned()),
        name => Piece::Name(names::variable(name.split_whitespace().next().unwrap_or("value"))),
    }
}

fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('r') => out.push('\r'),
            Some('b') => out.push('\u{8}'),
            Some('f') => out.push('\u{c}'),
            Some('u') if chars.next_if_eq(&'{').is_some() => {
                let mut code = String::new();
                while let Some(c) = chars.next_if(|c| *c != '}') {
                    code.push(c);
                }
                chars.next();
                out.extend(u32::from_str_radix(&code, 16).ok().and_then(char::from_u32));
            }
            Some(c) => out.push(c),
            None => out.push('\\'),
        }
    }
    out
}

/// `key: value`, the key as a literal.
pub(super) fn pair(line: &str) -> Option<(String, Text)> {
    let line = without_comment(line);
    let colon = colon(line)?;
    let key = template(line[..colon].trim(), true).as_plain()?.to_owned();
    (!key.is_empty()).then(|| (key, template(line[colon + 1..].trim(), true)))
}

/// The first colon that is neither escaped nor in a template.
fn colon(line: &str) -> Option<usize> {
    let (mut escaped, mut depth) = (false, 0);
    for (at, c) in line.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '{' => depth += 1,
            '}' => depth -= 1,
            ':' if depth <= 0 => return Some(at),
            _ => {}
        }
    }
    None
}

/// One word of a query, filter or predicate.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Word {
    /// `jsonpath`, `==`, `200`, `true`.
    Bare(String),
    /// `"…"`, `` `…` ``.
    Quoted(Text),
    /// `/…/`.
    Pattern(String),
}

/// The words of a line; none where a quote is left open.
pub(super) fn words(line: &str) -> Option<Vec<Word>> {
    let mut words = Vec::new();
    let mut rest = line.trim_start();
    while let Some(first) = rest.chars().next() {
        match first {
            '#' => break,
            '"' | '`' | '/' => {
                let end = closing(&rest[1..], first)?;
                let inside = &rest[1..=end];
                words.push(match first {
                    '"' => Word::Quoted(template(inside, true)),
                    '`' => Word::Quoted(template(inside, false)),
                    _ => Word::Pattern(inside.replace("\\/", "/")),
                });
                rest = &rest[end + 2..];
            }
            _ => {
                let mut end = rest.find(char::is_whitespace).unwrap_or(rest.len());
                if rest.starts_with("{{") {
                    end = rest.find("}}").map_or(end, |at| at + 2);
                    words.push(Word::Quoted(template(&rest[..end], false)));
                } else {
                    words.push(Word::Bare(rest[..end].to_owned()));
                }
                rest = &rest[end..];
            }
        }
        rest = rest.trim_start();
    }
    Some(words)
}

/// The byte before the closing mark, counted from behind the opening one.
fn closing(text: &str, mark: char) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if mark != '`' => escaped = true,
            c if c == mark => return Some(at),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_fall_into_words() {
        let shown = |line: &str| format!("{:?}", words(line).unwrap());
        assert_eq!(
            shown("jsonpath \"$.a\\\"b\" regex /a\\/b/ not == {{x}} # end"),
            "[Bare(\"jsonpath\"), Quoted(Text([Plain(\"$.a\\\"b\")])), Bare(\"regex\"), Pattern(\"a/b\"), Bare(\"not\"), Bare(\"==\"), Quoted(Text([Name(\"x\")]))]"
        );
        assert_eq!(words("header \"open"), None);
        assert_eq!(shown("a \"\" ``"), "[Bare(\"a\"), Quoted(Text([])), Quoted(Text([]))]");
        let (key, value) = pair("x\\:y: {{a:b}} c \\# d # e").unwrap();
        assert_eq!((key.as_str(), value.template().as_str()), ("x:y", "{{a_b}} c # d"));
    }
}
