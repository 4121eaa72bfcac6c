//! `numberotp serve`: starts everything, says where it is, and stops cleanly.

use super::CliError;
use super::output::Output;
use crate::app::{Context, catalog, demo, known, sandbox_clock, uses};
use crate::boot::{self, BootError, Hands};
use crate::config::{Enforced, LogFormat, Mode, Resolved};
use crate::http::{Api, Bounds, Part, Serving, serve as serve_http};
use crate::jobs;
use crate::telemetry::{self, Form};
use numberotp_core::time::Span;
use sd_notify::NotifyState;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Longest time for purchases that are still being made when the server stops.
const FINISH_WITHIN: Duration = Duration::from_secs(2);
/// A clock further off than this is worth a line.
const CLOCK_OFF_MOST: Span = Span::seconds(5);
/// How often the database's clock is measured.
const MEASURE_EVERY: Duration = Duration::from_secs(60);
/// How often the machine is asked whether it was suspended.
const WAKE_EVERY: Duration = Duration::from_secs(1);

pub(super) async fn serve(resolved: Resolved) -> Result<(), CliError> {
    let form = match resolved.log_format {
        LogFormat::Text => Form::Text,
        LogFormat::Json => Form::Json,
    };
    telemetry::start(form, resolved.log.as_deref());
    if let Some(path) = &resolved.ready_file {
        // One that a killed server left would name an address where nobody serves.
        let _was_there = std::fs::remove_file(path);
    }
    let stopping = stop_on_signal()?;
    let context = boot::start(&resolved, Hands { stopping: Some(stopping), ..Hands::default() }).await?;
    let listener = bind(resolved.listen, "--listen").await?;
    let for_admins = match resolved.edge.admin_listen {
        Some(address) => Some(bind(address, "--admin-listen").await?),
        None => None,
    };
    let address = listener.local_addr().map_err(BootError::Io)?;
    context.poster.listens_at(address);
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(catalog::keep(Arc::clone(&context)));
    tasks.spawn(jobs::work(Arc::clone(&context)));
    tasks.spawn(uses::keep(Arc::clone(&context)));
    tasks.spawn(known::keep(Arc::clone(&context)));
    let learning = Arc::clone(&context);
    tasks.spawn_blocking(move || learning.public_ids.learn(|| !learning.stopping.is_cancelled()));
    tasks.spawn(measure_clock(Arc::clone(&context)));
    tasks.spawn(wake_clock(Arc::clone(&context)));
    if context.settings.mode == Mode::Sandbox {
        tasks.spawn(sandbox_clock::keep(Arc::clone(&context)));
    }
    if resolved.edge.enforced == Enforced::No {
        tracing::warn!("rate limits are off");
    }
    if let Some(listener) = &for_admins {
        let address = listener.local_addr().map_err(BootError::Io)?;
        Output::print(&format!("The routes of admins are at http://{address}/admin/api, and nowhere else."));
    }
    Output::print(&banner(&context, &resolved, address));
    if let Some(path) = &resolved.ready_file {
        write_ready(path, address)?;
    }
    tell_manager(NotifyState::Ready);
    serve_all(&context, listener, for_admins).await;
    tell_manager(NotifyState::Stopping);
    // One bound for all that is left, jobs included: what is not done by then is settled after the next start.
    context.tracker.close();
    let rest = async {
        context.tracker.wait().await;
        while tasks.join_next().await.is_some() {}
    };
    if tokio::time::timeout(FINISH_WITHIN, rest).await.is_err() {
        tracing::warn!("some purchases or jobs were not finished; they are settled after the next start");
    }
    tasks.abort_all();
    while tasks.join_next().await.is_some() {}
    match Arc::into_inner(context) {
        Some(context) => context.store.stop(),
        None => {
            tracing::warn!("something is still going on; the database is closed by the end of the program");
        }
    }
    if let Some(path) = &resolved.ready_file {
        // It is gone with the server; whoever removed it before was right too.
        let _gone = std::fs::remove_file(path);
    }
    Output::say("Stopped.");
    Ok(())
}

