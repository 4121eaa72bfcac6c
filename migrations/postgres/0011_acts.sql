-- What the people who run the service did: a chain, each row sealed by a hash over it and the hash before, in hexadecimal.
-- Rows are added and never changed; they stay for ever. Whoever adds one locks the head, which says what was added last.
CREATE TABLE acts (
    seq BIGINT PRIMARY KEY,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    act TEXT NOT NULL,
    subject_id BIGINT,
    detail TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash TEXT NOT NULL
);
CREATE INDEX acts_subject ON acts (subject_id, seq);
CREATE TABLE act_head (
    id BIGINT PRIMARY KEY,
    seq BIGINT NOT NULL,
    hash TEXT NOT NULL
);
INSERT INTO act_head (id, seq, hash) VALUES (1, 0, '0000000000000000000000000000000000000000000000000000000000000000');
