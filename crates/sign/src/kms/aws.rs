//! AWS KMS: requests signed with Signature Version 4.

use base64ct::{Base64, Encoding};
use core::fmt::Write as _;
use pintle_core::{PublicKey, UnixTime};
use ring::hmac;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use time::{OffsetDateTime, macros::format_description};
use ureq::{Agent, http::Request};

use super::{
    CloudEnvironment, KmsError,
    http::{ask, make_metadata_agent},
    parse_der_signature,
};
use crate::SignerError;

/// Where a machine in EC2 asks who it is.
const METADATA: &str = "http://169.254.169.254";
const CONTENT_TYPE: &str = "application/x-amz-json-1.1";

pub(super) struct AwsKms {
    agent: Agent,
    credentials: Credentials,
    now: fn() -> UnixTime,
    /// ARN of key or alias.
    arn: String,
    region: String,
    /// Without a slash at its end.
    endpoint: String,
}

struct Credentials {
    access_key: String,
    secret_key: SecretString,
    session_token: Option<SecretString>,
}

impl AwsKms {
    pub(super) fn new(arn: &str, region: &str, agent: Agent, environment: &CloudEnvironment) -> Result<Self, KmsError> {
        let credentials = find_credentials(environment)?;
        let domain = if arn.starts_with("arn:aws-cn:") { "amazonaws.com.cn" } else { "amazonaws.com" };
        let given = environment.variable("AWS_ENDPOINT_URL_KMS").or_else(|| environment.variable("AWS_ENDPOINT_URL"));
        let endpoint = given.unwrap_or_else(|| format!("https://kms.{region}.{domain}"));
        let endpoint = endpoint.trim_end_matches('/').to_owned();
        Ok(Self { agent, credentials, now: environment.now, arn: arn.to_owned(), region: region.to_owned(), endpoint })
    }

    pub(super) fn read_public_key(&self) -> Result<PublicKey, SignerError> {
        let answer = self.ask("GetPublicKey", &json!({ "KeyId": self.arn }))?;
        let is = |member: &str, wanted: &str| answer.get(member).and_then(Value::as_str) == Some(wanted);
        // The first name is the one in use; some services that speak this protocol know only the one before it.
        let is_p256 = ["KeySpec", "CustomerMasterKeySpec"].iter().any(|member| is(member, "ECC_NIST_P256"));
        if !is_p256 || !is("KeyUsage", "SIGN_VERIFY") {
            return Err(KmsError::NotP256.into());
        }
        let der = answer.get("PublicKey").and_then(Value::as_str).and_then(|text| Base64::decode_vec(text).ok());
        let der = der.ok_or(SignerError::WrongSignature)?;
        PublicKey::from_spki_der(&der).map_err(|_| KmsError::NotP256.into())
    }

    pub(super) fn sign(&self, digest: &[u8; 32]) -> Result<[u8; 64], SignerError> {
        let request = json!({
            "KeyId": self.arn,
            "Message": Base64::encode_string(digest),
            "MessageType": "DIGEST",
            "SigningAlgorithm": "ECDSA_SHA_256",
        });
        parse_der_signature(self.ask("Sign", &request)?.get("Signature"))
    }

    fn ask(&self, operation: &str, body: &Value) -> Result<Value, KmsError> {
        ask(&self.agent, || self.make_request(&format!("TrentService.{operation}"), body.to_string()))
    }

