//! Walks browser steps: the only user of fantoccini.
//!
//! The browser is the unreliable part. It runs in a folder and a process group of its own below a guard that ends them whatever becomes of us;
//! all of it belongs to one run. What the page does wrong is the target's, what driver and machine do wrong is ours.

mod act;
mod authority;
mod capabilities;
mod clock;
mod console;
mod cookies;
mod driver;
mod evidence;
mod extension;
mod folder;
mod guard;
mod host;
mod keys;
mod locate;
mod pages;
mod pause;
mod place;
mod query;
mod seen;
mod session;
mod start;
mod step;
mod tab;
mod timing;
mod traffic;
mod vitals;
mod wait;
mod watch;
mod windows;

pub use guard::GuardedDriver;
pub(super) use pages::Pages;
pub use pause::Paused;
pub(super) use place::Browsers;
pub use place::Watched;
pub(super) use session::Browser;
pub(super) use step::Visit;

use super::{
    flow::Walker,
    judge::{End, WalkedStep},
    limits::Deadline,
};
use crate::model::{BrowserStep, Step, StepOutcome};

impl Walker<'_> {
    /// Walks a browser step once: its actions, then captures and assertions.
    pub(super) async fn browse(
        &mut self,
        step: &Step,
        browser: &BrowserStep,
        deadline: &Deadline,
    ) -> WalkedStep {
        let Some(visit) = &mut self.visit else {
            let reason = "the run has no browser: a bug of ours".to_owned();
            let run = self.bare(step, StepOutcome::Broken);
            return WalkedStep {
                run,
                end: Some(End::Broken(reason, step.name.clone())),
                until: None,
            };
        };
        let walk = step::Walk { session: &mut self.session, vars: &mut self.vars, visit };
        step::walk_step(walk, step, browser, deadline).await
    }
}
