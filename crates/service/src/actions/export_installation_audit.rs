use pintle_api::{AuditChainResponse, AuditEventResponse};
use pintle_store::{AuditChain, AuditFilter, AuditOrder};

use super::{list_audit_events::respond_all, read_audit_chain::read_chain};
use crate::{Service, ServiceError};

/// Events read at once.
const STEP: u64 = 500;

/// The audit log of the installation, whole.
#[derive(Clone, Debug)]
pub struct InstallationAudit {
    /// Where it begins and ends.
    pub chain: AuditChainResponse,
    /// Every event of it, oldest first.
    pub events: Vec<AuditEventResponse>,
}

impl Service {
    /// What happened to no organization, for the operator on the server's own machine: no member of any may read it.
    ///
    /// # Errors
    /// [`ServiceError`] when the database fails.
    pub async fn export_installation_audit(&self) -> Result<InstallationAudit, ServiceError> {
        let tx = self.store.read().await?;
        let own = AuditChain::installation();
        let chain = read_chain(&tx, &own).await?;
        let mut events = Vec::new();
        let mut after = None;
        loop {
            let rows =
                tx.search_audit_events(&own, &AuditFilter::default(), AuditOrder::OldestFirst, after, STEP).await?;
            let Some(last) = rows.last() else { return Ok(InstallationAudit { chain, events }) };
            after = Some(last.seq.value());
            events.extend(respond_all(&tx, &own, rows).await?);
        }
    }
}
