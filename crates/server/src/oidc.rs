//! OpenID Connect with one provider: authorization code flow with PKCE, discovery, and ID tokens verified by
//! `openidconnect`. Who may sign in with whom it vouches for is decided in the service.
//!
//! The provider is the operator's choice and trusted as such; what it answers is bounded in time and bytes, and redirects
//! are not followed.

use std::{path::Path, pin::Pin, sync::Arc, time::Duration};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use openidconnect::{
    AdditionalProviderMetadata, AsyncHttpClient, AuthType, AuthenticationFlow, AuthorizationCode,
    ClaimsVerificationError, ClientId, ClientSecret, CsrfToken, DiscoveryError, EmptyAdditionalClaims,
    EndpointMaybeSet, EndpointNotSet, EndpointSet, HttpRequest, HttpResponse, IssuerUrl, Nonce, OAuth2TokenResponse,
    PkceCodeChallenge, PkceCodeVerifier, ProviderMetadata, RedirectUrl, RequestTokenError, Scope,
    SignatureVerificationError, TokenResponse as _,
    core::{
        CoreAuthDisplay, CoreClaimName, CoreClaimType, CoreClient, CoreClientAuthMethod, CoreGenderClaim,
        CoreGrantType, CoreIdToken, CoreIdTokenClaims, CoreJsonWebKey, CoreJweContentEncryptionAlgorithm,
        CoreJweKeyManagementAlgorithm, CoreJwsSigningAlgorithm, CoreResponseMode, CoreResponseType,
        CoreSubjectIdentifierType, CoreTokenResponse, CoreUserInfoClaims,
    },
    http,
};
use pintle_core::UnixTime;
use pintle_service::{
    IdentityProvider, IdentityProviderError, IdentityProviderError::Refused, IdentityProviderError::Unavailable,
    SsoAnswer, SsoChallenge, VerifiedIdentity,
};
use rustls_platform_verifier::Verifier;
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use crate::config::{OidcConfig, load_certificates};

const TIMEOUT: Duration = Duration::from_secs(10);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Documents of providers have a few kilobytes, key sets a few dozen.
const MAX_ANSWER_BYTES: usize = 512 * 1024;
/// What was discovered is asked for again after this time.
const FRESH_SECS: u64 = 600;
/// And for a token with a key that is not known, after this: whoever makes tokens up does not make us ask more often.
const FRESH_FOR_NEW_KEYS_SECS: u64 = 10;
/// A provider that does not answer is not asked again at once.
const PAUSE_SECS: u64 = 5;
/// How far the provider's clock may be ahead of ours, or a token old.
const MAX_AHEAD_SECS: u64 = 120;
const MAX_AGE_SECS: u64 = 900;
/// Signatures with a public key alone: with `none` or a shared secret as key everybody who knows the key's public half, or
/// our secret, could make tokens.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 8] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

type Metadata = ProviderMetadata<
    MoreMetadata,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;
type Client =
    CoreClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointMaybeSet, EndpointMaybeSet>;

/// What else is read of the discovery document.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct MoreMetadata {
    /// RFC 9207: whoever answers without saying who it is, is not this provider.
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl AdditionalProviderMetadata for MoreMetadata {}

/// One provider of the configuration.
#[derive(Debug)]
pub(crate) struct OidcProvider {
    issuer: IssuerUrl,
    client_id: ClientId,
    client_secret: Option<ClientSecret>,
    scopes: Vec<Scope>,
    http: Http,
    discovered: Mutex<Discovered>,
}

/// What is remembered of the last time it was asked.
#[derive(Debug, Default)]
struct Discovered {
    metadata: Option<(Metadata, UnixTime)>,
    failure: Option<(IdentityProviderError, UnixTime)>,
}

impl OidcProvider {
    /// # Errors
    /// What is wrong, in words.
    pub(crate) fn new(config: &OidcConfig) -> Result<Self, String> {
        Ok(Self {
            issuer: IssuerUrl::new(config.issuer.clone()).map_err(|error| error.to_string())?,
            client_id: ClientId::new(config.client_id.clone()),
            client_secret: config.client_secret.as_ref().map(|text| ClientSecret::new(text.expose_secret().to_owned())),
            scopes: config.scopes.iter().cloned().map(Scope::new).collect(),
            http: Http::new(&config.issuer, config.ca_file.as_deref())?,
            discovered: Mutex::default(),
        })
    }

