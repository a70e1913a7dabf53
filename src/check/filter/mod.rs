//! Filters: what is made of a found value before it is judged or kept.
//!
//! A filter is one row of [`TABLE`] and one function below this folder. It looks at one value, or at all that were found. A filter over
//! nothing finds nothing; only `count` makes a number of it.

mod coding;
mod convert;
mod dates;
mod find;
mod select;
mod text;

use jiff::Timestamp;

pub(super) use dates::days_between;

use super::{
    find::{Found, GOT},
    kind::Kind,
    node::Node,
};
use crate::model::{Argument, Filter};

/// What a filter is told in a journey.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// Nothing: `"trim"`.
    Nothing,
    /// A text that may be left out: `"to_date"`, `{ to_date = "%Y" }`.
    MaybeText,
    /// A text: `{ split = "," }`.
    Text,
    /// A text, and an `attribute` beside it that may be left out: `{ css = "a", attribute = "href" }`.
    TextAndAttribute,
    /// A whole number, not below 0: `{ nth = 2 }`.
    Number,
    /// Two texts: `{ replace = ["a", "b"] }`.
    Pair,
}

/// Why a filter gives nothing of a value: what it would take.
type Refusal = String;

/// What a filter does.
enum Work {
    /// Something with each value.
    Each(fn(&Argument, &Node, Timestamp) -> Result<Vec<Node>, Refusal>),
    /// Something with all of them.
    All(fn(&Argument, Found) -> Found),
}

/// One filter.
struct Row {
    name: &'static str,
    /// What it makes of a value: a sentence for people.
    about: &'static str,
    takes: Takes,
    /// The kinds it has a use for; none named is any.
    of: &'static [Kind],
    gives: Kind,
    work: Work,
    /// Why its argument can never do.
    fault: fn(&Argument) -> Option<String>,
}

/// A row without conditions on the argument, and without its sentence.
const fn row(
    name: &'static str,
    takes: Takes,
    of: &'static [Kind],
    gives: Kind,
    work: Work,
) -> Row {
    Row { name, about: "", takes, of, gives, work, fault: |_| None }
}

/// What has text.
const TEXT: &[Kind] = &[Kind::Text];

/// All filters.
#[rustfmt::skip]
const TABLE: &[Row] = &[
    Row { about: "How many values there are.", ..row("count", Takes::Nothing, &[], Kind::Number, Work::All(select::count)) },
    Row { about: "The first value.", ..row("first", Takes::Nothing, &[], Kind::Any, Work::All(select::first)) },
    Row { about: "The last value.", ..row("last", Takes::Nothing, &[], Kind::Any, Work::All(select::last)) },
    Row { about: "The value at this place, counted from 0.", ..row("nth", Takes::Number, &[], Kind::Any, Work::All(select::nth)) },
    Row { about: "All values as one list.", ..row("all", Takes::Nothing, &[], Kind::List, Work::All(select::all)) },
    Row { about: "The text as a number.", ..row("to_number", Takes::Nothing, &[Kind::Text, Kind::Number, Kind::Time], Kind::Number, Work::Each(convert::to_number)) },
    Row { about: "The text as a whole number.", ..row("to_integer", Takes::Nothing, &[Kind::Text, Kind::Number, Kind::Time], Kind::Number, Work::Each(convert::to_integer)) },
    Row { about: "The value as text.", ..row("to_text", Takes::Nothing, &[], Kind::Text, Work::Each(convert::to_text)) },
    Row { about: "How many characters, elements or bytes.", ..row("length", Takes::Nothing, &[Kind::Text, Kind::List, Kind::Bytes], Kind::Number, Work::Each(convert::length)) },
    Row { about: "The text as a date: RFC 3339, as HTTP writes dates, or in the format given (`%d.%m.%Y`).", fault: dates::fault, ..row("to_date", Takes::MaybeText, &[Kind::Text, Kind::Number, Kind::Date], Kind::Date, Work::Each(dates::to_date)) },
    Row { about: "The date as text in this format (`%Y-%m-%d`), in UTC.", fault: dates::fault, ..row("date_format", Takes::Text, &[Kind::Text, Kind::Date], Kind::Text, Work::Each(dates::date_format)) },
    Row { about: "Days from now until the date; below 0 where it is past.", ..row("days_from_now", Takes::Nothing, &[Kind::Text, Kind::Date], Kind::Number, Work::Each(dates::days_from_now)) },
    Row { about: "What the base64 stands for.", ..row("decode_base64", Takes::Nothing, TEXT, Kind::Any, Work::Each(coding::decode_base64)) },
    Row { about: "The value in base64.", ..row("encode_base64", Takes::Nothing, &[Kind::Text, Kind::Bytes, Kind::Number], Kind::Text, Work::Each(coding::encode_base64)) },
    Row { about: "The text without percent-encoding.", ..row("decode_url", Takes::Nothing, TEXT, Kind::Text, Work::Each(coding::decode_url)) },
    Row { about: "The text percent-encoded.", ..row("encode_url", Takes::Nothing, TEXT, Kind::Text, Work::Each(coding::encode_url)) },
    Row { about: "The text without HTML entities.", ..row("decode_html", Takes::Nothing, TEXT, Kind::Text, Work::Each(coding::decode_html)) },
    Row { about: "The text with HTML entities.", ..row("encode_html", Takes::Nothing, TEXT, Kind::Text, Work::Each(coding::encode_html)) },
    Row { about: "A list: the text cut at this separator.", fault: text::empty, ..row("split", Takes::Text, TEXT, Kind::List, Work::Each(text::split)) },
    Row { about: "`[old, new]`: every old text becomes the new one.", fault: text::empty, ..row("replace", Takes::Pair, TEXT, Kind::Text, Work::Each(text::replace)) },
    Row { about: "`[pattern, new]`: whatever the regular expression matches becomes the new text (`$1` is its first group).", fault: text::pattern, ..row("replace_regex", Takes::Pair, TEXT, Kind::Text, Work::Each(text::replace_regex)) },
    Row { about: "The text without white space at its ends.", ..row("trim", Takes::Nothing, TEXT, Kind::Text, Work::Each(text::trim)) },
    Row { about: "The text in lower case.", ..row("lower", Takes::Nothing, TEXT, Kind::Text, Work::Each(text::lower)) },
    Row { about: "The text in upper case.", ..row("upper", Takes::Nothing, TEXT, Kind::Text, Work::Each(text::upper)) },
    Row { about: "What this JSONPath (RFC 9535) finds in the value.", fault: find::json_path_fault, ..row("jsonpath", Takes::Text, &[Kind::Text, Kind::List], Kind::Any, Work::Each(find::json_path)) },
    Row { about: "The first group of this regular expression's first match in the value.", fault: text::pattern, ..row("regex", Takes::Text, TEXT, Kind::Text, Work::Each(find::regex)) },
    Row { about: "The text of the elements that this CSS selector finds in the value, or their `attribute`.", fault: find::css_fault, ..row("css", Takes::TextAndAttribute, TEXT, Kind::Text, Work::Each(find::css)) },
];

