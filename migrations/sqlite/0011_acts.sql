-- What the people who run the service did: a chain, each row sealed by a hash over it and the hash before, in hexadecimal.
-- Rows are added and never changed; they stay for ever. Whoever adds one locks the head, which says what was added last.
CREATE TABLE acts (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    act TEXT NOT NULL,
    subject_id INTEGER,
    detail TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash TEXT NOT NULL
) STRICT;
CREATE INDEX acts_subject ON acts (subject_id, seq);
CREATE TABLE act_head (
    id INTEGER PRIMARY KEY,
    seq INTEGER NOT NULL,
    hash TEXT NOT NULL
) STRICT;
INSERT INTO act_head (id, seq, hash) VALUES (1, 0, '0000000000000000000000000000000000000000000000000000000000000000');
