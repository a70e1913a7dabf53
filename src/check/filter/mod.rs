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
    takes: Takes,
    /// The kinds it has a use for; none named is any.
    of: &'static [Kind],
    gives: Kind,
    work: Work,
    /// Why its argument can never do.
    fault: fn(&Argument) -> Option<String>,
}

/// A row without conditions on the argument.
const fn row(
    name: &'static str,
    takes: Takes,
    of: &'static [Kind],
    gives: Kind,
    work: Work,
) -> Row {
    Row { name, takes, of, gives, work, fault: |_| None }
}

/// What has text.
const TEXT: &[Kind] = &[Kind::Text];

/// All filters.
#[rustfmt::skip]
const TABLE: &[Row] = &[
    row("count", Takes::Nothing, &[], Kind::Number, Work::All(select::count)),
    row("first", Takes::Nothing, &[], Kind::Any, Work::All(select::first)),
    row("last", Takes::Nothing, &[], Kind::Any, Work::All(select::last)),
    row("nth", Takes::Number, &[], Kind::Any, Work::All(select::nth)),
    row("all", Takes::Nothing, &[], Kind::List, Work::All(select::all)),
    row("to_number", Takes::Nothing, &[Kind::Text, Kind::Number, Kind::Time], Kind::Number, Work::Each(convert::to_number)),
    row("to_integer", Takes::Nothing, &[Kind::Text, Kind::Number, Kind::Time], Kind::Number, Work::Each(convert::to_integer)),
    row("to_text", Takes::Nothing, &[], Kind::Text, Work::Each(convert::to_text)),
    row("length", Takes::Nothing, &[Kind::Text, Kind::List, Kind::Bytes], Kind::Number, Work::Each(convert::length)),
    Row { fault: dates::fault, ..row("to_date", Takes::MaybeText, &[Kind::Text, Kind::Number, Kind::Date], Kind::Date, Work::Each(dates::to_date)) },
    Row { fault: dates::fault, ..row("date_format", Takes::Text, &[Kind::Text, Kind::Date], Kind::Text, Work::Each(dates::date_format)) },
    row("days_from_now", Takes::Nothing, &[Kind::Text, Kind::Date], Kind::Number, Work::Each(dates::days_from_now)),
    row("decode_base64", Takes::Nothing, TEXT, Kind::Any, Work::Each(coding::decode_base64)),
    row("encode_base64", Takes::Nothing, &[Kind::Text, Kind::Bytes, Kind::Number], Kind::Text, Work::Each(coding::encode_base64)),
    row("decode_url", Takes::Nothing, TEXT, Kind::Text, Work::Each(coding::decode_url)),
    row("encode_url", Takes::Nothing, TEXT, Kind::Text, Work::Each(coding::encode_url)),
    row("decode_html", Takes::Nothing, TEXT, Kind::Text, Work::Each(coding::decode_html)),
    row("encode_html", Takes::Nothing, TEXT, Kind::Text, Work::Each(coding::encode_html)),
    Row { fault: text::empty, ..row("split", Takes::Text, TEXT, Kind::List, Work::Each(text::split)) },
    Row { fault: text::empty, ..row("replace", Takes::Pair, TEXT, Kind::Text, Work::Each(text::replace)) },
    Row { fault: text::pattern, ..row("replace_regex", Takes::Pair, TEXT, Kind::Text, Work::Each(text::replace_regex)) },
    row("trim", Takes::Nothing, TEXT, Kind::Text, Work::Each(text::trim)),
    row("lower", Takes::Nothing, TEXT, Kind::Text, Work::Each(text::lower)),
    row("upper", Takes::Nothing, TEXT, Kind::Text, Work::Each(text::upper)),
    Row { fault: find::json_path_fault, ..row("jsonpath", Takes::Text, &[Kind::Text, Kind::List], Kind::Any, Work::Each(find::json_path)) },
    Row { fault: text::pattern, ..row("regex", Takes::Text, TEXT, Kind::Text, Work::Each(find::regex)) },
    Row { fault: find::css_fault, ..row("css", Takes::TextAndAttribute, TEXT, Kind::Text, Work::Each(find::css)) },
];

/// The filters that a journey may name, and what each is told.
pub fn filters() -> impl Iterator<Item = (&'static str, Takes)> {
    TABLE.iter().map(|row| (row.name, row.takes))
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
