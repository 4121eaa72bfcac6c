-- What is looked for by itself has an index of its own: the mails that a network asked for, the jobs that send mail, and
-- accounts by how their e-mail or name begins, byte by byte, and by their age.
CREATE INDEX email_codes_network ON email_codes (network, created_at);
CREATE INDEX jobs_mail ON jobs (run_at) WHERE kind = 'mail_send';
CREATE INDEX accounts_email_begins ON accounts (brand_id, email);
CREATE INDEX accounts_name_begins ON accounts (brand_id, name);
CREATE INDEX accounts_age ON accounts (brand_id, created_at, id);
