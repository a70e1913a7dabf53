//! The tellings that changes are made of.
//!
//! Each telling of a sender is kept as it came. A change is the fold of all tellings of its pieces ([`super::merge`]), and which
//! pieces are one change is a function of the set of them ([`super::unite`]); so neither order nor repetition matters. Only the
//! id does depend on the order: a change keeps the one under which it was first told, and answers to all others.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{
    changes::{RecordOutcome, Recorded, by_id, write},
    error::Fault,
    findings,
    merge::Told,
    session::{from_json, micros, to_json},
    unite::{HASH, Piece, is_hash, linked, plain_version, unite},
};
use crate::model::{Change, ChangeId, ChangeKind};

/// Most pieces that are looked at together; more cannot be one change.
const MOST: usize = 500;

/// A change as one event tells it, and how its sender speaks.
#[derive(Debug, Clone)]
pub struct Telling {
    /// The change.
    pub change: Change,
    /// The object whose present state this reports; only another version than before is a change.
    pub reports: Option<String>,
    /// Whether its id was made up here.
    pub loose: bool,
    /// Whether it takes the place of all that was told under its id.
    pub replaces: bool,
}

impl From<Change> for Telling {
    fn from(change: Change) -> Self {
        Self { change, reports: None, loose: false, replaces: false }
    }
}

/// Who told what of a change.
#[derive(Debug, Clone, PartialEq)]
pub struct Voice {
    /// The sender's id.
    pub id: ChangeId,
    /// The hook or door it came by.
    pub source: String,
    /// What it said.
    pub change: Change,
}

/// A row of `told`.
struct Atom {
    row: i64,
    piece: String,
    change: String,
    source: String,
    loose: bool,
    told: Told,
}

const COLUMNS: &str = "id, piece, change, source, loose, body";

fn atom(row: &Row<'_>) -> Result<Atom, Fault> {
    let body: String = row.get(5)?;
    let change: Change = from_json("a telling", &body)?;
    Ok(Atom {
        row: row.get(0)?,
        piece: row.get(1)?,
        change: row.get(2)?,
        source: row.get(3)?,
        loose: row.get(4)?,
        told: Told::once(change),
    })
}

fn atoms(conn: &Connection, column: &'static str, value: &str) -> Result<Vec<Atom>, Fault> {
    let sql = format!("SELECT {COLUMNS} FROM told WHERE {column} = ?1 ORDER BY id");
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows = statement.query([value])?;
    let mut atoms = Vec::new();
    while let Some(row) = rows.next()? {
        atoms.push(atom(row)?);
    }
    Ok(atoms)
}

/// The change that an id belongs to.
pub(super) fn change_of(conn: &Connection, id: &str) -> Result<Option<String>, Fault> {
    Ok(conn
        .prepare_cached("SELECT change FROM told WHERE piece = ?1 ORDER BY id LIMIT 1")?
        .query_row([id], |r| r.get(0))
        .optional()?)
}

/// Everything that was told of a change, oldest telling first.
pub(super) fn voices(conn: &Connection, change: &str) -> Result<Vec<Voice>, Fault> {
    let voice = |atom: Atom| Voice {
        id: ChangeId::from(atom.piece),
        source: atom.source,
        change: atom.told.change,
    };
    Ok(atoms(conn, "change", change)?.into_iter().map(voice).collect())
}

/// Keeps a telling and brings the changes it touches up to date.
pub(super) fn record(conn: &Connection, mut telling: Telling) -> Result<Recorded, Fault> {
    if let Some(object) = &telling.reports {
        telling.change.id = episode(conn, object, &telling.change)?;
    }
    let id = telling.change.id.as_str().to_owned();
    let known = atoms(conn, "piece", &id)?;
    let told = Told::once(telling.change.clone());
    if !telling.replaces && adds_nothing(&known, &told) {
        return same(conn, &id);
    }
    // What the piece could be one with before this telling may find another partner when it changes.
    let mut seeds: BTreeSet<String> = [id.clone()].into();
    if let Some(first) = known.first() {
        seeds.insert(first.change.clone());
        seeds.extend(around(conn, &seeds)?.into_keys());
    }
    if telling.replaces {
        conn.prepare_cached("DELETE FROM told WHERE piece = ?1")?.execute([&id])?;
    }
    let source = class(&telling.change.source).to_owned();
    let change = known.first().map_or(id.as_str(), |atom| atom.change.as_str());
    insert(conn, &telling, &source, change)?;
    let altered = settle(conn, seeds)?;
    let id = change_of(conn, &id)?.unwrap_or(id);
    match altered.into_iter().find(|recorded| recorded.change.id.as_str() == id) {
        Some(recorded) => Ok(recorded),
        None => same(conn, &id),
    }
}

