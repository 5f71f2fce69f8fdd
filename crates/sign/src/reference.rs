//! How a key is named: by a path, or by a URI for one that is elsewhere.

use core::{fmt, str::FromStr};
use std::path::PathBuf;

use crate::{kms::KmsKey, pkcs11::Pkcs11Uri};

/// Where a signing key is. A secret is never part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyReference {
    /// A PKCS#8 file in PEM, plain or encrypted.
    File(PathBuf),
    /// `server:`, the ciphertext that the server keeps for the project.
    Server,
    /// `pkcs11:…` (RFC 7512), a key in an HSM, smart card or other token.
    Pkcs11(Box<Pkcs11Uri>),
    /// `awskms:…`, `gcpkms:…`, `azurekms:…`
    Kms(KmsKey),
}

/// Why text does not name a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReferenceError {
    /// Nothing at all.
    #[error("the name of a key cannot be empty")]
    Empty,
    /// A secret where every user of the machine can read it.
    #[error(
        "a PIN does not belong into the URI: use `pin-source=FILE`, the option for passwords, or PINTLE_KEY_PASSWORD"
    )]
    PinInUri,
    /// A `pkcs11:` URI.
    #[error("not a pkcs11: URI (RFC 7512), as in `pkcs11:token=NAME;object=KEY`: {0}")]
    Pkcs11(&'static str),
    /// Text after `server:`.
    #[error("`server:` stands alone: the server keeps one key of a project")]
    Server,
    /// Not a key of AWS KMS.
    #[error("not `awskms:` and the ARN of a key or alias, as in `awskms:arn:aws:kms:eu-central-1:111122223333:key/ID`")]
    Aws,
    /// Not a key of Google Cloud KMS.
    #[error(
        "not `gcpkms:` and a key version: \
         `gcpkms:projects/P/locations/L/keyRings/R/cryptoKeys/K/cryptoKeyVersions/N`"
    )]
    Google,
    /// Not a key of Azure Key Vault.
    #[error("not `azurekms:` and the identifier of a key: `azurekms:https://VAULT.vault.azure.net/keys/NAME/VERSION`")]
    Azure,
}

impl FromStr for KeyReference {
    type Err = ReferenceError;

    /// A known scheme makes it a URI; everything else is a path (a file called `server:` is `./server:`).
    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        match text.split_once(':') {
            _ if text.is_empty() => Err(ReferenceError::Empty),
            Some(("pkcs11", rest)) => Pkcs11Uri::parse(rest).map(|uri| Self::Pkcs11(Box::new(uri))),
            Some(("server", rest)) => rest.is_empty().then_some(Self::Server).ok_or(ReferenceError::Server),
            Some((scheme @ ("awskms" | "gcpkms" | "azurekms"), rest)) => KmsKey::parse(scheme, rest).map(Self::Kms),
            _ => Ok(Self::File(text.into())),
        }
    }
}

impl fmt::Display for KeyReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Server => f.write_str("server:"),
            Self::Pkcs11(uri) => uri.fmt(f),
            Self::Kms(key) => key.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back_as_they_were_written() {
        for text in [
            "pintle-key.pem",
            "./server:",
            "C:\\keys\\pintle.pem",
            "server:",
            "pkcs11:token=Pintle%20HSM;object=shop;id=%01%a2?module-path=/usr/lib/libhsm.so&pin-source=/run/pin",
            "awskms:arn:aws:kms:eu-central-1:111122223333:key/0000-11",
            "awskms:arn:aws-us-gov:kms:us-gov-west-1:111122223333:alias/pintle",
            "gcpkms:projects/p/locations/global/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1",
            "azurekms:https://acme.vault.azure.net/keys/pintle/00ff",
        ] {
            assert_eq!(text.parse::<KeyReference>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn refuses_what_names_no_key_and_whatever_tells_a_secret() {
        for (text, error) in [
            ("", ReferenceError::Empty),
            ("server:prj_1", ReferenceError::Server),
            ("pkcs11:token=a?pin-value=1234", ReferenceError::PinInUri),
            ("awskms:alias/pintle", ReferenceError::Aws),
            ("awskms:arn:aws:s3:eu-central-1:1:key/1", ReferenceError::Aws),
            ("awskms:arn:aws:kms:evil.example/:1:key/1", ReferenceError::Aws),
            ("gcpkms:projects/p/locations/l/keyRings/r/cryptoKeys/k", ReferenceError::Google),
            ("gcpkms:projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/..", ReferenceError::Google),
            ("azurekms:http://acme.vault.azure.net/keys/pintle", ReferenceError::Azure),
            ("azurekms:https://vault.azure.net.evil.example/keys/pintle", ReferenceError::Azure),
            ("azurekms:https://evil.example/.vault.azure.net/keys/pintle", ReferenceError::Azure),
            ("azurekms:https://u@acme.vault.azure.net/secrets/pintle", ReferenceError::Azure),
        ] {
            assert_eq!(text.parse::<KeyReference>(), Err(error), "{text}");
        }
        for text in ["pkcs11:", "pkcs11:token", "pkcs11:colour=red", "pkcs11:id=%zz", "pkcs11:token=a;token=b"] {
            assert!(matches!(text.parse::<KeyReference>(), Err(ReferenceError::Pkcs11(_))), "{text}");
        }
    }
}
