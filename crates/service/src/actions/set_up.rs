use pintle_api::{ApiToken, Scope};
use pintle_core::UnixTime;
use pintle_store::{AccountId, AccountRow, AuditChain, TokenId, TokenRow};

use crate::{AuditAction, Service, ServiceError, actor::write_scopes, audit::Event, random::make_random};

/// What a fresh installation needs to be told once: there is no second way to read the token.
#[derive(Debug)]
pub struct FirstRun {
    /// Allows everything; belongs to the first account.
    pub token: ApiToken,
}

impl Service {
    /// Creates the first account and its token where there is none yet; `None` on every later start.
    ///
    /// # Errors
    /// [`ServiceError::Store`], [`ServiceError::Internal`].
    pub async fn set_up(&self, now: UnixTime) -> Result<Option<FirstRun>, ServiceError> {
        let token = ApiToken::make(&make_random()?);
        let now_secs = now.as_secs();
        let tx = self.begin_system_change(now).await?;
        if !tx.has_no_account().await? {
            return Ok(None);
        }
        let account =
            AccountRow { id: AccountId::make(now_secs), name: "admin".to_owned(), created_at: now_secs.into() };
        tx.insert_account(account.clone()).await?;
        tx.insert_token(TokenRow {
            id: TokenId::make(now_secs),
            account_id: account.id.clone(),
            name: "first run".to_owned(),
            prefix: token.prefix().to_owned(),
            secret_sha256: super::authenticate::hash(&token),
            scopes: write_scopes(&[Scope::Read, Scope::Edit, Scope::Release, Scope::Admin]),
            created_at: now_secs.into(),
            last_used_at: None,
            expires_at: None,
            organization_id: None,
            project_id: None,
            revoked_at: None,
        })
        .await?;
        let chain = AuditChain::installation();
        let event = Event::new(chain, AuditAction::InstallationSetUp, "account", account.id.as_str());
        tx.commit(event.personal("target_name", Some(&account.id), &account.name)).await?;
        Ok(Some(FirstRun { token }))
    }
}
