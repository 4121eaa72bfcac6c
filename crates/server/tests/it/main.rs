//! The integration tests of the server: one binary, so that it is linked once. Each module tests one thing
//! from outside, on every engine there is.

#[cfg(test)]
mod http_account;
#[cfg(test)]
mod http_admin;
#[cfg(test)]
mod http_admin_factor;
#[cfg(test)]
mod http_api_keys;
#[cfg(test)]
mod http_authjs;
#[cfg(test)]
mod http_authjs_identities;
#[cfg(test)]
mod http_authjs_rows;
#[cfg(test)]
mod http_authjs_signed;
#[cfg(test)]
mod http_bad_input;
#[cfg(test)]
mod http_close;
#[cfg(test)]
mod http_coming_in;
#[cfg(test)]
mod http_csrf;
#[cfg(test)]
mod http_device_page;
#[cfg(test)]
mod http_disk;
#[cfg(test)]
mod http_document;
#[cfg(test)]
mod http_envelope;
mod http_express;
#[cfg(test)]
mod http_guessers;
#[cfg(test)]
mod http_health;
#[cfg(test)]
mod http_hostile;
#[cfg(test)]
mod http_idempotency;
#[cfg(test)]
mod http_json;
#[cfg(test)]
mod http_keepsakes;
#[cfg(test)]
mod http_keys;
#[cfg(test)]
mod http_lasting;
#[cfg(test)]
mod http_late;
#[cfg(test)]
mod http_limits;
#[cfg(test)]
mod http_mail_bounds;
#[cfg(test)]
mod http_matrix;
#[cfg(test)]
mod http_me;
#[cfg(test)]
mod http_oauth;
#[cfg(test)]
mod http_oauth_device;
#[cfg(test)]
mod http_outage;
#[cfg(test)]
mod http_own;
#[cfg(test)]
mod http_page;
#[cfg(test)]
mod http_policy;
#[cfg(test)]
mod http_prices;
#[cfg(test)]
mod http_proof;
#[cfg(test)]
mod http_races;
#[cfg(test)]
mod http_rents;
#[cfg(test)]
mod http_replaced;
#[cfg(test)]
mod http_sandbox_clock;
#[cfg(test)]
mod http_sandbox_messages;
#[cfg(test)]
mod http_sandbox_seed;
#[cfg(test)]
mod http_scenarios;
#[cfg(test)]
mod http_secrets;
#[cfg(test)]
mod http_secrets_sign_in;
#[cfg(test)]
mod http_secrets_watch;
#[cfg(test)]
mod http_sessions;
#[cfg(test)]
mod http_sign_in;
#[cfg(test)]
mod http_stage;
#[cfg(test)]
mod http_storm;
#[cfg(test)]
mod http_tokens;
#[cfg(test)]
mod http_trace;
#[cfg(test)]
mod http_unconfirmed;
#[cfg(test)]
mod http_wait;
#[cfg(test)]
mod http_webhooks;
#[cfg(test)]
mod http_wire;
#[cfg(test)]
mod mailed_codes;
#[cfg(test)]
mod schema;
#[cfg(test)]
mod schema_upgrade;
#[cfg(test)]
mod sign_in;
#[cfg(test)]
mod statements;
#[cfg(test)]
mod store_accounts;
#[cfg(test)]
mod store_acts;
#[cfg(test)]
mod store_attach;
#[cfg(test)]
mod store_audit;
#[cfg(test)]
mod store_batch;
#[cfg(test)]
mod store_catalog;
#[cfg(test)]
mod store_checkpoints;
#[cfg(test)]
mod store_close;
#[cfg(test)]
mod store_directory;
#[cfg(test)]
mod store_hosts;
#[cfg(test)]
mod store_idempotency;
#[cfg(test)]
mod store_jobs;
#[cfg(test)]
mod store_lines;
#[cfg(test)]
mod store_messages;
#[cfg(test)]
mod store_numbers;
#[cfg(test)]
mod store_parked;
#[cfg(test)]
mod store_plans;
#[cfg(test)]
mod store_purses;
#[cfg(test)]
mod store_queues;
#[cfg(test)]
mod store_races;
#[cfg(test)]
mod store_random;
#[cfg(test)]
mod store_receive;
#[cfg(test)]
mod store_reserve;
#[cfg(test)]
mod store_sealing;
#[cfg(test)]
mod store_stage;
#[cfg(test)]
mod store_together;
#[cfg(test)]
mod store_writer;