/// The filters that a journey may name, and what each is told.
pub fn filters() -> impl Iterator<Item = (&'static str, Takes)> {
    TABLE.iter().map(|row| (row.name, row.takes))
}

/// What each filter makes of a value: its name and a sentence for people.
pub fn filters_explained() -> impl Iterator<Item = (&'static str, &'static str)> {
    TABLE.iter().map(|row| (row.name, row.about))
}

fn find_row(filter: &Filter) -> Option<&'static Row> {
    TABLE.iter().find(|row| row.name == filter.name)
}

/// What a filter gives of a kind of value, or why it can give nothing: lower case, without the subject.
pub(super) fn kind_after(filter: &Filter, before: Kind) -> Result<Kind, String> {
    let Some(row) = find_row(filter) else {
        return Err(format!("there is no filter `{}`", filter.name));
    };
    if let Some(fault) = (row.fault)(&filter.argument) {
        return Err(fault);
    }
    if before != Kind::Any && !row.of.is_empty() && !row.of.contains(&before) {
        let of: Vec<&str> = row.of.iter().map(|kind| kind.name()).collect();
        return Err(format!(
            "the filter `{}` takes {}, got {}",
            row.name,
            of.join(" or "),
            before.name()
        ));
    }
    // Choosing one of several values leaves what they are; of a list it is not known what is in it.
    let chooses = matches!(row.name, "first" | "last" | "nth") && before != Kind::List;
    Ok(if chooses { before } else { row.gives })
}

/// Puts what was found through one filter.
pub(super) fn apply(filter: &Filter, found: Found, now: Timestamp) -> Result<Found, String> {
    let Some(row) = find_row(filter) else {
        return Err(format!("there is no filter `{}`", filter.name));
    };
    let each = match row.work {
        Work::All(work) => return Ok(work(&filter.argument, found)),
        Work::Each(each) => each,
    };
    let mut nodes = Vec::with_capacity(found.nodes.len());
    for node in &found.nodes {
        let made = each(&filter.argument, node, now).map_err(|wanted| {
            format!("the filter `{}` takes {wanted}{GOT}{}", row.name, node.typed())
        })?;
        nodes.extend(made);
    }
    Ok(Found { any: found.any, ..Found::of(nodes) })
}

/// The text that a filter was told, if it was told one.
fn told(argument: &Argument) -> Option<&str> {
    match argument {
        Argument::Text(text) | Argument::Pair(text, _) => Some(text),
        Argument::None | Argument::Number(_) => None,
    }
}

/// The text of a value that a filter for texts looks at.
fn text_of(node: &Node) -> Result<String, Refusal> {
    match node {
        Node::Time(_) | Node::Bytes(_) => Err("text".to_owned()),
        other => other.text().ok_or_else(|| "text".to_owned()),
    }
}

#[cfg(test)]
mod tests;
