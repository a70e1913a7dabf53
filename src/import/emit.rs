//! Writes a journey file as a person would.

use super::{
    draft::{Auth, Body, Content, Draft, Expect, Step},
    imported::{Note, NoteKind},
    text::Text,
    toml_text,
    tree::Tree,
};

/// Longest line that is written where it can be helped.
const WIDTH: usize = 110;

/// Most notes of one kind that stand in the file; the command names them all.
const NOTES: usize = 12;

/// What stands at the top.
pub(super) struct Head<'a> {
    pub(super) name: &'a str,
    pub(super) environment: &'a str,
    pub(super) source: &'a str,
    pub(super) settings: &'a str,
}

/// The whole file.
pub(super) fn journey(draft: &Draft, head: &Head<'_>) -> String {
    let mut out = comments(draft, head);
    let mut keys = vec![
        ("name", toml_text::one_line(head.name)),
        ("environments", format!("[{}]", toml_text::one_line(head.environment))),
        ("every", "\"5m\"".to_owned()),
    ];
    if draft.steps.len() > 10 {
        keys.push(("timeout", "\"2m\"".to_owned()));
    }
    for (key, value) in keys {
        out.push_str(&format!("{key:<12} = {value}\n"));
    }
    if !draft.vars.is_empty() {
        out.push_str("\n[vars]\n");
        for (name, value) in &draft.vars {
            out.push_str(&format!("{name} = {}\n", toml_text::quoted(value)));
        }
    }
    for step in &draft.steps {
        write_step(step, &mut out);
    }
    out
}

fn comments(draft: &Draft, head: &Head<'_>) -> String {
    let mut out = String::new();
    let source = head.source.rsplit(['/', '\\']).next().unwrap_or_default();
    let from = if source.is_empty() {
        draft.origin.clone()
    } else {
        format!("{source} ({})", draft.origin)
    };
    let share = if draft.share.is_empty() { String::new() } else { format!(": {}", draft.share) };
    comment(&format!("Imported from {from}{share}."), "", &mut out);
    for kind in NoteKind::ALL {
        let notes: Vec<&Note> = draft.notes.iter().filter(|note| note.kind == kind).collect();
        if notes.is_empty() {
            continue;
        }
        out.push_str(&format!("#\n# {kind}:\n"));
        if kind == NoteKind::LeftOut {
            left_out(&notes, &mut out);
        } else {
            for note in notes.iter().take(NOTES) {
                comment(&format!("{}: {}", note.what, note.why), "  ", &mut out);
            }
            if notes.len() > NOTES {
                out.push_str(&format!("#   and {} more\n", notes.len() - NOTES));
            }
        }
    }
    if !head.settings.is_empty() {
        out.push_str("#\n# In wayfarer.toml:\n");
        for line in head.settings.lines() {
            out.push_str(format!("#   {line}").trim_end());
            out.push('\n');
        }
    }
    out.push('\n');
    out
}

/// Notes on what was left out, gathered by their reason.
fn left_out(notes: &[&Note], out: &mut String) {
    for (why, whats) in by_reason(notes) {
        let more = whats.len().saturating_sub(NOTES);
        let shown: Vec<&str> = whats.iter().take(NOTES).copied().collect();
        let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
        comment(&format!("{why}: {}{rest}", shown.join(", ")), "  ", out);
    }
}

/// Reasons in the order in which they first came, each with what it applies to.
pub fn by_reason<'n>(notes: &[&'n Note]) -> Vec<(&'n str, Vec<&'n str>)> {
    let mut order: Vec<(&str, Vec<&str>)> = Vec::new();
    let mut known = std::collections::BTreeMap::new();
    for note in notes {
        let at = *known.entry(note.why.as_str()).or_insert_with(|| {
            order.push((note.why.as_str(), Vec::new()));
            order.len() - 1
        });
        if !order[at].1.contains(&note.what.as_str()) || order[at].1.len() > 100 {
            order[at].1.push(&note.what);
        }
    }
    order
}

/// A comment, wrapped.
fn comment(text: &str, indent: &str, out: &mut String) {
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let mut line = format!("# {indent}");
    let mut empty = true;
    for word in clean.split(' ').filter(|word| !word.is_empty()) {
        if !empty && line.chars().count() + word.chars().count() >= WIDTH {
            out.push_str(line.trim_end());
            out.push('\n');
            line = format!("# {indent}  ");
        }
        line.push_str(word);
        line.push(' ');
        empty = false;
    }
    out.push_str(line.trim_end());
    out.push('\n');
}

