//! The HTTP engine against real servers on loopback: what they do wrong is told, timed and never ours; what we cannot do is ours.
#![expect(clippy::unwrap_used, reason = "what a test builds must be there")]

#[path = "http_engine/auth.rs"]
mod auth;
#[path = "http_engine/authority.rs"]
mod authority;
#[path = "http_engine/content.rs"]
mod content;
#[path = "http_engine/evidence.rs"]
mod evidence;
#[path = "http_engine/flow.rs"]
mod flow;
#[path = "http_engine/guard.rs"]
mod guard;
#[path = "http_engine/hostile.rs"]
mod hostile;
#[path = "http_engine/journey.rs"]
mod journey;
#[path = "http_engine/measure.rs"]
mod measure;
#[path = "http_engine/queries.rs"]
mod queries;
#[path = "http_engine/requests.rs"]
mod requests;
#[path = "http_engine/route.rs"]
mod route;
#[path = "http_engine/secrecy.rs"]
mod secrecy;
#[path = "http_engine/served.rs"]
mod served;
#[path = "http_engine/shared.rs"]
mod shared;
#[path = "http_engine/site.rs"]
mod site;
#[path = "http_engine/trace.rs"]
mod trace;
#[path = "http_engine/transport.rs"]
mod transport;
