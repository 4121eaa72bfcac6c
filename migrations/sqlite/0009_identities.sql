-- Which account here a person of a website is. A row stays as long as its account.
CREATE TABLE identities (
    id INTEGER PRIMARY KEY,
    brand_id INTEGER NOT NULL REFERENCES brands (id),
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    account_id INTEGER NOT NULL REFERENCES accounts (id),
    created_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX identities_subject ON identities (brand_id, issuer, subject);
CREATE INDEX identities_account ON identities (account_id);