fn write_step(step: &Step, out: &mut String) {
    out.push('\n');
    for line in &step.comments {
        comment(line, "", out);
    }
    out.push_str(&format!("[[step]]\nname = {}\n", toml_text::one_line(&step.name)));
    for (key, value) in &step.keys {
        out.push_str(&format!("{key} = {}\n", value.inline()));
    }
    let mut tables = Vec::new();
    out.push_str("[step.http]\n");
    if step.method != "GET" {
        out.push_str(&format!("method = \"{}\"\n", step.method));
    }
    out.push_str(&format!("url = {}\n", text(&step.url)));
    pairs("query", &step.query, out, &mut tables);
    if let Some(auth) = &step.auth {
        write_auth(auth, out);
    }
    let headers = said_headers(step);
    pairs("headers", &headers, out, &mut tables);
    write_body(&step.body, out, &mut tables);
    for (key, value) in &step.http {
        out.push_str(&format!("{key} = {}\n", value.inline()));
    }
    tables.iter().for_each(|table| out.push_str(table));
    write_expects(&step.expects, out);
    if !step.captures.is_empty() {
        out.push_str("[step.capture]\n");
        for capture in &step.captures {
            let mut members = capture.query.members();
            if capture.secret {
                members.push(("secret".to_owned(), Tree::Bool(true)));
            }
            out.push_str(&format!("{} = {}\n", capture.name, Tree::Table(members).inline()));
        }
    }
}

fn text(text: &Text) -> String {
    toml_text::quoted(&text.template())
}

/// A text of a form or query; a whole number as one.
fn scalar(value: &Text) -> Tree {
    let number = value.as_plain().filter(|plain| {
        plain.len() <= 9 && plain.parse::<u32>().is_ok_and(|n| n.to_string() == **plain)
    });
    number.map_or_else(|| Tree::Text(value.clone()), Tree::number)
}

/// Pairs as a table on one line, or as a table of its own where they are many. What stands twice becomes a list.
fn pairs(key: &str, pairs: &[(String, Text)], out: &mut String, tables: &mut Vec<String>) {
    if pairs.is_empty() {
        return;
    }
    let mut members: Vec<(String, Tree)> = Vec::new();
    let mut known: std::collections::BTreeMap<&str, usize> = std::collections::BTreeMap::new();
    for (name, value) in pairs {
        let value = if key == "headers" { Tree::Text(value.clone()) } else { scalar(value) };
        match known.get(name.as_str()) {
            Some(at) => match &mut members[*at].1 {
                Tree::List(all) => all.push(value),
                one => *one = Tree::List(vec![one.clone(), value]),
            },
            None => {
                known.insert(name, members.len());
                members.push((name.clone(), value));
            }
        }
    }
    table(&format!("step.http.{key}"), key, &Tree::Table(members), out, tables);
}

/// A value on one line if it fits, a table of its own if it is one and does not.
fn table(path: &str, key: &str, value: &Tree, out: &mut String, tables: &mut Vec<String>) {
    let line = format!("{key} = {}\n", value.inline());
    let fits = line.chars().count() <= WIDTH && line.matches('\n').count() == 1;
    match value {
        Tree::Table(members) if !fits && !members.is_empty() => {
            let mut own = format!("[{path}]\n");
            let mut below = Vec::new();
            for (name, value) in members {
                let name = toml_text::key(name);
                table(&format!("{path}.{name}"), &name, value, &mut own, &mut below);
            }
            tables.push(own);
            tables.append(&mut below);
        }
        Tree::List(items) if !fits && !items.is_empty() => {
            out.push_str(&format!("{key} = [\n"));
            for item in items {
                out.push_str(&format!("  {},\n", item.inline()));
            }
            out.push_str("]\n");
        }
        _ => out.push_str(&line),
    }
}

fn write_auth(Auth(kind, fields): &Auth, out: &mut String) {
    let value = match &fields[..] {
        [(key, one)] if key.is_empty() => Tree::Text(one.clone()),
        fields => Tree::Table(
            fields.iter().map(|(key, text)| (key.clone(), Tree::Text(text.clone()))).collect(),
        ),
    };
    out.push_str(&format!("auth = {}\n", Tree::one(kind, value).inline()));
}

