//! What was concluded, stored as one transaction with the messages it leads to; and the open watches.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::{
    changes::by_id,
    error::{Fault, StoreError},
    findings,
    handle::Store,
    notified::{self, ToldRecord},
    outbox::{self, NewMessage},
    session::{from_json, maybe_timestamp, micros, sql_count, timestamp, to_json},
};
use crate::model::{
    Change, ChangeId, Conclusion, EnvironmentName, Finding, JourneyName, LocationName, Metric,
    Part, ServiceName, Verdict,
};

/// Everything one judgement leads to. All of it is stored, or nothing: a crash cannot lose a message.
#[derive(Debug, Clone, Default)]
pub struct Conclusions {
    /// Verdicts; of each change, journey, environment, location, metric and part the latest stays.
    pub verdicts: Vec<Verdict>,
    /// Findings, opened or altered.
    pub findings: Vec<Finding>,
    /// Messages to send; one with a key that was there before is left out.
    pub messages: Vec<NewMessage>,
    /// What receivers were told last, as these messages have it.
    pub told: Vec<ToldRecord>,
    /// Watches opened, prolonged or closed.
    pub watches: Vec<WatchRecord>,
    /// All changes up to this `seq` were dealt with; stored with the watches they led to, so that a restart misses none.
    pub change_cursor: Option<i64>,
}

/// The watch of one change in one environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchRecord {
    /// The change.
    pub change: ChangeId,
    /// The environment.
    pub environment: EnvironmentName,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// It lasts at least until then.
    pub until: Timestamp,
    /// When it was closed; none while it is open.
    pub closed_at: Option<Timestamp>,
}

/// A change that is still watched somewhere.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenChange {
    /// The change.
    pub change: Change,
    /// Its open watches.
    pub watches: Vec<WatchRecord>,
}

/// A change whose watches are all over.
#[derive(Debug, Clone, PartialEq)]
pub struct ClosedChange {
    /// The change.
    pub change: Change,
    /// When the last of its watches was over.
    pub closed_at: Timestamp,
    /// Its verdicts.
    pub verdicts: Vec<Verdict>,
}

/// A verdict that became another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerdictChange {
    /// The journey.
    pub journey: JourneyName,
    /// The environment.
    pub environment: EnvironmentName,
    /// The location.
    pub location: LocationName,
    /// The metric.
    pub metric: Metric,
    /// The part of the journey.
    pub part: Part,
    /// When it was decided.
    pub at: Timestamp,
    /// What was concluded before, if anything.
    pub before: Option<Conclusion>,
    /// What was concluded then.
    pub after: Conclusion,
}

