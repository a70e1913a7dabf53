//! When the first message of an incident was made.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::{
    error::{Fault, StoreError},
    handle::Store,
    outbox::NewMessage,
    session::{micros, timestamp},
};
use crate::model::ChangeId;

impl Store {
    /// When the first message of the harm of each of these changes was made; those of which none was are left out.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn first_told(
        &self,
        changes: Vec<ChangeId>,
    ) -> Result<BTreeMap<ChangeId, Timestamp>, StoreError> {
        self.read("read what was told first", move |session| {
            let mut statement =
                session.conn.prepare_cached("SELECT at FROM first_told WHERE thread = ?1")?;
            let mut told = BTreeMap::new();
            for id in changes {
                let at: Option<i64> =
                    statement.query_row([format!("change:{id}")], |r| r.get(0)).optional()?;
                if let Some(at) = at {
                    told.insert(id, timestamp(at)?);
                }
            }
            Ok(told)
        })
        .await
    }
}

/// Notes a message, if it is the first of its incident.
pub(super) fn note(conn: &Connection, message: &NewMessage) -> Result<(), Fault> {
    let Some(thread) = message.thread.as_deref().filter(|thread| thread.starts_with("change:"))
    else {
        return Ok(());
    };
    conn.prepare_cached(
        "INSERT INTO first_told (thread, at) VALUES (?1, ?2) ON CONFLICT (thread) DO NOTHING",
    )?
    .execute(params![thread, micros(message.created_at)])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Conclusions, StoreOptions};

    #[tokio::test]
    async fn the_first_message_of_a_change_is_remembered() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("a.db"), &StoreOptions::default()).unwrap();
        let at = |second| Timestamp::from_second(second).unwrap();
        for (second, thread) in [(20, "change:a"), (30, "change:a"), (5, "news:a"), (9, "change:b")]
        {
            let message = NewMessage {
                key: format!("{second}"),
                receiver: "ops".to_owned(),
                thread: Some(thread.to_owned()),
                body: "{}".to_owned(),
                created_at: at(second),
                next_try_at: at(second),
            };
            let messages = vec![message];
            store.conclude(Conclusions { messages, ..Conclusions::default() }).await.unwrap();
        }
        let told = store.first_told(vec!["a".into(), "b".into(), "c".into()]).await.unwrap();
        assert_eq!(told, [("a".into(), at(20)), ("b".into(), at(9))].into());
        store.close().await;
    }
}
