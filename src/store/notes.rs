//! What people said of changes: their notes, and whether they call a change failed. Nothing is taken away without a trace.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, params};

use super::{
    error::{Fault, StoreError},
    handle::Store,
    reviews::HEIRS,
    session::{maybe_timestamp, micros, timestamp},
};
use crate::model::{ChangeId, Note, Touch, Word};

/// Most notes of a change, removed ones among them.
const MOST_NOTES: i64 = 200;
/// Most words of a change that are kept: the newest.
const MOST_WORDS: i64 = 100;

impl Store {
    /// Keeps what a person wrote; none where the change has as many notes as it may.
    ///
    /// # Errors
    /// When it could not be stored.
    pub async fn add_note(
        &self,
        change: ChangeId,
        at: Timestamp,
        author: Option<String>,
        text: String,
    ) -> Result<Option<Note>, StoreError> {
        self.write("store a note", move |session| {
            let conn = &session.conn;
            let count: i64 = conn
                .prepare_cached("SELECT count(*) FROM note WHERE change = ?1")?
                .query_row([change.as_str()], |r| r.get(0))?;
            if count >= MOST_NOTES {
                return Ok(None);
            }
            conn.prepare_cached(
                "INSERT INTO note (change, at, author, body) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![change.as_str(), micros(at), author, text])?;
            let id = conn.last_insert_rowid();
            Ok(Some(Note { id, change, at, author, text, edited: None, removed: None }))
        })
        .await
    }

    /// Writes a note anew, or removes it where there is no text: its words are gone then, and that it was there, who removed it and when are
    /// kept. None where the change has no such note, or it was removed before.
    ///
    /// # Errors
    /// When it could not be stored.
    pub async fn alter_note(
        &self,
        change: &ChangeId,
        id: i64,
        text: Option<String>,
        touch: Touch,
    ) -> Result<Option<Note>, StoreError> {
        let change = change.clone();
        self.write("alter a note", move |session| {
            let columns = match &text {
                Some(_) => "edited_at = ?3, edited_by = ?4",
                None => "removed_at = ?3, removed_by = ?4",
            };
            let sql = format!(
                "{HEIRS} UPDATE note SET body = ?5, {columns}
                 WHERE id = ?2 AND removed_at IS NULL AND change IN (SELECT id FROM heir)
                 RETURNING {NOTE}"
            );
            let body = text.unwrap_or_default();
            let mut statement = session.conn.prepare_cached(&sql)?;
            let mut rows =
                statement.query(params![change.as_str(), id, micros(touch.at), touch.by, body])?;
            rows.next()?.map(|row| note(&change, row)).transpose()
        })
        .await
    }

    /// What people wrote of a change, oldest first.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn notes(&self, change: &ChangeId) -> Result<Vec<Note>, StoreError> {
        let change = change.clone();
        self.read("read notes", move |session| {
            let sql = format!(
                "{HEIRS} SELECT {NOTE} FROM note WHERE change IN (SELECT id FROM heir) ORDER BY id"
            );
            let mut statement = session.conn.prepare_cached(&sql)?;
            let mut rows = statement.query([change.as_str()])?;
            let mut notes = Vec::new();
            while let Some(row) = rows.next()? {
                notes.push(note(&change, row)?);
            }
            Ok(notes)
        })
        .await
    }

    /// Keeps what a person says of a change: from now on it holds.
    ///
    /// # Errors
    /// When it could not be stored.
    pub async fn say(&self, change: &ChangeId, word: Word) -> Result<(), StoreError> {
        let change = change.clone();
        self.write("store a word on a change", move |session| {
            let conn = &session.conn;
            conn.prepare_cached(
                "INSERT INTO said (change, at, author, failed, why) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![
                change.as_str(),
                micros(word.at),
                word.author,
                word.failed,
                word.why
            ])?;
            conn.prepare_cached(
                "DELETE FROM said WHERE change = ?1 AND id <=
                     (SELECT id FROM said WHERE change = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
            )?
            .execute(params![change.as_str(), MOST_WORDS])?;
            Ok(())
        })
        .await
    }

