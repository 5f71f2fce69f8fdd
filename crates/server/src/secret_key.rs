//! The server's own key: given by the operator, or kept beside the database.

use std::{
    fs,
    io::{ErrorKind, Write as _},
    path::Path,
};

use pintle_service::SecretKey;
use secrecy::ExposeSecret as _;

use crate::{ServerConfig, ServerError};

/// The key of the configuration, else that of the data directory, which is made where there is none.
pub(crate) fn load(config: &ServerConfig) -> Result<SecretKey, ServerError> {
    if let Some(given) = &config.secret_key {
        let problem = "it is not of the right form".to_owned();
        return SecretKey::parse(given.expose_secret().trim()).ok_or(ServerError::SecretKey { place: None, problem });
    }
    let path = config.data_dir.join("secret.key");
    let unusable =
        |problem: &dyn ToString| ServerError::SecretKey { place: Some(path.clone()), problem: problem.to_string() };
    match fs::read_to_string(&path) {
        Ok(text) => SecretKey::parse(text.trim()).ok_or_else(|| unusable(&"it is not of the right form")),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let key = SecretKey::make().map_err(|error| unusable(&error))?;
            save(&config.data_dir, &path, &key).map_err(|error| unusable(&error))?;
            Ok(key)
        }
        Err(error) => Err(unusable(&error)),
    }
}

/// Whole or not at all: a half-written key would lock everybody's second factor in.
fn save(directory: &Path, path: &Path, key: &SecretKey) -> std::io::Result<()> {
    crate::run::create_private_dir(directory)?;
    let fresh = directory.join("secret.key.new");
    let mut options = fs::File::options();
    options.create(true).truncate(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&fresh)?;
    writeln!(file, "{}", *key.to_text())?;
    file.sync_all()?;
    fs::rename(fresh, path)
}
