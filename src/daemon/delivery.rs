//! Figures of delivery for whoever asks: read from the store, made by `delivery`.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::setup::Setup;
use crate::{
    delivery::{
        Dora,
        dora::{Choice, Commits, Record, Records, Standing},
        pipeline::{Kept, Line, Lines, Objective, PipelineRun, Stats, lines, objectives},
    },
    model::{
        ChangeId, EnvironmentName, Finding, FindingKind, FindingState, PipelineFact, PipelineKey,
        PipelineSettings, ServiceName, Verdict,
    },
    store::{ChangeFilter, FactFilter, Facts, FactsMark, FindingFilter, Store, StoreError},
};

/// So much before a span is read as well: rollbacks find what they undid there, and lengths what is usual.
const BEFORE: SignedDuration = SignedDuration::from_secs(30 * 86_400);
/// Most changes, findings and facts that are looked at.
const CHANGES: usize = 5000;
const FINDINGS: usize = 5000;
pub(super) const FACTS: usize = 20_000;
/// Most pipelines that are told of, the busiest first.
const PIPELINES: usize = 200;
/// Most runs of each that are told one by one.
const RUNS: usize = 400;

/// What is asked.
#[derive(Debug, Clone)]
pub struct DeliveryAsk {
    /// Of this service.
    pub service: Option<ServiceName>,
    /// Deployments in this environment; pipelines stand in none.
    pub environment: Option<EnvironmentName>,
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub to: Timestamp,
}

/// How software was delivered in a span.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DeliveryReport {
    /// The service asked for.
    pub service: Option<ServiceName>,
    /// The environment asked for.
    pub environment: Option<EnvironmentName>,
    /// The five figures.
    #[serde(flatten)]
    pub dora: Dora,
    /// Pipelines, the busiest first.
    pub pipelines: Vec<PipelineReport>,
    /// What the reader should know of what was not read, a sentence each.
    pub notes: Vec<String>,
}

/// A pipeline in a span.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PipelineReport {
    /// What it is called: repository and name.
    pub label: String,
    /// The same in two.
    #[serde(flatten)]
    pub key: PipelineKey,
    /// Whose code.
    pub service: Option<ServiceName>,
    /// Its figures.
    pub stats: Stats,
    /// What it should keep.
    pub objectives: Vec<ObjectiveReport>,
    /// What is wrong with it, and was in the span; newest first.
    pub findings: Vec<Finding>,
    /// Its newest runs, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub runs: Vec<PipelineRun>,
}

/// An objective.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ObjectiveReport {
    /// What of it: `duration`, `success`, `queue`, `flaky tests`.
    pub signal: String,
    /// How it stands.
    pub state: Kept,
    /// A sentence.
    pub summary: String,
    /// By how many runs it is judged.
    pub n: usize,
}

impl From<Objective> for ObjectiveReport {
    fn from(objective: Objective) -> Self {
        let signal = objective.concern.signal.to_string();
        Self { signal, state: objective.state, summary: objective.summary, n: objective.n }
    }
}

/// The pipelines that the facts of the last report made: as long as nothing is told they are the same for the next one.
#[derive(Debug, Default)]
pub(super) struct KnownLines(Mutex<Option<(FactsMark, Arc<Lines>)>>);

impl KnownLines {
    fn of(&self, facts: &Facts) -> Arc<Lines> {
        let mark = facts.mark();
        let known = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, lines)) = known().as_ref().filter(|(known, _)| *known == mark) {
            return Arc::clone(lines);
        }
        let made = Arc::new(lines(facts));
        *known() = Some((mark, Arc::clone(&made)));
        made
    }
}

/// How software was delivered, from a data file alone.
///
/// # Errors
/// The store could not be read.
pub async fn delivery(
    store: &Store,
    setup: Option<&Setup>,
    ask: DeliveryAsk,
    now: Timestamp,
) -> Result<DeliveryReport, StoreError> {
    delivered(store, setup, Arc::default(), (ask, now)).await
}

/// Reads and reckons. The reckoning takes milliseconds and is done beside the threads that answer.
///
/// # Errors
/// The store could not be read.
pub(super) async fn delivered(
    store: &Store,
    setup: Option<&Setup>,
    known: Arc<KnownLines>,
    (ask, now): (DeliveryAsk, Timestamp),
) -> Result<DeliveryReport, StoreError> {
    let since = ask.from.checked_sub(BEFORE).unwrap_or(Timestamp::MIN);
    let incidents = FactFilter { since: Some(since), limit: CHANGES, ..FactFilter::default() };
    let (facts, changes, incidents, found) = tokio::try_join!(
        facts(store, since, ask.to),
        changes(store, &ask, since),
        store.incident_facts(incidents),
        pipeline_findings(store, FINDINGS),
    )?;
    let everywhere = setup
        .map(|setup| setup.settings.environments.keys().cloned().collect())
        .unwrap_or_default();
    let goals = setup.map(|setup| setup.settings.pipelines.clone()).unwrap_or_default();
    let mut notes = Vec::new();
    if facts.len() >= FACTS
        && let Some(oldest) = facts.iter().filter_map(PipelineFact::at).min()
        && oldest > ask.from
    {
        notes.push(format!(
            "only the newest {FACTS} facts of pipelines were read: those since {oldest:.0}"
        ));
    }
    if changes.len() >= CHANGES {
        notes.push(format!("only the newest {CHANGES} changes were read"));
    }
    let reckon = move || {
        let commits = Commits::of(facts.iter());
        let records = Records { changes, incidents, commits, everywhere };
        let choice = Choice { service: ask.service.clone(), environment: ask.environment.clone() };
        let dora = Dora::of(&records, &choice, (ask.from, ask.to));
        let lines = known.of(&facts);
        if lines.orphans > 0 {
            notes.push(format!(
                "{} jobs were told of runs that nobody told: have whole runs sent as well",
                lines.orphans
            ));
        }
        let pipelines = pipelines(&lines, &found, &goals, &ask, now);
        DeliveryReport {
            service: ask.service,
            environment: ask.environment,
            dora,
            pipelines,
            notes,
        }
    };
    let done = tokio::task::spawn_blocking(reckon).await;
    match done {
        Ok(report) => Ok(report),
        Err(e) => std::panic::resume_unwind(e.into_panic()),
    }
}

