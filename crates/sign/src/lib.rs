//! Making configurations: signing keys, canonical claims, signatures, succession statements.
//!
//! ```text
//! Claims ──► canonical_claims ──► sign_config(signer, …) ──► SignedConfig   (verified by pintle-core before it leaves)
//! ```
//!
//! What it does not do: it stores, prints and sends nothing, and no app ever links it. A key is a [`Signer`]; the one
//! here is a PKCS#8 file, plain or encrypted.
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
mod key;
mod succession;

use pintle_core::PublicKey;

pub use canonical::canonical_claims;
pub use config::{SignedConfig, sign_config};
pub use key::{KeyFileError, SigningKey};
pub use succession::make_statement;

/// Something that signs with one ECDSA P-256 key.
///
/// An implementation holds or reaches the private key, never hands it out, and signs exactly what it is given.
pub trait Signer {
    /// The public half.
    fn public_key(&self) -> PublicKey;

    /// The ES256 signature over `message`: `r ‖ s` (RFC 7518 §3.4).
    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SignError>;
}

/// Why nothing was signed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// The key could not be used.
    #[error("the key did not sign: {0}")]
    Signer(String),
    /// What was signed would not be accepted by an app with this root: it is not handed out.
    #[error("the signed configuration is not acceptable: {0}")]
    NotAcceptable(#[from] pintle_core::ConfigError),
}
