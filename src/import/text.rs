//! Text with holes that are filled in when the journey is walked.

/// One piece of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// As it is.
    Plain(String),
    /// `{{name}}`.
    Name(String),
    /// `{{urlencode name}}`.
    Encoded(String),
    /// Another expression, written between the braces as it is.
    Call(String),
}

/// A text whose literal parts cannot be mistaken for templates: they are escaped when it is written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Text(pub(super) Vec<Piece>);

impl Text {
    /// A literal text.
    pub(super) fn plain(text: impl Into<String>) -> Self {
        let text = text.into();
        Self(if text.is_empty() { Vec::new() } else { vec![Piece::Plain(text)] })
    }

    /// The two halves of `user:password`, either of which may have holes.
    pub(super) fn split_user(&self) -> (Self, Self) {
        let (mut user, mut password, mut behind) = (Self::default(), Self::default(), false);
        for piece in &self.0 {
            match piece {
                Piece::Plain(plain) if !behind => match plain.split_once(':') {
                    Some((before, after)) => {
                        user.push(Piece::Plain(before.to_owned()));
                        password.push(Piece::Plain(after.to_owned()));
                        behind = true;
                    }
                    None => user.push(piece.clone()),
                },
                piece if behind => password.push(piece.clone()),
                piece => user.push(piece.clone()),
            }
        }
        (user, password)
    }

    /// One variable alone.
    pub(super) fn name(name: impl Into<String>) -> Self {
        Self(vec![Piece::Name(name.into())])
    }

    /// Appends a piece; neighbouring literals become one.
    pub(super) fn push(&mut self, piece: Piece) {
        match (self.0.last_mut(), piece) {
            (_, Piece::Plain(text)) if text.is_empty() => {}
            (Some(Piece::Plain(last)), Piece::Plain(text)) => last.push_str(&text),
            (_, piece) => self.0.push(piece),
        }
    }

    /// The literal text, if nothing is to be filled in.
    pub(super) fn as_plain(&self) -> Option<&str> {
        match &self.0[..] {
            [] => Some(""),
            [Piece::Plain(text)] => Some(text),
            _ => None,
        }
    }

    /// The variables it reads.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Name(name) | Piece::Encoded(name) => Some(name.as_str()),
            _ => None,
        })
    }

    /// Whether nothing stands in it.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Alters every literal piece into pieces.
    pub(super) fn split(&mut self, mut into: impl FnMut(&str) -> Vec<Piece>) {
        let mut made = Self::default();
        for piece in std::mem::take(&mut self.0) {
            match piece {
                Piece::Plain(text) => into(&text).into_iter().for_each(|piece| made.push(piece)),
                piece => made.push(piece),
            }
        }
        *self = made;
    }

    /// Gives variables other names.
    pub(super) fn rename(&mut self, new: &impl Fn(&str) -> Option<String>) {
        for piece in &mut self.0 {
            if let Piece::Name(name) | Piece::Encoded(name) = piece
                && let Some(other) = new(name)
            {
                *name = other;
            }
        }
    }

    /// Takes a literal beginning away, if it has this one.
    pub(super) fn strip_prefix(&mut self, prefix: &str) -> bool {
        let Some(Piece::Plain(first)) = self.0.first_mut() else { return false };
        let Some(rest) = first.strip_prefix(prefix).map(str::to_owned) else { return false };
        if rest.is_empty() {
            self.0.remove(0);
        } else {
            *first = rest;
        }
        true
    }

    /// The template as it is written: handlebars, with literal braces escaped.
    pub(super) fn template(&self) -> String {
        let mut out = String::new();
        for piece in &self.0 {
            let expression = match piece {
                Piece::Plain(text) => {
                    literal(text, &mut out);
                    continue;
                }
                Piece::Name(name) => name.clone(),
                Piece::Encoded(name) => format!("urlencode {name}"),
                Piece::Call(expression) => expression.clone(),
            };
            // A brace or backslash right before the hole would belong to it: a blank that the hole eats stands between.
            let parted = if out.ends_with(['{', '\\']) { " {{~" } else { "{{" };
            out.push_str(parted);
            out.push_str(&expression);
            out.push_str("}}");
        }
        out
    }

    /// The text for people: literals as they are, holes as `{name}`.
    pub(super) fn shown(&self) -> String {
        self.0
            .iter()
            .map(|piece| match piece {
                Piece::Plain(text) => text.clone(),
                Piece::Name(name) | Piece::Encoded(name) | Piece::Call(name) => {
                    format!("{{{name}}}")
                }
            })
            .collect()
    }
}

/// Writes a literal so that handlebars gives it back: two braces with a backslash before them, and nothing at all between that and
/// a backslash of the text.
fn literal(text: &str, out: &mut String) {
    let mut rest = text;
    while let Some(at) = rest.find("{{") {
        out.push_str(&rest[..at]);
        if out.ends_with('\\') {
            out.push_str(" {{~#if true}}{{/if}}");
        }
        out.push_str("\\{{");
        rest = &rest[at + 2..];
    }
    out.push_str(rest);
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::plain(text)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::render::Template;

    fn filled(text: &Text) -> String {
        let vars = BTreeMap::from([("x".to_owned(), "V/1".to_owned())]);
        let template = crate::model::Text(text.template());
        Template::compile(&template)
            .unwrap_or_else(|fault| panic!("{template}: {fault}"))
            .fill(&vars)
            .unwrap()
    }

    #[test]
    fn literals_come_back_as_they_are() {
        for text in ["a{{b}}", "{{{x}}}", "\\{{x}}", "}}", "{", "C:\\{{", "{{{{raw}}}}"] {
            assert_eq!(filled(&Text::plain(text)), text);
        }
        let mut text = Text::plain("{");
        text.push(Piece::Name("x".into()));
        text.push(Piece::Plain("}\\".into()));
        text.push(Piece::Encoded("x".into()));
        assert_eq!(filled(&text), "{V/1}\\V%2F1");
    }

    proptest! {
        #[test]
        fn any_literal_around_a_hole(before in "[{}\\\\ab \n]{0,12}", after in "[{}\\\\ab \n]{0,12}") {
            let mut text = Text::plain(before.clone());
            text.push(Piece::Name("x".into()));
            text.push(Piece::Plain(after.clone()));
            prop_assert_eq!(filled(&text), format!("{before}V/1{after}"));
        }
    }
}
