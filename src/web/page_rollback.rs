//! The button that undoes a change, and what became of it.

use axum::{
    Extension,
    body::Bytes,
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

use super::{ApiError, auth::Caller};
use crate::{
    daemon::{Handle, RollbackAsk},
    model::{Change, RollbackMode, RollbackState},
    render::page::RollbackPart,
};

/// What the page of a change says of undoing it; none where nothing undoes it.
pub(super) async fn part(
    handle: &Handle,
    change: &Change,
) -> Result<Option<RollbackPart>, ApiError> {
    let setup = handle.setup();
    let hooks: Vec<_> = setup
        .settings
        .rollbacks
        .iter()
        .filter(|hook| hook.mode != RollbackMode::Off && hook.undoes(change))
        .collect();
    let records = handle.store().rollbacks(&change.id).await?;
    if hooks.is_empty() && records.is_empty() {
        return Ok(None);
    }
    let lines = records.iter().map(|record| {
        let what = match record.state {
            RollbackState::DryRun => "would have been fired (dry run)",
            RollbackState::Ordered => "is under way",
            RollbackState::Done => "was done",
            RollbackState::Failed => "failed: nothing was undone",
            RollbackState::Unknown => "was fired, and nobody knows what came of it",
        };
        let error = record.error.as_ref().map_or(String::new(), |error| format!(" ({error})"));
        let order = &record.order;
        format!(
            "{}: {what}{error}; ordered by {} at {}: {}",
            order.hook, order.by, order.at, order.reason
        )
    });
    let fired = |name: &str| {
        records.iter().any(|r| r.order.hook == name && r.state != RollbackState::DryRun)
    };
    let open = |mode: RollbackMode| matches!(mode, RollbackMode::Manual | RollbackMode::Automatic);
    let left = hooks.iter().any(|hook| open(hook.mode) && !fired(&hook.name));
    let encoded = percent_encoding::utf8_percent_encode(
        change.id.as_str(),
        percent_encoding::NON_ALPHANUMERIC,
    );
    Ok(Some(RollbackPart {
        lines: lines.collect(),
        action: left.then(|| format!("/changes/{encoded}/rollback")),
    }))
}

/// `POST /changes/{id}/rollback`: the button. Needs an `admin` token, for which the browser asks.
pub(super) async fn press(
    State(handle): State<Handle>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Response, ApiError> {
    let said: Vec<(String, String)> = url::form_urlencoded::parse(&body).into_owned().collect();
    let field = |name: &str| said.iter().find(|(n, _)| n == name).map(|(_, value)| value.clone());
    let reason = field("reason").filter(|reason| !reason.trim().is_empty());
    let reason = reason.map(|reason| reason.chars().take(500).collect());
    let force = field("force").is_some();
    let ask = RollbackAsk { by: caller.0, reason, force, dry_run: false };
    handle.roll_back(&id.as_str().into(), ask).await?;
    let encoded = percent_encoding::utf8_percent_encode(&id, percent_encoding::NON_ALPHANUMERIC);
    let back = format!("/changes/{encoded}");
    Ok((StatusCode::SEE_OTHER, [(header::LOCATION, back)]).into_response())
}
