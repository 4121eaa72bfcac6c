-- When a person of a website came last, to the day, and with which e-mail. An identity that is not used any more goes, if its
-- account is found by that e-mail; what the site said last of those that are there is the e-mail they were found by.
ALTER TABLE identities ADD COLUMN used_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE identities ADD COLUMN email TEXT;
UPDATE identities SET used_at = created_at, email = (SELECT a.email FROM accounts a WHERE a.id = identities.account_id);
CREATE INDEX identities_age ON identities (used_at);
