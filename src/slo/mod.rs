//! Error budgets: how much of what may fail has failed, how fast more of it goes, when nothing is left, and what spent it. Pure: what was counted
//! and what was due come as arguments.
//!
//! A [`Ledger`] holds what came of the schedule's times in the objective's window; [`measure`] reads all figures out of it, [`signals`] says
//! whether people are to be told.

mod budget;
mod burn;
mod ledger;
pub mod openslo;
mod promise;
pub mod rules;
mod signal;
mod spent;
mod windows;

pub use budget::{Counted, ErrorBudget, error_budget};
pub use burn::{Burn, Standing, measure};
pub use ledger::{Ledger, Slice};
pub use promise::Promise;
pub use signal::{LEAST_BAD, Signal, signals};
pub use spent::{Cause, Spending, Spent, Trouble, spent_by};
pub use windows::{Pair, Urgency, lengths, name_of, pairs};
