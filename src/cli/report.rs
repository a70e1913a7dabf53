//! `wayfarer report`: the review of a change, the summary of a week or a service, as text, HTML, Markdown or JSON.

use std::{fs, path::PathBuf, time::Duration};

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{
    Context, Exit, Failed,
    args::ReportArguments,
    place::{Log, encoded},
    say,
};
use crate::{
    daemon::{Desk, DigestAsk, Week, digest, review},
    model::ChangeId,
    render::{
        Layout,
        page::{PageError, Pages},
        review::{Digest, FilePage, Review, digest_file, markdown, review_file, text},
    },
    source::agent::AgentError,
    web::span_of,
};

/// Where the file goes.
type Html = Option<Option<PathBuf>>;

/// What was put together.
enum Document {
    Review(Box<Review>),
    Digest(Box<Digest>),
}

/// Puts it together, and shows it as wanted.
pub(super) async fn run(arguments: &ReportArguments, context: &Context) -> Result<Exit, Failed> {
    let ask = ask(arguments, context)?;
    let log = Log::open(&arguments.place, context)?;
    let document = match (&ask, &arguments.id) {
        (Some(ask), _) => Document::Digest(Box::new(log.digest(ask, context).await?)),
        (None, id) => {
            let id = id.as_deref().unwrap_or_default();
            Document::Review(Box::new(log.review(id, context).await?))
        }
    };
    show(&document, (&arguments.html, arguments.md, arguments.place.json), context)?;
    Ok(Exit::Good)
}

/// What summary is wanted; none where it is the review of a change.
fn ask(arguments: &ReportArguments, context: &Context) -> Result<Option<DigestAsk>, Failed> {
    let usage = |message: String| Failed::new(Exit::Usage, message);
    if let Some(week) = &arguments.week {
        let week = match week.as_deref() {
            None => Week::of(context.clock.now()),
            Some(text) => Week::parse(text)
                .ok_or_else(|| usage(format!("`{text}` is no week: write 2026-W47")))?,
        };
        return Ok(Some(DigestAsk::Week(week)));
    }
    let Some(service) = &arguments.service else { return Ok(None) };
    let since = span_of(&arguments.since)
        .ok_or_else(|| usage(format!("--since {}: write 24h, 7d or 4w", arguments.since)))?;
    Ok(Some(DigestAsk::Service(service.clone(), since)))
}

fn show(
    document: &Document,
    (html, md, json): (&Html, bool, bool),
    context: &Context,
) -> Result<(), Failed> {
    let bug = |e: PageError| Failed::new(Exit::Bug, e);
    if let Some(to) = html {
        let pages = Pages::new().map_err(bug)?;
        let made: FilePage = match document {
            Document::Review(review) => review_file(&pages, review),
            Document::Digest(digest) => digest_file(&pages, digest),
        }
        .map_err(bug)?;
        return match to {
            None => say(&made.html),
            Some(path) => {
                fs::write(path, made.html).map_err(|e| {
                    let message = format!("cannot write {}: {e}", path.display());
                    Failed::new(Exit::Trouble, message)
                })?;
                say(&format!("wrote {}\n", path.display()))
            }
        };
    }
    let layout = Layout { width: context.width, colour: context.colour };
    let text = match (document, md, json) {
        (Document::Review(review), _, true) => format!("{:#}\n", json!(review)),
        (Document::Digest(digest), _, true) => format!("{:#}\n", json!(digest)),
        (Document::Review(review), true, _) => markdown::review(review),
        (Document::Digest(digest), true, _) => markdown::digest(digest),
        (Document::Review(review), ..) => text::review(review, layout),
        (Document::Digest(digest), ..) => text::digest(digest, layout),
    };
    say(&text)
}

impl Log {
    async fn review(&self, id: &str, context: &Context) -> Result<Review, Failed> {
        match self {
            Self::Agent(agent) => {
                let path = format!("api/v1/changes/{}/review", encoded(id));
                let answer = agent.get(&path, Duration::ZERO).await;
                read(answer.map_err(|e| match e {
                    AgentError::Refused { status: 404, message, .. } => {
                        Failed::new(Exit::NoVerdict, message)
                    }
                    e => e.into(),
                })?)
            }
            Self::File(store, setup) => {
                let setup = setup.as_deref();
                let base = setup.and_then(|s| s.settings.agent.public_url.as_deref());
                let desk = Desk { store, setup, good: &(), base, now: context.clock.now() };
                let found = review(&desk, &ChangeId::from(id)).await?;
                let unknown =
                    || Failed::new(Exit::NoVerdict, format!("no change has the id `{id}`"));
                found.ok_or_else(unknown)
            }
        }
    }

    async fn digest(&self, ask: &DigestAsk, context: &Context) -> Result<Digest, Failed> {
        match self {
            Self::Agent(agent) => {
                let path = match ask {
                    DigestAsk::Week(week) => format!("api/v1/reports/week?week={}", week.name()),
                    DigestAsk::Service(name, since) => format!(
                        "api/v1/reports/service/{}?since={}s",
                        encoded(name),
                        since.as_secs()
                    ),
                };
                read(agent.get(&path, Duration::ZERO).await?)
            }
            Self::File(store, setup) => {
                let setup = setup.as_deref();
                let base = setup.and_then(|s| s.settings.agent.public_url.as_deref());
                let desk = Desk { store, setup, good: &(), base, now: context.clock.now() };
                Ok(digest(&desk, ask).await?)
            }
        }
    }
}

/// An agent's document; one of another version may have another form.
fn read<T: DeserializeOwned>(answer: Value) -> Result<T, Failed> {
    serde_json::from_value(answer).map_err(|e| {
        let message = format!("the agent's answer is of another version than this command: {e}");
        Failed::new(Exit::Trouble, message)
    })
}