/// Whether a telling is contained in what its piece says already, now and whatever else is told later.
fn adds_nothing(known: &[Atom], told: &Told) -> bool {
    let Some(all) = known.iter().map(|a| a.told.clone()).reduce(Told::and) else { return false };
    let spoken = known.iter().any(|atom| keys(&atom.told.change) == keys(&told.change));
    let source = class(&told.change.source);
    spoken && known.iter().any(|a| a.source == source) && all.clone().and(told.clone()) == all
}

/// What a change is found by.
fn keys(change: &Change) -> (String, Option<&str>, Option<&str>) {
    (scope(change), version(change), change.commits.last().map(|commit| commit.id.as_str()))
}

fn same(conn: &Connection, id: &str) -> Result<Recorded, Fault> {
    let id = change_of(conn, id)?.unwrap_or_else(|| id.to_owned());
    let change = by_id(conn, &ChangeId::from(id.as_str()))?;
    let change = change.ok_or_else(|| Fault::unreadable(format!("change {id}"), "it is gone"))?;
    let seq = conn
        .prepare_cached("SELECT seq FROM change WHERE id = ?1")?
        .query_row([change.id.as_str()], |r| r.get(0))?;
    Ok(Recorded { change, outcome: RecordOutcome::Same, seq })
}

fn insert(conn: &Connection, telling: &Telling, source: &str, change: &str) -> Result<(), Fault> {
    let body = &telling.change;
    conn.prepare_cached(
        "INSERT INTO told (piece, change, source, loose, object, scope, version, hash, from_at, to_at, body)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?
    .execute(params![
        body.id.as_str(),
        change,
        source,
        telling.loose,
        telling.reports,
        scope(body),
        version(body),
        hash(body),
        micros(body.started_at),
        micros(body.settled_at()),
        to_json("a telling", body)?,
    ])?;
    Ok(())
}

/// The same door by whatever name: a change logged through the agent or straight into the file.
fn class(source: &str) -> &str {
    if source == "cli" { "api" } else { source }
}

/// Services and environments of a change, the same text for the same ones.
fn scope(change: &Change) -> String {
    scope_of(
        change.services.iter().map(|s| s.as_str()).collect(),
        change.environments.iter().map(|e| e.as_str()).collect(),
    )
}

fn scope_of(services: BTreeSet<&str>, environments: BTreeSet<&str>) -> String {
    if services.is_empty() && environments.is_empty() {
        return String::new();
    }
    let list = |names: BTreeSet<&str>| names.into_iter().collect::<Vec<_>>().join("\u{1f}");
    format!("{}\u{1e}{}", list(services), list(environments))
}

fn version(change: &Change) -> Option<&str> {
    change.version.as_deref().map(plain_version)
}

fn hash(change: &Change) -> Option<String> {
    let newest = &change.commits.last()?.id;
    let short =
        if is_hash(newest) { newest.get(..HASH)?.to_ascii_lowercase() } else { newest.clone() };
    Some(short)
}

/// The id of the spell in which an object has this version: what is deployed is reported again and again, and may come back.
fn episode(conn: &Connection, object: &str, change: &Change) -> Result<ChangeId, Fault> {
    let at = micros(change.started_at);
    let base = change.id.as_str();
    let near = |sql: &str| -> Result<Option<String>, Fault> {
        Ok(conn.prepare_cached(sql)?.query_row(params![object, at], |r| r.get(0)).optional()?)
    };
    let before = near(
        "SELECT piece FROM told WHERE object = ?1 AND from_at <= ?2 ORDER BY from_at DESC, id DESC LIMIT 1",
    )?;
    let after = near(
        "SELECT piece FROM told WHERE object = ?1 AND from_at > ?2 ORDER BY from_at, id LIMIT 1",
    )?;
    let of_base = |piece: &String| {
        piece.strip_prefix(base).is_some_and(|rest| rest.is_empty() || rest.starts_with('@'))
    };
    if let Some(piece) = [before, after].into_iter().flatten().find(of_base) {
        return Ok(piece.into());
    }
    if change_of(conn, base)?.is_none() {
        return Ok(change.id.clone());
    }
    Ok(format!("{base}@{}", change.started_at.as_second()).into())
}

/// Everything that could be one change with these pieces or changes, or is one with such a piece at present, by piece.
fn around(
    conn: &Connection,
    seeds: &BTreeSet<String>,
) -> Result<BTreeMap<String, Vec<Atom>>, Fault> {
    let mut found: BTreeMap<String, Vec<Atom>> = BTreeMap::new();
    let mut pieces: Vec<String> = Vec::new();
    let mut members: BTreeSet<String> = BTreeSet::new();
    for seed in seeds {
        pieces.push(seed.clone());
        pieces.extend(atoms(conn, "change", seed)?.into_iter().map(|a| a.piece));
        members.insert(seed.clone());
    }
    while let Some(id) = pieces.pop() {
        if found.contains_key(&id) || found.len() >= MOST {
            continue;
        }
        let atoms = atoms(conn, "piece", &id)?;
        if atoms.is_empty() {
            continue;
        }
        for change in atoms.iter().map(|atom| &atom.change) {
            if members.insert(change.clone()) {
                pieces.extend(self::atoms(conn, "change", change)?.into_iter().map(|a| a.piece));
            }
        }
        let here = piece(&id, &atoms);
        for other in neighbours(conn, &here)? {
            if !found.contains_key(&other) && !pieces.contains(&other) {
                let there = piece(&other, &self::atoms(conn, "piece", &other)?);
                if linked(&here, &there) {
                    pieces.push(other);
                }
            }
        }
        found.insert(id, atoms);
    }
    Ok(found)
}

/// The ids of pieces with the same scope and a version or commit in common, not far away in time.
fn neighbours(conn: &Connection, piece: &Piece) -> Result<BTreeSet<String>, Fault> {
    let services = piece.services.iter().map(String::as_str).collect();
    let environments = piece.environments.iter().map(String::as_str).collect();
    let scope = scope_of(services, environments);
    let mut found = BTreeSet::new();
    if scope.is_empty() {
        return Ok(found);
    }
    let hashes: BTreeSet<String> = piece
        .commits
        .iter()
        .map(|c| if is_hash(c) { c[..HASH].to_ascii_lowercase() } else { c.clone() })
        .collect();
    for (column, values) in [("version", &piece.versions), ("hash", &hashes)] {
        // The nearest in time; a telling may lie far from the others of its piece, so that none is too far here.
        let sql = format!(
            "SELECT piece, min(abs(from_at - ?3)) AS apart FROM told
             WHERE scope = ?1 AND {column} = ?2 AND piece <> ?4 GROUP BY piece ORDER BY apart LIMIT {MOST}"
        );
        for value in values {
            let mut statement = conn.prepare_cached(&sql)?;
            let rows =
                statement.query_map(params![scope, value, piece.from, piece.id], |r| r.get(0))?;
            for id in rows {
                found.insert(id?);
            }
        }
    }
    Ok(found)
}

fn piece(id: &str, atoms: &[Atom]) -> Piece {
    let changes = || atoms.iter().map(|a| &a.told.change);
    let whole = atoms.iter().map(|a| a.told.clone()).reduce(Told::and).map(|told| told.change);
    Piece {
        id: id.to_owned(),
        sources: atoms.iter().map(|a| a.source.clone()).collect(),
        loose: atoms.iter().all(|a| a.loose),
        services: changes().flat_map(|c| &c.services).map(|s| s.as_str().to_owned()).collect(),
        environments: changes()
            .flat_map(|c| &c.environments)
            .map(|e| e.as_str().to_owned())
            .collect(),
        versions: changes().filter_map(version).map(str::to_owned).collect(),
        commits: changes().filter_map(|c| c.commits.last()).map(|c| c.id.clone()).collect(),
        back: whole.as_ref().is_some_and(|c| c.kind == ChangeKind::Rollback),
        // As the tellings come out together: one that adds nothing to them is not kept.
        from: whole.as_ref().map_or(0, |c| micros(c.started_at)),
        to: whole.as_ref().map_or(0, |c| micros(c.settled_at())),
    }
}

/// Brings the changes around these pieces up to date; gives those that are new or altered.
fn settle(conn: &Connection, seeds: BTreeSet<String>) -> Result<Vec<Recorded>, Fault> {
    let mut found = around(conn, &seeds)?;
    let pieces: Vec<Piece> = found.iter().map(|(id, atoms)| piece(id, atoms)).collect();
    let mut changes: BTreeSet<String> =
        found.values().flatten().map(|atom| atom.change.clone()).collect();
    changes.extend(seeds);
    let mut altered = Vec::new();
    let mut heirs: BTreeMap<String, String> = BTreeMap::new();
    for group in unite(&pieces) {
        let mut atoms: Vec<Atom> =
            group.iter().filter_map(|at| found.remove(&pieces[*at].id)).flatten().collect();
        atoms.sort_by_key(|atom| atom.row);
        let Some(id) = atoms.first().map(|atom| atom.piece.clone()) else { continue };
        for atom in &atoms {
            heirs.insert(atom.piece.clone(), id.clone());
            if atom.change != id {
                conn.prepare_cached("UPDATE told SET change = ?2 WHERE id = ?1")?
                    .execute(params![atom.row, id])?;
            }
        }
        let Some(mut told) = atoms.into_iter().map(|a| a.told).reduce(Told::and) else { continue };
        told.change.id = ChangeId::from(id.as_str());
        altered.extend(keep(conn, &told)?);
        changes.remove(&id);
    }
    for gone in changes {
        let heir = heirs.get(&gone).filter(|heir| **heir != gone);
        absorb(conn, &gone, heir.map(String::as_str))?;
    }
    Ok(altered)
}

/// Writes a change if it is new or says something else than before.
fn keep(conn: &Connection, told: &Told) -> Result<Option<Recorded>, Fault> {
    let id = told.change.id.as_str();
    let stored: Option<(i64, String, String)> = conn
        .prepare_cached("SELECT seq, body, ranks FROM change WHERE id = ?1")?
        .query_row([id], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))
        .optional()?;
    let Some((seq, body, ranks)) = stored else {
        let seq = write(conn, told, None)?;
        return Ok(Some(Recorded {
            change: told.change.clone(),
            outcome: RecordOutcome::New,
            seq,
        }));
    };
    let what = format!("change {id}");
    let before = Told { change: from_json(&what, &body)?, ranks: from_json(&what, &ranks)? };
    if before == *told {
        return Ok(None);
    }
    // Who said what first may have become clearer without any change to what is said.
    let same = before.change == told.change;
    let seq = write(conn, told, same.then_some(seq))?;
    let outcome = if same { RecordOutcome::Same } else { RecordOutcome::Merged };
    Ok(Some(Recorded { change: told.change.clone(), outcome, seq }))
}

/// A change that turned out to be another one: what was concluded of it goes, its findings are those of the other one, and an agent is told to
/// end its watch.
fn absorb(conn: &Connection, id: &str, heir: Option<&str>) -> Result<(), Fault> {
    let there = conn.prepare_cached("DELETE FROM change WHERE id = ?1")?.execute([id])?;
    if there == 0 {
        return Ok(());
    }
    for table in ["change_service", "change_environment", "watch", "verdict", "verdict_change"] {
        conn.prepare_cached(&format!("DELETE FROM {table} WHERE change = ?1"))?.execute([id])?;
    }
    if let Some(heir) = heir {
        findings::hand_over(conn, id, heir)?;
    }
    conn.prepare_cached("INSERT INTO absorbed (id, into_change) VALUES (?1, ?2)")?
        .execute(params![id, heir.unwrap_or_default()])?;
    Ok(())
}
