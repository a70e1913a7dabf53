//! What a delivery says.

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::{
    Delivery,
    text::{self, LONGEST, LONGEST_ID, MOST},
};
use crate::model::{
    Change, ChangeId, ChangeKind, ChangeState, Commit, IncidentFact, PipelineFact, PipelineKind,
};

/// Everything that a delivery says; nothing is a good answer, too.
#[derive(Debug, Clone, Default)]
pub struct Heard {
    /// What it says, in its order.
    pub said: Vec<Said>,
    /// What sort of event it was, in the sender's word: `deployment_status`.
    pub event: Option<String>,
}

/// One thing that a delivery says.
#[derive(Debug, Clone)]
pub enum Said {
    /// Something was changed.
    Change(Box<Tidings>),
    /// A pipeline did something.
    Pipeline(Box<PipelineFact>),
    /// Others have trouble, or are rid of it.
    Incident(Box<IncidentFact>),
    /// Nothing that matters here, and why.
    Ignored(String),
}

/// A change as one event tells it.
#[derive(Debug, Clone)]
pub struct Tidings {
    /// The change.
    pub change: Change,
    /// The object whose present state this reports, for senders that say again and again what is deployed (Flux, Argo CD): only
    /// another version than before is a change.
    pub reports: Option<String>,
    /// Whether the id was made up here, so that two of them may well be one change.
    pub loose: bool,
    /// Whether it takes the place of what was told under its id before.
    pub replaces: bool,
    /// Whether it only ends what was begun: alone it is no change.
    pub follows: bool,
}

impl Tidings {
    /// A change that its sender tells once, under an id of its own.
    pub fn plain(change: Change) -> Self {
        Self { change, reports: None, loose: false, replaces: false, follows: false }
    }
}

impl Heard {
    /// Nothing that matters here.
    pub fn ignored(reason: impl Into<String>) -> Self {
        Self { said: vec![Said::Ignored(reason.into())], event: None }
    }

    /// One thing.
    pub fn one(said: impl Into<Said>) -> Self {
        Self { said: vec![said.into()], event: None }
    }

    /// With the sender's word for the event.
    #[must_use]
    pub fn of(mut self, event: &str) -> Self {
        self.event = text::kept(event, LONGEST_ID);
        self
    }
}

impl From<Vec<Said>> for Heard {
    fn from(said: Vec<Said>) -> Self {
        Self { said, event: None }
    }
}

impl From<Draft<'_>> for Said {
    fn from(draft: Draft<'_>) -> Self {
        draft.said()
    }
}

impl From<PipelineFact> for Said {
    fn from(mut fact: PipelineFact) -> Self {
        fact.id = identifier(&fact.id).as_str().to_owned();
        fact.parent = fact.parent.map(|id| identifier(&id).as_str().to_owned());
        let texts = [&mut fact.repository, &mut fact.reference, &mut fact.commit, &mut fact.author];
        for said in texts {
            fit(said, LONGEST_ID);
        }
        fit(&mut fact.artifact, LONGEST);
        fact.url = fact.url.and_then(|url| text::link(&url));
        // A clock that runs backwards: what cannot be is not known.
        if fact.started_at > fact.finished_at && fact.finished_at.is_some() {
            fact.started_at = None;
        }
        Self::Pipeline(Box::new(fact))
    }
}

impl From<IncidentFact> for Said {
    fn from(mut fact: IncidentFact) -> Self {
        fact.id = identifier(&fact.id).as_str().to_owned();
        fit(&mut fact.title, 300);
        fit(&mut fact.severity, LONGEST_ID);
        fit(&mut fact.artifact, LONGEST);
        fact.url = fact.url.and_then(|url| text::link(&url));
        Self::Incident(Box::new(fact))
    }
}

fn fit(said: &mut Option<String>, longest: usize) {
    *said = said.take().and_then(|t| text::kept(&t, longest));
}

/// A change that is being read: every text of the sender is made fit to keep.
#[derive(Debug)]
pub(super) struct Draft<'a> {
    delivery: &'a Delivery<'a>,
    change: Change,
    reports: Option<String>,
    loose: bool,
    replaces: bool,
    follows: bool,
}

impl<'a> Draft<'a> {
    /// A change with this id, which must begin with the sender's name so that it is nobody else's.
    pub(super) fn new(delivery: &'a Delivery<'a>, id: &str, kind: ChangeKind) -> Self {
        let mut change = Change::new(identifier(id), kind, delivery.received_at);
        delivery.hook.clone_into(&mut change.source);
        Self { delivery, change, reports: None, loose: false, replaces: false, follows: false }
    }

    /// The sender's name of a service.
    pub(super) fn service(mut self, theirs: Option<&str>) -> Self {
        if let Some(ours) = theirs.and_then(|theirs| self.delivery.known.service(theirs))
            && !self.change.services.contains(&ours)
            && self.change.services.len() < MOST
        {
            self.change.services.push(ours);
        }
        self
    }

    /// The sender's name of an environment.
    pub(super) fn environment(mut self, theirs: Option<&str>) -> Self {
        if let Some(ours) = theirs.and_then(|theirs| self.delivery.known.environment(theirs))
            && !self.change.environments.contains(&ours)
            && self.change.environments.len() < MOST
        {
            self.change.environments.push(ours);
        }
        self
    }

    pub(super) fn version(mut self, said: Option<&str>) -> Self {
        self.change.version = said.and_then(|t| text::kept(t, LONGEST_ID)).or(self.change.version);
        self
    }

    pub(super) fn previous_version(mut self, said: Option<&str>) -> Self {
        self.change.previous_version = said.and_then(|t| text::kept(t, LONGEST_ID));
        self
    }

