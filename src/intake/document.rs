//! A stranger's JSON, looked at by paths; what is missing or of another type is none.

use jiff::Timestamp;
use serde_json::Value;

use super::{IntakeFault, time};

const NULL: &Value = &Value::Null;

/// A part of a document.
#[derive(Debug, Clone, Copy)]
pub(super) struct Document<'a>(pub(super) &'a Value);

impl<'a> Document<'a> {
    /// The part at a path of keys with dots between them; null where there is none.
    pub(super) fn at(self, path: &str) -> Self {
        let mut value = self.0;
        for key in path.split('.') {
            value = value.get(key).unwrap_or(NULL);
        }
        Self(value)
    }

    /// The part of one key, which may have dots in it.
    pub(super) fn key(self, key: &str) -> Self {
        Self(self.0.get(key).unwrap_or(NULL))
    }

    /// A text with something in it.
    pub(super) fn text(self) -> Option<&'a str> {
        self.0.as_str().map(str::trim).filter(|text| !text.is_empty())
    }

    /// A text or a number as one.
    pub(super) fn word(self) -> Option<String> {
        match self.0 {
            Value::Number(number) => Some(number.to_string()),
            _ => self.text().map(str::to_owned),
        }
    }

    /// A time in any form.
    pub(super) fn time(self) -> Option<Timestamp> {
        time::read(self.0)
    }

    /// A truth value.
    pub(super) fn truth(self) -> Option<bool> {
        self.0.as_bool()
    }

    /// The elements of a list; none of anything else.
    pub(super) fn items(self) -> impl Iterator<Item = Document<'a>> {
        self.0.as_array().map(Vec::as_slice).unwrap_or_default().iter().map(Document)
    }

    /// The members of an object; none of anything else.
    pub(super) fn members(self) -> impl Iterator<Item = (&'a str, Document<'a>)> {
        self.0.as_object().into_iter().flatten().map(|(key, value)| (&**key, Document(value)))
    }

    /// Whether nothing is there.
    pub(super) fn is_missing(self) -> bool {
        self.0.is_null()
    }

    /// A text or number that must be there.
    pub(super) fn need(self, path: &str) -> Result<String, IntakeFault> {
        let part = self.at(path);
        part.word().ok_or_else(|| part.fault(path, "a text"))
    }

    /// An object that must be there.
    pub(super) fn need_object(self, path: &str) -> Result<Self, IntakeFault> {
        let part = self.at(path);
        if part.0.is_object() { Ok(part) } else { Err(part.fault(path, "an object")) }
    }

    /// What is wrong with the part at a path.
    pub(super) fn fault(self, path: &str, wanted: &str) -> IntakeFault {
        let message = if self.is_missing() {
            format!("`{path}` is missing")
        } else {
            format!("`{path}` is {}, not {wanted}", self.type_name())
        };
        IntakeFault::new(message, "send the body as the sender makes it")
    }

    /// What it is, for a message.
    pub(super) fn type_name(self) -> &'static str {
        match self.0 {
            Value::Null => "null",
            Value::Bool(_) => "a truth value",
            Value::Number(_) => "a number",
            Value::String(text) if text.trim().is_empty() => "an empty text",
            Value::String(_) => "a text",
            Value::Array(_) => "a list",
            Value::Object(_) => "an object",
        }
    }
}
