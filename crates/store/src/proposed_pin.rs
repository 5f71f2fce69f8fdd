use sea_orm::{
    ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder,
    sea_query::{Expr, SimpleExpr},
};

use crate::{
    DraftDomain, PinId, ProjectScope, ProposedPinRow, ReadTx, StoreError, Unsigned, WriteTx,
    entity::{domain, proposed_pin},
};

impl ReadTx {
    /// The domain of the draft with this name, with its pins, and every proposal there was, dismissed ones too.
    pub async fn find_domain_to_propose(
        &self,
        scope: &ProjectScope,
        name: &str,
    ) -> Result<Option<(DraftDomain, Vec<ProposedPinRow>)>, StoreError> {
        let found = domain::Entity::find()
            .filter(domain::Column::ProjectId.eq(scope.project.clone()))
            .filter(domain::Column::Name.eq(name))
            .one(self.connection())
            .await?;
        let Some(row) = found else { return Ok(None) };
        let Some(domain) = self.find_domain(scope, &row.id).await? else { return Ok(None) };
        let all = proposed_pin::Entity::find().filter(proposed_pin::Column::DomainId.eq(row.id));
        Ok(Some((domain, all.all(self.connection()).await?)))
    }

    /// What is proposed for domains and nobody dismissed, oldest first.
    pub(crate) async fn list_proposed_pins(&self, condition: SimpleExpr) -> Result<Vec<ProposedPinRow>, StoreError> {
        let open = proposed_pin::Entity::find()
            .filter(condition)
            .filter(proposed_pin::Column::DismissedAt.is_null())
            .order_by_asc(proposed_pin::Column::ProposedAt)
            .order_by_asc(proposed_pin::Column::Id);
        Ok(open.all(self.connection()).await?)
    }
}

impl WriteTx {
    /// Proposes a pin. [`StoreError::AlreadyExists`] when it was proposed before.
    pub async fn insert_proposed_pin(&self, row: ProposedPinRow) -> Result<(), StoreError> {
        self.insert::<proposed_pin::Entity, _>(row).await
    }

    /// Notes that somebody does not want it pinned.
    pub async fn dismiss_proposed_pin(
        &self,
        domain: &DraftDomain,
        id: &PinId,
        now_secs: u64,
    ) -> Result<(), StoreError> {
        proposed_pin::Entity::update_many()
            .col_expr(proposed_pin::Column::DismissedAt, Expr::value(Unsigned::from(now_secs)))
            .filter(proposed_pin::Column::Id.eq(id.clone()))
            .filter(proposed_pin::Column::DomainId.eq(domain.row.id.clone()))
            .exec(self.connection())
            .await?;
        Ok(())
    }

    /// Forgets that it was proposed.
    pub(crate) async fn delete_proposed_pin(
        &self,
        domain: &DraftDomain,
        pin_type: &str,
        digest: &str,
    ) -> Result<(), StoreError> {
        let is_it = Condition::all()
            .add(proposed_pin::Column::DomainId.eq(domain.row.id.clone()))
            .add(proposed_pin::Column::PinType.eq(pin_type))
            .add(proposed_pin::Column::Digest.eq(digest));
        proposed_pin::Entity::delete_many().filter(is_it).exec(self.connection()).await?;
        Ok(())
    }
}
