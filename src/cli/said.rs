//! `wayfarer change failed` and `wayfarer change note`.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    Context, Exit, Failed,
    args::{FailedArguments, NoteArguments},
    change::text,
    place::{Log, encoded},
    say,
};
use crate::{
    daemon::look_up,
    model::{ChangeId, LONGEST_NOTE, LONGEST_WHY, Note, Touch, Word, plain_words},
    store::Store,
};

/// Says that a change failed, or did not, or takes that back.
pub(super) async fn failed(arguments: &FailedArguments, context: &Context) -> Result<Exit, Failed> {
    let failed = match (arguments.undo, arguments.not) {
        (true, _) => None,
        (false, not) => Some(!not),
    };
    let by = who(arguments.by.as_ref(), context);
    let why = arguments.why.as_deref().and_then(|why| plain_words(why, LONGEST_WHY));
    let answer = match Log::open_to_write(&arguments.place, context)? {
        Log::Agent(agent) => {
            let path = format!("api/v1/changes/{}/outcome", encoded(&arguments.id));
            let body = json!({ "failed": failed, "why": why, "by": by });
            agent.post(&path, body.to_string().into_bytes()).await?
        }
        Log::File(store, _) => {
            let id = known(&store, &arguments.id).await?;
            let word = Word { at: context.clock.now(), author: by, failed, why };
            store.say(&id, word.clone()).await?;
            json!({ "outcome": word })
        }
    };
    if arguments.place.json {
        say(&format!("{answer:#}\n"))?;
        return Ok(Exit::Good);
    }
    let told = match failed {
        Some(true) => "counts as failed",
        Some(false) => "does not count as failed",
        None => "counts as its verdict, rollbacks and incidents say",
    };
    say(&format!("{} {told}\n", arguments.id))?;
    Ok(Exit::Good)
}

/// Adds, alters, removes or lists notes.
pub(super) async fn note(arguments: &NoteArguments, context: &Context) -> Result<Exit, Failed> {
    let by = who(arguments.by.as_ref(), context);
    let words = match &arguments.text {
        Some(text) if text.chars().count() > LONGEST_NOTE => {
            let message = format!("a note has at most {LONGEST_NOTE} characters");
            return Err(Failed::new(Exit::Usage, message));
        }
        Some(text) => Some(
            plain_words(text, LONGEST_NOTE)
                .ok_or_else(|| Failed::new(Exit::Usage, "the note is empty"))?,
        ),
        None => None,
    };
    let log = Log::open_to_write(&arguments.place, context)?;
    let at = arguments.alter.or(arguments.remove);
    let answer = match log {
        Log::Agent(agent) => {
            let path = format!("api/v1/changes/{}/notes", encoded(&arguments.id));
            let body = |text: &str| json!({ "text": text, "author": by }).to_string().into_bytes();
            match (at, &words) {
                (None, None) => agent.get(&path, Duration::ZERO).await?,
                (None, Some(text)) => agent.post(&path, body(text)).await?,
                (Some(at), Some(text)) => agent.put(&format!("{path}/{at}"), body(text)).await?,
                (Some(at), None) => agent.delete(&format!("{path}/{at}")).await?,
            }
        }
        Log::File(store, _) => in_file(&store, &arguments.id, (at, words), by, context).await?,
    };
    if arguments.place.json {
        say(&format!("{answer:#}\n"))?;
        return Ok(Exit::Good);
    }
    let notes = answer["notes"].as_array().cloned();
    let notes = notes.unwrap_or_else(|| vec![answer["note"].clone()]);
    if notes.is_empty() {
        say("nobody wrote anything\n")?;
    }
    for note in &notes {
        say(&line(note))?;
    }
    Ok(Exit::Good)
}

async fn in_file(
    store: &Store,
    id: &str,
    (at, words): (Option<i64>, Option<String>),
    by: Option<String>,
    context: &Context,
) -> Result<Value, Failed> {
    let id = known(store, id).await?;
    let now = context.clock.now();
    let note: Option<Note> = match (at, words) {
        (None, None) => return Ok(json!({ "notes": store.notes(&id).await? })),
        (None, Some(text)) => store.add_note(id, now, by, text).await?,
        (Some(at), words) => store.alter_note(&id, at, words, Touch { at: now, by }).await?,
    };
    let note = note.ok_or_else(|| match at {
        Some(at) => Failed::new(Exit::NoVerdict, format!("there is no note {at} of this change")),
        None => Failed::new(Exit::Usage, "this change has as many notes as it may"),
    })?;
    Ok(json!({ "note": note }))
}

async fn known(store: &Store, id: &str) -> Result<ChangeId, Failed> {
    let judged = look_up(store, &id.into()).await?;
    let unknown = || Failed::new(Exit::NoVerdict, format!("no change has the id `{id}`"));
    Ok(judged.ok_or_else(unknown)?.change.id)
}

fn who(said: Option<&String>, context: &Context) -> Option<String> {
    let name = said.or_else(|| context.variables.get("USER"));
    name.filter(|name| !name.is_empty()).cloned()
}

fn line(note: &Value) -> String {
    let at = text(&note["at"]);
    let at = at.get(..16).unwrap_or(&at).replace('T', " ");
    let author = note["author"].as_str().map_or("somebody".to_owned(), |_| text(&note["author"]));
    let words = match note["removed"].as_object() {
        Some(_) => format!("(removed by {})", text(&note["removed"]["by"])),
        None => text(&note["text"]),
    };
    format!("{at}  {:>4}  {author}: {words}\n", text(&note["id"]))
}
