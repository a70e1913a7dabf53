//! Which environment a journey fits, and its addresses written by `{{base_url}}`.

use std::collections::{BTreeMap, BTreeSet};

use url::Url;

use super::{
    draft::Draft,
    imported::{Known, Options},
    names,
    text::{Piece, Text},
    url_parts::owner,
};

/// Where a journey runs.
#[derive(Debug, Default)]
pub(super) struct Site {
    /// The environment's name.
    pub(super) environment: String,
    /// Whether nobody has configured it yet.
    pub(super) new: bool,
    /// The `base_url` that it lacks.
    pub(super) base_url: Option<String>,
    /// A short word for the site, for names of environment variables.
    pub(super) word: String,
}

/// Finds the environment and rewrites all addresses.
pub(super) fn place(draft: &mut Draft, options: &Options) -> Site {
    resolve_bases(draft);
    let origins = origins(draft);
    let main = origins.iter().max_by_key(|(_, (uses, first))| (*uses, std::cmp::Reverse(*first)));
    let main = main.map(|(origin, _)| origin.clone());
    let hinted = draft.base.as_ref().map(|base| base.trim_end_matches('/').to_owned());
    let asked_there = |base: &String| {
        origins.is_empty() || origins.keys().any(|origin| same_origin(base, origin))
    };
    let main = hinted.filter(asked_there).or(main);
    let known = |name: &str| options.environments.iter().find(|known| known.name == name);
    let asked = options.environment.as_deref().and_then(known);
    let fitting = options.environments.iter().filter(|known| fits(known, main.as_deref()));
    let chosen = asked.or_else(|| fitting.max_by_key(|k| k.base_url.as_ref().map(String::len)));
    let word = main.as_deref().map_or_else(String::new, word_of);
    let mut site = Site { word, ..Site::default() };
    let base = match (chosen, main) {
        (Some(known), main) => {
            site.environment = known.name.clone();
            if known.base_url.is_none() && !known.vars.contains("base_url") {
                site.base_url.clone_from(&main);
            }
            if let (Some(theirs), Some(main)) = (&known.base_url, &main)
                && !fits(known, Some(main))
            {
                draft.look(
                    format!("the site {main}"),
                    format!(
                        "it is {theirs} in environment `{}`: `{{{{base_url}}}}` stands for both",
                        known.name
                    ),
                );
            }
            // The longest that fits: the environment's own where it has a path.
            known.base_url.clone().filter(|_| fits(known, main.as_deref())).or(main)
        }
        (None, main) => {
            let name = options.environment.clone();
            site.environment = name.unwrap_or_else(|| environment_name(main.as_deref(), options));
            site.new = true;
            site.base_url = Some(main.clone().unwrap_or_else(|| {
                draft.look("the site", "the input does not say where it is: set `base_url`");
                "https://example.com".to_owned()
            }));
            main
        }
    };
    rewrite(draft, base.as_deref(), &origins);
    site
}

/// Fills in variables that addresses begin with, where their value is known; `{{host}}` of unknown value becomes `{{base_url}}`.
fn resolve_bases(draft: &mut Draft) {
    let vars: BTreeMap<String, String> = draft.vars.iter().cloned().collect();
    let mut resolved = BTreeSet::new();
    let mut unknown: Option<String> = None;
    for step in &mut draft.steps {
        let mut url = Text::default();
        let mut authority = true;
        for (at, piece) in std::mem::take(&mut step.url.0).into_iter().enumerate() {
            match &piece {
                Piece::Name(name) if authority && vars.contains_key(name) => {
                    let value = vars[name].trim_end_matches('/').to_owned();
                    let scheme = at > 0 || value.contains("://");
                    resolved.insert(name.clone());
                    let value = if scheme { value } else { format!("https://{value}") };
                    if at == 0 && draft.base.is_none() && origin(&value).is_some() {
                        draft.base = Some(value.clone());
                    }
                    url.push(Piece::Plain(value));
                }
                Piece::Name(name) if at == 0 => {
                    unknown.get_or_insert_with(|| name.clone());
                    authority = false;
                    url.push(piece);
                }
                Piece::Plain(text) => {
                    let behind =
                        text.find("://").map_or(text.as_str(), |scheme| &text[scheme + 3..]);
                    authority &= !behind.contains('/');
                    url.push(piece);
                }
                _ => url.push(piece),
            }
        }
        step.url = url;
    }
    if let Some(name) = unknown.filter(|name| name != "base_url") {
        draft.look(
            format!("`{{{{{name}}}}}`"),
            "addresses begin with it, so it is `{{base_url}}` now",
        );
        super::secrets::rename(draft, &name, "base_url");
    }
    let used = used(draft);
    draft.vars.retain(|(name, _)| !resolved.contains(name) || used.contains(name));
}

/// The variables that any template reads.
pub(super) fn used(draft: &mut Draft) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    for step in &mut draft.steps {
        step.each_text(&mut |text| used.extend(text.names().map(str::to_owned)));
    }
    used
}

