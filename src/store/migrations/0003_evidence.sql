-- Evidence of the last good run beside that of a failed one, within a budget of bytes. Rows from before belong to no series.

ALTER TABLE evidence ADD COLUMN series INTEGER;
-- How it failed: failures alike have the same one. Empty for a good run.
ALTER TABLE evidence ADD COLUMN signature TEXT NOT NULL DEFAULT '';
-- 0: a failure that the next one alike takes the place of; 1: a failure that stays; 2: a good run.
ALTER TABLE evidence ADD COLUMN sort INTEGER NOT NULL DEFAULT 1;
ALTER TABLE evidence ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
UPDATE evidence SET bytes = octet_length(body);
CREATE INDEX evidence_series ON evidence (series, signature, at) WHERE series IS NOT NULL;

INSERT INTO tally (name, value) SELECT 'evidence_bytes', coalesce(sum(bytes), 0) FROM evidence;
CREATE TRIGGER evidence_comes AFTER INSERT ON evidence BEGIN
    UPDATE tally SET value = value + NEW.bytes WHERE name = 'evidence_bytes';
END;
CREATE TRIGGER evidence_goes AFTER DELETE ON evidence BEGIN
    UPDATE tally SET value = value - OLD.bytes WHERE name = 'evidence_bytes';
END;
