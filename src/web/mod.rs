//! The HTTP face: the API, the metrics, and a page to look at. Reads the store and the metrics through the agent's
//! [`Handle`](crate::daemon::Handle), and writes only through it.
//!
//! What leaves as JSON is shaped in [`views`]; model types never leave as they are. Every error is JSON with a code, a
//! message and a hint.

mod api;
mod auth;
mod error;
mod figures;
pub mod gate;
mod inflate;
mod pages;
mod router;
mod serve;
pub mod views;

pub use api::review::span_of;
pub use auth::Access;
pub use error::ApiError;
pub use router::router;
pub use serve::{ServeError, Server};
