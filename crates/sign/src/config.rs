use base64ct::{Base64UrlUnpadded, Encoding};
use pintle_core::{Root, State, VerifiedConfig, claims::Claims, verify};

use crate::{SignError, Signer};

/// A signed configuration that an app with the given root accepts: `pintle-core` said so.
#[derive(Clone, Debug)]
pub struct SignedConfig {
    jws: String,
    config: VerifiedConfig,
}

impl SignedConfig {
    /// The file, as it lies on a CDN (P-2.1).
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.jws.as_bytes()
    }

    /// The file as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.jws
    }

    /// What `pintle-core` read out of it.
    #[must_use]
    pub const fn config(&self) -> &VerifiedConfig {
        &self.config
    }
}

/// Signs `claims` (the exact bytes that become the payload) for `root`, with the succession chain that leads from its
/// keys to the signer's, if there is one.
///
/// The result went through [`verify`] with an empty state at its own `iat`. An error means nothing was handed out.
pub fn sign_config(
    signer: &(impl Signer + ?Sized),
    claims: &[u8],
    succession: &[String],
    root: &Root,
) -> Result<SignedConfig, SignError> {
    // A key is used only for what is well formed: a signature made cannot be taken back.
    let issued_at = Claims::parse(claims)?.issued_at;
    let mut header = serde_json::Map::new();
    header.insert("succ".into(), succession.into());
    if succession.is_empty() {
        header.clear();
    }
    let jws = sign_jws(signer, "pintle-config+jwt", header, claims)?;
    let accepted = verify(jws.as_bytes(), root, &State::default(), issued_at)?;
    Ok(SignedConfig { jws, config: accepted.config })
}

/// A compact JWS (RFC 7515 §7.1) of `payload`, its header `alg`, `typ`, `kid` and `more`.
pub(crate) fn sign_jws(
    signer: &(impl Signer + ?Sized),
    kind: &str,
    more: serde_json::Map<String, serde_json::Value>,
    payload: &[u8],
) -> Result<String, SignError> {
    let mut header = serde_json::Map::new();
    header.insert("alg".into(), "ES256".into());
    header.insert("typ".into(), kind.into());
    header.insert("kid".into(), signer.public_key().kid().to_string().into());
    header.extend(more);
    let header = serde_json::Value::Object(header).to_string();
    let encode = Base64UrlUnpadded::encode_string;
    let mut jws = format!("{}.{}", encode(header.as_bytes()), encode(payload));
    let signature = signer.sign(jws.as_bytes())?;
    jws.push('.');
    jws.push_str(&encode(&signature));
    Ok(jws)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SigningKey, canonical_claims};
    use pintle_core::{Code, OrganizationId, ProjectId, UnixTime, root::BaseUrl};

    fn root_of(key: &SigningKey) -> Root {
        Root::new(
            OrganizationId::parse("acme").unwrap(),
            ProjectId::parse("app").unwrap(),
            key.public_key(),
            vec![BaseUrl::parse("https://cdn.example").unwrap()],
        )
        .unwrap()
    }

    fn claims_of(root: &Root) -> Vec<u8> {
        let now = UnixTime::from_secs(1_800_000_000);
        canonical_claims(&Claims::new(root.organization().clone(), root.project().clone(), 1, now))
    }

    fn code(error: SignError) -> Code {
        match error {
            SignError::NotAcceptable(error) => error.code(),
            SignError::Signer(error) => panic!("{error}"),
        }
    }

    #[test]
    fn hands_out_only_what_an_app_would_accept() {
        let (key, other) = (SigningKey::generate().unwrap(), SigningKey::generate().unwrap());
        let root = root_of(&key);
        assert!(sign_config(&key, &claims_of(&root), &[], &root).is_ok());
        let wrong_key = sign_config(&other, &claims_of(&root), &[], &root).unwrap_err();
        assert_eq!(code(wrong_key), Code::ConfigKeyUnknown);
        let malformed = sign_config(&key, b"{}", &[], &root).unwrap_err();
        assert_eq!(code(malformed), Code::ConfigMalformed);
        let foreign =
            Claims { project: ProjectId::parse("other").unwrap(), ..Claims::parse(&claims_of(&root)).unwrap() };
        let foreign = sign_config(&key, &canonical_claims(&foreign), &[], &root).unwrap_err();
        assert_eq!(code(foreign), Code::ConfigWrongProject);
    }

    #[test]
    fn signs_for_a_root_whose_key_was_succeeded() {
        let (old, new) = (SigningKey::generate().unwrap(), SigningKey::generate().unwrap());
        let root = root_of(&old);
        let statement = crate::make_statement(
            &old,
            root.organization(),
            root.project(),
            1,
            UnixTime::from_secs(1_800_000_000),
            &new.public_key(),
        )
        .unwrap();
        let signed = sign_config(&new, &claims_of(&root), &[statement], &root).unwrap();
        assert_eq!(signed.config().kid(), new.public_key().kid());
    }
}
