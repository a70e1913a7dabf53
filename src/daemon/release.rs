//! A release: the changes that say the same `release`, and what they did together.

use std::collections::BTreeMap;

use super::handle::{Judged, look_up};
use crate::{
    correlate,
    model::{ChangeId, Gate},
    store::{Store, StoreError},
};

/// A release as it stands.
#[derive(Debug, Clone)]
pub struct Release {
    /// Its id.
    pub id: String,
    /// Its changes, oldest start first.
    pub changes: Vec<Judged>,
    /// May it go on? Its worst verdict speaks.
    pub gate: Gate,
    /// The share of each change in the harm; empty while nothing is harmed.
    pub shares: BTreeMap<ChangeId, f64>,
}

/// A release with everything the store knows of it; none where no change belongs to it.
///
/// # Errors
/// The store failed.
pub async fn release(store: &Store, id: &str) -> Result<Option<Release>, StoreError> {
    let mut changes = Vec::new();
    for change in store.changes_of_release(id).await? {
        changes.extend(look_up(store, &change.id).await?);
    }
    if changes.is_empty() {
        return Ok(None);
    }
    let verdicts: Vec<_> = changes.iter().flat_map(|judged| judged.verdicts.clone()).collect();
    let dismissed: Vec<_> = changes.iter().flat_map(|judged| judged.dismissed.clone()).collect();
    let open = changes.iter().any(|judged| judged.open);
    let gate = correlate::gate(&verdicts, &dismissed, open);
    let ids: Vec<ChangeId> = changes.iter().map(|judged| judged.change.id.clone()).collect();
    let standing: Vec<_> =
        correlate::standing(&verdicts, &dismissed).into_iter().cloned().collect();
    let shares = correlate::shares(&standing, &ids);
    Ok(Some(Release { id: id.to_owned(), changes, gate, shares }))
}
