//! From a draft to a journey: what is common to all formats.

use std::collections::BTreeSet;

use super::{
    draft::{Auth, Body, Content, Draft, MOST_STEPS, Step},
    emit,
    fault::ImportError,
    imported::{Imported, Known, NoteKind, Options, SecretNeeded},
    names, secrets,
    site::{self, Site},
    text::Piece,
    toml_text,
    tree::Tree,
};

/// The methods that a step can have.
const METHODS: [&str; 8] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"];

/// What the environment lacks that a journey needs.
struct Lacking {
    vars: Vec<String>,
}

/// Settles site, names and secrets, and writes the journey.
pub(super) fn settle(mut draft: Draft, options: &Options) -> Result<Imported, ImportError> {
    drop_odd_methods(&mut draft);
    for step in draft.steps.split_off(draft.steps.len().min(MOST_STEPS)) {
        draft.left_out(format!("{} {}", step.method, step.name), "beyond the first 200 steps");
    }
    if draft.steps.is_empty() {
        let reasons: Vec<String> =
            draft.notes.iter().take(5).map(|note| format!("{}: {}", note.what, note.why)).collect();
        let finder = draft.vault.finder();
        let why = if reasons.is_empty() { "no request".to_owned() } else { reasons.join("; ") };
        return Err(ImportError::Empty(finder.scrub(&why)));
    }
    let site = site::place(&mut draft, options);
    let known = options.environments.iter().find(|known| known.name == site.environment);
    let known = known.cloned().unwrap_or_default();
    name_steps(&mut draft);
    mark_effects(&mut draft);
    claim_names(&mut draft, &known);
    secrets::hide(&mut draft);
    let lacking = lacking(&mut draft, &known);
    let name = journey_name(&draft, options, &site);
    let needed = needed(&draft, &site, &name, &known);
    let settings = settings(&draft, &site, &needed, &lacking, &known);
    let finder = draft.vault.finder();
    let name = if finder.finds_in(&name) { "imported".to_owned() } else { name };
    draft.notes.sort_by_key(|note| NoteKind::ALL.iter().position(|kind| *kind == note.kind));
    let files = files(&draft);
    let head = emit::Head {
        name: &name,
        environment: &site.environment,
        source: &options.source,
        settings: &settings,
    };
    let toml = emit::journey(&draft, &head);
    // What the pieces above let through (a secret as a key, or cut in two by a hole) is taken out here.
    let toml = if finder.finds_in(&toml) { finder.scrub(&toml) } else { toml };
    Ok(Imported {
        name,
        toml,
        notes: draft.notes,
        secrets: needed,
        environment: site.environment,
        settings: finder.scrub(&settings),
        files,
        new_environment: site.new,
    })
}

/// The files that are named.
fn files(draft: &Draft) -> Vec<String> {
    let mut files = BTreeSet::new();
    for step in &draft.steps {
        match &step.body {
            Body::File(file) => {
                files.insert(file.clone());
            }
            Body::Multipart(parts) => {
                files.extend(parts.iter().filter_map(|part| match &part.content {
                    Content::File(file) => Some(file.clone()),
                    Content::Text(_) => None,
                }))
            }
            _ => {}
        }
    }
    for (key, value) in &draft.settings {
        match (key.as_str(), value) {
            ("ca", Tree::Text(file)) => files.extend(file.as_plain().map(str::to_owned)),
            ("client_certificate", Tree::Table(members)) => {
                files.extend(members.iter().filter_map(|(key, value)| match value {
                    Tree::Text(file) if key == "certificate" => file.as_plain().map(str::to_owned),
                    _ => None,
                }));
            }
            _ => {}
        }
    }
    files.into_iter().collect()
}

fn drop_odd_methods(draft: &mut Draft) {
    for step in &mut draft.steps {
        step.method = step.method.to_ascii_uppercase();
    }
    let (kept, odd): (Vec<Step>, Vec<Step>) = std::mem::take(&mut draft.steps)
        .into_iter()
        .partition(|step| METHODS.contains(&step.method.as_str()));
    draft.steps = kept;
    for step in odd {
        let method: String = step.method.chars().take(20).collect();
        draft.unsupported(
            format!("a {method} request"),
            format!("methods are {}", METHODS.join(", ")),
        );
    }
}

