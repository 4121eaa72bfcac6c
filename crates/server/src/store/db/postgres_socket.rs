//! Opens a line to a PostgreSQL server: to the first of its hosts that takes us. Who we are is proven by the library
//! (passwords, SCRAM); then the line is ours.
//!
//! Guards that making a connection ends within its time, also where a name is looked up or a host is silent.

use super::postgres_values::from_driver;
use crate::store::StoreError;
use futures_util::FutureExt;
use rustix::net::sockopt::{self, Timeout};
use rustix::net::{AddressFamily, SendFlags, SocketAddrUnix, SocketFlags, SocketType};
use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::config::Host;
use tokio_postgres::{Config, NoTls};

/// PostgreSQL's port.
const PORT: u16 = 5432;
/// What is said of a server that does not answer.
pub(super) const SILENT: &str = "no answer in time";
/// An attempt is given this much at least.
const ATTEMPT_LEAST: Duration = Duration::from_millis(10);

/// A socket that is waited for: by a thread of its own, for as long as was said at most.
pub(super) struct Socket(OwnedFd);

impl Socket {
    /// How long it may be silent.
    pub(super) fn wait_at_most(&self, longest: Duration) -> io::Result<()> {
        sockopt::set_socket_timeout(&self.0, Timeout::Recv, Some(longest))?;
        Ok(sockopt::set_socket_timeout(&self.0, Timeout::Send, Some(longest))?)
    }
}

