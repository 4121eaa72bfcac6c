-- Signing in: codes sent by mail, guesses that slow down whoever makes them, mail on its way, second factors. Subjects and
-- codes are kept as keyed digests; what a mail says is sealed.
CREATE TABLE email_codes (
    id INTEGER PRIMARY KEY,
    subject BLOB NOT NULL,
    network BLOB NOT NULL,
    digest BLOB NOT NULL,
    tries INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER
) STRICT;
CREATE INDEX email_codes_subject ON email_codes (subject, created_at);
CREATE INDEX email_codes_age ON email_codes (created_at);

-- Wrong passwords and codes by who made them for whom; forgotten when they are old.
CREATE TABLE guesses (
    subject BLOB PRIMARY KEY,
    failures INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    closed_until INTEGER NOT NULL
) STRICT;
CREATE INDEX guesses_age ON guesses (last_at);

-- Mail on its way out, gone once it was taken. Its body (kind, recipient, content) opens under its name alone.
CREATE TABLE mails (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    body BLOB NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

-- The address that an account wants to have, until it is proved.
CREATE TABLE email_changes (
    account_id INTEGER PRIMARY KEY REFERENCES accounts (id),
    email TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

-- A second factor: its sealed seed, since when it is asked for, and the last step whose code was used.
CREATE TABLE second_factors (
    account_id INTEGER PRIMARY KEY REFERENCES accounts (id),
    seed BLOB NOT NULL,
    confirmed_at INTEGER,
    last_step INTEGER NOT NULL
) STRICT;

-- For whoever lost the second factor: each opens once.
CREATE TABLE recovery_codes (
    id INTEGER PRIMARY KEY,
    account_id INTEGER NOT NULL REFERENCES accounts (id),
    digest BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX recovery_codes_digest ON recovery_codes (account_id, digest);
