//! Who may do what.
//!
//! On loopback, reading and logging changes need no token; but then a web page in somebody's browser could ask too, by DNS
//! rebinding or by a form. So the `Host` must be a loopback name, an `Origin` must be our own, and a request that a proxy has
//! passed on counts as one from outside. Anywhere else every request needs a token.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, Method, Uri, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use subtle::ConstantTimeEq;

use super::{ApiError, api::hooks::VENDORS};
use crate::{daemon::Handle, model::Scope};

/// What guards the router.
#[derive(Clone)]
pub struct Access {
    /// The agent, whose configuration holds the tokens.
    pub handle: Handle,
    /// Whether the listener is bound to loopback only.
    pub loopback: bool,
}

/// Who asks: the name of their token, where they gave one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Caller(pub(crate) Option<String>);

/// What a request without any other proof may do at a hook that asks for none.
#[derive(Debug, Clone)]
pub(crate) struct Standing(pub(crate) Result<Caller, ApiError>);

/// Headers that a proxy adds: the request did not begin on this machine.
const PASSED_ON: &[&str] =
    &["forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via"];

/// Lets a request through, or answers why not.
pub(super) async fn guard(
    State(access): State<Arc<Access>>,
    mut request: Request,
    next: Next,
) -> Response {
    let admitted = admit(&access, request.method(), request.uri(), request.headers());
    if is_hook(request.uri().path()) {
        // Its sender signs the body, which is not read yet: whoever reads it decides. What it shows to prove itself elsewhere (a pipeline's
        // token for Grafana) takes nothing from what anybody may do here.
        let admitted = admitted.or_else(|refused| {
            let mut bare = request.headers().clone();
            bare.remove(header::AUTHORIZATION);
            admit(&access, request.method(), request.uri(), &bare).map_err(|_| refused)
        });
        let caller = admitted.clone().unwrap_or_default();
        request.extensions_mut().insert(caller);
        request.extensions_mut().insert(Standing(admitted));
        return next.run(request).await;
    }
    match admitted {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(refused) => {
            tracing::warn!(method = %request.method(), path = request.uri().path(), "api.refused");
            refused.into_response()
        }
    }
}

/// Where a sender may prove itself otherwise than with a token of the API.
fn is_hook(path: &str) -> bool {
    path.starts_with("/hooks/")
        || path.contains("/api/annotations")
        || path == "/api/v1/events"
        || VENDORS.iter().any(|(start, _)| path.starts_with(start))
}

fn admit(
    access: &Access,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
) -> Result<Caller, ApiError> {
    if matches!(uri.path(), "/healthz" | "/readyz") {
        return Ok(Caller::default());
    }
    let needed = needed(method, uri.path());
    same_origin(headers)?;
    if needed < Scope::Admin
        && access.loopback
        && !PASSED_ON.iter().any(|name| headers.contains_key(*name))
    {
        local_host(headers)?;
        if headers.get(header::AUTHORIZATION).is_none() {
            return Ok(Caller::default());
        }
    }
    let Some(given) = token(headers) else {
        return Err(ApiError::unauthorized("this needs a token"));
    };
    let setup = access.handle.setup();
    // Every token is compared, so that the time says nothing of which one was near.
    let mut known = None;
    for token in &setup.tokens {
        if bool::from(token.value.expose().as_bytes().ct_eq(given.as_bytes())) {
            known = Some(token);
        }
    }
    match known {
        None => Err(ApiError::unauthorized("this token is not known")),
        Some(token) if token.scope < needed => {
            let word = if needed == Scope::Admin { "admin" } else { "write" };
            Err(ApiError::forbidden(
                "this token may not do that",
                format!("use one with `scope = \"{word}\"`"),
            ))
        }
        Some(token) => Ok(Caller(Some(token.name.clone()))),
    }
}

/// What a request asks of its token. What a person decides for all needs `admin`, always with a token.
fn needed(method: &Method, path: &str) -> Scope {
    let of_change = ["/api/v1/changes/", "/changes/"].iter().any(|begin| path.starts_with(begin))
        && ["/place", "/acknowledge", "/rollback"].iter().any(|end| path.ends_with(end));
    let decides = of_change
        || ["/api/v1/findings/", "/api/v1/outbox/"].iter().any(|begin| path.starts_with(begin));
    // Asking is no writing, even by POST.
    let asks = method.is_safe() || path == "/api/v1/gate";
    match (asks, decides) {
        (true, _) => Scope::Read,
        (false, true) => Scope::Admin,
        (false, false) => Scope::Write,
    }
}

