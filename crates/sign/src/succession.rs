use pintle_core::{OrganizationId, ProjectId, PublicKey, UnixTime};

use crate::{SignError, Signer, config::sign_jws};

/// A succession statement (P-5.1): `signer`, the predecessor's key or the recovery key, names `key` as the next one.
pub fn make_statement(
    signer: &(impl Signer + ?Sized),
    organization: &OrganizationId,
    project: &ProjectId,
    seq: u64,
    issued_at: UnixTime,
    key: &PublicKey,
) -> Result<String, SignError> {
    let claims = serde_json::json!({
        "iss": organization.as_str(),
        "sub": project.as_str(),
        "seq": seq,
        "iat": issued_at.as_secs(),
        "key": key.to_base64(),
    });
    sign_jws(signer, "pintle-succession+jwt", serde_json::Map::new(), claims.to_string().as_bytes())
}
