//! What a person sees where something does not work: programs get the same as JSON.

use axum::{
    extract::{Request, State},
    http::header,
    middleware::Next,
    response::{Html, IntoResponse, Response},
};
use serde::Serialize;

use super::shell::Shell;
use crate::web::{ApiError, auth::Caller, router::Face};

#[derive(Debug, Serialize)]
struct Problem {
    shell: Shell,
    status: u16,
    title: &'static str,
    message: String,
    hint: String,
}

/// Where programs ask: their errors stay JSON whatever they accept.
const PROGRAMS: &[&str] =
    &["/api/", "/hooks/", "/metrics", "/healthz", "/readyz", "/live", "/assets/"];

/// Whether a program asks there.
pub(in crate::web) fn is_program(path: &str) -> bool {
    PROGRAMS.iter().any(|start| path.starts_with(start))
}

/// Turns an error into a page where a browser asked for one.
pub(in crate::web) async fn explained(
    State(face): State<Face>,
    request: Request,
    next: Next,
) -> Response {
    let accepts = request.headers().get(header::ACCEPT).and_then(|a| a.to_str().ok());
    let browser =
        accepts.is_some_and(|a| a.contains("text/html")) && !is_program(request.uri().path());
    let uri = request.uri().clone();
    let response = next.run(request).await;
    let Some(error) = response.extensions().get::<ApiError>().filter(|_| browser) else {
        return response;
    };
    let status = response.status();
    let title = match status.as_u16() {
        400 => "This address cannot be read",
        401 => "Who are you?",
        403 => "You may not see this",
        404 => "Nothing here",
        429 => "Not so fast",
        _ => "That did not work",
    };
    let data = Problem {
        shell: Shell::new(&face, &uri, "", title).seen_by(response.extensions().get::<Caller>()),
        status: status.as_u16(),
        title,
        message: error.message().to_owned(),
        hint: error.hint().to_owned(),
    };
    let Ok(html) = face.pages.fill("problem", &data) else { return response };
    let asked = response.headers().get(header::WWW_AUTHENTICATE).cloned();
    let mut page = (status, Html(html)).into_response();
    if let Some(asked) = asked {
        page.headers_mut().insert(header::WWW_AUTHENTICATE, asked);
    }
    page
}
