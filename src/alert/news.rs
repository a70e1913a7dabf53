//! Whether there is news of a change itself, for charts and logs of changes.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::policy::{Knowledge, change_concerns};
use crate::model::{Change, Conclusion, Policy};

/// A change that is older than this when it is first heard of is history, not news.
const OLD: Duration = Duration::from_secs(86_400);

/// What one receiver was told last of one change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToldNews {
    /// How it stood: its state, its end, its verdict as far as that says anything.
    pub stage: String,
    /// How many messages were made.
    pub count: u32,
}

/// What is to be told of a change now; none while there is nothing new. A verdict is news when it is harm, or the last word.
pub fn news(
    change: &Change,
    verdict: Option<Conclusion>,
    open: bool,
    told: Option<&ToldNews>,
    policy: &Policy,
    knowledge: &Knowledge,
    now: Timestamp,
) -> Option<ToldNews> {
    let old = change.settled_at().checked_add(OLD).is_ok_and(|until| until < now);
    if told.is_none() && (old || change.started_at > now) {
        return None;
    }
    if !change_concerns(policy, knowledge, change) {
        return None;
    }
    let harm =
        |verdict: &Conclusion| matches!(verdict, Conclusion::Regressed | Conclusion::Suspected);
    let word = verdict.filter(|verdict| !open || harm(verdict)).map_or("", Conclusion::as_str);
    let end = change.finished_at.map(|at| at.to_string()).unwrap_or_default();
    let stage = format!("{:?} {end} {word}", change.state);
    if told.is_some_and(|told| told.stage == stage) {
        return None;
    }
    let count = told.map_or(0, |told| told.count).saturating_add(1);
    Some(ToldNews { stage, count })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        alert::tell::tests::policy,
        model::{ChangeId, ChangeKind, ChangeState},
    };

    #[test]
    fn a_change_is_told_at_its_start_its_end_and_its_verdict() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut change = Change::new(ChangeId::from("c"), ChangeKind::Deploy, at(0));
        change.state = ChangeState::Started;
        change.finished_at = None;
        let (policy, knowledge) = (policy(), Knowledge::default());
        let mut told: Option<ToldNews> = None;
        let mut look = |change: &Change, verdict, open, now| {
            let new = news(change, verdict, open, told.as_ref(), &policy, &knowledge, at(now));
            told = new.clone().or_else(|| told.clone());
            new.is_some()
        };
        assert!(look(&change, None, true, 1));
        assert!(!look(&change, Some(Conclusion::Watching), true, 2));
        change.state = ChangeState::Finished;
        change.finished_at = Some(at(3));
        assert!(look(&change, Some(Conclusion::Watching), true, 3));
        assert!(look(&change, Some(Conclusion::Regressed), true, 4));
        assert!(!look(&change, Some(Conclusion::Regressed), false, 5));
        assert!(look(&change, Some(Conclusion::Transient), false, 6));
        let old = Change::new(ChangeId::from("o"), ChangeKind::Deploy, at(0));
        assert_eq!(news(&old, None, false, None, &policy, &knowledge, at(90_000)), None);
    }
}
