use pintle_api::{AccountResponse, Scope};

use crate::{Actor, Service, ServiceError, access::require_own_account};

impl Service {
    /// The actor's own account.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`ServiceError::Store`], and of a token those of access.
    pub async fn read_account(&self, actor: &Actor) -> Result<AccountResponse, ServiceError> {
        require_own_account(actor, Scope::Read)?;
        let tx = self.store.read().await?;
        let account = tx.find_account(&actor.account_id).await?;
        let account = account.ok_or(ServiceError::NotFound { what: "account" })?;
        let password = tx.find_password(&actor.account_id).await?;
        Ok(AccountResponse {
            id: account.id.to_string(),
            name: account.name,
            email: tx.find_email(&actor.account_id).await?.map(|email| email.address),
            password_changed_at: password.map(|password| password.changed_at.value()),
            has_totp: tx.find_totp(&actor.account_id).await?.is_some_and(|row| row.confirmed_at.is_some()),
            recovery_codes_left: tx.count_recovery_codes(&actor.account_id).await?,
            passkeys: tx.count_passkeys(&actor.account_id).await?,
            created_at: account.created_at.value(),
        })
    }
}
