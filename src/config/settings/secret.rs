//! References to secrets, and `[[token]]`.

use crate::{
    config::{hint, names::NameOf, page::Note, reader::Reader, value::Entry},
    model::{Scope, SecretSource, TokenSettings},
};

pub(in crate::config) const SCOPES: &[(&str, Scope)] =
    &[("read", Scope::Read), ("write", Scope::Write), ("admin", Scope::Admin)];

/// How a reference is written.
const FORMS: &str = "write `{ env = \"NAME\" }`, `{ file = \"/run/secrets/name\" }` or `{ command = [\"pass\", \"name\"] }`";

/// Where a secret's value comes from. Anything but a reference may be the secret itself and is never shown.
pub(super) fn source(entry: &Entry<'_>, name: &str) -> Option<SecretSource> {
    if !entry.value.is_table() {
        entry.page.hide(entry.span.clone());
        let note = entry.fault(format!("the secret `{name}` stands in the file itself"));
        return entry.refuse(note.label("not a reference").help(FORMS));
    }
    entry.page.mark(name, entry.span.clone());
    let reader = entry.table(name)?;
    let env = reader.take("env");
    let file = reader.take("file");
    let command = reader.take("command");
    reader.finish();
    let said = [&env, &file, &command].into_iter().flatten().count();
    if said != 1 {
        let what = if said == 0 {
            "does not say where it comes from"
        } else {
            "comes from several places"
        };
        let note = entry.fault(format!("the secret `{name}` {what}"));
        return entry.refuse(note.label("one of `env`, `file`, `command`").help(FORMS));
    }
    if let Some(env) = env {
        return variable(&env).map(SecretSource::Env);
    }
    if let Some(file) = file {
        return file.text().map(|path| SecretSource::File(path.value));
    }
    let words: Vec<String> = command?
        .elements("a list of words: the program and its arguments")?
        .iter()
        .map(|word| word.any_text().map(|word| word.value))
        .collect::<Option<_>>()?;
    if words.first().is_none_or(|program| program.trim().is_empty()) {
        let note = entry.fault(format!("the secret `{name}` has an empty command"));
        return entry.refuse(note.label("no program to run").help(FORMS));
    }
    Some(SecretSource::Command(words))
}

fn variable(entry: &Entry<'_>) -> Option<String> {
    let name = entry.text()?.value;
    let good = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if good {
        return Some(name);
    }
    // It may be the secret itself, written where its variable's name belongs.
    entry.page.hide(entry.span.clone());
    let note = entry.fault("`env` must be the name of an environment variable");
    entry.refuse(note.label("not a name").help("letters, digits and `_`, such as `SHOP_PASSWORD`"))
}

/// All of `[[token]]`, and whether there is any, readable or not.
pub(super) fn tokens(top: &Reader<'_>) -> (Vec<TokenSettings>, bool) {
    let readers = top.tables("token");
    let any = !readers.is_empty();
    let mut tokens: Vec<TokenSettings> = Vec::new();
    for reader in readers {
        reader.require("name", "name = \"pipeline\"");
        reader.require("scope", "scope = \"write\"");
        reader.require("secret", "secret = { env = \"WAYFARER_TOKEN\" }");
        let name = reader.name("name", NameOf::Thing);
        let scope = reader.take("scope").and_then(|entry| scope(&entry));
        let called = name.as_ref().map_or("secret", |name| &name.value);
        let secret =
            reader.take("secret").and_then(|entry| source(&entry, &format!("token.{called}")));
        reader.finish();
        let Some(name) = name else { continue };
        if tokens.iter().any(|token| token.name == name.value) {
            let note = Note::new(name.span, format!("two tokens are called `{}`", name.value));
            reader.note(note.label("again").help("the log tells tokens apart by their names"));
        } else if let (Some(scope), Some(secret)) = (scope, secret) {
            tokens.push(TokenSettings { name: name.value, scope, secret });
        }
    }
    (tokens, any)
}

fn scope(entry: &Entry<'_>) -> Option<Scope> {
    let text = entry.text()?;
    let known = SCOPES.iter().find(|(word, _)| *word == text.value);
    known.map(|(_, scope)| *scope).or_else(|| {
        let note = entry.fault(format!("there is no scope `{}`", text.value.escape_debug()));
        let advice = hint::advice(&text.value, SCOPES.iter().map(|(word, _)| *word));
        entry.refuse(note.label("not a scope").maybe_help(advice))
    })
}
