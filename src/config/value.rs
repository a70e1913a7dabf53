//! One value of a file, read as what is expected; anything else is noted.

use std::{ops::Range, time::Duration};

use serde_json::{Number, Value};
use toml::de::DeValue;

use super::{
    names::{self, NameOf},
    page::{Note, Page},
    reader::Reader,
    units,
};
use crate::model::Text;

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct At<T> {
    pub(super) value: T,
    pub(super) span: Range<usize>,
}

/// One value of a file with its key.
#[derive(Clone)]
pub(super) struct Entry<'t> {
    pub(super) page: &'t Page<'t>,
    /// The key as written; an element of a list carries the list's.
    pub(super) key: &'t str,
    pub(super) key_span: Range<usize>,
    pub(super) span: Range<usize>,
    pub(super) value: &'t DeValue<'t>,
}

impl<'t> Entry<'t> {
    /// Notes that the value is not what it should be: "a time such as "20s"".
    pub(super) fn wrong_type<T>(&self, wanted: &str) -> Option<T> {
        self.wrong_type_but(wanted, None)
    }

    /// The same with advice.
    fn wrong_type_but<T>(&self, wanted: &str, advice: Option<String>) -> Option<T> {
        let found = match self.value {
            DeValue::String(_) => "a text",
            DeValue::Integer(_) => "an integer",
            DeValue::Float(_) => "a decimal number",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        let note = Note::new(self.span.clone(), format!("`{}` must be {wanted}", self.key));
        self.page.note(note.label(format!("this is {found}")).maybe_help(advice));
        None
    }

    /// Notes a fault of the value.
    pub(super) fn refuse<T>(&self, note: Note) -> Option<T> {
        self.page.note(note);
        None
    }

    /// A fault at this value.
    pub(super) fn fault(&self, message: impl Into<String>) -> Note {
        Note::new(self.span.clone(), message)
    }

    fn at<T>(&self, value: T) -> At<T> {
        At { value, span: self.span.clone() }
    }

    /// Whether it is a text.
    pub(super) fn is_text(&self) -> bool {
        matches!(self.value, DeValue::String(_))
    }

    /// A text with something in it.
    pub(super) fn text(&self) -> Option<At<String>> {
        match self.value {
            DeValue::String(text) if text.trim().is_empty() => {
                self.refuse(self.fault(format!("`{}` is empty", self.key)).label("nothing in it"))
            }
            DeValue::String(text) => Some(self.at(text.to_string())),
            _ => self.wrong_type("a text"),
        }
    }

    /// A text that may be empty.
    pub(super) fn any_text(&self) -> Option<At<String>> {
        match self.value {
            DeValue::String(text) => Some(self.at(text.to_string())),
            _ => self.wrong_type("a text"),
        }
    }

    /// A text, or a number or truth value written as one.
    pub(super) fn scalar(&self) -> Option<At<String>> {
        match self.value {
            DeValue::String(text) => Some(self.at(text.to_string())),
            DeValue::Boolean(truth) => Some(self.at(truth.to_string())),
            DeValue::Integer(_) | DeValue::Float(_) => {
                self.json().map(|number| self.at(number.to_string()))
            }
            _ => self.wrong_type("a text or a number"),
        }
    }

    /// A template: a text, or a number or truth value written as one.
    pub(super) fn template(&self) -> Option<At<Text>> {
        self.scalar().map(|text| At { value: Text(text.value), span: text.span })
    }

    /// A name of the given kind.
    pub(super) fn name(&self, kind: NameOf) -> Option<At<String>> {
        let name = self.text()?;
        match names::fault(kind, &name.value) {
            Some(rule) => self.refuse(
                self.fault(format!("`{}` cannot be a name", name.value.escape_debug()))
                    .label("not a name")
                    .help(format!("allowed: {rule}")),
            ),
            None => Some(name),
        }
    }

    /// The key itself as a name of the given kind.
    pub(super) fn key_name(&self, kind: NameOf) -> Option<String> {
        let rule = if self.key.is_empty() {
            Some("at least one character")
        } else {
            names::fault(kind, self.key)
        };
        let Some(rule) = rule else { return Some(self.key.to_owned()) };
        let note = Note::new(
            self.key_span.clone(),
            format!("`{}` cannot be a name", self.key.escape_debug()),
        );
        self.refuse(note.label("not a name").help(format!("allowed: {rule}")))
    }

    /// A truth value.
    pub(super) fn boolean(&self) -> Option<At<bool>> {
        match self.value {
            DeValue::Boolean(truth) => Some(self.at(*truth)),
            _ => self.wrong_type("true or false"),
        }
    }

    /// A number, whole or not.
    pub(super) fn number(&self) -> Option<At<f64>> {
        let number = match self.value {
            DeValue::Integer(_) => self.whole().map(|n| {
                #[expect(clippy::cast_precision_loss, reason = "limits need no more than 53 bits")]
                let number = n as f64;
                number
            }),
            DeValue::Float(float) => float.as_str().parse().ok().filter(|n: &f64| n.is_finite()),
            _ => return self.wrong_type("a number"),
        };
        match number {
            Some(number) => Some(self.at(number)),
            None => self.wrong_type("a number within reason"),
        }
    }

    fn whole(&self) -> Option<i64> {
        match self.value {
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok(),
            _ => None,
        }
    }

    /// A whole number between two limits, both included.
    pub(super) fn count(&self, limits: Range<u64>) -> Option<At<u64>> {
        let wanted = format!("a whole number from {} to {}", limits.start, limits.end);
        let DeValue::Integer(_) = self.value else { return self.wrong_type(&wanted) };
        match self.whole().and_then(|n| u64::try_from(n).ok()) {
            Some(number) if (limits.start..=limits.end).contains(&number) => Some(self.at(number)),
            _ => self.refuse(
                self.fault(format!("`{}` must be {wanted}", self.key)).label("out of bounds"),
            ),
        }
    }

    /// A time with a unit, between two limits, both included.
    pub(super) fn duration(&self, limits: Range<Duration>) -> Option<At<Duration>> {
        let time = self.time_within(&limits)?;
        if time.value < limits.start {
            let shortest = units::spell(limits.start);
            return self.refuse(
                self.fault(format!("`{}` must be at least {shortest}", self.key))
                    .label("too short"),
            );
        }
        if time.value > limits.end {
            let longest = units::spell(limits.end);
            return self.refuse(
                self.fault(format!("`{}` must be at most {longest}", self.key)).label("too long"),
            );
        }
        Some(time)
    }

    /// A time with a unit.
    pub(super) fn any_duration(&self) -> Option<At<Duration>> {
        self.time_within(&(Duration::ZERO..Duration::MAX))
    }

    /// A time with a unit; where that is missing, those are proposed that stay within the limits.
    pub(super) fn time_within(&self, limits: &Range<Duration>) -> Option<At<Duration>> {
        match self.value {
            DeValue::String(text) => self.unit(units::duration_within(text, limits)),
            _ => {
                let number = self.json().filter(Value::is_number).map(|n| n.to_string());
                let units = number.map(|n| units::with_units(&n, limits, "\"")).unwrap_or_default();
                let advice = (!units.is_empty()).then(|| format!("write {units}"));
                self.wrong_type_but("a time with a unit, such as \"20s\"", advice)
            }
        }
    }

    /// A percentage as a share, above 0 and up to a limit.
    pub(super) fn percent(&self, most: f64) -> Option<At<f64>> {
        let DeValue::String(text) = self.value else {
            return self.wrong_type("a percentage, such as \"20%\"");
        };
        let share = self.unit(units::percent(text))?;
        if share.value > 0.0 && share.value <= most {
            return Some(share);
        }
        let limits = format!("`{}` must be above 0% and at most {}%", self.key, most * 100.0);
        self.refuse(self.fault(limits).label("impossible"))
    }

    /// A size in bytes, with a unit, between two limits, both included.
    pub(super) fn size(&self, limits: Range<u64>) -> Option<At<u64>> {
        let DeValue::String(text) = self.value else {
            return self.wrong_type("a size with a unit, such as \"10MB\"");
        };
        let size = self.unit(units::size(text))?;
        if (limits.start..=limits.end).contains(&size.value) {
            return Some(size);
        }
        let limits =
            format!("`{}` must be from {} to {} bytes", self.key, limits.start, limits.end);
        self.refuse(self.fault(limits).label("out of bounds"))
    }

    fn unit<T>(&self, read: Result<T, String>) -> Option<At<T>> {
        match read {
            Ok(value) => Some(self.at(value)),
            Err(fault) => {
                let (message, help) = fault.split_once("; ").unwrap_or((&fault, ""));
                let note = self.fault(format!("`{}`: {message}", self.key)).label("cannot be read");
                self.refuse(note.maybe_help((!help.is_empty()).then(|| help.to_owned())))
            }
        }
    }

    /// The elements of a list.
    pub(super) fn elements(&self, wanted: &str) -> Option<Vec<Entry<'t>>> {
        let DeValue::Array(array) = self.value else { return self.wrong_type(wanted) };
        let element = |item: &'t toml::Spanned<DeValue<'t>>| Entry {
            span: item.span(),
            value: item.get_ref(),
            ..self.clone()
        };
        Some(array.iter().map(element).collect())
    }

