//! Keys that sign: named in one way by every command, and opened by one door, which needs no server unless the key is there.

mod token;

use std::{
    env, fmt,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use clap::Args;
use pintle_api::{Custody, KeyOpener, ProjectKeyResponse};
use pintle_core::PublicKey;
use pintle_sign::{
    CloudEnvironment, EncryptedKey, KeyFileError, KeyReference, KmsKey, KmsSigner, ReferenceError, Signer, SignerError,
    SigningKey, TokenKey,
};
use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::{
    CommandError,
    context::Context,
    file::{Audience, Existing, is_open_to_others, read_text_file, write_file},
    output::{CAREFUL, Output},
    read_clock,
    secret::{Asking, load_key_password, make_key_password},
};

/// Where a key is sought and put when nothing else is said.
pub(crate) const DEFAULT_KEY: &str = "pintle-key.pem";
/// A P-256 key in PKCS#8 has 241 bytes in PEM, an encrypted one about 500.
const MAX_KEY_BYTES: u64 = 64 * 1024;

/// A key on the command line.
#[derive(Args, Clone, Debug)]
pub struct KeyArgs {
    /// The project's signing key: a PKCS#8 file, or a URI as `pintle keys --help` lists them; it stays where it is
    #[arg(long, value_name = "KEY", env = "PINTLE_KEY", hide_env_values = true, default_value = DEFAULT_KEY)]
    key: KeyReference,
    /// Read its password or PIN from the first line of FILE (else PINTLE_KEY_PASSWORD, else it is asked)
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

impl KeyArgs {
    pub(crate) const fn name(&self) -> &KeyReference {
        &self.key
    }

    pub(crate) fn password_file(&self) -> Option<&Path> {
        self.password_file.as_deref()
    }

    /// Opens the key, asking for its password or PIN if it has one.
    pub(crate) async fn open(&self, context: &Context) -> Result<OpenKey, CommandError> {
        open_key(&self.key, self.password_file(), context).await
    }

    /// The key that signs a project's releases: where nothing was named and no file lies, the one that the server keeps.
    pub(crate) fn name_for(&self, registered: &ProjectKeyResponse) -> KeyReference {
        let is_kept = registered.custody == Custody::BrowserPassword;
        match &self.key {
            KeyReference::File(path) if is_kept && path == Path::new(DEFAULT_KEY) && !path.exists() => {
                KeyReference::Server
            }
            named => named.clone(),
        }
    }

    /// Opens the key that signs the project's releases. A wrong one is refused.
    pub(crate) async fn open_registered(
        &self,
        registered: &ProjectKeyResponse,
        context: &Context,
    ) -> Result<OpenKey, CommandError> {
        let key = open_key(&self.name_for(registered), self.password_file(), context).await?;
        key.check_is_registered(&registered.kid, KeyRole::Signing)?;
        Ok(key)
    }

    /// Opens the key itself, not only its use: what a token or KMS never gives.
    pub(crate) async fn open_in_memory(&self, context: &Context) -> Result<SigningKey, CommandError> {
        let opening =
            Opening { name: &self.key, password_file: self.password_file(), asking: Asking::Allowed, context };
        opening.open_in_memory().await?.ok_or_else(|| CommandError::NotExportable { key: self.key.clone() })
    }

    /// Opens `name` without a question: a password that was not given is missing.
    pub(crate) async fn open_unasked(&self, name: &KeyReference, context: &Context) -> Result<OpenKey, CommandError> {
        Opening { name, password_file: self.password_file(), asking: Asking::Never, context }.open().await
    }
}

/// A key that was opened, and what it was called.
pub(crate) struct OpenKey {
    name: KeyReference,
    signer: Box<dyn Signer>,
}

impl OpenKey {
    pub(crate) const fn name(&self) -> &KeyReference {
        &self.name
    }

    pub(crate) fn signer(&self) -> &dyn Signer {
        &*self.signer
    }

    pub(crate) fn public_key(&self) -> PublicKey {
        self.signer.public_key()
    }

    /// The RFC 7638 thumbprint.
    pub(crate) fn kid(&self) -> String {
        self.public_key().kid().to_string()
    }

    /// `key_wrong` unless it is the one registered as `expected` (a `kid`) for `role`.
    pub(crate) fn check_is_registered(&self, expected: &str, role: KeyRole) -> Result<(), CommandError> {
        let found = self.kid();
        if found == expected {
            return Ok(());
        }
        Err(CommandError::WrongKey { key: self.name.clone(), found, expected: expected.to_owned(), role })
    }
}

/// Opens a key, asking for its password or PIN if it has one.
pub(crate) async fn open_key(
    name: &KeyReference,
    password_file: Option<&Path>,
    context: &Context,
) -> Result<OpenKey, CommandError> {
    Opening { name, password_file, asking: Asking::Allowed, context }.open().await
}

/// The same; none if there is no such file, or no such key in its token.
pub(crate) async fn open_key_if_there(
    name: &KeyReference,
    password_file: Option<&Path>,
    context: &Context,
) -> Result<Option<OpenKey>, CommandError> {
    match open_key(name, password_file, context).await {
        Err(error) if ["file_not_found", "token_key_missing"].contains(&error.code()) => Ok(None),
        opened => opened.map(Some),
    }
}

/// The public half of a key: given as such, in base64, or by the name of the key, which is opened.
pub(crate) async fn read_public_key(
    given: &str,
    password_file: Option<&Path>,
    context: &Context,
) -> Result<PublicKey, CommandError> {
    if let Ok(public_key) = PublicKey::parse_base64(given) {
        return Ok(public_key);
    }
    let name: KeyReference =
        given.parse().map_err(|error: ReferenceError| CommandError::KeyName { name: given.to_owned(), error })?;
    Ok(open_key(&name, password_file, context).await?.public_key())
}

/// A key that is about to be opened: the door.
struct Opening<'a> {
    name: &'a KeyReference,
    password_file: Option<&'a Path>,
    asking: Asking,
    context: &'a Context,
}

impl Opening<'_> {
    async fn open(&self) -> Result<OpenKey, CommandError> {
        let signer: Box<dyn Signer> = match (self.open_in_memory().await?, self.name) {
            (Some(key), _) => Box::new(key),
            (None, KeyReference::Pkcs11(uri)) => token::open(self, uri)?,
            (None, KeyReference::Kms(key)) => Box::new(self.open_kms(key)?),
            (None, _) => return Err(self.failed(SignerError::Unsupported("such a place"))),
        };
        Ok(OpenKey { name: self.name.clone(), signer })
    }

    /// The key, where it comes into this machine's memory; none where it stays elsewhere.
    async fn open_in_memory(&self) -> Result<Option<SigningKey>, CommandError> {
        match self.name {
            KeyReference::File(path) => self.open_file(path).map(Some),
            KeyReference::Server => self.open_kept().await.map(Some),
            _ => Ok(None),
        }
    }

    /// What the server keeps is ciphertext, and stays that until it is here.
    async fn open_kept(&self) -> Result<SigningKey, CommandError> {
        let client = self.context.connect()?;
        let project = self.context.find_project(&client).await?;
        let kept = client.fetch_key(project.reference()).await?;
        if let KeyOpener::Passkey { .. } = kept.opened_by {
            return Err(CommandError::KeyNeedsPasskey);
        }
        let encrypted = EncryptedKey::parse_pem(&kept.pem).map_err(|error| CommandError::KeptKey { error })?;
        self.open_pem(encrypted.as_pem())
    }

    fn open_kms(&self, key: &KmsKey) -> Result<KmsSigner, CommandError> {
        let variables = Box::new(|name: &str| env::var(name).ok());
        let environment = CloudEnvironment { variables, now: read_clock };
        KmsSigner::open(key, &environment).map_err(|error| self.failed(error))
    }

    fn open_file(&self, path: &Path) -> Result<SigningKey, CommandError> {
        let pem = read_text_file(path, MAX_KEY_BYTES).map_err(|error| match error {
            CommandError::Read { path, error } if error.kind() == ErrorKind::NotFound => {
                CommandError::NoKeyFile { path }
            }
            other => other,
        })?;
        let pem = Zeroizing::new(pem);
        if self.asking == Asking::Allowed && !SigningKey::is_encrypted(&pem) {
            warn_if_open(path, self.context.output);
        }
        self.open_pem(&pem)
    }

    fn open_pem(&self, pem: &str) -> Result<SigningKey, CommandError> {
        let password = if SigningKey::is_encrypted(pem) { self.load_password("Password", None)? } else { None };
        SigningKey::parse_pem(pem, password.as_ref()).map_err(|error| self.failed(error))
    }

    /// `what` is the word for it: password or PIN. `source` is where the name of the key says that it is.
    fn load_password(&self, what: &str, source: Option<&Path>) -> Result<Option<SecretString>, CommandError> {
        load_key_password(self.password_file.or(source), &format!("{what} of {}: ", self.name), self.asking)
    }

    fn failed(&self, error: impl Into<SignerError>) -> CommandError {
        CommandError::Key { key: self.name.clone(), error: error.into() }
    }
}

