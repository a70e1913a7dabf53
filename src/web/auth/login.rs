//! `/login` and `/logout`: people show a token once and have a session.

use std::net::SocketAddr;

use axum::{
    Extension,
    body::Bytes,
    extract::{ConnectInfo, OriginalUri, Query, State},
    http::{Extensions, HeaderMap, HeaderValue, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};

use super::{Caller, Ticket, origin, session::no_cookie};
use crate::web::{
    ApiError,
    pages::{
        form::{Form, back},
        shell::{Shell, page, root},
        words::encoded,
    },
    router::Face,
};

/// Longest way back, in bytes.
const LONGEST_WAY: usize = 2000;

#[derive(Debug, Serialize)]
struct LoginPage {
    shell: Shell,
    error: String,
    /// Who is logged in already.
    who: String,
    scope: &'static str,
    /// Whether somebody who is logged in was led here.
    wants: bool,
    next: String,
    csrf: String,
    /// Whether there is no token to log in with.
    none: bool,
}

/// Behind `?`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct LoginQuery {
    next: String,
}

/// Leads a person to the form, and from there back to what they asked for. Relative, so that it holds below any path.
pub(super) fn lead(method: &Method, uri: &Uri) -> Response {
    let asked = uri.path_and_query().map_or("/", |asked| asked.as_str());
    let asked = if method.is_safe() {
        asked
    } else {
        // What a form was sent to is no page: its page is above it.
        uri.path().rsplit_once('/').map_or("/", |(page, _)| page)
    };
    let next = own(asked.trim_start_matches('/')).unwrap_or_default();
    back(&format!("{}login?next={}", root(uri.path()), encoded(next)))
}

/// A way back that leads to a page of ours and nowhere else: from the root, without a slash at its beginning.
fn own(next: &str) -> Option<&str> {
    let plain = next.len() <= LONGEST_WAY
        && next.bytes().all(|b| b.is_ascii_graphic() && b != b'\\')
        && !next.starts_with('/');
    let path = next.split(['?', '#']).next().unwrap_or_default();
    let up = path.split('/').any(|part| {
        let part = part.to_ascii_lowercase().replace("%2e", ".");
        part == ".." || part == "."
    });
    (plain && !up).then_some(next)
}

/// `GET /login`.
pub(in crate::web) async fn show(
    State(face): State<Face>,
    Extension(caller): Extension<Caller>,
    OriginalUri(uri): OriginalUri,
    Query(query): Query<LoginQuery>,
) -> Result<Response, ApiError> {
    form(&face, &caller, &uri, (query.next, String::new())).await
}

async fn form(
    face: &Face,
    caller: &Caller,
    uri: &Uri,
    (next, error): (String, String),
) -> Result<Response, ApiError> {
    let data = LoginPage {
        shell: Shell::new(face, uri, "login", "Log in"),
        error,
        who: caller.name.clone().unwrap_or_default(),
        scope: caller.may(),
        wants: !next.is_empty(),
        next: own(&next).unwrap_or_default().to_owned(),
        csrf: caller.csrf.masked(),
        none: face.handle.setup().tokens.is_empty(),
    };
    page(face, "login", data).await
}

/// `POST /login`.
pub(in crate::web) async fn enter(
    State(face): State<Face>,
    Extension(caller): Extension<Caller>,
    peer: Option<Extension<ConnectInfo<SocketAddr>>>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiError> {
    let sent = Form::read(&body);
    let next = sent.field("next").unwrap_or_default().to_owned();
    let given = sent.field("token").unwrap_or_default();
    let mut extensions = Extensions::new();
    if let Some(Extension(peer)) = peer {
        extensions.insert(peer);
    }
    let from = origin::address(&extensions, &headers);
    let setup = face.handle.setup();
    let token = match face.access.shown(&setup, from, given) {
        Ok(token) => token,
        Err(refused) => {
            tracing::warn!(%from, "login.refused");
            let words = match refused.status() {
                StatusCode::TOO_MANY_REQUESTS => refused.sentence(),
                _ if setup.tokens.is_empty() => {
                    "No [[token]] is configured, so nobody can log in.".to_owned()
                }
                _ => "This token is not known.".to_owned(),
            };
            let mut answer = form(&face, &caller, &uri, (next, words)).await?;
            *answer.status_mut() = refused.status();
            let wait = refused.into_response().headers().get(header::RETRY_AFTER).cloned();
            answer.headers_mut().extend(wait.map(|wait| (header::RETRY_AFTER, wait)));
            return Ok(answer);
        }
    };
    // Whoever logs in anew leaves the session before.
    if let Some(old) = Ticket::of(&headers) {
        old.close(&face.handle).await?;
    }
    let ticket = Ticket::new();
    ticket.open(&face.handle, &token).await?;
    tracing::info!(token = token.name, %from, "login.opened");
    let (path, secure) = origin::way(&setup, &headers);
    let answer = back(&format!("./{}", own(&next).unwrap_or_default()));
    Ok(with_cookie(answer, ticket.cookie(&path, secure)))
}

/// `POST /logout`.
pub(in crate::web) async fn leave(
    State(face): State<Face>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    if let Some(ticket) = Ticket::of(&headers) {
        ticket.close(&face.handle).await?;
    }
    let (path, secure) = origin::way(&face.handle.setup(), &headers);
    Ok(with_cookie(back("./login"), no_cookie(&path, secure)))
}

fn with_cookie(mut answer: Response, cookie: HeaderValue) -> Response {
    answer.headers_mut().insert(header::SET_COOKIE, cookie);
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_leads_to_our_own_pages_only() {
        for (next, leads) in [
            ("", true),
            ("changes/deploy-1?x=https://a.example", true),
            ("https://evil.example", true), // below our own path: `./https://evil.example`
            ("//evil.example", false),
            ("/changes", false),
            ("..", false),
            ("../other", false),
            ("a/%2e%2E/b", false),
            ("a\\b", false),
            ("a b", false),
            ("a\r\nset-cookie:x", false),
            ("a?next=..", true),
        ] {
            assert_eq!(own(next).is_some(), leads, "{next:?}");
        }
    }

    #[test]
    fn a_person_is_led_from_any_depth() {
        for (method, uri, to) in [
            (Method::GET, "/", "./login?next="),
            (Method::GET, "/changes/a?b=1", "../login?next=changes%2Fa%3Fb%3D1"),
            (Method::POST, "/changes/a/rollback", "../../login?next=changes%2Fa"),
            (Method::GET, "//evil.example/x", "../../login?next=evil.example%2Fx"),
        ] {
            let answer = lead(&method, &uri.parse().unwrap());
            assert_eq!(answer.headers()[header::LOCATION], to, "{uri}");
        }
    }
}
