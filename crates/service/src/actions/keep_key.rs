use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use pintle_api::{KeyCiphertextResponse, KeyOpener, StoreKeyRequest};
use pintle_core::UnixTime;
use pintle_sign::EncryptedKey;
use pintle_store::{Custody, KeyCiphertextRow};

use crate::{
    Actor, AuditAction, CustodyError, ProjectPath, Service, ServiceError,
    access::{Permission, find_project},
    audit::Event,
    change::Change,
    succession::Keys,
};

/// WebAuthn Level 3, §4.
const MAX_CREDENTIAL_ID_BYTES: usize = 1023;
const PRF_SALT_BYTES: usize = 32;

impl Service {
    /// Keeps the project's signing key as ciphertext, in place of the one kept before. What is encrypted cannot be looked
    /// at; that it is the project's key is shown by a signature over it.
    ///
    /// # Errors
    /// [`CustodyError`], [`ServiceError::KeyMissing`], and those of access.
    pub async fn store_key(
        &self,
        actor: &Actor,
        path: ProjectPath<'_>,
        request: &StoreKeyRequest,
        now: UnixTime,
    ) -> Result<KeyCiphertextResponse, ServiceError> {
        let tx = self.begin_change(actor, now).await?;
        let project = find_project(&tx, actor, path, Permission::ManageKeys).await?;
        let key = EncryptedKey::parse_pem(&request.pem).map_err(CustodyError::from)?;
        let (custody, passkey) = check_opener(&request.opened_by)?;
        let (passkey_credential, passkey_salt) = passkey.unzip();
        let keys = Keys::load(&tx, &project, &self.base_urls).await?;
        let current = keys.current()?;
        let message = key.proof_message(keys.root.organization(), keys.root.project());
        let proof = Base64::decode_vec(&request.proof).ok().and_then(|proof| <[u8; 64]>::try_from(proof).ok());
        if !proof.is_some_and(|proof| current.verifies(&message, &proof)) {
            return Err(CustodyError::Proof { expected: current.kid() }.into());
        }
        let row = KeyCiphertextRow {
            project_id: project.row.id.clone(),
            kid: current.kid().to_string(),
            pem: key.as_pem().to_owned(),
            passkey_credential,
            passkey_salt,
            stored_at: now.as_secs().into(),
        };
        tx.save_key_ciphertext(&project.scope, row.clone()).await?;
        tx.save_custody(&project.scope, custody).await?;
        tx.commit(Event::in_project(&project.scope, AuditAction::KeyStored, "key", &row.kid)).await?;
        Ok(respond(row))
    }

    /// The ciphertext, for whoever may release. That it was fetched stands in the audit log: from then on the password alone
    /// protects the key from them.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], and those of access.
    pub async fn fetch_key(
        &self,
        actor: &Actor,
        path: ProjectPath<'_>,
        now: UnixTime,
    ) -> Result<KeyCiphertextResponse, ServiceError> {
        let tx = self.begin_change(actor, now).await?;
        let project = find_project(&tx, actor, path, Permission::UseKey).await?;
        let found = tx.find_key_ciphertext(&project.scope).await?;
        let row = found.ok_or(ServiceError::NotFound { what: "stored key" })?;
        tx.commit(Event::in_project(&project.scope, AuditAction::KeyFetched, "key", &row.kid)).await?;
        Ok(respond(row))
    }

    /// Forgets the ciphertext. The project's key stays what it is; whoever has a copy goes on signing.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], and those of access.
    pub async fn discard_key(&self, actor: &Actor, path: ProjectPath<'_>, now: UnixTime) -> Result<(), ServiceError> {
        let tx = self.begin_change(actor, now).await?;
        let project = find_project(&tx, actor, path, Permission::ManageKeys).await?;
        let found = tx.find_key_ciphertext(&project.scope).await?;
        let row = found.ok_or(ServiceError::NotFound { what: "stored key" })?;
        forget_key(&tx, &project.scope).await?;
        tx.commit(Event::in_project(&project.scope, AuditAction::KeyDiscarded, "key", &row.kid)).await
    }
}

/// What is kept of a key goes with it: the project has another one now, or none here.
pub(super) async fn forget_key(tx: &Change, scope: &pintle_store::ProjectScope) -> Result<(), ServiceError> {
    tx.delete_key_ciphertext(scope).await?;
    Ok(tx.save_custody(scope, Custody::External).await?)
}

/// Custody, and what a passkey needs to make the password: credential id and salt.
fn check_opener(opener: &KeyOpener) -> Result<(Custody, Option<(String, String)>), ServiceError> {
    let KeyOpener::Passkey { credential_id, prf_salt } = opener else { return Ok((Custody::BrowserPassword, None)) };
    let invalid = |member, expected| ServiceError::ValueInvalid { member, expected };
    let is_id = |bytes: Vec<u8>| (1..=MAX_CREDENTIAL_ID_BYTES).contains(&bytes.len());
    if !Base64UrlUnpadded::decode_vec(credential_id).is_ok_and(is_id) {
        return Err(invalid("credential_id", "1 to 1023 bytes in base64url without padding"));
    }
    if !Base64UrlUnpadded::decode_vec(prf_salt).is_ok_and(|bytes| bytes.len() == PRF_SALT_BYTES) {
        return Err(invalid("prf_salt", "32 bytes in base64url without padding"));
    }
    Ok((Custody::BrowserPasskey, Some((credential_id.clone(), prf_salt.clone()))))
}

fn respond(row: KeyCiphertextRow) -> KeyCiphertextResponse {
    let opened_by = match (row.passkey_credential, row.passkey_salt) {
        (Some(credential_id), Some(prf_salt)) => KeyOpener::Passkey { credential_id, prf_salt },
        _ => KeyOpener::Password {},
    };
    KeyCiphertextResponse { kid: row.kid, pem: row.pem, opened_by, stored_at: row.stored_at.value() }
}
