use std::{
    fs, io,
    io::Write as _,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use clap::Args;
use pintle_cli::{ExitStatus, Failure, Format};
use pintle_server::{Ready, ServerConfig, ServerError};
use tokio::signal;

use crate::logging::{self, FilterError, LogFormat};

/// Options of `serve`.
#[derive(Args, Clone, Debug)]
pub(crate) struct ServeArgs {
    /// Address and port to listen on [default: 127.0.0.1:8440]
    #[arg(long, value_name = "ADDRESS", env = "PINTLE_LISTEN")]
    listen: Option<SocketAddr>,
    /// Directory of the database, made if it is missing [default: pintle-data]
    #[arg(long, value_name = "DIR", env = "PINTLE_DATA_DIR")]
    data_dir: Option<PathBuf>,
    /// The https URL under which clients reach the server; needed unless it listens on loopback
    #[arg(long, value_name = "URL", env = "PINTLE_PUBLIC_URL")]
    public_url: Option<String>,
    /// Base URL that apps embed [default: the public URL, and /cdn]
    #[arg(long, value_name = "URL", env = "PINTLE_CDN_URL")]
    cdn_url: Option<String>,
    /// A directory that gets every release besides the built-in origin; may be repeated
    #[arg(long = "publish-dir", value_name = "DIR")]
    publish_dirs: Vec<PathBuf>,
    /// Read options from a TOML file: listen, data_dir, public_url, cdn_url, publish_dirs
    #[arg(long, value_name = "FILE", env = "PINTLE_CONFIG")]
    config: Option<PathBuf>,
    /// What is logged, as in info, debug or warn,pintle_server=debug
    #[arg(long = "log", value_name = "FILTER", env = "PINTLE_LOG", default_value = "info")]
    log: String,
    /// How log lines are written, to standard error: `text` or `json`
    #[arg(
        long,
        value_name = "FORMAT",
        env = "PINTLE_LOG_FORMAT",
        value_enum,
        default_value_t,
        hide_possible_values = true
    )]
    log_format: LogFormat,
}

/// Why the server does not run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServeError {
    #[error("cannot read {}: {error}", path.display())]
    ConfigFile { path: PathBuf, error: io::Error },
    #[error("{}: {message}", path.display())]
    Config { path: PathBuf, message: String },
    #[error(transparent)]
    Filter(#[from] FilterError),
    #[error("the runtime cannot start: {0}")]
    Runtime(#[source] io::Error),
    #[error(transparent)]
    Server(#[from] ServerError),
}

impl ServeError {
    fn code(&self) -> &'static str {
        match self {
            Self::ConfigFile { .. } => "server_config_unreadable",
            Self::Config { .. } => "server_config_invalid",
            Self::Filter(_) => "log_filter_invalid",
            Self::Runtime(_) => "internal_error",
            Self::Server(error) => error.code(),
        }
    }

    fn hint(&self) -> &'static str {
        match self {
            Self::ConfigFile { .. } => "give a TOML file that this user can read",
            Self::Config { .. } => "`pintle serve --help` lists the options",
            Self::Filter(_) => "as in info, debug or warn,pintle_server=debug",
            Self::Runtime(_) => "check the limits of this machine on threads and open files",
            Self::Server(error) => error.hint(),
        }
    }

    fn exit_status(&self) -> ExitStatus {
        match self {
            Self::ConfigFile { .. } | Self::Config { .. } => ExitStatus::Input,
            Self::Filter(_) => ExitStatus::Usage,
            Self::Runtime(_) => ExitStatus::Internal,
            Self::Server(error) => match error {
                ServerError::PublicUrlMissing { .. } => ExitStatus::Usage,
                ServerError::DataDirLocked { .. } | ServerError::Listen { .. } => ExitStatus::Conflict,
                ServerError::SetUp(_) => ExitStatus::Internal,
                _ => ExitStatus::Input,
            },
        }
    }
}

pub(crate) fn run(args: &ServeArgs) -> ExitStatus {
    match serve(args) {
        Ok(()) => ExitStatus::Success,
        Err(error) => {
            let (code, hint) = (error.code().to_owned(), Some(error.hint().to_owned()));
            Failure { code, message: error.to_string(), hint }.report(Format::Text);
            error.exit_status()
        }
    }
}

fn serve(args: &ServeArgs) -> Result<(), ServeError> {
    logging::start(args.log_format, &args.log)?;
    let config = args.load_config()?;
    let runtime = tokio::runtime::Runtime::new().map_err(ServeError::Runtime)?;
    runtime.block_on(pintle_server::run(config, wait_for_stop(), |ready| announce(&ready)))?;
    Ok(())
}

impl ServeArgs {
    fn load_config(&self) -> Result<ServerConfig, ServeError> {
        let mut config = self.config.as_deref().map(load_config_file).transpose()?.unwrap_or_default();
        if let Some(listen) = self.listen {
            config.listen = listen;
        }
        if let Some(data_dir) = &self.data_dir {
            config.data_dir.clone_from(data_dir);
        }
        config.public_url = self.public_url.clone().or(config.public_url);
        config.cdn_url = self.cdn_url.clone().or(config.cdn_url);
        config.publish_dirs.extend_from_slice(&self.publish_dirs);
        Ok(config)
    }
}

fn load_config_file(path: &Path) -> Result<ServerConfig, ServeError> {
    let text = fs::read_to_string(path).map_err(|error| ServeError::ConfigFile { path: path.to_owned(), error })?;
    toml::from_str(&text).map_err(|error| {
        let line = error.span().and_then(|span| text.get(..span.start)).map(|before| before.lines().count().max(1));
        let place = line.map(|line| format!("line {line}: ")).unwrap_or_default();
        ServeError::Config { path: path.to_owned(), message: format!("{place}{}", error.message()) }
    })
}

/// Ctrl-C, or what service managers send.
async fn wait_for_stop() {
    let interrupted = async {
        // Without a handler the default one stays, which ends the process.
        if signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
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
        Err(_) => std::future::pending().await,
    }
}

#[cfg(not(unix))]
async fn wait_for_termination() {
    std::future::pending().await
}

/// Tells where the server is and, the first time, how to sign in.
fn announce(ready: &Ready) {
    let mut text = format!("\nPintle is ready at {}\n", ready.public_url);
    if let Some(first_run) = &ready.first_run {
        text.push_str(&format!(
            "\n  This is its first start. Sign in from another terminal\n\n      pintle login --server {}\n\n  with this token, which is shown only now:\n\n      {}\n",
            ready.public_url,
            first_run.token.expose_secret(),
        ));
    }
    text.push('\n');
    let mut stdout = anstream::stdout().lock();
    // A server whose output nobody reads is still a server.
    let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
}