/// Serves until the server is to stop: everything on one listener, or admins on one of their own.
async fn serve_all(context: &Arc<Context>, listener: TcpListener, for_admins: Option<TcpListener>) {
    let serving = |listener, api| {
        let (stopping, bounds) = (context.stopping.clone(), Bounds::of(context));
        serve_http(Serving { listener, api, stopping, bounds })
    };
    let public = serving(listener, Api::new(Arc::clone(context)));
    match for_admins {
        None => public.await,
        Some(listener) => {
            let admins = serving(listener, Api::of(Arc::clone(context), Part::Admin));
            tokio::join!(public, admins);
        }
    }
}

async fn bind(address: SocketAddr, flag: &str) -> Result<TcpListener, CliError> {
    let bound = TcpListener::bind(address).await;
    bound.map_err(|error| {
        super::refused(format!("Cannot listen on {address}: {error}. Choose another address with {flag}."))
    })
}

/// Tells systemd, where it asked to be told. The listener is open already: who comes now is served.
fn tell_manager(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(%error, "the service manager could not be told");
    }
}

fn stop_on_signal() -> Result<CancellationToken, CliError> {
    let stopping = CancellationToken::new();
    let mut interrupt = signal(SignalKind::interrupt()).map_err(BootError::Io)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(BootError::Io)?;
    let token = stopping.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        token.cancel();
    });
    Ok(stopping)
}

/// The clock goes on within a second of the machine's waking: what should have been over by then must not be taken
/// for young.
async fn wake_clock(context: Arc<Context>) {
    loop {
        tokio::select! {
            () = context.stopping.cancelled() => return,
            () = tokio::time::sleep(WAKE_EVERY) => {}
        }
        let slept = context.clock.wake();
        if slept > Span::default() {
            tracing::warn!(
                slept_ms = slept.as_micros() / 1_000,
                "the machine was suspended; the clock makes up for it"
            );
        }
    }
}

async fn measure_clock(context: Arc<Context>) {
    loop {
        tokio::select! {
            () = context.stopping.cancelled() => return,
            () = tokio::time::sleep(MEASURE_EVERY) => {}
        }
        match boot::true_time(&context.store).await {
            Ok(there) => {
                let off = context.clock.steer(there).as_micros();
                if off.saturating_abs() > CLOCK_OFF_MOST.as_micros() {
                    tracing::warn!(
                        off_ms = off / 1_000,
                        "a clock has jumped; ours follows by a second a minute"
                    );
                }
            }
            Err(error) => tracing::warn!(%error, "the database's clock could not be read"),
        }
    }
}

fn write_ready(path: &Path, address: SocketAddr) -> Result<(), CliError> {
    // Written beside and renamed, so that nobody reads half of it.
    let beside = path.with_extension("tmp");
    std::fs::write(&beside, address.to_string()).map_err(BootError::Io)?;
    std::fs::rename(&beside, path).map_err(BootError::Io)?;
    Ok(())
}

fn banner(context: &Context, resolved: &Resolved, address: SocketAddr) -> String {
    let engine = resolved.database.engine.name();
    if context.settings.mode == Mode::Production {
        return format!("NumberOTP serves http://{address}/api ({engine}, production).");
    }
    let base = format!("http://{address}/api");
    let mut text = format!(
        "NumberOTP SANDBOX: test numbers, test money, no real SMS. Data: {engine}.\n\n  API       {base}\n  Prices    {base}/public/prices?service=telegram&country=US\n"
    );
    if context.settings.demo {
        let key = demo::api_key();
        let key = key.expose();
        text.push_str(&format!(
            "  Account   {email} (approved)\n  API key   {key}   (published; good in a sandbox only)\n\nRent a number:\n\n  curl -s -X POST {base}/internal/rent -H 'Authorization: Bearer {key}' -H 'Content-Type: application/json' -d '{{\"service\":\"telegram\",\"country\":\"US\"}}'\n\nRead its code (the message comes after about two seconds):\n\n  curl -s '{base}/internal/rents?limit=1' -H 'Authorization: Bearer {key}' | sed -n 's/.*\"id\":\"\\([0-9]*\\)\",\"number\".*/\\1/p' | xargs -I ID curl -s {base}/internal/rent/ID/wait -H 'Authorization: Bearer {key}'\n",
            email = demo::DEMO_EMAIL,
        ));
    }
    text.push_str("\nCtrl-C stops it; the next start goes on with the same data.");
    text
}
