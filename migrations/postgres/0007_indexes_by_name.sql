-- What a provider calls a message or a purchase comes first: it tells rows apart, and there are few providers. A batch
-- asks for many names at once, and an index that begins with the provider would be read from end to end for them.
-- In the order in which a message takes them, at once: a server that still runs must not meet us half way.
LOCK TABLE messages, leases IN ACCESS EXCLUSIVE MODE;
DROP INDEX leases_reference;
CREATE UNIQUE INDEX leases_reference ON leases (provider_ref, provider);
DROP INDEX messages_dedupe;
CREATE UNIQUE INDEX messages_dedupe ON messages (dedupe_key, provider);