/// The headers, without what the key of the body says already.
fn said_headers(step: &Step) -> Vec<(String, Text)> {
    let mut headers = step.headers.clone();
    let implied = match &step.body {
        Body::Form(_) => "application/x-www-form-urlencoded",
        Body::Json(_) | Body::GraphQl { .. } => "application/json",
        Body::Multipart(_) => "multipart/form-data",
        _ => return headers,
    };
    headers.retain(|(name, value)| {
        let media = value.as_plain().unwrap_or_default();
        let media = media.split(';').next().unwrap_or_default().trim();
        !(name.eq_ignore_ascii_case("content-type") && media.eq_ignore_ascii_case(implied))
    });
    headers
}

fn write_body(body: &Body, out: &mut String, tables: &mut Vec<String>) {
    match body {
        Body::None => {}
        Body::Form(fields) if fields.is_empty() => out.push_str("form = {}\n"),
        Body::Form(fields) => pairs("form", fields, out, tables),
        Body::Json(tree) if tree.is_toml() && !matches!(tree, Tree::Text(_)) => {
            table("step.http.json", "json", tree, out, tables)
        }
        // What TOML cannot say (null, a number to be filled in) is JSON itself.
        Body::Json(tree) => out.push_str(&format!("json = {}\n", text(&tree.json()))),
        Body::Text(body) => out.push_str(&format!("body = {}\n", text(body))),
        Body::File(file) => out.push_str(&format!("body_file = {}\n", toml_text::quoted(file))),
        Body::Multipart(parts) => {
            let parts = parts.iter().map(|part| {
                let mut members = vec![("name".to_owned(), Tree::text(part.name.clone()))];
                members.push(match &part.content {
                    Content::Text(text) => ("text".to_owned(), Tree::Text(text.clone())),
                    Content::File(file) => ("file".to_owned(), Tree::text(file.clone())),
                });
                members
                    .extend(part.media.iter().map(|m| ("type".to_owned(), Tree::text(m.clone()))));
                Tree::Table(members)
            });
            table("step.http.multipart", "multipart", &Tree::List(parts.collect()), out, tables);
        }
        Body::GraphQl { query, variables, operation } => {
            let mut members = vec![("query".to_owned(), Tree::Text(query.clone()))];
            members.extend(variables.iter().map(|v| ("variables".to_owned(), v.clone())));
            members
                .extend(operation.iter().map(|o| ("operation".to_owned(), Tree::text(o.clone()))));
            table("step.http.graphql", "graphql", &Tree::Table(members), out, tables);
        }
    }
}

/// Keys that `[step.expect]` takes as they are; those with names go below theirs.
fn short_key(expect: &Expect) -> Option<String> {
    let query = &expect.query;
    if query.attribute.is_some() || !query.filters.is_empty() {
        return None;
    }
    match (query.subject.as_str(), &query.of) {
        ("variable", _) => None,
        (subject, None) => Some(subject.to_owned()),
        (subject, Some(of)) => Some(format!("{subject}.{}", toml_text::key(of))),
    }
}

fn write_expects(expects: &[Expect], out: &mut String) {
    let mut short: Vec<(String, Vec<(String, Tree)>)> = Vec::new();
    let mut long: Vec<Expect> = Vec::new();
    for expect in expects {
        let key = short_key(expect);
        let has_schema =
            expect.predicates.iter().any(|(name, _)| name == "schema" || name == "count");
        let Some(key) = key.filter(|_| !has_schema) else {
            long.push(expect.clone());
            continue;
        };
        match short.iter_mut().find(|(known, _)| *known == key) {
            None => short.push((key, expect.predicates.clone())),
            Some((_, predicates)) => {
                let again = expect
                    .predicates
                    .iter()
                    .any(|(name, _)| predicates.iter().any(|(k, _)| k == name));
                if again {
                    long.push(expect.clone());
                } else {
                    predicates.extend(expect.predicates.clone());
                }
            }
        }
    }
    if !short.is_empty() {
        out.push_str("[step.expect]\n");
    }
    for (key, predicates) in short {
        let value = match &predicates[..] {
            [(name, value)] if name == "equals" && key != "duration" => value.clone(),
            [(name, value)] if name == "one_of" && key == "status" => value.clone(),
            predicates => Tree::Table(predicates.to_vec()),
        };
        out.push_str(&format!("{key} = {}\n", value.inline()));
    }
    for expect in long {
        let query = Tree::Table(expect.query.members());
        out.push_str(&format!("[[step.assert]]\nquery = {}\n", query.inline()));
        let mut tables = Vec::new();
        for (name, value) in &expect.predicates {
            table(&format!("step.assert.{name}"), name, value, out, &mut tables);
        }
        tables.iter().for_each(|table| out.push_str(table));
    }
}