    /// Signature Version 4, as AWS documents it, for a POST to `/` without a query.
    fn make_request(&self, target: &str, body: String) -> Result<Request<String>, KmsError> {
        let time = format_time((self.now)());
        let date = time.get(..8).unwrap_or_default();
        let host = self.endpoint.split_once("://").map_or(self.endpoint.as_str(), |(_, host)| host);
        let mut headers = vec![("content-type", CONTENT_TYPE), ("host", host), ("x-amz-date", time.as_str())];
        headers.extend(
            self.credentials.session_token.as_ref().map(|token| ("x-amz-security-token", token.expose_secret())),
        );
        headers.push(("x-amz-target", target));
        let names = headers.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
        let mut canonical = "POST\n/\n\n".to_owned();
        for (name, value) in &headers {
            // Writing to a string does not fail.
            let _ = writeln!(canonical, "{name}:{value}");
        }
        let _ = write!(canonical, "\n{names}\n{}", write_hex(&Sha256::digest(body.as_bytes())));

        let scope = format!("{date}/{}/kms/aws4_request", self.region);
        let hashed = write_hex(&Sha256::digest(canonical.as_bytes()));
        let to_sign = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{hashed}");
        let signature = write_hex(self.derive_key(date, to_sign.as_bytes()).as_ref());
        let access_key = &self.credentials.access_key;
        let authorization =
            format!("AWS4-HMAC-SHA256 Credential={access_key}/{scope}, SignedHeaders={names}, Signature={signature}");
        let mut request = Request::post(format!("{}/", self.endpoint)).header("authorization", authorization);
        for (name, value) in headers.into_iter().filter(|(name, _)| *name != "host") {
            request = request.header(name, value);
        }
        request.body(body).map_err(|error| KmsError::Unreachable { reason: error.to_string() })
    }

    /// The tag over `message` by the key for this day, region and service.
    fn derive_key(&self, date: &str, message: &[u8]) -> hmac::Tag {
        let secret = zeroize::Zeroizing::new(format!("AWS4{}", self.credentials.secret_key.expose_secret()));
        let start = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let parts = [self.region.as_str(), "kms", "aws4_request"];
        let day = hmac::sign(&start, date.as_bytes());
        let tag = parts.iter().fold(day, |tag, part| tag_with(tag.as_ref(), part.as_bytes()));
        tag_with(tag.as_ref(), message)
    }
}

fn tag_with(key: &[u8], message: &[u8]) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message)
}

/// Those of the environment, else those of the machine's role.
fn find_credentials(environment: &CloudEnvironment) -> Result<Credentials, KmsError> {
    let variable = |name| environment.variable(name);
    if let (Some(access_key), Some(secret)) = (variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY")) {
        let session_token = variable("AWS_SESSION_TOKEN").map(SecretString::from);
        return Ok(Credentials { access_key, secret_key: secret.into(), session_token });
    }
    let base = variable("AWS_EC2_METADATA_SERVICE_ENDPOINT").unwrap_or_else(|| METADATA.to_owned());
    ask_role(base.trim_end_matches('/')).ok_or(KmsError::NoCredentials)
}

/// The instance's role, by IMDSv2.
fn ask_role(base: &str) -> Option<Credentials> {
    let agent = make_metadata_agent();
    let text = |request: Request<()>| {
        let mut answer = agent.run(request).ok().filter(|answer| answer.status().is_success())?;
        answer.body_mut().with_config().limit(16 * 1024).read_to_string().ok()
    };
    let put = Request::put(format!("{base}/latest/api/token")).header("x-aws-ec2-metadata-token-ttl-seconds", "60");
    let token = text(put.body(()).ok()?)?;
    let get = |path: &str| {
        let path = format!("{base}/latest/meta-data/iam/security-credentials/{path}");
        text(Request::get(path).header("x-aws-ec2-metadata-token", &token).body(()).ok()?)
    };
    let role = get("")?;
    let found: Value = serde_json::from_str(&get(role.lines().next()?)?).ok()?;
    let member = |name: &str| found.get(name).and_then(Value::as_str).map(str::to_owned);
    Some(Credentials {
        access_key: member("AccessKeyId")?,
        secret_key: member("SecretAccessKey")?.into(),
        session_token: member("Token").map(Into::into),
    })
}

/// As in `20270131T235959Z`.
fn format_time(now: UnixTime) -> String {
    let moment = i64::try_from(now.as_secs()).ok().and_then(|secs| OffsetDateTime::from_unix_timestamp(secs).ok());
    let format = format_description!("[year][month][day]T[hour][minute][second]Z");
    moment.and_then(|moment| moment.format(format).ok()).unwrap_or_default()
}

fn write_hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
