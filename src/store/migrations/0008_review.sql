-- What people wrote of changes.
CREATE TABLE note (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    change TEXT NOT NULL,
    at INTEGER NOT NULL,
    author TEXT,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX note_change ON note (change);

-- What gates answered of changes, and to whom: one row for each answer that differs from the one before it.
CREATE TABLE gate_answer (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    change TEXT NOT NULL,
    asked_by TEXT,
    via TEXT NOT NULL,
    status TEXT NOT NULL,
    verdict TEXT,
    reason TEXT NOT NULL,
    at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    times INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE INDEX gate_answer_change ON gate_answer (change);

-- The messages of a change.
CREATE INDEX outbox_of_thread ON outbox (thread) WHERE thread IS NOT NULL;

-- Who is logged in. The session's own secret is not here: `hash` is the SHA-256 of it, `proof` that of the token it was opened with.
CREATE TABLE login (
    hash BLOB PRIMARY KEY,
    token TEXT NOT NULL,
    proof BLOB NOT NULL,
    began_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
