-- When the person who let a device in last proved to be there: what the device does counts from that.
ALTER TABLE device_grants ADD COLUMN proved_at BIGINT;
