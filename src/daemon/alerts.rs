//! Who is told what: gathers findings and changes into incidents, asks `alert` what is new for each receiver, and looks up what a message
//! must show. What was told is remembered only once it is on disk.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{handle::look_up, setup::Setup};
use crate::{
    alert::{
        self, Incident, Incidents, JourneyFacts, Knowledge, Shown, Telling, Told, ToldNews,
        change_in_words, change_trouble,
    },
    model::{
        Change, ChangeId, ChangeNews, ChangeState, EnvironmentName, Finding, FindingId,
        FindingState, Metric, Notice, Parcel, ReceiverSettings, ServiceName, Tracing, Verdict, Way,
    },
    store::{
        ChangeFilter, FindingFilter, NewMessage, RunFilter, RunResult, Store, StoreError,
        ToldRecord,
    },
};

/// Changes that are older are not looked at any more.
const RECENT: Duration = Duration::from_secs(7 * 86_400);
/// Most changes looked at after a start.
const MOST: usize = 2000;
/// Changes whose news are looked up in one go: judging waits meanwhile.
const AT_ONCE: usize = 50;
/// A change that began longer ago has no news.
const NEWS: Duration = Duration::from_secs(36 * 3600);
/// What was told is read again this far back.
const RECALLED: Duration = Duration::from_secs(86_400);
/// For so long a receiver that keeps no state of its own is told again of what is over.
const AFTER: Duration = Duration::from_secs(15 * 60);

/// What receivers that must be told again and again are told, by their names.
pub(super) type Board = BTreeMap<String, Vec<Notice>>;

/// Incidents, and what was told of them.
#[derive(Default)]
pub(super) struct Alerts {
    /// Whether what was told before the agent stopped was read: nothing is told until then.
    resumed: bool,
    knowledge: Knowledge,
    receivers: Vec<ReceiverSettings>,
    overdue: Duration,
    incidents: Incidents,
    changes: BTreeMap<ChangeId, Change>,
    /// In which second changes were last looked at.
    looked_at: Option<i64>,
    /// Changes of which there may be news.
    fresh: BTreeSet<ChangeId>,
    /// By receiver and incident.
    told: BTreeMap<(String, String), Told>,
    /// By receiver and change.
    news: BTreeMap<(String, String), ToldNews>,
}

/// What is to be stored, and then remembered.
#[derive(Default)]
pub(super) struct Outgoing {
    /// Messages for the outbox.
    pub(super) messages: Vec<NewMessage>,
    /// What was told.
    pub(super) records: Vec<ToldRecord>,
    told: Vec<((String, String), Told)>,
    news: Vec<((String, String), ToldNews)>,
}

/// What a row of what was told holds.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Row {
    Incident(Box<Told>),
    News(ToldNews),
}

impl Outgoing {
    /// Whether there is nothing to store.
    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }
}

impl Alerts {
    /// A configuration that holds from now on.
    pub(super) fn configure(&mut self, setup: &Setup) {
        let journeys = setup.journeys.values().map(|scheduled| {
            let journey = &scheduled.journey;
            let services = journey.named_services();
            let (owner, runbook) = (journey.owner.clone(), journey.runbook.clone());
            (journey.name.clone(), JourneyFacts { owner, runbook, services })
        });
        let owners = setup.settings.services.iter();
        let tracing = setup.settings.environments.iter();
        self.knowledge = Knowledge {
            journeys: journeys.collect(),
            owners: owners.filter_map(|(n, s)| Some((n.clone(), s.owner.clone()?))).collect(),
            maintenance: setup.settings.maintenance.clone(),
            public_url: setup.settings.agent.public_url.clone(),
            tracing: tracing.map(|(n, e)| (n.clone(), e.transport.tracing.clone())).collect(),
            location: setup.settings.agent.location.to_string(),
        };
        self.receivers.clone_from(&setup.settings.receivers);
        self.overdue = setup.settings.watch.overdue;
        // A new receiver hears of what goes on.
        self.looked_at = None;
        self.fresh.extend(self.changes.keys().cloned());
    }

