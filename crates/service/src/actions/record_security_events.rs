use pintle_core::UnixTime;

use crate::{Service, ServiceError, security::Due};

impl Service {
    /// Writes the security events that are due into the audit log, in a transaction of their own; when there may be more
    /// to write.
    ///
    /// # Errors
    /// [`ServiceError::Store`]: nothing was written, and everything is still due.
    pub async fn record_security_events(&self, now: UnixTime) -> Result<Option<UnixTime>, ServiceError> {
        self.write_security_events(self.security.list_due(now), now).await?;
        Ok(self.security.next_due())
    }

    /// Writes every security event there is, because the server stops.
    ///
    /// # Errors
    /// [`ServiceError::Store`].
    pub async fn record_last_security_events(&self, now: UnixTime) -> Result<(), ServiceError> {
        self.write_security_events(self.security.list_all(), now).await
    }

    /// Returns when a security event of a new kind was noted since the last call.
    pub async fn wait_for_security_event(&self) {
        self.security.wait().await;
    }

    async fn write_security_events(&self, mut due: Due, now: UnixTime) -> Result<(), ServiceError> {
        if due.events.is_empty() {
            return Ok(());
        }
        let tx = self.begin_system_change(now).await?;
        for (author, event) in std::mem::take(&mut due.events) {
            tx.record_by(&author, event).await?;
        }
        tx.commit_recorded().await?;
        self.security.settle(&due, now);
        Ok(())
    }
}
