-- Of a code's tries, those from another network than the one that asked for it; and the network that used it, if any.
ALTER TABLE email_codes ADD COLUMN tries_elsewhere BIGINT NOT NULL DEFAULT 0;
ALTER TABLE email_codes ADD COLUMN opened_from BYTEA;

-- Whether an account signed in from a network lately.
CREATE INDEX sessions_network ON sessions (account_id, network, created_at);
