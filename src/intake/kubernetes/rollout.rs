//! Deployments, StatefulSets and DaemonSets: when a roll-out begins, what it is, and when it is over.

use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    Around, naming,
    object::Object,
    progress::{Progress, is_split, partition},
    template::{Altered, Template},
};
use crate::{
    intake::{
        Said, Tidings,
        heard::Draft,
        text::{LONGEST, kept},
    },
    model::{Change, ChangeKind, ChangeState},
};

/// Most earlier templates that are remembered, to know a rollback by.
const EARLIER: usize = 10;
/// Kubernetes writes times in whole seconds.
const SECOND: SignedDuration = SignedDuration::from_secs(1);

/// What is remembered of a workload.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Workload {
    uid: String,
    generation: i64,
    partition: i64,
    template: Template,
    version: Option<String>,
    commit: Option<String>,
    cause: Option<String>,
    /// Since when it wants these pods, as far as known.
    since: Timestamp,
    /// What it wanted before, the newest last.
    earlier: VecDeque<Earlier>,
    /// The roll-out that is not over.
    open: Option<Rollout>,
    /// The last roll-out that was told, as it began.
    pub(super) last: Option<Change>,
    /// What it is here, for what is altered beside it.
    pub(super) service: String,
    pub(super) environment: Option<String>,
}

/// A template that was wanted once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Earlier {
    whole: String,
    images: BTreeMap<String, String>,
}

/// A roll-out that is not over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Rollout {
    change: Change,
    /// Whether anything was altered by it yet; what is only wanted is no change.
    begun: bool,
}

/// Tells a change as it stands.
pub(super) fn told(change: Change) -> Said {
    Said::Change(Box::new(Tidings::plain(change)))
}

/// The same change, over.
fn ended(change: &Change, state: ChangeState, at: Timestamp, why: Option<(&str, &str)>) -> Said {
    let mut change = change.clone();
    change.state = state;
    change.finished_at = Some(at.max(change.started_at));
    if let Some((label, text)) = why
        && let Some(text) = kept(text, LONGEST)
    {
        change.labels.insert(label.to_owned(), text);
    }
    told(change)
}

impl Workload {
    /// What uses a ConfigMap or Secret, `ConfigMap/settings`.
    pub(super) fn uses(&self, object: &str) -> bool {
        self.template.uses.contains(object)
    }

    /// An object that was never seen before. What was there before anybody looked is no change; what was made since is one.
    pub(super) fn first(around: &Around<'_>, object: Object<'_>, made: bool) -> (Self, Vec<Said>) {
        let template = Template::of(object, around.key());
        let service = naming::service(around, object);
        let (version, commit) = naming::version(object, naming::image(object, &template, &service));
        let created = object.created_at().unwrap_or(around.now()).min(around.now());
        let mut new = Self {
            uid: object.uid().to_owned(),
            generation: object.generation(),
            partition: partition(object),
            environment: naming::environment(around, object),
            cause: naming::cause(object).map(str::to_owned),
            since: created,
            earlier: VecDeque::new(),
            open: None,
            last: None,
            service,
            template,
            version,
            commit,
        };
        let mut said = Vec::new();
        if made {
            let news = News { altered: &Altered::Images, kind: ChangeKind::Deploy, before: None };
            let change = new.change(around, object, &news, created);
            new.open = Some(Rollout { change, begun: false });
            new.progress(around, object, &mut said);
        }
        (new, said)
    }

    /// The object as it is now.
    pub(super) fn look(&mut self, around: &Around<'_>, object: Object<'_>) -> Vec<Said> {
        let mut said = Vec::new();
        let anew = object.uid() != self.uid;
        if !anew && object.generation() < self.generation {
            // An older state, told late.
            return said;
        }
        let newer = anew || object.generation() > self.generation;
        let template = Template::of(object, around.key());
        // What is wanted has a number of its own: another hash under the same one comes of another version of the API server.
        let altered = if newer { template.altered(&self.template) } else { None };
        let staying = partition(object);
        let rolls_on = newer && staying < self.partition && is_split(object) && self.open.is_none();
        self.service = naming::service(around, object);
        self.environment = naming::environment(around, object);
        object.uid().clone_into(&mut self.uid);
        self.generation = object.generation();
        let before = std::mem::replace(&mut self.template, template);
        let staying_before = std::mem::replace(&mut self.partition, staying);
        match altered {
            Some(altered) => self.begin(around, object, &before, &altered, &mut said),
            None if rolls_on => self.roll_on(around, object, staying_before),
            None => {}
        }
        self.progress(around, object, &mut said);
        said
    }

