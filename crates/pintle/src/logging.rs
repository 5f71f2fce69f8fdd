use std::{env, io, io::IsTerminal};

use pintle_server::{LogConfig, LogFormat};
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

/// The text is no log filter.
#[derive(Debug, thiserror::Error)]
#[error("`log`: `{0}` is not a log filter")]
pub(crate) struct FilterError(String);

/// Refuses what [`start`] would refuse.
pub(crate) fn check(filter: &str) -> Result<(), FilterError> {
    parse(filter).map(drop)
}

/// Writes log lines to standard error from here on, as far as the filter lets them through.
pub(crate) fn start(config: &LogConfig) -> Result<(), FilterError> {
    let registry = tracing_subscriber::registry().with(parse(&config.filter)?);
    match config.format {
        LogFormat::Text => {
            let colour = io::stderr().is_terminal() && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
            registry.with(fmt::layer().with_writer(io::stderr).with_target(false).with_ansi(colour)).init();
        }
        LogFormat::Json => registry.with(fmt::layer().json().flatten_event(true).with_writer(io::stderr)).init(),
    }
    Ok(())
}

fn parse(filter: &str) -> Result<EnvFilter, FilterError> {
    EnvFilter::try_new(filter).map_err(|_| FilterError(filter.to_owned()))
}
