//! Forgetting what is too old, a little at a time.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::{
    error::{Fault, StoreError},
    handle::Store,
    names::all_series,
    rollup::LENGTH,
    session::{micros, sql_count},
    state::add_to_tally,
};
use crate::model::Retention;

/// What one call removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Runs.
    pub runs: u64,
    /// Evidence of runs.
    pub evidence: u64,
    /// Roll-ups.
    pub rollups: u64,
    /// Messages that were delivered or given up, as old as evidence may be.
    pub messages: u64,
    /// Bodies that came to hooks, as old as evidence may be.
    pub deliveries: u64,
    /// Whether there is more: the caller asks again, after letting others write.
    pub more: bool,
}

impl Store {
    /// Removes what is older than it may be, of each sort at most about `batch` rows, so that no write waits long.
    /// Changes, verdicts and findings stay.
    ///
    /// # Errors
    /// When nothing was removed.
    pub async fn prune(
        &self,
        now: Timestamp,
        retention: &Retention,
        batch: usize,
    ) -> Result<Pruned, StoreError> {
        let before = |keep: std::time::Duration| {
            micros(now).saturating_sub(i64::try_from(keep.as_micros()).unwrap_or(i64::MAX))
        };
        let (runs, evidence, rollups) =
            (before(retention.runs), before(retention.evidence), before(retention.rollups));
        let batch = batch.max(1);
        self.stretches().forget_before(rollups);
        self.write("prune", move |session| {
            let conn = &session.conn;
            let mut pruned = Pruned {
                runs: prune_series(conn, "run", runs, batch)?,
                rollups: prune_series(conn, "rollup", rollups.saturating_sub(LENGTH), batch)?,
                evidence: delete(
                    conn,
                    "DELETE FROM evidence WHERE run IN (SELECT run FROM evidence WHERE at < ?1 ORDER BY at LIMIT ?2)",
                    evidence,
                    batch,
                )?,
                messages: delete(
                    conn,
                    "DELETE FROM outbox WHERE id IN (SELECT id FROM outbox
                         WHERE state <> 'pending' AND settled_at < ?1 ORDER BY id LIMIT ?2)",
                    evidence,
                    batch,
                )?,
                deliveries: delete(
                    conn,
                    "DELETE FROM delivery WHERE id IN (SELECT id FROM delivery WHERE at < ?1 ORDER BY at LIMIT ?2)",
                    evidence,
                    batch,
                )?,
                more: false,
            };
            let full = batch as u64;
            delete(
                conn,
                "DELETE FROM notified WHERE (receiver, thread) IN (SELECT receiver, thread FROM notified
                     WHERE at < ?1 LIMIT ?2)",
                runs,
                batch,
            )?;
            // Figures of delivery look no further back than roll-ups do.
            for table in ["pipeline_fact", "incident_fact"] {
                delete(
                    conn,
                    &format!("DELETE FROM {table} WHERE id IN (SELECT id FROM {table} WHERE at < ?1 ORDER BY at LIMIT ?2)"),
                    rollups,
                    batch,
                )?;
            }
            let emptied =
                [pruned.runs, pruned.rollups, pruned.evidence, pruned.messages, pruned.deliveries];
            pruned.more = emptied.iter().any(|n| *n >= full);
            add_to_tally(conn, "runs", i64::try_from(pruned.runs).map_or(i64::MIN, |n| -n))?;
            if pruned.runs < full && prune_revisions(conn, runs)? {
                session.interned.forget();
            }
            Ok(pruned)
        })
        .await
    }
}

fn delete(conn: &Connection, sql: &str, before: i64, batch: usize) -> Result<u64, Fault> {
    Ok(conn.prepare_cached(sql)?.execute(params![before, sql_count(batch)])? as u64)
}

/// Removes the oldest rows of a table that is clustered by series and time: one range a series.
fn prune_series(
    conn: &Connection,
    table: &'static str,
    before: i64,
    batch: usize,
) -> Result<u64, Fault> {
    let mut find = conn.prepare_cached(&format!(
        "SELECT at FROM {table} WHERE series = ?1 AND at < ?2 ORDER BY at LIMIT 1 OFFSET ?3"
    ))?;
    let mut remove =
        conn.prepare_cached(&format!("DELETE FROM {table} WHERE series = ?1 AND at < ?2"))?;
    let mut removed = 0_usize;
    for (series, _) in all_series(conn)? {
        let room = batch.saturating_sub(removed);
        if room == 0 {
            break;
        }
        // Everything before the row after the last that may go; all of it where there is no such row. Rows of the very
        // same time as that one wait for the next call, unless they are all there is.
        let end: Option<i64> =
            find.query_row(params![series, before, sql_count(room)], |r| r.get(0)).optional()?;
        let mut gone = remove.execute(params![series, end.unwrap_or(before)])?;
        if let Some(end) = end.filter(|_| gone == 0) {
            gone = remove.execute(params![series, end.saturating_add(1)])?;
        }
        removed += gone;
    }
    Ok(removed as u64)
}

/// Removes revisions no run can be of any more, with their texts, and what pointed at runs that are gone.
fn prune_revisions(conn: &Connection, before: i64) -> Result<bool, Fault> {
    // The time of last use may lag behind by hours.
    const DAY: i64 = 86_400 * 1_000_000;
    let old = before.saturating_sub(DAY);
    conn.prepare_cached("DELETE FROM run_elsewhere WHERE at < ?1")?.execute([before])?;
    conn.prepare_cached(
        "DELETE FROM phrase WHERE revision IN (SELECT id FROM revision WHERE last_at < ?1)",
    )?
    .execute([old])?;
    Ok(conn.prepare_cached("DELETE FROM revision WHERE last_at < ?1")?.execute([old])? > 0)
}
