//! Locators on their way into the page, and what the page says where one means nothing that can be used.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    engine::{fault::Trouble, vars::Variables},
    model::{By, Locator, Text},
};

/// Longest name of an element in a message, in bytes.
const NAME: usize = 80;

/// A locator with its templates filled.
#[derive(Debug, Clone)]
pub(super) struct Sought {
    /// As the page takes it.
    pub(super) json: Value,
    /// As people say it: `button "Buy"`.
    pub(super) said: String,
    /// What all of its kind are called: `button`.
    kind: String,
    outer: Option<String>,
}

impl Sought {
    /// Fills the templates of a locator.
    pub(super) fn of(locator: &Locator, vars: &Variables) -> Result<Self, Trouble> {
        let fill = |text: &Text| vars.fill_to_send(text);
        let within = locator.within.as_deref().map(|outer| Self::of(outer, vars)).transpose()?;
        let (by, role, value) = match &locator.by {
            By::Role { role, name } => ("role", Some(role), name.as_ref().map(fill).transpose()?),
            By::Label(text) => ("label", None, Some(fill(text)?)),
            By::Placeholder(text) => ("placeholder", None, Some(fill(text)?)),
            By::TestId(text) => ("test_id", None, Some(fill(text)?)),
            By::Text(text) => ("text", None, Some(fill(text)?)),
            By::Link(text) => ("link", None, Some(fill(text)?)),
            By::Css(text) => ("css", None, Some(fill(text)?)),
            By::XPath(text) => ("xpath", None, Some(fill(text)?)),
        };
        let kind = match (&locator.by, role) {
            (_, Some(role)) => role.clone(),
            (By::Label(_) | By::Placeholder(_), _) => "field".to_owned(),
            (By::Text(_), _) => "text".to_owned(),
            (By::Link(_), _) => "link".to_owned(),
            _ => "element".to_owned(),
        };
        let mut said = match (by, &value) {
            ("role", None) => kind.clone(),
            ("role" | "text" | "link", Some(value)) => format!("{kind} \"{value}\""),
            (_, value) => {
                let word = by.replace('_', " ");
                format!("{kind} with {word} \"{}\"", value.as_deref().unwrap_or_default())
            }
        };
        if let Some(nth) = locator.nth {
            said += &format!(" (nth {nth})");
        }
        let outer = within.as_ref().map(|outer| outer.said.clone());
        if let Some(outer) = &outer {
            said += &format!(" in {outer}");
        }
        let within = within.map(|outer| outer.json);
        let (nth, exact) = (locator.nth, locator.exact);
        let json = json!({ "by": by, "role": role, "value": value, "nth": nth, "within": within, "exact": exact });
        Ok(Self { json, said, kind, outer })
    }
}

/// What was in the way of an element, as the page tells it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Told {
    /// `none`, `several`, `hidden`, `disabled`, `covered`, …
    pub(super) state: String,
    element: Option<String>,
    over: Option<String>,
    note: Option<String>,
    total: usize,
    near: Vec<Near>,
    namesakes: Vec<Namesake>,
    others: usize,
    outer: Option<String>,
    reach: Option<String>,
    closed: usize,
    having: Vec<String>,
    options: Option<Vec<String>>,
}

/// An element of the kind that was looked for.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Near {
    name: String,
    why: Option<String>,
    by: Option<String>,
}

/// An element of another kind that is called so.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Namesake {
    role: String,
    name: String,
}