fn warn_if_open(path: &Path, output: Output) {
    if is_open_to_others(path) {
        output.say(|text| {
            let line = format!("warning[key_file_open]: other users can read {}: chmod 600 it", path.display());
            text.styled_line(CAREFUL, &line);
        });
    }
}

/// The private keys in a token; `key_not_listed` for what is no token.
pub(crate) fn list_token_keys(
    name: &KeyReference,
    password_file: Option<&Path>,
    context: &Context,
) -> Result<Vec<TokenKey>, CommandError> {
    let KeyReference::Pkcs11(uri) = name else { return Err(CommandError::NotListed { name: name.clone() }) };
    token::list(&Opening { name, password_file, asking: Asking::Allowed, context }, uri)
}

/// Makes a key where there is none: in a file, encrypted if asked for, or in a token, which never gives it out.
pub(crate) fn make_key(
    name: &KeyReference,
    encrypt: bool,
    password_file: Option<&Path>,
    context: &Context,
) -> Result<OpenKey, CommandError> {
    let opening = Opening { name, password_file, asking: Asking::Allowed, context };
    let signer: Box<dyn Signer> = match name {
        KeyReference::File(path) => Box::new(make_key_file(path, encrypt, &opening)?),
        KeyReference::Pkcs11(uri) if !encrypt => token::make(&opening, uri)?,
        _ => return Err(CommandError::NotMade { key: name.clone() }),
    };
    Ok(OpenKey { name: name.clone(), signer })
}

fn make_key_file(path: &Path, encrypt: bool, opening: &Opening<'_>) -> Result<SigningKey, CommandError> {
    if path.exists() {
        return Err(CommandError::Exists { path: path.to_owned() });
    }
    let failed = |error: KeyFileError| opening.failed(error);
    let password = if encrypt { Some(make_key_password(opening.password_file)?) } else { None };
    let key = SigningKey::generate().map_err(failed)?;
    let pem = match &password {
        Some(password) => key.to_encrypted_pem(password),
        None => key.to_pem(),
    };
    // Whatever appeared since the look above still stays as it is.
    write_file(path, pem.map_err(failed)?.as_bytes(), Audience::Owner, Existing::Keep)?;
    Ok(key)
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
