//! The express way for prices: what is ready is answered from the socket, without a router, for as long as a connection
//! asks for nothing else. A request is 10 us of a processor on the way of all others, most of it not the socket's, and
//! prices are what most programs ask for most often.
//!
//! Guards that an answer is the very one of the other way: the same fields, limits and counts (a test holds both against
//! each other). Whatever is not a plain whole request for prices goes to hyper with the bytes that were read, and the
//! connection with it, for good.

mod asked;
mod reply;

use super::client;
use super::cors::{self, Grant};
use super::frame;
use super::patient::{Timer, Waits, over};
use super::published::prices;
use super::ready;
use crate::app::Context;
use crate::app::limits::{Rule, Subject};
use crate::entropy::RequestIds;
use asked::Asked;
use bytes::{Buf, Bytes};
use http::HeaderMap;
use numberotp_core::limits::Allowed;
use reply::Head;
use std::future::Future;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{self, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep};
use tokio_util::sync::CancellationToken;

/// Most bytes of a request that is answered here.
const HEAD_MOST: usize = 4 * 1024;

/// What all connections share.
pub(super) struct Express {
    context: Arc<Context>,
    ids: RequestIds,
    /// The fields for pages of other origins.
    cors: String,
}

/// How a connection left the express way.
pub(super) enum Left {
    /// It ended.
    Over,
    /// It asks for something else: these bytes were read of that, and since when it is waited for.
    For(Bytes, Instant),
}

/// One connection on the express way.
struct Ride<'a> {
    express: &'a Express,
    stream: &'a mut TcpStream,
    peer: IpAddr,
    waits: Waits,
    /// Since when it is silent.
    since: Instant,
    /// Whether anything was answered yet.
    fresh: bool,
    head: Head,
}

/// What comes next.
enum Next {
    /// A request was read; its head is written, this is its body.
    Answer(Bytes),
    Leave(Left),
}

impl Express {
    pub(super) fn new(context: Arc<Context>) -> Self {
        let mut headers = HeaderMap::new();
        cors::print(&Grant::Everybody, &mut headers);
        let line = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
            format!("{name}: {}\r\n", value.to_str().unwrap_or_default())
        };
        let cors = headers.iter().map(line).collect();
        Self { context, ids: RequestIds::default(), cors }
    }

    /// Answers for as long as plain requests for prices come.
    pub(super) async fn serve(
        &self,
        stream: &mut TcpStream,
        (peer, waits): (IpAddr, Waits),
        stopping: &CancellationToken,
    ) -> Left {
        let (since, head) = (Instant::now(), Head::new());
        let mut ride = Ride { express: self, stream, peer, waits, since, fresh: true, head };
        let mut silence = pin!(sleep(waits.head));
        let mut stop = pin!(stopping.cancelled());
        loop {
            // What is there to read comes first: only whoever is silent needs to be told of a stop.
            let next = std::future::poll_fn(|cx| match ride.poll_next(silence.as_mut(), cx) {
                Poll::Pending => stop.as_mut().poll(cx).map(|()| ride.leave(&[])),
                next @ Poll::Ready(_) => next,
            });
            match next.await {
                Next::Leave(left) => return left,
                Next::Answer(body) => {
                    let answer = (ride.head.bytes(), body);
                    if let Err(error) = send(ride.stream, answer, waits.stall).await {
                        tracing::debug!(%error, "an answer was not taken");
                        return Left::Over;
                    }
                    ride.answered(silence.as_mut());
                }
            }
        }
    }

    /// The head of the answer is written, its body returned; `None`: it is for hyper.
    fn answer(&self, bytes: &[u8], peer: IpAddr, head: &mut Head) -> Option<Bytes> {
        // A server that stops says so in each answer, and lines for debugging have the id of a frame.
        if self.context.stopping.is_cancelled() || frame::tells_all() {
            return None;
        }
        let asked = Asked::read(bytes)?;
        let query = asked.query()?;
        let begun = Instant::now();
        let context = &self.context;
        let now = context.clock.true_now();
        let client = client::walk(peer, asked.forwarded_for.as_slice(), &context.edge);
        let quota = context.limiter.count(Rule::Prices, Subject::network(client), now);
        // One too many is not counted: the frame looks at it anew and says so.
        if quota.allowed == Allowed::No {
            return None;
        }
        let ready = prices::ready(context, &query);
        let takes = asked.accept_encoding.unwrap_or_default();
        let chosen = ready::choose(&ready, takes, asked.if_none_match.unwrap_or_default());
        let cors = if asked.origin.is_some() { self.cors.as_str() } else { "" };
        let id = self.ids.next();
        head.write(&chosen, (quota, cors, &id), context.clock.machine_now().unix_seconds());
        let status = if chosen.body.is_some() { 200 } else { 304 };
        context.metrics.request((prices::ROUTE, "GET"), status, begun.elapsed());
        Some(chosen.body.cloned().unwrap_or_default())
    }
}

