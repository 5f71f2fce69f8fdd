//! Keys in an HSM, smart card or other token, by PKCS#11.

#[cfg(feature = "pkcs11")]
mod error;
#[cfg(feature = "pkcs11")]
mod key;
#[cfg(feature = "pkcs11")]
mod token;
mod uri;

pub use uri::Pkcs11Uri;
#[cfg(feature = "pkcs11")]
pub use {
    error::TokenError,
    key::{Pkcs11Key, TokenKey},
    token::Token,
};
