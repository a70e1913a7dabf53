//! A review as one file that needs nothing else: no script, no request, no file beside it. What senders and targets gave is text in it.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::{Digest, Review, page};
use crate::render::page::{PageError, Pages, STYLE};

/// A page that stands alone, and what a server says with it.
#[derive(Debug, Clone)]
pub struct FilePage {
    /// The page.
    pub html: String,
    /// `Content-Security-Policy`.
    pub policy: String,
}

/// What stands around it.
#[derive(Debug, Serialize)]
struct Data<T> {
    shell: Root,
    title: String,
    style: &'static str,
    policy: String,
    made: page::Made,
    page: T,
}

/// Where links lead: to the agent, or nowhere.
#[derive(Debug, Serialize)]
struct Root {
    root: String,
}

/// What such a page may do, wherever it is opened: show its own pictures in its own style.
fn policy() -> String {
    let hash = BASE64_STANDARD.encode(Sha256::digest(STYLE));
    format!(
        "default-src 'none'; img-src data:; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'"
    )
}

/// The review of a change as a file.
///
/// # Errors
/// The template asks for what the page does not have: our own bug.
pub fn review_file(pages: &Pages, review: &Review) -> Result<FilePage, PageError> {
    let root = review.page.as_deref().and_then(|page| page.rsplit_once("/changes/"));
    let root = root.map(|(base, _)| format!("{base}/")).filter(|base| page::is_web(base));
    let view = page::review(review, root.is_some(), page::Rows::ALL);
    fill(pages, "report", (root, format!("{}: {}", review.word(), review.title())), view)
}

/// A summary as a file.
///
/// # Errors
/// As [`review_file`].
pub fn digest_file(pages: &Pages, digest: &Digest) -> Result<FilePage, PageError> {
    let root = digest.base.as_ref().map(|base| format!("{base}/"));
    let root = root.filter(|base| page::is_web(base));
    let view = page::digest(digest, root.is_some());
    fill(pages, "report_digest", (root, digest.title()), view)
}

fn fill<T: Serialize>(
    pages: &Pages,
    name: &str,
    (root, title): (Option<String>, String),
    view: page::With<T>,
) -> Result<FilePage, PageError> {
    let policy = policy();
    let data = Data {
        shell: Root { root: root.unwrap_or_default() },
        title,
        style: STYLE,
        policy: policy.clone(),
        made: view.made,
        page: view.view,
    };
    let html = pages.fill(name, &data)?;
    Ok(FilePage { html, policy: format!("{policy}; frame-ancestors 'none'") })
}
