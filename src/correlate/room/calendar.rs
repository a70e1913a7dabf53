//! What follows from the changes alone, whatever their runs show: kept, as every run asks for it.

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use crate::model::{ChangeId, EnvironmentName};

use super::{super::after::Stir, Room, in_order, stirs};

/// The changes of a room in the order they started, and where. It is worked out when it is first asked for, and replaced by a blank
/// one by whatever lets a change come, alter or go: [`Room::admit`] and [`Room::forget`].
#[derive(Debug, Clone, Default)]
pub(super) struct Calendar {
    order: OnceLock<Arc<[ChangeId]>>,
    stirs: BTreeMap<EnvironmentName, Arc<[Stir]>>,
}

impl Room {
    /// The changes in the order they started.
    pub(super) fn order(&self) -> Arc<[ChangeId]> {
        self.calendar.order.get_or_init(|| in_order(&self.watches).into()).clone()
    }

    /// When the changes of an environment began.
    pub(super) fn stirs_in(&mut self, place: &EnvironmentName) -> Arc<[Stir]> {
        if let Some(known) = self.calendar.stirs.get(place) {
            return known.clone();
        }
        let found: Arc<[Stir]> = stirs(&self.watches, place).into();
        self.calendar.stirs.insert(place.clone(), found.clone());
        found
    }
}
