//! From an error of reqwest to whose trouble it is.

use std::{error::Error, io, net::SocketAddr};

use rustls::Error as TlsError;
use url::Url;

use super::{
    certificate,
    marks::Marks,
    resolve::{LookupError, can_open_sockets, has_route},
};
use crate::{engine::fault::Trouble, model::FaultKind};

/// Judges an error of sending or receiving. `marks` are those of the connect attempt of the hop, if there was one.
pub(super) fn judge(
    error: &reqwest::Error,
    marks: Option<&Marks>,
    url: &Url,
    proxy: Option<&Url>,
) -> Trouble {
    let chain = chain(error);
    if let Some(trouble) = proxy.and_then(|proxy| by_proxy(&chain, marks, url, proxy)) {
        return trouble;
    }
    if let Some(ours) = ours(&chain, marks, url) {
        return Trouble::Ours(ours);
    }
    let connecting = marks.is_some_and(|marks| marks.connected.is_none());
    if let Some(lookup) = find::<LookupError>(&chain) {
        let guarded = matches!(lookup, LookupError::Guarded(_));
        let kind = if guarded { FaultKind::Guard } else { FaultKind::Dns };
        return Trouble::target(kind, lookup.to_string());
    }
    if let Some(tls) = find::<TlsError>(&chain) {
        return Trouble::target(FaultKind::Tls, tls_reason(tls, marks, url));
    }
    let io = chain.iter().rev().find_map(|e| e.downcast_ref::<io::Error>());
    if connecting || error.is_connect() {
        let last = deepest(&chain);
        if marks.is_some_and(|marks| marks.tls_started.is_some()) {
            let reason = format!("the TLS handshake broke off: {last}");
            return Trouble::target(FaultKind::Tls, reason);
        }
        let place = place(url);
        let reason = match io.map(io::Error::kind) {
            Some(io::ErrorKind::ConnectionRefused) => format!("{place} refused the connection"),
            Some(io::ErrorKind::TimedOut) => format!("{place} does not answer"),
            _ => format!("no connection to {place}: {last}"),
        };
        return Trouble::target(FaultKind::Connect, reason);
    }
    in_use(&chain, io)
}

