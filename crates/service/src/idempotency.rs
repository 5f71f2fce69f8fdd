//! Requests that happen once, however often they arrive (`Idempotency-Key`).
//!
//! The key is claimed in the transaction of the change itself, so it is used exactly if the change happened: a request
//! that was refused or that a crash undid may be repeated, and of two at the same time one waits for the other and finds
//! the key used. The answer is kept afterwards.

use pintle_core::UnixTime;
use pintle_store::{IdempotentRequestRow, WriteTx};
use sha2::{Digest, Sha256};

use crate::{Actor, IdempotencyError, ServiceError, hex::write_hex};

/// How long a key is remembered.
pub(crate) const KEPT_SECS: u64 = 24 * 60 * 60;
/// Keys remembered per account, the newest; with [`KeptAnswer::MAX_BODY_BYTES`] a bound on what an account can fill.
const KEPT_PER_ACCOUNT: u64 = 1000;
/// Longer than any request takes: a change whose answer is not there by then will not get it any more.
pub(crate) const MAX_ANSWER_DELAY_SECS: u64 = 60;

/// An idempotency key together with the request it came with.
#[derive(Clone, Debug)]
pub struct IdempotencyKey {
    pub(crate) key_sha256: String,
    pub(crate) fingerprint: String,
    pub(crate) attempt: String,
}

/// An answer to be given again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptAnswer {
    /// HTTP status.
    pub status: u16,
    /// Names and values of the headers that belong to it.
    pub headers: Vec<(String, String)>,
    /// Its body; none where it is too large or holds a secret.
    pub body: Option<Vec<u8>>,
}

impl KeptAnswer {
    /// Larger bodies are not kept.
    pub const MAX_BODY_BYTES: u64 = 64 * 1024;
}

impl IdempotencyKey {
    /// `key` as it came; `request`: whatever makes two requests different, in parts.
    ///
    /// # Errors
    /// [`ServiceError::Internal`] without randomness.
    pub fn new(key: &str, request: &[&[u8]]) -> Result<Self, ServiceError> {
        // The key is hashed into the fingerprint and not stored: whoever reads the database cannot try out passwords
        // against a fingerprint, because a proper key cannot be guessed.
        let mut fingerprint = Sha256::new();
        for part in [key.as_bytes()].iter().chain(request) {
            fingerprint.update((part.len() as u64).to_be_bytes());
            fingerprint.update(part);
        }
        let mut attempt = [0; 16];
        getrandom::fill(&mut attempt).map_err(|_| ServiceError::Internal("no randomness"))?;
        Ok(Self {
            key_sha256: write_hex(&Sha256::digest(key)),
            fingerprint: write_hex(&fingerprint.finalize()),
            attempt: write_hex(&attempt),
        })
    }

    /// The fingerprint as it is stored: nobody gets another credential's answers, not even of the same account.
    pub(crate) fn fingerprint_of(&self, actor: &Actor) -> String {
        write_hex(&Sha256::new().chain_update(&self.fingerprint).chain_update(actor.credential.id()).finalize())
    }

    /// Uses the key up, if the change of `tx` happens.
    pub(crate) async fn claim(&self, tx: &WriteTx, actor: &Actor, now: UnixTime) -> Result<(), ServiceError> {
        tx.delete_idempotent_requests_before(now.as_secs().saturating_sub(KEPT_SECS)).await?;
        match tx.find_idempotent_request(&actor.account_id, &self.key_sha256).await? {
            // An action of several changes.
            Some(row) if row.attempt == self.attempt => Ok(()),
            Some(_) => Err(IdempotencyError::InProgress.into()),
            None => Ok(tx.insert_idempotent_request(self.make_row(actor, now), KEPT_PER_ACCOUNT).await?),
        }
    }

    pub(crate) fn make_row(&self, actor: &Actor, now: UnixTime) -> IdempotentRequestRow {
        IdempotentRequestRow {
            account_id: actor.account_id.clone(),
            key_sha256: self.key_sha256.clone(),
            fingerprint: self.fingerprint_of(actor),
            attempt: self.attempt.clone(),
            created_at: now.as_secs().into(),
            status: None,
            headers: None,
            body: None,
        }
    }
}
