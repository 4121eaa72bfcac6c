//! wrk: the load of requests that are all alike.
//! Guards: one thread, 64 connections, for candidate and peer alike; an answer that is an error fails the run.

use crate::Told;
use crate::child::output;
use crate::load::CONNECTIONS;
use crate::told::About;
use std::path::Path;
use std::process::Command;

/// Asks an address for so many seconds; answers requests a second.
pub fn run(program: &Path, seconds: u32, url: &str, headers: &[&str]) -> Told<f64> {
    let mut command = Command::new(program);
    command.args(["-t", "1", "-c", &CONNECTIONS.to_string(), "-d", &format!("{seconds}s"), "--latency"]);
    for header in headers {
        command.args(["-H", header]);
    }
    rate(&output(command.arg(url))?)
}

fn rate(text: &str) -> Told<f64> {
    // wrk counts 304 as a success, everything from 400 as none.
    if let Some(line) = text.lines().find(|line| line.contains("Non-2xx") || line.contains("Socket errors")) {
        return Err(format!("wrk: {}", line.trim()));
    }
    let line = text.lines().find_map(|line| line.trim().strip_prefix("Requests/sec:"));
    line.about("wrk's figure")?.trim().parse().about("wrk's figure")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figure_is_read_and_errors_are_errors() {
        assert_eq!(rate("  Latency 1ms\nRequests/sec:  61234.50\nTransfer/sec: 9MB\n"), Ok(61_234.5));
        assert!(rate("Non-2xx or 3xx responses: 4\nRequests/sec:  61234.50\n").is_err());
        assert!(rate("unable to connect").is_err());
    }
}
