//! What must hold of every verdict, whatever the history: small counts and fixed seeds, so that a failure is the same everywhere.
#![expect(clippy::unwrap_used, reason = "a test may fail")]

#[path = "properties/hostile.rs"]
mod hostile;
#[path = "properties/invariant.rs"]
mod invariant;
#[path = "properties/more.rs"]
mod more;
