-- Keys under which callers repeat a purchase safely: claimed in the transaction that holds the money. What the
-- first answer said is kept as facts, so that a repeat is worded the same.
CREATE TABLE idempotency_keys (
    id INTEGER PRIMARY KEY,
    account_id INTEGER NOT NULL,
    scope TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    activation_id INTEGER NOT NULL,
    balance_after INTEGER NOT NULL,
    credits_after INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX idempotency_keys_name ON idempotency_keys (account_id, scope, key);
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);