    /// The object is gone: what was being rolled out will never be.
    pub(super) fn gone(&self, around: &Around<'_>) -> Vec<Said> {
        let begun = self.open.iter().filter(|rollout| rollout.begun);
        let why = Some(("ended", "deleted"));
        begun.map(|r| ended(&r.change, ChangeState::Failed, around.now(), why)).collect()
    }

    /// Other pods are wanted.
    fn begin(
        &mut self,
        around: &Around<'_>,
        object: Object<'_>,
        before: &Template,
        altered: &Altered,
        said: &mut Vec<Said>,
    ) {
        let start = self.start(around, object);
        let (whole, images) = (&self.template.whole, &self.template.images);
        let back = self.earlier.iter().any(|earlier| {
            earlier.whole == *whole || (*altered == Altered::Images && earlier.images == *images)
        });
        let kind = match altered {
            _ if back && *altered != Altered::Restart => ChangeKind::Rollback,
            Altered::Images => ChangeKind::Deploy,
            // The pods start as they are: nothing is set otherwise.
            Altered::Restart => ChangeKind::Infra,
            Altered::Settings(_) => ChangeKind::Config,
        };
        if let Some(open) = self.open.take()
            && open.begun
        {
            let (state, how) = if kind == ChangeKind::Rollback {
                (ChangeState::Failed, "undone before it was done")
            } else {
                (ChangeState::Finished, "overtaken by the next one")
            };
            said.push(ended(&open.change, state, start, Some(("ended", how))));
        }
        if self.template.whole != before.whole {
            self.earlier.retain(|earlier| earlier.whole != before.whole);
            let (whole, images) = (before.whole.clone(), before.images.clone());
            self.earlier.push_back(Earlier { whole, images });
            while self.earlier.len() > EARLIER {
                self.earlier.pop_front();
            }
        }
        let change =
            self.change(around, object, &News { altered, kind, before: Some(before) }, start);
        self.since = start;
        self.open = Some(Rollout { change, begun: false });
    }

    /// More pods of a StatefulSet may have the version that others have already.
    fn roll_on(&mut self, around: &Around<'_>, object: Object<'_>, before: i64) {
        let Some(last) = &self.last else { return };
        let mut change = last.clone();
        change.id = self.id(around, object);
        change.title = kept(
            &format!("{} rolls on: partition {before} → {}", object.name(), self.partition),
            300,
        );
        change.started_at = around.now();
        self.open = Some(Rollout { change, begun: false });
    }

    /// How far the roll-out is.
    fn progress(&mut self, around: &Around<'_>, object: Object<'_>, said: &mut Vec<Said>) {
        let Some(open) = &mut self.open else { return };
        let progress = Progress::of(object);
        if progress == Progress::Held {
            return;
        }
        let news = !open.begun;
        open.begun = true;
        let start = open.change.started_at;
        // Times that lie before the roll-out are of the one before.
        let known = |at: Option<Timestamp>| {
            let at = at.filter(|at| *at + SECOND > start && *at <= around.now());
            at.unwrap_or(around.now()).max(start)
        };
        if news {
            self.last = Some(open.change.clone());
        }
        let end = match &progress {
            Progress::Done(at) => {
                let revision = object.mark("deployment.kubernetes.io/revision");
                let revision = revision.map(|revision| ("revision", revision));
                ended(&open.change, ChangeState::Finished, known(*at), revision)
            }
            Progress::Failed { at, why } if at.is_none_or(|at| at + SECOND > start) => {
                ended(&open.change, ChangeState::Failed, known(*at), Some(("reason", why)))
            }
            _ => {
                if news {
                    said.push(told(open.change.clone()));
                }
                return;
            }
        };
        said.push(end);
        self.open = None;
    }

