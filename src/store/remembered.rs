//! What is remembered of things that are watched elsewhere, such as the objects of a cluster: so that after a restart nothing is told twice.

use std::collections::BTreeMap;

use rusqlite::params;

use super::{error::StoreError, handle::Store};

impl Store {
    /// Everything that a watcher remembers, by key.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn remembered(&self, watcher: &str) -> Result<BTreeMap<String, String>, StoreError> {
        let watcher = watcher.to_owned();
        self.read("read what is remembered", move |session| {
            let mut statement = session
                .conn
                .prepare_cached("SELECT key, body FROM remembered WHERE watcher = ?1")?;
            let mut rows = statement.query([watcher])?;
            let mut found = BTreeMap::new();
            while let Some(row) = rows.next()? {
                found.insert(row.get(0)?, row.get(1)?);
            }
            Ok(found)
        })
        .await
    }

    /// Remembers these of a watcher; what has no text is forgotten.
    ///
    /// # Errors
    /// When it could not be stored.
    pub async fn remember(
        &self,
        watcher: &str,
        rows: BTreeMap<String, Option<String>>,
    ) -> Result<(), StoreError> {
        let watcher = watcher.to_owned();
        self.write("remember", move |session| {
            for (key, body) in &rows {
                match body {
                    Some(body) => session
                        .conn
                        .prepare_cached(
                            "INSERT INTO remembered (watcher, key, body) VALUES (?1, ?2, ?3)
                             ON CONFLICT (watcher, key) DO UPDATE SET body = excluded.body",
                        )?
                        .execute(params![watcher, key, body])?,
                    None => session
                        .conn
                        .prepare_cached("DELETE FROM remembered WHERE watcher = ?1 AND key = ?2")?
                        .execute(params![watcher, key])?,
                };
            }
            Ok(())
        })
        .await
    }
}
