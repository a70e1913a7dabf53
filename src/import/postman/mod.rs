//! Postman collections v2.0 and v2.1: requests of all folders in order, variables, signing in, the common lines of tests.

mod collection;
mod request;
mod script;

use super::{
    draft::{Draft, Expect, Query},
    fault::ImportError,
    formats::Importer,
    imported::Options,
    names,
    tree::Tree,
};
use collection::{Auth, Item, Request};

pub(super) const IMPORTER: Importer = Importer { name: "postman", detects, read };

fn detects(text: &str, head: &str) -> bool {
    head.starts_with('{')
        && (head.contains("schema.getpostman.com")
            || head.contains("\"_postman_id\"")
            || text.contains("https://schema.getpostman.com/json/collection/"))
}

fn read(text: &str, _: &Options) -> Result<Draft, ImportError> {
    let collection: Item = serde_json::from_str(text)
        .map_err(|error| ImportError::json("a Postman collection", &error))?;
    let info = collection.info.as_ref();
    let schema = info.and_then(|info| info.schema.clone()).unwrap_or_default();
    if schema.contains("/v1.") || collection.item.is_none() {
        return Err(ImportError::Broken {
            format: "a Postman collection",
            reason: "it has no `item`: export it as v2.1".to_owned(),
        });
    }
    let mut draft = Draft { origin: "a Postman collection".to_owned(), ..Draft::default() };
    draft.title = info.and_then(|info| info.name.clone());
    for pair in collection.variable.iter().flatten() {
        if let Some((key, value)) = pair.texts().filter(|_| !pair.disabled)
            && !value.is_empty()
        {
            if value.contains("{{") {
                draft.look(
                    format!("variable `{key}`"),
                    "its value holds another variable: put that where it is used",
                );
                continue;
            }
            draft.vars.push((names::variable(&key), value));
        }
    }
    folder(collection, &[], None, &mut draft);
    Ok(draft)
}

/// The requests of a folder and of those in it.
fn folder(folder_of: Item, path: &[String], auth: Option<&Auth>, draft: &mut Draft) {
    let own = folder_of.auth.filter(|auth| auth.kind.is_some());
    let auth = own.as_ref().or(auth);
    let prerequests = folder_of.event.iter().flatten().filter(|event| is_said(event)).count();
    if prerequests > 0 {
        let name = path.last().cloned().unwrap_or_else(|| "the collection".to_owned());
        draft.unsupported(format!("scripts of {name}"), "scripts are not run");
    }
    for item in folder_of.item.into_iter().flatten() {
        let name: String = item.name.clone().unwrap_or_default().chars().take(60).collect();
        if item.item.is_some() {
            let mut path = path.to_vec();
            path.push(name);
            folder(item, &path, auth, draft);
        } else {
            request_of(item, path, auth, draft);
        }
    }
}

/// Whether an event has a script with anything in it.
fn is_said(event: &collection::Event) -> bool {
    event.script.as_ref().is_some_and(|script| {
        script.text().lines().any(|line| !line.trim().is_empty() && !line.trim().starts_with("//"))
    })
}

fn request_of(item: Item, path: &[String], auth: Option<&Auth>, draft: &mut Draft) {
    let mut name = item.name.unwrap_or_default();
    let request = match item.request {
        Some(serde_json::Value::String(url)) => {
            Some(Request { url: url.into(), ..Request::default() })
        }
        Some(json) => serde_json::from_value::<Request>(json).ok(),
        None => None,
    };
    let Some(request) = request else {
        return draft.unsupported(format!("`{name}`"), "it has no request that can be read");
    };
    if let Some(folder) = path.last().filter(|folder| !folder.is_empty()) {
        name = format!("{folder}: {name}");
    }
    let own = item.auth.filter(|auth| auth.kind.is_some());
    let mut step = request::step(&names::step(&name), request, own.as_ref().or(auth), draft);
    if step.url.is_empty() {
        return draft.unsupported(format!("`{name}`"), "it has no address");
    }
    for event in item.event.iter().flatten().filter(|event| is_said(event)) {
        let script = event.script.as_ref().map(collection::Script::text).unwrap_or_default();
        if event.listen.as_deref() == Some("test") {
            script::read(&script, &mut step, draft);
        } else {
            draft.unsupported(format!("the script before `{name}`"), "scripts are not run");
        }
    }
    let redirect = step.expects.iter().any(|expect: &Expect| {
        expect.query == Query::plain("status")
            && matches!(&expect.predicates[..], [(_, Tree::Number(n))] if n.starts_with('3'))
    });
    if redirect {
        step.http.push(("redirects".to_owned(), Tree::number(0)));
    }
    draft.steps.push(step);
}
