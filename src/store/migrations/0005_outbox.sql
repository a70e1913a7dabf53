-- Messages of one incident belong together: a newer one takes the place of one that still waits.
ALTER TABLE outbox ADD COLUMN thread TEXT;
-- What the receiver answered and a later message needs: the id of an annotation.
ALTER TABLE outbox ADD COLUMN receipt TEXT;
CREATE INDEX outbox_thread ON outbox (receiver, thread) WHERE thread IS NOT NULL;
CREATE INDEX outbox_receiver ON outbox (receiver, next_try_at) WHERE state = 'pending';

-- What each receiver was told last of each incident, so that nothing is told twice.
CREATE TABLE notified (
    receiver TEXT NOT NULL,
    thread TEXT NOT NULL,
    at INTEGER NOT NULL,
    over INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (receiver, thread)
) STRICT, WITHOUT ROWID;
