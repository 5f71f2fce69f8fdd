use sea_orm::{
    ColumnTrait, EntityTrait, JoinType, Order, QueryFilter, QueryOrder, QuerySelect, QueryTrait, RelationTrait,
    sea_query::{Expr, OnConflict},
};

use crate::{
    AccountId, AuditCheckpointRow, AuditEventRow, AuditPersonalRow, OrganizationScope, ProjectId, ProjectScope, ReadTx,
    StoreError, TokenId, Unsigned, WriteTx,
    entity::{audit_checkpoint, audit_event, audit_personal},
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

/// Which events of a chain are sought; what is absent does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Not before this second.
    pub from: Option<u64>,
    /// Before this second.
    pub until: Option<u64>,
    /// This action; ended by a full stop, every action that begins so.
    pub action: Option<String>,
    /// Done by this account.
    pub account: Option<AccountId>,
    /// About this project.
    pub project: Option<ProjectId>,
    /// Happened to what has this id.
    pub target: Option<String>,
}

/// Which events come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditOrder {
    /// As they happened.
    OldestFirst,
    /// The last one first.
    NewestFirst,
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
        self.search_audit_events(chain, &AuditFilter::default(), AuditOrder::OldestFirst, Some(after), limit).await
    }

    /// At most `limit` events that fit `filter`, in `order` of their places, beyond the place `cursor` if there is one.
    pub async fn search_audit_events(
        &self,
        chain: &AuditChain,
        filter: &AuditFilter,
        order: AuditOrder,
        cursor: Option<u64>,
        limit: u64,
    ) -> Result<Vec<AuditEventRow>, StoreError> {
        use audit_event::Column;
        let sorted = match order {
            AuditOrder::OldestFirst => Order::Asc,
            AuditOrder::NewestFirst => Order::Desc,
        };
        let fits_action = |action: &String| match action.strip_suffix('.') {
            Some(_) => Column::Action.starts_with(action),
            None => Column::Action.eq(action),
        };
        let fitting = events_of(chain)
            .apply_if(filter.from, |query, from| query.filter(Column::At.gte(Unsigned::from(from))))
            .apply_if(filter.until, |query, until| query.filter(Column::At.lt(Unsigned::from(until))))
            .apply_if(filter.action.as_ref(), |query, action| query.filter(fits_action(action)))
            .apply_if(filter.account.clone(), |query, account| query.filter(Column::AccountId.eq(account)))
            .apply_if(filter.project.clone(), |query, project| query.filter(Column::ProjectId.eq(project)))
            .apply_if(filter.target.as_ref(), |query, target| query.filter(Column::TargetId.eq(target)))
            .apply_if(cursor.map(Unsigned::from), |query, seq| match order {
                AuditOrder::OldestFirst => query.filter(Column::Seq.gt(seq)),
                AuditOrder::NewestFirst => query.filter(Column::Seq.lt(seq)),
            });
        Ok(fitting.order_by(Column::Seq, sorted).limit(limit).all(self.connection()).await?)
    }

    /// The same of the events at `seqs`.
    pub async fn list_audit_personal_of(
        &self,
        chain: &AuditChain,
        seqs: &[u64],
    ) -> Result<Vec<AuditPersonalRow>, StoreError> {
        let values = audit_personal::Entity::find()
            .filter(audit_personal::Column::Chain.eq(chain.as_str()))
            .filter(audit_personal::Column::Seq.is_in(seqs.iter().copied().map(Unsigned::from)));
        Ok(values.all(self.connection()).await?)
    }

    /// Every chain that has events.
    pub async fn list_audit_chains(&self) -> Result<Vec<AuditChain>, StoreError> {
        let names: Vec<String> = audit_event::Entity::find()
            .select_only()
            .column(audit_event::Column::Chain)
            .distinct()
            .into_tuple()
            .all(self.connection())
            .await?;
        Ok(names.into_iter().map(AuditChain).collect())
    }

    /// Where the chain begins, if its oldest events were removed.
    pub async fn find_audit_checkpoint(&self, chain: &AuditChain) -> Result<Option<AuditCheckpointRow>, StoreError> {
        Ok(audit_checkpoint::Entity::find_by_id(chain.as_str()).one(self.connection()).await?)
    }

    /// Of the oldest `limit` events, the last one that all the ones before it, and it, happened before `cutoff_secs`.
    pub async fn find_audit_event_to_remove(
        &self,
        chain: &AuditChain,
        cutoff_secs: u64,
        limit: u64,
    ) -> Result<Option<AuditEventRow>, StoreError> {
        let oldest = self.list_audit_events(chain, 0, limit).await?;
        Ok(oldest.into_iter().take_while(|event| event.at.value() < cutoff_secs).last())
    }

    /// Whether an event with `action` about `token` tells of `network`.
    pub async fn has_token_network(&self, token: &TokenId, action: &str, network: &str) -> Result<bool, StoreError> {
        let events = audit_event::Entity::find()
            .filter(audit_event::Column::TargetId.eq(token.as_str()))
            .filter(audit_event::Column::Action.eq(action))
            .join(JoinType::InnerJoin, audit_personal::Relation::Event.def().rev())
            .filter(audit_personal::Column::Field.eq("network"))
            .filter(audit_personal::Column::Value.eq(network));
        Ok(events.one(self.connection()).await?.is_some())
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

    /// Removes the events up to `last` and remembers where the chain goes on; how many there were.
    pub async fn remove_audit_events(&self, chain: &AuditChain, last: &AuditEventRow) -> Result<u64, StoreError> {
        let done = audit_event::Entity::delete_many()
            .filter(audit_event::Column::Chain.eq(chain.as_str()))
            .filter(audit_event::Column::Seq.lte(last.seq))
            .exec(self.connection())
            .await?;
        let checkpoint =
            AuditCheckpointRow { chain: chain.as_str().to_owned(), seq: last.seq, hash: last.hash.clone() };
        let row: audit_checkpoint::ActiveModel = checkpoint.into();
        let replaced = [audit_checkpoint::Column::Seq, audit_checkpoint::Column::Hash];
        audit_checkpoint::Entity::insert(sea_orm::IntoActiveModel::into_active_model(row))
            .on_conflict(OnConflict::column(audit_checkpoint::Column::Chain).update_columns(replaced).to_owned())
            .exec_without_returning(self.connection())
            .await?;
        Ok(done.rows_affected)
    }

    /// Says whose the personal values `field` are in the events about `target`.
    pub async fn attribute_personal(
        &self,
        chain: &AuditChain,
        target: &str,
        field: &str,
        account: &AccountId,
    ) -> Result<(), StoreError> {
        let events = events_of(chain)
            .select_only()
            .column(audit_event::Column::Seq)
            .filter(audit_event::Column::TargetId.eq(target))
            .into_query();
        audit_personal::Entity::update_many()
            .col_expr(audit_personal::Column::AccountId, Expr::value(account.clone()))
            .filter(audit_personal::Column::Chain.eq(chain.as_str()))
            .filter(audit_personal::Column::Field.eq(field))
            .filter(audit_personal::Column::Seq.in_subquery(events))
            .exec(self.connection())
            .await?;
        Ok(())
    }

    /// Erases every personal value of `account` and its salt from every chain, for good; how many there were.
    pub async fn erase_personal(&self, account: &AccountId) -> Result<u64, StoreError> {
        let done = audit_personal::Entity::delete_many()
            .filter(audit_personal::Column::AccountId.eq(account.clone()))
            .exec(self.connection())
            .await?;
        Ok(done.rows_affected)
    }
}

fn events_of(chain: &AuditChain) -> sea_orm::Select<audit_event::Entity> {
    audit_event::Entity::find().filter(audit_event::Column::Chain.eq(chain.as_str()))
}
