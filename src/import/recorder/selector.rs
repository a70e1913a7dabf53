//! Which of the recorded selectors says best what a person means: role and name or label, then text, then CSS, `XPath` last.

use serde_json::Value;

use crate::import::tree::Tree;

/// What is done with the element, which tells what it can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// A field that is filled.
    Filled,
    /// Anything else.
    Any,
}

/// How an element is found in a journey.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Found {
    /// The keys of the locator.
    pub(super) members: Vec<(String, Tree)>,
    /// What people call it, where that is known.
    pub(super) called: Option<String>,
    /// The element's tag, where the selectors tell it.
    pub(super) tag: Option<String>,
    /// Everything that names it, for telling what it is for.
    pub(super) words: String,
}

/// One link of a selector.
#[derive(Debug, Clone, PartialEq)]
enum Link {
    Aria { name: String, role: Option<String> },
    Text(String),
    XPath(String),
    Css(String),
}

/// The attribute that `test_id` reads.
const TEST_ID: &str = "data-testid";

/// Tags with a role of their own (HTML-AAM).
const ROLES: [(&str, &str); 11] = [
    ("a", "link"),
    ("button", "button"),
    ("textarea", "textbox"),
    ("summary", "button"),
    ("img", "img"),
    ("h1", "heading"),
    ("h2", "heading"),
    ("h3", "heading"),
    ("h4", "heading"),
    ("option", "option"),
    ("nav", "navigation"),
];

/// The best of the alternatives.
pub(super) fn best(selectors: &[Value], used: Use) -> Option<Found> {
    let chains: Vec<Vec<Link>> = selectors.iter().map(chain).filter(|c| !c.is_empty()).collect();
    let tag = chains.iter().filter_map(|chain| chain.last()).find_map(tag_of);
    let role = tag.as_deref().and_then(role_of);
    let words: Vec<String> = chains.iter().flatten().map(in_words).collect();
    let called = chains.iter().find_map(|chain| match chain.last() {
        Some(Link::Aria { name, .. } | Link::Text(name)) if !name.is_empty() => Some(name.clone()),
        _ => None,
    });
    let ways = chains.iter().filter_map(|chain| {
        let (rank, members) = locator(chain, role, used)?;
        Some((rank, chain.len(), members))
    });
    let (_, _, members) = ways.min_by_key(|(rank, links, _)| (*rank, *links))?;
    Some(Found { members, called, tag, words: words.join(" ") })
}

fn chain(selector: &Value) -> Vec<Link> {
    match selector {
        Value::String(text) => vec![link(text)],
        Value::Array(items) => items.iter().filter_map(Value::as_str).map(link).collect(),
        _ => Vec::new(),
    }
}

