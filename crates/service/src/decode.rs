//! Signed configurations taken apart to be shown.

use base64ct::{Base64UrlUnpadded, Encoding};
use pintle_api::{ConfigRefusal, DecodeResponse};
use pintle_core::{
    ConfigError, MalformedReason, Root, State, UnixTime, claims::Claims, limits::MAX_CONFIG_BYTES, verify,
};
use serde_json::Value;

/// The parts of a JWS. Nothing was verified.
#[derive(Clone, Debug)]
pub struct UnverifiedConfig {
    /// The protected header.
    pub header: Value,
    /// The payload, byte for byte.
    pub payload: Vec<u8>,
    /// The payload as JSON.
    pub claims: Value,
}

impl UnverifiedConfig {
    /// Takes a configuration apart without asking who wrote it.
    ///
    /// # Errors
    /// [`ConfigError`]: too large, or no JWS with two JSON documents in it.
    pub fn parse_untrusted(bytes: &[u8]) -> Result<Self, ConfigError> {
        let malformed = || ConfigError::from(MalformedReason::NotCompactJws);
        if bytes.len() > MAX_CONFIG_BYTES {
            return Err(ConfigError::TooLarge { bytes: bytes.len(), limit: MAX_CONFIG_BYTES });
        }
        let text = std::str::from_utf8(bytes).map_err(|_| malformed())?;
        let mut parts = text.split('.').map(|part| Base64UrlUnpadded::decode_vec(part).map_err(|_| malformed()));
        let mut next = || parts.next().ok_or_else(malformed).flatten();
        let (header, payload) = (next()?, next()?);
        let json = |bytes: &[u8]| serde_json::from_slice(bytes).map_err(|_| malformed());
        Ok(Self { header: json(&header)?, claims: json(&payload)?, payload })
    }

    /// Whether it says of itself that it is past its expiry.
    #[must_use]
    pub fn is_past_expiry(&self, now: UnixTime) -> bool {
        Claims::parse(&self.payload).is_ok_and(|claims| claims.expires_at.is_some_and(|at| now >= at))
    }
}

/// What a configuration says, and, if there is a `root`, whether an app with it that is installed at `now` would take it up.
///
/// # Errors
/// See [`UnverifiedConfig::parse_untrusted`].
pub fn decode(bytes: &[u8], root: Option<&Root>, now: UnixTime) -> Result<DecodeResponse, ConfigError> {
    let parts = UnverifiedConfig::parse_untrusted(bytes)?;
    let verdict = root.map(|root| verify(bytes, root, &State::default(), now));
    Ok(DecodeResponse {
        verified: matches!(verdict, Some(Ok(_))),
        refusal: verdict
            .and_then(Result::err)
            .map(|error| ConfigRefusal { code: error.code().as_str().to_owned(), detail: error.to_string() }),
        past_expiry: parts.is_past_expiry(now),
        header: parts.header,
        claims: parts.claims,
    })
}
