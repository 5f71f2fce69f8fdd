//! A change of what the control plane holds, with what the audit log says of it.

use std::ops::Deref;

use pintle_core::UnixTime;
use pintle_store::{AccountId, AuditChain, Page, ReadTx, WriteTx};

use crate::{
    Actor, RequestContext, Service, ServiceError,
    audit::{Author, Event, record},
};

/// A change in the making. It can be asked whatever a transaction can; it happens with [`commit`](Self::commit), which
/// wants to know what to write into the audit log. Dropped, nothing happened.
pub(crate) struct Change {
    tx: WriteTx,
    author: Author,
    now: UnixTime,
}

impl Service {
    /// Begins a change by `actor`; a request that came with an idempotency key changes something once.
    pub(crate) async fn begin_change(&self, actor: &Actor, now: UnixTime) -> Result<Change, ServiceError> {
        let tx = self.store.write().await?;
        if let Some(key) = &actor.idempotency {
            key.claim(&tx, actor, now).await?;
        }
        Ok(Change { tx, author: Author::from(actor), now })
    }

    /// Begins a change by somebody who is not signed in.
    pub(crate) async fn begin_visitor_change(
        &self,
        request: &RequestContext,
        now: UnixTime,
    ) -> Result<Change, ServiceError> {
        Ok(Change { tx: self.store.write().await?, author: Author::anonymous(request.clone()), now })
    }

    /// Begins a change by the server itself.
    pub(crate) async fn begin_system_change(&self, now: UnixTime) -> Result<Change, ServiceError> {
        Ok(Change { tx: self.store.write().await?, author: Author::system(), now })
    }
}

impl Change {
    /// When it happens.
    pub(crate) fn now(&self) -> UnixTime {
        self.now
    }

    /// Makes the change happen, with its event in the audit log: both or neither.
    pub(crate) async fn commit(self, event: Event) -> Result<(), ServiceError> {
        self.record(event).await?;
        self.commit_recorded().await
    }

    /// Adds an event; the change does not happen yet.
    pub(crate) async fn record(&self, event: Event) -> Result<(), ServiceError> {
        self.record_by(&self.author, event).await
    }

    /// The same for what somebody else did.
    pub(crate) async fn record_by(&self, author: &Author, event: Event) -> Result<(), ServiceError> {
        record(&self.tx, author, event, self.now).await
    }

    /// Adds the event that `make` tells, of something that concerns `account`: in every organization it belongs to, which
    /// has to know of it; in the installation's chain, if it belongs to none.
    pub(crate) async fn record_of_account(
        &self,
        account: &AccountId,
        make: impl Fn(AuditChain) -> Event,
    ) -> Result<(), ServiceError> {
        for chain in list_account_chains(self, account).await? {
            self.record(make(chain)).await?;
        }
        Ok(())
    }

    /// Makes the change happen whose events are recorded already, or that is none of anybody's business.
    pub(crate) async fn commit_recorded(self) -> Result<(), ServiceError> {
        #[expect(clippy::disallowed_methods, reason = "the one place behind which every change is recorded")]
        Ok(self.tx.commit().await?)
    }
}

/// The chains of all organizations that `account` belongs to; the installation's, if it belongs to none.
pub(crate) async fn list_account_chains(tx: &ReadTx, account: &AccountId) -> Result<Vec<AuditChain>, ServiceError> {
    let memberships = tx.list_memberships(account, &Page { after: None, limit: u64::from(u32::MAX) }).await?;
    if memberships.is_empty() {
        return Ok(vec![AuditChain::installation()]);
    }
    Ok(memberships.iter().map(|member| AuditChain::from(&member.scope)).collect())
}

impl Deref for Change {
    type Target = WriteTx;

    fn deref(&self) -> &WriteTx {
        &self.tx
    }
}
