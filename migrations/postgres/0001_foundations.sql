-- The foundations. Times are microseconds UTC, USD amounts micro-dollars, credits counts.
-- Names and columns are the same for both databases; a test holds the two schemas against each other.

CREATE TABLE settings (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

-- Keys that belong to this database: token signing, public ids, and in a sandbox the master key.
CREATE TABLE secrets (
    name TEXT PRIMARY KEY,
    value BYTEA NOT NULL
);

-- Numbers are handed out in blocks; a number that was never used is no loss.
CREATE TABLE sequences (
    name TEXT PRIMARY KEY,
    next_value BIGINT NOT NULL
);

-- What servers keep in memory is read anew when its revision changes.
CREATE TABLE revisions (
    name TEXT PRIMARY KEY,
    value BIGINT NOT NULL
);

CREATE TABLE brands (
    id BIGINT PRIMARY KEY,
    name TEXT NOT NULL
);

CREATE TABLE accounts (
    id BIGINT PRIMARY KEY,
    brand_id BIGINT NOT NULL REFERENCES brands (id),
    email TEXT NOT NULL,
    name TEXT NOT NULL,
    password_hash TEXT,
    email_verified BIGINT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('customer', 'reseller', 'admin')),
    standing TEXT NOT NULL CHECK (standing IN ('pending', 'approved', 'held')),
    webhook_url TEXT,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX accounts_email ON accounts (brand_id, email);

-- One row an account: what is held counts against the limit at once.
CREATE TABLE purses (
    account_id BIGINT PRIMARY KEY REFERENCES accounts (id),
    balance_posted BIGINT NOT NULL,
    balance_held BIGINT NOT NULL,
    gift_posted BIGINT NOT NULL,
    gift_held BIGINT NOT NULL,
    granted_posted BIGINT NOT NULL,
    granted_held BIGINT NOT NULL,
    bought_posted BIGINT NOT NULL,
    bought_held BIGINT NOT NULL,
    gift_total BIGINT NOT NULL,
    CONSTRAINT purses_balance CHECK (balance_held >= 0 AND balance_posted >= balance_held),
    CONSTRAINT purses_gift CHECK (gift_held >= 0 AND gift_posted >= gift_held),
    CONSTRAINT purses_granted CHECK (granted_held >= 0 AND granted_posted >= granted_held),
    CONSTRAINT purses_bought CHECK (bought_held >= 0 AND bought_posted >= bought_held)
);

CREATE TABLE api_keys (
    id BIGINT PRIMARY KEY,
    brand_id BIGINT NOT NULL REFERENCES brands (id),
    account_id BIGINT NOT NULL REFERENCES accounts (id),
    name TEXT NOT NULL,
    hash BYTEA NOT NULL,
    last_four TEXT NOT NULL,
    scopes TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    revoked_at BIGINT
);
CREATE UNIQUE INDEX api_keys_hash ON api_keys (hash);
CREATE INDEX api_keys_account ON api_keys (account_id);

CREATE TABLE sessions (
    id BIGINT PRIMARY KEY,
    brand_id BIGINT NOT NULL REFERENCES brands (id),
    account_id BIGINT NOT NULL REFERENCES accounts (id),
    hash BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT
);
CREATE UNIQUE INDEX sessions_hash ON sessions (hash);
CREATE INDEX sessions_account ON sessions (account_id);

-- Accounts of the ledger. Balances live in purses for customers; the platform's are sums of transfers.
CREATE TABLE ledger_accounts (
    id BIGINT PRIMARY KEY,
    brand_id BIGINT NOT NULL REFERENCES brands (id),
    account_id BIGINT REFERENCES accounts (id),
    kind TEXT NOT NULL,
    unit TEXT NOT NULL CHECK (unit IN ('USD', 'CRD'))
);
CREATE INDEX ledger_accounts_account ON ledger_accounts (account_id);

-- Immutable: one row a step of the books. A step's name can exist once.
CREATE TABLE movements (
    id BIGINT PRIMARY KEY,
    account_id BIGINT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('topup', 'purchase', 'settlement', 'refund', 'adjustment', 'bonus')),
    step TEXT NOT NULL,
    reference_kind TEXT NOT NULL,
    reference_id BIGINT NOT NULL,
    balance_change BIGINT NOT NULL,
    credits_change BIGINT NOT NULL,
    value BIGINT NOT NULL,
    balance_after BIGINT NOT NULL,
    credits_after BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX movements_step ON movements (step);
CREATE INDEX movements_account ON movements (account_id, created_at, id);

-- Immutable double entries, one a purse that takes part in a movement.
CREATE TABLE transfers (
    movement_id BIGINT NOT NULL,
    purse TEXT NOT NULL,
    phase TEXT NOT NULL CHECK (phase IN ('pending', 'post', 'void', 'single')),
    debit_id BIGINT NOT NULL,
    credit_id BIGINT NOT NULL,
    amount BIGINT NOT NULL CHECK (amount > 0),
    PRIMARY KEY (movement_id, purse)
);

CREATE TABLE providers (
    id BIGINT PRIMARY KEY,
    brand_id BIGINT NOT NULL REFERENCES brands (id),
    code TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('sandbox', 'own')),
    secret BYTEA NOT NULL,
    enabled BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX providers_code ON providers (code);

CREATE TABLE offers (
    id BIGINT PRIMARY KEY,
    brand_id BIGINT NOT NULL REFERENCES brands (id),
    service TEXT NOT NULL,
    country_id BIGINT NOT NULL,
    operator TEXT NOT NULL,
    pool BIGINT NOT NULL CHECK (pool BETWEEN 1 AND 3),
    provider TEXT NOT NULL,
    hours BIGINT NOT NULL,
    price BIGINT NOT NULL CHECK (price > 0 AND price % 100 = 0),
    provider_cost BIGINT NOT NULL CHECK (provider_cost >= 0),
    cost_currency TEXT NOT NULL,
    stock BIGINT
);
CREATE UNIQUE INDEX offers_place ON offers (brand_id, service, country_id, operator, pool, provider, hours);

CREATE TABLE activations (
    id BIGINT PRIMARY KEY,
    brand_id BIGINT NOT NULL,
    account_id BIGINT NOT NULL,
    service TEXT NOT NULL,
    country_id BIGINT NOT NULL,
    operator TEXT NOT NULL,
    pool BIGINT NOT NULL,
    provider TEXT NOT NULL,
    price BIGINT NOT NULL,
    provider_cost BIGINT NOT NULL,
    cost_currency TEXT NOT NULL,
    hold_id BIGINT NOT NULL,
    paid_balance BIGINT NOT NULL,
    paid_gift BIGINT NOT NULL,
    paid_granted BIGINT NOT NULL,
    paid_bought BIGINT NOT NULL,
    policy_version BIGINT NOT NULL,
    credential TEXT NOT NULL,
    credential_id BIGINT NOT NULL,
    ip_prefix TEXT NOT NULL,
    purpose TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    status TEXT NOT NULL,
    number TEXT,
    provider_ref TEXT,
    attached_at BIGINT,
    expires_at BIGINT,
    first_message_at BIGINT,
    code_message_id BIGINT,
    resent_at BIGINT,
    closed_at BIGINT
);
CREATE INDEX activations_account ON activations (account_id, created_at, id);

-- Append-only: who had the right to a number's messages, and when. Closing a lease writes its end once.
CREATE TABLE leases (
    id BIGINT PRIMARY KEY,
    brand_id BIGINT NOT NULL,
    account_id BIGINT NOT NULL,
    activation_id BIGINT NOT NULL,
    provider TEXT NOT NULL,
    provider_ref TEXT NOT NULL,
    number TEXT NOT NULL,
    service TEXT NOT NULL,
    from_at BIGINT NOT NULL,
    to_at BIGINT NOT NULL,
    closed_at BIGINT
);
CREATE UNIQUE INDEX leases_reference ON leases (provider, provider_ref);
CREATE UNIQUE INDEX leases_activation ON leases (activation_id);
CREATE INDEX leases_number ON leases (number, to_at);

-- Texts are stored encrypted; the key of a message's day is in data_keys, wrapped by the master key.
CREATE TABLE messages (
    id BIGINT PRIMARY KEY,
    provider TEXT NOT NULL,
    dedupe_key BYTEA NOT NULL,
    provider_ref TEXT,
    number TEXT,
    activation_id BIGINT,
    verdict TEXT NOT NULL CHECK (verdict IN ('parked', 'delivered', 'withheld', 'sealed')),
    reason TEXT NOT NULL,
    has_code BIGINT NOT NULL,
    services TEXT NOT NULL,
    key_day BIGINT NOT NULL,
    body BYTEA NOT NULL,
    received_at BIGINT NOT NULL,
    purge_after BIGINT NOT NULL
);
CREATE UNIQUE INDEX messages_dedupe ON messages (provider, dedupe_key);
CREATE INDEX messages_activation ON messages (activation_id);
CREATE INDEX messages_parked_reference ON messages (provider_ref) WHERE verdict = 'parked';
CREATE INDEX messages_parked_number ON messages (number) WHERE verdict = 'parked';
CREATE INDEX messages_purge ON messages (purge_after);

CREATE TABLE data_keys (
    day BIGINT PRIMARY KEY,
    wrapped BYTEA NOT NULL
);

-- Verified webhooks that could not be read, encrypted like messages.
CREATE TABLE quarantine (
    id BIGINT PRIMARY KEY,
    provider TEXT NOT NULL,
    key_day BIGINT NOT NULL,
    body BYTEA NOT NULL,
    received_at BIGINT NOT NULL,
    purge_after BIGINT NOT NULL
);

CREATE TABLE events (
    id BIGINT PRIMARY KEY,
    account_id BIGINT NOT NULL,
    kind TEXT NOT NULL,
    activation_id BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX events_account ON events (account_id, id);

CREATE TABLE jobs (
    id BIGINT PRIMARY KEY,
    kind TEXT NOT NULL,
    subject_id BIGINT NOT NULL,
    run_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    leased_until BIGINT NOT NULL,
    dead BIGINT NOT NULL
);
CREATE UNIQUE INDEX jobs_subject ON jobs (kind, subject_id);
CREATE INDEX jobs_due ON jobs (dead, run_at);

-- Numbers of the operator's own, and what the gateway remembers of its allocations.
CREATE TABLE numbers (
    id BIGINT PRIMARY KEY,
    brand_id BIGINT NOT NULL REFERENCES brands (id),
    number TEXT NOT NULL,
    country_id BIGINT NOT NULL,
    operator TEXT NOT NULL,
    provider TEXT NOT NULL,
    shared BIGINT NOT NULL,
    enabled BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX numbers_number ON numbers (number);
CREATE INDEX numbers_place ON numbers (provider, country_id, operator);

CREATE TABLE number_allocations (
    id BIGINT PRIMARY KEY,
    provider TEXT NOT NULL,
    reference TEXT NOT NULL,
    number_id BIGINT NOT NULL REFERENCES numbers (id),
    service TEXT NOT NULL,
    allocated_at BIGINT NOT NULL,
    released_at BIGINT
);
CREATE UNIQUE INDEX number_allocations_reference ON number_allocations (provider, reference);
CREATE INDEX number_allocations_number ON number_allocations (number_id, released_at);

-- The sandbox's own memory, as an upstream would have one elsewhere.
CREATE TABLE sandbox_purchases (
    id BIGINT PRIMARY KEY,
    reference TEXT NOT NULL,
    number TEXT NOT NULL,
    service TEXT NOT NULL,
    operator TEXT NOT NULL,
    messages BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    released_at BIGINT
);
CREATE UNIQUE INDEX sandbox_purchases_reference ON sandbox_purchases (reference);

CREATE TABLE sandbox_messages (
    id BIGINT PRIMARY KEY,
    purchase_id BIGINT NOT NULL REFERENCES sandbox_purchases (id),
    ordinal BIGINT NOT NULL,
    sent_at BIGINT
);
CREATE UNIQUE INDEX sandbox_messages_purchase ON sandbox_messages (purchase_id, ordinal);

INSERT INTO brands (id, name) VALUES (1, 'NumberOTP');
INSERT INTO sequences (name, next_value) VALUES ('row', 1000), ('purchase', 1);
INSERT INTO revisions (name, value) VALUES ('catalog', 1);
INSERT INTO ledger_accounts (id, brand_id, account_id, kind, unit) VALUES
    (-33, 1, NULL, 'income_usd', 'USD'),
    (-34, 1, NULL, 'income_credits', 'CRD'),
    (-35, 1, NULL, 'promotion', 'CRD'),
    (-36, 1, NULL, 'payment_clearing', 'USD'),
    (-37, 1, NULL, 'deferred_rentals', 'USD'),
    (-38, 1, NULL, 'provider_prepaid', 'USD'),
    (-39, 1, NULL, 'provider_cost', 'USD'),
    (-40, 1, NULL, 'tax_payable', 'USD'),
    (-41, 1, NULL, 'receivable', 'USD'),
    (-42, 1, NULL, 'unclaimed', 'USD');