impl Store {
    /// Stores what was concluded, as one transaction.
    ///
    /// # Errors
    /// When nothing of it was stored.
    pub async fn conclude(&self, conclusions: Conclusions) -> Result<(), StoreError> {
        self.write("store conclusions", move |session| {
            let conn = &session.conn;
            conclusions.verdicts.iter().try_for_each(|v| write_verdict(conn, v))?;
            conclusions.findings.iter().try_for_each(|f| findings::write(conn, f))?;
            conclusions.messages.iter().try_for_each(|m| outbox::write(conn, m))?;
            conclusions.told.iter().try_for_each(|t| notified::write(conn, t))?;
            conclusions.watches.iter().try_for_each(|w| write_watch(conn, w))?;
            if let Some(seq) = conclusions.change_cursor {
                conn.prepare_cached(
                    "INSERT INTO tally (name, value) VALUES ('change_cursor', ?1)
                     ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)",
                )?
                .execute([seq])?;
            }
            Ok(())
        })
        .await
    }

    /// The verdicts that these findings of changes stand on, of those that have one.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn verdicts_behind(
        &self,
        findings: Vec<Finding>,
    ) -> Result<Vec<Verdict>, StoreError> {
        self.read("read verdicts", move |session| {
            findings.iter().filter_map(|f| behind(&session.conn, f).transpose()).collect()
        })
        .await
    }

    /// The verdicts of a change, by journey, environment, location, metric and part.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn verdicts(&self, change: &ChangeId) -> Result<Vec<Verdict>, StoreError> {
        let change = change.clone();
        self.read("read verdicts", move |session| of_change(&session.conn, &change)).await
    }

    /// How the verdicts of a change came about, in the order it happened.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn verdict_changes(
        &self,
        change: &ChangeId,
    ) -> Result<Vec<VerdictChange>, StoreError> {
        let change = change.clone();
        self.read("read the history of verdicts", move |session| {
            let mut statement = session.conn.prepare_cached(
                "SELECT journey, environment, location, metric, at, before, after, part FROM verdict_change
                 WHERE change = ?1 ORDER BY id",
            )?;
            let mut rows = statement.query([change.as_str()])?;
            let mut changes = Vec::new();
            while let Some(row) = rows.next()? {
                let conclusion = |text: String| {
                    text.parse::<Conclusion>().map_err(|e| Fault::unreadable("a verdict", e))
                };
                changes.push(VerdictChange {
                    journey: row.get::<_, String>(0)?.into(),
                    environment: row.get::<_, String>(1)?.into(),
                    location: row.get::<_, String>(2)?.into(),
                    metric: metric(&row.get::<_, String>(3)?)?,
                    at: timestamp(row.get(4)?)?,
                    before: row.get::<_, Option<String>>(5)?.map(conclusion).transpose()?,
                    after: conclusion(row.get(6)?)?,
                    part: part(&row.get::<_, String>(7)?)?,
                });
            }
            Ok(changes)
        })
        .await
    }

    /// The changes that are still watched somewhere, oldest first: what a restart goes on with. Changes nobody opened a
    /// watch for yet are found with [`Store::changes_since`] and [`Store::change_cursor`].
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn open_changes(&self) -> Result<Vec<OpenChange>, StoreError> {
        self.read("read open watches", |session| {
            let mut statement = session.conn.prepare_cached(
                "SELECT change, environment, opened_at, until, closed_at FROM watch
                 WHERE closed_at IS NULL ORDER BY change, environment",
            )?;
            let mut rows = statement.query([])?;
            let mut open: Vec<OpenChange> = Vec::new();
            while let Some(row) = rows.next()? {
                let watch = watch(row)?;
                match open.last_mut().filter(|o| o.change.id == watch.change) {
                    Some(last) => last.watches.push(watch),
                    // A watch without its change cannot be gone on with.
                    None => {
                        if let Some(change) = by_id(&session.conn, &watch.change)? {
                            open.push(OpenChange { change, watches: vec![watch] });
                        }
                    }
                }
            }
            open.sort_by_key(|o| o.change.started_at);
            Ok(open)
        })
        .await
    }

    /// The changes whose watches are all over, the last of them at `since` or later; of one service, or of all. Not more than `limit`,
    /// the last ones, but those that were over first stand first.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn closed_changes(
        &self,
        since: Timestamp,
        service: Option<&ServiceName>,
        limit: usize,
    ) -> Result<Vec<ClosedChange>, StoreError> {
        let service = service.cloned();
        self.read("read closed watches", move |session| {
            let mut statement = session.conn.prepare_cached(
                "SELECT change, max(closed_at) AS last FROM watch
                 WHERE ?2 IS NULL OR EXISTS (
                     SELECT 1 FROM change_service s WHERE s.change = watch.change AND s.service = ?2)
                 GROUP BY change HAVING count(*) = count(closed_at) AND last >= ?1
                 ORDER BY last DESC, change LIMIT ?3",
            )?;
            let service = service.as_ref().map(ServiceName::as_str);
            let mut rows = statement.query(params![micros(since), service, sql_count(limit)])?;
            let mut closed = Vec::new();
            while let Some(row) = rows.next()? {
                let id: ChangeId = row.get::<_, String>(0)?.into();
                // A watch without its change cannot be gone on with.
                if let Some(change) = by_id(&session.conn, &id)? {
                    let verdicts = of_change(&session.conn, &id)?;
                    closed.push(ClosedChange { change, closed_at: timestamp(row.get(1)?)?, verdicts });
                }
            }
            closed.reverse();
            Ok(closed)
        })
        .await
    }

    /// The watches of a change, open or closed.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn watches(&self, change: &ChangeId) -> Result<Vec<WatchRecord>, StoreError> {
        let change = change.clone();
        self.read("read watches", move |session| {
            let mut statement = session.conn.prepare_cached(
                "SELECT change, environment, opened_at, until, closed_at FROM watch
                 WHERE change = ?1 ORDER BY environment",
            )?;
            let mut rows = statement.query([change.as_str()])?;
            let mut watches = Vec::new();
            while let Some(row) = rows.next()? {
                watches.push(watch(row)?);
            }
            Ok(watches)
        })
        .await
    }
}

/// The verdict that a finding of a change stands on.
fn behind(conn: &Connection, finding: &Finding) -> Result<Option<Verdict>, Fault> {
    let Some(change) = &finding.change else { return Ok(None) };
    let body: Option<String> = conn
        .prepare_cached(
            "SELECT body FROM verdict WHERE change = ?1 AND journey = ?2 AND environment = ?3
                 AND location = ?4 AND metric = ?5 AND part = ?6",
        )?
        .query_row(
            params![
                change.as_str(),
                finding.journey.as_str(),
                finding.environment.as_str(),
                finding.location.as_str(),
                finding.metric.as_str(),
                column(&finding.part)?
            ],
            |r| r.get(0),
        )
        .optional()?;
    body.map(|body| from_json("a verdict", &body)).transpose()
}

