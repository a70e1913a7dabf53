//! A run that has failed and waits for somebody who looks on.

use tokio::sync::oneshot;

use super::Visit;
use crate::engine::{flow::Walker, judge::End};

/// A run that has failed and holds its browser open.
#[derive(Debug)]
pub struct Paused {
    /// The step.
    pub step: String,
    /// Why, masked.
    pub message: String,
    /// Where the browser's tools can be reached, `127.0.0.1:PORT`; none where the driver does not say.
    pub tools: Option<String>,
    /// Used or dropped when the run may go on.
    pub go_on: oneshot::Sender<()>,
}

impl Walker<'_> {
    /// Waits at the first failure until whoever looks on has seen enough; not at all where nobody does.
    pub(in crate::engine) async fn pause(&mut self, end: &End) {
        let (Some(teller), Some(visit)) = (&self.parts.browsers.watched.pause, &mut self.visit)
        else {
            return;
        };
        let (step, message) = match end {
            End::Failed(failure, _) => (&failure.step, &failure.message),
            End::Broken(reason, step) => (step, reason),
        };
        if !visit.is_to_pause() {
            return;
        }
        let (go_on, gone_on) = oneshot::channel();
        let (step, tools) = (step.to_string(), visit.tools());
        let message = self.vars.mask().apply(message);
        if teller.send(Paused { step, message, tools, go_on }).await.is_ok() {
            drop(gone_on.await);
        }
    }
}

impl Visit {
    /// Whether it was not paused before: the first failure is the one to look at.
    fn is_to_pause(&mut self) -> bool {
        !std::mem::replace(&mut self.paused, true)
    }

    fn tools(&self) -> Option<String> {
        self.browser.tools()
    }
}
