//! The only place where parts are wired to time: the due-heap and its workers, the one pipeline a run passes through, the
//! open watches and findings, reload and drain.
//!
//! Data flows one way: dispatcher → worker (`engine`) → pipeline (`store`, `export`, live stream, `correlate`, `alert`).
//! Everything that decides is called here and lives below; faces ask through [`Handle`] and write through nothing else.

mod act;
mod agenda;
mod agent;
mod alerts;
mod annotate;
mod books;
mod budget;
mod burning;
mod deliver;
mod delivery;
mod dispatcher;
mod goods;
mod handle;
mod hear;
mod history;
#[cfg(feature = "kubernetes")]
mod kubernetes;
mod live;
mod outlook;
mod overseer;
mod people;
mod pipeline;
mod prune;
mod pulse;
mod relapse;
mod release;
mod review;
mod rollback;
mod said;
mod setup;
mod trouble;
mod watches;
mod writeback;

pub use crate::source::forward::Passed;
pub use agent::{Agent, Parts};
pub use annotate::Noted;
pub use books::{BudgetRow, Budgets, budgets};
pub use budget::{Budget, Observed};
pub use delivery::{DeliveryAsk, DeliveryReport, ObjectiveReport, PipelineReport, delivery};
pub use handle::{
    Handle, HandleError, Judged, LONGEST_WAIT, Logged, is_bare, look_up, touched, unmapped,
};
pub use hear::{HearError, Hearing, Posted, call_in};
pub use live::{Event, Live};
pub use outlook::{Before, Intent, JourneyBefore, before};
pub use release::{Release, release};
pub use review::{Desk, DigestAsk, Good, Week, answered, digest, review};
pub use rollback::{RollbackAnswer, RollbackAsk, roll_back};
pub use setup::{HookSecrets, LoadError, Scheduled, Setup, Token};
