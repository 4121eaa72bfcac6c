//! A real connection to the app, spoken by hand: what honest clients never send. No test is here, and nothing here
//! waits without a bound.

use numberotp_testkit::app::TestApp;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

/// Whatever a server does, it does sooner.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection.
pub struct Wire(TcpStream);

impl Wire {
    /// From this machine's usual address.
    pub async fn open(app: &TestApp<'_>) -> Self {
        Self::from(app, 1).await
    }

    /// From 127.0.0.so-many: all of them are this machine, and each looks like another network.
    pub async fn from(app: &TestApp<'_>, host: u8) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::from((Ipv4Addr::new(127, 0, 0, host), 0))).unwrap();
        Self(socket.connect(app.address()).await.unwrap())
    }

    /// Sends; a server that has hung up is no failure here, it shows in what it answered.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _hung_up = timeout(PATIENCE, self.0.write_all(bytes.as_ref())).await.expect("sent");
    }

    /// Sends; false when the server has hung up.
    pub async fn push(&mut self, bytes: &[u8]) -> bool {
        timeout(PATIENCE, self.0.write_all(bytes)).await.expect("sent").is_ok()
    }

    /// Sends one byte so many times, as long as it is taken; how many were.
    pub async fn pour(&mut self, byte: u8, most: usize) -> usize {
        let gulp = vec![byte; 64 * 1024];
        let mut sent = 0;
        while sent < most {
            let next = gulp.len().min(most - sent);
            match timeout(PATIENCE, self.0.write(&gulp[..next])).await.expect("sent") {
                Ok(count) if count > 0 => sent += count,
                _ => break,
            }
        }
        sent
    }

    /// What comes next; none when the server has hung up.
    pub async fn more(&mut self) -> Option<String> {
        let mut buffer = vec![0; 64 * 1024];
        match self.0.read(&mut buffer).await {
            Ok(count) if count > 0 => Some(String::from_utf8_lossy(&buffer[..count]).into_owned()),
            _ => None,
        }
    }

    /// Everything until the server hangs up.
    pub async fn rest(&mut self) -> String {
        let mut answer = String::new();
        while let Some(more) = timeout(PATIENCE, self.more()).await.expect("an end") {
            answer.push_str(&more);
        }
        answer
    }

    /// Sends a request and reads the answer, whose length its head tells.
    pub async fn ask(&mut self, request: &str) -> String {
        self.send(request).await;
        let mut answer = String::new();
        while !whole(&answer) {
            match timeout(PATIENCE, self.more()).await.expect("an answer") {
                Some(more) => answer.push_str(&more),
                None => break,
            }
        }
        answer
    }
}

fn whole(answer: &str) -> bool {
    let Some((head, body)) = answer.split_once("\r\n\r\n") else { return false };
    let length = head
        .lines()
        .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    body.len() >= length.unwrap_or(0)
}