    /// Takes up what was told before the agent stopped.
    ///
    /// # Errors
    /// The store could not be read.
    pub(super) async fn resume(&mut self, store: &Store, now: Timestamp) -> Result<(), StoreError> {
        let back = |by: Duration| now.checked_sub(by).unwrap_or(Timestamp::UNIX_EPOCH);
        let mut known: BTreeMap<FindingId, String> = BTreeMap::new();
        for record in store.told(back(RECALLED)).await? {
            let key = (record.receiver, record.thread);
            match serde_json::from_str::<Row>(&record.body) {
                Ok(Row::Incident(told)) => {
                    known.extend(told.findings.iter().map(|id| (id.clone(), key.1.clone())));
                    self.told.insert(key, *told);
                }
                Ok(Row::News(news)) => drop(self.news.insert(key, news)),
                Err(_) => {
                    tracing::warn!(
                        receiver = key.0,
                        thread = key.1,
                        "notify.unreadable: what was told cannot be read; it may be told again"
                    );
                }
            }
        }
        let since = Some(back(RECENT));
        let filter = ChangeFilter { since, limit: MOST, ..ChangeFilter::default() };
        for change in store.changes(filter).await? {
            self.change(&change);
        }
        let open = FindingFilter {
            state: Some(FindingState::Open),
            limit: MOST,
            ..FindingFilter::default()
        };
        let mut findings = store.findings(open).await?;
        // What was told and has ended since belongs to its incident as well: its end is still to be told.
        let threads: BTreeSet<String> = self
            .told
            .iter()
            .filter(|(_, told)| told.firing)
            .map(|((_, id), _)| id.clone())
            .collect();
        for (id, thread) in &known {
            if threads.contains(thread) && !findings.iter().any(|f| f.id == *id) {
                findings.extend(store.finding(id).await?);
            }
        }
        findings.sort_by_key(|finding| finding.opened_at);
        for finding in findings {
            self.incidents.finding(&finding, known.get(&finding.id).map(String::as_str));
        }
        for thread in threads.iter().filter_map(|thread| thread.strip_prefix("change:")) {
            if let Some(change) = store.change(&thread.into()).await? {
                self.incidents.change(&change, None);
            }
        }
        self.resumed = true;
        Ok(())
    }

    /// A finding as it stands now.
    pub(super) fn finding(&mut self, finding: &Finding) {
        self.incidents.finding(finding, None);
        self.fresh.extend(finding.change.clone());
    }

    /// A change turned out to be another one, and these findings are of that one now: the incident of the first is over.
    pub(super) fn hand_over(&mut self, from: &ChangeId, moved: &[Finding], now: Timestamp) {
        self.changes.remove(from);
        for finding in moved {
            let mut gone = finding.clone();
            gone.change = Some(from.clone());
            let summary = format!("{}; that change is one with another", finding.summary);
            let closed = alert::explained(&gone, &summary, now).finding;
            self.finding(&closed);
            self.finding(finding);
        }
    }

    /// A change as it stands now.
    pub(super) fn change(&mut self, change: &Change) {
        self.changes.insert(change.id.clone(), change.clone());
        self.fresh.insert(change.id.clone());
        self.looked_at = None;
    }

    /// A verdict of a change altered, or its watch is over.
    pub(super) fn judged(&mut self, change: &ChangeId) {
        self.fresh.insert(change.clone());
    }

    /// What is wrong with changes themselves, now; once a second is often enough.
    fn look_at_changes(&mut self, now: Timestamp) {
        if self.looked_at == Some(now.as_second()) {
            return;
        }
        self.looked_at = Some(now.as_second());
        let old = now.checked_sub(RECENT).unwrap_or(Timestamp::UNIX_EPOCH);
        self.changes.retain(|_, change| change.started_at >= old);
        let latest = self.latest_finished();
        let all: Vec<_> = self
            .changes
            .values()
            .map(|change| {
                let place = |environment: Option<&EnvironmentName>| {
                    latest
                        .get(&(change.services.as_slice(), environment))
                        .is_some_and(|at| *at > change.started_at)
                };
                let places = &change.environments;
                let newer = place(None)
                    || !places.is_empty()
                        && places.iter().all(|environment| place(Some(environment)));
                (change.clone(), change_trouble(change, newer, self.overdue, now))
            })
            .filter(|(change, trouble)| trouble.is_some() || self.incidents.knows(&change.id))
            .collect();
        for (change, trouble) in all {
            self.incidents.change(&change, trouble);
        }
    }

    /// When the newest finished change of the same services began, by environment; none stands for all environments.
    fn latest_finished(&self) -> BTreeMap<(&[ServiceName], Option<&EnvironmentName>), Timestamp> {
        let mut latest = BTreeMap::new();
        for change in self.changes.values().filter(|c| c.state == ChangeState::Finished) {
            let everywhere = change.environments.is_empty().then_some(None);
            let places = change.environments.iter().map(Some).chain(everywhere);
            for place in places {
                let at =
                    latest.entry((change.services.as_slice(), place)).or_insert(change.started_at);
                *at = (*at).max(change.started_at);
            }
        }
        latest
    }