impl Ride<'_> {
    /// Reads the next request. It is read into the stack: a connection that is silent holds no buffer.
    fn poll_next(&mut self, silence: Pin<&mut Sleep>, cx: &mut task::Context<'_>) -> Poll<Next> {
        let mut room = [const { MaybeUninit::uninit() }; HEAD_MOST];
        let mut buffer = ReadBuf::uninit(&mut room);
        let ended = || Next::Leave(Left::Over);
        let Poll::Ready(read) = Pin::new(&mut *self.stream).poll_read(cx, &mut buffer) else {
            return self.poll_silence(silence, cx).map(|()| ended());
        };
        let bytes = buffer.filled();
        if read.is_err() || bytes.is_empty() {
            return Poll::Ready(ended());
        }
        // What panics here goes the other way, whose net words what becomes of it there.
        let answer = AssertUnwindSafe(|| self.express.answer(bytes, self.peer, &mut self.head));
        let answer = catch_unwind(answer).unwrap_or_default();
        Poll::Ready(answer.map_or_else(|| self.leave(bytes), Next::Answer))
    }

    /// Leaves with these bytes. A first request is waited for since the connection, another one since its first byte.
    fn leave(&self, bytes: &[u8]) -> Next {
        let since = if self.fresh { self.since } else { Instant::now() };
        Next::Leave(Left::For(Bytes::copy_from_slice(bytes), since))
    }

    /// Ready when it was silent for too long. The timer is moved only when it rings: not for every request.
    fn poll_silence(&self, mut silence: Pin<&mut Sleep>, cx: &mut task::Context<'_>) -> Poll<()> {
        let within = if self.fresh { self.waits.head } else { self.waits.idle };
        let until = self.since.checked_add(within).unwrap_or(self.since);
        loop {
            ready!(silence.as_mut().poll(cx));
            if Instant::now() >= until {
                return Poll::Ready(());
            }
            silence.as_mut().reset(until);
        }
    }

    /// An answer was taken: from now on it may be silent as between two requests.
    fn answered(&mut self, silence: Pin<&mut Sleep>) {
        self.since = Instant::now();
        // From now on it rings no later than it should: silence only ever begins anew.
        if std::mem::take(&mut self.fresh) {
            silence.reset(self.since.checked_add(self.waits.idle).unwrap_or(self.since));
        }
    }
}

/// Sends a head and a body; each byte of it is taken in time, or it fails.
async fn send(stream: &mut TcpStream, (head, body): (&[u8], Bytes), stall: Duration) -> io::Result<()> {
    let mut timer: Timer = None;
    let mut left = head.chain(body);
    while left.has_remaining() {
        let mut parts = [IoSlice::new(&[]); 2];
        let count = left.chunks_vectored(&mut parts);
        let parts = parts.get(..count).unwrap_or_default();
        let written =
            std::future::poll_fn(|cx| match Pin::new(&mut *stream).poll_write_vectored(cx, parts) {
                Poll::Pending => over(&mut timer, stall, cx).map(|()| Err(io::ErrorKind::TimedOut.into())),
                written @ Poll::Ready(_) => written,
            });
        let written = written.await?;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        timer = None;
        left.advance(written);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt;
    use tokio::net::TcpListener;

    async fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let asking = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (listener.accept().await.unwrap().0, asking)
    }

    /// More than the system keeps for a connection.
    const LARGE: usize = 32 * 1024 * 1024;

    #[tokio::test]
    async fn an_answer_is_sent_whole_however_little_is_taken_at_a_time() {
        let (mut ours, mut theirs) = pair().await;
        let sent = tokio::spawn(async move {
            send(&mut ours, (b"head", Bytes::from(vec![b'b'; LARGE])), Duration::from_secs(30)).await
        });
        let mut taken = Vec::new();
        theirs.read_to_end(&mut taken).await.unwrap();
        sent.await.unwrap().unwrap();
        assert!(taken.len() == LARGE + 4 && taken.starts_with(b"headb") && taken.ends_with(b"b"));
    }

    #[tokio::test]
    async fn whoever_takes_nothing_of_an_answer_is_given_up() {
        let (mut ours, theirs) = pair().await;
        let sent = send(&mut ours, (b"", Bytes::from(vec![b'b'; LARGE])), Duration::from_millis(50)).await;
        assert_eq!(sent.unwrap_err().kind(), io::ErrorKind::TimedOut);
        drop(theirs);
    }
}
