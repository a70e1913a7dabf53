//! What a form of a page sends, and the way back to the page.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::model::plain_words;

/// The fields of a form, as a browser sends them.
pub(in crate::web) struct Form(Vec<(String, String)>);

impl Form {
    /// Of a body of the type `application/x-www-form-urlencoded`.
    pub(in crate::web) fn read(body: &[u8]) -> Self {
        Self(url::form_urlencoded::parse(body).into_owned().collect())
    }

    /// A field as it was sent; the first one of its name.
    pub(in crate::web) fn field(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Whether a box is ticked.
    pub(super) fn has(&self, name: &str) -> bool {
        self.field(name).is_some()
    }

    /// What a person wrote, of at most so many characters; none where that is nothing.
    pub(super) fn words(&self, name: &str, most: usize) -> Option<String> {
        self.field(name).and_then(|text| plain_words(text, most))
    }
}

/// Leads to a page, relative to where the form was sent to: it holds below any path that a proxy takes away.
pub(in crate::web) fn back(to: &str) -> Response {
    let to = HeaderValue::try_from(to).unwrap_or(HeaderValue::from_static("./"));
    (StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response()
}
