//! The product as `serve` runs it, but for a provider that answers at once and rate limits far off.
//! Guards: everything between the socket and the disk is the product's own code in the product's own settings.
//! Must never listen beyond the loopback interface.

use crate::seed;
use crate::told::About;
use crate::{Place, Told};
use numberotp_core::secret::SecretBytes;
use numberotp_server::app::{catalog, known};
use numberotp_server::boot::{self, Hands};
use numberotp_server::config::{DatabaseSettings, OnOff, Resolved, ServeSettings, Settings, resolve};
use numberotp_server::http::{Api, Bounds, Serving, serve as serve_http};
use numberotp_server::jobs;
use numberotp_server::telemetry::{Form, subscriber};
use numberotp_testkit::instant;
use std::fs::OpenOptions;
use std::io::Read;
use std::net::Ipv4Addr;
use std::sync::Arc;
use tokio::net::TcpListener;

/// A master key for throw-away databases.
const MASTER_KEY: &str = "q83vASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4k=";
/// So many requests a minute that nobody reaches it; counted all the same.
const FAR_OFF: u32 = u32::MAX;

/// What the instant provider signs with.
pub fn webhook_secret() -> SecretBytes {
    SecretBytes::new(*b"the benchmark's instant provider")
}

/// The settings of the server that is measured.
pub fn resolved(database: &str) -> Told<Resolved> {
    let limit = Some(FAR_OFF);
    let flags = ServeSettings {
        no_sandbox: Some(true),
        rate_limits: Some(OnOff::On),
        limit_prices: limit,
        limit_account: limit,
        limit_rent: limit,
        limit_read_one: limit,
        limit_read_all: limit,
        limit_hook: limit,
        limit_sign_in: limit,
        limit_other: limit,
        limit_connections: Some(0),
        ..ServeSettings::default()
    };
    let database = DatabaseSettings {
        database_url: Some(database.to_owned()),
        master_key: Some(MASTER_KEY.to_owned()),
        ..DatabaseSettings::default()
    };
    resolve(flags, database).about("the settings")
}

fn adjust(settings: &mut Settings) {
    settings.waits_per_account = 1_000_000;
}

/// Serves until standard input closes. Prints `ready ADDRESS`.
pub async fn serve(place: Place) -> Told<()> {
    // What is logged is written as the product writes it, and goes nowhere.
    let nowhere = OpenOptions::new().write(true).open("/dev/null").about("/dev/null")?;
    tracing::subscriber::set_global_default(subscriber(Form::Text, None, Arc::new(nowhere)))
        .about("the log")?;
    let resolved = resolved(&place.database)?;
    let hands = Hands { adjust: Some(adjust), tap: Some(instant::tap()), ..Hands::default() };
    let context = boot::start(&resolved, hands).await.about("the start")?;
    seed::fill(&context, place.accounts).await?;
    catalog::refresh(&context).await.about("the catalog")?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.about("a port")?;
    let address = listener.local_addr().about("the port")?;
    let tasks = [
        tokio::spawn(catalog::keep(Arc::clone(&context))),
        tokio::spawn(jobs::work(Arc::clone(&context))),
        tokio::spawn(known::keep(Arc::clone(&context))),
    ];
    let learning = Arc::clone(&context);
    tokio::task::spawn_blocking(move || learning.public_ids.learn(|| !learning.stopping.is_cancelled()));
    let stopping = context.stopping.clone();
    std::thread::spawn(move || {
        // Whatever is said there, only its end counts.
        let _ended = std::io::stdin().read_to_end(&mut Vec::new());
        stopping.cancel();
    });
    println!("ready {address}");
    let (api, bounds) = (Api::new(Arc::clone(&context)), Bounds::of(&context));
    serve_http(Serving { listener, api, stopping: context.stopping.clone(), bounds }).await;
    for task in tasks {
        task.abort();
    }
    Ok(())
}
