//! What others tell besides changes: facts of pipelines, and incidents.

use std::{
    ops::Range,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::{
    error::{Fault, StoreError},
    filter::limit,
    handle::Store,
    session::{from_json, micros, sql_count, to_json},
};
use crate::model::{IncidentFact, PipelineFact, ServiceName};

/// Which facts; what is none matches all.
#[derive(Debug, Clone, Default)]
pub struct FactFilter {
    /// Of this service.
    pub service: Option<ServiceName>,
    /// From this time on.
    pub since: Option<Timestamp>,
    /// Before this time.
    pub until: Option<Timestamp>,
    /// Not more than this; 100 when it is 0.
    pub limit: usize,
}

/// The newest facts as they were read last: figures look at twenty thousand of them again and again, and reading those takes longer than reckoning.
#[derive(Debug, Default)]
pub(super) struct KnownFacts {
    /// Grows with every fact that is stored.
    told: AtomicU64,
    read: Mutex<Option<Arc<ReadFacts>>>,
}

/// Facts of pipelines since some time, newest first.
#[derive(Debug)]
struct ReadFacts {
    told: u64,
    since: i64,
    /// Whether there were more than were read.
    cut: bool,
    times: Vec<i64>,
    facts: Vec<PipelineFact>,
}

/// Facts of pipelines within a span, newest first.
#[derive(Debug, Clone)]
pub struct Facts {
    all: Arc<ReadFacts>,
    part: Range<usize>,
}

/// Which facts some were, as long as anybody holds them.
#[derive(Debug, Clone)]
pub struct FactsMark(Weak<ReadFacts>, Range<usize>);

impl PartialEq for FactsMark {
    fn eq(&self, other: &Self) -> bool {
        self.0.ptr_eq(&other.0) && self.1 == other.1
    }
}

impl Facts {
    /// Which these are: what was made of the same ones need not be made again.
    pub fn mark(&self) -> FactsMark {
        FactsMark(Arc::downgrade(&self.all), self.part.clone())
    }
}

impl std::ops::Deref for Facts {
    type Target = [PipelineFact];

    fn deref(&self) -> &[PipelineFact] {
        self.all.facts.get(self.part.clone()).unwrap_or_default()
    }
}

impl KnownFacts {
    fn told(&self) -> u64 {
        self.told.load(Ordering::SeqCst)
    }

    /// What is known of a span, if that is all of it or as much as is wanted.
    fn of(&self, since: i64, until: i64, most: usize) -> Option<Facts> {
        let all = self.read.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
        if all.told != self.told() || all.since > since {
            return None;
        }
        let facts = all.within(since, until, most);
        // What lies before the oldest that was read is not known.
        (!facts.all.cut || facts.part.len() == most || facts.part.end < facts.all.facts.len())
            .then_some(facts)
    }
}

impl ReadFacts {
    fn within(self: Arc<Self>, since: i64, until: i64, most: usize) -> Facts {
        let begin = self.times.partition_point(|at| *at >= until);
        let end = self.times.partition_point(|at| *at >= since);
        Facts { part: begin..end.max(begin).min(begin.saturating_add(most)), all: self }
    }
}

impl Store {
    /// The newest facts of pipelines within a span, newest first, at most so many. They are read from the file once for as long as nothing is told.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn facts(
        &self,
        (since, until): (Timestamp, Timestamp),
        most: usize,
    ) -> Result<Facts, StoreError> {
        let (since, until) = (micros(since), micros(until));
        let known = self.known_facts();
        if let Some(facts) = known.of(since, until, most) {
            return Ok(facts);
        }
        let told = known.told();
        self.read("read facts of pipelines", move |session| {
            let mut statement = session.conn.prepare_cached(
                "SELECT at, body FROM pipeline_fact WHERE at >= ?1 AND at < ?2 ORDER BY at DESC LIMIT ?3",
            )?;
            // The newest are kept, whatever is asked for: the next one asks for those.
            let newest = most.max(1);
            let mut read = |until: i64| -> Result<ReadFacts, Fault> {
                let (mut times, mut facts) = (Vec::new(), Vec::new());
                let mut rows = statement.query(params![since, until, sql_count(newest)])?;
                while let Some(row) = rows.next()? {
                    times.push(row.get(0)?);
                    let body = row.get_ref(1)?.as_str().map_err(|e| Fault::unreadable("a fact", e))?;
                    facts.push(from_json("a pipeline fact", body)?);
                }
                let cut = facts.len() >= newest;
                Ok(ReadFacts { told, since, cut, times, facts })
            };
            let all = Arc::new(read(i64::MAX)?);
            *known.read.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&all));
            if let Some(facts) = known.of(since, until, most) {
                return Ok(facts);
            }
            Ok(Arc::new(read(until)?).within(since, until, most))
        })
        .await
    }

    /// Keeps a fact of a pipeline, or adds to the one with the same id; gives it as it stands now.
    ///
    /// # Errors
    /// When it could not be stored.
    pub async fn record_pipeline(
        &self,
        fact: PipelineFact,
        now: Timestamp,
    ) -> Result<PipelineFact, StoreError> {
        let (known, own) = (self.known_facts(), self.known_facts());
        let kept = self.write("record a fact of a pipeline", move |session| {
            // Also where nobody waits for the end of this: whoever tells it may have hung up.
            own.told.fetch_add(1, Ordering::SeqCst);
            let conn = &session.conn;
            let fact = match body(conn, "pipeline_fact", &fact.id)? {
                Some(body) => from_json::<PipelineFact>("a pipeline fact", &body)?.and(fact),
                None => fact,
            };
            conn.prepare_cached(
                "INSERT INTO pipeline_fact (id, kind, service, environment, at, finished_at, body)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                 ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, service = excluded.service,
                     environment = excluded.environment, at = excluded.at,
                     finished_at = excluded.finished_at, body = excluded.body",
            )?
            .execute(params![
                fact.id,
                fact.kind.as_str(),
                fact.service.as_ref().map(|s| s.as_str()),
                fact.environment.as_ref().map(|e| e.as_str()),
                micros(fact.at().unwrap_or(now)),
                fact.finished_at.map(micros),
                to_json("a pipeline fact", &fact)?,
            ])?;
            Ok(fact)
        });
        let kept = kept.await;
        known.told.fetch_add(1, Ordering::SeqCst);
        kept
    }

    /// Keeps an incident, or adds to the one with the same id; gives it as it stands now.
    ///
    /// # Errors
    /// When it could not be stored.
    pub async fn record_incident(
        &self,
        fact: IncidentFact,
        now: Timestamp,
    ) -> Result<IncidentFact, StoreError> {
        self.write("record an incident", move |session| {
            let conn = &session.conn;
            let fact = match body(conn, "incident_fact", &fact.id)? {
                Some(body) => from_json::<IncidentFact>("an incident", &body)?.and(fact),
                None => fact,
            };
            conn.prepare_cached(
                "INSERT INTO incident_fact (id, service, environment, at, resolved_at, body)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT (id) DO UPDATE SET service = excluded.service,
                     environment = excluded.environment, at = excluded.at,
                     resolved_at = excluded.resolved_at, body = excluded.body",
            )?
            .execute(params![
                fact.id,
                fact.service.as_ref().map(|s| s.as_str()),
                fact.environment.as_ref().map(|e| e.as_str()),
                micros(fact.detected_at.or(fact.resolved_at).unwrap_or(now)),
                fact.resolved_at.map(micros),
                to_json("an incident", &fact)?,
            ])?;
            Ok(fact)
        })
        .await
    }

    /// Facts of pipelines, newest first.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn pipeline_facts(
        &self,
        filter: FactFilter,
    ) -> Result<Vec<PipelineFact>, StoreError> {
        self.read("read facts of pipelines", move |session| {
            rows(&session.conn, "pipeline_fact", &filter)?
                .iter()
                .map(|body| from_json("a pipeline fact", body))
                .collect()
        })
        .await
    }

    /// Incidents, newest first.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn incident_facts(
        &self,
        filter: FactFilter,
    ) -> Result<Vec<IncidentFact>, StoreError> {
        self.read("read incidents", move |session| {
            rows(&session.conn, "incident_fact", &filter)?
                .iter()
                .map(|body| from_json("an incident", body))
                .collect()
        })
        .await
    }
}

fn body(conn: &Connection, table: &'static str, id: &str) -> Result<Option<String>, Fault> {
    Ok(conn
        .prepare_cached(&format!("SELECT body FROM {table} WHERE id = ?1"))?
        .query_row([id], |r| r.get(0))
        .optional()?)
}

fn rows(conn: &Connection, table: &'static str, filter: &FactFilter) -> Result<Vec<String>, Fault> {
    let mut statement = conn.prepare_cached(&format!(
        "SELECT body FROM {table} WHERE at >= ?1 AND at < ?2 AND (?3 IS NULL OR service = ?3)
         ORDER BY at DESC LIMIT ?4"
    ))?;
    let rows = statement.query_map(
        params![
            filter.since.map_or(i64::MIN, micros),
            filter.until.map_or(i64::MAX, micros),
            filter.service.as_ref().map(ServiceName::as_str),
            sql_count(limit(filter.limit)),
        ],
        |r| r.get(0),
    )?;
    Ok(rows.collect::<Result<_, _>>()?)
}
