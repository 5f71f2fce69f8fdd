//! Google Cloud KMS and Azure Key Vault: requests that carry a bearer token.

use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use p256::pkcs8::{DecodePublicKey, EncodePublicKey};
use pintle_core::PublicKey;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use ureq::{Agent, http::Request};

use super::{
    CloudEnvironment, KmsError,
    http::{ask, make_metadata_agent},
    parse_der_signature,
};
use crate::{SignerError, key::public_key_from_point};

const AZURE_VERSION: &str = "api-version=7.4";

/// What a token is asked of, where none is given: only the machine's own surroundings.
const GOOGLE_METADATA: &str = "metadata.google.internal";
const AZURE_METADATA: &str = "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01";

pub(super) struct GoogleKms {
    caller: Caller,
    /// Of the key version, with the endpoint before it.
    url: String,
}

pub(super) struct AzureVault {
    caller: Caller,
    /// Of the key, with its version once it is known.
    url: String,
}

struct Caller {
    agent: Agent,
    token: SecretString,
}

impl GoogleKms {
    pub(super) fn new(name: &str, agent: Agent, environment: &CloudEnvironment) -> Result<Self, KmsError> {
        let host = environment.variable("GCE_METADATA_HOST").unwrap_or_else(|| GOOGLE_METADATA.to_owned());
        let source = format!("http://{host}/computeMetadata/v1/instance/service-accounts/default/token");
        let request = Request::get(source).header("metadata-flavor", "Google");
        let caller = Caller::new(agent, environment, || request.body(()).ok())?;
        let endpoint = environment.variable("CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS");
        let endpoint = endpoint.unwrap_or_else(|| "https://cloudkms.googleapis.com".to_owned());
        Ok(Self { caller, url: format!("{}/v1/{name}", endpoint.trim_end_matches('/')) })
    }

    pub(super) fn read_public_key(&self) -> Result<PublicKey, SignerError> {
        let answer = self.caller.ask(&format!("{}/publicKey", self.url), None)?;
        let text = |member: &str| answer.get(member).and_then(Value::as_str);
        if text("algorithm") != Some("EC_SIGN_P256_SHA256") {
            return Err(KmsError::NotP256.into());
        }
        let key = text("pem").and_then(|pem| p256::PublicKey::from_public_key_pem(pem).ok());
        let der = key.and_then(|key| key.to_public_key_der().ok()).ok_or(KmsError::NotP256)?;
        PublicKey::from_spki_der(der.as_bytes()).map_err(|_| KmsError::NotP256.into())
    }

    pub(super) fn sign(&self, digest: &[u8; 32]) -> Result<[u8; 64], SignerError> {
        let request = json!({ "digest": { "sha256": Base64::encode_string(digest) } });
        parse_der_signature(self.caller.ask(&format!("{}:asymmetricSign", self.url), Some(&request))?.get("signature"))
    }
}

impl AzureVault {
    pub(super) fn new(url: &str, agent: Agent, environment: &CloudEnvironment) -> Result<Self, KmsError> {
        let caller = Caller::new(agent, environment, || make_azure_token_request(environment))?;
        Ok(Self { caller, url: url.to_owned() })
    }

    /// Fixes the version, too: what signs is what was looked at.
    pub(super) fn read_public_key(&mut self) -> Result<PublicKey, SignerError> {
        let answer = self.caller.ask(&format!("{}?{AZURE_VERSION}", self.url), None)?;
        let key = answer.get("key").ok_or(KmsError::NotP256)?;
        let text = |member: &str| key.get(member).and_then(Value::as_str);
        let is_ec = matches!(text("kty"), Some("EC" | "EC-HSM")) && text("crv") == Some("P-256");
        let number = |member| text(member).and_then(|text| Base64UrlUnpadded::decode_vec(text).ok());
        let (Some(x), Some(y), true) = (number("x"), number("y"), is_ec) else { return Err(KmsError::NotP256.into()) };
        let versioned = text("kid").filter(|kid| kid.starts_with(&format!("{}/", self.url)));
        self.url = versioned.map_or_else(|| self.url.clone(), str::to_owned);
        public_key_from_point(&[&[4], x.as_slice(), y.as_slice()].concat()).ok_or_else(|| KmsError::NotP256.into())
    }

    pub(super) fn sign(&self, digest: &[u8; 32]) -> Result<[u8; 64], SignerError> {
        let request = json!({ "alg": "ES256", "value": Base64UrlUnpadded::encode_string(digest) });
        let answer = self.caller.ask(&format!("{}/sign?{AZURE_VERSION}", self.url), Some(&request))?;
        // As in a JWS already: r ‖ s.
        let signature =
            answer.get("value").and_then(Value::as_str).and_then(|text| Base64UrlUnpadded::decode_vec(text).ok());
        signature.and_then(|bytes| bytes.try_into().ok()).ok_or(SignerError::WrongSignature)
    }
}

/// A managed identity: of an app service, whose surroundings say where to ask, else of the machine.
fn make_azure_token_request(environment: &CloudEnvironment) -> Option<Request<()>> {
    let resource = "resource=https%3A%2F%2Fvault.azure.net";
    let given = environment.variable("IDENTITY_ENDPOINT").zip(environment.variable("IDENTITY_HEADER"));
    let request = match given {
        Some((url, header)) => {
            Request::get(format!("{url}?api-version=2019-08-01&{resource}")).header("x-identity-header", header)
        }
        None => Request::get(format!("{AZURE_METADATA}&{resource}")).header("metadata", "true"),
    };
    request.body(()).ok()
}

impl Caller {
    /// With the token that is given, else with that of the machine.
    fn new(
        agent: Agent,
        environment: &CloudEnvironment,
        make: impl FnOnce() -> Option<Request<()>>,
    ) -> Result<Self, KmsError> {
        let from_machine = || {
            let mut answer = make_metadata_agent().run(make()?).ok().filter(|answer| answer.status().is_success())?;
            let text = answer.body_mut().with_config().limit(64 * 1024).read_to_string().ok()?;
            let answer: Value = serde_json::from_str(&text).ok()?;
            answer.get("access_token").and_then(Value::as_str).map(str::to_owned)
        };
        let token = environment.variable("PINTLE_KMS_TOKEN").or_else(from_machine).ok_or(KmsError::NoCredentials)?;
        Ok(Self { agent, token: token.into() })
    }

    fn ask(&self, url: &str, body: Option<&Value>) -> Result<Value, KmsError> {
        ask(&self.agent, || {
            let request = if body.is_some() { Request::post(url) } else { Request::get(url) };
            request
                .header("authorization", format!("Bearer {}", self.token.expose_secret()))
                .header("content-type", "application/json")
                .body(body.map(Value::to_string).unwrap_or_default())
                .map_err(|error| KmsError::Unreachable { reason: error.to_string() })
        })
    }
}
