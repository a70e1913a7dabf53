//! `POST /changes/{id}/notes`: what a person writes on the page of a change.

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
    model::LONGEST_NOTE,
    web::{ApiError, api::review::full, auth::Caller},
};

/// Longest name of somebody who is not logged in, in characters.
pub(in crate::web) const LONGEST_NAME: usize = 80;

/// Keeps it, and leads back.
pub(in crate::web) async fn write(
    State(handle): State<Handle>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Response, ApiError> {
    let form = Form::read(&body);
    let text = form
        .words("text", LONGEST_NOTE)
        .ok_or_else(|| ApiError::bad_request("the note is empty", "go back and write something"))?;
    let author = caller.name.or_else(|| form.words("author", LONGEST_NAME));
    handle.note(&id.as_str().into(), author, text).await?.ok_or_else(full)?;
    Ok(back(&format!("../{}#notes", encoded(&id))))
}
