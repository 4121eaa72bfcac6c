-- Webhook secrets that were replaced, wrapped: until their time is over they still prove what a provider signs.
CREATE TABLE provider_keys (
    id BIGINT PRIMARY KEY,
    provider TEXT NOT NULL,
    secret BYTEA NOT NULL,
    until BIGINT NOT NULL
);
CREATE INDEX provider_keys_provider ON provider_keys (provider);
