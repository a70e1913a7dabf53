//! One change out of all that was told about it, in whatever order and however often it was told.
//!
//! Each thing said has a rank: the time of the event it came with (its finish, or else its start). Where two events say
//! different things of one field, the earlier event is right and a later one fills what is missing; among equals the
//! smaller value. Every rule is a minimum or a union, so the order of arrival cannot matter.

use std::{cmp::Ordering, collections::BTreeMap};

use jiff::Timestamp;

use super::session::micros;
use crate::model::{Change, ChangeState, Commit};

/// Times of the events that fields came with, by the name of the field.
pub(super) type Ranks = BTreeMap<String, i64>;

/// A change and where its fields came from.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Told {
    pub(super) change: Change,
    pub(super) ranks: Ranks,
}

impl Told {
    /// What one event tells.
    pub(super) fn once(mut change: Change) -> Self {
        if change.state != ChangeState::Started {
            change.finished_at = change.finished_at.or(Some(change.started_at));
        }
        let rank = micros(change.settled_at());
        let texts = [
            ("version", change.version.is_some()),
            ("previous_version", change.previous_version.is_some()),
            ("build", change.build.is_some()),
            ("author", change.author.is_some()),
            ("release", change.release.is_some()),
            ("title", change.title.is_some()),
            ("url", change.url.is_some()),
            ("planned", change.planned.is_some()),
            ("commits", !change.commits.is_empty()),
            ("kind", true),
            ("source", true),
        ];
        let said = texts.into_iter().filter(|(_, said)| *said).map(|(name, _)| name.to_owned());
        let labels = change.labels.keys().map(|key| label(key));
        let ranks = said.chain(labels).map(|name| (name, rank)).collect();
        Self { change, ranks }
    }

    /// Both together. Commutative, associative, and the same again when told the same again.
    pub(super) fn and(self, other: Self) -> Self {
        let mut ranks = Ranks::new();
        let mut pick = Pick { a: &self.ranks, b: &other.ranks, ranks: &mut ranks };
        let (a, b) = (self.change, other.change);
        let (state, finished_at) = end(&a).min(end(&b)).state();
        let change = Change {
            id: a.id,
            kind: pick.one("kind", Some(a.kind), Some(b.kind)).unwrap_or(b.kind),
            services: union(a.services, b.services),
            environments: union(a.environments, b.environments),
            version: pick.one("version", a.version, b.version),
            previous_version: pick.one("previous_version", a.previous_version, b.previous_version),
            build: pick.one("build", a.build, b.build),
            commits: pick.commits(a.commits, b.commits),
            author: pick.one("author", a.author, b.author),
            release: pick.one("release", a.release, b.release),
            title: pick.one("title", a.title, b.title),
            url: pick.one("url", a.url, b.url),
            planned: pick.one("planned", a.planned, b.planned),
            labels: pick.labels(a.labels, b.labels),
            state,
            started_at: a.started_at.min(b.started_at),
            finished_at,
            source: pick.one("source", Some(a.source), Some(b.source)).unwrap_or_default(),
        };
        Self { change, ranks }
    }
}

fn label(key: &str) -> String {
    format!("labels.{key}")
}

/// Chooses field by field and notes where the choice came from.
struct Pick<'a> {
    a: &'a Ranks,
    b: &'a Ranks,
    ranks: &'a mut Ranks,
}

impl Pick<'_> {
    fn one<T: Ord>(&mut self, field: &str, a: Option<T>, b: Option<T>) -> Option<T> {
        let ranked = |ranks: &Ranks, value: Option<T>| {
            value.map(|v| (ranks.get(field).copied().unwrap_or(i64::MAX), v))
        };
        let (rank, value) = [ranked(self.a, a), ranked(self.b, b)].into_iter().flatten().min()?;
        self.ranks.insert(field.to_owned(), rank);
        Some(value)
    }

    /// The longer list: a finish often knows more of them than a start. Their order means something, so no union.
    fn commits(&mut self, a: Vec<Commit>, b: Vec<Commit>) -> Vec<Commit> {
        let said = |commits: Vec<Commit>| (!commits.is_empty()).then_some(commits);
        // The length speaks first, the event's time after it.
        match a.len().cmp(&b.len()) {
            Ordering::Greater => self.one("commits", Some(a), None),
            Ordering::Less => self.one("commits", None, Some(b)),
            Ordering::Equal => self.one("commits", said(a), said(b)),
        }
        .unwrap_or_default()
    }

    fn labels(
        &mut self,
        mut a: BTreeMap<String, String>,
        mut b: BTreeMap<String, String>,
    ) -> BTreeMap<String, String> {
        let mut keys: Vec<String> = a.keys().chain(b.keys()).cloned().collect();
        keys.sort_unstable();
        keys.dedup();
        keys.into_iter()
            .filter_map(|key| {
                let value = self.one(&label(&key), a.remove(&key), b.remove(&key))?;
                Some((key, value))
            })
            .collect()
    }
}

