//! One request and its answer, timed and capped.

use std::time::Instant;

use http::{HeaderMap, HeaderValue, StatusCode, Version, header};
use hyper_util::client::legacy::connect::HttpInfo;

use super::{
    decode::{decode, too_large},
    error::judge,
    marks::{Ends, Marks, phases, whole_micros},
    request::Request,
    server_timing,
    session::{Chain, Session},
    tls::earliest_expiry,
};
use crate::{
    engine::{fault::Trouble, limits::Deadline},
    model::{FaultKind, Hop},
};

/// A hop as it was: what a report shows, what evidence needs, and how it ended.
#[derive(Debug)]
pub(super) struct Walked {
    /// URL and method are not masked yet.
    pub(super) hop: Hop,
    /// What was sent, the cookies from the jar included.
    pub(super) request: Request,
    pub(super) head: Option<Head>,
    /// The decoded body, or what came of it.
    pub(super) body: Vec<u8>,
    /// The certificates of the server; none of plain HTTP.
    pub(super) chain: Option<Chain>,
    /// Whether the body breaks off.
    pub(super) cut: bool,
    pub(super) trouble: Option<Trouble>,
}

/// The head of an answer.
#[derive(Debug, Clone)]
pub(super) struct Head {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
}

/// What has happened so far: it must outlive a request that a deadline cuts off.
#[derive(Default)]
struct Progress {
    head: Option<Head>,
    head_at: Option<Instant>,
    version: Option<Version>,
    ends: Option<Ends>,
    wire: Vec<u8>,
    wire_bytes: u64,
}

impl Progress {
    /// Whether the connection outlives the answer (RFC 9112, section 9.3).
    fn goes_on(&self) -> bool {
        let closes = |head: &Head| {
            let said = head.headers.get_all(header::CONNECTION).iter();
            said.filter_map(|value| value.to_str().ok())
                .flat_map(|value| value.split(','))
                .any(|word| word.trim().eq_ignore_ascii_case("close"))
        };
        self.version.is_some_and(|version| version >= Version::HTTP_11)
            && self.head.as_ref().is_some_and(|head| !closes(head))
    }
}

impl Session {
    /// Sends a request and reads the answer, at most `cap` bytes of it on the wire and as many decoded.
    pub(super) async fn hop(&mut self, request: &Request, cap: u64, deadline: &Deadline) -> Walked {
        let mut request = request.clone();
        self.add_cookies(&mut request);
        if let Some(trace) = self.trace() {
            trace.add(&mut request.headers);
            request.traced = trace.is_in(&request.headers);
            self.traced |= request.traced;
        }
        self.attempts.begin_hop(self.is_warm(&request.url));
        let mut progress = Progress::default();
        let start = self.clock.instant();
        let left = deadline.at.saturating_duration_since(start);
        let ended = tokio::time::timeout(left, self.exchange(&request, cap, &mut progress)).await;
        let end = self.clock.instant();
        let mut walked = self.finish(request, &progress, start, end);
        walked.trouble = match ended {
            Ok(Ok(())) => None,
            Ok(Err(Failed::TooLarge)) => Some(too_large(cap)),
            Ok(Err(Failed::Broken(error))) => {
                let marks = if walked.hop.reused { None } else { self.attempts.latest() };
                let trouble = judge(&error, marks.as_ref(), &walked.request.url, self.proxy());
                Some(self.perhaps_http1(trouble, &walked))
            }
            Err(_) => Some(timed_out(&walked, self.attempts.latest().as_ref(), deadline)),
        };
        walked.cut = walked.trouble.is_some();
        self.keep_warm(&walked.request.url, !walked.cut && progress.goes_on());
        if let (None, Some(head)) = (&walked.trouble, &walked.head) {
            // Decoding is our work, not the target's: it is outside of the timing.
            match decode(&head.headers, std::mem::take(&mut progress.wire), cap).await {
                Ok(body) => walked.body = body,
                Err(trouble) => {
                    walked.trouble = Some(trouble);
                    walked.cut = true;
                }
            }
        } else {
            walked.body = progress.wire;
        }
        if let Some(head) = &walked.head {
            self.jar.take(&head.headers, &walked.request.url);
        }
        walked
    }

    /// A server of HTTP/1.1 only does not know what to make of HTTP/2 that was never agreed on, and each says so in its own way.
    fn perhaps_http1(&self, trouble: Trouble, walked: &Walked) -> Trouble {
        match trouble {
            Trouble::Target(kind @ (FaultKind::Reset | FaultKind::Protocol), why)
                if walked.head.is_none() && self.presumes_http2(&walked.request.url) =>
            {
                let why = format!(
                    "{why}; `http = \"2\"` without TLS speaks HTTP/2 at once: does this server?"
                );
                Trouble::Target(kind, why)
            }
            other => other,
        }
    }

    fn add_cookies(&self, request: &mut Request) {
        let Some(cookies) = self.jar.header(&request.url) else { return };
        let all = match request.headers.get(header::COOKIE).and_then(|v| v.to_str().ok()) {
            Some(own) => format!("{own}; {cookies}"),
            None => cookies,
        };
        if let Ok(value) = HeaderValue::from_bytes(all.as_bytes()) {
            request.headers.insert(header::COOKIE, value);
        }
    }