/// Facts of a span, of the newest.
pub(super) async fn facts(
    store: &Store,
    since: Timestamp,
    until: Timestamp,
) -> Result<Facts, StoreError> {
    store.facts((since, until), FACTS).await
}

/// The newest findings of pipelines, whatever became of them.
pub(super) async fn pipeline_findings(
    store: &Store,
    limit: usize,
) -> Result<Vec<Finding>, StoreError> {
    let kind = Some(FindingKind::Pipeline);
    store.findings(FindingFilter { kind, limit, ..FindingFilter::default() }).await
}

/// The changes of a span with what was found of them.
async fn changes(
    store: &Store,
    ask: &DeliveryAsk,
    since: Timestamp,
) -> Result<Vec<Record>, StoreError> {
    let filter = ChangeFilter {
        service: ask.service.clone(),
        environment: ask.environment.clone(),
        since: Some(since),
        until: Some(ask.to),
        limit: CHANGES,
    };
    let of_kind = |kind| {
        let filter = FindingFilter { kind, limit: FINDINGS, ..FindingFilter::default() };
        store.findings(filter)
    };
    let (changes, regressed, suspected) = tokio::try_join!(
        store.changes(filter),
        of_kind(Some(FindingKind::Regressed)),
        of_kind(Some(FindingKind::Suspected)),
    )?;
    let ids: Vec<ChangeId> = changes.iter().map(|c| c.id.clone()).collect();
    let chosen: BTreeSet<&ChangeId> = ids.iter().collect();
    let mut findings: BTreeMap<ChangeId, Vec<Finding>> = BTreeMap::new();
    for finding in regressed.into_iter().chain(suspected) {
        if let Some(id) = finding.change.clone().filter(|id| chosen.contains(id)) {
            findings.entry(id).or_default().push(finding);
        }
    }
    let over = findings.values().flatten().filter(|f| f.state == FindingState::Recovered);
    let over: Vec<Finding> = over.cloned().collect();
    let (standings, mut told, said, behind) = tokio::try_join!(
        store.standings(ids.clone()),
        store.first_told(ids.clone()),
        store.last_words(ids.clone()),
        store.verdicts_behind(over),
    )?;
    let mut verdicts: BTreeMap<ChangeId, Vec<Verdict>> = BTreeMap::new();
    for verdict in behind {
        verdicts.entry(verdict.change.clone()).or_default().push(verdict);
    }
    let mut records = Vec::with_capacity(changes.len());
    for ((change, standing), said) in changes.into_iter().zip(standings).zip(said) {
        let findings = findings.remove(&change.id).unwrap_or_default();
        records.push(Record {
            verdicts: verdicts.remove(&change.id).unwrap_or_default(),
            told_at: told.remove(&change.id),
            said,
            standing: Standing { worst: standing.worst, open: standing.open },
            change,
            findings,
        });
    }
    Ok(records)
}

fn pipelines(
    lines: &Lines,
    found: &[Finding],
    goals: &PipelineSettings,
    ask: &DeliveryAsk,
    now: Timestamp,
) -> Vec<PipelineReport> {
    let inside = |run: &&PipelineRun| run.at >= ask.from && run.at < ask.to;
    let wanted = |line: &&Line| {
        ask.service.as_ref().is_none_or(|s| line.service.as_ref() == Some(s))
            && line.runs.iter().any(|run| inside(&run))
    };
    let mut chosen: Vec<&Line> = lines.all.values().filter(wanted).collect();
    chosen.sort_by_key(|line| std::cmp::Reverse(line.runs.iter().filter(inside).count()));
    let report = |line: &Line| {
        let runs: Vec<&PipelineRun> = line.runs.iter().filter(inside).collect();
        let of = |f: &&Finding| {
            let own = f.pipeline.as_ref().is_some_and(|c| c.pipeline == line.key);
            own && f.closed_at.is_none_or(|at| at >= ask.from) && f.opened_at < ask.to
        };
        PipelineReport {
            label: line.key.to_string(),
            key: line.key.clone(),
            service: line.service.clone(),
            stats: Stats::of(line, (ask.from, ask.to), None),
            objectives: objectives(line, &goals.goals(&line.key), goals.window, now)
                .into_iter()
                .map(ObjectiveReport::from)
                .collect(),
            findings: found.iter().filter(of).cloned().collect(),
            runs: runs[runs.len().saturating_sub(RUNS)..].iter().map(|r| (*r).clone()).collect(),
        }
    };
    chosen.into_iter().take(PIPELINES).map(report).collect()
}
