//! What is kept for the review of a change: answers of gates, and the messages that were sent of it.

use std::str::FromStr;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{
    error::{Fault, StoreError},
    handle::Store,
    outbox::{self, OutboxMessage},
    session::{micros, sql_count, timestamp},
};
use crate::model::{ChangeId, Conclusion, GateAnswer, GateStatus};

/// Most answers of gates that are kept of a change: the first one and the newest.
const MOST_ANSWERS: i64 = 60;
/// Longest reason that is kept of an answer, in bytes.
const REASON_BYTES: usize = 1 << 10;
/// Messages of a change that are read.
const MESSAGES: usize = 100;

/// Every id that the change `?1` ever had.
pub(super) const HEIRS: &str = "WITH RECURSIVE heir (id) AS
    (SELECT ?1 UNION SELECT absorbed.id FROM absorbed JOIN heir ON absorbed.into_change = heir.id)";

impl Store {
    /// Keeps what a gate answered, some time soon: nobody who asks a gate waits for it. The same answer to the same one is counted.
    ///
    /// # Errors
    /// The file is open for reading only, or closed.
    pub fn gate_answered(&self, answer: GateAnswer) -> Result<(), StoreError> {
        self.write_later("keep an answer", move |session| keep(&session.conn, &answer))
    }

    /// What gates answered of a change, oldest first.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn gate_answers(&self, change: &ChangeId) -> Result<Vec<GateAnswer>, StoreError> {
        let change = change.clone();
        self.read("read answers of gates", move |session| {
            let sql = format!(
                "{HEIRS} SELECT asked_by, via, status, verdict, reason, at, last_at, times FROM gate_answer
                 WHERE change IN (SELECT id FROM heir) ORDER BY id"
            );
            let mut statement = session.conn.prepare_cached(&sql)?;
            let mut rows = statement.query([change.as_str()])?;
            let mut answers = Vec::new();
            while let Some(row) = rows.next()? {
                answers.push(answer(&change, row)?);
            }
            Ok(answers)
        })
        .await
    }

    /// The messages that are kept of a change, oldest first: what people, logs of changes and forges were told of it. Rollbacks are elsewhere.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn messages_of(&self, change: &ChangeId) -> Result<Vec<OutboxMessage>, StoreError> {
        let change = change.clone();
        self.read("read the outbox", move |session| {
            let sql = format!(
                "{HEIRS} SELECT {} FROM outbox, heir WHERE outbox.thread IN ('change:' || heir.id, 'news:' || heir.id)
                     OR outbox.thread >= heir.id || '/' AND outbox.thread < heir.id || '0' AND outbox.receiver LIKE 'writeback:%'
                 ORDER BY outbox.id DESC LIMIT ?2",
                outbox::COLUMNS.replace("id, key", "outbox.id, key")
            );
            let mut statement = session.conn.prepare_cached(&sql)?;
            let rows = statement.query(params![change.as_str(), sql_count(MESSAGES)])?;
            let mut messages = outbox::collect(rows)?;
            messages.reverse();
            Ok(messages)
        })
        .await
    }
}

fn keep(conn: &Connection, answer: &GateAnswer) -> Result<(), Fault> {
    let verdict = answer.verdict.map(Conclusion::as_str);
    let reason = &answer.reason[..answer.reason.floor_char_boundary(REASON_BYTES)];
    let (change, status) = (answer.change.as_str(), answer.status.as_str());
    let last: Option<(i64, String, Option<String>)> = conn
        .prepare_cached(
            "SELECT id, status, verdict FROM gate_answer
             WHERE change = ?1 AND asked_by IS ?2 AND via = ?3 ORDER BY id DESC LIMIT 1",
        )?
        .query_row(params![change, answer.by, answer.via], |r| {
            Ok((r.get(0)?, r.get(1)?, r.get(2)?))
        })
        .optional()?;
    if let Some((id, _, _)) =
        last.filter(|(_, known, before)| known == status && before.as_deref() == verdict)
    {
        conn.prepare_cached(
            "UPDATE gate_answer SET last_at = max(last_at, ?2), times = times + 1, reason = ?3 WHERE id = ?1",
        )?
        .execute(params![id, micros(answer.last_at), reason])?;
        return Ok(());
    }
    conn.prepare_cached(
        "INSERT INTO gate_answer (change, asked_by, via, status, verdict, reason, at, last_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute(params![
        change,
        answer.by,
        answer.via,
        status,
        verdict,
        reason,
        micros(answer.at),
        micros(answer.last_at)
    ])?;
    conn.prepare_cached(
        "DELETE FROM gate_answer WHERE change = ?1
             AND id > (SELECT min(id) FROM gate_answer WHERE change = ?1)
             AND id <= (SELECT id FROM gate_answer WHERE change = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
    )?
    .execute(params![change, MOST_ANSWERS - 1])?;
    Ok(())
}

