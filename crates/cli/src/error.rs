mod api;
mod ct;
mod emergency;
mod hint;
mod key;
mod probe;

use std::{io, path::PathBuf};

use pintle_api::{AuditChainError, client::ClientError};
use pintle_core::{ConfigError, UnixTime, root::SetupError};
use pintle_discover::{CtError, Endpoint, EndpointError, FactsError, FileError, LogListError, ProbeError};
use pintle_sign::{EncryptedKeyError, KeyReference, ReferenceError, SignError, SignerError};

pub use emergency::EmergencyFailure;

use crate::{ExitStatus, Failure, KeyRole, moment::show_moment};

/// Why a command did not do what it was asked. The one place where failures of every kind become a message, a stable code,
/// a hint and an exit status.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// The server, or the way there.
    #[error(transparent)]
    Api(#[from] ClientError),
    /// A configuration is not acceptable.
    #[error("{source_name}: {error}")]
    Config {
        /// File or URL.
        source_name: String,
        /// What `pintle-core` says.
        error: ConfigError,
    },
    /// A bundle.
    #[error("{source_name}: {error}")]
    Bundle {
        /// File or server.
        source_name: String,
        /// What is wrong with it.
        error: SetupError,
    },
    /// No file of that name holds a key.
    #[error("there is no key file {}", path.display())]
    NoKeyFile {
        /// The file.
        path: PathBuf,
    },
    /// A key that cannot be opened.
    #[error("{key}: {error}")]
    Key {
        /// As it was named.
        key: KeyReference,
        /// What is wrong with it.
        error: SignerError,
    },
    /// What the server keeps is not what it should be.
    #[error("the server does not answer with a well encrypted key: {error}")]
    KeptKey {
        /// What is wrong with it.
        error: EncryptedKeyError,
    },
    /// The server keeps the key under a password that a passkey makes.
    #[error("a passkey opens the key that the server keeps, and only a browser can ask it to")]
    KeyNeedsPasskey,
    /// A key that cannot be made there.
    #[error("no key can be made in {key}")]
    NotMade {
        /// As it was named.
        key: KeyReference,
    },
    /// Nothing was signed.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// A file of certificates.
    #[error("{}: {error}", path.display())]
    CertificateFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: FileError,
    },
    /// A list of Certificate Transparency logs.
    #[error("{}: {error}", path.display())]
    LogList {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: LogListError,
    },
    /// A list that does not say when it was made.
    #[error("{} does not say when it was made", path.display())]
    AsOfNeeded {
        /// The file.
        path: PathBuf,
    },
    /// A list that says when it was made needs nobody to say it.
    #[error("{} says itself that it was made at {}", path.display(), show_moment(*as_of))]
    AsOfKnown {
        /// The file.
        path: PathBuf,
        /// When.
        as_of: UnixTime,
    },
    /// A certificate.
    #[error("{source_name} shows a certificate that is {error}")]
    Certificate {
        /// File or host.
        source_name: String,
        /// What is wrong with it.
        error: FactsError,
    },
    /// A host could not be looked at.
    #[error(transparent)]
    Probe(#[from] ProbeError),
    /// No connection, or no TLS handshake.
    #[error("{endpoint} cannot be reached: {error}")]
    Unreachable {
        /// Where to.
        endpoint: Endpoint,
        /// Why.
        error: io::Error,
    },
    /// `HOST[:PORT]`.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// A value on the command line.
    #[error("`{value}` is not {expected}")]
    Value {
        /// Stable code.
        code: &'static str,
        /// As given.
        value: String,
        /// What it should be, with its article.
        expected: &'static str,
    },
    /// A file could not be read.
    #[error("cannot read {}: {error}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// A file could not be written.
    #[error("cannot write {}: {error}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// A file that must not be overwritten.
    #[error("{} exists and is not overwritten", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// A file above its limit.
    #[error("{} is larger than {limit_bytes} bytes", path.display())]
    FileTooLarge {
        /// The file.
        path: PathBuf,
        /// The limit.
        limit_bytes: u64,
    },
    /// A settings file.
    #[error("{}: {message}", path.display())]
    Settings {
        /// The file.
        path: PathBuf,
        /// What the TOML reader says.
        message: String,
    },
    /// Something has to be asked and there is no terminal.
    #[error("{question} has to be answered, and standard input is no terminal")]
    CannotAsk {
        /// What would have been asked, as a noun.
        question: &'static str,
        /// How to answer without a terminal.
        hint: &'static str,
    },
    /// The user said no.
    #[error("nothing was {what}")]
    Declined {
        /// What would have been done, as a participle.
        what: &'static str,
    },
    /// No port for a browser to come back to.
    #[error("no browser can come back to this machine: {error}")]
    Loopback {
        /// The system's own words.
        error: io::Error,
    },
    /// The person, or the provider, said no.
    #[error("the provider did not sign you in: {reason}")]
    SsoDenied {
        /// The provider's word for it, as `access_denied`.
        reason: String,
    },
    /// Nobody came back.
    #[error("no browser came back within 10 minutes")]
    SsoTimeout,
    /// Two entries of a new password.
    #[error("the two passwords differ")]
    PasswordsDiffer,
    /// No token for the server.
    #[error("not signed in to {server}")]
    NotSignedIn {
        /// URL of the server.
        server: String,
    },
    /// Not a token.
    #[error(transparent)]
    Token(#[from] pintle_api::TokenError),
    /// No server is known.
    #[error("no server is given or configured")]
    NoServer,
    /// Several to choose from and none was chosen.
    #[error("which {kind}? {}", names.join(", "))]
    Unchosen {
        /// `organization` or `project`.
        kind: &'static str,
        /// What there is.
        names: Vec<String>,
    },
    /// Nothing of that name.
    #[error("there is no {kind} `{name}`")]
    NotFound {
        /// What was sought.
        kind: &'static str,
        /// By which name.
        name: String,
    },
    /// There is none at all.
    #[error("there is no {kind} yet")]
    NoneYet {
        /// What was sought.
        kind: &'static str,
    },
    /// A name that fits several.
    #[error("`{name}` fits more than one {kind}: {}", matches.join(", "))]
    Ambiguous {
        /// What was sought.
        kind: &'static str,
        /// By which name.
        name: String,
        /// What it fits.
        matches: Vec<String>,
    },
    /// A key that stays where it is.
    #[error("{key} stays where it is: only a key in a file or one kept by the server can be exported")]
    NotExportable {
        /// As it was named.
        key: KeyReference,
    },
    /// A place whose keys cannot be listed.
    #[error("{name} is no token")]
    NotListed {
        /// As it was named.
        name: KeyReference,
    },
    /// Not the name of a key.
    #[error("`{name}` names no key: {error}")]
    KeyName {
        /// As it was given.
        name: String,
        /// Why.
        error: ReferenceError,
    },
    /// The project has no key.
    #[error("the project has no signing key yet")]
    NoProjectKey,
    /// The key belongs to another project, or the server says so.
    #[error("{key} holds the key {found}, but the project's {role} is {expected}")]
    WrongKey {
        /// As it was named.
        key: KeyReference,
        /// `kid` of the key.
        found: String,
        /// `kid` registered for the project.
        expected: String,
        /// Which of its keys.
        role: KeyRole,
    },
    /// The next key is one that the project has.
    #[error("{key} holds the project's {role}; the next signing key must be another")]
    SameKey {
        /// As it was named.
        key: KeyReference,
        /// Which of its keys.
        role: KeyRole,
    },
    /// The next key was the signing key before.
    #[error("{key} holds a key that signed before, by statement {seq}; apps follow no key twice")]
    FormerKey {
        /// As it was named.
        key: KeyReference,
        /// The statement that named it.
        seq: u64,
    },
    /// Nothing can vouch for another key but the stolen one.
    #[error("the project has no recovery key, and apps would accept none now")]
    NoRecoveryKey,
    /// What the server prepared is not what it was asked for: nothing is signed.
    #[error("the server prepared something else than this project's next release: {what}; nothing was signed")]
    PreparedMismatch {
        /// What differs.
        what: String,
    },
    /// Users would be cut off.
    #[error("the guard refuses this release ({first}{}); nothing was signed", more(*errors))]
    GuardRefused {
        /// How many errors nobody overrode.
        errors: usize,
        /// The first, as `--override` takes it.
        first: String,
    },
    /// A release was accepted but is not live yet.
    #[error("release {version} was accepted, and is not live after {waited_secs} seconds")]
    NotLiveYet {
        /// Release number.
        version: u64,
        /// How long was waited.
        waited_secs: u64,
    },
    /// Somebody stopped waiting.
    #[error("release {version} was accepted; you stopped waiting before it was live")]
    Interrupted {
        /// Release number.
        version: u64,
    },
    /// A text that names no target.
    #[error(transparent)]
    Place(pintle_publish::PlaceError),
    /// A target does not do what a publication needs.
    #[error("{target} cannot be used as it is")]
    TargetUnusable {
        /// Its name or place.
        target: String,
    },
    /// A webhook took no message.
    #[error("{webhook} took no message")]
    WebhookUnusable {
        /// Its id.
        webhook: String,
    },
    /// What was asked for is accepted, and waits for the server or for somebody.
    #[error("the release with these pins is not live yet")]
    StillPending,
    /// There is nothing to go on with.
    #[error("no change of the key of {domain} is under way")]
    NoRotation {
        /// The domain.
        domain: String,
    },
    /// A server still presents another key, or none that the change is about can be seen.
    #[error("not every server of {domain} presents the next key")]
    NotSwitched {
        /// The domain.
        domain: String,
    },
    /// No server presents anything.
    #[error("no server of {domain} could be seen, so that nothing tells which pins are those of the old key")]
    NobodySeen {
        /// The domain.
        domain: String,
    },
    /// A hook was started by hand.
    #[error("{variable} is not set: this is no renewal")]
    NotFromHook {
        /// What the program that renews would have set.
        variable: &'static str,
    },
    /// Who keeps the key would have to be asked.
    #[error(
        "the project's key is kept as `{custody}`, and only one in a key management service (`kms`) signs unattended"
    )]
    NotUnattended {
        /// Where it is kept, as the API spells it.
        custody: String,
    },
    /// There is nothing to restore.
    #[error("the project is not withdrawn")]
    NotWithdrawn,
    /// An audit log is not as it was written.
    #[error("{source_name}: {error}")]
    AuditChain {
        /// File or organization.
        source_name: String,
        /// Where it was tampered with.
        error: AuditChainError,
    },
    /// Not an export of a whole audit log.
    #[error("{} is not the whole of an audit log as JSON Lines", path.display())]
    AuditExport {
        /// The file.
        path: PathBuf,
    },
    /// A release without a server.
    #[error(transparent)]
    Emergency(Box<EmergencyFailure>),
    /// Every URL failed.
    #[error("no URL gave the configuration: {}", reasons.join("; "))]
    Fetch {
        /// One per URL.
        reasons: Vec<String>,
    },
    /// Nobody told what CT logs hold.
    #[error(transparent)]
    Ct(#[from] CtError),
    /// A defect.
    #[error("{0}")]
    Internal(String),
}

