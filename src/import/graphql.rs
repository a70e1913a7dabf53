//! JSON bodies that are questions in GraphQL.

use super::{draft::Body, text::Text, tree::Tree};

/// A body of JSON: as a question in GraphQL if it has the members of one and no other.
pub(super) fn of_json(tree: Tree) -> Body {
    let Tree::Table(members) = &tree else { return Body::Json(tree) };
    let known = |key: &str| matches!(key, "query" | "variables" | "operationName" | "extensions");
    if !members.iter().all(|(key, _)| known(key)) {
        return Body::Json(tree);
    }
    let member = |name: &str| members.iter().find(|(key, _)| key == name).map(|(_, value)| value);
    let Some(Tree::Text(query)) = member("query") else { return Body::Json(tree) };
    let Some(plain) = query.as_plain().map(str::trim_start) else { return Body::Json(tree) };
    let begins = ["query", "mutation", "{", "fragment"].iter().any(|word| plain.starts_with(word));
    let variables = match member("variables") {
        None | Some(Tree::Null) => None,
        Some(table @ Tree::Table(members)) if table.is_toml() => {
            (!members.is_empty()).then(|| table.clone())
        }
        Some(_) => return Body::Json(tree),
    };
    let operation = match member("operationName") {
        None | Some(Tree::Null) => None,
        Some(Tree::Text(name)) => name.as_plain().map(str::to_owned),
        Some(_) => return Body::Json(tree),
    };
    if !begins || !plain.contains('{') || member("extensions").is_some() {
        return Body::Json(tree);
    }
    Body::GraphQl { query: Text::plain(plain.trim_end()), variables, operation }
}
