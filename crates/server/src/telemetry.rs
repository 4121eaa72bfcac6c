//! Logs: one line an event on the error stream, level by `NUMBEROTP_LOG` (default `info`). Types that hold
//! codes, numbers, keys or texts cannot be printed, so none of them can get here.

use tracing_subscriber::EnvFilter;

/// Starts logging for this process. A second start in one process is ignored.
pub fn start(filter: Option<&str>) {
    let filter = EnvFilter::new(filter.unwrap_or("info"));
    let _already_started =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init();
}
