//! How verdicts stood the test of people.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::params;

use super::{error::StoreError, handle::Store, session::micros};
use crate::model::{Conclusion, DismissalReason, FindingKind, FindingState};

/// Changes whose watches ended, and what came of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Judged {
    /// Changes that were judged: every watch of theirs has ended, and a journey had a verdict.
    pub changes: u64,
    /// Those of them with a journey, or a part of one, that is `regressed`.
    pub regressed: u64,
    /// `regressed` findings of them that people dismissed as false.
    pub dismissed: u64,
}

/// The changes whose last watch ended at `?1` or later, and that had a verdict.
const ENDED: &str = "
    WITH ended AS (
        SELECT change FROM watch GROUP BY change
        HAVING count(*) = count(closed_at) AND max(closed_at) >= ?1
    ), judged AS (
        SELECT change FROM ended WHERE EXISTS (SELECT 1 FROM verdict WHERE verdict.change = ended.change)
    )";

impl Store {
    /// The changes whose last watch ended at `since` or later.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn judged(&self, since: Timestamp) -> Result<Judged, StoreError> {
        self.read("count judged changes", move |session| {
            let sql = format!(
                "{ENDED} SELECT
                     (SELECT count(*) FROM judged),
                     (SELECT count(*) FROM judged WHERE EXISTS (
                         SELECT 1 FROM verdict WHERE verdict.change = judged.change AND conclusion = ?2)),
                     (SELECT count(*) FROM finding JOIN judged ON finding.change = judged.change
                         WHERE finding.state = ?3 AND finding.kind = ?4
                         AND json_extract(finding.body, '$.dismissal.reason') = ?5)"
            );
            let words = params![
                micros(since),
                Conclusion::Regressed.as_str(),
                FindingState::Dismissed.as_str(),
                FindingKind::Regressed.as_str(),
                DismissalReason::FalseAlarm.as_str(),
            ];
            let count = |n: i64| n.max(0).unsigned_abs();
            Ok(session.conn.prepare_cached(&sql)?.query_row(words, |r| {
                Ok(Judged {
                    changes: count(r.get(0)?),
                    regressed: count(r.get(1)?),
                    dismissed: count(r.get(2)?),
                })
            })?)
        })
        .await
    }

    /// How many findings that were blamed on a change people ever dismissed, by reason.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn dismissals(&self) -> Result<BTreeMap<DismissalReason, u64>, StoreError> {
        self.read("count dismissals", |session| {
            let mut statement = session.conn.prepare_cached(
                "SELECT count(*) FROM finding WHERE state = ?1 AND change IS NOT NULL
                 AND json_extract(body, '$.dismissal.reason') = ?2",
            )?;
            let state = FindingState::Dismissed.as_str();
            let mut counts = BTreeMap::new();
            for reason in DismissalReason::ALL {
                let count: i64 =
                    statement.query_row(params![state, reason.as_str()], |r| r.get(0))?;
                counts.insert(*reason, count.max(0).unsigned_abs());
            }
            Ok(counts)
        })
        .await
    }
}
