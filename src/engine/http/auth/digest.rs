//! Digest authentication (RFC 7616), `qop=auth` or none (RFC 2069), with MD5, SHA-256 and SHA-512/256 and their session variants.

use std::collections::HashMap;

use http::{HeaderMap, HeaderName, StatusCode, header};
use md5::Md5;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::{Digest, Sha256, Sha512_256};
use url::Url;

use crate::engine::http::{hop::Head, request::Request};

/// Where a server sends the nonce it wants next (RFC 7616, section 3.5).
const INFO: HeaderName = HeaderName::from_static("authentication-info");

/// What servers have asked for in this run, by origin and user: the next request answers at once, as a browser does.
#[derive(Debug, Default)]
pub(in crate::engine::http) struct Nonces(HashMap<(String, String), Known>);

/// A challenge that is being answered.
#[derive(Debug, Clone)]
struct Known {
    challenge: Challenge,
    cnonce: String,
    /// How many requests have used the nonce.
    count: u32,
}

/// What a server asks.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Challenge {
    realm: String,
    nonce: String,
    opaque: Option<String>,
    algorithm: Algorithm,
    session: bool,
    /// The algorithm as the server spells it, if it does.
    spelt: Option<String>,
    /// Whether `qop=auth` is answered.
    qop: bool,
    hidden_user: bool,
    stale: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Algorithm {
    Md5,
    Sha256,
    Sha512_256,
}

/// A user who answers challenges.
pub(super) struct User {
    name: String,
    password: String,
    /// How many challenges this step has answered.
    answered: u32,
    /// Whether the last request of this step carried an answer to an older challenge.
    remembered: bool,
}

/// An answer and the header that carries it.
pub(super) struct Answer {
    pub(super) header: String,
    pub(super) response: String,
}

impl User {
    pub(super) fn new(name: String, password: String) -> Self {
        Self { name, password, answered: 0, remembered: false }
    }

    /// The answer to what the server is known to ask, if that is known.
    pub(super) fn answer(&mut self, request: &Request, nonces: &mut Nonces) -> Option<Answer> {
        let known = nonces.0.get_mut(&self.key(&request.url))?;
        self.remembered = self.answered == 0;
        known.count = known.count.saturating_add(1);
        Some(self.respond(known, request.method.as_str(), &uri(&request.url)))
    }

    /// Whether the request is to be sent again: the server asks, and it is not the answer that it refused.
    pub(super) fn challenged(
        &mut self,
        head: &Head,
        request: &Request,
        nonces: &mut Nonces,
    ) -> bool {
        let key = self.key(&request.url);
        if head.status != StatusCode::UNAUTHORIZED {
            if let (Some(known), Some(nonce)) = (nonces.0.get_mut(&key), next_nonce(&head.headers))
            {
                known.challenge.nonce = nonce;
                known.cnonce = random();
                known.count = 0;
            }
            return false;
        }
        nonces.0.remove(&key);
        let Some(challenge) = challenge(&head.headers) else { return false };
        let again = match self.answered {
            0 => true,
            // A nonce may grow old between two requests; a server for which every nonce is old would go on for ever.
            1 => challenge.stale,
            _ => false,
        };
        if again {
            self.answered += 1;
            nonces.0.insert(key, Known { challenge, cnonce: random(), count: 0 });
        }
        again
    }

    fn key(&self, url: &Url) -> (String, String) {
        (url.origin().ascii_serialization(), self.name.clone())
    }

    fn respond(&self, known: &Known, method: &str, uri: &str) -> Answer {
        let Challenge { realm, nonce, algorithm, .. } = &known.challenge;
        let h = |text: String| algorithm.hash(&text);
        let mut ha1 = h(format!("{}:{realm}:{}", self.name, self.password));
        if known.challenge.session {
            ha1 = h(format!("{ha1}:{nonce}:{}", known.cnonce));
        }
        let ha2 = h(format!("{method}:{uri}"));
        let count = format!("{:08x}", known.count);
        let response = if known.challenge.qop {
            h(format!("{ha1}:{nonce}:{count}:{}:auth:{ha2}", known.cnonce))
        } else {
            h(format!("{ha1}:{nonce}:{ha2}"))
        };
        let mut parts = vec![self.told(known)];
        parts.push(format!("realm=\"{}\"", quoted(realm)));
        parts.push(format!("nonce=\"{}\"", quoted(nonce)));
        parts.push(format!("uri=\"{}\"", quoted(uri)));
        parts.push(format!("response=\"{response}\""));
        if let Some(spelt) = &known.challenge.spelt {
            parts.push(format!("algorithm={spelt}"));
        }
        if known.challenge.qop || known.challenge.session {
            parts.push(format!("cnonce=\"{}\"", known.cnonce));
        }
        if known.challenge.qop {
            parts.push("qop=auth".to_owned());
            parts.push(format!("nc={count}"));
        }
        if let Some(opaque) = &known.challenge.opaque {
            parts.push(format!("opaque=\"{}\"", quoted(opaque)));
        }
        if known.challenge.hidden_user {
            parts.push("userhash=true".to_owned());
        }
        Answer { header: format!("Digest {}", parts.join(", ")), response }
    }

