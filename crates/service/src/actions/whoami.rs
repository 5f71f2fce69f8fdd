use pintle_api::WhoamiResponse;

use crate::{Actor, Service};

impl Service {
    /// Whose token this is, and what it may do.
    pub fn whoami(&self, actor: &Actor) -> WhoamiResponse {
        WhoamiResponse {
            account_id: actor.account_id.to_string(),
            account_name: actor.account_name.clone(),
            token_id: actor.token_id.to_string(),
            token_name: actor.token_name.clone(),
            scopes: actor.scopes.clone(),
        }
    }
}
