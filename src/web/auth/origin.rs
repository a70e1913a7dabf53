//! Where a request comes from: which site a browser says, which address a proxy says, and how people came to it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::http::{Extensions, HeaderMap, header};

use crate::{daemon::Setup, web::ApiError};

/// Headers that a proxy adds: the request did not begin on this machine.
const PASSED_ON: &[&str] =
    &["forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via"];

/// Whether a proxy passed it on.
pub(super) fn is_passed_on(headers: &HeaderMap) -> bool {
    PASSED_ON.iter().any(|name| headers.contains_key(*name))
}

/// The address of whoever asks: of the next neighbour, or what a proxy on this machine says of its own.
pub(super) fn address(extensions: &Extensions, headers: &HeaderMap) -> IpAddr {
    let peer = extensions.get::<axum::extract::ConnectInfo<SocketAddr>>();
    let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |info| info.0.ip().to_canonical());
    if !peer.is_loopback() {
        return peer;
    }
    // The last one is what our own neighbour added; those before it anybody may have written.
    let said = text(headers, "x-forwarded-for").and_then(|list| list.rsplit(',').next());
    let said = said.or_else(|| text(headers, "x-real-ip"));
    said.and_then(|address| address.trim().parse().ok()).unwrap_or(peer)
}

/// How people came here: the path below which they see our pages, with a slash at its end, and whether they came by https.
pub(in crate::web) fn way(setup: &Setup, headers: &HeaderMap) -> (String, bool) {
    let public = setup.settings.agent.public_url.as_deref();
    let public = public.and_then(|url| url::Url::parse(url).ok());
    let named = public.as_ref().and_then(|url| url.host_str()).is_some_and(|host| {
        text(headers, "host").is_some_and(|asked| host_name(asked).eq_ignore_ascii_case(host))
    });
    if !is_passed_on(headers) && !named {
        return ("/".to_owned(), false);
    }
    let https = text(headers, "x-forwarded-proto").is_some_and(|p| p.eq_ignore_ascii_case("https"))
        || public.as_ref().is_some_and(|url| url.scheme() == "https");
    let prefix = text(headers, "x-forwarded-prefix").map(str::to_owned);
    let path = prefix.or_else(|| public.map(|url| url.path().to_owned())).unwrap_or_default();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.~/%".contains(c);
    if path.starts_with('/') && path.chars().all(plain) {
        (format!("{}/", path.trim_end_matches('/')), https)
    } else {
        ("/".to_owned(), https)
    }
}

/// A page of another site may not ask in its visitor's name.
pub(super) fn same_site(setup: &Setup, headers: &HeaderMap) -> Result<(), ApiError> {
    let strange = || {
        ApiError::forbidden(
            "the Origin header names another site",
            "ask from a program, or from a page of this agent; behind a proxy, set `public_url` in [agent], or have the proxy pass on Host",
        )
    };
    let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
    let origin = origin.to_str().map_err(|_| strange())?;
    let (_, theirs) = origin.split_once("://").ok_or_else(strange)?;
    let ours = [text(headers, "host"), text(headers, "x-forwarded-host")];
    let named = ours.into_iter().flatten().any(|host| theirs.eq_ignore_ascii_case(host));
    let public = setup.settings.agent.public_url.as_deref();
    let public = public.and_then(|url| url::Url::parse(url).ok());
    let public = public.is_some_and(|url| url.origin().ascii_serialization() == origin);
    if named || public { Ok(()) } else { Err(strange()) }
}

/// A form must have come from a page of ours, as browsers say it since 2020 (Fetch Metadata Request Headers, section 2.4). Others say at
/// least their origin.
pub(super) fn own_form(headers: &HeaderMap) -> Result<(), ApiError> {
    match text(headers, "sec-fetch-site") {
        None | Some("same-origin" | "none") => Ok(()),
        Some(_) => Err(ApiError::forbidden(
            "this form was not sent from a page of this agent",
            "open the page here and send it from there",
        )),
    }
}

/// Only a loopback name: else a page elsewhere could ask by a name of its own that leads here.
pub(super) fn local_host(headers: &HeaderMap) -> Result<(), ApiError> {
    let host = text(headers, "host").unwrap_or_default();
    let name = host_name(host);
    let local = name.eq_ignore_ascii_case("localhost")
        || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    if local {
        return Ok(());
    }
    Err(ApiError::forbidden(
        "the Host header names another machine than this one",
        "ask by a loopback name such as localhost, or listen elsewhere and use a [[token]]",
    ))
}

/// `host:port` or `[v6]:port` without the port and brackets.
fn host_name(host: &str) -> &str {
    if let Some(rest) = host.strip_prefix('[') {
        return rest.split(']').next().unwrap_or_default();
    }
    host.rsplit_once(':').map_or(host, |(name, _)| name)
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok().map(str::trim).filter(|text| !text.is_empty())
}
