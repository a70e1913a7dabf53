//! What an engine is asked to do.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;

use crate::model::{Deployed, Environment, Journey, LocationName, Trigger};

/// One walk to be made.
#[derive(Debug, Clone)]
pub struct Ticket {
    /// What to walk.
    pub journey: Arc<Journey>,
    /// Where, with its secrets resolved.
    pub environment: Arc<Environment>,
    /// From where: a label.
    pub location: LocationName,
    /// When it should have begun: what [`late_by`](crate::model::Run::late_by) counts from.
    pub due: Timestamp,
    /// Why now.
    pub trigger: Trigger,
    /// What is deployed, as far as is known.
    pub deployed: Vec<Deployed>,
    /// Variables that override all others (`--var`).
    pub vars: BTreeMap<String, String>,
}
