//! Logs: one line an event on the error stream, level by `NUMBEROTP_LOG` (default `info`), as text or as JSON.
//! Types that hold codes, numbers, keys or texts cannot be printed, so none of them can get here.

use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// How lines are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// For people.
    Text,
    /// One JSON object a line: `timestamp`, `level`, `target`, `message` and the event's own fields beside each other,
    /// those of its request or job in `span`.
    Json,
}

/// Starts logging for this process. A second start in one process is ignored.
pub fn start(form: Form, filter: Option<&str>) {
    let subscriber = subscriber(form, filter, std::io::stderr);
    let _already_started = tracing::subscriber::set_global_default(subscriber);
}

/// The same for any writer: what tests listen with is what the program writes with.
pub fn subscriber<W>(form: Form, filter: Option<&str>, writer: W) -> Box<dyn Subscriber + Send + Sync>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = EnvFilter::new(filter.unwrap_or("info"));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer);
    match form {
        Form::Text => Box::new(lines.with_ansi(false).finish()),
        Form::Json => Box::new(lines.json().flatten_event(true).with_span_list(false).finish()),
    }
}
