//! `GET /assets/…`: the style sheet, our script and uPlot, all of them part of this program: nothing is asked of anywhere else.

use std::sync::OnceLock;

use axum::{
    extract::{OriginalUri, Path},
    http::header,
    response::{IntoResponse, Response},
};
use sha2::{Digest, Sha256};

use crate::{render::page::STYLE, web::ApiError};

const SCRIPT: &str = include_str!("../assets/wayfarer.js");
const CHARTS: &str = include_str!("../assets/charts.js");
/// uPlot 1.6.32, <https://github.com/leeoniya/uPlot>, Copyright (c) 2022 Leon Sorokin, MIT licence.
const UPLOT: &str = include_str!("../assets/uplot.min.js");
const ICON: &str = include_str!("../assets/icon.svg");

const ASSETS: &[(&str, &str, &str)] = &[
    ("style.css", "text/css; charset=utf-8", STYLE),
    ("wayfarer.js", "text/javascript; charset=utf-8", SCRIPT),
    ("charts.js", "text/javascript; charset=utf-8", CHARTS),
    ("uplot.min.js", "text/javascript; charset=utf-8", UPLOT),
    ("icon.svg", "image/svg+xml", ICON),
];

/// The beginning of the hash of all assets: it stands in their addresses, so that a browser may keep them for ever.
pub(super) fn stamp() -> &'static str {
    static STAMP: OnceLock<String> = OnceLock::new();
    STAMP.get_or_init(|| {
        let mut hash = Sha256::new();
        ASSETS.iter().for_each(|(_, _, text)| hash.update(text));
        hash.finalize().iter().take(6).map(|b| format!("{b:02x}")).collect()
    })
}

/// One of them.
pub(in crate::web) async fn asset(
    Path(name): Path<String>,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, ApiError> {
    let Some((_, kind, text)) = ASSETS.iter().find(|(known, ..)| *known == name) else {
        return Err(ApiError::not_found(format!("there is no asset `{name}`"), "reload the page"));
    };
    let stamped = uri.query() == Some(&format!("v={}", stamp()));
    let keep = if stamped { "public, max-age=31536000, immutable" } else { "public, max-age=300" };
    Ok(([(header::CONTENT_TYPE, *kind), (header::CACHE_CONTROL, keep)], *text).into_response())
}
