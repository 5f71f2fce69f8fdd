//! JWS in compact serialisation (RFC 7515 §7.1), one algorithm, nothing optional.

use alloc::{string::String, vec::Vec};

use crate::{
    base64,
    error::{Malformed, MalformedReason},
    json::{Document, Value},
    key::PublicKey,
    limits::{MAX_HEADER_BYTES, MAX_SUCCESSION},
};

/// `typ` of a configuration (P-2.2).
pub(crate) const CONFIG_TYPE: &str = "pintle-config+jwt";
/// `typ` of a succession statement (P-5.1).
pub(crate) const SUCCESSION_TYPE: &str = "pintle-succession+jwt";

/// A JWS whose signature has not been checked. Its payload comes out through a key that verifies it.
pub(crate) struct UnverifiedJws<'a> {
    /// `kid` of the protected header: which key the signer claims.
    pub(crate) kid: String,
    /// `succ` of the protected header; empty if absent.
    pub(crate) succession: Vec<String>,
    signing_input: &'a [u8],
    signature: [u8; 64],
    payload: Vec<u8>,
}

impl<'a> UnverifiedJws<'a> {
    /// Takes `bytes` apart; the header must be exactly that of P-2.2 with `typ` = `expected_type`.
    pub(crate) fn parse(bytes: &'a [u8], expected_type: &'static str) -> Result<Self, Malformed> {
        let is_dot = |byte: &u8| *byte == b'.';
        let (Some(first), Some(last)) = (bytes.iter().position(is_dot), bytes.iter().rposition(is_dot)) else {
            return Err(MalformedReason::NotCompactJws.into());
        };
        let (Some(header), Some(payload), Some(signing_input), Some(signature)) =
            (bytes.get(..first), bytes.get(first + 1..last), bytes.get(..last), bytes.get(last + 1..))
        else {
            return Err(MalformedReason::NotCompactJws.into());
        };
        // Four characters carry three bytes, without padding.
        if header.len() > (MAX_HEADER_BYTES * 4).div_ceil(3) {
            return Err(Malformed::from(MalformedReason::TooMany { limit: MAX_HEADER_BYTES }).within("header"));
        }
        let decode = |part: &[u8], name: &str| {
            base64::parse_url(part).ok_or_else(|| match part.contains(&b'.') {
                true => MalformedReason::NotCompactJws.into(),
                false => Malformed::from(MalformedReason::Base64).within(name),
            })
        };
        let header = decode(header, "header")?;
        let payload = decode(payload, "payload")?;
        let signature = <[u8; 64]>::try_from(decode(signature, "signature")?).map_err(|_| {
            Malformed::from(MalformedReason::Value { expected: "64 bytes, as ES256 gives" }).within("signature")
        })?;
        let (kid, succession) = parse_header(&header, expected_type).map_err(|error| error.within("header"))?;
        Ok(Self { kid, succession, signing_input, signature, payload })
    }

    /// Whether `key` made the signature.
    pub(crate) fn is_signed_by(&self, key: &PublicKey) -> bool {
        key.verifies(self.signing_input, &self.signature)
    }

    /// The payload, if `key` made the signature (P-3.3).
    pub(crate) fn into_payload_signed_by(self, key: &PublicKey) -> Option<Vec<u8>> {
        self.is_signed_by(key).then_some(self.payload)
    }

    /// The payload as it came, for what must be read before it can be known which key to verify with (P-5.3).
    pub(crate) fn dangerous_unverified_payload(&self) -> &[u8] {
        &self.payload
    }
}

fn parse_header(header: &[u8], expected_type: &'static str) -> Result<(String, Vec<String>), Malformed> {
    let document = Document::parse(header)?;
    let header = document.object()?;
    header.required("alg", |value| exactly(value, "ES256"))?;
    header.required("typ", |value| exactly(value, expected_type))?;
    let kid = header.required("kid", Value::to_text)?;
    if expected_type != CONFIG_TYPE {
        header.refuse_all_but(&["alg", "typ", "kid"])?;
        return Ok((kid, Vec::new()));
    }
    let succession = header.optional("succ", read_succession)?.unwrap_or_default();
    header.refuse_all_but(&["alg", "typ", "kid", "succ"])?;
    Ok((kid, succession))
}

fn read_succession(value: Value<'_>) -> Result<Vec<String>, Malformed> {
    let statements = value.each(Value::to_text)?;
    match statements.len() {
        0 => Err(MalformedReason::Value { expected: "1 to 32 statements" }.into()),
        1..=MAX_SUCCESSION => Ok(statements),
        _ => Err(MalformedReason::TooMany { limit: MAX_SUCCESSION }.into()),
    }
}

fn exactly(value: Value<'_>, expected: &'static str) -> Result<(), Malformed> {
    if value.text()? == expected { Ok(()) } else { Err(MalformedReason::Value { expected }.into()) }
}
