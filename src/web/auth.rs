//! Who may do what.
//!
//! Programs show a token in `Authorization`; people log in with one ([`login`]) and have a session. On loopback, reading and logging changes
//! need neither; but then a web page in somebody's browser could ask too, by DNS rebinding or by a form. So the `Host` must be a loopback name,
//! an `Origin` must be our own, and a request that a proxy has passed on counts as one from outside. Anywhere else every request needs a token or
//! a session, but for what [`is_open`] names.
//!
//! Every form carries a token of its sender's session, which no other site can know, and says that it comes from a page of ours. All of this is
//! asked here, before any handler: a new route is guarded without a word about it.

mod caller;
pub(super) mod login;
mod mask;
mod origin;
mod session;
mod throttle;

use std::{net::IpAddr, sync::Arc};

use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{Extensions, HeaderMap, Method, Uri, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use subtle::ConstantTimeEq;

pub(crate) use caller::Caller;
pub(in crate::web) use caller::present;
pub(in crate::web) use origin::way;

use super::{
    ApiError,
    api::hooks::VENDORS,
    pages::{form::Form, problem::is_program},
};
use crate::{
    daemon::{Handle, Setup, Token},
    model::Scope,
};
use mask::FormToken;
use session::Ticket;
use throttle::Throttle;

/// Largest form that is read.
const LARGEST_FORM: usize = 64 << 10;

/// What guards the router.
pub struct Access {
    /// The agent, whose configuration holds the tokens.
    pub handle: Handle,
    /// Whether the listener is bound to loopback only.
    loopback: bool,
    throttle: Throttle,
    /// The same of hooks: whoever shows a token there that is meant for somebody else guesses nothing, and keeps nobody from logging in.
    throttle_of_hooks: Throttle,
    /// What forms of those without a session carry is made of it.
    key: [u8; 32],
}

impl Access {
    /// The guard of an agent; `loopback`: its listener is bound to loopback only.
    pub fn new(handle: Handle, loopback: bool) -> Self {
        Self {
            handle,
            loopback,
            throttle: Throttle::new(),
            throttle_of_hooks: Throttle::new(),
            key: rand::random(),
        }
    }
}

/// What a request without any other proof may do at a hook that asks for none.
#[derive(Debug, Clone)]
pub(crate) struct Standing(pub(crate) Result<Caller, ApiError>);

/// Lets a request through, or answers why not.
pub(super) async fn guard(
    State(access): State<Arc<Access>>,
    mut request: Request,
    next: Next,
) -> Response {
    if is_hook(request.uri().path()) {
        // Its sender signs the body, which is not read yet: whoever reads it decides. What it shows to prove itself elsewhere (a pipeline's
        // token for Grafana) takes nothing from what anybody may do here. A person's session means nothing here.
        request.headers_mut().remove(header::COOKIE);
        let mut admitted = access.admit(&request_of(&request)).await;
        if admitted.is_err() {
            let mut bare = request.headers().clone();
            bare.remove(header::AUTHORIZATION);
            let asked = Asked { headers: &bare, ..request_of(&request) };
            admitted = access.admit(&asked).await.or(admitted);
        }
        let caller = admitted.clone().unwrap_or_default();
        request.extensions_mut().insert(caller);
        request.extensions_mut().insert(Standing(admitted));
        return next.run(request).await;
    }
    let caller = match access.admit(&request_of(&request)).await {
        Ok(caller) => caller,
        Err(refused) => return refusal(&request, refused),
    };
    let request = match access.own_form(&caller, request).await {
        Ok(request) => request,
        Err(refused) => return refused.into_response(),
    };
    caller.pass(request, next).await
}

/// What of a request says who asks for what.
struct Asked<'r> {
    method: &'r Method,
    uri: &'r Uri,
    headers: &'r HeaderMap,
    extensions: &'r Extensions,
}

fn request_of(request: &Request) -> Asked<'_> {
    Asked {
        method: request.method(),
        uri: request.uri(),
        headers: request.headers(),
        extensions: request.extensions(),
    }
}

/// People are led to where they can log in, and from there back.
fn refusal(request: &Request, refused: ApiError) -> Response {
    tracing::warn!(method = %request.method(), path = request.uri().path(), "api.refused");
    let accepts = request.headers().get(header::ACCEPT).and_then(|a| a.to_str().ok());
    let browser = accepts.is_some_and(|a| a.contains("text/html"));
    let shown = request.headers().contains_key(header::AUTHORIZATION);
    let path = request.uri().path();
    if refused.status() == axum::http::StatusCode::UNAUTHORIZED
        && browser
        && !shown
        && !is_program(path)
    {
        return login::lead(request.method(), request.uri());
    }
    refused.into_response()
}

/// Where a sender may prove itself otherwise than with a token of the API.
fn is_hook(path: &str) -> bool {
    path.starts_with("/hooks/")
        || path.contains("/api/annotations")
        || path == "/api/v1/events"
        || VENDORS.iter().any(|(start, _)| path.starts_with(start))
}

/// What anybody may ask: whether the agent is well, how to log in, and what the page for it looks like.
fn is_open(path: &str, setup: &Setup) -> bool {
    matches!(path, "/healthz" | "/readyz" | "/login" | "/logout")
        || path.starts_with("/assets/")
        || path == "/metrics" && setup.settings.agent.open_metrics
}

