-- When the person of a session last proved to be there, by signing in or by showing the password again. Empty: when the
-- session was made.
ALTER TABLE sessions ADD COLUMN proved_at INTEGER;
