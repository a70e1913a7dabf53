//! `GET /changes/{id}`: the review of a change: what was changed, what it did, and what was said of it.

use axum::{
    Extension,
    extract::{OriginalUri, Path, State},
    http::HeaderMap,
    response::Response,
};
use serde::Serialize;

use super::{
    rollback::{self, RollbackPart},
    shell::{Shell, page},
    words::encoded,
};
use crate::{
    model::ChangeKind,
    render::review::{self, Review},
    web::{
        ApiError,
        api::{gate::base, said::may_alter},
        auth::Caller,
        router::Face,
    },
};

#[derive(Debug, Serialize)]
struct ChangePage {
    shell: Shell,
    review: review::page::View,
    /// The button that undoes it, where there is one.
    rollback: Option<RollbackPart>,
    /// The form for notes.
    note: NoteForm,
    /// The form that says whether it failed.
    outcome: OutcomeForm,
    /// What every form of this page carries.
    csrf: String,
    /// The same as JSON, from the root.
    api: String,
    /// What the file is called without its ending.
    file: String,
    /// Its services and their pages.
    services: Vec<(String, String)>,
}

#[derive(Debug, Serialize)]
struct NoteForm {
    action: String,
    csrf: String,
    /// Who writes; asked for where nobody is logged in.
    author: String,
    ask_name: bool,
}

#[derive(Debug, Serialize)]
struct OutcomeForm {
    action: String,
    ask_name: bool,
    /// Which word holds.
    failed: bool,
    fine: bool,
    /// Whether such a change counts in the figures of delivery.
    counts: bool,
}

impl OutcomeForm {
    fn new(review: &Review, id: &str, caller: &Caller) -> Self {
        let holds = review.outcome.last().and_then(|word| word.failed);
        Self {
            action: format!("changes/{id}/outcome"),
            ask_name: caller.name.is_none(),
            failed: holds == Some(true),
            fine: holds == Some(false),
            counts: review.change.kind == ChangeKind::Deploy,
        }
    }
}

/// The page.
pub(in crate::web) async fn change(
    State(face): State<Face>,
    Extension(caller): Extension<Caller>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let base = base(&face.handle, &headers);
    let review = face.handle.review(&id.into(), base.as_deref()).await?;
    let mut view = review::page::review(&review, true, review::page::Rows::PAGE).view;
    view.forms = true;
    let id = encoded(review.change.id.as_str());
    for note in &mut view.notes {
        if may_alter(&face.handle, &caller, note.by.as_deref()) {
            note.action = format!("changes/{id}/notes/{}", note.id);
        }
    }
    let data = ChangePage {
        shell: Shell::new(&face, &uri, "changes", &view.title).live(),
        rollback: rollback::part(&face.handle, &review).await?,
        note: NoteForm {
            action: format!("changes/{id}/notes"),
            csrf: caller.csrf.masked(),
            ask_name: caller.name.is_none(),
            author: caller.name.clone().unwrap_or_default(),
        },
        outcome: OutcomeForm::new(&review, &id, &caller),
        csrf: caller.csrf.masked(),
        api: format!("api/v1/changes/{id}/review"),
        file: file_name(&review),
        services: services(&review),
        review: view,
    };
    page(&face, "change", data).await
}

fn services(review: &Review) -> Vec<(String, String)> {
    let link = |name: &String| (name.clone(), review::digest::service_link(name));
    review.change.services.iter().map(link).collect()
}

/// `review-deploy-1`: an id may hold anything.
pub(in crate::web) fn file_name(review: &Review) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' };
    let id: String = review.change.id.as_str().chars().take(80).map(plain).collect();
    format!("review-{id}")
}
