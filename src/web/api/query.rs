//! What queries of several resources share: spans of time and limits, read strictly.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::web::ApiError;

/// Rows where nobody says how many.
pub(crate) const USUAL: usize = 100;
/// Most rows of one answer.
pub(crate) const MOST: usize = 1000;

/// `30s`, `5m`: how long to wait.
pub(crate) fn duration(name: &str, text: Option<&str>) -> Result<Duration, ApiError> {
    let Some(text) = text else { return Ok(Duration::ZERO) };
    text.parse::<SignedDuration>().ok().and_then(|d| Duration::try_from(d).ok()).ok_or_else(|| {
        ApiError::bad_request(format!("`{name}` is not a duration: {text}"), "write 30s or 5m")
    })
}

/// A time, RFC 3339.
pub(crate) fn time(name: &str, text: Option<&str>) -> Result<Option<Timestamp>, ApiError> {
    text.map(|text| {
        text.parse().map_err(|_| {
            ApiError::bad_request(
                format!("`{name}` is not a time: {text}"),
                "RFC 3339 such as 2026-11-20T14:03:00Z (a + in a query is written %2B)",
            )
        })
    })
    .transpose()
}

/// How many rows.
pub(crate) fn limit(limit: Option<usize>) -> Result<usize, ApiError> {
    match limit {
        None => Ok(USUAL),
        Some(limit) if (1..=MOST).contains(&limit) => Ok(limit),
        Some(limit) => Err(ApiError::bad_request(
            format!("`limit` is {limit}"),
            format!("ask for 1 to {MOST} rows, and page on with `until`"),
        )),
    }
}
