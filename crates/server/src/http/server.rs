//! Serves HTTP/1 through hyper, with bounds from the first byte, and stops gracefully: no new connections,
//! long-polls end, the rest has seven seconds, and what was bought or begun two more.

use super::express::Left;
use super::patient::{Body, Patient, Progress, Waits};
use super::routes::Api;
use super::seats::Seats;
use crate::app::Context;
use crate::config::Edge;
use bytes::Bytes;
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Room for 32 KiB of headers and then some, so that we refuse larger ones ourselves.
const BUFFER: usize = 40 * 1024;
/// Most connections at once.
const CONNECTIONS_MOST: usize = 20_000;
/// Longest time for a graceful stop.
const STOP_WITHIN: Duration = Duration::from_secs(7);
/// Pause when the system has no more sockets to give.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The other end of a connection.
#[derive(Clone, Copy, Debug)]
pub struct PeerAddress(pub SocketAddr);

/// How long connections are waited for, and how many there may be.
pub struct Bounds {
    waits: Waits,
    edge: Edge,
}

impl Bounds {
    /// As the settings have them.
    pub fn of(context: &Context) -> Self {
        let settings = &context.settings;
        let waits = Waits {
            head: settings.head_within.to_std(),
            stall: settings.stall_within.to_std(),
            idle: settings.idle_within.to_std(),
        };
        Self { waits, edge: context.edge.clone() }
    }
}

/// What is served and until when.
pub struct Serving {
    /// Bound already.
    pub listener: TcpListener,
    /// Every route.
    pub api: Api,
    /// Cancelled when the server is to stop.
    pub stopping: CancellationToken,
    /// What no connection goes beyond.
    pub bounds: Bounds,
}

/// What all connections share.
struct Hall {
    api: Api,
    stopping: CancellationToken,
    graceful: GracefulShutdown,
    room: Arc<Semaphore>,
    seats: Arc<Seats>,
    waits: Waits,
}

/// Serves until it is told to stop, then drains.
pub async fn serve(serving: Serving) {
    let Serving { listener, api, stopping, bounds: Bounds { waits, edge } } = serving;
    let room = Arc::new(Semaphore::new(CONNECTIONS_MOST));
    let (graceful, seats) = (GracefulShutdown::new(), Seats::new(edge));
    let hall = Hall { api, stopping, graceful, room, seats, waits };
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = hall.stopping.cancelled() => break,
            Some(_ended) = connections.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => connection(&hall, (stream, peer), &mut connections),
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    if tokio::time::timeout(STOP_WITHIN, hall.graceful.shutdown()).await.is_err() {
        tracing::warn!("some connections did not end in time; they are cut");
    }
    // Whoever takes nothing of an answer must not keep the rest from being stopped.
    connections.shutdown().await;
}

fn connection(hall: &Hall, (stream, peer): (TcpStream, SocketAddr), connections: &mut JoinSet<()>) {
    // Beyond a bound the connection is dropped at once: an answer would cost what is lacking.
    let Ok(place) = Arc::clone(&hall.room).try_acquire_owned() else { return };
    let Some(seat) = hall.seats.take(peer.ip()) else {
        tracing::debug!("a connection beyond its network's share is dropped");
        return;
    };
    // Small answers must not wait for the other side's acknowledgement; failing to say so costs only time.
    let _best_effort = stream.set_nodelay(true);
    let (api, waits, stopping) = (hall.api.clone(), hall.waits, hall.stopping.clone());
    let watcher = hall.graceful.watcher();
    connections.spawn(async move {
        let mut stream = stream;
        let left = match api.express() {
            Some(express) => express.serve(&mut stream, (peer.ip(), waits), &stopping).await,
            None => Left::For(Bytes::new(), Instant::now()),
        };
        if let Left::For(early, since) = left {
            let socket = (stream, early, since);
            if let Err(error) = routed(api, (socket, peer), waits, watcher).await {
                tracing::debug!(%error, "a connection ended badly");
            }
        }
        drop((place, seat));
    });
}

/// A connection from here to its end, through hyper and the router.
fn routed(
    api: Api,
    (socket, peer): ((TcpStream, Bytes, Instant), SocketAddr),
    waits: Waits,
    watcher: Watcher,
) -> impl Future<Output = hyper::Result<()>> {
    let progress = Progress::new();
    let (begun, answered) = (Arc::clone(&progress), Arc::clone(&progress));
    let service = service_fn(move |mut request: http::Request<Incoming>| {
        begun.begun(if request.body().is_end_stream() { Body::None } else { Body::Some });
        request.extensions_mut().insert(PeerAddress(peer));
        let (api, answered) = (api.clone(), Arc::clone(&answered));
        async move {
            let response = api.answer(request.map(axum::body::Body::new)).await;
            answered.answered();
            Ok::<_, Infallible>(response)
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        // The silence between two requests; a head that has begun is the socket's to bound.
        .header_read_timeout(waits.idle)
        // At most 100 header fields: hyper's own bound. Any that is set, be it the same, costs every request.
        .max_buf_size(BUFFER)
        .serve_connection(TokioIo::new(Patient::new(socket, progress, waits)), service);
    watcher.watch(connection)
}
