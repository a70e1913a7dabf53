-- What senders told, and what they told of besides changes.

-- One telling of a change: many senders may tell of one. `piece` is the sender's id, `change` the change it belongs to, `scope` its
-- services and environments; changes of another scope are never the same. `hash` is the beginning of its newest commit.
CREATE TABLE told (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    piece TEXT NOT NULL,
    change TEXT NOT NULL,
    source TEXT NOT NULL,
    loose INTEGER NOT NULL,
    object TEXT,
    scope TEXT NOT NULL,
    version TEXT,
    hash TEXT,
    from_at INTEGER NOT NULL,
    to_at INTEGER NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX told_piece ON told (piece);
CREATE INDEX told_change ON told (change);
CREATE INDEX told_object ON told (object, from_at) WHERE object IS NOT NULL;
CREATE INDEX told_version ON told (scope, version) WHERE version IS NOT NULL;
CREATE INDEX told_hash ON told (scope, hash) WHERE hash IS NOT NULL;

INSERT INTO told (piece, change, source, loose, scope, from_at, to_at, body)
    SELECT id, id, coalesce(json_extract(body, '$.source'), ''), 0, '', started_at,
        coalesce(finished_at, started_at), body FROM change ORDER BY seq;

-- Changes that turned out to be others: an agent ends their watches.
CREATE TABLE absorbed (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL,
    into_change TEXT NOT NULL
) STRICT;

-- Changes of which nobody knows where they belong, each telling of them.
CREATE TABLE unplaced (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    piece TEXT NOT NULL,
    hook TEXT NOT NULL,
    at INTEGER NOT NULL,
    body TEXT NOT NULL,
    UNIQUE (piece, body)
) STRICT;

-- What pipelines did.
CREATE TABLE pipeline_fact (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    service TEXT,
    environment TEXT,
    at INTEGER NOT NULL,
    finished_at INTEGER,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX pipeline_fact_at ON pipeline_fact (at);

-- Incidents that others keep.
CREATE TABLE incident_fact (
    id TEXT PRIMARY KEY,
    service TEXT,
    environment TEXT,
    at INTEGER NOT NULL,
    resolved_at INTEGER,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX incident_fact_at ON incident_fact (at);

-- What came to the hooks lately, its bodies cut and masked.
CREATE TABLE delivery (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    hook TEXT NOT NULL,
    event TEXT,
    outcome TEXT NOT NULL,
    note TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX delivery_at ON delivery (at);

-- Annotations as their senders know them, by the number they were given; `theirs` is the number of the Grafana they were passed on to.
CREATE TABLE annotation (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    theirs INTEGER,
    change TEXT NOT NULL,
    at INTEGER NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX annotation_theirs ON annotation (theirs) WHERE theirs IS NOT NULL;
CREATE INDEX annotation_at ON annotation (at);

CREATE INDEX change_release ON change (json_extract(body, '$.release')) WHERE json_extract(body, '$.release') IS NOT NULL;
