//! Which exchanges are kept: of failed runs, and of the last good ones before them.
//!
//! A target that is down for an hour fails hundreds of times in the same way. Of failures alike (same series, step, kind, assertion and
//! status) the first is kept, one for every ten minutes after it, and the newest. After ten minutes without one, the next is a first one.
//! With each that stays comes the last good run before it, if its exchanges are known.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{
    error::{Fault, StoreError},
    evidence,
    handle::Store,
    names::series_id,
    session::{micros, sql_count, timestamp},
};
use crate::model::{KeptEvidence, Outcome, Run, RunId, SeriesKey, Witness};

/// How far apart the failures alike are that are kept, in microseconds.
const EVERY: i64 = 600 * 1_000_000;

/// A failure that the next one alike takes the place of.
const PASSING: i64 = 0;
/// A failure that stays.
const STAYING: i64 = 1;
/// A good run.
const GOOD: i64 = 2;

impl Store {
    /// Keeps the exchanges of good runs beside those of the failed runs named with them, where those stay.
    ///
    /// # Errors
    /// When nothing was stored.
    pub async fn record_good(&self, pairs: Vec<(RunId, Witness)>) -> Result<(), StoreError> {
        self.write("record a good run", move |session| {
            for (failed, good) in &pairs {
                let series: Option<i64> = session
                    .conn
                    .prepare_cached("SELECT series FROM evidence WHERE run = ?1 AND sort = ?2")?
                    .query_row(params![failed.0.as_bytes().as_slice(), STAYING], |r| r.get(0))
                    .optional()?
                    .flatten();
                if let Some(series) = series {
                    let row = New { series, signature: "", sort: GOOD };
                    add(&session.conn, good.run, micros(good.started_at), &row, &good.evidence)?;
                }
            }
            Ok(())
        })
        .await
    }

    /// What is kept of a failed run: its own exchanges or those of a run that failed like it, and those of the last good run before.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn evidence(&self, id: &RunId) -> Result<Option<KeptEvidence>, StoreError> {
        let Some(run) = self.run(id).await? else { return Ok(None) };
        self.read("read evidence", move |session| {
            let conn = &session.conn;
            let Some(series) = series_id(conn, &run.series())? else { return Ok(None) };
            let at = micros(run.started_at);
            let failing = match &run.evidence {
                Some(own) => Some(Witness {
                    run: run.id,
                    started_at: run.started_at,
                    evidence: own.clone(),
                }),
                None if matches!(run.outcome, Outcome::Failed(_)) => conn
                    .prepare_cached(
                        "SELECT run, at, body FROM evidence
                         WHERE series = ?1 AND signature = ?2 AND at BETWEEN ?3 - ?4 AND ?3 + ?4 AND sort <> ?5
                         ORDER BY at > ?3, abs(at - ?3) LIMIT 1",
                    )?
                    .query_row(params![series, signature(&run), at, EVERY, GOOD], columns)
                    .optional()?
                    .map(witness)
                    .transpose()?,
                None => None,
            };
            let Some(failing) = failing else { return Ok(None) };
            let last_good = good_before(conn, series, at)?;
            Ok(Some(KeptEvidence { failing, last_good }))
        })
        .await
    }

    /// The exchanges of the newest good run of a series before `before` that are kept.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn last_good(
        &self,
        series: &SeriesKey,
        before: Timestamp,
    ) -> Result<Option<Witness>, StoreError> {
        let series = series.clone();
        self.read("read a good run", move |session| match series_id(&session.conn, &series)? {
            Some(id) => good_before(&session.conn, id, micros(before)),
            None => Ok(None),
        })
        .await
    }

    /// Lets go of the oldest evidence, at most about `batch` rows, until no more than `most` bytes are left. Gives how many rows went, and
    /// whether there is still too much.
    ///
    /// # Errors
    /// When nothing was removed.
    pub async fn fit_evidence(&self, most: u64, batch: usize) -> Result<(u64, bool), StoreError> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        self.write("fit evidence", move |session| {
            let conn = &session.conn;
            let held = "SELECT value FROM tally WHERE name = 'evidence_bytes'";
            let held: i64 =
                conn.prepare_cached(held)?.query_row([], |r| r.get(0)).optional()?.unwrap_or(0);
            if held <= most {
                return Ok((0, false));
            }
            let (mut excess, mut oldest) = (held - most, Vec::new());
            let mut statement =
                conn.prepare_cached("SELECT run, bytes FROM evidence ORDER BY at LIMIT ?1")?;
            let mut rows = statement.query([sql_count(batch.max(1))])?;
            while let Some(row) = rows.next()?
                && excess > 0
            {
                oldest.push(row.get::<_, Vec<u8>>(0)?);
                excess -= row.get::<_, i64>(1)?;
            }
            for run in &oldest {
                conn.prepare_cached("DELETE FROM evidence WHERE run = ?1")?.execute([run])?;
            }
            Ok((oldest.len() as u64, excess > 0))
        })
        .await
    }
}