    /// When other pods began to be wanted: as the API server has noted it, else now.
    fn start(&self, around: &Around<'_>, object: Object<'_>) -> Timestamp {
        let held = Progress::of(object) == Progress::Held;
        let noted = object.managed(&[&["f:spec", "f:template"]]).map(|(at, _)| at);
        noted
            .filter(|at| !held && *at > self.since && *at <= around.now() + SECOND)
            .map_or(around.now(), |at| at.min(around.now()))
    }

    /// The same for all who watch, and another one for each thing that is wanted.
    fn id(&self, around: &Around<'_>, object: Object<'_>) -> crate::model::ChangeId {
        let uid = self.uid.get(..8).unwrap_or(&self.uid);
        let (place, generation) = (object.key(), self.generation);
        crate::intake::heard::identifier(&format!(
            "kubernetes:{}:{place}:{uid}:{generation}",
            around.cluster()
        ))
    }

    /// The roll-out as a change, from what is wanted now and was wanted before.
    fn change(
        &mut self,
        around: &Around<'_>,
        object: Object<'_>,
        news: &News<'_>,
        start: Timestamp,
    ) -> Change {
        let id = self.id(around, object);
        let image = naming::image(object, &self.template, &self.service);
        let (version, commit) = naming::version(object, image);
        let old_image = news.before.and_then(|t| naming::image(object, t, &self.service));
        let first = news.before.is_none();
        let images = first || *news.altered == Altered::Images;
        let cause = naming::cause(object);
        // What was said before already belongs to the roll-out before.
        let new_cause = cause.filter(|c| first || self.cause.as_deref() != Some(*c));
        let title = new_cause.map(str::to_owned).or_else(|| title(object.name(), news));
        let new_commit = commit.as_deref().filter(|c| images || self.commit.as_deref() != Some(*c));
        let new_version =
            version.as_deref().filter(|v| images || self.version.as_deref() != Some(*v));
        let managed = object.managed(&[&["f:spec", "f:template"]]).map(|(_, manager)| manager);
        let mut draft = Draft::new(around.delivery, id.as_str(), news.kind)
            .service(Some(&self.service))
            .environment(self.environment.as_deref())
            .version(new_version)
            .previous_version(self.version.as_deref().filter(|_| images && !first))
            .commit(new_commit)
            .author(naming::author(object))
            .title(title.as_deref())
            .url(naming::link(object))
            .label("cluster", Some(around.cluster()))
            .label("namespace", Some(object.namespace()))
            .label("object", Some(&format!("{}/{}", object.kind, object.name())))
            .label("image", image)
            .label("previous_image", old_image.filter(|old| images && Some(*old) != image))
            .label("manager", managed);
        for (tool, name) in naming::tools(object) {
            draft = draft.label(tool, Some(&name));
        }
        (self.version, self.commit) = (version, commit);
        self.cause = cause.map(str::to_owned);
        let Said::Change(tidings) = draft.started(Some(start)).said() else {
            // A draft is always a change.
            return Change::new(id, news.kind, start);
        };
        tidings.change
    }
}

/// What is new about what is wanted.
struct News<'a> {
    altered: &'a Altered,
    kind: ChangeKind,
    before: Option<&'a Template>,
}

/// A line for people where versions do not say it.
fn title(name: &str, news: &News<'_>) -> Option<String> {
    match news.altered {
        Altered::Images => None,
        Altered::Restart => Some(format!("{name} restarted")),
        Altered::Settings(names) if names.is_empty() => {
            Some(format!("{name}: other settings of its pods"))
        }
        Altered::Settings(names) => {
            let more = names.len().saturating_sub(4);
            let shown = names.iter().take(4).map(String::as_str).collect::<Vec<_>>().join(", ");
            let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
            Some(format!("{name}: {shown}{rest} altered"))
        }
    }
}