impl Told {
    /// A sentence. `how_long` is `in 5s`, or `before the step's deadline of 5s`.
    pub(super) fn say(&self, sought: &Sought, how_long: &str, vars: &Variables) -> String {
        let said = &sought.said;
        let shown = |text: &str| short(text, vars);
        let is = |what: &str| format!("{said} is {what}, {how_long}");
        let note = self.note.as_deref().map(shown).unwrap_or_default();
        let element = self.element.as_deref().map(shown).unwrap_or_default();
        match self.state.as_str() {
            "none" => format!("no {said} {how_long}{}", self.instead(sought, vars)),
            "several" => {
                let total = self.total;
                format!(
                    "{total} elements are {said}: {}; say which one by `nth`, `within` or `exact`",
                    self.list(&shown, "")
                )
            }
            "covered" => {
                let over = self.over.as_deref().map(shown).unwrap_or_default();
                is(&format!("covered by {over}"))
            }
            "shown" => format!("{said} is still to be seen, {how_long}"),
            "moving" => format!("{said} does not stop moving, {how_long}"),
            "out of view" => format!("{said} cannot be scrolled into view, {how_long}"),
            "unfit" => format!("{said} is {element}, which is not made for this action"),
            "no option" => {
                let options = self.options.as_deref().unwrap_or_default();
                let quoted = options.iter().take(5).map(|o| format!("\"{}\"", shown(o)));
                let quoted: Vec<String> = quoted.collect();
                let has = if quoted.is_empty() { "none".to_owned() } else { quoted.join(", ") };
                format!("{said} has no such option, {how_long}: it has {has}")
            }
            "option disabled" => format!("the option \"{note}\" of {said} is disabled, {how_long}"),
            "one file" => format!("{said} takes one file only"),
            "unfit value" if note.is_empty() => format!("{said} does not take the text"),
            "unfit value" => format!("{said} does not take this value: it is a {note}"),
            "invalid" => format!("{said} cannot be looked for: {note}"),
            other => is(other),
        }
    }

    /// What there is in the place of what was looked for.
    fn instead(&self, sought: &Sought, vars: &Variables) -> String {
        let shown = |text: &str| short(text, vars);
        let kind = &sought.kind;
        if self.outer.is_some() {
            return format!(": there is no {}", sought.outer.as_deref().unwrap_or("outer element"));
        }
        if self.others > 0 {
            return format!(": there {} of them", are(self.others));
        }
        if let Some(frame) = self.having.first() {
            return format!(": it is in the frame {}, to be entered by `frame`", shown(frame));
        }
        if let Some(same) = self.namesakes.first() {
            return format!(": there is a {} \"{}\"", shown(&same.role), shown(&same.name));
        }
        let mut said = String::new();
        if kind == "text" {
            if !self.near.is_empty() {
                said += &format!(": nearest is {}", self.list(&shown, ""));
            }
        } else if let Some(reach) = &self.reach {
            said += &format!(": there is `{}`, but no more of it", shown(reach));
        } else if kind != "element" || !self.near.is_empty() {
            said += &match self.total {
                0 => format!(": there are no {}", plural(kind)),
                1 => format!(": there is 1 {kind}"),
                total => format!(": there are {total} {}", plural(kind)),
            };
            if !self.near.is_empty() {
                let but = if self.total == 0 { " to be seen: " } else { ": " };
                let before = if kind == "element" { "test id " } else { "" };
                said += &format!("{but}{}", self.list(&shown, before));
            }
        }
        if self.closed > 0 {
            said +=
                &format!("; {} of another site was not looked into", count(self.closed, "frame"));
        }
        said
    }

    fn list(&self, shown: &impl Fn(&str) -> String, before: &str) -> String {
        let quoted = self.state != "several";
        let one = |near: &Near| {
            let name = shown(&near.name);
            let name = if quoted { format!("{before}\"{name}\"") } else { name };
            match (near.why.as_deref(), near.by.as_deref()) {
                (Some(why), Some(by)) => format!("{name} ({why} by {})", shown(by)),
                (Some(why), None) => format!("{name} ({why})"),
                (None, _) => name,
            }
        };
        let named: Vec<String> = self.near.iter().map(one).collect();
        named.join(", ")
    }
}

/// What the page gives, masked before it is shortened, so that no part of a secret is left.
pub(super) fn short(text: &str, vars: &Variables) -> String {
    let one_line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let (shown, less) = vars.mask().excerpt(&one_line, NAME, false);
    if less { format!("{shown}…") } else { shown }
}

fn are(total: usize) -> String {
    if total == 1 { "is 1".to_owned() } else { format!("are {total}") }
}

fn count(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

fn plural(kind: &str) -> String {
    if kind.ends_with('x') || kind.ends_with('h') {
        format!("{kind}es")
    } else {
        format!("{kind}s")
    }
}