/// How a change stands, the one to believe first: an end before none, the earlier end, a failure before a success.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    Done {
        at: Timestamp,
        finished: bool,
    },
    /// Under way, its end perhaps announced.
    Announced {
        at: Timestamp,
    },
    UnderWay,
}

fn end(change: &Change) -> End {
    match (change.state, change.finished_at) {
        (ChangeState::Started, None) => End::UnderWay,
        (ChangeState::Started, Some(at)) => End::Announced { at },
        (state, at) => End::Done {
            at: at.unwrap_or(change.started_at),
            finished: state == ChangeState::Finished,
        },
    }
}

impl End {
    fn state(self) -> (ChangeState, Option<Timestamp>) {
        match self {
            Self::UnderWay => (ChangeState::Started, None),
            Self::Announced { at } => (ChangeState::Started, Some(at)),
            Self::Done { at, finished: true } => (ChangeState::Finished, Some(at)),
            Self::Done { at, finished: false } => (ChangeState::Failed, Some(at)),
        }
    }
}

/// All names of both; in the order they were said while there is but one list.
fn union<T: Ord>(a: Vec<T>, b: Vec<T>) -> Vec<T> {
    if b.is_empty() || a == b {
        return a;
    }
    if a.is_empty() {
        return b;
    }
    let mut all: Vec<T> = a.into_iter().chain(b).collect();
    all.sort_unstable();
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use proptest::{
        prelude::{Just, Strategy, any, prop, prop_assert_eq, prop_oneof, proptest},
        sample::select,
    };

    use super::*;
    use crate::model::ChangeKind;

    fn second(s: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + s).unwrap()
    }

    fn told() -> impl Strategy<Value = Told> {
        let word = || prop::option::of(select(vec!["a", "b", "c"]).prop_map(str::to_owned));
        let names = || prop::collection::vec(select(vec!["x", "y", "z"]), 0..3);
        let commit = select(vec!["1", "2"]).prop_map(|id| Commit {
            id: id.to_owned(),
            at: None,
            author: None,
            message: None,
        });
        let state = prop_oneof![
            Just(ChangeState::Started),
            Just(ChangeState::Finished),
            Just(ChangeState::Failed)
        ];
        let first = (select(ChangeKind::ALL), names(), names(), word(), word(), word());
        let second_half = (
            prop::collection::vec(commit, 0..3),
            prop::option::of(any::<bool>()),
            prop::collection::btree_map("[pq]", "[st]", 0..3),
            state,
            0..4_i64,
            prop::option::of(4..8_i64),
        );
        (first, second_half).prop_map(|(f, s)| {
            Told::once(Change {
                id: "c".into(),
                kind: f.0,
                services: f.1.into_iter().map(Into::into).collect(),
                environments: f.2.into_iter().map(Into::into).collect(),
                version: f.3,
                previous_version: None,
                build: None,
                commits: s.0,
                author: f.4,
                release: None,
                title: f.5,
                url: None,
                planned: s.1,
                labels: s.2,
                state: s.3,
                started_at: second(s.4),
                finished_at: s.5.map(second),
                source: "api".to_owned(),
            })
        })
    }

    proptest! {
        #[test]
        fn the_order_of_arrival_does_not_matter(
            events in prop::collection::vec(told(), 1..6), order in any::<prop::sample::Index>()
        ) {
            let all = |events: &[Told]| events.iter().cloned().reduce(Told::and).unwrap();
            let mut turned = events.clone();
            turned.rotate_left(order.index(events.len()));
            let mut backwards = events.clone();
            backwards.reverse();
            let once = all(&events);
            prop_assert_eq!(&all(&turned), &once);
            prop_assert_eq!(&all(&backwards), &once);
            // Told again, all of it or a part, nothing changes.
            prop_assert_eq!(&once.clone().and(all(&turned)), &once);
            prop_assert_eq!(&once.clone().and(events[0].clone()), &once);
            // Grouped otherwise.
            let (head, tail) = events.split_at(events.len() / 2);
            if !head.is_empty() {
                prop_assert_eq!(&all(head).and(all(tail)), &once);
            }
        }
    }
}
