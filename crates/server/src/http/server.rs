//! Serves HTTP/1 through hyper, with bounds from the first byte, and stops gracefully: no new connections,
//! long-polls end, the rest has ten seconds.

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

/// Longest time for a request's headers, and for silence between requests.
const HEADERS_WITHIN: Duration = Duration::from_secs(60);
/// Room for 32 KiB of headers and then some, so that we refuse larger ones ourselves.
const BUFFER: usize = 40 * 1024;
/// Most header fields.
const FIELDS_MOST: usize = 100;
/// Most connections at once.
const CONNECTIONS_MOST: usize = 20_000;
/// Longest time for a graceful stop.
const STOP_WITHIN: Duration = Duration::from_secs(7);
/// Pause when the system has no more sockets to give.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The other end of a connection.
#[derive(Clone, Copy, Debug)]
pub struct PeerAddress(pub SocketAddr);

/// What is served and until when.
pub struct Serving {
    /// Bound already.
    pub listener: TcpListener,
    /// Every route.
    pub router: Router,
    /// Cancelled when the server is to stop.
    pub stopping: CancellationToken,
}

/// Serves until it is told to stop, then drains.
pub async fn serve(serving: Serving) {
    let Serving { listener, router, stopping } = serving;
    let graceful = GracefulShutdown::new();
    let room = Arc::new(Semaphore::new(CONNECTIONS_MOST));
    loop {
        let accepted = tokio::select! {
            () = stopping.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => connection(stream, peer, &router, &graceful, &room),
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    if tokio::time::timeout(STOP_WITHIN, graceful.shutdown()).await.is_err() {
        tracing::warn!("some connections did not end in time; they are cut");
    }
}

fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    router: &Router,
    graceful: &GracefulShutdown,
    room: &Arc<Semaphore>,
) {
    // Beyond the bound the connection is dropped at once: an answer would cost what is lacking.
    let Ok(place) = Arc::clone(room).try_acquire_owned() else { return };
    // Small answers must not wait for the other side's acknowledgement; failing to say so costs only time.
    let _best_effort = stream.set_nodelay(true);
    let service = router.clone().map_request(move |mut request: http::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(PeerAddress(peer));
        request.map(axum::body::Body::new)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_WITHIN)
        .max_buf_size(BUFFER)
        .max_headers(FIELDS_MOST)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
    let watched = graceful.watch(connection);
    tokio::spawn(async move {
        if let Err(error) = watched.await {
            tracing::debug!(%error, "a connection ended badly");
        }
        drop(place);
    });
}
