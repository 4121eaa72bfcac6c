-- What waits for a purchase is found by one name: its reference or, without one, its number. The indexes of the two by
-- themselves stay for servers of before that are not replaced yet.
CREATE INDEX messages_parked ON messages (COALESCE(provider_ref, number)) WHERE verdict = 'parked';