    pub(super) fn build(mut self, said: Option<&str>) -> Self {
        self.change.build = said.and_then(|t| text::kept(t, LONGEST_ID));
        self
    }

    pub(super) fn commit(self, id: Option<&str>) -> Self {
        self.commit_with(id, None, None, None)
    }

    pub(super) fn commit_with(
        mut self,
        id: Option<&str>,
        at: Option<Timestamp>,
        author: Option<&str>,
        message: Option<&str>,
    ) -> Self {
        if let Some(commit) = commit(id, at, author, message)
            && self.change.commits.len() < MOST
            && self.change.commits.iter().all(|c| c.id != commit.id)
        {
            self.change.commits.push(commit);
        }
        self
    }

    pub(super) fn author(mut self, said: Option<&str>) -> Self {
        self.change.author =
            self.change.author.or_else(|| said.and_then(|t| text::kept(t, LONGEST_ID)));
        self
    }

    pub(super) fn title(mut self, said: Option<&str>) -> Self {
        let line = said.map(|t| t.trim().lines().next().unwrap_or_default());
        self.change.title = self.change.title.or_else(|| line.and_then(|t| text::kept(t, 300)));
        self
    }

    pub(super) fn url(mut self, said: Option<&str>) -> Self {
        self.change.url = self.change.url.or_else(|| said.and_then(text::link));
        self
    }

    pub(super) fn release(mut self, said: Option<&str>) -> Self {
        self.change.release = said.and_then(|t| text::kept(t, LONGEST_ID));
        self
    }

    pub(super) fn label(mut self, key: &str, said: Option<&str>) -> Self {
        if let (Some(key), Some(value)) =
            (text::kept(key, LONGEST_ID), said.and_then(|t| text::kept(t, LONGEST)))
            && self.change.labels.len() < MOST
        {
            self.change.labels.insert(key, value);
        }
        self
    }

    /// It is a report of the state of an object, said again and again.
    pub(super) fn reports(mut self, object: &str) -> Self {
        self.reports = Some(identifier(object).as_str().to_owned());
        self
    }

    /// Its id was made up here.
    pub(super) fn loose(mut self) -> Self {
        self.loose = true;
        self
    }

    /// It only ends what was begun.
    pub(super) fn follows(mut self) -> Self {
        self.follows = true;
        self
    }

    /// It says anew what was told under its id before.
    pub(super) fn replaces(mut self) -> Self {
        self.replaces = true;
        self
    }

    /// Under way since then.
    pub(super) fn started(mut self, at: Option<Timestamp>) -> Self {
        self.change.state = ChangeState::Started;
        self.change.started_at = at.unwrap_or(self.delivery.received_at);
        self.change.finished_at = None;
        self
    }

    /// Done, between these times.
    pub(super) fn finished(self, started: Option<Timestamp>, finished: Option<Timestamp>) -> Self {
        self.ended(ChangeState::Finished, started, finished)
    }

    /// Given up, between these times.
    pub(super) fn failed(self, started: Option<Timestamp>, finished: Option<Timestamp>) -> Self {
        self.ended(ChangeState::Failed, started, finished)
    }

    pub(super) fn ended(
        mut self,
        state: ChangeState,
        started: Option<Timestamp>,
        finished: Option<Timestamp>,
    ) -> Self {
        let end = finished.or(started).unwrap_or(self.delivery.received_at);
        self.change.state = state;
        self.change.finished_at = Some(end);
        // A clock that runs backwards makes a change of one moment.
        self.change.started_at = started.unwrap_or(end).min(end);
        self
    }

    pub(super) fn said(self) -> Said {
        let Self { change, reports, loose, replaces, follows, .. } = self;
        Said::Change(Box::new(Tidings { change, reports, loose, replaces, follows }))
    }
}

/// A commit, if its id can be one.
pub(super) fn commit(
    id: Option<&str>,
    at: Option<Timestamp>,
    author: Option<&str>,
    message: Option<&str>,
) -> Option<Commit> {
    let id = text::name(id?).filter(|id| !id.bytes().all(|b| b == b'0'))?;
    let line = message.map(|t| t.trim().lines().next().unwrap_or_default());
    Some(Commit {
        id,
        at,
        author: author.and_then(|t| text::kept(t, LONGEST_ID)),
        message: line.and_then(|t| text::kept(t, 300)),
    })
}

/// A fact with its sender and its name.
pub(super) fn fact(
    delivery: &Delivery<'_>,
    id: &str,
    kind: PipelineKind,
    name: Option<&str>,
) -> PipelineFact {
    let name = name.and_then(|t| text::kept(t, LONGEST_ID)).unwrap_or_default();
    let mut fact = PipelineFact::new(identifier(id).as_str(), kind, name);
    delivery.hook.clone_into(&mut fact.source);
    fact
}

/// An id made of a sender's text: what cannot be shown is taken out, and what is too long ends in its hash.
pub(super) fn identifier(text: &str) -> ChangeId {
    let plain: String = text::shown(text).split_whitespace().collect::<Vec<_>>().join("-");
    if plain.is_empty() || plain.chars().all(|c| c == '.') {
        return ChangeId::from(format!("id-{}", digest(text)));
    }
    if plain.chars().count() <= LONGEST_ID && plain == text {
        return ChangeId::from(plain);
    }
    let head: String = plain.chars().take(LONGEST_ID - 20).collect();
    ChangeId::from(format!("{head}-{}", digest(text)))
}

/// Sixteen hexadecimal digits of a hash.
pub(super) fn digest(text: &str) -> String {
    let hash = Sha256::digest(text.as_bytes());
    data_encoding::HEXLOWER.encode(&hash[..8])
}
