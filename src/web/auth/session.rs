//! Sessions of people who logged in: a random secret in a cookie, of which only a hash is stored.
//!
//! A session outlives a restart of the agent. It ends after twelve hours without use, after a week in any case, when its person logs out, and
//! when its token is taken out of the settings or gets another value: what is stored proves the token's value only together with the cookie.

use axum::http::{HeaderMap, HeaderValue, header};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::mask::FormToken;
use crate::{
    daemon::{Handle, Setup, Token},
    store::{Login, StoreError},
};

/// What the cookie is called.
const NAME: &str = "wayfarer_session";
/// A session that is not used for so long is over.
const IDLE: SignedDuration = SignedDuration::from_hours(12);
/// And after so long in any case.
const LONGEST: SignedDuration = SignedDuration::from_hours(7 * 24);
/// How exactly it is known when a session was used.
const NOTED: SignedDuration = SignedDuration::from_mins(5);

/// The secret of a session.
#[derive(Clone)]
pub(super) struct Ticket([u8; 32]);

impl Ticket {
    /// A new one.
    pub(super) fn new() -> Self {
        Self(rand::random())
    }

    /// The one that a request shows.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|v| v.to_str().ok());
        let pairs =
            cookies.flat_map(|line| line.split(';')).filter_map(|p| p.trim().split_once('='));
        let value = pairs.filter(|(name, _)| *name == NAME).map(|(_, value)| value).next()?;
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(value.trim_matches('"')).ok()?;
        bytes.try_into().ok().map(Self)
    }

    fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0).into()
    }

    /// What proves that a token has the value that the session was opened with.
    fn proof(&self, token: &Token) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(self.0);
        hash.update(token.value.expose().as_bytes());
        hash.finalize().into()
    }

    /// What forms of this session carry.
    pub(super) fn csrf(&self) -> FormToken {
        let mut hash = Sha256::new();
        hash.update(b"wayfarer form\0");
        hash.update(self.0);
        FormToken::new(hash.finalize().into())
    }

    /// Opens the session for whoever showed this token.
    ///
    /// # Errors
    /// The store failed.
    pub(super) async fn open(&self, handle: &Handle, token: &Token) -> Result<(), StoreError> {
        let now = handle.now();
        let login = Login {
            hash: self.hash(),
            token: token.name.clone(),
            proof: self.proof(token),
            began_at: now,
            seen_at: now,
        };
        handle.store().open_login(login, (before(now, LONGEST), before(now, IDLE))).await
    }

    /// The token whose session it is; none where it is over.
    ///
    /// # Errors
    /// The store failed.
    pub(super) async fn token(
        &self,
        handle: &Handle,
        setup: &Setup,
    ) -> Result<Option<Token>, StoreError> {
        let now = handle.now();
        let Some(login) = handle.store().login(self.hash()).await? else { return Ok(None) };
        if login.began_at < before(now, LONGEST) || login.seen_at < before(now, IDLE) {
            return Ok(None);
        }
        let token = setup.tokens.iter().find(|token| token.name == login.token);
        let same = |token: &&Token| bool::from(self.proof(token).ct_eq(&login.proof));
        let Some(token) = token.filter(same) else { return Ok(None) };
        if login.seen_at < before(now, NOTED) {
            handle.store().login_seen(self.hash(), now)?;
        }
        Ok(Some(token.clone()))
    }

    /// Ends the session.
    ///
    /// # Errors
    /// The store failed.
    pub(super) async fn close(&self, handle: &Handle) -> Result<(), StoreError> {
        handle.store().close_login(self.hash()).await
    }

    /// The cookie, for pages below `path`.
    pub(super) fn cookie(&self, path: &str, secure: bool) -> HeaderValue {
        let value = BASE64_URL_SAFE_NO_PAD.encode(self.0);
        cookie(&value, LONGEST.as_secs(), (path, secure))
    }
}

/// The cookie that takes the place of a session's.
pub(super) fn no_cookie(path: &str, secure: bool) -> HeaderValue {
    cookie("", 0, (path, secure))
}

/// `Lax`, not `Strict`: a link in a message shall lead to its page. What alters anything is asked by forms, which carry a token of their own.
fn cookie(value: &str, age: i64, (path, secure): (&str, bool)) -> HeaderValue {
    let secure = if secure { "; Secure" } else { "" };
    let text =
        format!("{NAME}={value}; Path={path}; Max-Age={age}; HttpOnly; SameSite=Lax{secure}");
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""))
}

fn before(now: Timestamp, span: SignedDuration) -> Timestamp {
    now.checked_sub(span).unwrap_or(Timestamp::MIN)
}