fn of_change(conn: &Connection, change: &ChangeId) -> Result<Vec<Verdict>, Fault> {
    let mut statement = conn.prepare_cached(
        "SELECT body FROM verdict WHERE change = ?1 ORDER BY journey, environment, location, metric, part",
    )?;
    let rows = statement.query_map([change.as_str()], |r| r.get::<_, String>(0))?;
    rows.map(|body| from_json("a verdict", &body?)).collect()
}

fn watch(row: &rusqlite::Row<'_>) -> Result<WatchRecord, Fault> {
    Ok(WatchRecord {
        change: row.get::<_, String>(0)?.into(),
        environment: row.get::<_, String>(1)?.into(),
        opened_at: timestamp(row.get(2)?)?,
        until: timestamp(row.get(3)?)?,
        closed_at: maybe_timestamp(row.get(4)?)?,
    })
}

fn metric(text: &str) -> Result<Metric, Fault> {
    match text {
        "latency" => Ok(Metric::Latency),
        "success" => Ok(Metric::Success),
        "measure" => Ok(Metric::Measure),
        other => Err(Fault::unreadable("a verdict", format!("its metric is `{other}`"))),
    }
}

/// A part as it stands in its column.
fn part(text: &str) -> Result<Part, Fault> {
    if text.is_empty() { Ok(Part::Whole) } else { from_json("a part", text) }
}

fn column(part: &Part) -> Result<String, Fault> {
    if part.is_whole() { Ok(String::new()) } else { to_json("a part", part) }
}

fn write_verdict(conn: &Connection, verdict: &Verdict) -> Result<(), Fault> {
    let verdict = finite(verdict);
    let (journey, environment) = (verdict.journey.as_str(), verdict.environment.as_str());
    let (location, metric) = (verdict.location.as_str(), verdict.metric.as_str());
    let part = column(&verdict.part)?;
    let key = params![verdict.change.as_str(), journey, environment, location, metric, part];
    let before: Option<(String, i64)> = conn
        .prepare_cached(
            "SELECT conclusion, decided_at FROM verdict
             WHERE change = ?1 AND journey = ?2 AND environment = ?3 AND location = ?4 AND metric = ?5
                 AND part = ?6",
        )?
        .query_row(key, |r| Ok((r.get(0)?, r.get(1)?)))
        .optional()?;
    let at = micros(verdict.decided_at);
    if before.as_ref().is_some_and(|(_, decided_at)| *decided_at > at) {
        return Ok(());
    }
    let after = verdict.conclusion.as_str();
    let before = before.map(|(conclusion, _)| conclusion);
    if before.as_deref() != Some(after) {
        conn.prepare_cached(
            "INSERT INTO verdict_change (change, journey, environment, location, metric, at, before, after, part)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute(params![
            verdict.change.as_str(),
            journey,
            environment,
            location,
            metric,
            at,
            before,
            after,
            part
        ])?;
    }
    conn.prepare_cached(
        "INSERT INTO verdict (change, journey, environment, location, metric, conclusion, decided_at, body, part)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
         ON CONFLICT (change, journey, environment, location, metric, part) DO UPDATE SET
             conclusion = excluded.conclusion, decided_at = excluded.decided_at, body = excluded.body",
    )?
    .execute(params![
        verdict.change.as_str(),
        journey,
        environment,
        location,
        metric,
        after,
        at,
        to_json("a verdict", &verdict)?,
        part
    ])?;
    Ok(())
}

/// A verdict that JSON can hold: it has no infinite numbers, and one would make the whole row unreadable.
fn finite(verdict: &Verdict) -> Verdict {
    let mut verdict = verdict.clone();
    verdict.effect = verdict
        .effect
        .filter(|e| e.estimate.is_finite() && e.low.is_finite() && e.high.is_finite());
    verdict.candidates.retain(|c| c.probability.is_finite());
    verdict
}

fn write_watch(conn: &Connection, watch: &WatchRecord) -> Result<(), Fault> {
    conn.prepare_cached(
        "INSERT INTO watch (change, environment, opened_at, until, closed_at) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (change, environment) DO UPDATE SET
             opened_at = min(opened_at, excluded.opened_at), until = excluded.until,
             closed_at = excluded.closed_at",
    )?
    .execute(params![
        watch.change.as_str(),
        watch.environment.as_str(),
        micros(watch.opened_at),
        micros(watch.until),
        watch.closed_at.map(micros)
    ])?;
    Ok(())
}
