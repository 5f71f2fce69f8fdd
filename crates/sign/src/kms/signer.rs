use core::fmt;

use base64ct::{Base64, Encoding};
use p256::ecdsa::Signature;
use pintle_core::{PublicKey, UnixTime};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{
    KmsKey,
    aws::AwsKms,
    bearer::{AzureVault, GoogleKms},
    http::make_agent,
};
use crate::{SignError, Signer, SignerError};

/// What a cloud's key management service is asked with: the process's environment and the clock, as the caller reads them.
///
/// AWS: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, else the role of the EC2 instance;
/// `AWS_ENDPOINT_URL_KMS`, `AWS_ENDPOINT_URL`. Google and Azure: a bearer token in `PINTLE_KMS_TOKEN`, else the identity of
/// the machine.
pub struct CloudEnvironment {
    /// Looks a variable up.
    pub variables: Variables,
    /// What time it is.
    pub now: fn() -> UnixTime,
}

/// The value of a variable, if it is set.
pub type Variables = Box<dyn Fn(&str) -> Option<String>>;

impl CloudEnvironment {
    /// A variable that is set to something.
    pub(super) fn variable(&self, name: &str) -> Option<String> {
        (self.variables)(name).filter(|value| !value.is_empty())
    }
}

/// A key in a key management service, which was asked for its public half. Every signature is a request; what goes out is
/// the digest of what is signed. A busy service is asked four times.
pub struct KmsSigner {
    public: PublicKey,
    service: Service,
}

enum Service {
    Aws(AwsKms),
    Google(GoogleKms),
    Azure(AzureVault),
}

impl KmsSigner {
    /// Finds credentials and asks for the public half.
    ///
    /// # Errors
    /// Every [`KmsError`](super::KmsError).
    pub fn open(key: &KmsKey, environment: &CloudEnvironment) -> Result<Self, SignerError> {
        let agent = make_agent();
        let (public, service) = match key {
            KmsKey::Aws { arn, region } => {
                let service = AwsKms::new(arn, region, agent, environment)?;
                (service.read_public_key()?, Service::Aws(service))
            }
            KmsKey::Google { name } => {
                let service = GoogleKms::new(name, agent, environment)?;
                (service.read_public_key()?, Service::Google(service))
            }
            KmsKey::Azure { url } => {
                let mut service = AzureVault::new(url, agent, environment)?;
                (service.read_public_key()?, Service::Azure(service))
            }
        };
        Ok(Self { public, service })
    }
}

impl Signer for KmsSigner {
    fn public_key(&self) -> PublicKey {
        self.public
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SignError> {
        let digest = Sha256::digest(message).into();
        let signature = match &self.service {
            Service::Aws(service) => service.sign(&digest),
            Service::Google(service) => service.sign(&digest),
            Service::Azure(service) => service.sign(&digest),
        }?;
        // An answer is not believed because it came over TLS.
        if self.public.verifies(message, &signature) { Ok(signature) } else { Err(SignerError::WrongSignature.into()) }
    }
}

impl fmt::Debug for KmsSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KmsSigner({})", self.public.kid())
    }
}

/// An ECDSA signature in base64 of DER (RFC 3279 §2.2.3) as `r ‖ s`; ES256 takes an s of either half.
pub(super) fn parse_der_signature(member: Option<&Value>) -> Result<[u8; 64], SignerError> {
    let der = member.and_then(Value::as_str).and_then(|text| Base64::decode_vec(text).ok());
    let signature = der.and_then(|der| Signature::from_der(&der).ok());
    signature.map(|signature| signature.to_bytes().into()).ok_or(SignerError::WrongSignature)
}

#[cfg(test)]
mod tests;
