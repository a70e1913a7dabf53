//! What a step sends: one function for each kind of body.

mod schema;

use serde_json::Value;

use schema::{
    file_schema, form_schema, graphql_schema, json_schema, multipart_schema, text_schema,
};

use super::http::{pairs, plain};
use crate::{
    config::{
        page::Note,
        reader::Reader,
        value::{At, Entry},
    },
    model::{Attachment, Body, Field, FieldContent, Text},
};

type Lower = fn(&Entry<'_>, &Reader<'_>, &mut Vec<At<Text>>) -> Option<Body>;

/// A kind of body: its key, how it is read, and what editors are told of it.
type Kind = (&'static str, Lower, fn() -> Value);

/// The kinds of bodies.
const KINDS: &[Kind] = &[
    ("form", form, form_schema),
    ("json", json, json_schema),
    ("body", text, text_schema),
    ("multipart", multipart, multipart_schema),
    ("body_file", file, file_schema),
    ("graphql", graphql, graphql_schema),
];

/// Lowers the body, if there is one.
pub(super) fn lower(table: &Reader<'_>, templates: &mut Vec<At<Text>>) -> Option<Body> {
    let mut found = Vec::new();
    for (key, lower, _) in KINDS {
        if let Some(entry) = table.take(key) {
            found.push((entry, lower));
        }
    }
    if let [(first, _), (second, _), ..] = found.as_slice() {
        let note = Note::new(second.key_span.clone(), "a request has only one body");
        let keys: Vec<String> = KINDS.iter().map(|(key, ..)| format!("`{key}`")).collect();
        table.note(
            note.label(format!("besides `{}`", first.key))
                .help(format!("keep one of {}", keys.join(", "))),
        );
    }
    let mut bodies = Vec::new();
    for (entry, lower) in &found {
        bodies.extend(lower(entry, table, templates));
    }
    bodies.into_iter().next()
}

fn form(_: &Entry<'_>, table: &Reader<'_>, templates: &mut Vec<At<Text>>) -> Option<Body> {
    Some(Body::Form(plain(pairs(table, "form", templates))))
}

fn json(entry: &Entry<'_>, _: &Reader<'_>, templates: &mut Vec<At<Text>>) -> Option<Body> {
    if !entry.value.is_str() {
        entry.texts_within(templates);
        return entry.json().map(Body::Json);
    }
    let text = entry.text()?;
    if !text.value.contains("{{")
        && let Err(error) = serde_json::from_str::<Value>(&text.value)
    {
        let note = entry.fault(format!("`json` is a text that is not JSON: {error}"));
        return entry.refuse(
            note.label("not JSON").help(
                "a text is sent as it is; write a table, or `json = '\"text\"'` for one text",
            ),
        );
    }
    let text = At { value: Text(text.value), span: text.span };
    templates.push(text.clone());
    Some(Body::RawJson(text.value))
}

fn text(entry: &Entry<'_>, _: &Reader<'_>, templates: &mut Vec<At<Text>>) -> Option<Body> {
    let text = entry.any_text()?;
    let text = At { value: Text(text.value), span: text.span };
    templates.push(text.clone());
    Some(Body::Text(text.value))
}

fn file(entry: &Entry<'_>, _: &Reader<'_>, _: &mut Vec<At<Text>>) -> Option<Body> {
    attachment(entry).map(Body::File)
}

fn multipart(entry: &Entry<'_>, _: &Reader<'_>, templates: &mut Vec<At<Text>>) -> Option<Body> {
    let mut fields = Vec::new();
    if entry.value.is_table() {
        let table = entry.table("step.http.multipart")?;
        for entry in table.entries() {
            let name = entry.key.to_owned();
            if entry.value.is_table() {
                let inner = entry.table(format!("step.http.multipart.{name}"))?;
                fields.extend(field(&inner, Some(name), templates));
            } else if let Some(text) = entry.template() {
                templates.push(text.clone());
                let content = FieldContent::Text(text.value);
                fields.push(Field { name, content, media_type: None, file_name: None });
            }
        }
    } else {
        let wanted = "a list of tables such as `{ name = \"file\", file = \"photo.png\" }`";
        for item in entry.elements(wanted)? {
            let Some(inner) = item.table("step.http.multipart") else { continue };
            inner.require("name", "name = \"file\"");
            let name = inner.text("name").map(|name| name.value);
            fields.extend(field(&inner, name, templates));
        }
    }
    if fields.is_empty() && entry.value.as_array().is_some_and(|items| items.is_empty()) {
        return entry.refuse(entry.fault("`multipart` has no fields").label("nothing in it"));
    }
    Some(Body::Multipart(fields))
}

fn field(table: &Reader<'_>, name: Option<String>, templates: &mut Vec<At<Text>>) -> Option<Field> {
    let text = table.take("text").map(|entry| {
        let text = entry.template();
        templates.extend(text.clone());
        text.map(|text| FieldContent::Text(text.value))
    });
    let file = table.take("file").map(|entry| attachment(&entry).map(FieldContent::File));
    let media_type = table.take("type").and_then(|entry| media_type(&entry));
    let file_name = table.text("filename").map(|name| name.value);
    table.finish();
    let content = match (text, file) {
        (Some(text), None) => text,
        (None, Some(file)) => file,
        (both, _) => {
            let what = if both.is_some() { "has both" } else { "needs one of" };
            let note = table.fault(format!("a field {what} `text` and `file`"));
            table.note(
                note.label("one of `text`, `file`")
                    .help("write `{ name = \"title\", text = \"x\" }` or `{ name = \"photo\", file = \"photo.png\" }`")
                    .derived(),
            );
            None
        }
    };
    Some(Field { name: name?, content: content?, media_type, file_name })
}

fn media_type(entry: &Entry<'_>) -> Option<String> {
    let text = entry.text()?.value;
    let (kind, rest) = text.split_once('/').unwrap_or_default();
    let good =
        !kind.is_empty() && !rest.is_empty() && text.bytes().all(|b| (b' '..=b'~').contains(&b));
    if good {
        return Some(text);
    }
    let note = entry.fault(format!("`{}` is not a media type", text.escape_debug()));
    entry.refuse(note.label("not a type").help("such as `image/png`"))
}

fn graphql(entry: &Entry<'_>, _: &Reader<'_>, templates: &mut Vec<At<Text>>) -> Option<Body> {
    let table = entry.table("step.http.graphql")?;
    let query = table.take("query").map(|entry| {
        let text = entry.text().map(|text| At { value: Text(text.value), span: text.span });
        templates.extend(text.clone());
        text.map(|text| text.value)
    });
    let file = table.take("file").map(|entry| document(&entry));
    let variables = table.take("variables").and_then(|entry| {
        let table = entry.table("step.http.graphql.variables")?;
        entry.texts_within(templates);
        let members = table.entries().into_iter().map(|e| Some((e.key.to_owned(), e.json()?)));
        Some(Value::Object(members.collect::<Option<_>>()?))
    });
    let operation = table.text("operation").map(|operation| operation.value);
    table.finish();
    let query = match (query, file) {
        (Some(query), None) => query,
        (None, Some(file)) => file,
        (both, _) => {
            let what = if both.is_some() { "has both" } else { "needs one of" };
            let note = table.fault(format!("`graphql` {what} `query` and `file`"));
            table.note(note.label("one of `query`, `file`").derived());
            None
        }
    };
    Some(Body::GraphQl { query: query?, variables, operation })
}

/// A file that is sent as it is.
fn attachment(entry: &Entry<'_>) -> Option<Attachment> {
    entry.attached().map(|file| Attachment::new(file.value.name, file.value.bytes))
}

/// A document in a file: it is sent as it is, so braces in it must not be read as a template's.
fn document(entry: &Entry<'_>) -> Option<Text> {
    let (name, text) = entry.attached_text()?.value;
    if text.contains("{{") {
        let note = entry.fault(format!("`file`: {} has `{{{{` in it", name.escape_debug()));
        return entry.refuse(
            note.label("no templates in files")
                .help("a document has variables of its own: give them in `variables`"),
        );
    }
    Some(Text(text))
}

/// What editors are told of each kind of body, by its key.
pub(in crate::config) fn schemas() -> Vec<(&'static str, Value)> {
    KINDS.iter().map(|(key, _, schema)| (*key, schema())).collect()
}
