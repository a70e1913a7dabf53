//! Findings: trouble until it is over, and after.

use rusqlite::{Connection, OptionalExtension, params};

use super::{
    error::{Fault, StoreError},
    filter::{FindingFilter, limit},
    handle::Store,
    session::{from_json, micros, sql_count, to_json},
};
use crate::model::{
    ChangeId, EnvironmentName, Finding, FindingId, FindingKind, FindingState, JourneyName,
};

/// How many findings of one sort stand so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FindingCount {
    /// How they stand.
    pub state: FindingState,
    /// Of what sort they are.
    pub kind: FindingKind,
    /// How many.
    pub count: u64,
}

impl Store {
    /// Findings, newest first.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn findings(&self, filter: FindingFilter) -> Result<Vec<Finding>, StoreError> {
        self.read("read findings", move |session| {
            // What may be null keeps SQLite from using an index: only what is asked for stands there.
            let asked = [
                ("state = ?1", filter.state.is_some()),
                ("kind = ?2", filter.kind.is_some()),
                ("change = ?3", filter.change.is_some()),
                ("journey = ?4", filter.journey.is_some()),
                ("environment = ?5", filter.environment.is_some()),
            ];
            let asked: String =
                asked.iter().filter(|(_, is)| *is).map(|(sql, _)| format!(" AND {sql}")).collect();
            let mut statement = session.conn.prepare_cached(&format!(
                "SELECT body FROM finding WHERE ?6 >= 0{asked} ORDER BY opened_at DESC, id DESC LIMIT ?6"
            ))?;
            let rows = statement.query_map(
                params![
                    filter.state.map(FindingState::as_str),
                    filter.kind.map(FindingKind::as_str),
                    filter.change.as_ref().map(ChangeId::as_str),
                    filter.journey.as_ref().map(JourneyName::as_str),
                    filter.environment.as_ref().map(EnvironmentName::as_str),
                    sql_count(limit(filter.limit)),
                ],
                |r| r.get::<_, String>(0),
            )?;
            rows.map(|body| from_json("a finding", &body?)).collect()
        })
        .await
    }

    /// One finding.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn finding(&self, id: &FindingId) -> Result<Option<Finding>, StoreError> {
        let id = id.clone();
        self.read("read a finding", move |session| {
            let body: Option<String> = session
                .conn
                .prepare_cached("SELECT body FROM finding WHERE id = ?1")?
                .query_row([id.as_str()], |r| r.get(0))
                .optional()?;
            body.map(|body| from_json(&format!("finding {id}"), &body)).transpose()
        })
        .await
    }

    /// How many findings there are of each state and sort; none of those that never were.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn finding_counts(&self) -> Result<Vec<FindingCount>, StoreError> {
        self.read("count findings", |session| {
            let mut statement = session.conn.prepare_cached(
                "SELECT min(body), count(*) FROM finding GROUP BY state, kind ORDER BY state, kind",
            )?;
            let mut rows = statement.query([])?;
            let mut counts = Vec::new();
            while let Some(row) = rows.next()? {
                let one: Finding = from_json("a finding", &row.get::<_, String>(0)?)?;
                let count = row.get::<_, i64>(1)?.max(0).unsigned_abs();
                counts.push(FindingCount { state: one.state, kind: one.kind, count });
            }
            Ok(counts)
        })
        .await
    }
}

/// Stores a finding as it stands now.
pub(super) fn write(conn: &Connection, finding: &Finding) -> Result<(), Fault> {
    conn.prepare_cached(
        "INSERT INTO finding (id, state, kind, change, journey, environment, opened_at, updated_at, body)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
         ON CONFLICT (id) DO UPDATE SET state = excluded.state, kind = excluded.kind, change = excluded.change,
             journey = excluded.journey, environment = excluded.environment, opened_at = excluded.opened_at,
             updated_at = excluded.updated_at, body = excluded.body
         WHERE excluded.updated_at >= updated_at",
    )?
    .execute(params![
        finding.id.as_str(),
        finding.state.as_str(),
        finding.kind.as_str(),
        finding.change.as_ref().map(ChangeId::as_str),
        finding.journey.as_str(),
        finding.environment.as_str(),
        micros(finding.opened_at),
        micros(finding.updated_at),
        to_json("a finding", finding)?
    ])?;
    Ok(())
}

/// The findings of a change are those of another one from now on.
pub(super) fn hand_over(conn: &Connection, from: &str, to: &str) -> Result<(), Fault> {
    let bodies: Vec<String> = conn
        .prepare_cached("SELECT body FROM finding WHERE change = ?1")?
        .query_map([from], |r| r.get(0))?
        .collect::<Result<_, _>>()?;
    for body in bodies {
        let mut finding: Finding = from_json("a finding", &body)?;
        finding.change = Some(ChangeId::from(to));
        write(conn, &finding)?;
    }
    Ok(())
}
