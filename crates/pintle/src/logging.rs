use std::{env, io, io::IsTerminal};

use clap::ValueEnum;
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

/// How log lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

/// The text is no log filter.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a log filter")]
pub(crate) struct FilterError(String);

/// Writes log lines to standard error from here on, as far as `filter` lets them through.
pub(crate) fn start(format: LogFormat, filter: &str) -> Result<(), FilterError> {
    let parsed = EnvFilter::try_new(filter).map_err(|_| FilterError(filter.to_owned()))?;
    let registry = tracing_subscriber::registry().with(parsed);
    match format {
        LogFormat::Text => {
            let colour = io::stderr().is_terminal() && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
            registry.with(fmt::layer().with_writer(io::stderr).with_target(false).with_ansi(colour)).init();
        }
        LogFormat::Json => registry.with(fmt::layer().json().flatten_event(true).with_writer(io::stderr)).init(),
    }
    Ok(())
}