/// Keeps the evidence of a failed run that is new, in the place of what it makes superfluous.
pub(super) fn insert(conn: &Connection, run: &Run, series: i64) -> Result<(), Fault> {
    let Some(kept) = &run.evidence else { return Ok(()) };
    let (at, signature) = (micros(run.started_at), signature(run));
    let newest = |sort: &str| {
        conn.prepare_cached(&format!(
            "SELECT run, at, sort FROM evidence
             WHERE series = ?1 AND signature = ?2 AND at <= ?3 AND {sort} ORDER BY at DESC LIMIT 1"
        ))?
        .query_row(params![series, signature, at], |r| {
            Ok((r.get::<_, Vec<u8>>(0)?, r.get::<_, i64>(1)?, r.get::<_, i64>(2)?))
        })
        .optional()
    };
    let (before, stayed) = (newest("sort < 2")?, newest("sort = 1")?);
    let near = |at_before: i64| at - at_before < EVERY;
    let sort = if stayed.is_some_and(|(_, at, _)| near(at)) { PASSING } else { STAYING };
    if let Some((run, at, PASSING)) = before
        && near(at)
    {
        conn.prepare_cached("DELETE FROM evidence WHERE run = ?1")?.execute([run])?;
    }
    add(conn, run.id, at, &New { series, signature: &signature, sort }, kept)
}

/// What a row says of itself.
struct New<'a> {
    series: i64,
    signature: &'a str,
    sort: i64,
}

fn add(
    conn: &Connection,
    run: RunId,
    at: i64,
    new: &New<'_>,
    kept: &crate::model::Evidence,
) -> Result<(), Fault> {
    let body = evidence::encode(kept)?;
    conn.prepare_cached(
        "INSERT OR IGNORE INTO evidence (run, at, body, series, signature, sort, bytes)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute(params![
        run.0.as_bytes().as_slice(),
        at,
        body,
        new.series,
        new.signature,
        new.sort,
        sql_count(body.len())
    ])?;
    Ok(())
}

/// How a run failed, in so far as two failures are alike.
fn signature(run: &Run) -> String {
    let Outcome::Failed(failure) = &run.outcome else { return String::new() };
    let step = run.steps.iter().rfind(|step| step.name == failure.step);
    let status = step.and_then(|step| step.hops.last()).and_then(|hop| hop.status);
    let status = status.map_or_else(|| "-".to_owned(), |status| status.to_string());
    let check = failure.check.as_deref().unwrap_or_default();
    format!("{:?} {status} {} {check}", failure.kind, failure.step)
}

fn good_before(conn: &Connection, series: i64, at: i64) -> Result<Option<Witness>, Fault> {
    conn.prepare_cached(
        "SELECT run, at, body FROM evidence
         WHERE series = ?1 AND signature = '' AND at < ?2 AND sort = ?3 ORDER BY at DESC LIMIT 1",
    )?
    .query_row(params![series, at, GOOD], columns)
    .optional()?
    .map(witness)
    .transpose()
}

type Columns = (Vec<u8>, i64, String);

fn columns(row: &Row<'_>) -> rusqlite::Result<Columns> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
}

fn witness((run, at, body): Columns) -> Result<Witness, Fault> {
    let run = uuid::Uuid::from_slice(&run).map_err(|e| Fault::unreadable("evidence", e))?;
    Ok(Witness { run: RunId(run), started_at: timestamp(at)?, evidence: evidence::decode(&body)? })
}
