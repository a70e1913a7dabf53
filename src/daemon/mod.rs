//! The only place where parts are wired to time.
