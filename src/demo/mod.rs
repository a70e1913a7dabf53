//! A small shop on loopback for `wayfarer demo`: four services with cookies, CSRF and JSON, latencies that look like real
//! ones, and knobs that a deploy or a setting would turn. Nothing here knows of Wayfarer's own parts.

mod latency;
mod pages;
mod shop;

pub use latency::Latency;
pub use shop::{Shop, ShopError};

/// Settings of the demo; addresses are put in by the command.
pub const SETTINGS: &str = include_str!("wayfarer.toml");

/// The demo's journeys: file name and text.
pub const JOURNEYS: &[(&str, &str)] = &[
    ("browse.toml", include_str!("journeys/browse.toml")),
    ("checkout.toml", include_str!("journeys/checkout.toml")),
    ("sign-in.toml", include_str!("journeys/sign-in.toml")),
];
