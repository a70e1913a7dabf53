//! Walks journeys: the only user of reqwest for targets.
//!
//! [`Engine::walk`] takes a [`Ticket`] and gives a finished [`Run`](crate::model::Run). It never fails and never panics: what a target does
//! wrong is a failed run, what we cannot do is a broken one. Every text in a run is masked before it leaves this module.
//!
//! An engine must not know that a store, an exporter or a verdict exists. Nothing of a run outlives it: connections, TLS sessions and
//! cookies are the run's own, so each run pays for name look-up, TCP and TLS as a new visitor does.

mod attempts;
mod fault;
mod flow;
mod http;
mod limits;
mod settings;
mod shared;
mod ticket;
mod vars;
mod walk;

pub use http::Trace;
pub use settings::{Engine, EngineError, EngineSettings, PemRoots};
pub use ticket::Ticket;
