//! Making configurations: signing keys, canonical claims, signatures, succession statements.
//!
//! ```text
//! Claims ──► canonical_claims ──► sign_config(signer, …) ──► SignedConfig   (verified by pintle-core before it leaves)
//! ```
//!
//! What it does not do: it stores and prints nothing, and no app ever links it. A key is a [`Signer`], named by a
//! [`KeyReference`]: a PKCS#8 file ([`SigningKey`], plain or encrypted), a key in a token, or one in a cloud's key
//! management service. Where the key is elsewhere, what is to be signed goes there as a digest; the key comes to nobody.
//!
//! Features: `pkcs11` (tokens: `Token`, `Pkcs11Key`), `kms` (AWS, Google Cloud, Azure: `KmsSigner`). The names of
//! such keys are understood without.
//!
//! # Example
//! ```
//! use pintle_core::{OrganizationId, ProjectId, State, UnixTime, claims::Claims, root::{BaseUrl, Root}, verify};
//! use pintle_sign::{Signer, SigningKey, canonical_claims, sign_config};
//!
//! let key = SigningKey::generate()?;
//! let root = Root::new(
//!     OrganizationId::parse("acme")?,
//!     ProjectId::parse("app")?,
//!     key.public_key(),
//!     vec![BaseUrl::parse("https://cdn.example.com")?],
//! )?;
//! let now = UnixTime::from_secs(1_800_000_000);
//! let claims = Claims::new(root.organization().clone(), root.project().clone(), 1, now);
//! let signed = sign_config(&key, &canonical_claims(&claims), &[], &root)?;
//! assert!(verify(signed.as_bytes(), &root, &State::default(), now).is_ok());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod canonical;
mod config;
mod encrypted;
mod error;
mod key;
mod kms;
mod pkcs11;
mod reference;
mod succession;

use pintle_core::PublicKey;

pub use canonical::canonical_claims;
pub use config::{SignedConfig, sign_config};
pub use encrypted::{EncryptedKey, EncryptedKeyError};
pub use error::{SignError, SignerError};
pub use key::{KeyFileError, SigningKey};
pub use kms::KmsKey;
#[cfg(feature = "kms")]
pub use kms::{CloudEnvironment, KmsError, KmsSigner, Variables};
pub use pkcs11::Pkcs11Uri;
#[cfg(feature = "pkcs11")]
pub use pkcs11::{Pkcs11Key, Token, TokenError, TokenKey};
pub use reference::{KeyReference, ReferenceError};
pub use succession::make_statement;

/// Something that signs with one ECDSA P-256 key.
///
/// An implementation holds or reaches the private key, never hands it out, and signs exactly what it is given. It may
/// wait for a device or a network; it tries a secret only once. A signature that it returns verifies.
pub trait Signer {
    /// The public half.
    fn public_key(&self) -> PublicKey;

    /// The ES256 signature over `message`: `r ‖ s` (RFC 7518 §3.4).
    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SignError>;
}
