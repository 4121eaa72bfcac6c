//! The `/v1` layer: the contract that the vendor's official clients speak. Ids are texts, times have milliseconds.

pub(super) mod api_keys;
pub(super) mod me;
pub(super) mod oauth;
pub(super) mod sessions;
