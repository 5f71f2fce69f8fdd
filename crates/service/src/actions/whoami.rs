use pintle_api::{CredentialKind, CredentialResponse, WhoamiResponse};

use crate::{Actor, Service, actor::Credential};

impl Service {
    /// Who somebody is, and what they may do.
    pub fn whoami(&self, actor: &Actor) -> WhoamiResponse {
        let (kind, name) = match &actor.credential {
            Credential::Token { name, .. } => (CredentialKind::Token, name),
            Credential::Session { client, .. } => (CredentialKind::Session, client),
        };
        let credential = CredentialResponse { kind, id: actor.credential.id().to_owned(), name: name.clone() };
        WhoamiResponse {
            account_id: actor.account_id.to_string(),
            account_name: actor.account_name.clone(),
            credential,
            scopes: actor.scopes.clone(),
            organization_id: actor.reach.organization().map(ToString::to_string),
            project_id: actor.reach.project().map(ToString::to_string),
        }
    }
}
