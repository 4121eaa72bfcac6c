//! A small blocking HTTP client over one kept-alive connection, so that the test sees exactly what a customer sees:
//! an answer is acknowledged when its last byte was read, and not before. It must never repeat a request.

use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Longer than any answer takes: `/wait` holds for 55 seconds at most.
const ANSWER_WITHIN: Duration = Duration::from_secs(70);

/// A customer's connection.
pub struct Client {
    stream: BufReader<TcpStream>,
    address: SocketAddr,
    key: String,
}

/// An answer that was read to its end.
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Its JSON.
    pub body: Value,
}

impl Answer {
    /// The stable code of a refusal; empty where there is none.
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    /// What is under `data`.
    pub fn data(&self) -> &Value {
        &self.body["data"]
    }

    /// For failures: what was asked and what came back.
    pub fn told(&self, asked: &str) -> String {
        format!("{asked} was answered {}: {}", self.status, self.body)
    }
}

impl Client {
    /// Connects with an account's key.
    pub fn connect(address: SocketAddr, key: &str) -> std::io::Result<Self> {
        Ok(Self { stream: open(address)?, address, key: key.to_owned() })
    }

    /// `GET` of a path under `/api/internal`.
    pub fn get(&mut self, path: &str) -> std::io::Result<Answer> {
        self.send_keyed("GET", path, ("", ""))
    }

    /// `POST` of a body, or of none.
    pub fn post(&mut self, path: &str, body: &str) -> std::io::Result<Answer> {
        self.send_keyed("POST", path, ("", body))
    }

    /// `POST` under an idempotency key.
    pub fn post_keyed(&mut self, path: &str, body: &str, key: &str) -> std::io::Result<Answer> {
        self.send_keyed("POST", path, (&format!("idempotency-key: {key}\r\n"), body))
    }

    fn send_keyed(
        &mut self,
        method: &str,
        path: &str,
        (more, body): (&str, &str),
    ) -> std::io::Result<Answer> {
        let headers = format!("authorization: Bearer {}\r\n{more}", self.key);
        self.send(method, &format!("/api/internal{path}"), (&headers, body))
    }

    /// Any request, with headers of its own: for whoever comes in otherwise than by a key.
    pub fn send(
        &mut self,
        method: &str,
        path: &str,
        (headers, body): (&str, &str),
    ) -> std::io::Result<Answer> {
        let (address, length) = (self.address, body.len());
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {address}\r\n{headers}\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        self.stream.get_mut().write_all(request.as_bytes())?;
        let status = self.line()?;
        let status = status.split(' ').nth(1).and_then(|word| word.parse().ok());
        let status = status.ok_or_else(|| broken("no status line"))?;
        let (mut length, mut closes) = (None, false);
        loop {
            let line = self.line()?.to_ascii_lowercase();
            match line.split_once(':').map(|(name, value)| (name, value.trim())) {
                None => break,
                Some(("content-length", value)) => length = value.parse().ok(),
                Some(("connection", value)) => closes = value == "close",
                Some(_) => {}
            }
        }
        let mut body = vec![0; length.ok_or_else(|| broken("no length"))?];
        self.stream.read_exact(&mut body)?;
        if closes {
            self.stream = open(self.address)?;
        }
        Ok(Answer { status, body: serde_json::from_slice(&body)? })
    }

    fn line(&mut self) -> std::io::Result<String> {
        let mut line = String::new();
        match self.stream.read_line(&mut line)? {
            0 => Err(broken("the connection ended")),
            _ => Ok(line.trim_end().to_owned()),
        }
    }
}

fn open(address: SocketAddr) -> std::io::Result<BufReader<TcpStream>> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(ANSWER_WITHIN))?;
    Ok(BufReader::new(stream))
}

fn broken(why: &str) -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::UnexpectedEof, why)
}