    async fn exchange(
        &self,
        request: &Request,
        cap: u64,
        progress: &mut Progress,
    ) -> Result<(), Failed> {
        let mut sent = reqwest::Request::new(request.method.clone(), request.url.clone());
        *sent.headers_mut() = request.headers.clone();
        *sent.body_mut() = request.body.clone().map(Into::into);
        let mut response = self.client.execute(sent).await.map_err(Failed::Broken)?;
        progress.head_at = Some(self.clock.instant());
        progress.version = Some(response.version());
        progress.ends = response
            .extensions()
            .get::<HttpInfo>()
            .map(|info| (info.local_addr(), info.remote_addr()));
        progress.head =
            Some(Head { status: response.status(), headers: response.headers().clone() });
        while let Some(chunk) = response.chunk().await.map_err(Failed::Broken)? {
            progress.wire_bytes += chunk.len() as u64;
            if progress.wire_bytes > cap {
                // Dropping the response closes the connection: nothing more is read.
                return Err(Failed::TooLarge);
            }
            progress.wire.extend_from_slice(&chunk);
        }
        Ok(())
    }

    fn finish(
        &mut self,
        request: Request,
        progress: &Progress,
        start: Instant,
        end: Instant,
    ) -> Walked {
        // Without an answer it is not known which connection served. Then the latest attempt of the hop tells, if there was one.
        let made = match progress.ends {
            Some(ends) => self.attempts.that_made(ends),
            None => self.attempts.latest(),
        };
        let begun = made.as_ref().and_then(|marks| marks.waited_until);
        let start = begun.map_or(start, |begun| begun.clamp(start, end.max(start)));
        let ends = progress.ends.or_else(|| made.as_ref().and_then(|marks| marks.ends));
        let chain = self.chain(&request.url, ends, made.as_ref());
        let phases = phases(start, end, made.as_ref(), progress.head_at);
        let hop = Hop {
            method: request.method.to_string(),
            url: request.url.to_string(),
            status: progress.head.as_ref().map(|head| head.status.as_u16()),
            version: progress.version.map(version_name),
            offset: whole_micros(start.saturating_duration_since(self.watch.origin())),
            duration: phases.total(),
            phases,
            reused: made.is_none(),
            peer: ends.map(|(_, remote)| remote),
            body_bytes: progress.wire_bytes,
            certificate_expires_at: chain.as_deref().and_then(|chain| earliest_expiry(chain)),
            server_timing: progress
                .head
                .as_ref()
                .map(|head| server_timing::read(&head.headers))
                .unwrap_or_default(),
        };
        let head = progress.head.clone();
        Walked { hop, request, head, body: Vec::new(), chain, cut: false, trouble: None }
    }
}

/// Why an exchange ended early.
enum Failed {
    Broken(reqwest::Error),
    TooLarge,
}

/// The trouble with a deadline that passed: whose, and while what was going on. A look-up without an end is ours, as a resolver that says
/// it cannot tell is: where a name has no address, the resolver says so.
fn timed_out(walked: &Walked, marks: Option<&Marks>, deadline: &Deadline) -> Trouble {
    let looking_up = |m: &Marks| m.resolve_started.is_some() && m.resolved.is_none();
    if !walked.hop.reused && marks.is_some_and(looking_up) {
        return Trouble::ours(format!(
            "names cannot be looked up: no answer before {} passed",
            deadline.name
        ));
    }
    let phases = &walked.hop.phases;
    let doing = if walked.head.is_some() {
        "while the body was read"
    } else if walked.hop.reused || !phases.processing.is_zero() {
        "while waiting for the answer"
    } else if !phases.tls.is_zero() {
        "in the TLS handshake"
    } else {
        "while connecting"
    };
    Trouble::target(FaultKind::Timeout, format!("{} passed {doing}", deadline.name))
}

fn version_name(version: Version) -> String {
    match version {
        Version::HTTP_2 => "HTTP/2".to_owned(),
        Version::HTTP_3 => "HTTP/3".to_owned(),
        other => format!("{other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::Method;
    use url::Url;

    use super::*;
    use crate::{clock::Clock, engine::http::body::Sent, model::Phases};

    #[test]
    fn a_look_up_without_an_end_is_ours() {
        let url = Url::parse("http://x.example/").unwrap();
        let second = Duration::from_secs(1);
        let walked = |phases: Phases| Walked {
            hop: Hop {
                method: "GET".to_owned(),
                url: url.to_string(),
                status: None,
                version: None,
                offset: Duration::ZERO,
                duration: phases.total(),
                phases,
                reused: false,
                peer: None,
                body_bytes: 0,
                certificate_expires_at: None,
                server_timing: Vec::new(),
            },
            request: Request {
                method: Method::GET,
                url: url.clone(),
                headers: HeaderMap::new(),
                body: None,
                sent: Sent::Text,
                traced: false,
            },
            head: None,
            body: Vec::new(),
            chain: None,
            cut: false,
            trouble: None,
        };
        let now = Clock.instant();
        let deadline = Deadline { at: now, name: "the step's deadline of 1s".to_owned() };
        let started = Marks { resolve_started: Some(now), ..Marks::default() };
        let resolving = walked(Phases { resolve: second, ..Phases::default() });
        assert_eq!(
            timed_out(&resolving, Some(&started), &deadline),
            Trouble::ours(
                "names cannot be looked up: no answer before the step's deadline of 1s passed"
            )
        );
        let resolved = Marks { resolved: Some(now), ..started };
        let connecting = walked(Phases { connect: second, ..Phases::default() });
        assert_eq!(
            timed_out(&connecting, Some(&resolved), &deadline),
            Trouble::target(
                FaultKind::Timeout,
                "the step's deadline of 1s passed while connecting"
            )
        );
    }
}
