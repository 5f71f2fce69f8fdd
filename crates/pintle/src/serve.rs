use std::{future::pending, io, io::Write as _, path::PathBuf};

use clap::Args;
use pintle_cli::{ExitStatus, Failure, Format};
use pintle_server::{Ready, ServerConfig, ServerError};
use tokio::{signal, sync::watch};

use crate::{
    config,
    logging::{self, FilterError},
    settings::SettingsArgs,
};

/// Options of `serve`.
#[derive(Args, Clone, Debug)]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    settings: SettingsArgs,
    /// Read options from a TOML file [default: pintle.toml in this directory, if there is one]
    #[arg(long, value_name = "FILE", env = "PINTLE_CONFIG", hide_env_values = true)]
    config: Option<PathBuf>,
}

/// Why a configured server does not run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServeError {
    #[error(transparent)]
    Filter(#[from] FilterError),
    #[error("the runtime cannot start: {0}")]
    Runtime(#[source] io::Error),
    #[error("stopped at once, at the second signal; what was under way is taken up at the next start")]
    Interrupted,
    #[error(transparent)]
    Server(#[from] ServerError),
}

impl ServeError {
    fn code(&self) -> &'static str {
        match self {
            Self::Filter(_) => "log_filter_invalid",
            Self::Runtime(_) => "internal_error",
            Self::Interrupted => "interrupted",
            Self::Server(error) => error.code(),
        }
    }

    fn hint(&self) -> &'static str {
        match self {
            Self::Filter(_) => "as in info, debug or warn,pintle_server=debug",
            Self::Runtime(_) => "check the limits of this machine on threads and open files",
            Self::Interrupted => "one signal is enough: requests and jobs that have begun are then finished",
            Self::Server(error) => error.hint(),
        }
    }

    fn exit_status(&self) -> ExitStatus {
        match self {
            Self::Runtime(_) | Self::Server(ServerError::SetUp(_)) => ExitStatus::Internal,
            Self::Server(ServerError::DataDirLocked { .. } | ServerError::Listen { .. }) => ExitStatus::Conflict,
            Self::Interrupted => ExitStatus::Unavailable,
            Self::Filter(_) | Self::Server(_) => ExitStatus::Input,
        }
    }
}

pub(crate) fn run(args: &ServeArgs) -> ExitStatus {
    let loaded = match args.settings.load(args.config.as_deref()) {
        Ok(loaded) => loaded,
        Err(error) => {
            config::unreadable(&error).report(Format::Text);
            return ExitStatus::Input;
        }
    };
    config::tell(&loaded);
    let Ok(config) = loaded.into_config() else { return ExitStatus::Input };
    match serve(config) {
        Ok(()) => ExitStatus::Success,
        Err(error) => {
            let (code, hint) = (error.code().to_owned(), Some(error.hint().to_owned()));
            Failure { code, message: error.to_string(), hint }.report(Format::Text);
            error.exit_status()
        }
    }
}

fn serve(config: ServerConfig) -> Result<(), ServeError> {
    logging::start(&config.log)?;
    let runtime = tokio::runtime::Runtime::new().map_err(ServeError::Runtime)?;
    let ended = runtime.block_on(async {
        let (count, signals) = watch::channel(0_u8);
        tokio::spawn(count_signals(count));
        let [first, second] = [1, 2].map(|number| {
            let mut signals = signals.clone();
            // Nobody left to count: no signal comes any more.
            async move {
                if signals.wait_for(|count| *count >= number).await.is_err() {
                    pending::<()>().await;
                }
            }
        });
        tokio::select! {
            ended = pintle_server::run(config, first, |ready| announce(&ready)) => ended.map_err(ServeError::from),
            () = second => Err(ServeError::Interrupted),
        }
    });
    // Whatever was interrupted is not waited for.
    runtime.shutdown_background();
    ended
}

/// The first signal asks the server to stop, the second to do so at once.
async fn count_signals(count: watch::Sender<u8>) {
    loop {
        wait_for_signal().await;
        count.send_modify(|count| *count = count.saturating_add(1));
    }
}

/// Ctrl-C, or what service managers send.
pub(crate) async fn wait_for_signal() {
    let interrupted = async {
        // Without a handler the default one stays, which ends the process.
        if signal::ctrl_c().await.is_err() {
            pending::<()>().await;
        }
    };
    tokio::select! {
        () = interrupted => {}
        () = wait_for_termination() => {}
    }
}

#[cfg(unix)]
async fn wait_for_termination() {
    match signal::unix::signal(signal::unix::SignalKind::terminate()) {
        Ok(mut terminate) => drop(terminate.recv().await),
        Err(_) => pending().await,
    }
}

#[cfg(not(unix))]
async fn wait_for_termination() {
    pending().await
}

/// Tells where the server is and, the first time, how to sign in.
fn announce(ready: &Ready) {
    let mut text = format!("\nPintle is ready at {}\n", ready.public_url);
    if let Some(first_run) = &ready.first_run {
        text.push_str(&format!(
            "\n  This is its first start. Sign in from another terminal\n\n      pintle login --server {}\n\n  with this token, which is shown only now:\n\n      {}\n\n  In a browser, with a code that `pintle admin link YOU@EXAMPLE.COM` makes: {}/confirm\n",
            ready.public_url,
            first_run.token.expose_secret(),
            ready.public_url,
        ));
    }
    text.push('\n');
    let mut stdout = anstream::stdout().lock();
    // A server whose output nobody reads is still a server.
    let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
}
