//! Filters between types.

use jiff::Timestamp;
use serde_json::{Number, Value};

use super::Refusal;
use crate::{
    check::node::{Node, milliseconds, read_number},
    model::Argument,
};

/// A time becomes its milliseconds; a whole number of 64 bits keeps every digit.
pub(super) fn to_number(_: &Argument, node: &Node, _: Timestamp) -> Result<Vec<Node>, Refusal> {
    let number = match node {
        Node::Number(_) | Node::Json(Value::Number(_)) => node.clone(),
        Node::Time(time) => Node::Number(milliseconds(*time)),
        Node::Text(text) | Node::Json(Value::String(text)) => {
            let exact =
                text.trim().parse::<i64>().ok().map(|n| Node::Json(Value::Number(n.into())));
            exact
                .or_else(|| read_number(text).map(Node::Number))
                .ok_or_else(|| "text that reads as a number".to_owned())?
        }
        _ => return Err("text that reads as a number".to_owned()),
    };
    Ok(vec![number])
}

/// What stands behind the point is cut off.
pub(super) fn to_integer(
    argument: &Argument,
    node: &Node,
    now: Timestamp,
) -> Result<Vec<Node>, Refusal> {
    let numbers = to_number(argument, node, now)?;
    Ok(numbers
        .into_iter()
        .map(|number| match number {
            Node::Json(Value::Number(n)) if n.is_i64() || n.is_u64() => {
                Node::Json(Value::Number(n))
            }
            other => cut(other.number().unwrap_or_default()),
        })
        .collect())
}

fn cut(number: f64) -> Node {
    let whole = number.trunc();
    #[expect(clippy::cast_possible_truncation, reason = "checked to fit")]
    if whole.abs() < 9e15 {
        return Node::Json(Value::Number((whole as i64).into()));
    }
    Node::Json(Number::from_f64(whole).map_or(Value::Null, Value::Number))
}

/// As a template would see it.
pub(super) fn to_text(_: &Argument, node: &Node, _: Timestamp) -> Result<Vec<Node>, Refusal> {
    Ok(vec![Node::Text(node.clone().into_plain())])
}

/// Characters of text, elements of an array, members of an object, bytes.
#[expect(clippy::cast_precision_loss, reason = "nothing here has 2^53 parts")]
pub(super) fn length(_: &Argument, node: &Node, _: Timestamp) -> Result<Vec<Node>, Refusal> {
    let length = match node {
        Node::Text(text) | Node::Json(Value::String(text)) => text.chars().count(),
        Node::Bytes(bytes) => bytes.len(),
        Node::Json(Value::Array(items)) => items.len(),
        Node::Json(Value::Object(members)) => members.len(),
        _ => return Err("text, an array, an object or bytes".to_owned()),
    };
    Ok(vec![Node::Number(length as f64)])
}
