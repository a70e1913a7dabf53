//! A running agent, asked over HTTP by the command line.

use std::time::Duration;

use reqwest::{Client, RequestBuilder, StatusCode, Url};
use serde_json::Value;
use thiserror::Error;

use crate::model::Secret;

/// Largest answer that is read, in bytes.
const LARGEST: usize = 32 << 20;
/// How long an answer may take beyond what was asked to wait.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where an agent listens, and how to ask it.
#[derive(Debug, Clone)]
pub struct AgentClient {
    base: Url,
    token: Option<Secret>,
    client: Client,
}

/// Why an agent did not answer as hoped.
#[derive(Debug, Error)]
pub enum AgentError {
    /// The address is not one.
    #[error("`{0}` is not the address of an agent: write http://HOST:PORT")]
    Address(String),
    /// Nobody answers.
    #[error("no agent answers at {url}: {reason}")]
    Unreachable {
        /// Where.
        url: String,
        /// Why.
        reason: String,
    },
    /// It refused, and says why.
    #[error("the agent refused: {message}{}", in_brackets(.hint))]
    Refused {
        /// The status.
        status: u16,
        /// Its words.
        message: String,
        /// The way out.
        hint: String,
    },
    /// It answered something else than an agent would.
    #[error("what answers at {0} is not a Wayfarer agent")]
    Strange(String),
}

fn in_brackets(hint: &str) -> String {
    if hint.is_empty() { String::new() } else { format!(" ({hint})") }
}

impl AgentClient {
    /// A client for the agent at `base`.
    ///
    /// # Errors
    /// The address is not an HTTP one, or TLS cannot be set up.
    pub fn new(base: &str, token: Option<Secret>) -> Result<Self, AgentError> {
        let bad = || AgentError::Address(base.to_owned());
        let mut url = Url::parse(base).map_err(|_| bad())?;
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
            return Err(bad());
        }
        if !url.path().ends_with('/') {
            url.set_path(&format!("{}/", url.path()));
        }
        let client = Client::builder()
            .tls_backend_preconfigured(tls().map_err(|e| unusable(&url, &e))?)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .user_agent(concat!("wayfarer/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|e| unusable(&url, &e))?;
        Ok(Self { base: url, token, client })
    }

    /// Asks for `path` (below the address, already encoded), which may take `wait` longer than usual.
    ///
    /// # Errors
    /// Nobody answers, it refuses, or it is no agent.
    pub async fn get(&self, path: &str, wait: Duration) -> Result<Value, AgentError> {
        let request = self.client.get(self.url(path)?).timeout(wait.saturating_add(PATIENCE));
        self.answer(request).await
    }

    /// Sends a JSON body to `path`.
    ///
    /// # Errors
    /// As [`AgentClient::get`].
    pub async fn post(&self, path: &str, body: Vec<u8>) -> Result<Value, AgentError> {
        self.send(self.client.post(self.url(path)?), body).await
    }

    /// Puts a JSON body in the place of what is at `path`.
    ///
    /// # Errors
    /// As [`AgentClient::get`].
    pub async fn put(&self, path: &str, body: Vec<u8>) -> Result<Value, AgentError> {
        self.send(self.client.put(self.url(path)?), body).await
    }

    /// Removes what is at `path`.
    ///
    /// # Errors
    /// As [`AgentClient::get`].
    pub async fn delete(&self, path: &str) -> Result<Value, AgentError> {
        self.answer(self.client.delete(self.url(path)?).timeout(PATIENCE)).await
    }

    async fn send(&self, request: RequestBuilder, body: Vec<u8>) -> Result<Value, AgentError> {
        let request = request.header("content-type", "application/json");
        self.answer(request.timeout(PATIENCE).body(body)).await
    }

    fn url(&self, path: &str) -> Result<Url, AgentError> {
        self.base.join(path).map_err(|_| AgentError::Address(format!("{}{path}", self.base)))
    }

    async fn answer(&self, request: reqwest::RequestBuilder) -> Result<Value, AgentError> {
        let request = match &self.token {
            Some(token) => request.bearer_auth(token.expose()),
            None => request,
        };
        let unreachable = |e: reqwest::Error| AgentError::Unreachable {
            url: self.base.to_string(),
            reason: root_cause(&e),
        };
        let mut response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            body.extend_from_slice(&chunk);
            if body.len() > LARGEST {
                return Err(AgentError::Strange(self.base.to_string()));
            }
        }
        let value: Option<Value> = serde_json::from_slice(&body).ok();
        match value {
            Some(value) if status == StatusCode::OK => Ok(value),
            Some(value) if value.get("error").is_some() => {
                let text = |key: &str| value["error"][key].as_str().unwrap_or_default().to_owned();
                Err(AgentError::Refused {
                    status: status.as_u16(),
                    message: text("message"),
                    hint: text("hint"),
                })
            }
            _ => Err(AgentError::Strange(self.base.to_string())),
        }
    }
}

/// The deepest reason: "connection refused" says more than "error sending request".
pub(super) fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

fn unusable(url: &Url, e: &dyn std::error::Error) -> AgentError {
    AgentError::Unreachable { url: url.to_string(), reason: e.to_string() }
}

/// TLS by ring with the system's roots, or the well-known ones where there are none.
pub(super) fn tls() -> Result<rustls::ClientConfig, rustls::Error> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    Ok(rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}
