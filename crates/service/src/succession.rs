//! Which key signs for a project, and what leads apps to it (section 5).

use pintle_core::{
    PublicKey, Root,
    root::{BaseUrl, SetupError},
    succession::Link,
};
use pintle_store::{Project, ReadTx, StatementRow};

use crate::{ServiceError, claims::make_root};

/// The keys of a project: where its first apps begin, and what leads them on from there.
pub(crate) struct Keys {
    /// The root with the key that the project began with. Everything is verified with this one: what the oldest app
    /// accepts, every newer one accepts (ADR 0005).
    pub(crate) root: Root,
    /// The statements that a new release carries, in order: nothing from before a recovery (P-5.3).
    pub(crate) chain: Vec<StatementRow>,
}

impl Keys {
    /// Loads what the project has now.
    pub(crate) async fn load(tx: &ReadTx, project: &Project, urls: &[BaseUrl]) -> Result<Self, ServiceError> {
        let root = make_root(project, urls)?;
        let mut chain = tx.list_statements(&project.scope).await?;
        let recovered = chain.iter().rposition(|statement| is_signed_by_recovery_key(statement, &root));
        chain.drain(..recovered.unwrap_or_default());
        Ok(Self { root, chain })
    }

    /// The key that signs releases.
    pub(crate) fn current(&self) -> Result<PublicKey, ServiceError> {
        current_key(&self.root, self.chain.last())
    }

    /// The statements as a header carries them.
    pub(crate) fn succession(&self) -> Vec<String> {
        self.chain.iter().map(|statement| statement.jws.clone()).collect()
    }

    /// Whether every step of the chain `links` is one of the project's, by the same keys: it may lack the last ones.
    pub(crate) fn include(&self, links: &[Link]) -> bool {
        let stored = self.chain.iter().map(|statement| (statement.seq.value(), statement.public_key.clone()));
        let mut stored = stored.collect::<Vec<_>>().into_iter();
        links.iter().all(|link| stored.any(|step| step == (link.seq, link.key.to_base64())))
    }

    /// Whether a file with the chain `links` leads apps where the project stands, by the same steps.
    pub(crate) fn are_led_to_by(&self, links: &[Link]) -> bool {
        let stored = self.chain.iter().map(|statement| (statement.seq.value(), statement.public_key.clone()));
        stored.eq(links.iter().map(|link| (link.seq, link.key.to_base64())))
    }
}

/// The key that `last`, the last statement of the project, names; that of `root` without any.
pub(crate) fn current_key(root: &Root, last: Option<&StatementRow>) -> Result<PublicKey, ServiceError> {
    let Some(statement) = last else { return Ok(*root.public_key()) };
    PublicKey::parse_base64(&statement.public_key)
        .map_err(|error| SetupError::Key { member: "public_key", error }.into())
}

pub(crate) fn is_signed_by_recovery_key(statement: &StatementRow, root: &Root) -> bool {
    root.recovery_key().is_some_and(|key| key.kid().to_string() == statement.signer_kid)
}
