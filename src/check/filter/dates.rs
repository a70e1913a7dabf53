//! Filters of dates.

use jiff::Timestamp;

use super::{Refusal, told};
use crate::{
    check::{
        date::{read_date, read_date_by, write_date},
        node::Node,
    },
    model::Argument,
};

/// Why a pattern can never do.
pub(super) fn fault(argument: &Argument) -> Option<String> {
    let pattern = told(argument)?;
    if pattern.trim().is_empty() {
        return Some("the pattern of a date is empty".to_owned());
    }
    write_date(pattern, Timestamp::UNIX_EPOCH)
        .err()
        .map(|error| format!("`{pattern}` is not a pattern of dates: {error}"))
}

/// By a pattern where there is one.
pub(super) fn to_date(
    argument: &Argument,
    node: &Node,
    _: Timestamp,
) -> Result<Vec<Node>, Refusal> {
    if let Node::Date(_) = node {
        return Ok(vec![node.clone()]);
    }
    let read = match (told(argument), node.text()) {
        (_, None) => None,
        (None, Some(text)) => read_date(&text),
        (Some(pattern), Some(text)) => read_date_by(pattern, &text),
    };
    read.map(|date| vec![Node::Date(date)]).ok_or_else(|| match told(argument) {
        Some(pattern) => format!("text that reads as a date by `{pattern}`"),
        None => "text that reads as a date".to_owned(),
    })
}

/// In UTC.
pub(super) fn date_format(
    argument: &Argument,
    node: &Node,
    _: Timestamp,
) -> Result<Vec<Node>, Refusal> {
    let date = node.date().ok_or_else(|| "a date".to_owned())?;
    let pattern = told(argument).unwrap_or("%Y-%m-%dT%H:%M:%SZ");
    let text =
        write_date(pattern, date).map_err(|error| format!("a pattern of dates ({error})"))?;
    Ok(vec![Node::Text(text)])
}

/// Whole and parted days; below 0 for what is past.
pub(super) fn days_from_now(
    _: &Argument,
    node: &Node,
    now: Timestamp,
) -> Result<Vec<Node>, Refusal> {
    let date = node.date().ok_or_else(|| "a date".to_owned())?;
    Ok(vec![Node::Number(days_between(now, date))])
}

/// Days from one point in time to another.
pub(in crate::check) fn days_between(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64() / 86_400.0
}
