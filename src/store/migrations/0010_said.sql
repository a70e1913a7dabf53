-- A note that was written anew or removed says by whom and when; a removed one keeps no words.
ALTER TABLE note ADD COLUMN edited_at INTEGER;
ALTER TABLE note ADD COLUMN edited_by TEXT;
ALTER TABLE note ADD COLUMN removed_at INTEGER;
ALTER TABLE note ADD COLUMN removed_by TEXT;

-- What people said of changes, one row for each time: whether they failed (1), or did not (0); NULL takes back what was said before. The newest
-- row holds.
CREATE TABLE said (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    change TEXT NOT NULL,
    at INTEGER NOT NULL,
    author TEXT,
    failed INTEGER,
    why TEXT
) STRICT;
CREATE INDEX said_change ON said (change);
