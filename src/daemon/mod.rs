//! The only place where parts are wired to time: the due-heap and its workers, the one pipeline a run passes through, the
//! open watches and findings, reload and drain.
//!
//! Data flows one way: dispatcher → worker (`engine`) → pipeline (`store`, `export`, live stream, `correlate`, `alert`).
//! Everything that decides is called here and lives below; faces ask through [`Handle`] and write through nothing else.

mod agenda;
mod agent;
mod budget;
mod deliver;
mod dispatcher;
mod goods;
mod handle;
mod history;
mod live;
mod outlook;
mod pipeline;
mod prune;
mod pulse;
mod setup;
mod trouble;
mod watches;

pub use agent::{Agent, Parts};
pub use budget::{Budget, Observed};
pub use handle::{
    Handle, HandleError, Judged, LONGEST_WAIT, Logged, is_bare, look_up, touched, unmapped,
};
pub use live::{Event, Live};
pub use outlook::{Before, Intent, JourneyBefore, before};
pub use setup::{LoadError, Scheduled, Setup, Token};
