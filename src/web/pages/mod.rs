//! The pages, filled from the store: one file a page, each with what stands on it and where that comes from. How a page looks is in
//! `render/page`, a template of the same name.
//!
//! Every link is relative to its page, so that the dashboard works below any path that a proxy gives it. No page needs a script.

pub(super) mod assets;
pub(super) mod budgets;
pub(super) mod change;
pub(super) mod changes;
pub(super) mod compare;
pub(super) mod delivery;
mod filter;
pub(super) mod form;
mod journey;
pub(super) mod live;
mod measures;
pub(super) mod note;
mod overview;
pub(super) mod problem;
pub(super) mod reports;
pub(super) mod rollback;
mod run;
mod services;
pub(super) mod shell;
mod steps;
mod waterfall;
pub(super) mod words;

pub(super) use journey::journey;
pub(super) use overview::overview;
pub(super) use run::{evidence, picture, run};
