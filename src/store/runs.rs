//! Runs: written in batches, read as points of a series, as a page of a list, or one by one.

use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::{
    error::{Fault, StoreError},
    evidence,
    filter::{RunFilter, RunResult, limit},
    handle::Store,
    names::{ReadRevision, series_id},
    record::{self, Head, Layouts},
    rollup::Additions,
    session::{Session, micros, sql_count, timestamp},
    state::add_to_tally,
    witness,
};
use crate::model::{Probe, Run, RunId, SeriesKey};

/// Has SQLite take the index of runs that did not pass.
const NOT_PASSED: &str = "INDEXED BY run_not_passed";
/// How far the time in a run's id may be from its beginning, in microseconds, for it to be found by it.
const NEAR: i64 = 60_000_000;

impl Store {
    /// Stores runs, and adds them to their roll-ups, as one transaction: when this returns they are on disk. A run that is
    /// there already is left as it is. Gives the number of those that were new.
    ///
    /// # Errors
    /// When nothing was stored: the file is locked, full, damaged or open for reading only.
    pub async fn record_runs(&self, runs: Vec<Arc<Run>>) -> Result<usize, StoreError> {
        let times: Arc<[_]> = runs.iter().map(|run| run.started_at).collect();
        let (stretches, of_them) = (self.stretches(), Arc::clone(&times));
        let recorded = self
            .write("record runs", move |session| {
                // Also where nobody waits for the end of this.
                stretches.forget(&of_them);
                let mut additions = Additions::default();
                let mut new = 0;
                for run in &runs {
                    new += usize::from(insert(session, run, &mut additions)?);
                }
                additions.write(&session.conn)?;
                add_to_tally(&session.conn, "runs", sql_count(new))?;
                Ok(new)
            })
            .await;
        // Whoever reads from now on finds them; what was read before is not all of it.
        self.stretches().forget(&times);
        recorded
    }

    /// The runs of a series that began in `from..to`, as the correlation sees them, in the order of time; without the times of
    /// their parts.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn probes(
        &self,
        series: &SeriesKey,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<Probe>, StoreError> {
        self.probes_with_parts(series, (from, to), Timestamp::MAX).await
    }

    /// As [`Store::probes`] (the runs that began in `from..to`); those since `parts_from` with the times of their parts.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn probes_with_parts(
        &self,
        series: &SeriesKey,
        (from, to): (Timestamp, Timestamp),
        parts_from: Timestamp,
    ) -> Result<Vec<Probe>, StoreError> {
        let series = series.clone();
        self.read("read a series", move |session| {
            let Some(id) = series_id(&session.conn, &series)? else { return Ok(Vec::new()) };
            let Session { conn, known, .. } = session;
            let mut statement = conn.prepare_cached(
                "SELECT at, record FROM run WHERE series = ?1 AND at >= ?2 AND at < ?3 ORDER BY at, id",
            )?;
            let mut rows = statement.query(params![id, micros(from), micros(to)])?;
            let mut probes = Vec::new();
            // Runs of one revision follow each other by the thousand.
            let mut last: Option<(i64, Arc<ReadRevision>)> = None;
            let mut layouts = Layouts::default();
            while let Some(row) = rows.next()? {
                let at = timestamp(row.get(0)?)?;
                let record = row.get_ref(1)?.as_blob().map_err(|e| Fault::unreadable("a run", e))?;
                let head = Head::read(record)?;
                let number = head.revision;
                let revision = match last.take().filter(|(id, _)| *id == number) {
                    Some((_, revision)) => revision,
                    None => known.revision(conn, number, false)?,
                };
                let mut of = |head, revision: &ReadRevision| {
                    let layouts = (at >= parts_from).then_some(&mut layouts);
                    record::probe(head, at, revision, layouts)
                };
                probes.push(match of(head.clone(), &revision) {
                    Ok(probe) => probe,
                    // Perhaps a text came since the revision was looked up.
                    Err(_) => of(head, &*known.revision(conn, number, true)?)?,
                });
                last = Some((number, revision));
            }
            Ok(probes)
        })
        .await
    }

    /// Runs, newest first, without their evidence.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn runs(&self, filter: RunFilter) -> Result<Vec<Run>, StoreError> {
        self.read("read runs", move |session| {
            let (mut found, most) = (Vec::new(), limit(filter.limit));
            let mut filter = filter;
            for (id, key) in session.known.series(&session.conn)?.iter() {
                let wanted = filter.journey.as_ref().is_none_or(|j| *j == key.journey)
                    && filter.environment.as_ref().is_none_or(|e| *e == key.environment)
                    && filter.location.as_ref().is_none_or(|l| *l == key.location);
                if wanted {
                    let key = Arc::new(key.clone());
                    found.extend(
                        page(session, *id, &filter)?.into_iter().map(|row| (row, Arc::clone(&key))),
                    );
                    found.sort_by_key(|(row, _): &(Row, _)| std::cmp::Reverse((row.at, row.id)));
                    found.truncate(most);
                    // Of the series to come only what is as new as the oldest of these can be among them.
                    if let Some((oldest, _)) = found.get(most.saturating_sub(1)) {
                        filter.from = filter.from.max(Some(timestamp(oldest.at)?));
                    }
                }
            }
            found.iter().map(|(row, key)| decode(session, row, key)).collect()
        })
        .await
    }

    /// One run with its evidence, where that is still kept.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn run(&self, id: &RunId) -> Result<Option<Run>, StoreError> {
        let id = *id;
        self.read("read a run", move |session| {
            let Some((row, key)) = find(session, id)? else { return Ok(None) };
            let mut run = decode(session, &row, &key)?;
            let kept: Option<String> = session
                .conn
                .prepare_cached("SELECT body FROM evidence WHERE run = ?1")?
                .query_row([id.0.as_bytes().as_slice()], |r| r.get(0))
                .optional()?;
            run.evidence = kept.as_deref().map(evidence::decode).transpose()?;
            Ok(Some(run))
        })
        .await
    }

    /// All series that ever had a run, by name.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn series(&self) -> Result<Vec<SeriesKey>, StoreError> {
        self.read("read the series", |session| {
            Ok(session.known.series(&session.conn)?.iter().map(|(_, key)| key.clone()).collect())
        })
        .await
    }

    /// The newest run of each series, for the metrics after a restart.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn latest_runs(&self) -> Result<Vec<Run>, StoreError> {
        self.read("read the latest runs", |session| {
            let filter = RunFilter { limit: 1, ..RunFilter::default() };
            let mut runs = Vec::new();
            for (id, key) in session.known.series(&session.conn)?.iter() {
                for row in page(session, *id, &filter)? {
                    runs.push(decode(session, &row, key)?);
                }
            }
            Ok(runs)
        })
        .await
    }
}

