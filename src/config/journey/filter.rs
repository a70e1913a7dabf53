//! `filter = [ … ]`: what is made of a found value.

use crate::{
    check::{self, Takes},
    config::{
        expressions, hint,
        page::Note,
        value::{At, Entry},
    },
    model::{Argument, Filter, Query},
};

/// The most filters of one query: more are a mistake.
pub(in crate::config) const MOST: usize = 32;

/// The query with the filters of an entry: one, or a list. Faults are noted at the filter that has them.
pub(super) fn with(query: Query, entry: Option<&Entry<'_>>) -> Option<Query> {
    let Some(entry) = entry else { return Some(query) };
    let items = if entry.value.is_array() {
        entry.elements("a list of filters")?
    } else {
        vec![entry.clone()]
    };
    if items.is_empty() {
        return entry.refuse(entry.fault("`filter` is empty").label("no filter in it"));
    }
    if items.len() > MOST {
        let note = entry.fault(format!("a query has at most {MOST} filters"));
        return entry.refuse(note.label("too many"));
    }
    let filters: Vec<Option<At<Filter>>> = items.iter().map(filter).collect();
    let mut whole = query;
    for filter in filters.into_iter().collect::<Option<Vec<_>>>()? {
        whole.filters.push(filter.value);
        if let Some(fault) = expressions::query_fault(&whole) {
            entry.page.note(Note::new(filter.span, fault).label("cannot be used"));
            return None;
        }
    }
    Some(whole)
}

fn filter(entry: &Entry<'_>) -> Option<At<Filter>> {
    let span = entry.span.clone();
    let made = |name: &str, argument: Argument| {
        Some(At { value: Filter { name: name.to_owned(), argument }, span: span.clone() })
    };
    if entry.value.is_str() {
        let name = entry.text()?;
        let Some((name, takes)) = check::filters().find(|(known, _)| *known == name.value) else {
            return unknown(entry, &name.value, name.span.clone());
        };
        if !matches!(takes, Takes::Nothing | Takes::MaybeText) {
            let note = entry.fault(format!("the filter `{name}` needs a value"));
            return entry
                .refuse(note.label("of what?").help(format!("write {}", example(name, takes))));
        }
        return made(name, Argument::None);
    }
    if !entry.value.is_table() {
        return entry.wrong_type("a filter such as \"count\" or { nth = 2 }");
    }
    let table = entry.table(entry.key)?;
    let attribute = table.take("attribute");
    let known: Vec<(&str, Takes, Entry<'_>)> = check::filters()
        .filter_map(|(name, takes)| Some((name, takes, table.take(name)?)))
        .collect();
    let [(name, takes, value)] = &known[..] else {
        let other = table.entries().into_iter().find(|e| e.key != "attribute");
        return match other.filter(|_| known.is_empty()) {
            Some(other) => unknown(entry, other.key, other.key_span),
            None => {
                let note = entry.fault("one filter belongs into each pair of braces");
                let note = note.label(if known.is_empty() { "none" } else { "several" });
                entry.refuse(note.help("write a list: filter = [\"first\", { split = \",\" }]"))
            }
        };
    };
    table.finish();
    let argument = argument(name, *takes, value, attribute.as_ref())?;
    made(name, argument)
}

fn argument(
    name: &str,
    takes: Takes,
    value: &Entry<'_>,
    attribute: Option<&Entry<'_>>,
) -> Option<Argument> {
    if let Some(attribute) = attribute.filter(|_| takes != Takes::TextAndAttribute) {
        let note = Note::new(attribute.key_span.clone(), format!("`{name}` has no `attribute`"));
        return attribute.refuse(note.label("goes with `css` only"));
    }
    let told = match takes {
        Takes::Nothing => {
            if value.boolean()?.value {
                return Some(Argument::None);
            }
            let note = value.fault(format!("`{name}` cannot be false")).label("asks for nothing");
            return value.refuse(note.help(format!("write \"{name}\", or leave it out")));
        }
        Takes::Number => {
            return value.count(0..1_000_000).map(|number| Argument::Number(number.value));
        }
        Takes::MaybeText | Takes::Text => Argument::Text(value.any_text()?.value),
        Takes::TextAndAttribute => {
            let text = value.any_text()?.value;
            match attribute {
                Some(attribute) => Argument::Pair(text, attribute.text()?.value),
                None => Argument::Text(text),
            }
        }
        Takes::Pair => {
            let wanted = "two texts: what is replaced, and by what";
            let texts: Vec<At<String>> =
                value.elements(wanted)?.iter().map(Entry::any_text).collect::<Option<_>>()?;
            let [old, new] = &texts[..] else { return value.wrong_type(wanted) };
            Argument::Pair(old.value.clone(), new.value.clone())
        }
    };
    let texts = match &told {
        Argument::Text(text) => vec![text],
        Argument::Pair(a, b) => vec![a, b],
        Argument::None | Argument::Number(_) => Vec::new(),
    };
    // In a pattern two braces may be meant.
    if !name.contains("regex") && texts.iter().any(|text| text.contains("{{")) {
        let note = value.fault(format!("the filter `{name}` cannot hold a template"));
        return value.refuse(note.label("would not be filled in"));
    }
    Some(told)
}

fn unknown<T>(entry: &Entry<'_>, name: &str, span: std::ops::Range<usize>) -> Option<T> {
    let names: Vec<&str> = check::filters().map(|(name, _)| name).collect();
    let advice = hint::advice(name, names.iter().copied())
        .unwrap_or_else(|| format!("one of {}", names.join(", ")));
    let note = Note::new(span, format!("there is no filter `{}`", name.escape_debug()));
    entry.refuse(note.label("not a filter").help(advice))
}

/// How a filter is written.
fn example(name: &str, takes: Takes) -> String {
    match takes {
        Takes::Nothing | Takes::MaybeText => format!("\"{name}\""),
        Takes::Number => format!("{{ {name} = 2 }}"),
        Takes::Pair => format!("{{ {name} = [\"old\", \"new\"] }}"),
        Takes::Text | Takes::TextAndAttribute => format!("{{ {name} = \"…\" }}"),
    }
}
