//! Opening the data file: what it must be, how it is set up, and how it is brought up to date.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags};
use rusqlite_migration::{M, Migrations};

use super::error::StoreError;

/// Marks the file as ours in SQLite's header: "WAYF" (<https://www.sqlite.org/pragma.html#pragma_application_id>).
const APPLICATION_ID: i64 = 0x5741_5946;

/// Every step from an empty file to the newest schema, oldest first. A published one is never altered.
const STEPS: &[M<'static>] = &[
    M::up(include_str!("migrations/0001_first.sql")),
    M::up(include_str!("migrations/0002_parts.sql")),
    M::up(include_str!("migrations/0003_evidence.sql")),
    M::up(include_str!("migrations/0004_intake.sql")),
    M::up(include_str!("migrations/0005_outbox.sql")),
    M::up(include_str!("migrations/0006_rollbacks.sql")),
    M::up(include_str!("migrations/0007_delivery.sql")),
    M::up(include_str!("migrations/0008_review.sql")),
    M::up(include_str!("migrations/0009_remembered.sql")),
    M::up(include_str!("migrations/0010_said.sql")),
    M::up(include_str!("migrations/0011_conclusions.sql")),
];

/// All migrations.
pub(super) fn migrations() -> Migrations<'static> {
    Migrations::from_slice(STEPS)
}

/// The newest schema known.
fn newest() -> i64 {
    i64::try_from(STEPS.len()).unwrap_or(i64::MAX)
}

/// How a data file is opened.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// How many threads answer questions; 3 by default.
    pub readers: usize,
    /// How long a write waits while another process writes; 10 s by default.
    pub busy_timeout: Duration,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self { readers: 3, busy_timeout: Duration::from_secs(10) }
    }
}

/// The write connection of an existing or new file, brought up to date.
pub(super) fn for_writing(path: &Path, options: &StoreOptions) -> Result<Connection, StoreError> {
    let opening = |e: rusqlite::Error| StoreError::opening(path, &e);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut conn = Connection::open_with_flags(path, flags).map_err(opening)?;
    conn.busy_timeout(options.busy_timeout).map_err(opening)?;
    let found = examine(&conn, path)?;
    if found > newest() {
        return Err(StoreError::Newer { path: shown(path), found, known: newest() });
    }
    let mode: String =
        conn.pragma_update_and_check(None, "journal_mode", "WAL", |r| r.get(0)).map_err(opening)?;
    if mode != "wal" {
        let reason = format!(
            "a write-ahead log is not possible there (`{mode}`): it must lie on a local disk"
        );
        return Err(StoreError::Open { path: shown(path), reason });
    }
    conn.pragma_update(None, "synchronous", "FULL").map_err(opening)?;
    conn.pragma_update(None, "cache_size", -32_000).map_err(opening)?;
    conn.pragma_update(None, "journal_size_limit", 64 << 20).map_err(opening)?;
    conn.pragma_update(None, "application_id", APPLICATION_ID).map_err(opening)?;
    migrations().to_latest(&mut conn).map_err(|e| StoreError::Open {
        path: shown(path),
        reason: format!("its schema cannot be brought up to date: {e}"),
    })?;
    Ok(conn)
}

/// A read-only connection of an existing file that is up to date.
pub(super) fn for_reading(path: &Path, options: &StoreOptions) -> Result<Connection, StoreError> {
    let opening = |e: rusqlite::Error| StoreError::opening(path, &e);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags).map_err(opening)?;
    conn.busy_timeout(options.busy_timeout).map_err(opening)?;
    let found = examine(&conn, path)?;
    if found > newest() {
        return Err(StoreError::Newer { path: shown(path), found, known: newest() });
    }
    if found < newest() {
        return Err(StoreError::Older { path: shown(path), found, known: newest() });
    }
    conn.pragma_update(None, "cache_size", -16_000).map_err(opening)?;
    Ok(conn)
}

/// The schema of a file that is ours or empty; anything else is refused before it is touched.
fn examine(conn: &Connection, path: &Path) -> Result<i64, StoreError> {
    let opening = |e: rusqlite::Error| StoreError::opening(path, &e);
    let number = |pragma: &str| conn.pragma_query_value(None, pragma, |r| r.get::<_, i64>(0));
    let version = number("user_version").map_err(opening)?;
    let application = number("application_id").map_err(opening)?;
    let tables: i64 = conn
        .query_row("SELECT count(*) FROM sqlite_schema WHERE type = 'table'", [], |r| r.get(0))
        .map_err(opening)?;
    if application != APPLICATION_ID && (application != 0 || tables > 0) {
        let reason = "it is the database of another program".to_owned();
        return Err(StoreError::Foreign { path: shown(path), reason });
    }
    Ok(version)
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// The file beside `path` that holds what is not yet in it.
pub(super) fn log_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_migrations_are_sound() {
        migrations().validate().unwrap();
    }

    #[test]
    fn every_migration_file_is_in_the_list() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store/migrations");
        assert_eq!(std::fs::read_dir(folder).unwrap().count(), STEPS.len());
    }
}
