//! What a client sees when something does not work: `{ "error": { "code", "message", "hint" } }`.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

use crate::{daemon::HandleError, intake::IntakeFault, store::StoreError};

/// An error with its status.
#[derive(Debug, Clone)]
pub struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: String,
    hint: String,
    /// Seconds.
    retry_after: Option<u64>,
}

impl ApiError {
    /// Its status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// What is wrong, with the way out.
    pub fn sentence(&self) -> String {
        format!("{} ({})", self.message, self.hint)
    }

    /// The request is wrong, and how.
    pub fn bad_request(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", message, hint)
    }

    /// There is no such thing.
    pub fn not_found(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", message, hint)
    }

    /// A token is missing or wrong.
    pub fn unauthorized(message: impl Into<String>) -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            message,
            "send `Authorization: Bearer TOKEN` with the value of a [[token]]",
        )
    }

    /// The caller may not do this.
    pub fn forbidden(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", message, hint)
    }

    /// The body has a form that is not read.
    pub fn unsupported(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported", message, hint)
    }

    /// Too many wrong tokens came from there.
    pub fn too_many(wait: std::time::Duration) -> Self {
        let seconds = wait.as_secs().max(1);
        let mut error = Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too_many",
            "too many wrong tokens were shown from here",
            format!("wait {seconds} s"),
        );
        error.retry_after = Some(seconds);
        error
    }

    /// The body is larger than is read.
    pub fn too_large(limit_bytes: usize) -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too_large",
            format!("the body is larger than {limit_bytes} bytes"),
            "send one change at a time, without logs or diffs",
        )
    }

    /// What went wrong, in a sentence.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to do about it.
    pub fn hint(&self) -> &str {
        &self.hint
    }

    /// Our own bug.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            message,
            "look at the agent's log, and please report it",
        )
    }

    /// Any other.
    pub(crate) fn new(
        status: StatusCode,
        code: &'static str,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self { status, code, message: message.into(), hint: hint.into(), retry_after: None }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = json!({
            "error": { "code": self.code, "message": self.message, "hint": self.hint }
        });
        let mut response = (self.status, Json(body)).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            // A browser then asks for it: any user name, the token as the password.
            let ask = HeaderValue::from_static("Basic realm=\"wayfarer\", charset=\"UTF-8\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, ask);
        }
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        // A browser is shown it as a page.
        response.extensions_mut().insert(self);
        response
    }
}

impl From<StoreError> for ApiError {
    fn from(e: StoreError) -> Self {
        tracing::error!(error = %e, "api.store: the store failed");
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "store",
            "the store failed; nothing was written",
            "look at the agent's log, and try again",
        )
    }
}

impl From<HandleError> for ApiError {
    fn from(e: HandleError) -> Self {
        match e {
            HandleError::UnknownChange(_) => {
                Self::not_found(e.to_string(), "list changes with GET /api/v1/changes")
            }
            HandleError::Nowhere(_) => Self::bad_request(
                e.to_string(),
                "say which service was changed, or name an environment when all of it was",
            ),
            HandleError::UnknownNote(..) => Self::not_found(
                e.to_string(),
                "GET /api/v1/changes/{id}/notes lists those there are",
            ),
            HandleError::UnknownFinding(_) => {
                Self::not_found(e.to_string(), "list findings with GET /api/v1/findings")
            }
            HandleError::NotUndone(why) => Self::new(
                StatusCode::CONFLICT,
                "not_undone",
                why,
                "nothing was fired; [[rollback]] in wayfarer.toml says what undoes which service",
            ),
            HandleError::Ending => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "ending",
                e.to_string(),
                "ask again when it is up",
            ),
            HandleError::Store(e) => e.into(),
        }
    }
}

impl From<IntakeFault> for ApiError {
    fn from(fault: IntakeFault) -> Self {
        if fault.unread {
            return Self::unsupported(fault.message, fault.hint);
        }
        Self::bad_request(fault.message, fault.hint)
    }
}