fn link(text: &str) -> Link {
    if let Some(aria) = text.strip_prefix("aria/") {
        let (name, attributes) = match aria.rfind("[role=") {
            Some(at) if aria.ends_with(']') => (&aria[..at], Some(&aria[at + 6..aria.len() - 1])),
            _ => (aria, None),
        };
        let role = attributes.map(|role| role.trim_matches(['"', '\'']).to_owned());
        Link::Aria { name: one_line(name), role: role.filter(|role| !role.is_empty()) }
    } else if let Some(words) = text.strip_prefix("text/") {
        Link::Text(one_line(words))
    } else if let Some(path) = text.strip_prefix("xpath/") {
        Link::XPath(path.to_owned())
    } else {
        // Shadow trees are looked into by every CSS selector.
        Link::Css(text.strip_prefix("pierce/").unwrap_or(text).trim().to_owned())
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// How good a selector is (0 is best), and its locator.
fn locator(chain: &[Link], role: Option<&str>, used: Use) -> Option<(u32, Vec<(String, Tree)>)> {
    let (last, ancestors) = chain.split_last()?;
    let (rank, mut members) = match last {
        Link::Aria { name, role: Some(said) } if is_role(said) => (1, named(said, name)),
        Link::Aria { name, .. } if name.is_empty() => return None,
        Link::Aria { name, .. } if used == Use::Filled => {
            (2, vec![one("label", name), ("exact".to_owned(), Tree::Bool(true))])
        }
        Link::Aria { name, .. } => (2, named(role?, name)),
        Link::Text(text) if text.is_empty() => return None,
        Link::Text(_) if used == Use::Filled => return None,
        Link::Text(text) => (3, vec![one("text", text)]),
        Link::Css(css) if css.is_empty() => return None,
        Link::Css(css) => match test_id(css) {
            Some(id) => (0, vec![one("test_id", id)]),
            None => (if css.starts_with('#') { 4 } else { 5 }, vec![one("css", css)]),
        },
        Link::XPath(path) if path.is_empty() => return None,
        Link::XPath(path) => (6, vec![one("xpath", path)]),
    };
    if !ancestors.is_empty() {
        let (_, within) = locator(ancestors, None, Use::Any)?;
        members.push(("within".to_owned(), Tree::Table(within)));
    }
    Some((rank, members))
}

fn one(key: &str, text: &str) -> (String, Tree) {
    (key.to_owned(), Tree::text(text))
}

/// Recorded names are whole ones.
fn named(role: &str, name: &str) -> Vec<(String, Tree)> {
    let mut members = vec![one("role", role)];
    if !name.is_empty() {
        members.push(one("name", name));
        members.push(("exact".to_owned(), Tree::Bool(true)));
    }
    members
}

/// Whether a journey can say the role: what Chrome calls `generic` or by names of its own finds nobody.
fn is_role(role: &str) -> bool {
    role.bytes().all(|b| b.is_ascii_lowercase())
        && !matches!(role, "generic" | "none" | "presentation")
}

fn role_of(tag: &str) -> Option<&'static str> {
    ROLES.iter().find(|(known, _)| *known == tag).map(|(_, role)| *role)
}

/// `x` of `[data-testid="x"]`.
fn test_id(css: &str) -> Option<&str> {
    let inner = css.strip_prefix('[')?.strip_suffix(']')?;
    let value = inner.strip_prefix(TEST_ID)?.strip_prefix('=')?;
    let plain = value.trim_matches(['"', '\'']);
    (!plain.is_empty() && !plain.contains(['"', '\'', '\\', '[', ']'])).then_some(plain)
}

/// The tag that the last part of a selector names.
fn tag_of(link: &Link) -> Option<String> {
    let last = match link {
        Link::Css(css) => css.rsplit([' ', '>', '+', '~']).next()?,
        Link::XPath(path) => path.rsplit('/').next()?,
        _ => return None,
    };
    let end = last.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(last.len());
    let tag = last[..end].to_ascii_lowercase();
    tag.starts_with(|c: char| c.is_ascii_lowercase()).then_some(tag)
}

fn in_words(link: &Link) -> String {
    match link {
        Link::Aria { name, .. } => name.clone(),
        Link::Text(text) | Link::XPath(text) | Link::Css(text) => text.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_best_way_is_the_one_that_people_mean() {
        for (selectors, used, expected) in [
            (
                json!([
                    ["aria/Log in"],
                    ["#login > button"],
                    ["xpath///*[@id=\"login\"]/button"],
                    ["text/Log in"]
                ]),
                Use::Any,
                "{ role = \"button\", name = \"Log in\", exact = true }",
            ),
            (
                json!([["aria/Log in[role=\"link\"]"], ["a.login"]]),
                Use::Any,
                "{ role = \"link\", name = \"Log in\", exact = true }",
            ),
            (json!([["aria/Log in"], ["#x"], ["text/Log in"]]), Use::Any, "{ text = \"Log in\" }"),
            (json!([["aria/Email"], ["#x"]]), Use::Filled, "{ label = \"Email\", exact = true }"),
            (
                json!([["#x"], ["pierce/#x"], ["xpath///*[@id='x']"]]),
                Use::Filled,
                "{ css = \"#x\" }",
            ),
            (json!(["[data-testid='total']", "aria/x"]), Use::Any, "{ test_id = \"total\" }"),
            (json!([["xpath//html/body/p"]]), Use::Any, "{ xpath = \"/html/body/p\" }"),
            (json!([["my-app", "#inner"], ["pierce/#inner"]]), Use::Any, "{ css = \"#inner\" }"),
            (
                json!([["aria/Basket[role=\"region\"]", "aria/Remove[role=\"button\"]"]]),
                Use::Any,
                "{ role = \"button\", name = \"Remove\", exact = true, within = { role = \"region\", name = \"Basket\", exact = true } }",
            ),
        ] {
            let found = best(selectors.as_array().unwrap(), used).unwrap();
            assert_eq!(Tree::Table(found.members).inline(), expected);
        }
        assert_eq!(best(&[], Use::Any), None);
        assert_eq!(best(&[json!(7), json!([[]])], Use::Any), None);
    }
}
