//! Keys in a cloud's key management service. The service signs digests; the key never leaves it.

#[cfg(feature = "kms")]
mod aws;
#[cfg(feature = "kms")]
mod bearer;
#[cfg(feature = "kms")]
mod error;
#[cfg(feature = "kms")]
mod http;
#[cfg(feature = "kms")]
mod signer;

use core::fmt;

use crate::ReferenceError;

#[cfg(feature = "kms")]
use self::signer::parse_der_signature;
#[cfg(feature = "kms")]
pub use self::{
    error::KmsError,
    signer::{CloudEnvironment, KmsSigner, Variables},
};

/// A P-256 key in a key management service.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KmsKey {
    /// AWS KMS.
    Aws {
        /// ARN of a key or alias.
        arn: String,
        /// The region in it.
        region: String,
    },
    /// Google Cloud KMS.
    Google {
        /// Resource name of a key version.
        name: String,
    },
    /// Azure Key Vault or Managed HSM.
    Azure {
        /// Identifier of a key, `https://…/keys/NAME[/VERSION]`.
        url: String,
    },
}

/// Where Azure's vaults live: a bearer token is sent nowhere else.
const AZURE_DOMAINS: [&str; 4] =
    ["vault.azure.net", "managedhsm.azure.net", "vault.azure.cn", "vault.usgovcloudapi.net"];

impl KmsKey {
    /// Parses what follows the scheme `awskms`, `gcpkms` or `azurekms`.
    pub(crate) fn parse(scheme: &str, rest: &str) -> Result<Self, ReferenceError> {
        match scheme {
            "awskms" => parse_aws(rest).ok_or(ReferenceError::Aws),
            "gcpkms" => parse_google(rest).ok_or(ReferenceError::Google),
            _ => parse_azure(rest).ok_or(ReferenceError::Azure),
        }
    }
}

impl fmt::Display for KmsKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Aws { arn, .. } => write!(f, "awskms:{arn}"),
            Self::Google { name } => write!(f, "gcpkms:{name}"),
            Self::Azure { url } => write!(f, "azurekms:{url}"),
        }
    }
}

/// `arn:PARTITION:kms:REGION:ACCOUNT:key/ID` or `…:alias/NAME`
fn parse_aws(arn: &str) -> Option<KmsKey> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let ["arn", partition, "kms", region, account, key] = parts.as_slice() else { return None };
    let (kind, name) = key.split_once('/')?;
    let is_known = ["key", "alias"].contains(&kind)
        && is_word(partition, "-")
        && is_word(region, "-")
        && is_word(account, "")
        && is_word(name, "-_/");
    is_known.then(|| KmsKey::Aws { arn: arn.to_owned(), region: (*region).to_owned() })
}

fn parse_google(name: &str) -> Option<KmsKey> {
    let parts: Vec<&str> = name.split('/').collect();
    let ["projects", a, "locations", b, "keyRings", c, "cryptoKeys", d, "cryptoKeyVersions", version] =
        parts.as_slice()
    else {
        return None;
    };
    let is_known = [a, b, c, d].iter().all(|part| is_word(part, "-_:."))
        && !version.is_empty()
        && version.bytes().all(|byte| byte.is_ascii_digit());
    is_known.then(|| KmsKey::Google { name: name.to_owned() })
}

fn parse_azure(url: &str) -> Option<KmsKey> {
    let (host, path) = url.strip_prefix("https://")?.split_once('/')?;
    let (vault, domain) = host.split_once('.')?;
    let parts: Vec<&str> = path.split('/').collect();
    let ["keys", name @ ..] = parts.as_slice() else { return None };
    let is_known = is_word(vault, "-")
        && AZURE_DOMAINS.contains(&domain)
        && [1, 2].contains(&name.len())
        && name.iter().all(|part| is_word(part, "-"));
    is_known.then(|| KmsKey::Azure { url: url.to_owned() })
}

/// Letters, digits and `more`, at least one, and no way to climb out of a path.
fn is_word(text: &str, more: &str) -> bool {
    !text.is_empty()
        && text != "."
        && text != ".."
        && text.chars().all(|letter| letter.is_ascii_alphanumeric() || more.contains(letter))
}
