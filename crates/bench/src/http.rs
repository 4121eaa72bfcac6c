//! The least of HTTP/1 that a load needs: requests as ready bytes, answers by their length.
//! Guards: reading costs next to nothing, so that the server is what is measured.
//! Must never be used against anything but our own server, whose answers all have a length.

use crate::Told;
use crate::told::About;
use bytes::Bytes;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const ROOM: usize = 16 * 1024;

/// A keep-alive connection.
pub struct Wire {
    stream: TcpStream,
    buffer: Vec<u8>,
    filled: usize,
}

/// An answer.
pub struct Answer<'a> {
    /// HTTP status.
    pub status: u16,
    /// The body.
    pub body: &'a [u8],
}

impl Wire {
    /// Connects.
    pub async fn connect(address: SocketAddr) -> Told<Self> {
        let stream = TcpStream::connect(address).await.about("a connection")?;
        stream.set_nodelay(true).about("a connection")?;
        Ok(Self { stream, buffer: vec![0; ROOM], filled: 0 })
    }

    /// With a small buffer, for a connection that waits among thousands.
    pub async fn connect_small(address: SocketAddr) -> Told<Self> {
        let mut wire = Self::connect(address).await?;
        wire.buffer = vec![0; 2_048];
        Ok(wire)
    }

    /// Sends a request.
    pub async fn send(&mut self, request: &[u8]) -> Told<()> {
        self.stream.write_all(request).await.about("sending")
    }

    /// Sends a request and reads its answer.
    pub async fn ask(&mut self, request: &[u8]) -> Told<Answer<'_>> {
        self.send(request).await?;
        self.answer().await
    }

    /// A header of the last answer.
    pub fn head(&self, name: &str) -> Option<String> {
        let text = String::from_utf8_lossy(self.buffer.get(..self.filled).unwrap_or_default());
        let mut lines = text.lines().take_while(|line| !line.is_empty());
        lines.find_map(|line| {
            let (known, value) = line.split_once(':')?;
            known.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        })
    }

    /// Reads an answer.
    pub async fn answer(&mut self) -> Told<Answer<'_>> {
        self.filled = 0;
        loop {
            let room = self.buffer.get_mut(self.filled..).unwrap_or_default();
            let read = self.stream.read(room).await.about("an answer")?;
            if read == 0 {
                return Err("the server closed the connection".to_owned());
            }
            self.filled = self.filled.saturating_add(read);
            let so_far = self.buffer.get(..self.filled).unwrap_or_default();
            match whole(so_far)? {
                Some((status, head, length)) => {
                    let body = self.buffer.get(head..head.saturating_add(length)).unwrap_or_default();
                    return Ok(Answer { status, body });
                }
                None if self.filled == self.buffer.len() => {
                    self.buffer.resize(self.filled.saturating_mul(2), 0);
                }
                None => {}
            }
        }
    }
}

/// Status, length of the head and of the body, once all of it is there.
fn whole(bytes: &[u8]) -> Told<Option<(u16, usize, usize)>> {
    let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(None) };
    let head = std::str::from_utf8(bytes.get(..end).unwrap_or_default()).about("a head")?;
    let status = head.split(' ').nth(1).and_then(|word| word.parse().ok()).about("a status")?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    let (start, length) = (end.saturating_add(4), length.unwrap_or(0));
    Ok((bytes.len() >= start.saturating_add(length)).then_some((status, start, length)))
}

/// A request as bytes. `headers` end in a line break each.
pub fn request(method: &str, path: &str, headers: &str, body: &str) -> Bytes {
    let length = if body.is_empty() { String::new() } else { format!("content-length: {}\r\n", body.len()) };
    format!("{method} {path} HTTP/1.1\r\nhost: bench\r\n{headers}{length}\r\n{body}").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_whole_when_its_length_is_there() {
        let head = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n";
        assert_eq!(whole(&head[..20]), Ok(None));
        assert_eq!(whole(head), Ok(None));
        assert_eq!(whole(&[head.as_slice(), b"abc"].concat()), Ok(Some((200, head.len(), 3))));
        assert_eq!(whole(b"HTTP/1.1 304 Not Modified\r\n\r\n"), Ok(Some((304, 29, 0))));
        assert!(whole(b"nonsense\r\n\r\n").is_err());
    }

    #[test]
    fn a_request_with_a_body_tells_its_length() {
        assert_eq!(&request("GET", "/", "", "")[..], b"GET / HTTP/1.1\r\nhost: bench\r\n\r\n");
        let post = request("POST", "/x", "a: b\r\n", "{}");
        assert!(post.ends_with(b"a: b\r\ncontent-length: 2\r\n\r\n{}"));
    }
}
