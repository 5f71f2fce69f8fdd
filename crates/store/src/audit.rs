use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use crate::{
    AuditEventRow, AuditPersonalRow, OrganizationScope, ProjectScope, ReadTx, StoreError, Unsigned, WriteTx,
    entity::{audit_event, audit_personal},
};

/// The chain of what happens to no organization.
const INSTALLATION: &str = "installation";

/// Names a chain of audit events: an organization's, reached like its other rows through its scope, or that of the
/// installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditChain(String);

impl AuditChain {
    /// The chain of what happens to no organization.
    pub fn installation() -> Self {
        Self(INSTALLATION.to_owned())
    }

    /// As rows name it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&OrganizationScope> for AuditChain {
    fn from(scope: &OrganizationScope) -> Self {
        Self(scope.id.to_string())
    }
}

impl From<&ProjectScope> for AuditChain {
    fn from(scope: &ProjectScope) -> Self {
        Self(scope.organization.to_string())
    }
}

impl ReadTx {
    /// The newest event of the chain.
    pub async fn find_last_audit_event(&self, chain: &AuditChain) -> Result<Option<AuditEventRow>, StoreError> {
        let last = events_of(chain).order_by_desc(audit_event::Column::Seq).one(self.connection()).await?;
        Ok(last)
    }

    /// At most `limit` events of the chain that follow `after`, oldest first.
    pub async fn list_audit_events(
        &self,
        chain: &AuditChain,
        after: u64,
        limit: u64,
    ) -> Result<Vec<AuditEventRow>, StoreError> {
        use sea_orm::QuerySelect as _;
        let events = events_of(chain)
            .filter(audit_event::Column::Seq.gt(Unsigned::from(after)))
            .order_by_asc(audit_event::Column::Seq)
            .limit(limit)
            .all(self.connection())
            .await?;
        Ok(events)
    }

    /// The personal values, as far as they were not erased, of the events from `first` to `last`.
    pub async fn list_audit_personal(
        &self,
        chain: &AuditChain,
        first: u64,
        last: u64,
    ) -> Result<Vec<AuditPersonalRow>, StoreError> {
        let values = audit_personal::Entity::find()
            .filter(audit_personal::Column::Chain.eq(chain.as_str()))
            .filter(audit_personal::Column::Seq.between(Unsigned::from(first), Unsigned::from(last)))
            .order_by_asc(audit_personal::Column::Seq)
            .order_by_asc(audit_personal::Column::Field)
            .all(self.connection())
            .await?;
        Ok(values)
    }
}

impl WriteTx {
    /// Adds an event and its personal values; chain and place are those of the event.
    /// [`StoreError::AlreadyExists`] when its place is taken.
    pub async fn insert_audit_event(
        &self,
        event: AuditEventRow,
        personal: Vec<AuditPersonalRow>,
    ) -> Result<(), StoreError> {
        let (chain, seq) = (event.chain.clone(), event.seq);
        self.insert::<audit_event::Entity, _>(event).await?;
        for value in personal {
            self.insert::<audit_personal::Entity, _>(AuditPersonalRow { chain: chain.clone(), seq, ..value }).await?;
        }
        Ok(())
    }
}

fn events_of(chain: &AuditChain) -> sea_orm::Select<audit_event::Entity> {
    audit_event::Entity::find().filter(audit_event::Column::Chain.eq(chain.as_str()))
}
