//! The data file: the only SQL, and the only user of `rusqlite`.
//!
//! One SQLite file holds what must outlive the agent: runs, changes, verdicts, findings, open watches and the outbox.
//! [`Store`] is a cheap handle. Writes go through one thread that owns the write connection and takes all waiting jobs
//! as one transaction (group commit); a small pool of threads with read-only connections answers questions, each inside
//! one read transaction. What a write has answered is on disk (`synchronous=FULL`) and survives `kill -9` and a power cut.
//!
//! It must never decide anything: what a verdict is, when a watch ends and who is told is thought out elsewhere. It must
//! never see a secret either: texts are masked before they come here.
//!
//! # What a run costs
//!
//! One row a run, a record clustered by (series, time, id). Names, URLs, texts of assertions, who answered and the
//! deployed versions are interned, so a run of five steps over TLS costs 117 bytes of the file when several series are
//! written in turns, as an agent does; a row for each run, step and phase takes 615 (`tests/bench/README.md`). A URL that
//! is another one each time stands in its run and costs its length. What is not kept of a run: fractions of a
//! microsecond, captures of runs that passed, and what is beyond the caps named in [`kept`]. Evidence has a table,
//! an age and a budget of its own, at most 64 KiB a run; which of it is kept is said in `witness`.
//!
//! # Several processes
//!
//! A command and an agent may have one file open together: SQLite's write-ahead log keeps readers and the one writer
//! apart, and a writer waits [`StoreOptions::busy_timeout`] for the other one. An agent sees what another process
//! recorded with [`Store::changes_since`]. The file must lie on a local disk: the log's shared memory does not work over
//! network file systems (<https://www.sqlite.org/wal.html>), which is not detected unless SQLite itself refuses.
//!
//! Files of removed rows are not given back to the disk; their pages are used again.

mod annotations;
mod bands;
mod changes;
mod claim;
mod deliveries;
mod dictionary;
mod error;
mod evidence;
mod facts;
mod filter;
mod findings;
mod handle;
mod histogram;
mod judged;
mod logins;
mod merge;
mod names;
mod notes;
mod notified;
mod open;
mod outbox;
mod points;
mod prune;
mod reader;
mod record;
mod remembered;
mod reviews;
mod rollbacks;
mod rollup;
mod runs;
mod session;
mod standing;
mod state;
mod stretches;
mod tally;
mod told;
mod told_first;
mod unite;
mod varint;
mod verdicts;
mod witness;
mod writer;

pub use annotations::Annotation;
pub use bands::Band;
pub use changes::{RecordOutcome, Recorded};
pub use claim::{Claim, ClaimError};
pub use deliveries::{KeptDelivery, UnplacedChange};
pub use error::StoreError;
pub use facts::{FactFilter, Facts, FactsMark};
pub use filter::{ChangeFilter, FindingFilter, RunFilter, RunResult};
pub use findings::FindingCount;
pub use handle::Store;
pub use histogram::Histogram;
pub use judged::Judged;
pub use logins::Login;
pub use notified::ToldRecord;
pub use open::StoreOptions;
pub use outbox::{MessageState, NewMessage, OutboxMark, OutboxMessage};
pub use points::Point;
pub use prune::Pruned;
pub use record::kept;
pub use rollbacks::Ordered;
pub use rollup::Rollup;
pub use standing::Standing;
pub use state::Counts;
pub use tally::{Tallied, ToTally};
pub use told::{Telling, Voice};
pub use verdicts::{ClosedChange, Conclusions, OpenChange, VerdictChange, WatchRecord};
