-- By whose mails of an hour a code is counted: the network's that asked, or those of a browser that the account knows.
ALTER TABLE email_codes ADD COLUMN asker BYTEA;
