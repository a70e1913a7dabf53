//! How changes stand, for a list of them: without the bodies of their verdicts, of which one change may have a thousand.

use rusqlite::{OptionalExtension, params};

use super::{
    error::{Fault, StoreError},
    handle::Store,
    session::{Session, from_json},
    state::tally,
};
use crate::model::{ChangeId, Conclusion, SeriesKey, Verdict};

/// How a change stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    /// The worst of what is concluded; none where no journey is watched.
    pub worst: Option<Conclusion>,
    /// Whether it is still being watched, or no agent has dealt with it yet.
    pub open: bool,
    /// Whether a person dismissed a finding of it: then its verdicts must be read to say what still counts.
    pub dismissed: bool,
}

impl Store {
    /// How each of these changes stands, in their order.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn standings(&self, changes: Vec<ChangeId>) -> Result<Vec<Standing>, StoreError> {
        self.read("read how changes stand", move |session| {
            let cursor = tally(&session.conn, "change_cursor")?;
            changes.iter().map(|id| standing(session, id, cursor)).collect()
        })
        .await
    }
}

fn standing(session: &Session, id: &ChangeId, cursor: i64) -> Result<Standing, Fault> {
    let there = |sql: &str| -> Result<bool, Fault> {
        let mut statement = session.conn.prepare_cached(sql)?;
        Ok(statement.exists([id.as_str()])?)
    };
    let mut open = there("SELECT 1 FROM watch WHERE change = ?1 AND closed_at IS NULL")?;
    if !open {
        let seq: Option<i64> = session
            .conn
            .prepare_cached("SELECT seq FROM change WHERE id = ?1")?
            .query_row([id.as_str()], |r| r.get(0))
            .optional()?;
        open = seq.is_some_and(|seq| seq > cursor);
    }
    let mut statement =
        session.conn.prepare_cached("SELECT DISTINCT conclusion FROM verdict WHERE change = ?1")?;
    let words = statement.query_map([id.as_str()], |r| r.get::<_, String>(0))?;
    let mut worst = None;
    for word in words {
        let conclusion = word?.parse().map_err(|e: String| Fault::unreadable("a verdict", e))?;
        worst = Conclusion::overall(worst.into_iter().chain([conclusion]));
    }
    let dismissed = there("SELECT 1 FROM finding WHERE change = ?1 AND state = 'dismissed'")?;
    Ok(Standing { worst, open, dismissed })
}

impl Store {
    /// The newest of these changes first: the verdict on the latency of the whole journey that one of them has for a series, where it knows what
    /// was before.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn baseline(
        &self,
        series: &SeriesKey,
        changes: Vec<ChangeId>,
    ) -> Result<Option<Verdict>, StoreError> {
        let series = series.clone();
        self.read("read a verdict", move |session| {
            let mut statement = session.conn.prepare_cached(
                "SELECT body FROM verdict WHERE change = ?1 AND journey = ?2 AND environment = ?3
                 AND location = ?4 AND metric = 'latency' AND part = ''",
            )?;
            for id in &changes {
                let wanted = params![
                    id.as_str(),
                    series.journey.as_str(),
                    series.environment.as_str(),
                    series.location.as_str()
                ];
                let body: Option<String> = statement.query_row(wanted, |r| r.get(0)).optional()?;
                let Some(body) = body else { continue };
                let verdict: Verdict = from_json("a verdict", &body)?;
                if verdict.before.p50_ms.is_some() {
                    return Ok(Some(verdict));
                }
            }
            Ok(None)
        })
        .await
    }
}
