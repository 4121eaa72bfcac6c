-- How programs sign in: refresh tokens that were used and must not be used again, and devices that wait for a person.

-- A used refresh token's hash, and what it was exchanged for, sealed: whoever lost that answer gets it again for seconds.
CREATE TABLE rotated_tokens (
    id BIGINT PRIMARY KEY,
    hash BYTEA NOT NULL,
    session_id BIGINT NOT NULL REFERENCES sessions (id),
    rotated_at BIGINT NOT NULL,
    successor BYTEA NOT NULL
);
CREATE UNIQUE INDEX rotated_tokens_hash ON rotated_tokens (hash);
CREATE INDEX rotated_tokens_age ON rotated_tokens (rotated_at);

-- A device that wants to sign in. The two codes stand here as digests.
CREATE TABLE device_grants (
    id BIGINT PRIMARY KEY,
    device_code BYTEA NOT NULL,
    user_code BYTEA NOT NULL,
    client TEXT NOT NULL,
    device_name TEXT NOT NULL,
    network TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('pending', 'approved', 'denied', 'used')),
    account_id BIGINT REFERENCES accounts (id),
    session_id BIGINT REFERENCES sessions (id),
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    polled_at BIGINT,
    poll_every BIGINT NOT NULL
);
CREATE UNIQUE INDEX device_grants_device_code ON device_grants (device_code);
CREATE UNIQUE INDEX device_grants_user_code ON device_grants (user_code);
CREATE INDEX device_grants_age ON device_grants (expires_at);
