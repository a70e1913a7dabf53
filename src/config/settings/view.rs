//! `[[view]]`: what a team looks at, by a name on the dashboard.

use super::freeze::Environments;
use crate::{
    config::{
        hint,
        names::NameOf,
        page::Note,
        reader::Reader,
        value::{At, Entry},
    },
    model::{Reader as Who, SavedView},
};

/// All of `[[view]]`.
pub(super) fn lower(top: &Reader<'_>, environments: &Environments) -> Vec<SavedView> {
    let mut all: Vec<SavedView> = Vec::new();
    for reader in top.tables("view") {
        reader.require("name", "name = \"my team\"");
        let name = reader.text("name");
        let view = reader.take("view").map_or(Some(Who::Operator), |entry| who(&entry));
        let service = reader.name("service", NameOf::Service);
        let environment = reader.name("environment", NameOf::Thing);
        let owner = reader.text("owner");
        reader.finish();
        if let Some(place) = environment.as_ref()
            && !environments.contains_key(place.value.as_str())
        {
            let fault = format!("no environment is called `{}`", place.value);
            let names = environments.keys().map(|name| name.as_str());
            let advice = hint::advice(&place.value, names);
            let note = Note::new(place.span.clone(), fault).label("not known");
            reader.note(note.maybe_help(advice).derived());
        }
        let (Some(name), Some(view)) = (name, view) else { continue };
        if all.iter().any(|other| other.name == name.value) {
            let note = reader.fault(format!("two views are called `{}`", name.value));
            reader.note(note.label("again").help("give one of them another `name`"));
            continue;
        }
        let said = |at: Option<At<String>>| at.map(|at| at.value);
        all.push(SavedView {
            name: name.value,
            view,
            service: said(service).map(Into::into),
            environment: said(environment).map(Into::into),
            owner: said(owner),
        });
    }
    all
}

fn who(entry: &Entry<'_>) -> Option<Who> {
    let text = entry.text()?.value;
    let known = Who::ALL.iter().find(|who| who.as_str() == text);
    known.copied().or_else(|| {
        let note = entry.fault(format!("there is no view `{}`", text.escape_debug()));
        let advice = hint::advice(&text, Who::ALL.iter().map(|who| who.as_str()));
        entry.refuse(note.label("not a view").maybe_help(advice))
    })
}