/// Writes one run; false when it is there already.
fn insert(session: &mut Session, run: &Run, additions: &mut Additions) -> Result<bool, Fault> {
    let Session { conn, interned, .. } = session;
    let at = micros(run.started_at);
    let id = run.id.0.as_bytes().as_slice();
    let series = interned.series(conn, run.series())?;
    let deployed = interned.deployed(conn, &run.deployed)?;
    let revision = interned.revision(conn, run, at)?;
    let record = record::encode(run, revision.id, deployed, &mut revision.dictionary);
    for (number, text) in revision.dictionary.take_fresh() {
        conn.prepare_cached("INSERT INTO phrase (revision, number, text) VALUES (?1, ?2, ?3)")?
            .execute(params![revision.id, number, text])?;
    }
    let result = match run.outcome.label() {
        "passed" => RunResult::Passed,
        "failed" => RunResult::Failed,
        _ => RunResult::Broken,
    };
    let new = conn
        .prepare_cached(
            "INSERT INTO run (series, at, id, result, record) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO NOTHING",
        )?
        .execute(params![series, at, stored_id(&run.id, at), result.code(), record])?
        > 0;
    if !new {
        return Ok(false);
    }
    if !near(run.id, at) {
        conn.prepare_cached(
            "INSERT OR REPLACE INTO run_elsewhere (id, series, at) VALUES (?1, ?2, ?3)",
        )?
        .execute(params![id, series, at])?;
    }
    witness::insert(conn, run, series)?;
    additions.add(series, at, deployed, run);
    Ok(true)
}

/// The time in an id, in microseconds.
fn id_time(id: RunId) -> Option<i64> {
    i64::try_from(id.timestamp_ms()?).ok()?.checked_mul(1000)
}

/// The milliseconds an id of version 7 begins with (RFC 9562, section 5.7): its first six bytes.
fn id_head(at: i64) -> [u8; 6] {
    let [_, _, head @ ..] = at.div_euclid(1000).to_be_bytes();
    head
}

/// An id as it stands in the run table: without its milliseconds where these are those of `at`, which stands beside it.
fn stored_id(id: &RunId, at: i64) -> &[u8] {
    let bytes = id.0.as_bytes();
    bytes.strip_prefix(&id_head(at)).unwrap_or(bytes)
}

