use std::collections::HashMap;

use sea_orm::{
    ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    sea_query::{Expr, ExprTrait as _},
};

use crate::{
    DomainId, DomainRow, DraftRow, Page, PinId, PinRow, ProjectScope, ProposedPinRow, ReadTx, StoreError, WriteTx,
    entity::{domain, draft, pin, proposed_pin},
};

/// A domain and its pins, sorted by type, digest and match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DraftDomain {
    /// The domain.
    pub row: DomainRow,
    /// Its pins.
    pub pins: Vec<PinRow>,
    /// What the monitor proposes to pin, and counts for nothing.
    pub proposed: Vec<ProposedPinRow>,
}

impl ReadTx {
    /// The settings of the draft; every project has them.
    pub async fn find_draft(&self, scope: &ProjectScope) -> Result<Option<DraftRow>, StoreError> {
        Ok(draft::Entity::find_by_id(scope.project.clone()).one(self.connection()).await?)
    }

    /// The domains of the draft with their pins, by name.
    pub async fn list_domains(&self, scope: &ProjectScope) -> Result<Vec<DraftDomain>, StoreError> {
        let domains = domain::Entity::find()
            .filter(domain::Column::ProjectId.eq(scope.project.clone()))
            .order_by_asc(domain::Column::Name)
            .all(self.connection())
            .await?;
        let pins = self.list_pins(pin::Column::DomainId.in_subquery(domains_of(scope))).await?;
        let proposed = self.list_proposed_pins(proposed_pin::Column::DomainId.in_subquery(domains_of(scope))).await?;
        Ok(join(domains, pins, proposed))
    }

    /// Domains of the draft with their pins, by name.
    pub async fn list_domain_page(
        &self,
        scope: &ProjectScope,
        page: &Page<String>,
    ) -> Result<Vec<DraftDomain>, StoreError> {
        let list = domain::Entity::find()
            .filter(domain::Column::ProjectId.eq(scope.project.clone()))
            .cursor_by(domain::Column::Name);
        let domains = self.list_page(list, page).await?;
        self.add_pins(domains).await
    }

    /// The domains of the draft that have one of these names, with their pins, by name.
    pub async fn find_domains(&self, scope: &ProjectScope, names: Vec<String>) -> Result<Vec<DraftDomain>, StoreError> {
        self.add_pins(self.list_domains_named(scope, names).await?).await
    }

    /// The domains of the draft that have one of these names, without their pins, by name.
    pub async fn list_domains_named(
        &self,
        scope: &ProjectScope,
        names: Vec<String>,
    ) -> Result<Vec<DomainRow>, StoreError> {
        let found = domain::Entity::find()
            .filter(domain::Column::ProjectId.eq(scope.project.clone()))
            .filter(domain::Column::Name.is_in(names))
            .order_by_asc(domain::Column::Name)
            .all(self.connection())
            .await?;
        Ok(found)
    }

    /// One domain of the draft with its pins.
    pub async fn find_domain(&self, scope: &ProjectScope, id: &DomainId) -> Result<Option<DraftDomain>, StoreError> {
        let found = domain::Entity::find_by_id(id.clone())
            .filter(domain::Column::ProjectId.eq(scope.project.clone()))
            .one(self.connection())
            .await?;
        let Some(row) = found else { return Ok(None) };
        let pins = self.list_pins(pin::Column::DomainId.eq(id.clone())).await?;
        let proposed = self.list_proposed_pins(proposed_pin::Column::DomainId.eq(id.clone())).await?;
        Ok(Some(DraftDomain { row, pins, proposed }))
    }

    async fn add_pins(&self, domains: Vec<DomainRow>) -> Result<Vec<DraftDomain>, StoreError> {
        let ids = || domains.iter().map(|row| row.id.clone());
        let pins = self.list_pins(pin::Column::DomainId.is_in(ids())).await?;
        let proposed = self.list_proposed_pins(proposed_pin::Column::DomainId.is_in(ids())).await?;
        Ok(join(domains, pins, proposed))
    }

    async fn list_pins(&self, condition: sea_orm::sea_query::SimpleExpr) -> Result<Vec<PinRow>, StoreError> {
        Ok(pin::Entity::find()
            .filter(condition)
            .order_by_asc(pin::Column::PinType)
            .order_by_asc(pin::Column::Digest)
            .order_by_asc(pin::Column::PinMatch)
            .all(self.connection())
            .await?)
    }
}

fn join(domains: Vec<DomainRow>, pins: Vec<PinRow>, proposed: Vec<ProposedPinRow>) -> Vec<DraftDomain> {
    let mut pins_of: HashMap<DomainId, Vec<PinRow>> = HashMap::new();
    for row in pins {
        pins_of.entry(row.domain_id.clone()).or_default().push(row);
    }
    let mut proposed_of: HashMap<DomainId, Vec<ProposedPinRow>> = HashMap::new();
    for row in proposed {
        proposed_of.entry(row.domain_id.clone()).or_default().push(row);
    }
    let joined = domains.into_iter().map(|row| DraftDomain {
        pins: pins_of.remove(&row.id).unwrap_or_default(),
        proposed: proposed_of.remove(&row.id).unwrap_or_default(),
        row,
    });
    joined.collect()
}

