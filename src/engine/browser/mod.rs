//! Walks browser steps: the only user of fantoccini.
//!
//! The browser is the unreliable part. It runs in a folder and a process group of its own below a guard that ends them whatever becomes of us;
//! all of it belongs to one run. What the page does wrong is the target's, what driver and machine do wrong is ours.

mod authority;
mod capabilities;
mod driver;
mod extension;
mod folder;
mod guard;
mod host;
mod place;
mod session;
mod start;
mod watch;

pub use guard::GuardedDriver;
pub(super) use place::Browsers;
pub use place::{Paused, Watched};
pub(super) use session::Browser;

use super::{flow::Walker, http::End, limits::Limits};
use crate::model::{BrowserStep, Step};

impl Walker<'_> {
    /// Walks a browser step: its actions, then captures and assertions.
    pub(super) async fn browse(
        &mut self,
        step: &Step,
        _browser: &BrowserStep,
        _limits: &Limits,
    ) -> Option<End> {
        Some(End::Broken("browser steps are not walked yet".to_owned(), step.name.clone()))
    }
}