/// Gives steps without a name one, and makes all names differ.
fn name_steps(draft: &mut Draft) {
    let mut taken = BTreeSet::new();
    for step in &mut draft.steps {
        let mut name = names::step(&step.name);
        if name.is_empty() {
            let path = path_of(step);
            name = names::of_request(&step.method, &path, wants_page(step), sends_password(step));
        }
        step.name = names::unique(&name, &mut taken, " ");
    }
}

/// The path of a step, holes as empty segments.
fn path_of(step: &Step) -> String {
    let mut path = String::new();
    for piece in &step.url.0 {
        if let Piece::Plain(text) = piece {
            let text = text.find("://").map_or(text.as_str(), |at| {
                let rest = &text[at + 3..];
                rest.find('/').map_or("", |slash| &rest[slash..])
            });
            path.push_str(text);
        }
    }
    path.split(['?', '#']).next().unwrap_or_default().to_owned()
}

fn wants_page(step: &Step) -> bool {
    let accept = step.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("accept"));
    let accepts = accept.and_then(|(_, text)| text.as_plain());
    let typed = step.expects.iter().flat_map(|expect| &expect.predicates).any(|(_, value)| {
        matches!(value, Tree::Text(text) if text.as_plain().is_some_and(|t| t.contains("html")))
    });
    typed || accepts.is_some_and(|accept| accept.contains("html"))
}

fn sends_password(step: &Step) -> bool {
    let is_password = |key: &str| {
        names::words(key)
            .iter()
            .any(|word| matches!(word.as_str(), "password" | "passwd" | "pwd" | "pass"))
    };
    match &step.body {
        Body::Form(fields) => fields.iter().any(|(key, _)| is_password(key)),
        Body::Json(Tree::Table(members)) => members.iter().any(|(key, _)| is_password(key)),
        _ => false,
    }
}

/// Steps that send something are not walked more often than the schedule says, but for signing in and out and for questions.
fn mark_effects(draft: &mut Draft) {
    for step in &mut draft.steps {
        let asks = matches!(step.method.as_str(), "GET" | "HEAD" | "OPTIONS" | "TRACE");
        let words = names::words(&path_of(step));
        let harmless = [
            "login",
            "logout",
            "signin",
            "signout",
            "sign",
            "session",
            "sessions",
            "token",
            "oauth",
            "search",
            "auth",
            "authenticate",
            "query",
        ];
        let question = match &step.body {
            Body::GraphQl { query, .. } => !query.shown().trim_start().starts_with("mutation"),
            _ => false,
        };
        let signs =
            words.iter().any(|word| harmless.contains(&word.as_str())) || sends_password(step);
        if !asks && !signs && !question && !step.says("effect") {
            step.keys.push(("effect".to_owned(), Tree::Bool(true)));
        }
    }
}

/// Captures and variables give way to names that the environment has.
fn claim_names(draft: &mut Draft, known: &Known) {
    let theirs: BTreeSet<String> = known.vars.iter().chain(&known.secrets).cloned().collect();
    let mut taken = theirs.clone();
    let mut ours: Vec<String> = draft.vars.iter().map(|(name, _)| name.clone()).collect();
    ours.extend(draft.steps.iter().flat_map(|s| s.captures.iter().map(|c| c.name.clone())));
    taken.extend(ours.iter().cloned());
    for name in ours.iter().filter(|name| theirs.contains(*name)) {
        let new = names::unique(name, &mut taken, "_");
        secrets::rename(draft, name, &new);
        for (var, _) in draft.vars.iter_mut().filter(|(var, _)| var == name) {
            var.clone_from(&new);
        }
    }
    // A secret of the environment may be just the one that is meant; a variable never is.
    let reserved = known.vars.iter().cloned().chain(ours).chain(["base_url".to_owned()]);
    draft.vault.reserve(reserved);
    let used = site::used(draft);
    draft.vault.reserve(used);
}