impl From<EmergencyFailure> for CommandError {
    fn from(failure: EmergencyFailure) -> Self {
        Self::Emergency(Box::new(failure))
    }
}

impl CommandError {
    /// As it is told.
    #[must_use]
    pub fn to_failure(&self) -> Failure {
        Failure { code: self.code().to_owned(), message: self.to_string(), hint: self.hint() }
    }

    /// Stable code; never reused for another meaning.
    #[must_use]
    pub fn code(&self) -> &str {
        self.facts().0
    }

    /// The exit status of the process.
    #[must_use]
    pub fn exit_status(&self) -> ExitStatus {
        self.facts().1
    }

    /// The table: one row for each kind of failure.
    fn facts(&self) -> (&str, ExitStatus) {
        use ExitStatus::{Auth, Conflict, Declined, Input, Internal, NotFound, Refused, Unavailable, Usage};
        match self {
            Self::Api(error) => (error.code(), api::exit_status(error)),
            Self::Config { error, .. } | Self::Sign(SignError::NotAcceptable(error)) => {
                (error.code().as_str(), Refused)
            }
            Self::Bundle { .. } => ("setup_invalid", Input),
            Self::Key { error, .. } | Self::Sign(SignError::Signer(error)) => {
                (key::code(error), key::exit_status(error))
            }
            Self::NotMade { .. } => ("key_not_made", Input),
            Self::KeptKey { .. } => ("key_kept_invalid", Input),
            Self::KeyNeedsPasskey => ("key_needs_passkey", Input),
            Self::NotExportable { .. } => ("key_not_exportable", Input),
            Self::NotListed { .. } => ("key_not_listed", Input),
            Self::KeyName { .. } => ("key_name_invalid", Input),
            Self::Sign(_) => ("signing_failed", Input),
            Self::CertificateFile { error: FileError::PasswordNeeded, .. } => ("key_password_needed", Input),
            Self::CertificateFile { error: FileError::WrongPassword, .. } => ("key_password_wrong", Input),
            Self::CertificateFile { error: FileError::Request | FileError::RequestSignature, .. } => {
                ("request_invalid", Input)
            }
            Self::CertificateFile { .. } | Self::Certificate { .. } => ("certificate_unparsable", Input),
            Self::LogList { .. } => ("log_list_invalid", Input),
            Self::AsOfNeeded { .. } => ("as_of_needed", Usage),
            Self::AsOfKnown { .. } => ("as_of_known", Usage),
            Self::Probe(error) => (probe::code(&error.cause), Unavailable),
            Self::Unreachable { .. } => ("site_unreachable", Unavailable),
            Self::Endpoint(EndpointError::Port(_)) => ("port_invalid", Input),
            Self::Endpoint(_) => ("host_invalid", Input),
            Self::Value { code, .. } => (code, Input),
            Self::NoKeyFile { .. } => ("file_not_found", NotFound),
            Self::Read { error, .. } if error.kind() == io::ErrorKind::NotFound => ("file_not_found", NotFound),
            Self::Read { .. } => ("file_unreadable", Input),
            Self::Write { .. } => ("file_unwritable", Input),
            Self::Exists { .. } => ("file_exists", Conflict),
            Self::FileTooLarge { .. } => ("file_too_large", Input),
            Self::Settings { .. } => ("settings_invalid", Input),
            Self::CannotAsk { .. } => ("answer_needed", Usage),
            Self::Declined { .. } => ("declined", Declined),
            Self::PasswordsDiffer => ("passwords_differ", Input),
            Self::Loopback { .. } => ("loopback_failed", Input),
            Self::SsoDenied { .. } => ("sso_denied", Auth),
            Self::SsoTimeout => ("sso_timeout", Auth),
            Self::NotSignedIn { .. } => ("not_signed_in", Auth),
            Self::Token(_) => ("token_invalid", Auth),
            Self::NoServer => ("server_unknown", Usage),
            Self::Unchosen { .. } => ("choice_needed", Usage),
            Self::NotFound { .. } | Self::NoneYet { .. } | Self::NoRotation { .. } => ("not_found", NotFound),
            Self::Ambiguous { .. } => ("name_ambiguous", Usage),
            Self::NoProjectKey => ("key_not_registered", NotFound),
            Self::WrongKey { .. } => ("key_wrong", Input),
            Self::SameKey { .. } => ("key_same", Input),
            Self::FormerKey { .. } => ("key_former", Input),
            Self::NoRecoveryKey => ("recovery_key_missing", NotFound),
            Self::GuardRefused { .. } => ("guard_refused", Refused),
            Self::PreparedMismatch { .. } => ("prepared_mismatch", Refused),
            Self::NotLiveYet { .. } | Self::StillPending => ("not_live_yet", Unavailable),
            Self::Interrupted { .. } => ("interrupted", Unavailable),
            Self::Place(_) => ("place_invalid", Usage),
            Self::TargetUnusable { .. } => ("target_unusable", Unavailable),
            Self::NotSwitched { .. } => ("not_switched", Unavailable),
            Self::NobodySeen { .. } => ("nobody_seen", Unavailable),
            Self::WebhookUnusable { .. } => ("webhook_unusable", Unavailable),
            Self::NotFromHook { .. } => ("hook_environment_missing", Usage),
            Self::NotUnattended { .. } => ("custody_not_kms", Input),
            Self::NotWithdrawn => ("not_withdrawn", Conflict),
            Self::AuditChain { error: AuditChainError::RememberedRemoved { .. }, .. } => ("audit_head_too_old", Input),
            Self::AuditChain { .. } => ("audit_chain_broken", Refused),
            Self::AuditExport { .. } => ("audit_export_invalid", Input),
            Self::Emergency(error) => (error.code(), error.exit_status()),
            Self::Fetch { .. } => ("fetch_failed", Unavailable),
            Self::Ct(error) => (ct::code(error), ct::exit_status(error)),
            Self::Internal(_) => ("internal_error", Internal),
        }
    }
}

fn more(errors: usize) -> String {
    if errors > 1 { format!(" and {} more errors", errors - 1) } else { String::new() }
}
