//! What people are told, and when; pure.
//!
//! [`decide()`] makes findings of verdicts. An [`Incident`] gathers the findings of one change, or those of an environment that no change
//! explains; [`tell()`] compares how it stands with what one receiver was told last ([`Told`]) and says whether there is anything new. It looks
//! at states, not at events: asked twice it answers once, a restart repeats nothing, and what happened in quiet hours is told as it stands
//! after them.

mod burning;
mod compose;
mod decide;
mod incident;
mod news;
mod policy;
mod rollback;
mod tell;

pub use burning::{Burning, burning, burns_faster};
pub use compose::{Shown, change_in_words, compose};
pub use decide::{
    Decision, Reason, acknowledged, decide, dismissed, explained, of_pipeline, recovered, renewed,
    unexplained,
};
pub use incident::{ChangeTrouble, Incident, Incidents, change_trouble};
pub use news::{ToldNews, news};
pub use policy::{JourneyFacts, Knowledge};
pub use rollback::{Circumstances, SURE, Sure, sure};
pub use tell::{Telling, Told, tell};
