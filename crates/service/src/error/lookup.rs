use pintle_discover::{EndpointError, ProbeError};

use super::{ErrorKind, Facts, ServiceError, facts};

/// Why nothing was looked up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LookupError {
    /// The operator decided so.
    #[error("this installation looks up no certificates")]
    Off,
    /// Not an endpoint.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// It showed no certificate, or may not be looked at.
    #[error(transparent)]
    Unseen(#[from] ProbeError),
    /// The operator names nobody who reads CT logs.
    #[error("this installation asks nobody what CT logs hold")]
    NoCtSource,
    /// None of those had a usable answer.
    #[error("nobody who was asked told what CT logs hold")]
    CtSilent,
    /// The search goes on without whoever began it.
    #[error("those who read CT logs are still looking")]
    CtSlow,
    /// As many look already as the machine is meant to.
    #[error("the server looks at many hosts right now")]
    Busy,
}

impl From<LookupError> for ServiceError {
    fn from(error: LookupError) -> Self {
        Self::Lookup(error)
    }
}

impl LookupError {
    pub(super) fn facts(&self) -> Facts {
        use ErrorKind::{Forbidden, TooMany, Unprocessable, Upstream};
        match self {
            Self::Off => facts("lookup_off", Forbidden, "`pintle certs HOST` looks from your own machine"),
            Self::NoCtSource => {
                facts("ct_search_off", Forbidden, "`pintle pins add --from-ct` asks from your own machine")
            }
            Self::CtSilent => facts("ct_search_silent", Upstream, "try again later, or fetch from the live server"),
            Self::CtSlow => facts("ct_search_slow", Upstream, "search again in a minute: what was found is remembered"),
            Self::Endpoint(_) => facts("host_invalid", Unprocessable, "write it as api.example.com or 192.0.2.1:8443"),
            Self::Unseen(_) => facts(
                "host_unseen",
                Unprocessable,
                "check host and port; what is not on the public internet, look at with `pintle certs HOST` from inside",
            ),
            Self::Busy => facts("lookup_busy", TooMany, "try again in a moment"),
        }
    }
}