    /// What people said of a change, oldest first: the last one holds.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn words(&self, change: &ChangeId) -> Result<Vec<Word>, StoreError> {
        let change = change.clone();
        self.read("read words on a change", move |session| {
            let sql = format!(
                "{HEIRS} SELECT {WORD} FROM said WHERE change IN (SELECT id FROM heir) ORDER BY id"
            );
            let mut statement = session.conn.prepare_cached(&sql)?;
            let mut rows = statement.query([change.as_str()])?;
            let mut words = Vec::new();
            while let Some(row) = rows.next()? {
                words.push(word(row)?);
            }
            Ok(words)
        })
        .await
    }

    /// What people said last of each of these changes, in their order.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn last_words(
        &self,
        changes: Vec<ChangeId>,
    ) -> Result<Vec<Option<Word>>, StoreError> {
        self.read("read words on changes", move |session| {
            let sql = format!(
                "{HEIRS} SELECT {WORD} FROM said WHERE change IN (SELECT id FROM heir) ORDER BY id DESC LIMIT 1"
            );
            let any: Option<i64> =
                session.conn.query_row("SELECT 1 FROM said LIMIT 1", [], |r| r.get(0)).optional()?;
            if any.is_none() {
                return Ok(vec![None; changes.len()]);
            }
            let mut statement = session.conn.prepare_cached(&sql)?;
            let mut last = Vec::with_capacity(changes.len());
            for id in &changes {
                let mut rows = statement.query([id.as_str()])?;
                last.push(rows.next()?.map(word).transpose()?);
            }
            Ok(last)
        })
        .await
    }
}

const NOTE: &str = "id, at, author, body, edited_at, edited_by, removed_at, removed_by";
const WORD: &str = "at, author, failed, why";

fn note(change: &ChangeId, row: &Row<'_>) -> Result<Note, Fault> {
    let touch = |at: usize| -> Result<Option<Touch>, Fault> {
        let by = row.get(at + 1)?;
        Ok(maybe_timestamp(row.get(at)?)?.map(|at| Touch { at, by }))
    };
    Ok(Note {
        id: row.get(0)?,
        change: change.clone(),
        at: timestamp(row.get(1)?)?,
        author: row.get(2)?,
        text: row.get(3)?,
        edited: touch(4)?,
        removed: touch(6)?,
    })
}

fn word(row: &Row<'_>) -> Result<Word, Fault> {
    Ok(Word {
        at: timestamp(row.get(0)?)?,
        author: row.get(1)?,
        failed: row.get(2)?,
        why: row.get(3)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::StoreOptions;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_780_000_000 + second).unwrap()
    }

    #[tokio::test]
    async fn notes_are_capped_and_leave_a_trace() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("w.db"), &StoreOptions::default()).unwrap();
        for n in 0..=MOST_NOTES {
            let added = store.add_note("c".into(), at(n), Some("ines".into()), n.to_string()).await;
            assert_eq!(added.unwrap().is_some(), n < MOST_NOTES);
        }
        let notes = store.notes(&"c".into()).await.unwrap();
        assert_eq!(notes[1].text, "1");
        let touch = |second| Touch { at: at(second), by: Some("bob".to_owned()) };
        let (first, c) = (notes[0].id, ChangeId::from("c"));
        let anew = store.alter_note(&c, first, Some("better".into()), touch(7)).await.unwrap();
        assert_eq!(anew.as_ref().map(|n| n.text.as_str()), Some("better"));
        assert_eq!(anew.unwrap().edited, Some(touch(7)));
        assert_eq!(store.alter_note(&"d".into(), first, None, touch(8)).await.unwrap(), None);
        store.alter_note(&c, first, None, touch(9)).await.unwrap().unwrap();
        assert_eq!(store.alter_note(&c, first, None, touch(10)).await.unwrap(), None);
        let gone = &store.notes(&c).await.unwrap()[0];
        assert_eq!((gone.text.as_str(), &gone.removed), ("", &Some(touch(9))));
        assert_eq!(gone.author.as_deref(), Some("ines"));
    }

    #[tokio::test]
    async fn the_last_word_holds_and_all_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("w.db"), &StoreOptions::default()).unwrap();
        let ids = || vec!["c".into(), "d".into()];
        assert_eq!(store.last_words(ids()).await.unwrap(), [None, None]);
        let said = |second, failed| Word {
            at: at(second),
            author: Some("ines".to_owned()),
            failed,
            why: Some("why".to_owned()),
        };
        for (second, failed) in [(1, Some(true)), (2, None), (3, Some(false))] {
            store.say(&"c".into(), said(second, failed)).await.unwrap();
        }
        let words = store.words(&"c".into()).await.unwrap();
        assert_eq!(words, [said(1, Some(true)), said(2, None), said(3, Some(false))]);
        assert_eq!(store.last_words(ids()).await.unwrap(), [Some(said(3, Some(false))), None]);
    }
}
