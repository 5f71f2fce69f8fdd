//! Single sign-on (OpenID Connect): what a provider is asked, and what binds its answer to who began.
//!
//! Beginning writes nothing. What binds is one random secret: `state`, `nonce` and the PKCE verifier are derived from it,
//! and it travels, sealed with the server's key, to whoever began ([`SsoStep::pending`](pintle_api::SsoStep::pending)) and
//! back. So an answer counts for the browser or terminal that asked for it, at the provider it asked, once.

use std::{fmt::Debug, sync::Arc};

use async_trait::async_trait;
use base64ct::{Base64UrlUnpadded, Encoding};
use pintle_api::SecretText;
use pintle_core::UnixTime;
use pintle_store::AccountId;
use ring::hmac;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{SecretKey, ServiceError, SsoError, random::make_random};

/// Time to sign in at the provider.
pub(crate) const ATTEMPT_SECS: u64 = 600;
const PURPOSE: &str = "sso";

/// Speaks OpenID Connect with one provider, in a server.
#[async_trait]
pub trait IdentityProvider: Debug + Send + Sync {
    /// Where to send a browser, so that it comes back with an answer to `challenge`.
    ///
    /// # Errors
    /// [`IdentityProviderError::Unavailable`].
    async fn ask(&self, challenge: &SsoChallenge, now: UnixTime) -> Result<String, IdentityProviderError>;

    /// Whom the answer proves to be there. It was checked: by the provider's own keys, for this client and this
    /// `challenge`, not expired at `now`.
    ///
    /// # Errors
    /// [`IdentityProviderError`].
    async fn verify(
        &self,
        answer: &SsoAnswer<'_>,
        challenge: &SsoChallenge,
        now: UnixTime,
    ) -> Result<VerifiedIdentity, IdentityProviderError>;
}

/// A provider, and what the operator says of it.
#[derive(Clone, Debug)]
pub struct SsoProvider {
    /// The operator's name for it.
    pub name: String,
    /// Its URL, by which identities are kept apart.
    pub issuer: String,
    /// Domains of the addresses that sign in; any, if there are none.
    pub allowed_domains: Vec<String>,
    /// The way to it.
    pub provider: Arc<dyn IdentityProvider>,
}

/// What an answer has to fit.
#[derive(Clone)]
pub struct SsoChallenge {
    /// Where the answer goes.
    pub redirect_uri: String,
    /// Comes back beside the code.
    pub state: String,
    /// Comes back in the ID token.
    pub nonce: String,
    /// Proves to the provider that the code is asked in by who asked for it (RFC 7636).
    pub code_verifier: Zeroizing<String>,
}

/// What came back from the provider through a browser: nobody's word yet.
#[derive(Clone, Copy)]
pub struct SsoAnswer<'a> {
    /// The authorization code.
    pub code: &'a str,
    /// Who answers, if it says so (RFC 9207).
    pub iss: Option<&'a str>,
}

/// Whom a provider vouches for.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifiedIdentity {
    /// Unique at the provider, and never given to anybody else.
    pub subject: String,
    /// An address, if the provider gives one.
    pub email: Option<String>,
    /// Whether the provider says that it is theirs.
    pub is_email_verified: bool,
    /// Name for people.
    pub name: Option<String>,
}

/// Why a provider proved nothing. The texts are for the operator's log, and hold no secret and no value of a person.
#[derive(Clone, Debug, thiserror::Error)]
pub enum IdentityProviderError {
    /// It cannot be asked.
    #[error("{0}")]
    Unavailable(String),
    /// Its answer does not hold.
    #[error("{0}")]
    Refused(String),
}

impl Debug for SsoChallenge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SsoChallenge(..)")
    }
}

/// An attempt to sign in or to link, as it was begun.
#[derive(Serialize, Deserialize)]
pub(crate) struct SsoAttempt {
    secret: Zeroizing<String>,
    pub(crate) provider: String,
    redirect_uri: String,
    /// Whose account is to be linked; `None`: somebody signs in.
    pub(crate) account: Option<String>,
    pub(crate) expires_at: u64,
}

impl SsoAttempt {
    pub(crate) fn make(
        provider: &str,
        redirect_uri: &str,
        account: Option<&AccountId>,
        now: UnixTime,
    ) -> Result<Self, ServiceError> {
        let secret = Zeroizing::new(make_random::<32>()?);
        Ok(Self {
            secret: Zeroizing::new(Base64UrlUnpadded::encode_string(&*secret)),
            provider: provider.to_owned(),
            redirect_uri: redirect_uri.to_owned(),
            account: account.map(ToString::to_string),
            expires_at: now.saturating_add_secs(ATTEMPT_SECS).as_secs(),
        })
    }