    /// The provider's metadata and keys, not older than `fresh_secs`.
    async fn discover(&self, fresh_secs: u64, now: UnixTime) -> Result<Metadata, IdentityProviderError> {
        let mut discovered = self.discovered.lock().await;
        if let Some((metadata, at)) = &discovered.metadata
            && now.secs_since(*at) < fresh_secs
        {
            return Ok(metadata.clone());
        }
        if let Some((error, at)) = &discovered.failure
            && now.secs_since(*at) < PAUSE_SECS
        {
            return Err(error.clone());
        }
        match Metadata::discover_async(self.issuer.clone(), &self.http).await {
            Ok(metadata) => {
                *discovered = Discovered { metadata: Some((metadata.clone(), now)), failure: None };
                Ok(metadata)
            }
            Err(error) => {
                let error = Unavailable(format!("discovery: {}", describe_discovery(&error)));
                discovered.failure = Some((error.clone(), now));
                Err(error)
            }
        }
    }

    fn client(&self, metadata: &Metadata, challenge: &SsoChallenge) -> Result<Client, IdentityProviderError> {
        let redirect = RedirectUrl::new(challenge.redirect_uri.clone()).map_err(|error| Refused(error.to_string()))?;
        let methods = metadata.token_endpoint_auth_methods_supported();
        let takes_basic = methods.is_none_or(|methods| methods.contains(&CoreClientAuthMethod::ClientSecretBasic));
        let auth = if takes_basic { AuthType::BasicAuth } else { AuthType::RequestBody };
        let (id, secret) = (self.client_id.clone(), self.client_secret.clone());
        Ok(CoreClient::from_provider_metadata(metadata.clone(), id, secret)
            .set_redirect_uri(redirect)
            .set_auth_type(auth))
    }

    async fn exchange(
        &self,
        client: &Client,
        answer: &SsoAnswer<'_>,
        challenge: &SsoChallenge,
    ) -> Result<CoreTokenResponse, IdentityProviderError> {
        let request = client
            .exchange_code(AuthorizationCode::new(answer.code.to_owned()))
            .map_err(|_| Unavailable("the provider names no token endpoint".to_owned()))?
            .set_pkce_verifier(PkceCodeVerifier::new(challenge.code_verifier.to_string()));
        request.request_async(&self.http).await.map_err(|error| match error {
            RequestTokenError::ServerResponse(response) => Refused(format!("token endpoint: {:?}", response.error())),
            RequestTokenError::Request(error) => Unavailable(format!("token endpoint: {error}")),
            RequestTokenError::Parse(error, _) => Refused(format!("token endpoint: {error}")),
            RequestTokenError::Other(text) => Unavailable(format!("token endpoint: {text}")),
        })
    }

    /// What the token proves; with keys fetched anew where it was signed with one that is not known.
    async fn check_token(
        &self,
        token: &CoreIdToken,
        client: &Client,
        challenge: &SsoChallenge,
        now: UnixTime,
    ) -> Result<CoreIdTokenClaims, IdentityProviderError> {
        let checked = self.check_token_once(token, client, challenge, now);
        let Err(ClaimsVerificationError::SignatureVerification(SignatureVerificationError::NoMatchingKey)) = &checked
        else {
            return checked.map_err(|error| Refused(format!("ID token: {error}")));
        };
        let client = self.client(&self.discover(FRESH_FOR_NEW_KEYS_SECS, now).await?, challenge)?;
        self.check_token_once(token, &client, challenge, now).map_err(|error| Refused(format!("ID token: {error}")))
    }

