//! Filters that look at all values at once. One JSON array alone stands for its elements.

use serde_json::Value;

use crate::{
    check::{find::Found, node::Node},
    model::Argument,
};

#[expect(clippy::cast_precision_loss, reason = "nobody finds 2^53 values")]
pub(super) fn count(_: &Argument, found: Found) -> Found {
    Found::of(vec![Node::Number(found.count as f64)])
}

pub(super) fn first(_: &Argument, found: Found) -> Found {
    one(found, |nodes| nodes.into_iter().next())
}

pub(super) fn last(_: &Argument, found: Found) -> Found {
    one(found, |mut nodes| nodes.pop())
}

/// Counted from 0, as JSONPath does.
pub(super) fn nth(argument: &Argument, found: Found) -> Found {
    let Argument::Number(n) = argument else { return Found::of(Vec::new()) };
    let n = usize::try_from(*n).unwrap_or(usize::MAX);
    one(found, |nodes| nodes.into_iter().nth(n))
}

/// All values as one list, for what is to be kept whole.
pub(super) fn all(_: &Argument, found: Found) -> Found {
    if found.is_one_array() {
        return found;
    }
    let items = found.nodes.into_iter().map(Node::into_json).collect();
    Found::of(vec![Node::Json(Value::Array(items))])
}

fn one(found: Found, choose: impl FnOnce(Vec<Node>) -> Option<Node>) -> Found {
    Found::of(choose(found.elements()).into_iter().collect())
}
