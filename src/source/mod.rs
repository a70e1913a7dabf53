//! Files, secrets, recorded histories and a running agent, as sources of what is configured or asked.

pub mod agent;
pub mod attached;
pub mod files;
pub mod forward;
pub mod histories;
pub mod host;
#[cfg(feature = "kubernetes")]
pub mod kubernetes;
pub mod secrets;
pub mod watch;
