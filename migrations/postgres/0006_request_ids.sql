-- The id of the request that bought a number: whatever is done for the purchase later is logged under it.
ALTER TABLE activations ADD COLUMN request_id TEXT;
