//! The change log.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::{
    error::{Fault, StoreError},
    filter::{ChangeFilter, limit},
    handle::Store,
    merge::Told,
    session::{from_json, micros, sql_count, to_json},
    state::{add_to_tally, tally},
    told::{self, Telling, Voice},
};
use crate::model::{Change, ChangeId, ChangeState, Deployment, EnvironmentName, ServiceName};

/// What came of logging a change.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// The change as it stands now, after everything told about it so far.
    pub change: Change,
    /// Whether it was new.
    pub outcome: RecordOutcome,
    /// Its place in the order of alterations.
    pub seq: i64,
}

/// Whether a change was new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordOutcome {
    /// Never heard of before.
    New,
    /// Known, and more is known now.
    Merged,
    /// Known, and nothing new was said.
    Same,
}

impl Store {
    /// Logs a change, or adds to one with the same id: start and finish may come as two calls, in any order, and each as
    /// often as its sender likes. The earliest start stays, the first end ends it, a later call fills what is missing.
    ///
    /// # Errors
    /// When it could not be stored.
    pub async fn record_change(&self, change: Change) -> Result<Recorded, StoreError> {
        self.record_telling(change.into()).await
    }

    /// Logs what one sender tells of a change. Others may tell of the same one under other ids: those that touch the same services
    /// and environments, with the same version or commit, within half an hour, are one change. It keeps the id under which it was
    /// told first, and answers to all of them.
    ///
    /// # Errors
    /// When it could not be stored.
    pub async fn record_telling(&self, telling: Telling) -> Result<Recorded, StoreError> {
        self.write("record a change", move |session| told::record(&session.conn, telling)).await
    }

    /// Who told what of a change, oldest telling first.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn voices(&self, id: &ChangeId) -> Result<Vec<Voice>, StoreError> {
        let id = id.clone();
        self.read("read who told of a change", move |session| {
            let change = told::change_of(&session.conn, id.as_str())?;
            told::voices(&session.conn, change.as_deref().unwrap_or(id.as_str()))
        })
        .await
    }

    /// The changes that turned out to be others after `seq`: the place in that order, the id that is gone, and the one it went into.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn absorbed_since(
        &self,
        seq: i64,
    ) -> Result<Vec<(i64, ChangeId, ChangeId)>, StoreError> {
        self.read("read absorbed changes", move |session| {
            let mut statement = session.conn.prepare_cached(
                "SELECT seq, id, into_change FROM absorbed WHERE seq > ?1 ORDER BY seq",
            )?;
            let rows = statement.query_map([seq], |r| {
                let (id, heir): (String, String) = (r.get(1)?, r.get(2)?);
                Ok((r.get(0)?, ChangeId::from(id), ChangeId::from(heir)))
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// All changes that were altered after `seq`, each once, in the order of their last alteration, each with its place
    /// in that order: also those that another process recorded.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn changes_since(&self, seq: i64) -> Result<Vec<(i64, Change)>, StoreError> {
        self.read("read changes", move |session| {
            let mut statement = session
                .conn
                .prepare_cached("SELECT seq, body FROM change WHERE seq > ?1 ORDER BY seq")?;
            let mut rows = statement.query([seq])?;
            let mut changes = Vec::new();
            while let Some(row) = rows.next()? {
                changes.push((row.get(0)?, from_json("a change", &row.get::<_, String>(1)?)?));
            }
            Ok(changes)
        })
        .await
    }

    /// The `seq` up to which an agent has dealt with all changes (see [`super::Conclusions::change_cursor`]); 0 at first.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn change_cursor(&self) -> Result<i64, StoreError> {
        self.read("read the change cursor", |session| tally(&session.conn, "change_cursor")).await
    }

    /// One change, by its id or by one that another sender gave it.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn change(&self, id: &ChangeId) -> Result<Option<Change>, StoreError> {
        let id = id.clone();
        self.read("read a change", move |session| by_id(&session.conn, &id)).await
    }

    /// Changes, newest start first.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn changes(&self, filter: ChangeFilter) -> Result<Vec<Change>, StoreError> {
        self.read("read changes", move |session| {
            let mut statement = session.conn.prepare_cached(
                "SELECT body FROM change c
                 WHERE started_at >= ?1 AND started_at < ?2
                   AND (?3 IS NULL OR EXISTS (
                       SELECT 1 FROM change_service s WHERE s.change = c.id AND s.service = ?3))
                   AND (?4 IS NULL
                        OR EXISTS (SELECT 1 FROM change_environment e WHERE e.change = c.id AND e.environment = ?4)
                        OR NOT EXISTS (SELECT 1 FROM change_environment e WHERE e.change = c.id))
                 ORDER BY started_at DESC, seq DESC LIMIT ?5",
            )?;
            let rows = statement.query_map(
                params![
                    filter.since.map_or(i64::MIN, micros),
                    filter.until.map_or(i64::MAX, micros),
                    filter.service.as_ref().map(ServiceName::as_str),
                    filter.environment.as_ref().map(EnvironmentName::as_str),
                    sql_count(limit(filter.limit)),
                ],
                |r| r.get::<_, String>(0),
            )?;
            rows.map(|body| from_json("a change", &body?)).collect()
        })
        .await
    }

    /// The changes of a release, oldest start first.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn changes_of_release(&self, release: &str) -> Result<Vec<Change>, StoreError> {
        let release = release.to_owned();
        self.read("read a release", move |session| {
            let mut statement = session.conn.prepare_cached(
                "SELECT body FROM change WHERE json_extract(body, '$.release') = ?1 ORDER BY started_at, seq LIMIT 1000",
            )?;
            let rows = statement.query_map([release], |r| r.get::<_, String>(0))?;
            rows.map(|body| from_json("a change", &body?)).collect()
        })
        .await
    }

    /// What is deployed in an environment at a time: of each service the version of its newest finished deploy or
    /// rollback. A service whose newest one says neither version nor commit is left out: nobody knows.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn deployed(
        &self,
        environment: &EnvironmentName,
        at: Timestamp,
    ) -> Result<BTreeMap<ServiceName, Deployment>, StoreError> {
        let environment = environment.clone();
        self.read("read what is deployed", move |session| {
            // With max() the other columns are those of the row that has it
            // (https://www.sqlite.org/lang_select.html#bareagg).
            let mut statement = session.conn.prepare_cached(
                "SELECT s.service, c.body, max(c.finished_at) FROM change c
                 JOIN change_service s ON s.change = c.id
                 WHERE c.state = 'finished' AND c.kind IN ('deploy', 'rollback') AND c.finished_at <= ?2
                   AND (EXISTS (SELECT 1 FROM change_environment e WHERE e.change = c.id AND e.environment = ?1)
                        OR NOT EXISTS (SELECT 1 FROM change_environment e WHERE e.change = c.id))
                 GROUP BY s.service",
            )?;
            let mut rows = statement.query(params![environment.as_str(), micros(at)])?;
            let mut deployed = BTreeMap::new();
            while let Some(row) = rows.next()? {
                let service = ServiceName::from(row.get::<_, String>(0)?);
                let change: Change = from_json("a change", &row.get::<_, String>(1)?)?;
                if let Some(version) = change.deployed_version() {
                    let deployment = Deployment {
                        service: service.clone(),
                        version: version.to_owned(),
                        commit: change.commits.last().map(|c| c.id.clone()),
                        at: change.settled_at(),
                        change: change.id,
                    };
                    deployed.insert(service, deployment);
                }
            }
            Ok(deployed)
        })
        .await
    }
}