/// Names that templates use and nobody defines: secrets by their name are referred to, others are variables without a value.
fn lacking(draft: &mut Draft, known: &Known) -> Lacking {
    let mut defined: BTreeSet<String> = draft.vars.iter().map(|(name, _)| name.clone()).collect();
    defined.extend(draft.steps.iter().flat_map(|s| s.captures.iter().map(|c| c.name.clone())));
    defined.extend(draft.vault.kept().iter().map(|kept| kept.name.clone()));
    defined.extend(["base_url", "environment", "journey", "location", "run_id"].map(str::to_owned));
    let mut vars = Vec::new();
    let signing = signing_names(draft);
    for name in site::used(draft) {
        if defined.contains(&name) || known.vars.contains(&name) || known.secrets.contains(&name) {
            continue;
        }
        if secrets::is_secret_key(&name) || signing.contains(&name) {
            draft.vault.refer(&name, &format!("`{{{{{name}}}}}` of the input"));
        } else {
            draft.look(
                format!("`{{{{{name}}}}}`"),
                "the input does not say its value: set it in `vars`",
            );
            vars.push(name);
        }
    }
    Lacking { vars }
}

/// Variables that sign in stand for secrets, but for users.
fn signing_names(draft: &Draft) -> BTreeSet<String> {
    let auths = draft.steps.iter().filter_map(|step| step.auth.as_ref());
    auths
        .flat_map(|Auth(_, fields)| fields)
        .filter(|(key, _)| {
            !matches!(
                key.as_str(),
                "user" | "client_id" | "token_url" | "region" | "service" | "scope"
            )
        })
        .flat_map(|(_, text)| text.names().map(str::to_owned).collect::<Vec<_>>())
        .collect()
}

fn journey_name(draft: &Draft, options: &Options, site: &Site) -> String {
    let file = options.source.rsplit(['/', '\\']).next().unwrap_or_default();
    let stem = file.split_once('.').map_or(file, |(stem, _)| stem);
    let named = options.name.clone();
    named
        .or_else(|| draft.title.as_deref().and_then(names::thing))
        .or_else(|| names::thing(stem))
        .or_else(|| names::thing(&site.word).filter(|word| word.contains(char::is_alphabetic)))
        .or_else(|| draft.steps.first().and_then(|step| names::thing(&step.name)))
        .unwrap_or_else(|| "imported".to_owned())
}

fn needed(draft: &Draft, site: &Site, name: &str, known: &Known) -> Vec<SecretNeeded> {
    let telling = site.word.contains(char::is_alphabetic);
    let word = if telling { &site.word } else { name };
    let finder = draft.vault.finder();
    let kept = draft.vault.kept().iter().filter(|kept| !known.secrets.contains(&kept.name));
    let mut taken = BTreeSet::new();
    kept.map(|kept| SecretNeeded {
        name: kept.name.clone(),
        env: names::unique(&names::environment_variable(word, &kept.name), &mut taken, "_"),
        place: finder.scrub(&kept.place),
    })
    .collect()
}

/// What `wayfarer.toml` lacks, as it would be written there.
fn settings(
    draft: &Draft,
    site: &Site,
    needed: &[SecretNeeded],
    lacking: &Lacking,
    known: &Known,
) -> String {
    let mut lines = Vec::new();
    if let Some(base_url) = &site.base_url {
        lines.push(format!("base_url = {}", toml_text::quoted(base_url)));
    }
    for (key, value) in &draft.settings {
        lines.push(format!("{key} = {}", value.inline()));
    }
    let vars: Vec<(String, Tree)> =
        lacking.vars.iter().map(|name| (name.clone(), Tree::text("?"))).collect();
    if !vars.is_empty() {
        lines.push(format!("vars = {}", Tree::Table(vars).inline()));
    }
    let new = needed.iter().filter(|secret| !known.secrets.contains(&secret.name));
    let secrets: Vec<(String, Tree)> = new
        .map(|secret| (secret.name.clone(), Tree::one("env", Tree::text(secret.env.clone()))))
        .collect();
    let mut table = Vec::new();
    match secrets.len() {
        0 => {}
        1 => lines.push(format!("secrets = {}", Tree::Table(secrets).inline())),
        _ => {
            table.push(format!("[environments.{}.secrets]", toml_text::key(&site.environment)));
            table
                .extend(secrets.iter().map(|(name, value)| format!("{name} = {}", value.inline())));
        }
    }
    // The table of an environment that is there already must not be begun again for nothing.
    if !lines.is_empty() || site.new {
        lines.insert(0, format!("[environments.{}]", toml_text::key(&site.environment)));
    }
    let tables = [lines, table].map(|lines| lines.join("\n") + "\n");
    tables.iter().filter(|table| *table != "\n").cloned().collect::<Vec<_>>().join("\n")
}
