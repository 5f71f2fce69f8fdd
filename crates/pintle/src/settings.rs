//! Where the server's options come from: command line, environment, file.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

use clap::Args;
use pintle_server::{ConfigFile, ConfigFlag, ConfigProblem, ConfigSources, LoadedConfig, ServerConfig};

use crate::logging;

/// Looked for in the working directory where no file is named.
const DEFAULT_FILE: &str = "pintle.toml";

/// Options of the server that the command line knows; the file and the environment know all of them.
#[derive(Args, Clone, Debug)]
pub(crate) struct SettingsArgs {
    /// Address and port to listen on [default: 127.0.0.1:8440]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Directory of the database, made if it is missing [default: pintle-data]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<String>,
    /// The database: sqlite:PATH or postgres://USER@HOST/NAME [default: pintle.db in the data directory]
    ///
    /// A password belongs into PINTLE_DATABASE, the configuration file or ~/.pgpass: everybody on this machine can read
    /// command lines.
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// The https URL under which clients reach the server; needed unless it listens on loopback
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// A base URL that apps embed; may be repeated [default: the public URL, and /cdn]
    #[arg(long = "cdn-url", value_name = "URL")]
    cdn_urls: Vec<String>,
    /// A directory that gets every release besides the built-in origin; may be repeated
    #[arg(long = "publish-dir", value_name = "DIR")]
    publish_dirs: Vec<String>,
    /// Terminate TLS here: file of the certificate and its chain, PEM; read again when it changes
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_certificate: Option<String>,
    /// File of the certificate's private key, PEM
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    tls_key: Option<String>,
    /// What is logged, as in info, debug or warn,pintle_server=debug [default: info]
    #[arg(long, value_name = "FILTER")]
    log: Option<String>,
    /// How log lines are written, to standard error: `text` or `json` [default: text]
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<String>,
}

/// The configuration file cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {}: {error}", path.display())]
pub(crate) struct FileError {
    path: PathBuf,
    error: io::Error,
}

impl SettingsArgs {
    /// Reads every source. `file` was named by the user; without one, `pintle.toml` counts if there is one here.
    pub(crate) fn load(&self, file: Option<&Path>) -> Result<LoadedConfig, FileError> {
        let file = match file {
            Some(path) => Some(read(path)?),
            None if Path::new(DEFAULT_FILE).exists() => Some(read(Path::new(DEFAULT_FILE))?),
            None => None,
        };
        // A variable that is no Unicode is none of ours.
        let environment =
            env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        let sources = ConfigSources { file, environment: environment.collect(), flags: self.flags() };
        let mut loaded = ServerConfig::load(&sources);
        if let Err(error) = logging::check(&loaded.unchecked().log.filter) {
            loaded.problems.push(ConfigProblem {
                code: "log_filter_invalid",
                message: error.to_string(),
                hint: "as in info, debug or warn,pintle_server=debug".to_owned(),
            });
        }
        Ok(loaded)
    }

    fn flags(&self) -> Vec<ConfigFlag> {
        let single = [
            ("listen", "--listen", &self.listen),
            ("data_dir", "--data-dir", &self.data_dir),
            ("database", "--database", &self.database),
            ("public_url", "--public-url", &self.public_url),
            ("tls.certificate", "--tls-certificate", &self.tls_certificate),
            ("tls.key", "--tls-key", &self.tls_key),
            ("log", "--log", &self.log),
            ("log_format", "--log-format", &self.log_format),
        ];
        let single = single.map(|(key, name, value)| ConfigFlag { key, name, values: value.iter().cloned().collect() });
        let directories = ConfigFlag { key: "publish_dirs", name: "--publish-dir", values: self.publish_dirs.clone() };
        let urls = ConfigFlag { key: "cdn_urls", name: "--cdn-url", values: self.cdn_urls.clone() };
        single.into_iter().chain([directories, urls]).collect()
    }
}

fn read(path: &Path) -> Result<ConfigFile, FileError> {
    let text = fs::read_to_string(path).map_err(|error| FileError { path: path.to_owned(), error })?;
    Ok(ConfigFile { name: path.display().to_string(), text })
}