    fn check_token_once(
        &self,
        token: &CoreIdToken,
        client: &Client,
        challenge: &SsoChallenge,
        now: UnixTime,
    ) -> Result<CoreIdTokenClaims, ClaimsVerificationError> {
        let at = to_date(now);
        let verifier = client
            .id_token_verifier()
            .set_allowed_algs(ALGORITHMS)
            .set_time_fn(move || at)
            .set_issue_time_verifier_fn(move |issued| check_issue_time(issued, now));
        let claims = token.claims(&verifier, &Nonce::new(challenge.nonce.clone()))?;
        let is_ours = claims.authorized_party().is_none_or(|party| **party == *self.client_id);
        if is_ours {
            Ok(claims.clone())
        } else {
            Err(ClaimsVerificationError::InvalidAudience("it was made for another authorized party".to_owned()))
        }
    }

    /// What the provider says besides, of the same person: many name the address there alone (OpenID Connect Core, 5.4).
    async fn ask_user_info(
        &self,
        client: &Client,
        tokens: &CoreTokenResponse,
        claims: &CoreIdTokenClaims,
    ) -> Result<Option<CoreUserInfoClaims>, IdentityProviderError> {
        let Ok(request) = client.user_info(tokens.access_token().clone(), Some(claims.subject().clone())) else {
            return Ok(None);
        };
        let answer = request.request_async::<EmptyAdditionalClaims, _, CoreGenderClaim>(&self.http).await;
        answer.map(Some).map_err(|error| Refused(format!("user info: {error}")))
    }
}

#[async_trait]
impl IdentityProvider for OidcProvider {
    async fn ask(&self, challenge: &SsoChallenge, now: UnixTime) -> Result<String, IdentityProviderError> {
        let client = self.client(&self.discover(FRESH_SECS, now).await?, challenge)?;
        let (state, nonce) = (challenge.state.clone(), challenge.nonce.clone());
        let verifier = PkceCodeVerifier::new(challenge.code_verifier.to_string());
        let flow = AuthenticationFlow::<CoreResponseType>::AuthorizationCode;
        let request = client.authorize_url(flow, move || CsrfToken::new(state), move || Nonce::new(nonce));
        let request = request.set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier));
        let (url, _, _) = request.add_scopes(self.scopes.iter().cloned()).url();
        Ok(url.into())
    }

    async fn verify(
        &self,
        answer: &SsoAnswer<'_>,
        challenge: &SsoChallenge,
        now: UnixTime,
    ) -> Result<VerifiedIdentity, IdentityProviderError> {
        let metadata = self.discover(FRESH_SECS, now).await?;
        check_who_answers(answer, &metadata)?;
        let client = self.client(&metadata, challenge)?;
        let tokens = self.exchange(&client, answer, challenge).await?;
        let token = tokens.id_token().ok_or_else(|| Refused("the provider sent no ID token".to_owned()))?;
        let claims = self.check_token(token, &client, challenge, now).await?;
        let info = match claims.email() {
            Some(_) => None,
            None => self.ask_user_info(&client, &tokens, &claims).await?,
        };
        let (email, is_verified, name) = match &info {
            Some(info) => (info.email(), info.email_verified(), info.name()),
            None => (claims.email(), claims.email_verified(), claims.name()),
        };
        Ok(VerifiedIdentity {
            subject: claims.subject().to_string(),
            email: email.map(|email| email.to_string()),
            is_email_verified: is_verified == Some(true),
            name: name.and_then(|name| name.get(None)).map(|name| name.to_string()),
        })
    }
}

/// RFC 9207: an answer of one provider must not be brought to another.
fn check_who_answers(answer: &SsoAnswer<'_>, metadata: &Metadata) -> Result<(), IdentityProviderError> {
    let is_promised = metadata.additional_metadata().authorization_response_iss_parameter_supported;
    match answer.iss {
        Some(iss) if iss == metadata.issuer().as_str() => Ok(()),
        Some(_) => Err(Refused("another provider answered".to_owned())),
        None if is_promised => Err(Refused("the answer does not say which provider gives it".to_owned())),
        None => Ok(()),
    }
}

fn check_issue_time(issued: DateTime<Utc>, now: UnixTime) -> Result<(), String> {
    let issued_secs = u64::try_from(issued.timestamp()).unwrap_or_default();
    let range = now.as_secs().saturating_sub(MAX_AGE_SECS)..=now.as_secs().saturating_add(MAX_AHEAD_SECS);
    if range.contains(&issued_secs) {
        Ok(())
    } else {
        Err("it was not issued just now: do the clocks agree?".to_owned())
    }
}

