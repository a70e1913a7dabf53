//! The watcher of Kubernetes, as a user has it: the real binary, its settings, and an API server that replays what such servers send: lists in
//! pages, watches line by line, bookmarks, errors inside a stream, refusals, and being away. Only with the feature `kubernetes`.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test that cannot be set up has failed, and waits by the real clock"
)]

#[path = "kubernetes/agent.rs"]
mod agent;
#[path = "kubernetes/server.rs"]
mod server;
#[path = "kubernetes/stories.rs"]
mod stories;
