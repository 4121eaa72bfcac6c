-- People: where an account stands in five words, since when its sign-ins count, and what is known of each sign-in and key.

ALTER TABLE accounts ADD COLUMN next_standing TEXT NOT NULL DEFAULT 'pending' CHECK (next_standing IN ('pending', 'approved', 'limited', 'suspended', 'closed'));
UPDATE accounts SET next_standing = CASE standing WHEN 'held' THEN 'limited' ELSE standing END;
ALTER TABLE accounts DROP COLUMN standing;
ALTER TABLE accounts RENAME COLUMN next_standing TO standing;
-- What was signed before this moment opens nothing.
ALTER TABLE accounts ADD COLUMN not_before BIGINT NOT NULL DEFAULT 0;

-- A session is a browser's ('web', its token in hash) or a device's ('device', its refresh token in hash).
ALTER TABLE sessions ADD COLUMN kind TEXT NOT NULL DEFAULT 'web' CHECK (kind IN ('web', 'device'));
ALTER TABLE sessions ADD COLUMN platform TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN device_name TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN network TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN last_used_at BIGINT;

-- The first characters are for recognising a key. Empty networks: from anywhere. Amounts are micro-dollars.
ALTER TABLE api_keys ADD COLUMN prefix TEXT NOT NULL DEFAULT '';
ALTER TABLE api_keys ADD COLUMN purpose TEXT NOT NULL DEFAULT '';
ALTER TABLE api_keys ADD COLUMN networks TEXT NOT NULL DEFAULT '';
ALTER TABLE api_keys ADD COLUMN expires_at BIGINT;
ALTER TABLE api_keys ADD COLUMN last_used_at BIGINT;
ALTER TABLE api_keys ADD COLUMN spend_cap BIGINT;
ALTER TABLE api_keys ADD COLUMN spent BIGINT NOT NULL DEFAULT 0;
