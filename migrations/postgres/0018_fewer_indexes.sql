-- A purchase costs what its indexes cost. What names a row by itself is its key: a lease its purchase, a job its kind and
-- subject. Texts that are looked up are compared by their bytes, whatever the database's language.
CREATE TABLE next_leases (
    activation_id BIGINT CONSTRAINT leases_key PRIMARY KEY,
    brand_id BIGINT NOT NULL,
    account_id BIGINT NOT NULL,
    provider TEXT NOT NULL,
    provider_ref TEXT COLLATE "C" NOT NULL,
    number TEXT COLLATE "C" NOT NULL,
    service TEXT NOT NULL,
    from_at BIGINT NOT NULL,
    to_at BIGINT NOT NULL,
    closed_at BIGINT
);
INSERT INTO next_leases (activation_id, brand_id, account_id, provider, provider_ref, number, service, from_at, to_at, closed_at)
SELECT activation_id, brand_id, account_id, provider, provider_ref, number, service, from_at, to_at, closed_at
FROM leases ORDER BY activation_id;
DROP TABLE leases;
ALTER TABLE next_leases RENAME TO leases;
CREATE UNIQUE INDEX leases_reference ON leases (provider_ref, provider);
CREATE INDEX leases_number ON leases (number, to_at);

CREATE TABLE next_jobs (
    id BIGINT CONSTRAINT jobs_key PRIMARY KEY,
    kind TEXT NOT NULL,
    subject_id BIGINT NOT NULL,
    run_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    leased_until BIGINT NOT NULL,
    dead BIGINT NOT NULL
);
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
    id BIGINT NOT NULL,
    account_id BIGINT NOT NULL,
    kind TEXT NOT NULL CONSTRAINT movements_kind CHECK (kind IN ('topup', 'purchase', 'settlement', 'refund', 'adjustment', 'bonus')),
    step TEXT COLLATE "C" NOT NULL,
    reference_kind TEXT NOT NULL,
    reference_id BIGINT NOT NULL,
    balance_change BIGINT NOT NULL,
    credits_change BIGINT NOT NULL,
    value BIGINT NOT NULL,
    balance_after BIGINT NOT NULL,
    credits_after BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    CONSTRAINT movements_key PRIMARY KEY (account_id, created_at, id)
);
INSERT INTO next_movements (id, account_id, kind, step, reference_kind, reference_id, balance_change, credits_change, value, balance_after, credits_after, created_at)
SELECT id, account_id, kind, step, reference_kind, reference_id, balance_change, credits_change, value, balance_after, credits_after, created_at
FROM movements ORDER BY id;
DROP TABLE movements;
ALTER TABLE next_movements RENAME TO movements;
CREATE UNIQUE INDEX movements_of_activation ON movements (reference_id, step) WHERE reference_kind = 'activation';
CREATE UNIQUE INDEX movements_step ON movements (step) WHERE reference_kind <> 'activation';

-- Found by their key alone: in SQLite the key is the table.
CREATE TABLE next_transfers (
    movement_id BIGINT NOT NULL,
    purse TEXT NOT NULL,
    phase TEXT NOT NULL CONSTRAINT transfers_phase CHECK (phase IN ('pending', 'post', 'void', 'single')),
    debit_id BIGINT NOT NULL,
    credit_id BIGINT NOT NULL,
    amount BIGINT NOT NULL CONSTRAINT transfers_amount CHECK (amount > 0),
    CONSTRAINT transfers_key PRIMARY KEY (movement_id, purse)
);
INSERT INTO next_transfers (movement_id, purse, phase, debit_id, credit_id, amount)
SELECT movement_id, purse, phase, debit_id, credit_id, amount FROM transfers ORDER BY movement_id, purse;
DROP TABLE transfers;
ALTER TABLE next_transfers RENAME TO transfers;

-- Room beside a new purchase for what it becomes: a change that finds it in its page touches no index.
ALTER TABLE activations SET (fillfactor = 50);
