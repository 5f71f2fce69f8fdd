use base64ct::{Base64, Encoding};
use pintle_api::{KeyCiphertextResponse, StoreKeyRequest};
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
        // Before anything else sees it.
        let key = EncryptedKey::parse_pem(&request.pem).map_err(CustodyError::from)?;
        let tx = self.begin_change(actor, now).await?;
        let project = find_project(&tx, actor, path, Permission::ManageKeys).await?;
        let keys = Keys::load(&tx, &project, &self.base_url).await?;
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
            stored_by: actor.account_id.clone(),
            stored_at: now.as_secs().into(),
        };
        tx.save_key_ciphertext(&project.scope, row.clone()).await?;
        tx.save_custody(&project.scope, Custody::BrowserPassword).await?;
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

fn respond(row: KeyCiphertextRow) -> KeyCiphertextResponse {
    KeyCiphertextResponse { kid: row.kid, pem: row.pem, stored_at: row.stored_at.value() }
}
