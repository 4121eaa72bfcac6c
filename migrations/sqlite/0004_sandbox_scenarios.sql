-- What a team's tests ask of the sandbox. A scenario waits for the next purchase of its account; what its message
-- says is sealed with the day's key, as messages are. Places are counted by the database: the queue is in order.
CREATE TABLE sandbox_scenarios (
    place INTEGER PRIMARY KEY,
    id INTEGER NOT NULL,
    account_id INTEGER NOT NULL,
    service TEXT,
    scenario TEXT NOT NULL,
    delay INTEGER,
    key_day INTEGER,
    body BLOB,
    purge_after INTEGER NOT NULL,
    taken_at INTEGER
) STRICT;
CREATE UNIQUE INDEX sandbox_scenarios_id ON sandbox_scenarios (id);
CREATE INDEX sandbox_scenarios_queue ON sandbox_scenarios (account_id, place) WHERE taken_at IS NULL;
CREATE INDEX sandbox_scenarios_age ON sandbox_scenarios (purge_after);

-- The how-manieth purchase decides number and codes, so that the same seed repeats. A row a purchase, never locked.
CREATE TABLE sandbox_turns (
    id INTEGER PRIMARY KEY
) STRICT;

ALTER TABLE sandbox_purchases ADD COLUMN turn INTEGER;
ALTER TABLE sandbox_purchases ADD COLUMN scenario TEXT;
ALTER TABLE sandbox_purchases ADD COLUMN scenario_id INTEGER;

-- How far the sandbox's clock was moved forward, in microseconds; servers read it as they read the other one.
INSERT INTO revisions (name, value) VALUES ('sandbox_clock', 0);
