//! What people say of a change: notes, and whether they call it failed.

use axum::{
    Extension, Json,
    body::Bytes,
    extract::{Path, State, rejection::BytesRejection},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{
    daemon::{Handle, HandleError},
    model::{LONGEST_NOTE, LONGEST_WHY, Note, Scope, plain_words},
    web::{ApiError, auth::Caller, pages::note::LONGEST_NAME},
};

const NOTE: &str = r#"send {"text":"what you found out"}, plain text of at most 4000 characters"#;
const OUTCOME: &str =
    r#"send {"failed":true}, {"failed":false}, or {"failed":null} to take it back; with a "why""#;

/// A note.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NoteBody {
    /// What is to be kept.
    text: String,
    /// By whom, where no token says it.
    author: Option<String>,
}

impl NoteBody {
    fn text(&self) -> Result<String, ApiError> {
        if self.text.chars().count() > LONGEST_NOTE {
            return Err(ApiError::bad_request("the note is too long", NOTE));
        }
        plain_words(&self.text, LONGEST_NOTE)
            .ok_or_else(|| ApiError::bad_request("the note is empty", NOTE))
    }
}

fn read<T: DeserializeOwned>(
    body: Result<Bytes, BytesRejection>,
    hint: &'static str,
) -> Result<T, ApiError> {
    let body =
        body.map_err(|_| ApiError::bad_request("the body could not be read", "send it whole"))?;
    serde_json::from_slice(&body)
        .map_err(|e| ApiError::bad_request(format!("the body is not what is asked: {e}"), hint))
}

/// Who says it: the name they give, and the token that they used, which they cannot choose.
pub(in crate::web) fn who(caller: Caller, said: Option<String>) -> Option<String> {
    let said = said.and_then(|name| plain_words(&name.replace(['(', ')', '\n'], ""), LONGEST_NAME));
    match (said, caller.name) {
        (Some(name), Some(token)) if name != token => Some(format!("{name} (token {token})")),
        (said, token) => token.or(said),
    }
}

/// The token that something was written with, or else the name that was given.
fn token_of(author: &str) -> &str {
    let inner = author.strip_suffix(')').and_then(|rest| rest.split_once(" (token "));
    inner.map_or(author, |(_, token)| token)
}

/// `POST /api/v1/changes/{id}/notes` with `{"text":"…"}`: kept with author and time. Needs the scope `write`.
pub(crate) async fn note(
    State(handle): State<Handle>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Value>, ApiError> {
    let said: NoteBody = read(body, NOTE)?;
    let text = said.text()?;
    let author = who(caller, said.author);
    let note = handle.note(&id.into(), author, text).await?.ok_or_else(full)?;
    Ok(Json(json!({ "note": note })))
}

/// `GET /api/v1/changes/{id}/notes`: oldest first.
pub(crate) async fn notes(
    State(handle): State<Handle>,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let judged = handle.judged(&id.into()).await?;
    let notes = handle.store().notes(&judged.change.id).await?;
    Ok(Json(json!({ "notes": notes })))
}

/// `PUT /api/v1/changes/{id}/notes/{note}` with `{"text":"…"}`: written anew.
pub(crate) async fn rewrite(
    State(handle): State<Handle>,
    Extension(caller): Extension<Caller>,
    Path((id, note)): Path<(String, i64)>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Value>, ApiError> {
    let said: NoteBody = read(body, NOTE)?;
    let text = said.text()?;
    let note = alter(&handle, caller, (&id, note), Some(text), said.author).await?;
    Ok(Json(json!({ "note": note })))
}

/// `DELETE /api/v1/changes/{id}/notes/{note}`: its words are gone; that it was there, and who removed it, stays.
pub(crate) async fn remove(
    State(handle): State<Handle>,
    Extension(caller): Extension<Caller>,
    Path((id, note)): Path<(String, i64)>,
) -> Result<Json<Value>, ApiError> {
    let note = alter(&handle, caller, (&id, note), None, None).await?;
    Ok(Json(json!({ "note": note })))
}

/// Writes a note anew or removes it, if this caller may.
pub(in crate::web) async fn alter(
    handle: &Handle,
    caller: Caller,
    (id, note): (&str, i64),
    text: Option<String>,
    said: Option<String>,
) -> Result<Note, ApiError> {
    let id = id.into();
    let known = handle.noted(&id, note).await?;
    if !may_alter(handle, &caller, known.author.as_deref()) {
        return Err(ApiError::forbidden(
            "this note was written with another token",
            "its author may alter it, or whoever has `scope = \"admin\"`",
        ));
    }
    Ok(handle.alter_note(&id, note, text, who(caller, said)).await?)
}

/// Whether somebody may alter what this author wrote: what was written with a token is its owner's and the admins'; a name that was only
/// typed in protects nothing.
pub(in crate::web) fn may_alter(handle: &Handle, caller: &Caller, author: Option<&str>) -> bool {
    let owned = author.map(token_of).is_some_and(|author| {
        handle.setup().tokens.iter().any(|token| token.name == author)
            && caller.name.as_deref() != Some(author)
    });
    !owned || caller.scope == Some(Scope::Admin)
}

/// A change has as many notes as it may.
pub(in crate::web) fn full() -> ApiError {
    ApiError::bad_request(
        "this change has 200 notes, which is as many as it may",
        "write the rest where it can grow: a ticket, with its address as the last note",
    )
}

/// A person's word.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OutcomeBody {
    /// Whether it failed; null takes back what was said.
    #[serde(deserialize_with = "Option::deserialize")]
    failed: Option<bool>,
    /// In their words.
    why: Option<String>,
    /// By whom, where no token says it.
    by: Option<String>,
}

/// `POST /api/v1/changes/{id}/outcome`: a person calls a change failed, or not, or takes that back. Needs the scope `write`.
pub(crate) async fn say(
    State(handle): State<Handle>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Value>, ApiError> {
    let said: OutcomeBody = read(body, OUTCOME)?;
    if said.why.as_ref().is_some_and(|why| why.chars().count() > LONGEST_WHY) {
        let message = format!("`why` is longer than {LONGEST_WHY} characters");
        return Err(ApiError::bad_request(message, "write the rest into a note"));
    }
    let why = said.why.and_then(|why| plain_words(&why, LONGEST_WHY));
    let word = handle.say(&id.into(), said.failed, who(caller, said.by), why).await?;
    Ok(Json(json!({ "outcome": word })))
}

/// `GET /api/v1/changes/{id}/outcome`: what holds, and everything that was said, oldest first.
pub(crate) async fn outcome(
    State(handle): State<Handle>,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let judged = handle.judged(&id.into()).await.map_err(|e: HandleError| ApiError::from(e))?;
    let words = handle.store().words(&judged.change.id).await?;
    let failed = words.last().and_then(|word| word.failed);
    Ok(Json(json!({ "failed": failed, "said": words })))
}
