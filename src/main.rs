//! The `wayfarer` command.

fn main() {}
