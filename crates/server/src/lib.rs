//! The process: HTTP, use cases, storage, jobs. Inside, `http` and `jobs` call `app`, which calls `store`.
pub mod store;