/// The id that stands in the run table beside `at`.
pub(super) fn whole_id(stored: &[u8], at: i64) -> Option<RunId> {
    let mut bytes = [0; 16];
    match stored.len() {
        16 => bytes.copy_from_slice(stored),
        10 => {
            let (head, tail) = bytes.split_at_mut(6);
            head.copy_from_slice(&id_head(at));
            tail.copy_from_slice(stored);
        }
        _ => return None,
    }
    Some(RunId(uuid::Uuid::from_bytes(bytes)))
}

fn near(id: RunId, at: i64) -> bool {
    id_time(id).is_some_and(|time| at.abs_diff(time) <= NEAR.unsigned_abs())
}

/// A row of the run table.
struct Row {
    at: i64,
    id: RunId,
    record: Vec<u8>,
}

/// The newest rows of a series that a filter wants.
fn page(session: &Session, series: i64, filter: &RunFilter) -> Result<Vec<Row>, Fault> {
    // Few runs fail: the small index holds only those. It must be named, the planner thinks the table is as good.
    let (index, wanted) = match filter.result {
        None => ("", ""),
        Some(RunResult::Passed) => ("", "AND result = 0"),
        Some(RunResult::Failed) => (NOT_PASSED, "AND result > 0 AND result = 1"),
        Some(RunResult::Broken) => (NOT_PASSED, "AND result > 0 AND result = 2"),
    };
    let sql = format!(
        "SELECT at, id, record FROM run {index} WHERE series = ?1 AND at >= ?2 AND at < ?3 {wanted}
         ORDER BY at DESC, id DESC LIMIT ?4"
    );
    let from = filter.from.map_or(i64::MIN, micros);
    let to = filter.to.map_or(i64::MAX, micros);
    let mut statement = session.conn.prepare_cached(&sql)?;
    let mut rows = statement.query(params![series, from, to, sql_count(limit(filter.limit))])?;
    let mut page = Vec::new();
    while let Some(next) = rows.next()? {
        page.push(row(next)?);
    }
    Ok(page)
}

fn row(row: &rusqlite::Row<'_>) -> Result<Row, Fault> {
    let at = row.get(0)?;
    let stored = row.get_ref(1)?.as_blob().map_err(|e| Fault::unreadable("a run", e))?;
    let id = whole_id(stored, at).ok_or_else(|| Fault::unreadable("a run", "its id is damaged"))?;
    Ok(Row { at, id, record: row.get(2)? })
}

/// Looks for a run: at the time in its id in every series, or where it was noted that this would not find it.
fn find(session: &mut Session, id: RunId) -> Result<Option<(Row, SeriesKey)>, Fault> {
    let bytes = id.0.as_bytes().as_slice();
    let noted: Option<(i64, i64)> = session
        .conn
        .prepare_cached("SELECT series, at FROM run_elsewhere WHERE id = ?1")?
        .query_row([bytes], |r| Ok((r.get(0)?, r.get(1)?)))
        .optional()?;
    let all = session.known.series(&session.conn)?;
    let (only, from, to) = match (noted, id_time(id)) {
        (Some((series, at)), _) => (Some(series), at, at),
        (None, Some(time)) => (None, time.saturating_sub(NEAR), time.saturating_add(NEAR)),
        (None, None) => return Ok(None),
    };
    let mut statement = session.conn.prepare_cached(
        "SELECT at, id, record FROM run WHERE series = ?1 AND at BETWEEN ?2 AND ?3 AND id IN (?4, ?5)",
    )?;
    for (series, key) in all.iter() {
        if only.is_none_or(|s| s == *series) {
            let mut rows = statement.query(params![series, from, to, bytes, &bytes[6..]])?;
            while let Some(next) = rows.next()? {
                let found = row(next)?;
                if found.id == id {
                    return Ok(Some((found, key.clone())));
                }
            }
        }
    }
    Ok(None)
}

fn decode(session: &mut Session, row: &Row, series: &SeriesKey) -> Result<Run, Fault> {
    let Session { conn, known, .. } = session;
    let head = Head::read(&row.record)?;
    let deployed = known.deployed(conn, head.deployed)?;
    let key = (row.id, timestamp(row.at)?, series);
    let revision = known.revision(conn, head.revision, false)?;
    match record::run(head.clone(), key, &revision, &deployed) {
        Ok(run) => Ok(run),
        // Perhaps a text came since the revision was looked up.
        Err(_) => {
            let revision = known.revision(conn, head.revision, true)?;
            record::run(head, key, &revision, &deployed)
                .map_err(|_| Fault::unreadable(format!("run {}", row.id), "it is damaged"))
        }
    }
}
