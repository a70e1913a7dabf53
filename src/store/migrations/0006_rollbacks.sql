-- What was ordered to be undone, by change and hook: never removed, so that nothing is ever undone twice.
CREATE TABLE rollback (
    change TEXT NOT NULL,
    hook TEXT NOT NULL,
    state TEXT NOT NULL,
    at INTEGER NOT NULL,
    settled_at INTEGER,
    error TEXT,
    body TEXT NOT NULL,
    PRIMARY KEY (change, hook)
) STRICT, WITHOUT ROWID;
