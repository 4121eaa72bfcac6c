-- Which account here a person of a website is. A row stays as long as its account.
CREATE TABLE identities (
    id BIGINT PRIMARY KEY,
    brand_id BIGINT NOT NULL REFERENCES brands (id),
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    account_id BIGINT NOT NULL REFERENCES accounts (id),
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX identities_subject ON identities (brand_id, issuer, subject);
CREATE INDEX identities_account ON identities (account_id);
