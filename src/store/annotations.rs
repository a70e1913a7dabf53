//! Annotations, as those who send them to Grafana know them: by numbers, to be patched later.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, params};

use super::{
    error::{Fault, StoreError},
    handle::Store,
    session::{micros, sql_count, timestamp},
};
use crate::model::ChangeId;

/// An annotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Annotation {
    /// Its number here.
    pub id: i64,
    /// Its number at the Grafana that it was passed on to.
    pub theirs: Option<i64>,
    /// The change that was made of it, under the id that it was told with.
    pub change: ChangeId,
    /// Its time.
    pub at: Timestamp,
    /// The whole annotation as JSON: `time`, `timeEnd`, `tags`, `text`.
    pub body: String,
}

fn annotation(row: &Row<'_>) -> Result<Annotation, Fault> {
    Ok(Annotation {
        id: row.get(0)?,
        theirs: row.get(1)?,
        change: ChangeId::from(row.get::<_, String>(2)?),
        at: timestamp(row.get(3)?)?,
        body: row.get(4)?,
    })
}

impl Store {
    /// Keeps an annotation, or a new wording of one (`id` other than 0); gives its number.
    ///
    /// # Errors
    /// When it could not be stored.
    pub async fn keep_annotation(&self, annotation: Annotation) -> Result<i64, StoreError> {
        self.write("keep an annotation", move |session| {
            let conn = &session.conn;
            let number = (annotation.id != 0).then_some(annotation.id);
            conn.prepare_cached(
                "INSERT INTO annotation (id, theirs, change, at, body) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (id) DO UPDATE SET theirs = coalesce(excluded.theirs, theirs),
                     change = excluded.change, at = excluded.at, body = excluded.body",
            )?
            .execute(params![
                number,
                annotation.theirs,
                annotation.change.as_str(),
                micros(annotation.at),
                annotation.body,
            ])?;
            Ok(number.unwrap_or_else(|| conn.last_insert_rowid()))
        })
        .await
    }

    /// One annotation, by our number or by that of the Grafana it was passed on to.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn annotation(
        &self,
        number: i64,
        theirs: bool,
    ) -> Result<Option<Annotation>, StoreError> {
        self.read("read an annotation", move |session| {
            let column = if theirs { "theirs" } else { "id" };
            let sql = format!(
                "SELECT id, theirs, change, at, body FROM annotation WHERE {column} = ?1 ORDER BY id DESC LIMIT 1"
            );
            let mut statement = session.conn.prepare_cached(&sql)?;
            statement.query_row([number], |row| Ok(annotation(row))).optional()?.transpose()
        })
        .await
    }

    /// The annotation that was made of a change told under this id.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn annotation_of(&self, change: ChangeId) -> Result<Option<Annotation>, StoreError> {
        self.read("read an annotation", move |session| {
            let mut statement = session.conn.prepare_cached(
                "SELECT id, theirs, change, at, body FROM annotation WHERE change = ?1 ORDER BY id LIMIT 1",
            )?;
            statement
                .query_row([change.as_str()], |row| Ok(annotation(row)))
                .optional()?
                .transpose()
        })
        .await
    }

    /// Annotations between two times, newest first.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn annotations(
        &self,
        from: Option<Timestamp>,
        to: Option<Timestamp>,
        limit: usize,
    ) -> Result<Vec<Annotation>, StoreError> {
        self.read("read annotations", move |session| {
            let mut statement = session.conn.prepare_cached(
                "SELECT id, theirs, change, at, body FROM annotation WHERE at >= ?1 AND at <= ?2
                 ORDER BY at DESC, id DESC LIMIT ?3",
            )?;
            let (from, to) = (from.map_or(i64::MIN, micros), to.map_or(i64::MAX, micros));
            let mut rows = statement.query(params![from, to, sql_count(limit)])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                found.push(annotation(row)?);
            }
            Ok(found)
        })
        .await
    }

    /// Forgets an annotation; the change that was made of it stays in the log.
    ///
    /// # Errors
    /// When it could not be stored.
    pub async fn drop_annotation(&self, id: i64) -> Result<(), StoreError> {
        self.write("forget an annotation", move |session| {
            session.conn.prepare_cached("DELETE FROM annotation WHERE id = ?1")?.execute([id])?;
            Ok(())
        })
        .await
    }
}
