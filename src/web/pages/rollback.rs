//! The button that undoes a change.

use axum::{
    Extension,
    body::Bytes,
    extract::{Path, State},
    response::Response,
};

use serde::Serialize;

use super::{form::Form, words::encoded};
use crate::{
    daemon::{Handle, RollbackAsk},
    model::RollbackMode,
    render::review::Review,
    web::{ApiError, auth::Caller},
};

/// Undoing a change.
#[derive(Debug, Serialize)]
pub(super) struct RollbackPart {
    /// Where the button leads, from the root of all pages.
    action: String,
    /// What undoes it.
    hooks: String,
}

/// The button of a change; none where nothing is left to order.
pub(super) async fn part(
    handle: &Handle,
    review: &Review,
) -> Result<Option<RollbackPart>, ApiError> {
    let Some(change) = handle.store().change(&review.change.id).await? else { return Ok(None) };
    let setup = handle.setup();
    let open = |mode: RollbackMode| matches!(mode, RollbackMode::Manual | RollbackMode::Automatic);
    let fired = |name: &str| {
        review.rollbacks.iter().any(|undo| undo.hook == name && undo.state != "dry_run")
    };
    let left: Vec<&str> = setup
        .settings
        .rollbacks
        .iter()
        .filter(|hook| open(hook.mode) && hook.undoes(&change) && !fired(&hook.name))
        .map(|hook| hook.name.as_str())
        .collect();
    let id = encoded(change.id.as_str());
    Ok((!left.is_empty())
        .then(|| RollbackPart { action: format!("changes/{id}/rollback"), hooks: left.join(", ") }))
}

/// `POST /changes/{id}/rollback`: the button. Needs the scope `admin`.
pub(in crate::web) async fn press(
    State(handle): State<Handle>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Response, ApiError> {
    let form = Form::read(&body);
    let reason = form.words("reason", 500);
    let ask = RollbackAsk { by: caller.name, reason, force: form.has("force"), dry_run: false };
    handle.roll_back(&id.as_str().into(), ask).await?;
    Ok(super::form::back(&format!("../{}#rollback", encoded(&id))))
}
