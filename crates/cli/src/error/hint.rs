use std::io;

use pintle_api::AuditChainError;
use pintle_core::ConfigError;
use pintle_discover::{EndpointError, FileError};
use pintle_sign::SignError;

use super::{CommandError, api, ct, key, probe};
use crate::KeyRole;

impl CommandError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Api(error) => return api::hint(error),
            Self::Config { error, .. } => return config_hint(error),
            Self::Emergency(error) => error.hint(),
            Self::Key { error, .. } | Self::Sign(SignError::Signer(error)) => {
                return key::hint(error).map(str::to_owned);
            }
            Self::NotExportable { .. } => "sign with it where it is; a token's or KMS's own tools may make a backup",
            Self::NotListed { .. } => {
                "give `--in pkcs11:token=NAME`; `pintle keys list` alone shows the project's keys"
            }
            Self::KeyName { .. } => "give a file, or a URI as `pintle keys --help` lists them",
            Self::KeptKey { .. } => {
                "do not enter a password for it; use a copy of the key in a file, and upload it again"
            }
            Self::KeyNeedsPasskey => "release in the dashboard, or name a copy of the key with --key",
            Self::NotMade { .. } => {
                "make it in a file or by `pkcs11:`; a key in a KMS is made by its own tools (EC P-256, to sign and verify)"
            }
            Self::Bundle { .. } => "`pintle bundle` writes a fresh one",
            Self::CertificateFile { error: FileError::PasswordNeeded, .. } => {
                "enter it at a terminal, or give `--password-file FILE` or PINTLE_KEY_PASSWORD"
            }
            Self::CertificateFile { error: FileError::WrongPassword, .. } => return None,
            Self::CertificateFile { error: FileError::RequestSignature, .. } => {
                "make it again with the private key, as `openssl req -new -key FILE` does"
            }
            Self::CertificateFile { error: FileError::OtherContents { .. }, .. } => {
                "`--from-csr` reads signing requests, `--from-file` certificates"
            }
            Self::CertificateFile { .. } => "give a certificate in PEM, DER, PKCS#7 or PKCS#12",
            Self::LogList { .. } => "give the v3 JSON that Chrome, Apple or Mozilla publishes",
            Self::AsOfNeeded { .. } => {
                "say `--as-of TIME`: when you downloaded it, or when it was last known to be current"
            }
            Self::AsOfKnown { .. } => "leave `--as-of` out",
            Self::NotFound { kind: "listed CT log", .. } => {
                "import a list that knows its logs: `pintle ct import FILE`"
            }
            Self::Probe(error) => probe::hint(&error.cause),
            Self::Ct(error) => ct::hint(error),
            Self::Unreachable { .. } => "check the host, the port and the network",
            Self::Endpoint(EndpointError::Port(_)) => "write it as api.example.com:8443",
            Self::Endpoint(_) => "write it as api.example.com, 192.0.2.1 or [2001:db8::1]:8443, without https://",
            Self::Value { code: "pin_invalid", .. } => "as in spki-sha256:r/mIkG3eEpVdm+u/ko/cwxzOMo1bk4TyHIlByibiA5E=",
            Self::Value { code: "time_invalid", .. } => "as in 2027-06-30, 2027-06-30T12:00:00Z or 1814400000",
            Self::Value { code: "duration_invalid", .. } => "as in 600, 10m, 24h or 90d",
            Self::Read { path, error } if error.kind() == io::ErrorKind::NotFound && path.ends_with("pintle.json") => {
                "`pintle bundle` writes it"
            }
            Self::NoKeyFile { .. } => {
                "`pintle keys generate` makes one; name a key that is elsewhere with `--key`, as `pintle keys --help` lists them"
            }
            Self::Read { path, error } if error.kind() == io::ErrorKind::NotFound && path.is_relative() => {
                "the path counts from the directory you are in"
            }
            Self::Exists { .. } => "choose another name, or move the file away",
            Self::Write { .. } => "choose a directory that you may write to",
            Self::Settings { .. } => "correct the file, or remove it and run `pintle configure`",
            Self::CannotAsk { hint, .. } => hint,
            Self::Unchosen { kind: "provider", .. } => "name one of them after `--sso`, or after `link`",
            Self::NotFound { kind: "provider", .. } | Self::NoneYet { kind: "provider" } => {
                "its operator names providers in sections as `[oidc.NAME]`"
            }
            Self::SsoDenied { .. } | Self::SsoTimeout => "run it again, and sign in there",
            Self::NotSignedIn { .. } => "run `pintle login`, or set PINTLE_TOKEN",
            Self::Token(_) => "copy all of it, from `pintle_` to its end",
            Self::NoServer => "run `pintle login --server https://pins.example.com`",
            Self::Unchosen { kind: "organization", .. } => {
                "say `--organization NAME`, or keep one with `pintle configure --organization NAME`"
            }
            Self::Unchosen { .. } => "say `--project NAME`, or keep one with `pintle configure --project NAME`",
            Self::NotFound { kind: "organization", .. } => "`pintle orgs list` shows yours",
            Self::NotFound { kind: "project", .. } => "`pintle projects list` shows them",
            Self::NotFound { kind: "domain", .. } => "`pintle domains list` shows them; `pintle domains add` adds one",
            Self::NotFound { kind: "probe agent", .. } => {
                "`pintle probe list` shows them; an admin registers the key with `pintle probe add`"
            }
            Self::NotFound { kind: "pin" | "proposed pin", .. } => "`pintle pins list` shows them",
            Self::NotFound { kind: "log that says where it is read", .. } => {
                "give a list whose logs have a `url` or a `monitoring_url`, as those of Chrome and Apple"
            }
            Self::NotFound { kind: "issuer certificate", .. } => {
                "the server does not send it: `--complete-chain` fetches it, or give the file with `--from-file`"
            }
            Self::NotFound { kind: "certificate in Certificate Transparency", .. } => {
                "a new one takes up to a day to be known; `--from-host` and `--from-file` need no log"
            }
            Self::NotFound { kind: "member", .. } => "`pintle members list` shows them",
            Self::NotFound { kind: "token", .. } => {
                "`pintle tokens list` shows yours, `--all` those of the organization"
            }
            Self::NoneYet { kind: "organization" } => "create one with `pintle orgs create NAME`",
            Self::NoneYet { kind: "project" } => "create one with `pintle projects create NAME`",
            Self::Ambiguous { kind: "key in Certificate Transparency", .. } => {
                "pin the one that is yours: `pintle pins add DOMAIN --pin TYPE:BASE64`"
            }
            Self::Ambiguous { .. } => "give the id, or more of the name",
            Self::NoProjectKey => "`pintle keys generate`, then `pintle keys register`",
            Self::WrongKey { role: KeyRole::Signing, .. } => "give the project's own key with `--key KEY`",
            Self::WrongKey { role: KeyRole::Recovery, .. } => {
                "give the private half of the key registered for recovery with `--recovery-key KEY`"
            }
            Self::SameKey { .. } | Self::FormerKey { .. } => {
                "leave out `--new-key`, or name a key that does not exist: it is made there"
            }
            Self::NoRecoveryKey => {
                "move the apps to a copy of the project: `pintle projects copy --help`, docs/howto/migrate.md"
            }
            Self::GuardRefused { first, .. } => {
                return Some(format!(
                    "do what the findings advise; an owner or admin may say `--override {first} --reason TEXT`"
                ));
            }
            Self::PreparedMismatch { .. } => "do not use this server until you know why",
            Self::Place(_) => "write dir:/PATH, s3://BUCKET?region=REGION, gs://BUCKET or azure://ACCOUNT/CONTAINER",
            Self::TargetUnusable { .. } => "each step that failed says what to do",
            Self::WebhookUnusable { .. } => "repair what receives, then test it again; what waits is sent by itself",
            Self::NotFromHook { .. } => {
                "put it into certbot's renewal-hooks/deploy, or set RENEWED_LINEAGE and RENEWED_DOMAINS as certbot does"
            }
            Self::NoRotation { domain } => {
                return Some(format!("begin one: `pintle rotate start {domain} --new-key next.key`"));
            }
            Self::NotSwitched { domain } => {
                return Some(format!("`pintle rotate plan {domain}` tells which one, and what comes next"));
            }
            Self::NobodySeen { .. } => {
                "name a host with `pintle domains set --watch`, or the old pins with --retire and --no-probe"
            }
            Self::NotUnattended { .. } => {
                "release with `pintle release`, or move the signing key: `pintle keys rotate --new-key awskms:…`"
            }
            Self::NotWithdrawn => "`pintle releases rollback N` goes back to an earlier release",
            Self::NotLiveYet { .. } | Self::StillPending | Self::Interrupted { .. } => {
                "it goes on by itself; `pintle releases show` tells how far it is"
            }
            Self::AuditChain { error: AuditChainError::RememberedRemoved { .. }, .. } => {
                "verify without it, and remember the head that is printed"
            }
            Self::AuditChain { .. } => {
                "somebody with access to the database or the file did this: keep both, and compare with a backup"
            }
            Self::AuditExport { .. } => "export it with `pintle audit export --to FILE`, without a filter",
            Self::Fetch { .. } => "check the URLs of the bundle and the network; has a release been made?",
            Self::Internal(_) => "this is a defect; please report it with the command you ran",
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

fn config_hint(error: &ConfigError) -> Option<String> {
    let hint = match error {
        ConfigError::KeyUnknown { .. } | ConfigError::WrongProject { .. } => {
            "is this the bundle of the project that the configuration belongs to?"
        }
        ConfigError::SignatureInvalid { .. } => "the file was changed after it was signed; fetch it again",
        ConfigError::Malformed(_) => {
            "is it a signed configuration, as `pintle config fetch` writes it? Then it was changed or cut off: fetch it again"
        }
        ConfigError::NotYetValid { .. } => "check this machine's clock",
        ConfigError::Unsupported(_) => "use a newer version of pintle",
        _ => return None,
    };
    Some(hint.to_owned())
}
