//! What a person says on the page of a change: notes, and whether it failed.

use axum::{
    Extension,
    body::Bytes,
    extract::{Path, State},
    response::Response,
};

use super::{
    form::{Form, back},
    words::encoded,
};
use crate::{
    daemon::Handle,
    model::{LONGEST_NOTE, LONGEST_WHY},
    web::{
        ApiError,
        api::said::{alter, full, who},
        auth::Caller,
    },
};

/// Longest name of somebody who is not logged in, in characters.
pub(in crate::web) const LONGEST_NAME: usize = 80;

/// Who writes: whoever is logged in, or else the name they give.
fn author(caller: Caller, form: &Form) -> Option<String> {
    let said = form.words("author", LONGEST_NAME).filter(|_| caller.name.is_none());
    who(caller, said)
}

fn empty() -> ApiError {
    ApiError::bad_request("the note is empty", "go back and write something")
}

/// `POST /changes/{id}/notes`: keeps it, and leads back.
pub(in crate::web) async fn write(
    State(handle): State<Handle>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Response, ApiError> {
    let form = Form::read(&body);
    let text = form.words("text", LONGEST_NOTE).ok_or_else(empty)?;
    let author = author(caller, &form);
    handle.note(&id.as_str().into(), author, text).await?.ok_or_else(full)?;
    Ok(back(&format!("../{}#notes", encoded(&id))))
}

/// `POST /changes/{id}/notes/{note}`: writes it anew, or removes it.
pub(in crate::web) async fn rewrite(
    State(handle): State<Handle>,
    Extension(caller): Extension<Caller>,
    Path((id, note)): Path<(String, i64)>,
    body: Bytes,
) -> Result<Response, ApiError> {
    let form = Form::read(&body);
    let text = match form.field("do") {
        Some("remove") => None,
        _ => Some(form.words("text", LONGEST_NOTE).ok_or_else(empty)?),
    };
    let author = form.words("author", LONGEST_NAME);
    alter(&handle, caller, (&id, note), text, author).await?;
    Ok(back(&format!("../../{}#notes", encoded(&id))))
}

/// `POST /changes/{id}/outcome`: the buttons that say whether it failed.
pub(in crate::web) async fn say(
    State(handle): State<Handle>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Response, ApiError> {
    let form = Form::read(&body);
    let failed = match form.field("failed") {
        Some("yes") => Some(true),
        Some("no") => Some(false),
        Some("back") => None,
        _ => return Err(ApiError::bad_request("it is not said what is meant", "use its buttons")),
    };
    let author = author(caller, &form);
    let why = form.words("why", LONGEST_WHY);
    handle.say(&id.as_str().into(), failed, author, why).await?;
    Ok(back(&format!("../{}#said", encoded(&id))))
}