impl WriteTx {
    /// Replaces the settings of the draft, all but its revision.
    pub async fn save_draft(&self, scope: &ProjectScope, draft: &DraftRow) -> Result<(), StoreError> {
        draft::Entity::update_many()
            .col_expr(draft::Column::RefreshSecs, Expr::value(draft.refresh_secs))
            .col_expr(draft::Column::OnStale, Expr::value(draft.on_stale.as_str()))
            .col_expr(draft::Column::ExpiresAfterSecs, Expr::value(draft.expires_after_secs))
            .col_expr(draft::Column::Deny, Expr::value(draft.deny.as_str()))
            .col_expr(draft::Column::CtLogsAsOf, Expr::value(draft.ct_logs_as_of))
            .filter(draft::Column::ProjectId.eq(scope.project.clone()))
            .exec(self.connection())
            .await?;
        Ok(())
    }

    /// Raises the revision of the draft by one.
    pub async fn raise_revision(&self, scope: &ProjectScope) -> Result<(), StoreError> {
        draft::Entity::update_many()
            .col_expr(draft::Column::Revision, Expr::col(draft::Column::Revision).add(1))
            .filter(draft::Column::ProjectId.eq(scope.project.clone()))
            .exec(self.connection())
            .await?;
        Ok(())
    }

    /// Adds a domain to the draft. [`StoreError::AlreadyExists`] when its name is taken.
    pub async fn insert_domain(&self, scope: &ProjectScope, domain: DomainRow) -> Result<(), StoreError> {
        self.insert::<domain::Entity, _>(DomainRow { project_id: scope.project.clone(), ..domain }).await
    }

    /// Replaces the settings of a domain, all but its names; `false` when it is not there.
    pub async fn save_domain_settings(&self, scope: &ProjectScope, domain: &DomainRow) -> Result<bool, StoreError> {
        let done = domain::Entity::update_many()
            .col_expr(domain::Column::EnforcePercent, Expr::value(domain.enforce_percent))
            .col_expr(domain::Column::Trust, Expr::value(domain.trust.as_str()))
            .col_expr(domain::Column::CtPolicy, Expr::value(domain.ct_policy.as_str()))
            .col_expr(domain::Column::CtMin, Expr::value(domain.ct_min))
            .col_expr(domain::Column::CtLogs, Expr::value(domain.ct_logs.as_deref()))
            .col_expr(domain::Column::Watch, Expr::value(domain.watch.as_deref()))
            .col_expr(domain::Column::AutoDraft, Expr::value(domain.auto_draft.as_str()))
            .filter(domain::Column::Id.eq(domain.id.clone()))
            .filter(domain::Column::ProjectId.eq(scope.project.clone()))
            .exec(self.connection())
            .await?;
        Ok(done.rows_affected > 0)
    }

    /// Notes the change of a domain's key that is under way; none: there is none.
    pub async fn save_rotation(
        &self,
        scope: &ProjectScope,
        id: &DomainId,
        rotation: Option<&str>,
    ) -> Result<(), StoreError> {
        domain::Entity::update_many()
            .col_expr(domain::Column::Rotation, Expr::value(rotation))
            .filter(domain::Column::Id.eq(id.clone()))
            .filter(domain::Column::ProjectId.eq(scope.project.clone()))
            .exec(self.connection())
            .await?;
        Ok(())
    }

    /// Removes a domain and its pins; `false` when it is not there.
    pub async fn delete_domain(&self, scope: &ProjectScope, id: &DomainId) -> Result<bool, StoreError> {
        let done = domain::Entity::delete_many()
            .filter(domain::Column::Id.eq(id.clone()))
            .filter(domain::Column::ProjectId.eq(scope.project.clone()))
            .exec(self.connection())
            .await?;
        Ok(done.rows_affected > 0)
    }

    /// Adds a pin to a domain just found with [`find_domain`](ReadTx::find_domain).
    /// [`StoreError::AlreadyExists`] when the same pin is there. What is pinned is proposed no more.
    pub async fn insert_pin(&self, domain: &DraftDomain, pin: PinRow) -> Result<(), StoreError> {
        self.delete_proposed_pin(domain, &pin.pin_type, &pin.digest).await?;
        self.insert::<pin::Entity, _>(PinRow { domain_id: domain.row.id.clone(), ..pin }).await
    }

    /// Replaces a pin's label and expiry; `false` when it is not there.
    pub async fn save_pin(&self, domain: &DraftDomain, pin: &PinRow) -> Result<bool, StoreError> {
        let done = pin::Entity::update_many()
            .col_expr(pin::Column::Label, Expr::value(pin.label.as_deref()))
            .col_expr(pin::Column::ExpiresAt, Expr::value(pin.expires_at))
            .filter(pin::Column::Id.eq(pin.id.clone()))
            .filter(pin::Column::DomainId.eq(domain.row.id.clone()))
            .exec(self.connection())
            .await?;
        Ok(done.rows_affected > 0)
    }

    /// Removes a pin; `false` when it is not there.
    pub async fn delete_pin(&self, scope: &ProjectScope, domain: &DomainId, id: &PinId) -> Result<bool, StoreError> {
        let done = pin::Entity::delete_many()
            .filter(pin::Column::Id.eq(id.clone()))
            .filter(pin::Column::DomainId.eq(domain.clone()))
            .filter(pin::Column::DomainId.in_subquery(domains_of(scope)))
            .exec(self.connection())
            .await?;
        Ok(done.rows_affected > 0)
    }
}

fn domains_of(scope: &ProjectScope) -> sea_orm::sea_query::SelectStatement {
    domain::Entity::find()
        .select_only()
        .column(domain::Column::Id)
        .filter(domain::Column::ProjectId.eq(scope.project.clone()))
        .into_query()
}
