//! The words that predicates are written with: a row for each, by which it is read here and explained to editors.

/// What a predicate is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::config) enum Takes {
    /// A text, a number, true or false.
    Literal,
    /// A text, perhaps a template.
    Text,
    /// A regular expression.
    Pattern,
    /// True or false.
    Truth,
    /// A number, time, date or size.
    Limit,
    /// Two of these.
    Limits,
    /// A list of texts, numbers and truth values.
    Literals,
    /// A JSON schema, or its file.
    Schema,
}

/// A predicate.
pub(in crate::config) struct Key {
    /// Its key.
    pub(in crate::config) key: &'static str,
    /// The key of its negation.
    pub(in crate::config) negated: &'static str,
    /// What it is told.
    pub(in crate::config) takes: Takes,
    /// Whether it fits a number of answers.
    pub(in crate::config) counts: bool,
    /// A sentence for people.
    pub(in crate::config) about: &'static str,
}

const fn key(
    (key, negated): (&'static str, &'static str),
    takes: Takes,
    counts: bool,
    about: &'static str,
) -> Key {
    Key { key, negated, takes, counts, about }
}

/// All predicates.
#[rustfmt::skip]
pub(in crate::config) const KEYS: [Key; 23] = [
    key(("equals", "not_equals"), Takes::Literal, true, "It is equal to this: number to number, text to text."),
    key(("contains", "not_contains"), Takes::Text, false, "The text contains this one, or the list an element that is equal to it."),
    key(("starts_with", "not_starts_with"), Takes::Text, false, "The text begins with this one."),
    key(("ends_with", "not_ends_with"), Takes::Text, false, "The text ends with this one."),
    key(("matches", "not_matches"), Takes::Pattern, false, "This regular expression matches somewhere in the text."),
    key(("exists", "not_exists"), Takes::Truth, false, "There is a value (`true`), or there is none (`false`)."),
    key(("is_empty", "not_is_empty"), Takes::Truth, false, "A text, list or object with nothing in it, null, or no value at all."),
    key(("above", "not_above"), Takes::Limit, true, "It is more than this."),
    key(("below", "not_below"), Takes::Limit, true, "It is less than this."),
    key(("at_least", "not_at_least"), Takes::Limit, true, "It is this or more."),
    key(("at_most", "not_at_most"), Takes::Limit, true, "It is this or less."),
    key(("between", "not_between"), Takes::Limits, true, "`[low, high]`: it is not less than the first and not more than the second."),
    key(("one_of", "not_one_of"), Takes::Literals, true, "It is equal to one of these."),
    key(("schema", "not_schema"), Takes::Schema, false, "The JSON value is as this JSON Schema (2020-12) says: a table, or a file below the folder of this one."),
    key(("is_number", "not_is_number"), Takes::Truth, false, "It is a number."),
    key(("is_integer", "not_is_integer"), Takes::Truth, false, "It is a whole number."),
    key(("is_boolean", "not_is_boolean"), Takes::Truth, false, "It is true or false."),
    key(("is_text", "not_is_text"), Takes::Truth, false, "It is a text."),
    key(("is_list", "not_is_list"), Takes::Truth, false, "It is a list."),
    key(("is_object", "not_is_object"), Takes::Truth, false, "It is a JSON object."),
    key(("is_null", "not_is_null"), Takes::Truth, false, "It is null."),
    key(("is_date", "not_is_date"), Takes::Truth, false, "It is a date: RFC 3339, or as HTTP writes dates."),
    key(("is_uuid", "not_is_uuid"), Takes::Truth, false, "It is a UUID (RFC 9562)."),
];
