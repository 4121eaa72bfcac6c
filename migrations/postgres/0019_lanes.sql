-- Jobs that are due are looked for by lane: mail has an index of its own, and all others have this one. However many mails wait,
-- whoever looks for a refund reads none of them.
DROP INDEX jobs_due;
CREATE INDEX jobs_due ON jobs (dead, run_at) WHERE kind <> 'mail_send';
