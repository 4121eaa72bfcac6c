-- A purchase costs what its indexes cost. What names a row by itself is its key: a lease its purchase, a job its kind and
-- subject. Texts that are looked up are compared by their bytes, whatever the database's language.
CREATE TABLE next_leases (
    activation_id INTEGER CONSTRAINT leases_key PRIMARY KEY,
    brand_id INTEGER NOT NULL,
    account_id INTEGER NOT NULL,
    provider TEXT NOT NULL,
    provider_ref TEXT NOT NULL,
    number TEXT NOT NULL,
    service TEXT NOT NULL,
    from_at INTEGER NOT NULL,
    to_at INTEGER NOT NULL,
    closed_at INTEGER
) STRICT;
INSERT INTO next_leases (activation_id, brand_id, account_id, provider, provider_ref, number, service, from_at, to_at, closed_at)
SELECT activation_id, brand_id, account_id, provider, provider_ref, number, service, from_at, to_at, closed_at
FROM leases ORDER BY activation_id;
DROP TABLE leases;
ALTER TABLE next_leases RENAME TO leases;
CREATE UNIQUE INDEX leases_reference ON leases (provider_ref, provider);
CREATE INDEX leases_number ON leases (number, to_at);

CREATE TABLE next_jobs (
    id INTEGER CONSTRAINT jobs_key PRIMARY KEY,
    kind TEXT NOT NULL,
    subject_id INTEGER NOT NULL,
    run_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    leased_until INTEGER NOT NULL,
    dead INTEGER NOT NULL
) STRICT;
INSERT INTO next_jobs (id, kind, subject_id, run_at, attempts, leased_until, dead)
SELECT subject_id * 16 + CASE kind
    WHEN 'activation_watch' THEN 0 WHEN 'activation_release' THEN 1 WHEN 'activation_sweep' THEN 2
    WHEN 'sandbox_sms' THEN 3 WHEN 'mail_send' THEN 4 WHEN 'message_purge' THEN 5 END,
    kind, subject_id, run_at, attempts, leased_until, dead
FROM jobs;
DROP TABLE jobs;
ALTER TABLE next_jobs RENAME TO jobs;
-- A lane each, so that none reads past what waits in the other.
CREATE INDEX jobs_due ON jobs (dead, run_at) WHERE kind <> 'mail_send';
CREATE INDEX jobs_mail ON jobs (dead, run_at) WHERE kind = 'mail_send';

-- Nobody reads an account's events yet.
DROP INDEX events_account;

-- A movement is looked for by its account or by what it is a step of: of a purchase, or by its name.
CREATE TABLE next_movements (
    id INTEGER NOT NULL,
    account_id INTEGER NOT NULL,
    kind TEXT NOT NULL CONSTRAINT movements_kind CHECK (kind IN ('topup', 'purchase', 'settlement', 'refund', 'adjustment', 'bonus')),
    step TEXT NOT NULL,
    reference_kind TEXT NOT NULL,
    reference_id INTEGER NOT NULL,
    balance_change INTEGER NOT NULL,
    credits_change INTEGER NOT NULL,
    value INTEGER NOT NULL,
    balance_after INTEGER NOT NULL,
    credits_after INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    CONSTRAINT movements_key PRIMARY KEY (account_id, created_at, id)
) STRICT;
INSERT INTO next_movements (id, account_id, kind, step, reference_kind, reference_id, balance_change, credits_change, value, balance_after, credits_after, created_at)
SELECT id, account_id, kind, step, reference_kind, reference_id, balance_change, credits_change, value, balance_after, credits_after, created_at
FROM movements ORDER BY id;
DROP TABLE movements;
ALTER TABLE next_movements RENAME TO movements;
CREATE UNIQUE INDEX movements_of_activation ON movements (reference_id, step) WHERE reference_kind = 'activation';
CREATE UNIQUE INDEX movements_step ON movements (step) WHERE reference_kind <> 'activation';

-- Found by their key alone: in SQLite the key is the table.
CREATE TABLE next_transfers (
    movement_id INTEGER NOT NULL,
    purse TEXT NOT NULL,
    phase TEXT NOT NULL CONSTRAINT transfers_phase CHECK (phase IN ('pending', 'post', 'void', 'single')),
    debit_id INTEGER NOT NULL,
    credit_id INTEGER NOT NULL,
    amount INTEGER NOT NULL CONSTRAINT transfers_amount CHECK (amount > 0),
    CONSTRAINT transfers_key PRIMARY KEY (movement_id, purse)
) STRICT, WITHOUT ROWID;
INSERT INTO next_transfers (movement_id, purse, phase, debit_id, credit_id, amount)
SELECT movement_id, purse, phase, debit_id, credit_id, amount FROM transfers ORDER BY movement_id, purse;
DROP TABLE transfers;
ALTER TABLE next_transfers RENAME TO transfers;
