use std::sync::Arc;

use pintle_api::Scope;
use pintle_core::UnixTime;
use pintle_store::{AccountId, AuditChain, OrganizationId, ProjectId, SessionId, TokenId};

use crate::{
    AuditAction, Permission,
    accounts::{Method, Shortfall},
    audit::Author,
    security::{Incident, SecurityEvents},
};

use crate::IdempotencyKey;

/// Who acts, and what the credential presented allows at most. Made by
/// [`authenticate`](crate::Service::authenticate) alone.
#[derive(Clone, Debug)]
pub struct Actor {
    pub(crate) account_id: AccountId,
    pub(crate) account_name: String,
    pub(crate) credential: Credential,
    pub(crate) scopes: Vec<Scope>,
    pub(crate) reach: Reach,
    pub(crate) request: RequestContext,
    pub(crate) idempotency: Option<Arc<IdempotencyKey>>,
    /// Where denials are noted.
    pub(crate) security: Arc<SecurityEvents>,
}

/// What an actor signed in with.
#[derive(Clone, Debug)]
pub(crate) enum Credential {
    Token {
        id: TokenId,
        name: String,
        /// Seconds since 1970 UTC.
        expires_at: Option<u64>,
    },
    Session {
        id: SessionId,
        client: String,
        method: Method,
        authenticated_at: UnixTime,
        /// What it lacks of what the operator asks for.
        shortfall: Option<Shortfall>,
    },
}

/// What a credential reaches at most; whatever lies beyond does not exist for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Whatever the account does.
    Account,
    /// One organization.
    Organization(OrganizationId),
    /// One project of it.
    Project(OrganizationId, ProjectId),
}

/// What is known of the request behind an action, as far as it may be kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestContext {
    /// Id of the request, as logs and answers carry it.
    pub request_id: Option<String>,
    /// The network it came from: the first 24 bits of an IPv4 address, the first 48 of an IPv6 one. Never the address.
    pub network: Option<String>,
    /// What it was made with, coarsely, as `Firefox on Linux`.
    pub client: Option<String>,
}

impl Actor {
    /// The same actor, whose change is the one that `key` stands for: it happens once, however often it is asked for.
    #[must_use]
    pub fn with_idempotency_key(self, key: IdempotencyKey) -> Self {
        Self { idempotency: Some(Arc::new(key)), ..self }
    }

    /// `acc_…`, for logs.
    pub fn account_id(&self) -> &str {
        self.account_id.as_str()
    }

    /// Whether the actor may come into an organization that requires single sign-on. A token for it alone was made by
    /// somebody who was let in.
    pub(crate) fn counts_as_sso(&self, organization: &OrganizationId) -> bool {
        match &self.credential {
            Credential::Session { method, .. } => method.is_sso(),
            Credential::Token { .. } => self.reach.organization() == Some(organization),
        }
    }

    /// Notes that `needed` was denied, and what was missing: a role or a scope.
    pub(crate) fn note_denial(&self, chain: AuditChain, needed: Permission, missing: &'static str) {
        self.security.note(Incident {
            chain,
            action: AuditAction::PermissionDenied,
            author: Author::from(self),
            target: ("permission", needed.as_str().to_owned()),
            reason: missing,
        });
    }
}

impl Credential {
    pub(crate) fn id(&self) -> &str {
        match self {
            Self::Token { id, .. } => id.as_str(),
            Self::Session { id, .. } => id.as_str(),
        }
    }

    /// From when on it is refused: seconds since 1970 UTC.
    pub(crate) fn expires_at(&self) -> Option<u64> {
        match self {
            Self::Token { expires_at, .. } => *expires_at,
            // What a person makes outlives the session it was made in.
            Self::Session { .. } => None,
        }
    }
}

impl Reach {
    pub(crate) fn new(organization: Option<OrganizationId>, project: Option<ProjectId>) -> Self {
        match (organization, project) {
            (Some(organization), Some(project)) => Self::Project(organization, project),
            (Some(organization), None) => Self::Organization(organization),
            (None, _) => Self::Account,
        }
    }

    /// Whether anything of the organization is within it.
    pub(crate) fn touches(&self, organization: &OrganizationId) -> bool {
        self.organization().is_none_or(|own| own == organization)
    }

    pub(crate) fn organization(&self) -> Option<&OrganizationId> {
        match self {
            Self::Account => None,
            Self::Organization(organization) | Self::Project(organization, _) => Some(organization),
        }
    }

    pub(crate) fn project(&self) -> Option<&ProjectId> {
        match self {
            Self::Account | Self::Organization(_) => None,
            Self::Project(_, project) => Some(project),
        }
    }
}

/// What a person may do who signed in; roles narrow it.
pub(crate) const ALL_SCOPES: [Scope; 4] = [Scope::Read, Scope::Edit, Scope::Release, Scope::Admin];

/// The spelling of scopes in the database.
const SPELLINGS: [(Scope, &str); 4] =
    [(Scope::Read, "read"), (Scope::Edit, "edit"), (Scope::Release, "release"), (Scope::Admin, "admin")];

pub(crate) fn write_scopes(scopes: &[Scope]) -> String {
    let words = SPELLINGS.iter().filter(|(scope, _)| scopes.contains(scope)).map(|(_, word)| *word);
    words.collect::<Vec<_>>().join(" ")
}

/// What a newer version may have added is not granted.
pub(crate) fn parse_scopes(text: &str) -> Vec<Scope> {
    let known = |word| SPELLINGS.iter().find(|(_, known)| *known == word).map(|(scope, _)| *scope);
    text.split_ascii_whitespace().filter_map(known).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_survive_the_database() {
        let all = [Scope::Read, Scope::Edit, Scope::Release, Scope::Admin];
        assert_eq!(parse_scopes(&write_scopes(&all)), all);
        assert_eq!(parse_scopes(&write_scopes(&[Scope::Edit])), [Scope::Edit]);
        assert_eq!(parse_scopes("read rule-the-world"), [Scope::Read]);
    }
}
