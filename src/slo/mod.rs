//! Error budgets: how much of what may fail has failed. Pure: what was counted and what was due come as arguments.

mod budget;

pub use budget::{Counted, ErrorBudget, error_budget};