impl From<OwnedFd> for Socket {
    fn from(socket: OwnedFd) -> Self {
        Self(socket)
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Read for &Socket {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        Ok(rustix::io::retry_on_intr(|| rustix::io::read(&self.0, &mut *into))?)
    }
}

impl Write for &Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(rustix::io::retry_on_intr(|| rustix::net::send(&self.0, bytes, SendFlags::NOSIGNAL))?)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Where a server may be.
enum Place {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

/// What is left until an instant; never nothing, which would mean for ever.
pub(super) fn left(until: Instant) -> Duration {
    until.saturating_duration_since(Instant::now()).max(ATTEMPT_LEAST)
}

/// The end of one of so many attempts that are still to be made: what is left is shared by them, so that a silent host keeps no
/// other from being tried.
fn share(until: Instant, attempts: usize) -> Instant {
    Instant::now() + left(until) / u32::try_from(attempts).unwrap_or(u32::MAX).max(1)
}

/// Connects to the first host that takes us and suits: `suits` makes of a line what it is wanted for, until an instant.
pub(super) fn connect<T>(
    config: &Config,
    within: Duration,
    suits: impl Fn(Socket, Instant) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let until = Instant::now() + within;
    let hosts = config.get_hosts().len().max(config.get_hostaddrs().len());
    let mut failed = StoreError::Unavailable("no host is named".to_owned());
    for host in 0..hosts {
        match reach(host, config, share(until, hosts.saturating_sub(host)), &suits) {
            Ok(line) => return Ok(line),
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

/// Connects to one of the hosts, at whichever of its addresses.
fn reach<T>(
    host: usize,
    config: &Config,
    until: Instant,
    suits: impl Fn(Socket, Instant) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let mut failed = StoreError::Unavailable("the host has no address".to_owned());
    let places = places(host, config, until).map_err(|error| unavailable(&error))?;
    for (tried, place) in places.iter().enumerate() {
        let until = share(until, places.len().saturating_sub(tried));
        let opened = open(place, config, until).map_err(|error| unavailable(&error));
        let introduced = opened.and_then(|socket| introduce(socket, config, until));
        match introduced.and_then(|socket| suits(socket, until)) {
            Ok(line) => return Ok(line),
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

fn unavailable(error: &io::Error) -> StoreError {
    StoreError::Unavailable(error.to_string())
}

fn places(host: usize, config: &Config, until: Instant) -> io::Result<Vec<Place>> {
    let ports = config.get_ports();
    let port = ports.get(host).or(ports.first()).copied().unwrap_or(PORT);
    match (config.get_hostaddrs().get(host), config.get_hosts().get(host)) {
        (Some(address), _) => Ok(vec![Place::Tcp((*address, port).into())]),
        (None, Some(Host::Tcp(name))) => addresses_of(name, port, until),
        (None, Some(Host::Unix(folder))) => Ok(vec![Place::Unix(folder.join(format!(".s.PGSQL.{port}")))]),
        (None, None) => Ok(Vec::new()),
    }
}

/// Looks a name up. The system's look-up knows no end: it is left alone when it takes too long.
fn addresses_of(name: &str, port: u16, until: Instant) -> io::Result<Vec<Place>> {
    if let Ok(address) = name.parse::<IpAddr>() {
        return Ok(vec![Place::Tcp((address, port).into())]);
    }
    let (tell, told) = channel();
    let asked = (name.to_owned(), port);
    std::thread::Builder::new().name("store-names".to_owned()).spawn(move || {
        let found = asked.to_socket_addrs().map(|found| found.map(Place::Tcp).collect::<Vec<_>>());
        let _gone = tell.send(found);
    })?;
    let found = told.recv_timeout(left(until));
    found.unwrap_or_else(|_silent| Err(io::Error::other("the host's name was not found in time")))
}

fn open(place: &Place, config: &Config, until: Instant) -> io::Result<Socket> {
    match place {
        Place::Unix(path) => {
            let flags = SocketFlags::CLOEXEC;
            let socket =
                Socket(rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?);
            // Also for as long as the server takes nobody.
            socket.wait_at_most(left(until))?;
            rustix::net::connect(&socket, &SocketAddrUnix::new(path)?)?;
            Ok(socket)
        }
        Place::Tcp(address) => {
            let stream = TcpStream::connect_timeout(address, left(until))?;
            stream.set_nodelay(true)?;
            keep_alive(&stream, config)?;
            Ok(Socket(stream.into()))
        }
    }
}

fn keep_alive(stream: &TcpStream, config: &Config) -> io::Result<()> {
    if let Some(longest) = config.get_tcp_user_timeout() {
        let millis = u32::try_from(longest.as_millis()).unwrap_or(u32::MAX);
        sockopt::set_tcp_user_timeout(stream, millis)?;
    }
    if !config.get_keepalives() {
        return Ok(());
    }
    sockopt::set_socket_keepalive(stream, true)?;
    sockopt::set_tcp_keepidle(stream, config.get_keepalives_idle())?;
    if let Some(interval) = config.get_keepalives_interval() {
        sockopt::set_tcp_keepintvl(stream, interval)?;
    }
    if let Some(times) = config.get_keepalives_retries() {
        sockopt::set_tcp_keepcnt(stream, times)?;
    }
    Ok(())
}

/// Says and proves who we are.
fn introduce(socket: Socket, config: &Config, until: Instant) -> Result<Socket, StoreError> {
    let socket = Arc::new(socket);
    // Every read and write of it waits by itself, so there is nothing to come back for.
    let waiting = Waiting { socket: Arc::clone(&socket), until };
    let introduced = config.connect_raw(waiting, NoTls).now_or_never();
    let never = || StoreError::Driver("the introduction stopped half way".to_owned());
    drop(introduced.ok_or_else(never)?.map_err(|error| from_driver(&error))?);
    Arc::into_inner(socket).ok_or_else(never)
}

/// The socket for a library that expects to be told when to come back: it waits instead, until an instant.
struct Waiting {
    socket: Arc<Socket>,
    until: Instant,
}

impl Waiting {
    /// The socket, for once.
    fn once(&self) -> io::Result<&Socket> {
        if self.until <= Instant::now() {
            return Err(io::Error::new(io::ErrorKind::TimedOut, SILENT));
        }
        self.socket.wait_at_most(left(self.until))?;
        Ok(&self.socket)
    }
}

/// In our words what a socket says as "try again".
fn silence(error: io::Error) -> io::Error {
    if error.kind() == io::ErrorKind::WouldBlock {
        io::Error::new(io::ErrorKind::TimedOut, SILENT)
    } else {
        error
    }
}

impl AsyncRead for Waiting {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let read = self.once().and_then(|mut socket| socket.read(into.initialize_unfilled()));
        Poll::Ready(read.map(|length| into.advance(length)).map_err(silence))
    }
}

impl AsyncWrite for Waiting {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(self.once().and_then(|mut socket| socket.write(bytes)).map_err(silence))
    }
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
