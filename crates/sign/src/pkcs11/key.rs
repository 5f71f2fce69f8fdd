use core::fmt;

use cryptoki::{
    mechanism::Mechanism,
    object::{Attribute, AttributeType, ObjectClass, ObjectHandle},
    session::Session,
};
use pintle_core::PublicKey;
use sha2::{Digest, Sha256};

use super::TokenError;
use crate::{SignError, Signer, SignerError, key::public_key_from_point};

/// The object identifier of prime256v1 in DER, as `CKA_EC_PARAMS` holds it.
pub(super) const P256_PARAMS: [u8; 10] = [0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07];
/// An uncompressed P-256 point in a DER octet string, as `CKA_EC_POINT` holds it; some modules leave the wrapping out.
const WRAPPED_POINT: [u8; 2] = [0x04, 65];

/// A private key in a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenKey {
    /// `object=…;id=…`, as in a `pkcs11:` URI.
    pub name: String,
    /// Its public half; none for one that is no P-256 key.
    pub public: Option<PublicKey>,
}

/// A P-256 key in a token, opened. The token signs; the key never leaves it.
pub struct Pkcs11Key {
    pub(super) session: Session,
    pub(super) private: ObjectHandle,
    pub(super) public: PublicKey,
}

impl Signer for Pkcs11Key {
    fn public_key(&self) -> PublicKey {
        self.public
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SignError> {
        let signed = self.session.sign(&Mechanism::Ecdsa, self.private, &Sha256::digest(message));
        let signature = signed.map_err(|error| SignerError::Token(error.into()))?;
        let signature = signature.try_into().map_err(|_| SignerError::WrongSignature)?;
        // Two halves that do not belong together are found here.
        if self.public.verifies(message, &signature) { Ok(signature) } else { Err(SignerError::WrongSignature.into()) }
    }
}

impl fmt::Debug for Pkcs11Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pkcs11Key({})", self.public.kid())
    }
}

/// The public half of a private key: its own point where the module shows it, else that of the public key of the same id.
pub(super) fn read_public_key(session: &Session, private: ObjectHandle) -> Result<PublicKey, TokenError> {
    let (params, point, id) = read(session, private)?;
    if params.as_deref() != Some(&P256_PARAMS) {
        return Err(TokenError::NotP256);
    }
    if let Some(point) = point.filter(|point| !point.is_empty()) {
        return parse_point(&point);
    }
    let id = id.filter(|id| !id.is_empty()).ok_or(TokenError::PublicHalfMissing)?;
    let found = session.find_objects(&[Attribute::Class(ObjectClass::PUBLIC_KEY), Attribute::Id(id)])?;
    let [public] = found.as_slice() else { return Err(TokenError::PublicHalfMissing) };
    let (_, point, _) = read(session, *public)?;
    parse_point(&point.ok_or(TokenError::PublicHalfMissing)?)
}

type Attributes = (Option<Vec<u8>>, Option<Vec<u8>>, Option<Vec<u8>>);

/// Curve, point and id, as far as the object has them.
fn read(session: &Session, handle: ObjectHandle) -> Result<Attributes, TokenError> {
    let (mut params, mut point, mut id) = (None, None, None);
    let wanted = [AttributeType::EcParams, AttributeType::EcPoint, AttributeType::Id];
    for attribute in session.get_attributes(handle, &wanted)? {
        match attribute {
            Attribute::EcParams(value) => params = Some(value),
            Attribute::EcPoint(value) => point = Some(value),
            Attribute::Id(value) => id = Some(value),
            _ => {}
        }
    }
    Ok((params, point, id))
}

fn parse_point(point: &[u8]) -> Result<PublicKey, TokenError> {
    let bare = point.strip_prefix(&WRAPPED_POINT).filter(|bare| bare.len() == 65).unwrap_or(point);
    public_key_from_point(bare).ok_or(TokenError::NotP256)
}
