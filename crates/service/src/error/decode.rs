use pintle_core::{ConfigError, root::SetupError};

use super::{ErrorKind, Facts, ServiceError, facts};

/// Why a configuration was not looked into.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The operator decided so.
    #[error("this installation decodes no configurations")]
    Off,
    /// Not a bundle.
    #[error("the bundle is none: {0}")]
    Bundle(#[from] SetupError),
    /// Not a configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

impl From<DecodeError> for ServiceError {
    fn from(error: DecodeError) -> Self {
        Self::Decode(error)
    }
}

impl DecodeError {
    pub(super) fn facts(&self) -> Facts {
        use ErrorKind::{Forbidden, Unprocessable};
        match self {
            Self::Off => facts("decode_off", Forbidden, "`pintle config decode FILE` needs no server"),
            Self::Bundle(_) => facts("bundle_invalid", Unprocessable, "send `pintle.json` as `pintle bundle` wrote it"),
            Self::Config(error) => {
                facts(error.code().as_str(), Unprocessable, "send the signed file `pins.jws` as it is published")
            }
        }
    }
}
