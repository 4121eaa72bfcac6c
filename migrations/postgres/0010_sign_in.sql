-- Signing in: codes sent by mail, guesses that slow down whoever makes them, mail on its way, second factors. Subjects and
-- codes are kept as keyed digests; what a mail says is sealed.
CREATE TABLE email_codes (
    id BIGINT PRIMARY KEY,
    subject BYTEA NOT NULL,
    network BYTEA NOT NULL,
    digest BYTEA NOT NULL,
    tries BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT
);
CREATE INDEX email_codes_subject ON email_codes (subject, created_at);
CREATE INDEX email_codes_age ON email_codes (created_at);

-- Wrong passwords and codes by who made them for whom; forgotten when they are old.
CREATE TABLE guesses (
    subject BYTEA PRIMARY KEY,
    failures BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    closed_until BIGINT NOT NULL
);
CREATE INDEX guesses_age ON guesses (last_at);

-- Mail on its way out, gone once it was taken. Its body (kind, recipient, content) opens under its name alone.
CREATE TABLE mails (
    id BIGINT PRIMARY KEY,
    name TEXT NOT NULL,
    body BYTEA NOT NULL,
    expires_at BIGINT NOT NULL
);

-- The address that an account wants to have, until it is proved.
CREATE TABLE email_changes (
    account_id BIGINT PRIMARY KEY REFERENCES accounts (id),
    email TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

-- A second factor: its sealed seed, since when it is asked for, and the last step whose code was used.
CREATE TABLE second_factors (
    account_id BIGINT PRIMARY KEY REFERENCES accounts (id),
    seed BYTEA NOT NULL,
    confirmed_at BIGINT,
    last_step BIGINT NOT NULL
);

-- For whoever lost the second factor: each opens once.
CREATE TABLE recovery_codes (
    id BIGINT PRIMARY KEY,
    account_id BIGINT NOT NULL REFERENCES accounts (id),
    digest BYTEA NOT NULL
);
CREATE UNIQUE INDEX recovery_codes_digest ON recovery_codes (account_id, digest);
