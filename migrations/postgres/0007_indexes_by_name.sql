-- What a provider calls a message or a purchase comes first: it tells rows apart, and there are few providers. A batch
-- asks for many names at once, and an index that begins with the provider would be read from end to end for them.
-- Messages before leases, as whoever takes a message in asks them: a server that still runs does not meet us half way.
DROP INDEX messages_dedupe;
CREATE UNIQUE INDEX messages_dedupe ON messages (dedupe_key, provider);
DROP INDEX leases_reference;
CREATE UNIQUE INDEX leases_reference ON leases (provider_ref, provider);