    /// Everything that is new for anybody. `verdicts`: those not stored yet.
    ///
    /// # Errors
    /// The store could not be read.
    pub(super) async fn look(
        &mut self,
        store: &Store,
        verdicts: &[Verdict],
        now: Timestamp,
    ) -> Result<Outgoing, StoreError> {
        if !self.resumed {
            self.resume(store, now).await?;
        }
        self.forget();
        if self.receivers.is_empty() {
            return Ok(Outgoing::default());
        }
        self.look_at_changes(now);
        let lacking: Vec<ChangeId> = self
            .incidents
            .iter()
            .filter(|incident| incident.change.is_none())
            .filter_map(|incident| incident.findings.first()?.change.clone())
            .collect();
        for id in lacking {
            if let Some(change) = store.change(&id).await? {
                self.incidents.change(&change, None);
            }
        }
        let mut out = Outgoing::default();
        for incident in self.incidents.iter() {
            let mut shown: Option<BTreeMap<FindingId, Shown>> = None;
            for receiver in self.receivers.iter().filter(|r| r.way.tells_incidents()) {
                let key = (receiver.name.clone(), incident.id.clone());
                let told = self.told.get(&key);
                let telling = alert::tell(incident, told, &receiver.policy, &self.knowledge, now);
                let Some(mut telling) = telling else { continue };
                if telling.said {
                    if shown.is_none() {
                        shown =
                            Some(show(store, incident, verdicts, &self.knowledge.tracing).await?);
                    }
                    let shown = shown.as_ref().unwrap_or(&EMPTY);
                    self.message(&mut out, receiver, incident, &mut telling, shown, now);
                }
                let over = !telling.told.firing;
                out.remember(key, Row::Incident(Box::new(telling.told)), over, now);
            }
        }
        Ok(out)
    }

    fn message(
        &self,
        out: &mut Outgoing,
        receiver: &ReceiverSettings,
        incident: &Incident,
        telling: &mut Telling<'_>,
        shown: &BTreeMap<FindingId, Shown>,
        now: Timestamp,
    ) {
        let notice = alert::compose(incident, telling, &self.knowledge, shown, now);
        telling.told.labels.clone_from(&notice.labels);
        if matches!(receiver.way, Way::Alertmanager { .. }) {
            telling.told.notice = Some(Box::new(notice.clone()));
        }
        let thread = incident.id.clone();
        out.message(
            &receiver.name,
            thread,
            telling.told.count,
            Parcel::Notice(Box::new(notice)),
            now,
        );
    }

    /// News of changes, for those who want them; what was concluded must be stored.
    ///
    /// # Errors
    /// The store could not be read.
    pub(super) async fn news(
        &mut self,
        store: &Store,
        now: Timestamp,
    ) -> Result<Outgoing, StoreError> {
        let mut out = Outgoing::default();
        if !self.receivers.iter().any(|receiver| receiver.way.tells_changes()) {
            self.fresh.clear();
            return Ok(out);
        }
        for _ in 0..AT_ONCE {
            let Some(id) = self.fresh.pop_first() else { break };
            let begun = self.changes.get(&id).map(|change| change.started_at);
            if begun.is_none_or(|at| at.checked_add(NEWS).is_ok_and(|until| until < now)) {
                continue;
            }
            let Some(judged) = look_up(store, &id).await? else { continue };
            for receiver in self.receivers.iter().filter(|r| r.way.tells_changes()) {
                let key = (receiver.name.clone(), format!("news:{id}"));
                let told = self.news.get(&key);
                let (policy, change) = (&receiver.policy, &judged.change);
                let only_ends = matches!(receiver.way, Way::PagerDuty { .. });
                let verdict = judged.overall.filter(|_| !only_ends);
                let unended = only_ends && change.state != ChangeState::Finished;
                let next =
                    alert::news(change, verdict, judged.open, told, policy, &self.knowledge, now);
                let Some(next) = next.filter(|_| !unended) else { continue };
                let worst = judged.verdicts.iter().find(|v| Some(v.conclusion) == judged.overall);
                let parcel = Parcel::ChangeNews(Box::new(ChangeNews {
                    change: change_in_words(change, &self.knowledge),
                    verdict: judged.overall,
                    open: judged.open,
                    summary: worst
                        .map(|v| format!("{} in {}: {}", v.journey, v.environment, v.summary)),
                    at: now,
                }));
                out.message(&receiver.name, key.1.clone(), next.count, parcel, now);
                let over = !judged.open && change.state != ChangeState::Started;
                out.remember(key, Row::News(next), over, now);
            }
        }
        Ok(out)
    }

