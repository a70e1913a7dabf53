//! HTTP steps: one client, one cookie jar and one set of connections a run; every hop timed in five phases.
//!
//! reqwest has no timings of its own; its public hooks give them. `dns_resolver` marks the look-up, a `connector_layer` the whole connect,
//! and the TLS session store is asked for a key-exchange hint as the `ClientHello` is built, which is where TCP ends and TLS begins. Marks
//! belong to a connect *attempt* (a task-local around the connector): hyper may race a new connect against a connection that is just
//! coming back, and the loser's marks must not fall into the next hop. Which connection served is told by its socket addresses.

mod auth;
mod body;
mod certificate;
mod decode;
mod error;
mod evidence;
mod guard;
mod hop;
mod jar;
mod marks;
mod measure;
mod redirect;
mod request;
mod resolve;
mod server_timing;
mod session;
mod step;
pub(super) mod tls;
mod trace_context;
mod trail;

pub(super) use auth::Tokens;
pub(super) use body::media_type;
pub(super) use evidence::hide;
pub(super) use jar::{Crumb, Jar};
pub(super) use marks::whole_micros;
pub(super) use measure::{measure, unmet};
pub(super) use server_timing::read as server_times;
pub(super) use session::Session;
pub(super) use step::walk_step;
pub use trail::Trace;
pub(super) use trail::Trail;
