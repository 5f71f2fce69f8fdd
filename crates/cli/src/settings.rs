//! What the commands remember between runs: `config.toml` and, apart from it, `credentials.toml` (mode 0600).

use std::{
    collections::BTreeMap,
    env,
    path::{Path, PathBuf},
};

use pintle_api::Bearer;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use zeroize::Zeroizing;

use crate::{
    CommandError,
    file::{Audience, Existing, read_text_file, write_file},
    output::Format,
};

/// Both files are written by these commands and small.
const MAX_SETTINGS_BYTES: u64 = 256 * 1024;

/// `config.toml`: defaults for the options of the same names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) server: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) organization: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) project: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) output: Option<Format>,
}

/// `credentials.toml`: one token per server, so that none is ever sent to another.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Credentials {
    #[serde(default)]
    servers: BTreeMap<String, Credential>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Credential {
    token: Zeroizing<String>,
}

/// The directory that holds both files.
#[derive(Clone, Debug)]
pub(crate) struct SettingsDirectory(PathBuf);

impl SettingsDirectory {
    /// `$PINTLE_CONFIG_DIR`, else `$XDG_CONFIG_HOME/pintle`, else `~/.config/pintle`.
    pub(crate) fn find() -> Self {
        let variable = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let path = variable("PINTLE_CONFIG_DIR")
            .or_else(|| variable("XDG_CONFIG_HOME").map(|base| base.join("pintle")))
            .or_else(|| env::home_dir().map(|home| home.join(".config/pintle")))
            .unwrap_or_else(|| PathBuf::from(".pintle"));
        Self(path)
    }

    pub(crate) fn settings_path(&self) -> PathBuf {
        self.0.join("config.toml")
    }

    fn credentials_path(&self) -> PathBuf {
        self.0.join("credentials.toml")
    }

    /// The settings; defaults if there is no file yet.
    pub(crate) fn load_settings(&self) -> Result<Settings, CommandError> {
        load(&self.settings_path())
    }

    pub(crate) fn save_settings(&self, settings: &Settings) -> Result<(), CommandError> {
        save(&self.settings_path(), settings)
    }

    /// The token or session kept for `server`.
    pub(crate) fn load_token(&self, server: &str) -> Result<Option<Bearer>, CommandError> {
        let credentials: Credentials = load(&self.credentials_path())?;
        let credential = credentials.servers.get(server_key(server));
        credential.map(|credential| Bearer::parse(&credential.token)).transpose().map_err(Into::into)
    }

    pub(crate) fn save_token(&self, server: &str, token: &Bearer) -> Result<(), CommandError> {
        let path = self.credentials_path();
        let mut credentials: Credentials = load(&path)?;
        let credential = Credential { token: Zeroizing::new(token.expose_secret().to_owned()) };
        credentials.servers.insert(server_key(server).to_owned(), credential);
        save(&path, &credentials)
    }

    /// Keeps nothing for `server` any longer.
    pub(crate) fn forget_token(&self, server: &str) -> Result<(), CommandError> {
        let path = self.credentials_path();
        let mut credentials: Credentials = load(&path)?;
        credentials.servers.remove(server_key(server));
        save(&path, &credentials)
    }
}

/// One spelling per server, so that a trailing slash does not ask for another sign-in.
fn server_key(server: &str) -> &str {
    server.trim_end_matches('/')
}

fn load<T: DeserializeOwned + Default>(path: &Path) -> Result<T, CommandError> {
    let text = match read_text_file(path, MAX_SETTINGS_BYTES) {
        Ok(text) => Zeroizing::new(text),
        Err(error) if error.code() == "file_not_found" => return Ok(T::default()),
        Err(error) => return Err(error),
    };
    // Only the message: the reader's full report quotes the line, which may hold a token.
    toml::from_str(&text)
        .map_err(|error| CommandError::Settings { path: path.to_owned(), message: error.message().to_owned() })
}

fn save(path: &Path, value: &impl Serialize) -> Result<(), CommandError> {
    let text = toml::to_string(value)
        .map(Zeroizing::new)
        .map_err(|error| CommandError::Settings { path: path.to_owned(), message: error.to_string() })?;
    write_file(path, text.as_bytes(), Audience::Owner, Existing::Replace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_one_token_per_server() {
        let directory = tempfile::tempdir().unwrap();
        let settings = SettingsDirectory(directory.path().join("deep/pintle"));
        let [first, second] = [1, 2].map(|byte| Bearer::from(pintle_api::ApiToken::make(&[byte; 32])));
        settings.save_token("https://one.example/", &first).unwrap();
        settings.save_token("https://two.example", &second).unwrap();
        let load = |server| settings.load_token(server).unwrap().map(|kept| kept.expose_secret().to_owned());
        assert_eq!(load("https://one.example"), Some(first.expose_secret().to_owned()));
        assert_eq!(load("https://two.example/"), Some(second.expose_secret().to_owned()));
        assert_eq!(load("https://three.example"), None);
    }

    #[test]
    fn a_broken_credentials_file_is_reported_without_its_contents() {
        let directory = tempfile::tempdir().unwrap();
        let settings = SettingsDirectory(directory.path().to_owned());
        std::fs::write(settings.credentials_path(), "[servers]\ntoken = \"pintle_secret\n").unwrap();
        let error = settings.load_token("https://one.example").unwrap_err();
        assert_eq!(error.code(), "settings_invalid");
        assert!(!error.to_string().contains("pintle_secret"), "{error}");
    }

    #[test]
    fn a_misspelt_setting_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let settings = SettingsDirectory(directory.path().to_owned());
        std::fs::write(settings.settings_path(), "servr = \"https://h\"\n").unwrap();
        assert_eq!(settings.load_settings().unwrap_err().code(), "settings_invalid");
    }
}
