-- Times are microseconds since 1970 (UTC) unless a name says otherwise.

CREATE TABLE series (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    journey TEXT NOT NULL,
    environment TEXT NOT NULL,
    location TEXT NOT NULL,
    UNIQUE (journey, environment, location)
) STRICT;

-- A journey as it was written when a run walked it. Ids are never used again: readers keep them in memory.
CREATE TABLE revision (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    journey TEXT NOT NULL,
    hash TEXT NOT NULL,
    last_at INTEGER NOT NULL,
    UNIQUE (journey, hash)
) STRICT;

-- Texts that the runs of a revision have in common: the shape of a run, request lines.
CREATE TABLE phrase (
    revision INTEGER NOT NULL,
    number INTEGER NOT NULL,
    text BLOB NOT NULL,
    PRIMARY KEY (revision, number)
) STRICT, WITHOUT ROWID;

-- Which versions were deployed together.
CREATE TABLE deployed_set (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    members BLOB NOT NULL UNIQUE
) STRICT;

-- One row a run. `result` is 0 passed, 1 failed, 2 broken.
CREATE TABLE run (
    series INTEGER NOT NULL,
    at INTEGER NOT NULL,
    id BLOB NOT NULL,
    result INTEGER NOT NULL,
    record BLOB NOT NULL,
    PRIMARY KEY (series, at, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX run_not_passed ON run (series, at) WHERE result > 0;

-- Runs whose id does not tell their time: the others are found by the time in their id.
CREATE TABLE run_elsewhere (
    id BLOB PRIMARY KEY,
    series INTEGER NOT NULL,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE evidence (
    run BLOB PRIMARY KEY,
    at INTEGER NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX evidence_at ON evidence (at);

-- Five minutes of a series with one set of deployed versions.
CREATE TABLE rollup (
    series INTEGER NOT NULL,
    at INTEGER NOT NULL,
    deployed INTEGER NOT NULL,
    passed INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    broken INTEGER NOT NULL,
    latency BLOB NOT NULL,
    PRIMARY KEY (series, at, deployed)
) STRICT, WITHOUT ROWID;

-- `seq` grows with every alteration: whoever remembers the last one he saw can ask for the rest.
CREATE TABLE change (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    finished_at INTEGER,
    body TEXT NOT NULL,
    ranks TEXT NOT NULL
) STRICT;
CREATE INDEX change_started_at ON change (started_at);
CREATE TABLE change_service (
    change TEXT NOT NULL,
    service TEXT NOT NULL,
    PRIMARY KEY (change, service)
) STRICT, WITHOUT ROWID;
CREATE INDEX change_service_service ON change_service (service);
CREATE TABLE change_environment (
    change TEXT NOT NULL,
    environment TEXT NOT NULL,
    PRIMARY KEY (change, environment)
) STRICT, WITHOUT ROWID;

CREATE TABLE watch (
    change TEXT NOT NULL,
    environment TEXT NOT NULL,
    opened_at INTEGER NOT NULL,
    until INTEGER NOT NULL,
    closed_at INTEGER,
    PRIMARY KEY (change, environment)
) STRICT, WITHOUT ROWID;
CREATE INDEX watch_open ON watch (change) WHERE closed_at IS NULL;

CREATE TABLE verdict (
    change TEXT NOT NULL,
    journey TEXT NOT NULL,
    environment TEXT NOT NULL,
    location TEXT NOT NULL,
    metric TEXT NOT NULL,
    conclusion TEXT NOT NULL,
    decided_at INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (change, journey, environment, location, metric)
) STRICT;
-- Every time a verdict became another one.
CREATE TABLE verdict_change (
    id INTEGER PRIMARY KEY,
    change TEXT NOT NULL,
    journey TEXT NOT NULL,
    environment TEXT NOT NULL,
    location TEXT NOT NULL,
    metric TEXT NOT NULL,
    at INTEGER NOT NULL,
    before TEXT,
    after TEXT NOT NULL
) STRICT;
CREATE INDEX verdict_change_change ON verdict_change (change);

CREATE TABLE finding (
    id TEXT NOT NULL PRIMARY KEY,
    state TEXT NOT NULL,
    kind TEXT NOT NULL,
    change TEXT,
    journey TEXT NOT NULL,
    environment TEXT NOT NULL,
    opened_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX finding_state ON finding (state, opened_at);
CREATE INDEX finding_change ON finding (change);

CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    receiver TEXT NOT NULL,
    body TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    next_try_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    last_error TEXT,
    state TEXT NOT NULL DEFAULT 'pending',
    settled_at INTEGER
) STRICT;
CREATE INDEX outbox_due ON outbox (next_try_at) WHERE state = 'pending';

-- Numbers kept so that nobody has to count: `runs`, and `change_cursor`, the last `seq` an agent has dealt with.
CREATE TABLE tally (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
