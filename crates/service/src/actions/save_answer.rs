use pintle_core::UnixTime;
use pintle_store::IdempotentRequestRow;

use crate::{Actor, KeptAnswer, Service, ServiceError};

impl Service {
    /// Keeps the answer to the request that the actor's idempotency key came with, if the request changed anything.
    ///
    /// # Errors
    /// [`ServiceError::Store`].
    pub async fn save_answer(&self, actor: &Actor, answer: KeptAnswer, now: UnixTime) -> Result<(), ServiceError> {
        let Some(key) = &actor.idempotency else { return Ok(()) };
        let headers: Vec<String> = answer.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        let row = IdempotentRequestRow {
            status: Some(u64::from(answer.status).into()),
            headers: Some(headers.join("\n")),
            body: answer.body.filter(|body| body.len() as u64 <= KeptAnswer::MAX_BODY_BYTES),
            ..key.make_row(actor, now)
        };
        let tx = self.store.write().await?;
        tx.save_idempotent_answer(row).await?;
        #[expect(clippy::disallowed_methods, reason = "what was answered is no change; the change is recorded already")]
        Ok(tx.commit().await?)
    }
}
