//! The only HTTP client: it posts the sandbox's messages to this very server, and nothing else.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST};
use http::{Method, Request};
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use numberotp_core::webhook::SIGNATURE_HEADER;
use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::OnceLock;
use std::time::Duration;
use tokio::net::TcpStream;

/// Longest time for one post.
const POST_WITHIN: Duration = Duration::from_secs(10);

/// Posts to this server's own address, once it is known.
#[derive(Default)]
pub struct Poster {
    address: OnceLock<SocketAddr>,
}

/// A body's signature, and the id of the request it goes back to.
pub type Marks<'a> = (&'a str, Option<&'a str>);

/// Where a request's id travels.
const REQUEST_ID_HEADER: &str = "x-request-id";

type PostError = Box<dyn Error + Send + Sync>;

impl Poster {
    /// Where this server listens; a wildcard address is reached by loopback.
    pub fn listens_at(&self, address: SocketAddr) {
        let ip = match address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
            ip => ip,
        };
        // A server listens once; a second address would be a defect and is ignored.
        let _first_wins = self.address.set(SocketAddr::new(ip, address.port()));
    }

    /// Posts a signed JSON body; answers the status.
    ///
    /// # Errors
    /// Whatever kept it from being answered.
    pub async fn post(
        &self,
        path: &str,
        (signature, request_id): Marks<'_>,
        body: Vec<u8>,
    ) -> Result<u16, PostError> {
        let address = *self.address.get().ok_or("this server does not listen yet")?;
        tokio::time::timeout(POST_WITHIN, send(address, path, (signature, request_id), body)).await?
    }
}

async fn send(
    address: SocketAddr,
    path: &str,
    (signature, request_id): Marks<'_>,
    body: Vec<u8>,
) -> Result<u16, PostError> {
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let mut request = Request::builder()
        .method(Method::POST)
        .uri(path)
        .header(HOST, address.to_string())
        .header(CONTENT_TYPE, "application/json")
        .header(SIGNATURE_HEADER, signature);
    if let Some(id) = request_id {
        request = request.header(REQUEST_ID_HEADER, id);
    }
    let request = request.body(Full::new(Bytes::from(body)))?;
    // Both halves run here, so that nothing of the call outlives it.
    tokio::select! {
        answer = sender.send_request(request) => Ok(answer?.status().as_u16()),
        ended = connection => match ended {
            Ok(()) => Err("the connection ended without an answer".into()),
            Err(error) => Err(error.into()),
        },
    }
}
