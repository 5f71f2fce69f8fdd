use pintle_api::Scope;
use pintle_store::{AccountId, TokenId};

/// Who acts, and what the token presented allows at most. Made by
/// [`authenticate`](crate::Service::authenticate) alone.
#[derive(Clone, Debug)]
pub struct Actor {
    pub(crate) account_id: AccountId,
    pub(crate) account_name: String,
    pub(crate) token_id: TokenId,
    pub(crate) token_name: String,
    pub(crate) scopes: Vec<Scope>,
}

impl Actor {
    /// `acc_…`, for logs.
    pub fn account_id(&self) -> &str {
        self.account_id.as_str()
    }
}

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
