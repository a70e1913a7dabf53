//! Passing a request on to the Grafana that it was meant for.

use std::time::Duration;

use reqwest::{Client, Method, Url};

use super::agent::{root_cause, tls};
use crate::model::Secret;

/// Largest answer that is passed back, in bytes.
const LARGEST: usize = 1 << 20;
/// How long the other side may take: a pipeline waits for it.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the other side answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passed {
    /// Its status.
    pub status: u16,
    /// Its body.
    pub body: Vec<u8>,
}

/// A request to pass on.
#[derive(Debug, Clone, Copy)]
pub struct Onward<'a> {
    /// `POST`, `PUT`, `PATCH` or `DELETE`.
    pub method: &'a str,
    /// Where the other side begins, such as `https://grafana.example.com`.
    pub base: &'a str,
    /// The path below it.
    pub path: &'a str,
    /// The value of `Authorization`.
    pub authorization: Option<&'a Secret>,
    /// The body, as it came.
    pub body: &'a [u8],
}

/// Passes a request on, and gives the answer.
///
/// # Errors
/// Nobody answers, or the address is none; a sentence why.
pub async fn pass(onward: Onward<'_>) -> Result<Passed, String> {
    let address = format!("{}/{}", onward.base.trim_end_matches('/'), onward.path);
    let url = Url::parse(&address).map_err(|e| e.to_string())?;
    let method = Method::from_bytes(onward.method.as_bytes()).map_err(|e| e.to_string())?;
    let client = Client::builder()
        .tls_backend_preconfigured(tls().map_err(|e| e.to_string())?)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .map_err(|e| root_cause(&e))?;
    let mut request = client
        .request(method, url)
        .timeout(PATIENCE)
        .header("content-type", "application/json")
        .body(onward.body.to_vec());
    if let Some(value) = onward.authorization {
        request = request.header("authorization", value.expose());
    }
    let mut response = request.send().await.map_err(|e| root_cause(&e))?;
    let status = response.status().as_u16();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|e| root_cause(&e))? {
        if body.len() + chunk.len() > LARGEST {
            return Err("the answer is too large".to_owned());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Passed { status, body })
}
