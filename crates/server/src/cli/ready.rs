//! `numberotp ready`: asks a server whether it can do its work, for containers and scripts without an HTTP client.

use super::output::Output;
use super::{CliError, refused};
use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

/// Longest time for each step.
const WITHIN: Duration = Duration::from_secs(5);
/// The answer is short; whoever sends more is not the server.
const ANSWER_MOST: u64 = 64 * 1024;

pub(super) fn ready(url: &str) -> Result<(), CliError> {
    let address = url.strip_prefix("http://").map(|rest| rest.trim_end_matches('/'));
    let address = address.filter(|address| !address.is_empty() && !address.contains('/'));
    let address =
        address.ok_or_else(|| refused(format!("{url} is not an address such as http://127.0.0.1:8080.")))?;
    let answer = ask(address).map_err(|error| refused(format!("{url} does not answer: {error}.")))?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    match head.split(' ').nth(1) {
        Some("200") => {
            Output::print("ready");
            Ok(())
        }
        _ => Err(refused(format!("not ready: {}", body.trim()))),
    }
}

fn ask(address: &str) -> std::io::Result<String> {
    let mut failed = std::io::Error::other("it has no address");
    for place in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&place, WITHIN) {
            Ok(stream) => return talk(stream, address),
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

fn talk(mut stream: TcpStream, host: &str) -> std::io::Result<String> {
    stream.set_read_timeout(Some(WITHIN))?;
    stream.set_write_timeout(Some(WITHIN))?;
    stream
        .write_all(format!("GET /readyz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").as_bytes())?;
    let mut answer = String::new();
    stream.take(ANSWER_MOST).read_to_string(&mut answer)?;
    Ok(answer)
}
