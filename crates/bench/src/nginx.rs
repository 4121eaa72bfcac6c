//! nginx as the peer that serves the same bytes, set up as well as we can.
//! Guards: its settings stand here in full. Must never touch the system's own nginx or its folders.

use crate::Told;
use crate::child::Running;
use crate::told::About;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant, UNIX_EPOCH};

const PATIENCE: Duration = Duration::from_secs(10);

/// A running nginx.
pub struct Nginx {
    running: Running,
    address: SocketAddr,
    folder: PathBuf,
}

/// Files that it serves: name, bytes, the same compressed.
pub type Served<'a> = (&'a str, &'a [u8], &'a [u8]);

impl Nginx {
    /// Starts one with so many workers.
    pub fn start(program: &Path, folder: &Path, workers: u32, files: &[Served<'_>]) -> Told<Self> {
        let folder = folder.join(format!("nginx-{workers}"));
        let root = folder.join("root");
        std::fs::create_dir_all(&root).about("nginx's folder")?;
        for (name, bytes, compressed) in files {
            std::fs::write(root.join(name), bytes).about("a file to serve")?;
            std::fs::write(root.join(format!("{name}.gz")), compressed).about("a file to serve")?;
        }
        let address = free()?;
        let settings = folder.join("nginx.conf");
        std::fs::write(&settings, text(address, &folder, workers)).about("nginx's settings")?;
        let mut command = Command::new(program);
        let mut running = Running::start(command.arg("-p").arg(&folder).arg("-c").arg(&settings))?;
        let begun = Instant::now();
        while TcpStream::connect(address).is_err() {
            if begun.elapsed() > PATIENCE || running.has_ended() {
                return Err(format!("nginx does not answer; see {}", folder.join("error.log").display()));
            }
            std::thread::yield_now();
        }
        Ok(Self { running, address, folder })
    }

    /// Where a file is.
    pub fn url(&self, name: &str) -> String {
        format!("http://{}/{name}", self.address)
    }

    /// Its master process.
    pub fn id(&self) -> u32 {
        self.running.id()
    }

    /// The tag of a file, as nginx makes it: time of change and length in hexadecimal.
    pub fn etag(&self, name: &str) -> Told<String> {
        let data = std::fs::metadata(self.folder.join("root").join(name)).about("a file to serve")?;
        let changed = data.modified().about("its time")?.duration_since(UNIX_EPOCH).about("its time")?;
        Ok(format!("\"{:x}-{:x}\"", changed.as_secs(), data.len()))
    }
}

fn free() -> Told<SocketAddr> {
    let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).about("a port")?;
    bound.local_addr().about("a port")
}

fn text(address: SocketAddr, folder: &Path, workers: u32) -> String {
    let folder = folder.display();
    format!(
        "daemon off;
user root;
worker_processes {workers};
error_log {folder}/error.log;
pid {folder}/nginx.pid;
events {{ worker_connections 4096; multi_accept on; }}
http {{
  access_log off;
  server_tokens off;
  sendfile on;
  tcp_nopush on;
  tcp_nodelay on;
  keepalive_requests 1000000000;
  open_file_cache max=100 inactive=1h;
  open_file_cache_valid 1h;
  open_file_cache_min_uses 1;
  gzip_static on;
  etag on;
  default_type application/json;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{ listen {address} backlog=4096; root {folder}/root; add_header X-Content-Type-Options nosniff; }}
}}
"
    )
}