/// Scheme, host and port of each step's address: how often, and where first.
fn origins(draft: &Draft) -> BTreeMap<String, (usize, usize)> {
    let mut origins = BTreeMap::new();
    for (at, step) in draft.steps.iter().enumerate() {
        if let Some(Piece::Plain(plain)) = step.url.0.first()
            && let Some(origin) = origin(plain)
        {
            origins.entry(origin).or_insert((0, at)).0 += 1;
        }
    }
    origins
}

fn origin(url: &str) -> Option<String> {
    let scheme = url.find("://")?;
    let end = url[scheme + 3..].find(['/', '?', '#']).map_or(url.len(), |at| scheme + 3 + at);
    let parsed = Url::parse(&url[..end]).ok()?;
    parsed.has_host().then(|| url[..end].to_owned())
}

/// Whether an address is the environment's, whole or from a path on.
fn fits(known: &Known, origin: Option<&str>) -> bool {
    let (Some(base), Some(origin)) = (&known.base_url, origin) else { return false };
    same_origin(base, origin)
}

fn same_origin(one: &str, other: &str) -> bool {
    let parse = |text: &str| Url::parse(text).ok();
    matches!((parse(one), parse(other)), (Some(a), Some(b)) if a.origin() == b.origin())
}

/// Writes `{{base_url}}` for the site, and a variable for each other host that several steps ask.
fn rewrite(draft: &mut Draft, base: Option<&str>, origins: &BTreeMap<String, (usize, usize)>) {
    let mut taken: BTreeSet<String> = draft.vars.iter().map(|(name, _)| name.clone()).collect();
    taken.extend(draft.steps.iter().flat_map(|s| s.captures.iter().map(|c| c.name.clone())));
    let mut others: BTreeMap<String, String> = BTreeMap::new();
    let main = base.and_then(origin);
    for (origin, (uses, _)) in origins {
        let ours = main.as_ref().is_some_and(|main| same_origin(main, origin));
        if !ours && *uses > 1 {
            let name = names::unique(
                &names::variable(&format!("{}_url", word_of(origin))),
                &mut taken,
                "_",
            );
            others.insert(origin.clone(), name.clone());
            draft.vars.push((name, origin.clone()));
        }
    }
    for step in &mut draft.steps {
        // What names the site itself, as forms are guarded by, goes with it.
        for (_, text) in &mut step.headers {
            if base.is_some() && text.as_plain() == base {
                *text = Text::name("base_url");
            }
        }
        let Some(Piece::Plain(plain)) = step.url.0.first() else { continue };
        let Some(origin) = origin(plain) else { continue };
        let base = base.map(|base| base.trim_end_matches('/'));
        let within = base.filter(|base| {
            plain
                .strip_prefix(*base)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
        });
        let (prefix, name) = match (within, others.get(&origin)) {
            (Some(base), _) => (base.to_owned(), "base_url".to_owned()),
            (None, Some(name)) => (origin, name.clone()),
            (None, None) => continue,
        };
        step.url.strip_prefix(&prefix);
        step.url.0.insert(0, Piece::Name(name));
    }
}

/// The most telling word of a host: `shop` of `www.shop.example.com`, `example` of `www.example.com`.
pub(super) fn word_of(origin: &str) -> String {
    let host = Url::parse(origin).ok().and_then(|url| url.host_str().map(str::to_owned));
    let host = host.unwrap_or_default();
    if host.parse::<std::net::IpAddr>().is_ok() || host.starts_with('[') || !host.contains('.') {
        return if host == "localhost" {
            String::new()
        } else {
            host.replace(['.', ':', '[', ']'], "_")
        };
    }
    let owner = owner(&host);
    let below = host.strip_suffix(owner).unwrap_or_default().trim_end_matches('.');
    let label = below.split('.').rev().find(|label| !matches!(*label, "" | "www"));
    let first = owner.split('.').next().unwrap_or_default();
    label.unwrap_or(first).to_owned()
}

/// A name for a new environment, from what hosts of such environments are called.
fn environment_name(main: Option<&str>, options: &Options) -> String {
    let host = main.and_then(|main| Url::parse(main).ok());
    let host = host.as_ref().and_then(Url::host_str).unwrap_or_default().to_owned();
    let local = matches!(host.as_str(), "localhost" | "127.0.0.1" | "[::1]")
        || host.ends_with(".localhost")
        || host.ends_with(".local");
    let words: Vec<&str> = host.split(['.', '-']).collect();
    let stages = [
        ("staging", "staging"),
        ("stage", "staging"),
        ("stg", "staging"),
        ("test", "test"),
        ("qa", "qa"),
        ("uat", "uat"),
        ("dev", "dev"),
        ("preview", "preview"),
        ("sandbox", "sandbox"),
    ];
    let stage = stages.iter().find(|(word, _)| words.contains(word)).map(|(_, name)| *name);
    let name = if local { "local" } else { stage.unwrap_or("production") };
    if !options.environments.iter().any(|known| known.name == name) {
        return name.to_owned();
    }
    let mut taken: BTreeSet<String> = options.environments.iter().map(|k| k.name.clone()).collect();
    let word = main.map(word_of).and_then(|word| names::thing(&word));
    names::unique(&word.unwrap_or_else(|| name.to_owned()), &mut taken, "-")
}
