//! The socket of one connection, with an end to its patience: a head that has begun must be whole in time, an
//! answer must be taken off our hands, and what is still sent at the end is read away for a moment.
//!
//! The last is for the sender's sake: closing on unread bytes resets the connection, and the sender may lose the
//! very answer that says why. Must never wait without a bound, nor keep what it reads away.

use bytes::Bytes;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep, sleep_until};

/// Longest time for reading away what is still sent, and most bytes of it.
const LINGER_WITHIN: Duration = Duration::from_secs(2);
const LINGER_MOST: usize = 16 * 1024 * 1024;
/// How much is read away at a time.
const GULP: usize = 8 * 1024;

/// Where a connection stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    /// Connected; nothing came yet.
    New,
    /// A head is being read.
    Head,
    /// A request is being worked on.
    Work,
    /// Between two requests.
    Idle,
}

/// What the service tells its socket.
pub(super) struct Progress(Mutex<(Stage, Body)>);

/// Whether a request came with a body.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Body {
    /// It did, so that some of it may be unread when the connection ends.
    Some,
    /// It did not.
    None,
}

impl Progress {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new((Stage::New, Body::None))))
    }
    /// A head is whole.
    pub(super) fn begun(&self, body: Body) {
        self.set((Stage::Work, body));
    }
    /// Its answer is ready.
    pub(super) fn answered(&self) {
        let (_, body) = self.get();
        self.set((Stage::Idle, body));
    }
    fn get(&self) -> (Stage, Body) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
    fn set(&self, now: (Stage, Body)) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }
}

/// How long it waits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waits {
    /// For a head, from its first byte; for the first one, from the connection.
    pub(super) head: Duration,
    /// For the other side to take a byte of an answer.
    pub(super) stall: Duration,
    /// Between two requests; whoever reads requests keeps to that.
    pub(super) idle: Duration,
}

/// Set when waiting begins.
pub(super) type Timer = Option<Pin<Box<Sleep>>>;

/// A socket that does not wait for ever.
pub(super) struct Patient {
    socket: TcpStream,
    /// What was read before, to be read first.
    early: Bytes,
    progress: Arc<Progress>,
    waits: Waits,
    head: Timer,
    stall: Timer,
    linger: Timer,
    left: usize,
}

impl Patient {
    /// A socket of which these bytes were read already, that has been waited for since then.
    pub(super) fn new(
        (socket, early, since): (TcpStream, Bytes, Instant),
        progress: Arc<Progress>,
        waits: Waits,
    ) -> Self {
        let head = Some(Box::pin(sleep_until(since + waits.head)));
        Self { socket, early, progress, waits, head, stall: None, linger: None, left: LINGER_MOST }
    }

    fn poll_early(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.early.is_empty() {
            return Pin::new(&mut self.socket).poll_read(cx, buf);
        }
        let taken = self.early.split_to(self.early.len().min(buf.remaining()));
        buf.put_slice(&taken);
        Poll::Ready(Ok(()))
    }

    fn wrote(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.stall = None;
            return written;
        }
        over(&mut self.stall, self.waits.stall, cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

/// Ready when so long is over since the timer was empty.
pub(super) fn over(timer: &mut Timer, within: Duration, cx: &mut Context<'_>) -> Poll<()> {
    timer.get_or_insert_with(|| Box::pin(sleep(within))).as_mut().poll(cx)
}

impl AsyncRead for Patient {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        let read = this.poll_early(cx, buf);
        let (mut stage, body) = this.progress.get();
        if matches!(stage, Stage::Work | Stage::Idle) {
            this.head = None;
        }
        if matches!(stage, Stage::New | Stage::Idle) && buf.filled().len() > before {
            stage = Stage::Head;
            this.progress.set((stage, body));
        }
        // Looked at whenever bytes come too: whoever trickles must not keep us from it.
        let waits = matches!(stage, Stage::New | Stage::Head);
        if waits && over(&mut this.head, this.waits.head, cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        read
    }
}

impl AsyncWrite for Patient {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.socket).poll_write(cx, buf);
        this.wrote(cx, written)
    }
    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.socket).poll_write_vectored(cx, parts);
        this.wrote(cx, written)
    }
    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_flush(cx)
    }
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.linger.is_none() {
            ready!(Pin::new(&mut this.socket).poll_shutdown(cx))?;
        }
        // Nothing can be on its way to us but the rest of what we refused.
        let (stage, body) = this.progress.get();
        if stage != Stage::Head && body == Body::None {
            return Poll::Ready(Ok(()));
        }
        let mut gulp = [0_u8; GULP];
        while over(&mut this.linger, LINGER_WITHIN, cx).is_pending() {
            let mut buffer = ReadBuf::new(&mut gulp);
            let read = ready!(Pin::new(&mut this.socket).poll_read(cx, &mut buffer));
            let count = buffer.filled().len();
            this.left = this.left.saturating_sub(count);
            if read.is_err() || count == 0 || this.left == 0 {
                break;
            }
        }
        Poll::Ready(Ok(()))
    }
}
