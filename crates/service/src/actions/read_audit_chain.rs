use pintle_api::{AuditChainResponse, AuditPoint};
use pintle_store::{AuditChain, ReadTx};

use crate::{
    Actor, Service, ServiceError,
    access::{Permission, find_organization},
};

impl Service {
    /// Where an organization's audit log begins and ends.
    ///
    /// # Errors
    /// Those of access.
    pub async fn read_audit_chain(
        &self,
        actor: &Actor,
        organization: &str,
    ) -> Result<AuditChainResponse, ServiceError> {
        let tx = self.store.read().await?;
        let own = find_organization(&tx, actor, organization, Permission::ReadAudit).await?;
        read_chain(&tx, &AuditChain::from(&own.scope)).await
    }
}

/// Where `chain` begins and ends.
pub(super) async fn read_chain(tx: &ReadTx, chain: &AuditChain) -> Result<AuditChainResponse, ServiceError> {
    let checkpoint = tx.find_audit_checkpoint(chain).await?;
    let head = tx.find_last_audit_event(chain).await?;
    Ok(AuditChainResponse {
        chain: chain.as_str().to_owned(),
        checkpoint: checkpoint.map(|row| AuditPoint { seq: row.seq.value(), hash: row.hash }),
        head: head.map(|row| AuditPoint { seq: row.seq.value(), hash: row.hash }),
    })
}
