use std::{
    fmt,
    path::{Path, PathBuf},
};

use clap::Args;
use pintle_core::PublicKey;
use pintle_sign::{KeyFileError, Signer, SigningKey};
use zeroize::Zeroizing;

use crate::{
    CommandError,
    file::{is_open_to_others, read_text_file},
    output::{CAREFUL, Output},
    secret::{load_given_password, load_key_password},
};

/// Where a key is sought and put when nothing else is said.
pub(crate) const DEFAULT_KEY_FILE: &str = "pintle-key.pem";
/// A P-256 key in PKCS#8 has 241 bytes in PEM, an encrypted one about 500.
const MAX_KEY_BYTES: u64 = 64 * 1024;

/// A key file on the command line.
#[derive(Args, Clone, Debug)]
pub struct KeyFileArgs {
    /// The project's private key, PKCS#8 in PEM; it is read here and goes nowhere
    #[arg(long, value_name = "FILE", env = "PINTLE_KEY_FILE", default_value = DEFAULT_KEY_FILE)]
    key: PathBuf,
    /// Read the key's password from the first line of FILE (else PINTLE_KEY_PASSWORD, else it is asked)
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

impl KeyFileArgs {
    pub(crate) fn path(&self) -> &Path {
        &self.key
    }

    /// Reads the key, asking for its password if it is encrypted.
    pub(crate) fn load(&self, output: Output) -> Result<SigningKey, CommandError> {
        load_key(&self.key, self.password_file.as_deref(), output)
    }

    /// The public half of the key, without a question: a password that was not given is missing.
    pub(crate) fn load_unasked(&self) -> Result<PublicKey, CommandError> {
        let pem = Zeroizing::new(read_text_file(&self.key, MAX_KEY_BYTES)?);
        let password = load_given_password(self.password_file.as_deref())?;
        let key = SigningKey::parse_pem(&pem, password.as_ref());
        key.map(|key| key.public_key()).map_err(|error| CommandError::KeyFile { path: self.key.clone(), error })
    }
}

/// Reads a key file, asking for its password if it is encrypted.
pub(crate) fn load_key(path: &Path, password_file: Option<&Path>, output: Output) -> Result<SigningKey, CommandError> {
    let pem = Zeroizing::new(read_text_file(path, MAX_KEY_BYTES)?);
    let encrypted = SigningKey::is_encrypted(&pem);
    if !encrypted && is_open_to_others(path) {
        output.say(|text| {
            let line = format!("warning[key_file_open]: other users can read {}: chmod 600 it", path.display());
            text.styled_line(CAREFUL, &line);
        });
    }
    let password = if encrypted { load_key_password(password_file, path)? } else { None };
    SigningKey::parse_pem(&pem, password.as_ref())
        .map_err(|error: KeyFileError| CommandError::KeyFile { path: path.to_owned(), error })
}

/// Which of a project's keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyRole {
    /// The key of its releases.
    Signing,
    /// The one kept offline.
    Recovery,
}

impl fmt::Display for KeyRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Signing => "signing key",
            Self::Recovery => "recovery key",
        })
    }
}

/// `key_wrong` unless `key`, read from `path`, is the one registered as `expected` (a `kid`) for `role`.
pub(crate) fn check_is_registered(
    path: &Path,
    key: &PublicKey,
    expected: &str,
    role: KeyRole,
) -> Result<(), CommandError> {
    let found = key.kid().to_string();
    if found == expected {
        return Ok(());
    }
    Err(CommandError::WrongKey { path: path.to_owned(), found, expected: expected.to_owned(), role })
}

/// The public half of the key in `path`.
pub(crate) fn load_public_key(
    path: &Path,
    password_file: Option<&Path>,
    output: Output,
) -> Result<PublicKey, CommandError> {
    Ok(load_key(path, password_file, output)?.public_key())
}
