//! What others tell besides changes: facts of pipelines, and incidents.

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

impl Store {
    /// Keeps a fact of a pipeline, or adds to the one with the same id; gives it as it stands now.
    ///
    /// # Errors
    /// When it could not be stored.
    pub async fn record_pipeline(
        &self,
        fact: PipelineFact,
        now: Timestamp,
    ) -> Result<PipelineFact, StoreError> {
        self.write("record a fact of a pipeline", move |session| {
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
        })
        .await
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
