//! Who is suspected in an environment, seen from one change, and when that is worked out.
//!
//! It takes in every series of the environment, so to do it for every run would cost a look the square of their number. It is done
//! when a standing alters that somebody is to be named for, so that what is told first is told with what is known then; and else
//! when as many runs have come as there are series, which is about once a look. In between the last odds stand.

use std::{collections::BTreeMap, sync::Arc};

use crate::model::{ChangeId, EnvironmentName, SeriesKey};

use super::{
    super::{report::Suspects, watch::Track},
    Room, tell,
};

/// The odds of one change, by environment.
#[derive(Debug, Clone, Default)]
pub(super) struct Odds {
    known: BTreeMap<EnvironmentName, Known>,
}

#[derive(Debug, Clone, Default)]
struct Known {
    suspects: Arc<Suspects>,
    /// Runs to come until it is worked out anew.
    wait: usize,
}

impl Odds {
    /// Who was suspected when that was last worked out; nobody before.
    pub(super) fn of(&self, place: &EnvironmentName) -> Arc<Suspects> {
        self.known.get(place).map(|known| known.suspects.clone()).unwrap_or_default()
    }

    /// Counts a run; whether the odds are those of a look ago.
    fn are_old(&mut self, place: &EnvironmentName) -> bool {
        let Some(known) = self.known.get_mut(place) else { return true };
        known.wait = known.wait.saturating_sub(1);
        known.wait == 0
    }
}

impl Room {
    /// Works out who is suspected in an environment, seen from a change.
    pub(super) fn weigh(&mut self, id: &ChangeId, place: &EnvironmentName) {
        let Some(watched) = self.watches.get(id) else { return };
        let wait = watched.tracks.keys().filter(|key| key.environment == *place).count();
        let suspects = Arc::new(self.suspects(watched, place));
        if let Some(watched) = self.watches.get_mut(id) {
            watched.odds.known.insert(place.clone(), Known { suspects, wait });
        }
    }

    /// The series whose verdicts for a change may be news after a run of one of them: that one; and where the odds were worked out
    /// anew, all that somebody is to be named for.
    pub(super) fn touched(&mut self, id: &ChangeId, pushed: &SeriesKey) -> Vec<SeriesKey> {
        let place = &pushed.environment;
        let Some(watched) = self.watches.get_mut(id) else { return Vec::new() };
        let Some(track) = watched.tracks.get(pushed) else { return Vec::new() };
        let altered = tell::alters(track);
        if !watched.odds.are_old(place) && !altered {
            return vec![pushed.clone()];
        }
        self.weigh(id, place);
        let Some(watched) = self.watches.get(id) else { return Vec::new() };
        let named = |key: &SeriesKey, track: &Track| {
            key.environment == *place && (key == pushed || track.ever_troubled())
        };
        let all = watched.tracks.iter().filter(|(key, track)| named(key, track));
        all.map(|(key, _)| key.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odds_last_for_as_many_runs_as_there_are_series() {
        let place: EnvironmentName = "production".into();
        let mut odds = Odds::default();
        assert!(odds.are_old(&place));
        odds.known.insert(place.clone(), Known { wait: 3, ..Known::default() });
        let old: Vec<bool> = (0..4).map(|_| odds.are_old(&place)).collect();
        assert_eq!(old, [false, false, true, true]);
        assert!(odds.are_old(&"staging".into()));
    }
}
