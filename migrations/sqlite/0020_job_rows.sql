-- A job's number is what it does and for whom, so a job that is numbered in any other way is refused. Those that a server of
-- before numbered get their own number, and are one if there were two.
CREATE TABLE next_jobs (
    id INTEGER CONSTRAINT jobs_number PRIMARY KEY,
    kind TEXT NOT NULL,
    subject_id INTEGER NOT NULL,
    run_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    leased_until INTEGER NOT NULL,
    dead INTEGER NOT NULL,
    -- A kind that came later is not named here and has its place among the sixteen of its subject.
    CONSTRAINT jobs_row CHECK (id = subject_id * 16 + CASE kind
        WHEN 'activation_watch' THEN 0 WHEN 'activation_release' THEN 1 WHEN 'activation_sweep' THEN 2
        WHEN 'sandbox_sms' THEN 3 WHEN 'mail_send' THEN 4 WHEN 'message_purge' THEN 5 ELSE id % 16 END)
) STRICT;
INSERT INTO next_jobs (id, kind, subject_id, run_at, attempts, leased_until, dead)
SELECT subject_id * 16 + CASE kind
    WHEN 'activation_watch' THEN 0 WHEN 'activation_release' THEN 1 WHEN 'activation_sweep' THEN 2
    WHEN 'sandbox_sms' THEN 3 WHEN 'mail_send' THEN 4 WHEN 'message_purge' THEN 5 END,
    kind, subject_id, MIN(run_at), MIN(attempts), MAX(leased_until), MIN(dead)
FROM jobs GROUP BY kind, subject_id;
DROP TABLE jobs;
ALTER TABLE next_jobs RENAME TO jobs;
CREATE INDEX jobs_due ON jobs (dead, run_at) WHERE kind <> 'mail_send';
CREATE INDEX jobs_mail ON jobs (dead, run_at) WHERE kind = 'mail_send';

-- Guesses are forgotten when their wait is long over, and some wait for a day.
DROP INDEX guesses_age;
CREATE INDEX guesses_over ON guesses (closed_until);