    pub(crate) fn seal(&self, key: &SecretKey) -> Result<SecretText, ServiceError> {
        let text = serde_json::to_vec(self).map(Zeroizing::new);
        let text = text.map_err(|_| ServiceError::Internal("an attempt to sign in is JSON"))?;
        Ok(Zeroizing::new(key.seal(PURPOSE, "", &text)?).into())
    }

    /// What [`seal`](Self::seal) wrote, while it counts.
    pub(crate) fn open(key: &SecretKey, pending: &SecretText, now: UnixTime) -> Result<Self, ServiceError> {
        let text = key.open(PURPOSE, "", pending.expose_secret()).map_err(|_| SsoError::AttemptInvalid)?;
        let attempt: Self = serde_json::from_slice(&text).map_err(|_| SsoError::AttemptInvalid)?;
        if now.as_secs() < attempt.expires_at { Ok(attempt) } else { Err(SsoError::AttemptInvalid.into()) }
    }

    pub(crate) fn challenge(&self) -> SsoChallenge {
        SsoChallenge {
            redirect_uri: self.redirect_uri.clone(),
            state: self.derive("state"),
            nonce: self.derive("nonce"),
            code_verifier: Zeroizing::new(self.derive("code verifier")),
        }
    }

    /// 43 characters of URL-safe base64.
    fn derive(&self, purpose: &str) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.secret.as_bytes());
        Base64UrlUnpadded::encode_string(hmac::sign(&key, purpose.as_bytes()).as_ref())
    }
}

/// Whether an answer may go to `uri`: to this server's own page, or to a program on the person's own machine (RFC 8252,
/// 7.3). It names the provider, so that an answer of another one arrives elsewhere.
pub(crate) fn is_redirect_allowed(uri: &str, public_url: &str, provider: &str) -> bool {
    let path = format!("/sso/{provider}");
    if uri.strip_prefix(public_url.trim_end_matches('/')) == Some(&path) {
        return true;
    }
    let rest = uri.strip_prefix("http://127.0.0.1:").or_else(|| uri.strip_prefix("http://[::1]:"));
    let Some((port, found)) = rest.and_then(|rest| rest.split_at_checked(rest.find('/')?)) else { return false };
    let is_port = port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0);
    is_port && found == path
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

    #[test]
    fn an_answer_goes_to_this_server_or_to_a_program_here() {
        let allowed = |uri: &str| is_redirect_allowed(uri, "https://pins.example.com", "corp");
        for uri in ["https://pins.example.com/sso/corp", "http://127.0.0.1:4711/sso/corp", "http://[::1]:1/sso/corp"] {
            assert!(allowed(uri), "{uri}");
        }
        for uri in [
            "",
            "https://evil.example/sso/corp",
            "https://pins.example.com.evil.example/sso/corp",
            "https://pins.example.com@evil.example/sso/corp",
            "https://pins.example.com/sso/corp?x",
            "https://pins.example.com/sso/other",
            "http://pins.example.com/sso/corp",
            "http://127.0.0.1/sso/corp",
            "http://127.0.0.1:0/sso/corp",
            "http://127.0.0.1:+1/sso/corp",
            "http://127.0.0.1:99999/sso/corp",
            "http://127.0.0.1:80@evil.example/sso/corp",
            "http://127.0.0.1:80/sso/corp/",
            "http://127.0.0.1:80/sso/other",
            "http://localhost:80/sso/corp",
            "https://127.0.0.1:80/sso/corp",
        ] {
            assert!(!allowed(uri), "{uri}");
        }
    }

    #[test]
    fn an_attempt_opens_for_ten_minutes_with_the_key_that_sealed_it() {
        let key = SecretKey::make().unwrap();
        let attempt = SsoAttempt::make("corp", "http://127.0.0.1:1/sso/corp", None, NOW).unwrap();
        let sealed = attempt.seal(&key).unwrap();
        let open = |secs| SsoAttempt::open(&key, &sealed, NOW.saturating_add_secs(secs));
        assert_eq!(open(599).unwrap().challenge().state, attempt.challenge().state);
        assert!(open(600).is_err());
        assert!(SsoAttempt::open(&SecretKey::make().unwrap(), &sealed, NOW).is_err());
        let challenge = attempt.challenge();
        assert_ne!(challenge.state, challenge.nonce);
        assert_ne!(challenge.nonce, *challenge.code_verifier);
        assert_eq!(challenge.code_verifier.len(), 43);
    }
}
