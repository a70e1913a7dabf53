//! The loopback shop of `wayfarer demo`.