/// The token of `Authorization: Bearer` or the password of `Basic` (RFC 6750 section 2.1, RFC 7617).
fn token(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, rest) = value.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(rest.trim().to_owned());
    }
    if scheme.eq_ignore_ascii_case("basic") {
        let decoded = String::from_utf8(STANDARD.decode(rest.trim()).ok()?).ok()?;
        return decoded.split_once(':').map(|(_, password)| password.to_owned());
    }
    None
}

fn local_host(headers: &HeaderMap) -> Result<(), ApiError> {
    let host = headers.get(header::HOST).and_then(|h| h.to_str().ok()).unwrap_or_default();
    let name = host_name(host);
    let local = name.eq_ignore_ascii_case("localhost")
        || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    if local {
        return Ok(());
    }
    Err(ApiError::forbidden(
        "the Host header names another machine than this one",
        "ask by a loopback name such as localhost, or listen elsewhere and use a [[token]]",
    ))
}

/// A page of another origin may not ask in its visitor's name.
fn same_origin(headers: &HeaderMap) -> Result<(), ApiError> {
    let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
    let origin = origin.to_str().unwrap_or_default();
    let host = headers.get(header::HOST).and_then(|h| h.to_str().ok()).unwrap_or_default();
    let theirs = origin.split_once("://").map_or("", |(_, rest)| rest);
    if !host.is_empty() && theirs.eq_ignore_ascii_case(host) {
        return Ok(());
    }
    Err(ApiError::forbidden(
        "the Origin header names another site",
        "ask from a program, or from a page of this agent",
    ))
}

/// `host:port` or `[v6]:port` without the port and brackets.
fn host_name(host: &str) -> &str {
    if let Some(rest) = host.strip_prefix('[') {
        return rest.split(']').next().unwrap_or_default();
    }
    host.rsplit_once(':').map_or(host, |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(k, v)| (k.parse().unwrap(), v.parse().unwrap()))
            .collect::<Vec<(header::HeaderName, _)>>()
            .into_iter()
            .collect()
    }

    #[test]
    fn only_loopback_names_pass_as_host() {
        for (host, passes) in [
            ("localhost:9464", true),
            ("127.0.0.1:9464", true),
            ("[::1]:9464", true),
            ("LOCALHOST", true),
            ("evil.example", false),
            ("127.0.0.1.evil.example:9464", false),
            ("", false),
        ] {
            assert_eq!(local_host(&headers(&[("host", host)])).is_ok(), passes, "{host}");
        }
    }

    #[test]
    fn another_origin_is_refused() {
        let same = headers(&[("host", "localhost:9464"), ("origin", "http://localhost:9464")]);
        assert!(same_origin(&same).is_ok());
        for origin in ["https://evil.example", "null", "http://localhost:1"] {
            let other = headers(&[("host", "localhost:9464"), ("origin", origin)]);
            assert!(same_origin(&other).is_err(), "{origin}");
        }
        assert!(same_origin(&headers(&[("host", "localhost:9464")])).is_ok());
    }

    #[test]
    fn what_a_person_decides_needs_an_admin() {
        for (method, path, scope) in [
            (Method::GET, "/api/v1/findings", Scope::Read),
            (Method::POST, "/api/v1/changes", Scope::Write),
            (Method::POST, "/api/v1/gate", Scope::Read),
            (Method::POST, "/api/v1/findings/f/dismiss", Scope::Admin),
            (Method::POST, "/api/v1/changes/c/place", Scope::Admin),
            (Method::POST, "/api/v1/changes/c/rollback", Scope::Admin),
            (Method::POST, "/changes/c/rollback", Scope::Admin),
            (Method::GET, "/changes/c/rollback", Scope::Read),
        ] {
            assert_eq!(needed(&method, path), scope, "{path}");
        }
    }

    #[test]
    fn tokens_come_as_bearer_or_as_password() {
        assert_eq!(token(&headers(&[("authorization", "Bearer abc")])).as_deref(), Some("abc"));
        assert_eq!(token(&headers(&[("authorization", "basic eDphYmM=")])).as_deref(), Some("abc"));
        assert_eq!(token(&headers(&[("authorization", "Digest abc")])), None);
    }
}
