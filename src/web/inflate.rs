//! Bodies that come compressed: a webhook with `Content-Encoding: gzip` is inflated before anybody looks at it, and never to more than a plain
//! one may have.

use axum::{
    body::{Body, to_bytes},
    extract::Request,
    http::{HeaderMap, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use tokio::io::AsyncReadExt;

use super::{ApiError, api::hooks::LARGEST_HOOK};

/// The layer of routes that senders call. What a sender signs is what it compressed, so that proofs are looked at after this.
pub(super) async fn inflated(request: Request, next: Next) -> Response {
    let coding = coding(request.headers());
    let request = match coding.as_deref() {
        None | Some("identity" | "") => request,
        Some("gzip" | "x-gzip") => match inflate(request).await {
            Ok(request) => request,
            Err(error) => return error.into_response(),
        },
        Some(other) => {
            let shown: String = other.chars().take(40).collect();
            let message = format!("bodies are not read as Content-Encoding `{shown}`");
            return ApiError::unsupported(message, "send them plain or as gzip").into_response();
        }
    };
    next.run(request).await
}

/// How the body is coded; several codings at once are none that is known.
fn coding(headers: &HeaderMap) -> Option<String> {
    let said: Vec<String> = headers
        .get_all(header::CONTENT_ENCODING)
        .iter()
        .map(|value| String::from_utf8_lossy(value.as_bytes()).trim().to_ascii_lowercase())
        .collect();
    (!said.is_empty()).then(|| said.join(", "))
}

async fn inflate(request: Request) -> Result<Request, ApiError> {
    let (mut parts, body) = request.into_parts();
    let packed =
        to_bytes(body, LARGEST_HOOK).await.map_err(|_| ApiError::too_large(LARGEST_HOOK))?;
    let mut plain = Vec::new();
    let most = u64::try_from(LARGEST_HOOK).unwrap_or(u64::MAX);
    let mut inflater = async_compression::tokio::bufread::GzipDecoder::new(&packed[..]);
    inflater.multiple_members(true);
    let read = inflater.take(most + 1).read_to_end(&mut plain).await;
    if plain.len() > LARGEST_HOOK {
        return Err(ApiError::too_large(LARGEST_HOOK));
    }
    read.map_err(|e| {
        ApiError::bad_request(format!("the body is not gzip: {e}"), "send it whole, or plain")
    })?;
    parts.headers.remove(header::CONTENT_ENCODING);
    parts.headers.remove(header::CONTENT_LENGTH);
    Ok(Request::from_parts(parts, Body::from(plain)))
}
