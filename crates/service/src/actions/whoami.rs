use pintle_api::WhoamiResponse;

use crate::{Actor, Service, actor::Credential};

impl Service {
    /// Whose token this is, and what it may do.
    pub fn whoami(&self, actor: &Actor) -> WhoamiResponse {
        let Credential::Token { id, name, .. } = &actor.credential;
        WhoamiResponse {
            account_id: actor.account_id.to_string(),
            account_name: actor.account_name.clone(),
            token_id: id.to_string(),
            token_name: name.clone(),
            scopes: actor.scopes.clone(),
            organization_id: actor.reach.organization().map(ToString::to_string),
            project_id: actor.reach.project().map(ToString::to_string),
        }
    }
}
