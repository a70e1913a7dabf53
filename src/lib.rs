#![doc = include_str!("ARCHITECTURE.md")]

// Floor 0: the nouns.
pub mod model;

// Floor 1: pure thought; no files, sockets or clock, `now` is an argument.
pub mod alert;
pub mod check;
pub mod correlate;
pub mod import;
pub mod intake;
pub mod render;
pub mod schedule;
pub mod simulate;
pub mod slo;

// Floor 2: text and time.
pub mod clock;
pub mod config;
pub mod delivery;

// Floor 3: one door to the outside each.
pub mod engine;
pub mod export;
pub mod notify;
pub mod source;
pub mod store;

// Floor 4: the wiring.
pub mod daemon;

// Floor 5: the faces.
pub mod demo;
pub mod web;

// Floor 6: the command.
pub mod cli;