    /// The user's name: hashed where the server wants that, and encoded where it is not ASCII (RFC 7616, section 3.4).
    fn told(&self, known: &Known) -> String {
        let Challenge { realm, algorithm, hidden_user, .. } = &known.challenge;
        if *hidden_user {
            format!("username=\"{}\"", algorithm.hash(&format!("{}:{realm}", self.name)))
        } else if self.name.is_ascii() {
            format!("username=\"{}\"", quoted(&self.name))
        } else {
            format!("username*=UTF-8''{}", utf8_percent_encode(&self.name, NON_ALPHANUMERIC))
        }
    }
}

impl Algorithm {
    fn hash(self, text: &str) -> String {
        fn hex<D: Digest>(text: &str) -> String {
            D::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
        }
        match self {
            Self::Md5 => hex::<Md5>(text),
            Self::Sha256 => hex::<Sha256>(text),
            Self::Sha512_256 => hex::<Sha512_256>(text),
        }
    }

    /// By its name; `-sess` is another matter.
    fn named(name: &str) -> Option<Self> {
        match name {
            "md5" => Some(Self::Md5),
            "sha-256" => Some(Self::Sha256),
            "sha-512-256" => Some(Self::Sha512_256),
            _ => None,
        }
    }
}

/// 128 random bits.
fn random() -> String {
    format!("{:032x}", rand::random::<u128>())
}

/// Path and query, as the request line has them.
fn uri(url: &Url) -> String {
    match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    }
}

fn quoted(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

/// The first challenge of an answer that we can meet: servers put the one they like best first.
fn challenge(headers: &HeaderMap) -> Option<Challenge> {
    headers
        .get_all(header::WWW_AUTHENTICATE)
        .iter()
        .flat_map(|value| challenges(&String::from_utf8_lossy(value.as_bytes())))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("digest"))
        .find_map(|(_, parameters)| read(&parameters))
}

fn read(parameters: &[(String, String)]) -> Option<Challenge> {
    let get = |name: &str| {
        let found = parameters.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.clone())
    };
    let is_true = |name: &str| get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let spelt = get("algorithm");
    let lower = spelt.as_deref().unwrap_or("md5").to_ascii_lowercase();
    let (name, session) = match lower.strip_suffix("-sess") {
        Some(name) => (name, true),
        None => (lower.as_str(), false),
    };
    let qop = match get("qop") {
        Some(offered) if offered.split(',').any(|q| q.trim().eq_ignore_ascii_case("auth")) => true,
        // `auth-int` alone cannot be met.
        Some(_) => return None,
        None => false,
    };
    Some(Challenge {
        realm: get("realm")?,
        nonce: get("nonce")?,
        opaque: get("opaque"),
        algorithm: Algorithm::named(name)?,
        session,
        // It goes back into a header as it came: nothing but a token may.
        spelt: spelt.filter(|s| s.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')),
        qop,
        hidden_user: is_true("userhash"),
        stale: is_true("stale"),
    })
}

fn next_nonce(headers: &HeaderMap) -> Option<String> {
    let value = String::from_utf8_lossy(headers.get(INFO)?.as_bytes()).into_owned();
    let parts = pieces(&value);
    parts.iter().filter_map(|part| parameter(part)).find_map(|(name, value)| {
        name.eq_ignore_ascii_case("nextnonce").then_some(value).filter(|value| !value.is_empty())
    })
}

/// The challenges of a `WWW-Authenticate` header (RFC 9110, section 11.6.1): schemes with their parameters. Both the challenges and the
/// parameters of one are divided by commas.
fn challenges(value: &str) -> Vec<(String, Vec<(String, String)>)> {
    let mut found: Vec<(String, Vec<(String, String)>)> = Vec::new();
    for piece in pieces(value) {
        let piece = piece.trim();
        let word = piece.find([' ', '\t']).map(|at| piece.split_at(at));
        match word {
            Some((scheme, rest))
                if !scheme.contains('=') && !rest.trim_start().starts_with('=') =>
            {
                found.push((scheme.to_owned(), parameter(rest).into_iter().collect()));
            }
            _ if !piece.contains('=') => {
                if !piece.is_empty() {
                    found.push((piece.to_owned(), Vec::new()));
                }
            }
            _ => {
                if let (Some((_, parameters)), Some(pair)) = (found.last_mut(), parameter(piece)) {
                    parameters.push(pair);
                }
            }
        }
    }
    found
}

/// What stands between commas that are not quoted.
fn pieces(value: &str) -> Vec<String> {
    let (mut pieces, mut quoted, mut escaped) = (vec![String::new()], false, false);
    for c in value.chars() {
        let ends = c == ',' && !quoted;
        if quoted && !escaped && c == '\\' {
            escaped = true;
        } else {
            if c == '"' && !escaped {
                quoted = !quoted;
            }
            escaped = false;
        }
        match pieces.last_mut() {
            Some(last) if !ends => last.push(c),
            _ => pieces.push(String::new()),
        }
    }
    pieces
}

/// `name=value` or `name="value"`.
fn parameter(piece: &str) -> Option<(String, String)> {
    let (name, value) = piece.split_once('=')?;
    let (name, value) = (name.trim(), value.trim());
    let inner = value.strip_prefix('"').map(|v| v.strip_suffix('"').unwrap_or(v));
    let value = match inner {
        None => value.to_owned(),
        Some(inner) => {
            let mut plain = String::new();
            let mut chars = inner.chars();
            while let Some(c) = chars.next() {
                plain.extend(if c == '\\' { chars.next() } else { Some(c) });
            }
            plain
        }
    };
    Some((name.to_owned(), value))
}

#[cfg(test)]
mod tests;
