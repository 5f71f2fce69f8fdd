use pintle_api::{ListQuery, ListResponse, Scope, SessionResponse};
use pintle_core::UnixTime;
use pintle_store::{SessionId, SessionRow};

use super::code::end_codes;
use crate::{
    Actor, AuditAction, Service, ServiceError,
    access::require_own_account,
    accounts::SESSION_IDLE_SECS,
    actor::Credential,
    audit::Event,
    error::AccountError::PersonNeeded,
    page::{close_page, open_page},
};

impl Service {
    /// The sessions of the actor's account that have not ended, newest first.
    ///
    /// # Errors
    /// [`ServiceError::CursorInvalid`], [`ServiceError::Store`], and of a token those of access.
    pub async fn list_sessions(
        &self,
        actor: &Actor,
        query: &ListQuery,
        now: UnixTime,
    ) -> Result<ListResponse<SessionResponse>, ServiceError> {
        require_own_account(actor, Scope::Read)?;
        let page = open_page(query)?;
        let (now_secs, idle_since_secs) = (now.as_secs(), now.as_secs().saturating_sub(SESSION_IDLE_SECS));
        let tx = self.store.read().await?;
        let sessions = tx.list_sessions(&actor.account_id, now_secs, idle_since_secs, &page).await?;
        close_page(&page, sessions, |row| row.id.to_string(), |row| Ok(describe(row, actor.session())))
    }

    /// Ends a session of the actor's account; `current` is the one that asks. With another one go the codes that may have been
    /// asked for in it.
    ///
    /// # Errors
    /// [`AccountError::PersonNeeded`](crate::AccountError::PersonNeeded) when a token asks for `current`,
    /// [`ServiceError::NotFound`], [`ServiceError::Store`], and of a token those of access.
    pub async fn end_session(&self, actor: &Actor, session: &str, now: UnixTime) -> Result<(), ServiceError> {
        require_own_account(actor, Scope::Admin)?;
        let missing = || ServiceError::NotFound { what: "session" };
        let id = match session {
            "current" => actor.session().ok_or(PersonNeeded)?.clone(),
            id => SessionId::parse(id).map_err(|_| missing())?,
        };
        let change = self.begin_change(actor, now).await?;
        if !change.delete_session(&actor.account_id, &id).await? {
            return Err(missing());
        }
        if actor.session() != Some(&id) {
            end_codes(&change, &actor.account_id).await?;
        }
        let event = |chain| Event::new(chain, AuditAction::SessionEnded, "session", id.as_str());
        change.record_of_account(&actor.account_id, event).await?;
        change.commit_recorded().await
    }

    /// Ends every session of the actor's account but the one that asks, and every code.
    ///
    /// # Errors
    /// [`ServiceError::Store`], and of a token those of access.
    pub async fn end_other_sessions(&self, actor: &Actor, now: UnixTime) -> Result<(), ServiceError> {
        require_own_account(actor, Scope::Admin)?;
        let change = self.begin_change(actor, now).await?;
        let ended = change.delete_sessions(&actor.account_id, actor.session()).await?;
        end_codes(&change, &actor.account_id).await?;
        let event = |chain| {
            Event::new(chain, AuditAction::SessionEnded, "account", actor.account_id.as_str())
                .after(serde_json::json!({ "ended": ended }))
        };
        change.record_of_account(&actor.account_id, event).await?;
        change.commit_recorded().await
    }
}

impl Actor {
    /// The session that acts, if it is one.
    pub(super) fn session(&self) -> Option<&SessionId> {
        match &self.credential {
            Credential::Session { id, .. } => Some(id),
            Credential::Token { .. } => None,
        }
    }
}

pub(super) fn describe(session: &SessionRow, current: Option<&SessionId>) -> SessionResponse {
    SessionResponse {
        id: session.id.to_string(),
        method: session.method.clone(),
        client: session.client.clone(),
        is_current: current == Some(&session.id),
        created_at: session.created_at.value(),
        authenticated_at: session.authenticated_at.value(),
        last_used_at: session.last_used_at.value(),
        expires_at: session.expires_at.value(),
    }
}
