use pintle_api::{ApiToken, CreateTokenRequest, CreatedTokenResponse, Scope, TokenLifetime};
use pintle_core::UnixTime;
use pintle_store::{OrganizationId, ProjectId, ReadTx, TokenId, TokenRow};
use serde_json::json;

use crate::{
    Actor, AuditAction, GrantError, Permission, ProjectPath, Service, ServiceError,
    access::{find_organization, find_project, require_scope},
    actor::write_scopes,
    audit::Event,
    input::check_label,
    respond,
    step_up::require_fresh_session,
};

const DEFAULT_LIFETIME_SECS: u64 = 90 * 86_400;
const MIN_LIFETIME_SECS: u64 = 60;
const MAX_LIFETIME_SECS: u64 = 10 * 365 * 86_400;
/// More than anybody keeps an eye on.
const MAX_TOKENS: u64 = 500;

impl Service {
    /// Creates a token of the actor's account, with at most what the credential in use has: its scopes and its lifetime.
    /// The secret is in the answer alone.
    ///
    /// # Errors
    /// [`GrantError`], [`ServiceError::ValueInvalid`], and those of access.
    pub async fn create_token(
        &self,
        actor: &Actor,
        request: &CreateTokenRequest,
        now: UnixTime,
    ) -> Result<CreatedTokenResponse, ServiceError> {
        require_scope(actor, Scope::Admin)?;
        require_fresh_session(actor, now)?;
        check_label("name", &request.name)?;
        if request.scopes.is_empty() {
            return Err(ServiceError::ValueInvalid { member: "scopes", expected: "one scope or more" });
        }
        if let Some(&scope) = request.scopes.iter().find(|scope| !actor.scopes.contains(scope)) {
            return Err(GrantError::ScopeExceeded { scope }.into());
        }
        let expires_at = decide_end(actor, request.lifetime, now)?;
        let mut random = [0; 32];
        getrandom::fill(&mut random).map_err(|_| ServiceError::Internal("no randomness"))?;
        let secret = ApiToken::make(&random);
        let tx = self.begin_change(actor, now).await?;
        let (organization_id, project_id) = find_limits(&tx, actor, request).await?;
        if tx.count_tokens(&actor.account_id).await? >= MAX_TOKENS {
            return Err(GrantError::TooMany { limit: MAX_TOKENS }.into());
        }
        let row = TokenRow {
            id: TokenId::make(now.as_secs()),
            account_id: actor.account_id.clone(),
            name: request.name.clone(),
            prefix: secret.prefix().to_owned(),
            secret_sha256: super::authenticate::hash(&secret),
            scopes: write_scopes(&request.scopes),
            created_at: now.as_secs().into(),
            last_used_at: None,
            expires_at: expires_at.map(Into::into),
            organization_id,
            project_id,
            revoked_at: None,
        };
        tx.insert_token(row.clone()).await?;
        let summary = json!({ "scopes": request.scopes, "project": row.project_id.as_ref().map(ProjectId::as_str),
            "is_limited": row.organization_id.is_some(), "expires_at": expires_at });
        for chain in tx.list_token_chains(&row).await? {
            let event = Event::new(chain, AuditAction::TokenCreated, "token", row.id.as_str());
            tx.record(event.named(&row.name).after(summary.clone())).await?;
        }
        tx.commit_recorded().await?;
        Ok(CreatedTokenResponse { token: respond::token(&row, Some(&actor.account_name)), secret })
    }
}

/// When the new token ends (seconds since 1970 UTC): never later than the one in use.
fn decide_end(actor: &Actor, lifetime: TokenLifetime, now: UnixTime) -> Result<Option<u64>, ServiceError> {
    let latest = actor.credential.expires_at();
    let after = |secs| now.saturating_add_secs(secs).as_secs();
    let end = match lifetime {
        TokenLifetime::Default => {
            return Ok(Some(latest.unwrap_or(u64::MAX).min(after(DEFAULT_LIFETIME_SECS))));
        }
        TokenLifetime::Never => None,
        TokenLifetime::Secs(secs @ MIN_LIFETIME_SECS..=MAX_LIFETIME_SECS) => Some(after(secs)),
        TokenLifetime::Secs(_) => {
            return Err(ServiceError::ValueInvalid { member: "lifetime.secs", expected: "60 to 315360000" });
        }
    };
    match latest {
        Some(latest_at) if end.is_none_or(|end| end > latest_at) => {
            Err(GrantError::LifetimeExceeded { latest_at }.into())
        }
        _ => Ok(end),
    }
}

/// What the new token is limited to: something that the actor can see.
async fn find_limits(
    tx: &ReadTx,
    actor: &Actor,
    request: &CreateTokenRequest,
) -> Result<(Option<OrganizationId>, Option<ProjectId>), ServiceError> {
    match (&request.organization_id, &request.project_id) {
        (Some(organization), Some(project)) => {
            let found = find_project(tx, actor, ProjectPath { organization, project }, Permission::Read).await?;
            Ok((Some(found.row.organization_id), Some(found.row.id)))
        }
        (Some(organization), None) => {
            let member = find_organization(tx, actor, organization, Permission::Read).await?;
            Ok((Some(member.organization.id), None))
        }
        (None, Some(_)) => Err(ServiceError::ValueInvalid {
            member: "project_id",
            expected: "accompanied by the `organization_id` of the project",
        }),
        (None, None) => Ok((None, None)),
    }
}
