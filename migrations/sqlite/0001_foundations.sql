-- The foundations. Times are microseconds UTC, USD amounts micro-dollars, credits counts.
-- Names and columns are the same for both databases; a test holds the two schemas against each other.

CREATE TABLE settings (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

-- Keys that belong to this database: token signing, public ids, and in a sandbox the master key.
CREATE TABLE secrets (
    name TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT;

-- Numbers are handed out in blocks; a number that was never used is no loss.
CREATE TABLE sequences (
    name TEXT PRIMARY KEY,
    next_value INTEGER NOT NULL
) STRICT;

-- What servers keep in memory is read anew when its revision changes.
CREATE TABLE revisions (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT;

CREATE TABLE brands (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL
) STRICT;

CREATE TABLE accounts (
    id INTEGER PRIMARY KEY,
    brand_id INTEGER NOT NULL REFERENCES brands (id),
    email TEXT NOT NULL,
    name TEXT NOT NULL,
    password_hash TEXT,
    email_verified INTEGER NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('customer', 'reseller', 'admin')),
    standing TEXT NOT NULL CHECK (standing IN ('pending', 'approved', 'held')),
    webhook_url TEXT,
    created_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX accounts_email ON accounts (brand_id, email);

-- One row an account: what is held counts against the limit at once.
CREATE TABLE purses (
    account_id INTEGER PRIMARY KEY REFERENCES accounts (id),
    balance_posted INTEGER NOT NULL,
    balance_held INTEGER NOT NULL,
    gift_posted INTEGER NOT NULL,
    gift_held INTEGER NOT NULL,
    granted_posted INTEGER NOT NULL,
    granted_held INTEGER NOT NULL,
    bought_posted INTEGER NOT NULL,
    bought_held INTEGER NOT NULL,
    gift_total INTEGER NOT NULL,
    CONSTRAINT purses_balance CHECK (balance_held >= 0 AND balance_posted >= balance_held),
    CONSTRAINT purses_gift CHECK (gift_held >= 0 AND gift_posted >= gift_held),
    CONSTRAINT purses_granted CHECK (granted_held >= 0 AND granted_posted >= granted_held),
    CONSTRAINT purses_bought CHECK (bought_held >= 0 AND bought_posted >= bought_held)
) STRICT;

CREATE TABLE api_keys (
    id INTEGER PRIMARY KEY,
    brand_id INTEGER NOT NULL REFERENCES brands (id),
    account_id INTEGER NOT NULL REFERENCES accounts (id),
    name TEXT NOT NULL,
    hash BLOB NOT NULL,
    last_four TEXT NOT NULL,
    scopes TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT;
CREATE UNIQUE INDEX api_keys_hash ON api_keys (hash);
CREATE INDEX api_keys_account ON api_keys (account_id);

CREATE TABLE sessions (
    id INTEGER PRIMARY KEY,
    brand_id INTEGER NOT NULL REFERENCES brands (id),
    account_id INTEGER NOT NULL REFERENCES accounts (id),
    hash BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT;
CREATE UNIQUE INDEX sessions_hash ON sessions (hash);
CREATE INDEX sessions_account ON sessions (account_id);

-- Accounts of the ledger. Balances live in purses for customers; the platform's are sums of transfers.
CREATE TABLE ledger_accounts (
    id INTEGER PRIMARY KEY,
    brand_id INTEGER NOT NULL REFERENCES brands (id),
    account_id INTEGER REFERENCES accounts (id),
    kind TEXT NOT NULL,
    unit TEXT NOT NULL CHECK (unit IN ('USD', 'CRD'))
) STRICT;
CREATE INDEX ledger_accounts_account ON ledger_accounts (account_id);

-- Immutable: one row a step of the books. A step's name can exist once.
CREATE TABLE movements (
    id INTEGER PRIMARY KEY,
    account_id INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('topup', 'purchase', 'settlement', 'refund', 'adjustment', 'bonus')),
    step TEXT NOT NULL,
    reference_kind TEXT NOT NULL,
    reference_id INTEGER NOT NULL,
    balance_change INTEGER NOT NULL,
    credits_change INTEGER NOT NULL,
    value INTEGER NOT NULL,
    balance_after INTEGER NOT NULL,
    credits_after INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX movements_step ON movements (step);
CREATE INDEX movements_account ON movements (account_id, created_at, id);

-- Immutable double entries, one a purse that takes part in a movement.
CREATE TABLE transfers (
    movement_id INTEGER NOT NULL,
    purse TEXT NOT NULL,
    phase TEXT NOT NULL CHECK (phase IN ('pending', 'post', 'void', 'single')),
    debit_id INTEGER NOT NULL,
    credit_id INTEGER NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0),
    PRIMARY KEY (movement_id, purse)
) STRICT;

CREATE TABLE providers (
    id INTEGER PRIMARY KEY,
    brand_id INTEGER NOT NULL REFERENCES brands (id),
    code TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('sandbox', 'own')),
    secret BLOB NOT NULL,
    enabled INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX providers_code ON providers (code);

CREATE TABLE offers (
    id INTEGER PRIMARY KEY,
    brand_id INTEGER NOT NULL REFERENCES brands (id),
    service TEXT NOT NULL,
    country_id INTEGER NOT NULL,
    operator TEXT NOT NULL,
    pool INTEGER NOT NULL CHECK (pool BETWEEN 1 AND 3),
    provider TEXT NOT NULL,
    hours INTEGER NOT NULL,
    price INTEGER NOT NULL CHECK (price > 0 AND price % 100 = 0),
    provider_cost INTEGER NOT NULL CHECK (provider_cost >= 0),
    cost_currency TEXT NOT NULL,
    stock INTEGER
) STRICT;
CREATE UNIQUE INDEX offers_place ON offers (brand_id, service, country_id, operator, pool, provider, hours);

CREATE TABLE activations (
    id INTEGER PRIMARY KEY,
    brand_id INTEGER NOT NULL,
    account_id INTEGER NOT NULL,
    service TEXT NOT NULL,
    country_id INTEGER NOT NULL,
    operator TEXT NOT NULL,
    pool INTEGER NOT NULL,
    provider TEXT NOT NULL,
    price INTEGER NOT NULL,
    provider_cost INTEGER NOT NULL,
    cost_currency TEXT NOT NULL,
    hold_id INTEGER NOT NULL,
    paid_balance INTEGER NOT NULL,
    paid_gift INTEGER NOT NULL,
    paid_granted INTEGER NOT NULL,
    paid_bought INTEGER NOT NULL,
    policy_version INTEGER NOT NULL,
    credential TEXT NOT NULL,
    credential_id INTEGER NOT NULL,
    ip_prefix TEXT NOT NULL,
    purpose TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    status TEXT NOT NULL,
    number TEXT,
    provider_ref TEXT,
    attached_at INTEGER,
    expires_at INTEGER,
    first_message_at INTEGER,
    code_message_id INTEGER,
    resent_at INTEGER,
    closed_at INTEGER
) STRICT;
CREATE INDEX activations_account ON activations (account_id, created_at, id);

-- Append-only: who had the right to a number's messages, and when. Closing a lease writes its end once.
CREATE TABLE leases (
    id INTEGER PRIMARY KEY,
    brand_id INTEGER NOT NULL,
    account_id INTEGER NOT NULL,
    activation_id INTEGER NOT NULL,
    provider TEXT NOT NULL,
    provider_ref TEXT NOT NULL,
    number TEXT NOT NULL,
    service TEXT NOT NULL,
    from_at INTEGER NOT NULL,
    to_at INTEGER NOT NULL,
    closed_at INTEGER
) STRICT;
CREATE UNIQUE INDEX leases_reference ON leases (provider, provider_ref);
CREATE UNIQUE INDEX leases_activation ON leases (activation_id);
CREATE INDEX leases_number ON leases (number, to_at);

-- Texts are stored encrypted; the key of a message's day is in data_keys, wrapped by the master key.
CREATE TABLE messages (
    id INTEGER PRIMARY KEY,
    provider TEXT NOT NULL,
    dedupe_key BLOB NOT NULL,
    provider_ref TEXT,
    number TEXT,
    activation_id INTEGER,
    verdict TEXT NOT NULL CHECK (verdict IN ('parked', 'delivered', 'withheld', 'sealed')),
    reason TEXT NOT NULL,
    has_code INTEGER NOT NULL,
    services TEXT NOT NULL,
    key_day INTEGER NOT NULL,
    body BLOB NOT NULL,
    received_at INTEGER NOT NULL,
    purge_after INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX messages_dedupe ON messages (provider, dedupe_key);
CREATE INDEX messages_activation ON messages (activation_id);
CREATE INDEX messages_parked_reference ON messages (provider_ref) WHERE verdict = 'parked';
CREATE INDEX messages_parked_number ON messages (number) WHERE verdict = 'parked';
CREATE INDEX messages_purge ON messages (purge_after);

CREATE TABLE data_keys (
    day INTEGER PRIMARY KEY,
    wrapped BLOB NOT NULL
) STRICT;

-- Verified webhooks that could not be read, encrypted like messages.
CREATE TABLE quarantine (
    id INTEGER PRIMARY KEY,
    provider TEXT NOT NULL,
    key_day INTEGER NOT NULL,
    body BLOB NOT NULL,
    received_at INTEGER NOT NULL,
    purge_after INTEGER NOT NULL
) STRICT;

CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    account_id INTEGER NOT NULL,
    kind TEXT NOT NULL,
    activation_id INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX events_account ON events (account_id, id);

CREATE TABLE jobs (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    subject_id INTEGER NOT NULL,
    run_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    leased_until INTEGER NOT NULL,
    dead INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX jobs_subject ON jobs (kind, subject_id);
CREATE INDEX jobs_due ON jobs (dead, run_at);

-- Numbers of the operator's own, and what the gateway remembers of its allocations.
CREATE TABLE numbers (
    id INTEGER PRIMARY KEY,
    brand_id INTEGER NOT NULL REFERENCES brands (id),
    number TEXT NOT NULL,
    country_id INTEGER NOT NULL,
    operator TEXT NOT NULL,
    provider TEXT NOT NULL,
    shared INTEGER NOT NULL,
    enabled INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX numbers_number ON numbers (number);
CREATE INDEX numbers_place ON numbers (provider, country_id, operator);

CREATE TABLE number_allocations (
    id INTEGER PRIMARY KEY,
    provider TEXT NOT NULL,
    reference TEXT NOT NULL,
    number_id INTEGER NOT NULL REFERENCES numbers (id),
    service TEXT NOT NULL,
    allocated_at INTEGER NOT NULL,
    released_at INTEGER
) STRICT;
CREATE UNIQUE INDEX number_allocations_reference ON number_allocations (provider, reference);
CREATE INDEX number_allocations_number ON number_allocations (number_id, released_at);

-- The sandbox's own memory, as an upstream would have one elsewhere.
CREATE TABLE sandbox_purchases (
    id INTEGER PRIMARY KEY,
    reference TEXT NOT NULL,
    number TEXT NOT NULL,
    service TEXT NOT NULL,
    operator TEXT NOT NULL,
    messages INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    released_at INTEGER
) STRICT;
CREATE UNIQUE INDEX sandbox_purchases_reference ON sandbox_purchases (reference);

CREATE TABLE sandbox_messages (
    id INTEGER PRIMARY KEY,
    purchase_id INTEGER NOT NULL REFERENCES sandbox_purchases (id),
    ordinal INTEGER NOT NULL,
    sent_at INTEGER
) STRICT;
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