fn answer(change: &ChangeId, row: &Row<'_>) -> Result<GateAnswer, Fault> {
    let word: String = row.get(2)?;
    let status = GateStatus::ALL.iter().copied().find(|status| status.as_str() == word);
    let verdict: Option<String> = row.get(3)?;
    Ok(GateAnswer {
        change: change.clone(),
        by: row.get(0)?,
        via: row.get(1)?,
        status: status
            .ok_or_else(|| Fault::unreadable("an answer", format!("its status is `{word}`")))?,
        verdict: verdict.as_deref().and_then(|word| Conclusion::from_str(word).ok()),
        reason: row.get(4)?,
        at: timestamp(row.get(5)?)?,
        last_at: timestamp(row.get(6)?)?,
        times: row.get(7)?,
    })
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::store::{Conclusions, NewMessage, StoreOptions};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_780_000_000 + second).unwrap()
    }

    fn said(status: GateStatus, second: i64) -> GateAnswer {
        GateAnswer {
            change: "c".into(),
            by: Some("ci".to_owned()),
            via: "curl".to_owned(),
            status,
            verdict: None,
            reason: format!("at {second}"),
            at: at(second),
            last_at: at(second),
            times: 1,
        }
    }

    #[tokio::test]
    async fn answers_alike_are_counted_and_few_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("w.db"), &StoreOptions::default()).unwrap();
        for second in 0..5 {
            store.gate_answered(said(GateStatus::Pending, second)).unwrap();
        }
        store.gate_answered(said(GateStatus::Pass, 9)).unwrap();
        store.add_note("c".into(), at(1), None, "x".to_owned()).await.unwrap();
        let kept = store.gate_answers(&"c".into()).await.unwrap();
        let told: Vec<_> = kept.iter().map(|a| (a.status, a.times, a.reason.as_str())).collect();
        assert_eq!(told, [(GateStatus::Pending, 5, "at 4"), (GateStatus::Pass, 1, "at 9")]);
        assert_eq!((kept[0].at, kept[0].last_at), (at(0), at(4)));
        for second in 10..200 {
            let status = if second % 2 == 0 { GateStatus::Fail } else { GateStatus::Pass };
            store.gate_answered(said(status, second)).unwrap();
        }
        store.add_note("c".into(), at(1), None, "y".to_owned()).await.unwrap();
        let kept = store.gate_answers(&"c".into()).await.unwrap();
        assert!(i64::try_from(kept.len()).unwrap() <= MOST_ANSWERS + 1, "{}", kept.len());
        assert_eq!((kept[0].at, kept.last().unwrap().at), (at(0), at(199)));
    }

    #[tokio::test]
    async fn messages_are_found_by_their_change() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("w.db"), &StoreOptions::default()).unwrap();
        let message = |receiver: &str, thread: &str| NewMessage {
            key: format!("{receiver}/{thread}"),
            receiver: receiver.to_owned(),
            thread: Some(thread.to_owned()),
            body: "{}".to_owned(),
            created_at: at(0),
            next_try_at: at(0),
        };
        let messages = [
            ("ops", "change:c"),
            ("log", "news:c"),
            ("writeback:gh", "c/production"),
            ("ops", "change:cc"),
            ("ops", "c/production"),
            ("writeback:gh", "cc/production"),
        ];
        let messages = messages.map(|(receiver, thread)| message(receiver, thread)).to_vec();
        store.conclude(Conclusions { messages, ..Conclusions::default() }).await.unwrap();
        let found = store.messages_of(&"c".into()).await.unwrap();
        let told: Vec<_> = found.iter().filter_map(|m| m.thread.as_deref()).collect();
        assert_eq!(told, ["change:c", "news:c", "c/production"]);
    }
}