impl Access {
    async fn admit(&self, asked: &Asked<'_>) -> Result<Caller, ApiError> {
        let setup = self.handle.setup();
        let path = asked.uri.path();
        if matches!(path, "/healthz" | "/readyz") {
            return Ok(self.nobody());
        }
        let needed = needed(asked.method, path);
        origin::same_site(&setup, asked.headers)?;
        if is_open(path, &setup) && path != "/login" && path != "/logout" {
            return Ok(self.nobody());
        }
        let caller = self.identify(asked, &setup).await?;
        if is_open(path, &setup) || caller.scope.is_some_and(|scope| scope >= needed) {
            return Ok(caller);
        }
        let shown = asked.headers.contains_key(header::AUTHORIZATION);
        if needed < Scope::Admin
            && !shown
            && self.loopback
            && setup.settings.agent.anonymous
            && !origin::is_passed_on(asked.headers)
        {
            origin::local_host(asked.headers)?;
            return Ok(caller);
        }
        if caller.scope.is_none() {
            return Err(ApiError::unauthorized("this needs a token"));
        }
        let word = if needed == Scope::Admin { "admin" } else { "write" };
        Err(ApiError::forbidden(
            "this token may not do that",
            format!("use one with `scope = \"{word}\"`"),
        ))
    }

    /// Who asks.
    async fn identify(&self, asked: &Asked<'_>, setup: &Setup) -> Result<Caller, ApiError> {
        if asked.headers.contains_key(header::AUTHORIZATION) {
            let given =
                token(asked.headers).ok_or_else(|| ApiError::unauthorized("this needs a token"))?;
            let from = origin::address(asked.extensions, asked.headers);
            let throttle =
                if is_hook(asked.uri.path()) { &self.throttle_of_hooks } else { &self.throttle };
            let token = self.known(setup, throttle, (from, &given))?;
            let csrf = self.csrf(&format!("token {}", token.name));
            return Ok(Caller { name: Some(token.name), scope: Some(token.scope), csrf });
        }
        let Some(ticket) = Ticket::of(asked.headers) else { return Ok(self.nobody()) };
        match ticket.token(&self.handle, setup).await? {
            Some(token) => {
                Ok(Caller { name: Some(token.name), scope: Some(token.scope), csrf: ticket.csrf() })
            }
            None => Ok(self.nobody()),
        }
    }

    /// The token of this value.
    fn known(
        &self,
        setup: &Setup,
        throttle: &Throttle,
        (from, given): (IpAddr, &str),
    ) -> Result<Token, ApiError> {
        let now = self.handle.now();
        throttle.admit(from, given, now).map_err(ApiError::too_many)?;
        // Every token is compared, so that the time says nothing of which one was near.
        let mut known = None;
        for token in &setup.tokens {
            if bool::from(token.value.expose().as_bytes().ct_eq(given.as_bytes())) {
                known = Some(token);
            }
        }
        if let Some(token) = known {
            throttle.right(from, given);
            return Ok(token.clone());
        }
        throttle.wrong(from, now);
        Err(ApiError::unauthorized("this token is not known"))
    }

    /// The token that a person shows to log in.
    fn shown(&self, setup: &Setup, from: IpAddr, given: &str) -> Result<Token, ApiError> {
        self.known(setup, &self.throttle, (from, given))
    }

    fn nobody(&self) -> Caller {
        Caller { name: None, scope: None, csrf: self.csrf("nobody") }
    }

    /// What forms of somebody without a session carry: no other site can know it, and it is another one after a restart.
    fn csrf(&self, who: &str) -> FormToken {
        use hmac::{Hmac, KeyInit, Mac};
        let Ok(mut mac) = Hmac::<sha2::Sha256>::new_from_slice(&self.key) else {
            return FormToken::default();
        };
        mac.update(who.as_bytes());
        FormToken::new(mac.finalize().into_bytes().into())
    }

    /// Whether what alters something was asked by a page of ours, where a browser would ask it in somebody's name: a form carries the token of
    /// its page in `csrf`, a script of ours in `x-csrf-token`. Programs show their own token each time, which no other site can make them do.
    async fn own_form(&self, caller: &Caller, request: Request) -> Result<Request, ApiError> {
        if request.method().is_safe() {
            return Ok(request);
        }
        let shown = request.headers().contains_key(header::AUTHORIZATION);
        if is_program(request.uri().path()) {
            let session = caller.name.is_some() && !shown;
            let given = request.headers().get("x-csrf-token").map(|value| value.as_bytes());
            if session && !caller.csrf.is_shown_by(given.unwrap_or_default()) {
                return Err(ApiError::forbidden(
                    "a session may alter nothing here without its x-csrf-token",
                    "send `Authorization: Bearer TOKEN` instead of a cookie",
                ));
            }
            return Ok(request);
        }
        origin::own_form(request.headers())?;
        let (parts, body) = request.into_parts();
        let body = to_bytes(body, LARGEST_FORM).await;
        let body = body.map_err(|_| ApiError::too_large(LARGEST_FORM))?;
        let form = Form::read(&body);
        let given = form.field("csrf").unwrap_or_default();
        // A program that shows its token each time needs no form of ours.
        let program = shown && !parts.headers.contains_key("sec-fetch-site");
        if !program && !caller.csrf.is_shown_by(given.as_bytes()) {
            return Err(ApiError::forbidden(
                "this form is not of a page that you see now",
                "go back, reload the page, and send it again: the agent was restarted, or you logged in or out since",
            ));
        }
        Ok(Request::from_parts(parts, Body::from(body)))
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

#[cfg(test)]
mod tests;
