-- Webhook secrets that were replaced, wrapped: until their time is over they still prove what a provider signs.
CREATE TABLE provider_keys (
    id INTEGER PRIMARY KEY,
    provider TEXT NOT NULL,
    secret BLOB NOT NULL,
    until INTEGER NOT NULL
) STRICT;
CREATE INDEX provider_keys_provider ON provider_keys (provider);
