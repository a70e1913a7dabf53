//! What stands around every page.

use std::sync::Arc;

use axum::{
    http::Uri,
    response::{Html, IntoResponse, Response},
};
use serde::Serialize;

use super::assets;
use crate::web::{
    ApiError,
    auth::{Caller, present},
    router::Face,
};

/// The frame of a page.
#[derive(Debug, Serialize)]
pub(in crate::web) struct Shell {
    /// Of the browser's tab.
    title: String,
    /// The way to the first page from here: `./`, `../`.
    root: String,
    /// Where the agent stands, and its version.
    agent: String,
    /// Which part of the dashboard this is.
    here: &'static str,
    /// Whether the page follows what happens.
    live: bool,
    /// Changes whenever an asset does.
    stamp: &'static str,
    /// Who is logged in; empty where nobody is.
    who: String,
    /// Whether somebody could log in.
    login: bool,
    /// What the forms of whoever sees it carry.
    csrf: String,
}

impl Shell {
    /// The frame of a page at this address.
    pub(in crate::web) fn new(face: &Face, uri: &Uri, here: &'static str, title: &str) -> Self {
        Self {
            title: format!("{title} · Wayfarer"),
            root: root(uri.path()),
            agent: format!(
                "{} · {}",
                face.handle.setup().settings.agent.location,
                env!("CARGO_PKG_VERSION")
            ),
            here,
            live: false,
            stamp: assets::stamp(),
            who: String::new(),
            login: !face.handle.setup().tokens.is_empty() && here != "login",
            csrf: String::new(),
        }
        .seen_by(Some(&present()))
    }

    /// The same for somebody.
    pub(super) fn seen_by(mut self, caller: Option<&Caller>) -> Self {
        if let Some(caller) = caller {
            self.who = caller.name.clone().unwrap_or_default();
            self.csrf = caller.csrf.masked();
        }
        self
    }

    /// The same of a page that follows what happens.
    pub(super) fn live(mut self) -> Self {
        self.live = true;
        self
    }
}

/// The way from a path up to the root, relative: it holds below any path that a proxy takes away.
pub(in crate::web) fn root(path: &str) -> String {
    match path.matches('/').count() {
        0 | 1 => "./".to_owned(),
        n => "../".repeat(n - 1),
    }
}

/// A filled page. It is filled beside the threads that walk journeys: a large page takes milliseconds.
pub(in crate::web) async fn page<T>(
    face: &Face,
    name: &'static str,
    data: T,
) -> Result<Response, ApiError>
where
    T: Serialize + Send + 'static,
{
    let failed = |reason: String| {
        tracing::error!(page = name, reason, "page.failed");
        ApiError::internal("this page could not be made")
    };
    let pages = Arc::clone(&face.pages);
    let filling = tokio::task::spawn_blocking(move || pages.fill(name, &data));
    let html = filling.await.map_err(|e| failed(e.to_string()))?;
    Ok(Html(html.map_err(|e| failed(e.to_string()))?).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_to_the_root_is_relative() {
        for (path, way) in
            [("/", "./"), ("/changes", "./"), ("/changes/7", "../"), ("/a/b/c", "../../")]
        {
            assert_eq!(root(path), way, "{path}");
        }
    }
}
