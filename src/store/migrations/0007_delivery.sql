-- When the first message of each incident was made: messages themselves are not kept as long as figures of delivery look back.
CREATE TABLE first_told (
    thread TEXT PRIMARY KEY,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO first_told (thread, at)
    SELECT thread, min(created_at) FROM outbox WHERE thread LIKE 'change:%' GROUP BY thread;
