//! The identities of single sign-on that sign in to an account.

use pintle_api::{BeginSsoRequest, FinishSsoRequest, IdentitiesResponse, IdentityResponse, Scope, SsoStep};
use pintle_core::UnixTime;
use pintle_store::{IdentityId, IdentityRow, MailKind};
use serde_json::json;

use super::{request_mail::queue_mail, sso::insert_identity};
use crate::{
    Actor, AuditAction, Service, ServiceError, SsoError, access::require_own_account, address::EmailAddress,
    audit::Event, change::Change, step_up::require_recent_authentication,
};

impl Service {
    /// The identities linked with the actor's account.
    ///
    /// # Errors
    /// [`ServiceError::Store`], and of a token those of access.
    pub async fn list_identities(&self, actor: &Actor) -> Result<IdentitiesResponse, ServiceError> {
        require_own_account(actor, Scope::Read)?;
        let rows = self.store.read().await?.list_identities(&actor.account_id).await?;
        Ok(IdentitiesResponse { identities: rows.iter().map(describe).collect() })
    }

    /// Begins to link an identity at a provider with the actor's account.
    ///
    /// # Errors
    /// [`AccountError::PersonNeeded`](crate::AccountError::PersonNeeded),
    /// [`AccountError::StepUpNeeded`](crate::AccountError::StepUpNeeded), [`SsoError`].
    pub async fn begin_link(
        &self,
        actor: &Actor,
        request: &BeginSsoRequest,
        now: UnixTime,
    ) -> Result<SsoStep, ServiceError> {
        require_recent_authentication(actor, now)?;
        self.ask_provider(request, Some(&actor.account_id), now).await
    }

    /// Links whom the provider vouches for with the actor's account.
    ///
    /// # Errors
    /// [`AccountError::PersonNeeded`](crate::AccountError::PersonNeeded),
    /// [`AccountError::StepUpNeeded`](crate::AccountError::StepUpNeeded), [`SsoError`], [`ServiceError::Store`].
    pub async fn finish_link(
        &self,
        actor: &Actor,
        request: &FinishSsoRequest,
        now: UnixTime,
    ) -> Result<IdentityResponse, ServiceError> {
        require_recent_authentication(actor, now)?;
        let (provider, identity) = self.receive_answer(request, Some(&actor.account_id), &actor.request, now).await?;
        let change = self.begin_change(actor, now).await?;
        let row = insert_identity(&change, &actor.account_id, provider, &identity, now).await?;
        tell_owner(&change, actor, now).await?;
        self.commit_with_mail(change).await?;
        Ok(describe(&row))
    }

    /// Unlinks an identity from the actor's account: never the last way to sign in.
    ///
    /// # Errors
    /// [`AccountError::PersonNeeded`](crate::AccountError::PersonNeeded),
    /// [`AccountError::StepUpNeeded`](crate::AccountError::StepUpNeeded), [`SsoError::LastWayIn`],
    /// [`ServiceError::NotFound`], [`ServiceError::Store`].
    pub async fn unlink_identity(&self, actor: &Actor, identity: &str, now: UnixTime) -> Result<(), ServiceError> {
        require_recent_authentication(actor, now)?;
        let missing = || ServiceError::NotFound { what: "identity" };
        let id = IdentityId::parse(identity).map_err(|_| missing())?;
        let account = &actor.account_id;
        let change = self.begin_change(actor, now).await?;
        let all = change.list_identities(account).await?;
        let row = all.iter().find(|row| row.id == id).ok_or_else(missing)?;
        if !self.has_way_in_without(&change, account, id.as_str()).await? {
            return Err(SsoError::LastWayIn.into());
        }
        change.delete_identity(account, &id).await?;
        tell_owner(&change, actor, now).await?;
        let event = |chain| {
            Event::new(chain, AuditAction::IdentityUnlinked, "identity", id.as_str())
                .before(json!({ "provider": row.provider, "issuer": row.issuer }))
        };
        change.record_of_account(account, event).await?;
        self.commit_with_mail(change).await
    }
}

async fn tell_owner(change: &Change, actor: &Actor, now: UnixTime) -> Result<(), ServiceError> {
    let Some(email) = change.find_email(&actor.account_id).await? else { return Ok(()) };
    let address = EmailAddress::parse(&email.address)?;
    queue_mail(change, MailKind::IdentityChanged, &address, Some(&actor.account_id), now).await
}

fn describe(row: &IdentityRow) -> IdentityResponse {
    IdentityResponse {
        id: row.id.to_string(),
        provider: row.provider.clone(),
        issuer: row.issuer.clone(),
        email: row.email.clone(),
        created_at: row.created_at.value(),
    }
}