/// Trouble on the way through a proxy, up to where the tunnel stands. The proxy is a part of our own path: that it cannot be reached or does
/// not let us in is our trouble. That it opens no tunnel may mean that it forbids the target or that the target is down, which only its log
/// can tell; it counts as the target's, because an outage must not be missed.
fn by_proxy(
    chain: &[&(dyn Error + 'static)],
    marks: Option<&Marks>,
    url: &Url,
    proxy: &Url,
) -> Option<Trouble> {
    if !marks.is_some_and(|marks| marks.connected.is_none() && marks.tls_started.is_none()) {
        return None;
    }
    // hyper-util does not export the type of the error.
    let tunnel = chain
        .iter()
        .find_map(|error| error.to_string().strip_prefix("tunnel error: ").map(str::to_owned));
    let at = place(proxy);
    Some(match tunnel.as_deref() {
        Some("proxy authorization required") => {
            Trouble::Ours(format!("the proxy {at} does not take our credentials (status 407)"))
        }
        Some("unsuccessful") => Trouble::target(
            FaultKind::Connect,
            format!(
                "the proxy {at} opened no tunnel to {}: it forbids it, or cannot reach it",
                place(url)
            ),
        ),
        Some("unexpected end of file" | "proxy response headers too long") => {
            Trouble::Ours(format!("the proxy {at} does not answer as a proxy does"))
        }
        _ => Trouble::Ours(format!("the proxy {at} cannot be reached: {}", deepest(chain))),
    })
}

/// Trouble on a connection that stood.
fn in_use(chain: &[&(dyn Error + 'static)], io: Option<&io::Error>) -> Trouble {
    use io::ErrorKind as K;
    let last = deepest(chain);
    let broken = matches!(
        io.map(io::Error::kind),
        Some(
            K::ConnectionReset
                | K::BrokenPipe
                | K::ConnectionAborted
                | K::UnexpectedEof
                | K::TimedOut
        )
    );
    let hyper = find::<hyper::Error>(chain);
    let closed = hyper.is_some_and(|e| {
        e.is_incomplete_message() || e.is_canceled() || e.is_closed() || e.is_body_write_aborted()
    });
    let nonsense = hyper.filter(|e| e.is_parse() || e.is_parse_too_large());
    // The h2 crate is not named here; its texts say who ended a stream.
    let received = last.contains("error received") || last.contains("stream no longer needed");
    if let Some(error) = nonsense {
        let reason = format!("the answer is not valid HTTP: {}", garbled(error));
        Trouble::target(FaultKind::Protocol, reason)
    } else if closed {
        Trouble::target(
            FaultKind::Reset,
            "the connection was closed before the answer was complete",
        )
    } else if broken {
        Trouble::target(FaultKind::Reset, format!("the connection broke: {last}"))
    } else if received {
        Trouble::target(FaultKind::Reset, format!("the server ended the stream: {last}"))
    } else {
        Trouble::target(FaultKind::Protocol, format!("the answer cannot be read: {last}"))
    }
}

/// The reason if it is the prober that is in trouble.
fn ours(chain: &[&(dyn Error + 'static)], marks: Option<&Marks>, url: &Url) -> Option<String> {
    if let Some(LookupError::ResolverDown(reason)) = find::<LookupError>(chain) {
        return Some(format!("names cannot be looked up: {reason}"));
    }
    if let Some(TlsError::FailedToGetCurrentTime | TlsError::FailedToGetRandomBytes) = find(chain) {
        return Some("TLS has no clock or no randomness".to_owned());
    }
    let stopping = ["being shutdown", "background task failed", "dispatch task is gone"];
    if chain.iter().any(|e| stopping.iter().any(|part| e.to_string().contains(part))) {
        return Some("the agent is stopping".to_owned());
    }
    let io = chain.iter().rev().find_map(|e| e.downcast_ref::<io::Error>())?;
    if connected(marks) {
        let down = io.kind() == io::ErrorKind::NetworkDown;
        return down.then(|| format!("our network is down: {io}"));
    }
    if cannot_open(io) {
        return Some(format!("no socket can be opened: {io}"));
    }
    let unreachable =
        matches!(io.kind(), io::ErrorKind::NetworkUnreachable | io::ErrorKind::AddrNotAvailable);
    if unreachable && !any_route(marks, url) {
        return Some(format!("there is no way from here to {}: {io}", place(url)));
    }
    if io.kind() == io::ErrorKind::AddrNotAvailable {
        return Some(format!("no local port is free: {io}"));
    }
    // Whatever the error says: without sockets nothing is the target's fault.
    can_open_sockets().err().map(|error| format!("no socket can be opened: {error}"))
}

fn connected(marks: Option<&Marks>) -> bool {
    marks.is_none_or(|marks| marks.connected.is_some())
}

/// Errors that the kernel gives before a packet has left: too many open files (EMFILE, ENFILE), no buffers (ENOBUFS), no memory, not
/// permitted (a sandbox or a filter of ours), the network is down.
fn cannot_open(error: &io::Error) -> bool {
    const EMFILE: i32 = 24;
    const ENFILE: i32 = 23;
    const ENOBUFS: i32 = if cfg!(target_os = "linux") { 105 } else { 55 };
    matches!(error.raw_os_error(), Some(EMFILE | ENFILE | ENOBUFS))
        || matches!(
            error.kind(),
            io::ErrorKind::PermissionDenied
                | io::ErrorKind::OutOfMemory
                | io::ErrorKind::NetworkDown
        )
}

/// Whether the routing table knows a way to any address of the target.
fn any_route(marks: Option<&Marks>, url: &Url) -> bool {
    let literal = match url.host() {
        Some(url::Host::Ipv4(address)) => Some(address.into()),
        Some(url::Host::Ipv6(address)) => Some(address.into()),
        _ => None,
    };
    let looked_up = marks.map(|m| m.addresses.as_slice()).unwrap_or_default();
    literal.into_iter().chain(looked_up.iter().map(SocketAddr::ip)).any(has_route)
}

/// Why the handshake failed, for people.
fn tls_reason(error: &TlsError, marks: Option<&Marks>, url: &Url) -> String {
    match error {
        TlsError::InvalidCertificate(error) => {
            let chain = marks.map(|m| m.chain.as_slice()).unwrap_or_default();
            certificate::refusal(error, chain, url)
        }
        TlsError::InvalidMessage(_) => format!(
            "the server does not speak TLS here: what it sent is not a TLS message; perhaps the address begins with http://, as in http://{}",
            place(url).trim_start_matches("https://")
        ),
        TlsError::AlertReceived(alert) => format!(
            "the server refused the TLS handshake: {}",
            certificate::words(&format!("{alert:?}"))
        ),
        TlsError::PeerIncompatible(_) => {
            "the TLS handshake failed: the server has no protocol version or cipher that we have"
                .to_owned()
        }
        TlsError::PeerMisbehaved(_) => {
            "the TLS handshake failed: the server broke the rules of TLS".to_owned()
        }
        other => format!("the TLS handshake failed: {other}"),
    }
}

/// Why an answer is not HTTP, for people.
fn garbled(error: &hyper::Error) -> &'static str {
    if error.is_parse_too_large() {
        "its headers are too many or too long"
    } else if error.is_parse_status() {
        "its first line holds no status from 100 to 999"
    } else if error.is_parse_version_h2() {
        "it is HTTP/2, which was not agreed on"
    } else if error.to_string().contains("header") {
        "a header of it is malformed"
    } else {
        "it does not begin as an HTTP answer does"
    }
}

/// `scheme://host:port` of a URL; the port is named even where it is the scheme's own, because it is what refuses.
pub(super) fn place(url: &Url) -> String {
    let place = format!("{}://{}", url.scheme(), url.host_str().unwrap_or_default());
    match url.port_or_known_default() {
        Some(port) => format!("{place}:{port}"),
        None => place,
    }
}

/// The error and what it was caused by, also what is hidden inside an I/O error.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> Vec<&'a (dyn Error + 'static)> {
    let mut all: Vec<&'a (dyn Error + 'static)> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        all.push(error);
        next = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    all
}

fn find<'a, E: Error + 'static>(chain: &[&'a (dyn Error + 'static)]) -> Option<&'a E> {
    chain.iter().find_map(|error| error.downcast_ref::<E>())
}

/// The innermost text: the outer ones only say that something was being sent.
fn deepest(chain: &[&(dyn Error + 'static)]) -> String {
    chain.last().map(ToString::to_string).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use rustls::CertificateError;

    use super::*;

    #[test]
    fn what_the_kernel_refuses_is_ours() {
        for (number, ours) in [
            (24, true),
            (23, true),
            (105, true),
            (1, true),
            (13, true),
            (100, true),
            (111, false),
            (104, false),
        ] {
            assert_eq!(cannot_open(&io::Error::from_raw_os_error(number)), ours, "{number}");
        }
    }

    #[test]
    fn the_chain_looks_into_io_errors() {
        let inner = TlsError::InvalidCertificate(CertificateError::UnknownIssuer);
        let outer = io::Error::other(io::Error::new(io::ErrorKind::InvalidData, inner));
        assert!(find::<TlsError>(&chain(&outer)).is_some());
    }

    #[test]
    fn no_route_is_ours_only_without_a_route() {
        let url = Url::parse("http://127.0.0.1/").unwrap();
        assert!(any_route(None, &url));
        let error = io::Error::from_raw_os_error(101);
        let marks = Marks::default();
        assert_eq!(ours(&[&error], Some(&marks), &url), None);
    }
}