fn to_date(now: UnixTime) -> DateTime<Utc> {
    let secs = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    // What no calendar has is after every token's end.
    DateTime::from_timestamp(secs, 0).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

fn describe_discovery(error: &DiscoveryError<HttpError>) -> String {
    match error {
        DiscoveryError::Request(error) => error.to_string(),
        // Without the body.
        DiscoveryError::Response(status, _, text) => format!("{status}: {text}"),
        other => other.to_string(),
    }
}

/// The one way requests leave for a provider.
#[derive(Debug)]
struct Http(reqwest::Client);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
enum HttpError {
    #[error("{}", with_causes(.0))]
    Transport(#[from] reqwest::Error),
    #[error("the answer has more than {MAX_ANSWER_BYTES} bytes")]
    TooLarge,
    #[error("the request cannot be made: {0}")]
    Request(#[from] http::Error),
}

impl Http {
    fn new(issuer: &str, ca_file: Option<&Path>) -> Result<Self, String> {
        let extra = ca_file.map(load_certificates).transpose().map_err(|error| error.to_string())?.unwrap_or_default();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier =
            Verifier::new_with_extra_roots(extra, Arc::clone(&provider)).map_err(|error| error.to_string())?;
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            // The machine's own verifier, and the named CA besides.
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        let builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(reqwest::redirect::Policy::none())
            .timeout(TIMEOUT)
            .connect_timeout(CONNECT_TIMEOUT)
            .user_agent(concat!("pintle-server/", env!("CARGO_PKG_VERSION")));
        // Plain HTTP is for a provider on this machine, in trials; of any other no document leads there.
        let builder = match issuer.starts_with("https://") {
            true => builder.https_only(true),
            false => builder.no_proxy(),
        };
        builder.build().map(Self).map_err(|error| error.to_string())
    }

    async fn exchange(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let mut answer = self.0.execute(reqwest::Request::try_from(request)?).await?;
        let mut response = http::Response::builder().status(answer.status());
        if let Some(headers) = response.headers_mut() {
            headers.clone_from(answer.headers());
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            if body.len() + chunk.len() > MAX_ANSWER_BYTES {
                return Err(HttpError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(response.body(body)?)
    }
}

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = HttpError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.exchange(request))
    }
}

/// Where it went wrong stands in the causes alone.
fn with_causes(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use pintle_testkit::{
        cdn::{Cdn, Reply},
        certificate::Authority,
    };

    use super::*;

    #[tokio::test]
    async fn a_provider_with_a_certificate_of_a_private_ca_is_heard_where_that_ca_is_named() {
        let authority = Authority::root("In-house CA");
        let site = Cdn::start_tls(&authority.issue(&["127.0.0.1"]), Reply::Status(418, Vec::new())).await;
        let folder = tempfile::tempdir().unwrap();
        let ca_file = folder.path().join("ca");
        std::fs::write(&ca_file, authority.certificate()).unwrap();
        let challenge = SsoChallenge {
            state: "state".into(),
            nonce: "nonce".into(),
            code_verifier: "a verifier of forty-three characters or more".to_owned().into(),
            redirect_uri: "http://127.0.0.1/sso/corp".into(),
        };
        let ask = async |ca_file| {
            let config = OidcConfig {
                issuer: site.url().to_owned(),
                client_id: "pintle".to_owned(),
                client_secret: None,
                allowed_domains: Vec::new(),
                scopes: Vec::new(),
                ca_file,
            };
            match OidcProvider::new(&config).unwrap().ask(&challenge, UnixTime::from_secs(1)).await {
                Err(Unavailable(reason)) => reason,
                other => panic!("it is no provider: {other:?}"),
            }
        };
        let (named, unnamed) = (ask(Some(ca_file)).await, ask(None).await);
        assert!(named.contains("418"), "its answer is read: {named}");
        assert!(unnamed.contains("UnknownIssuer"), "{unnamed}");
    }
}