    /// A list of names without one that stands twice.
    pub(super) fn names(&self, kind: NameOf) -> Option<Vec<At<String>>> {
        if let DeValue::String(one) = self.value {
            let advice = format!("write `{} = [\"{}\"]`", self.key, one.escape_debug());
            return self.wrong_type_but("a list of names", Some(advice));
        }
        let mut names: Vec<At<String>> = Vec::new();
        for name in self.elements("a list of names")?.iter().filter_map(|e| e.name(kind)) {
            if names.iter().any(|known| known.value == name.value) {
                let note = Note::new(
                    name.span,
                    format!("`{}` stands twice in `{}`", name.value, self.key),
                );
                self.page.note(note.label("again"));
            } else {
                names.push(name);
            }
        }
        Some(names)
    }

    /// A table, called `name` in messages.
    pub(super) fn table(&self, name: impl Into<String>) -> Option<Reader<'t>> {
        match self.value {
            DeValue::Table(table) => {
                Some(Reader::new(self.page, table, name.into(), self.span.clone()))
            }
            _ => self.wrong_type("a table"),
        }
    }

    /// The value as JSON; a date becomes its text.
    pub(super) fn json(&self) -> Option<Value> {
        Some(match self.value {
            DeValue::String(text) => Value::String(text.to_string()),
            DeValue::Boolean(truth) => Value::Bool(*truth),
            DeValue::Datetime(date) => Value::String(date.to_string()),
            DeValue::Integer(_) => match self.whole() {
                Some(number) => Value::Number(number.into()),
                None => return self.wrong_type("a number of at most 64 bits"),
            },
            DeValue::Float(float) => match float.as_str().parse().ok().and_then(Number::from_f64) {
                Some(number) => Value::Number(number),
                None => return self.wrong_type("a number that JSON knows"),
            },
            DeValue::Array(_) => {
                let items = self.elements("a list")?;
                Value::Array(items.iter().map(Entry::json).collect::<Option<_>>()?)
            }
            DeValue::Table(_) => {
                let table = self.table(self.key)?;
                let members =
                    table.entries().into_iter().map(|e| Some((e.key.to_owned(), e.json()?)));
                Value::Object(members.collect::<Option<_>>()?)
            }
        })
    }

    /// Every text in the value, however deep, as a template.
    pub(super) fn texts_within(&self, found: &mut Vec<At<Text>>) {
        match self.value {
            DeValue::String(text) => found.push(self.at(Text(text.to_string()))),
            DeValue::Array(_) => {
                for item in self.elements("a list").unwrap_or_default() {
                    item.texts_within(found);
                }
            }
            DeValue::Table(_) => {
                for entry in self.table(self.key).map(|t| t.entries()).unwrap_or_default() {
                    entry.texts_within(found);
                }
            }
            _ => {}
        }
    }
}