/// One change.
pub(super) fn by_id(conn: &Connection, id: &ChangeId) -> Result<Option<Change>, Fault> {
    let body: Option<String> = conn
        .prepare_cached("SELECT body FROM change WHERE id = ?1")?
        .query_row([id.as_str()], |r| r.get(0))
        .optional()?;
    let body = match (body, told::change_of(conn, id.as_str())?) {
        (None, Some(other)) if other != id.as_str() => conn
            .prepare_cached("SELECT body FROM change WHERE id = ?1")?
            .query_row([other], |r| r.get(0))
            .optional()?,
        (body, _) => body,
    };
    body.map(|body| from_json(&format!("change {id}"), &body)).transpose()
}

/// The next place in the order of alterations: never one that was given before, also where the change that had it is gone.
fn next_seq(conn: &Connection) -> Result<i64, Fault> {
    let newest: i64 = conn
        .prepare_cached("SELECT coalesce(max(seq), 0) FROM change")?
        .query_row([], |r| r.get(0))?;
    let given = tally(conn, "change_seq")?;
    let next = newest.max(given) + 1;
    add_to_tally(conn, "change_seq", next - given)?;
    Ok(next)
}

/// Writes a change; it gets a new place in the order of alterations unless it keeps one.
pub(super) fn write(conn: &Connection, told: &Told, keep: Option<i64>) -> Result<i64, Fault> {
    let change = &told.change;
    let id = change.id.as_str();
    let seq = match keep {
        Some(seq) => seq,
        None => next_seq(conn)?,
    };
    let state = match change.state {
        ChangeState::Started => "started",
        ChangeState::Finished => "finished",
        ChangeState::Failed => "failed",
    };
    conn.prepare_cached(
        "INSERT INTO change (seq, id, kind, state, started_at, finished_at, body, ranks)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT (id) DO UPDATE SET seq = excluded.seq, kind = excluded.kind, state = excluded.state,
             started_at = excluded.started_at, finished_at = excluded.finished_at, body = excluded.body,
             ranks = excluded.ranks",
    )?
    .execute(params![
        seq,
        id,
        change.kind.as_str(),
        state,
        micros(change.started_at),
        change.finished_at.map(micros),
        to_json("a change", change)?,
        to_json("a change", &told.ranks)?,
    ])?;
    conn.prepare_cached("DELETE FROM change_service WHERE change = ?1")?.execute([id])?;
    for service in &change.services {
        conn.prepare_cached(
            "INSERT OR IGNORE INTO change_service (change, service) VALUES (?1, ?2)",
        )?
        .execute([id, service.as_str()])?;
    }
    conn.prepare_cached("DELETE FROM change_environment WHERE change = ?1")?.execute([id])?;
    for environment in &change.environments {
        conn.prepare_cached(
            "INSERT OR IGNORE INTO change_environment (change, environment) VALUES (?1, ?2)",
        )?
        .execute([id, environment.as_str()])?;
    }
    Ok(seq)
}
