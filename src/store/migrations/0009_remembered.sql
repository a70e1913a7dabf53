-- What is remembered of things that are watched elsewhere (the objects of a Kubernetes cluster), by who watches.
CREATE TABLE remembered (
    watcher TEXT NOT NULL,
    key TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (watcher, key)
) STRICT, WITHOUT ROWID;