    /// It is on disk: remembered from now on.
    pub(super) fn stored(&mut self, out: Outgoing) {
        self.told.extend(out.told);
        self.news.extend(out.news);
    }

    /// Lets go of incidents that are over and of which nobody is still to be told.
    fn forget(&mut self) {
        let told = &self.told;
        let names: Vec<&String> = self.receivers.iter().map(|receiver| &receiver.name).collect();
        self.incidents.retain(|id| {
            names.iter().any(|name| {
                told.get(&((*name).clone(), id.to_owned())).is_some_and(|told| told.firing)
            })
        });
    }

    /// What receivers that keep no state of their own are told again now.
    pub(super) fn board(&self, now: Timestamp) -> Board {
        let mut board = Board::new();
        for receiver in self.receivers.iter().filter(|r| matches!(r.way, Way::Alertmanager { .. }))
        {
            let own = self.told.iter().filter(|((name, _), _)| *name == receiver.name);
            let lately = |told: &&Told| {
                told.firing || told.at.checked_add(AFTER).is_ok_and(|until| until > now)
            };
            let notices = own.map(|(_, told)| told).filter(lately);
            let notices = notices.filter_map(|told| told.notice.as_deref().cloned()).collect();
            board.insert(receiver.name.clone(), notices);
        }
        board
    }
}

static EMPTY: BTreeMap<FindingId, Shown> = BTreeMap::new();

impl Outgoing {
    fn message(
        &mut self,
        receiver: &str,
        thread: String,
        count: u32,
        parcel: Parcel,
        now: Timestamp,
    ) {
        let Ok(body) = parcel.to_body() else { return };
        self.messages.push(NewMessage {
            // The time: a data file that is begun anew counts from 1 again.
            key: format!("{receiver}/{thread}/{count}/{}", now.as_millisecond()),
            receiver: receiver.to_owned(),
            thread: Some(thread),
            body,
            created_at: now,
            next_try_at: now,
        });
    }

    fn remember(&mut self, key: (String, String), row: Row, over: bool, now: Timestamp) {
        let Ok(body) = serde_json::to_string(&row) else { return };
        let (receiver, thread) = key.clone();
        self.records.push(ToldRecord { receiver, thread, at: now, over, body });
        match row {
            Row::Incident(told) => self.told.push((key, *told)),
            Row::News(news) => self.news.push((key, news)),
        }
    }
}

/// What shows the findings of an incident: their verdicts, and a run of each.
async fn show(
    store: &Store,
    incident: &Incident,
    fresh: &[Verdict],
    tracing: &BTreeMap<EnvironmentName, Tracing>,
) -> Result<BTreeMap<FindingId, Shown>, StoreError> {
    let stored = match &incident.change {
        Some(change) => store.verdicts(&change.id).await?,
        None => Vec::new(),
    };
    let mut all = BTreeMap::new();
    for finding in &incident.findings {
        let of = |v: &&Verdict| {
            finding.change.as_ref() == Some(&v.change)
                && (&v.journey, &v.environment, &v.location)
                    == (&finding.journey, &finding.environment, &finding.location)
                && v.metric == finding.metric
                && v.part == finding.part
        };
        let verdict = fresh.iter().rev().find(of).or_else(|| stored.iter().find(of)).cloned();
        let failed = (finding.metric == Metric::Success).then_some(RunResult::Failed);
        let filter = RunFilter {
            journey: Some(finding.journey.clone()),
            environment: Some(finding.environment.clone()),
            location: Some(finding.location.clone()),
            result: failed,
            from: finding.onset_at,
            to: finding.closed_at,
            limit: 1,
        };
        let run = store.runs(filter).await?.into_iter().next();
        let trace = run.as_ref().and_then(|run| tracing.get(&run.environment)?.link(run));
        let run = run.map(|run| run.id);
        all.insert(finding.id.clone(), Shown { verdict, run, trace });
    }
    Ok(all)
}

/// The board as the delivery reads it.
pub(super) type BoardSender = tokio::sync::watch::Sender<Arc<Board>>;

#[cfg(test)]
mod tests;
