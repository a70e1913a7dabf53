//! The open findings of error budgets, as the pipeline keeps them: what the bookkeeper measures becomes decisions here.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;

use super::history::series_of;
use crate::{
    alert::{self, Burning, Decision, Reason},
    model::{Finding, FindingKind, FindingState, SeriesKey},
    store::{FindingFilter, Store, StoreError},
};

/// What was dismissed longer ago burns no more, or anew.
const DISMISSED: Duration = Duration::from_secs(3 * 86_400);
/// Most dismissed findings that are looked through.
const RECALLED: usize = 1000;

type Key = (SeriesKey, FindingKind);

/// Open findings of error budgets.
#[derive(Default)]
pub(super) struct Burns {
    open: BTreeMap<Key, Finding>,
    /// What a person said is nothing and has not ended yet.
    silenced: BTreeMap<Key, Finding>,
}

impl Burns {
    /// Takes up what was open when the agent stopped.
    ///
    /// # Errors
    /// The store could not be read.
    pub(super) async fn resume(&mut self, store: &Store, now: Timestamp) -> Result<(), StoreError> {
        for kind in [FindingKind::BudgetFast, FindingKind::BudgetSlow] {
            let of = |state| FindingFilter {
                state: Some(state),
                kind: Some(kind),
                limit: RECALLED,
                ..FindingFilter::default()
            };
            let open = store.findings(of(FindingState::Open)).await?;
            self.open.extend(open.into_iter().map(|finding| (key(&finding), finding)));
            let dismissed = store.findings(of(FindingState::Dismissed)).await?;
            let lately =
                |f: &Finding| f.updated_at.checked_add(DISMISSED).is_ok_and(|until| until > now);
            let dismissed = dismissed.into_iter().filter(lately);
            self.silenced.extend(dismissed.map(|finding| (key(&finding), finding)));
        }
        Ok(())
    }

    /// What all budgets together mean for findings. Those of objectives that are gone end.
    pub(super) fn decide(&mut self, all: &[Burning], now: Timestamp) -> Vec<Decision> {
        let mut decisions = Vec::new();
        for burning in all {
            let key = (burning.series.clone(), burning.kind);
            if burning.over {
                self.silenced.remove(&key);
            }
            let faster = (burning.series.clone(), FindingKind::BudgetFast);
            // Who was told of the faster one knows, and so does whoever said that it is nothing.
            let told = burning.kind == FindingKind::BudgetSlow
                && (self.open.contains_key(&faster) || self.silenced.contains_key(&faster));
            let slower = (burning.series.clone(), FindingKind::BudgetSlow);
            if burning.kind == FindingKind::BudgetFast
                && burning.fires
                && !self.open.contains_key(&key)
                && !self.silenced.contains_key(&key)
                && let Some(slow) = self.open.remove(&slower)
            {
                let decision = alert::burns_faster(&slow, burning, now);
                self.take(&decision);
                decisions.push(decision);
                continue;
            }
            let open = self.open.get(&key);
            if open.is_none() && (told || self.silenced.contains_key(&key)) {
                continue;
            }
            if let Some(decision) = alert::burning(open, burning, now) {
                self.take(&decision);
                decisions.push(decision);
            }
        }
        let there = |key: &Key| all.iter().any(|b| b.series == key.0 && b.kind == key.1);
        let gone: Vec<Finding> =
            self.open.iter().filter(|(key, _)| !there(key)).map(|(_, f)| f.clone()).collect();
        for finding in gone {
            let summary = "the journey has no such objective any more";
            let decision = alert::recovered(&finding, summary, now);
            self.take(&decision);
            decisions.push(decision);
        }
        decisions
    }

    fn take(&mut self, decision: &Decision) {
        let finding = &decision.finding;
        match decision.reason {
            Reason::Opened | Reason::Updated | Reason::Worsened | Reason::Acknowledged => {
                self.open.insert(key(finding), finding.clone());
            }
            Reason::Recovered | Reason::Explained | Reason::Dismissed => {
                self.open.remove(&key(finding));
            }
        }
    }

    /// A person said that a finding is nothing: until it ends it is not opened again.
    pub(super) fn let_go(&mut self, finding: &Finding) {
        if finding.kind.is_budget() && self.open.remove(&key(finding)).is_some() {
            self.silenced.insert(key(finding), finding.clone());
        }
    }

    /// A person has taken a finding on.
    pub(super) fn acknowledge(&mut self, finding: &Finding) {
        if let Some(open) = self.open.get_mut(&key(finding)).filter(|open| open.id == finding.id) {
            open.clone_from(finding);
        }
    }

    /// The open ones.
    pub(super) fn open(&self) -> impl Iterator<Item = Finding> {
        self.open.values().cloned()
    }
}

fn key(finding: &Finding) -> Key {
    (series_of(finding), finding.kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Dismissal, DismissalReason};

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + minute * 60).unwrap()
    }

    fn of(kind: FindingKind, fires: bool, over: bool) -> Burning {
        let (journey, environment, location) = ("a".into(), "e".into(), "l".into());
        let series = SeriesKey { journey, environment, location };
        Burning { series, kind, fires, over, began_at: None, summary: "burns".to_owned() }
    }

    fn reasons(decisions: &[Decision]) -> Vec<(FindingKind, Reason)> {
        decisions.iter().map(|d| (d.finding.kind, d.reason)).collect()
    }

    #[test]
    fn one_series_has_one_page_and_no_ticket_beside_it() {
        use FindingKind::{BudgetFast, BudgetSlow};
        let mut burns = Burns::default();
        let both = [of(BudgetFast, true, false), of(BudgetSlow, true, false)];
        assert_eq!(reasons(&burns.decide(&both, at(0))), [(BudgetFast, Reason::Opened)]);
        assert_eq!(burns.decide(&both, at(1)), []);
        let slow = [of(BudgetFast, false, true), of(BudgetSlow, true, false)];
        assert_eq!(
            reasons(&burns.decide(&slow, at(2))),
            [(BudgetFast, Reason::Recovered), (BudgetSlow, Reason::Opened)]
        );
        let leak = burns.open().next().unwrap();
        let faster = burns.decide(&both, at(3));
        assert_eq!(reasons(&faster), [(BudgetFast, Reason::Worsened)]);
        assert_eq!(faster[0].finding.id, leak.id);
        assert_eq!(reasons(&burns.decide(&[], at(4))), [(BudgetFast, Reason::Recovered)]);
        assert_eq!(burns.open().count(), 0);
    }

    #[test]
    fn what_is_dismissed_stays_so_until_it_has_ended() {
        let mut burns = Burns::default();
        let burns_now = [of(FindingKind::BudgetFast, true, false)];
        let opened = burns.decide(&burns_now, at(0)).remove(0).finding;
        let why = Dismissal { reason: DismissalReason::Accepted, note: None, by: None };
        burns.let_go(&alert::dismissed(&opened, why, at(1)).finding);
        assert_eq!(burns.decide(&burns_now, at(2)), []);
        assert_eq!(burns.decide(&[of(FindingKind::BudgetFast, false, true)], at(90)), []);
        assert_eq!(burns.decide(&burns_now, at(99)).len(), 1);
    }
}
