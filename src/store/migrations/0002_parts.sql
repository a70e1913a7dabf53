-- Verdicts on parts of a journey: `part` is empty for the whole, otherwise its names as JSON.

CREATE TABLE verdict_of_part (
    change TEXT NOT NULL,
    journey TEXT NOT NULL,
    environment TEXT NOT NULL,
    location TEXT NOT NULL,
    metric TEXT NOT NULL,
    part TEXT NOT NULL DEFAULT '',
    conclusion TEXT NOT NULL,
    decided_at INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (change, journey, environment, location, metric, part)
) STRICT;
INSERT INTO verdict_of_part (change, journey, environment, location, metric, conclusion, decided_at, body)
    SELECT change, journey, environment, location, metric, conclusion, decided_at, body FROM verdict;
DROP TABLE verdict;
ALTER TABLE verdict_of_part RENAME TO verdict;

ALTER TABLE verdict_change ADD COLUMN part TEXT NOT NULL DEFAULT '';

-- When the watch of a change ended: how many changes were judged lately is asked often.
CREATE INDEX watch_closed ON watch (closed_at) WHERE closed_at IS NOT NULL;
