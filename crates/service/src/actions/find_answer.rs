use pintle_core::UnixTime;

use crate::{
    Actor, IdempotencyError, KeptAnswer, Service, ServiceError,
    idempotency::{KEPT_SECS, MAX_ANSWER_DELAY_SECS},
};

impl Service {
    /// The answer to the same request of the same actor with the same idempotency key; `None` when it is to be carried
    /// out, because it never was or did not change anything.
    ///
    /// # Errors
    /// [`ServiceError::Idempotency`], [`ServiceError::Store`].
    pub async fn find_answer(&self, actor: &Actor, now: UnixTime) -> Result<Option<KeptAnswer>, ServiceError> {
        let Some(key) = &actor.idempotency else { return Ok(None) };
        let found = self.store.read().await?.find_idempotent_request(&actor.account_id, &key.key_sha256).await?;
        let Some(row) = found else { return Ok(None) };
        let age_secs = now.as_secs().saturating_sub(row.created_at.value());
        if age_secs > KEPT_SECS {
            return Ok(None);
        }
        if row.fingerprint != key.fingerprint_of(actor) {
            return Err(IdempotencyError::KeyReused.into());
        }
        match (row.status.and_then(|status| u16::try_from(status.value()).ok()), row.body) {
            (Some(status), Some(body)) => {
                let headers = row.headers.as_deref().unwrap_or_default().lines();
                let split = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned()));
                Ok(Some(KeptAnswer { status, headers: headers.filter_map(split).collect(), body: Some(body) }))
            }
            (None, _) if age_secs <= MAX_ANSWER_DELAY_SECS => Err(IdempotencyError::InProgress.into()),
            _ => Err(IdempotencyError::AnswerNotKept.into()),
        }
    }
}
