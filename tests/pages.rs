//! The dashboard as its readers get it: over HTTP from the real binary, and in a real browser. What needs a browser is skipped, with a word, where
//! there is no chromedriver.
#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

#[path = "pages/access.rs"]
mod access;
#[path = "pages/browser.rs"]
mod browser;
#[path = "pages/http.rs"]
mod http;
#[path = "pages/looks.rs"]
mod looks;
#[path = "pages/openapi.rs"]
mod openapi;
#[path = "pages/stage.rs"]
mod stage;
