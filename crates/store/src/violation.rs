use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::Expr};

use crate::{ProjectScope, ReadTx, StoreError, Unsigned, ViolationCountRow, WriteTx, entity::violation_count};

impl ReadTx {
    /// What apps reported of the project since `from_day` (its first second), newest day first, at most `limit` sums.
    pub async fn list_violations(
        &self,
        scope: &ProjectScope,
        from_day: u64,
        limit: u64,
    ) -> Result<Vec<ViolationCountRow>, StoreError> {
        use violation_count::Column;
        let found = violation_count::Entity::find()
            .filter(Column::ProjectId.eq(scope.project.clone()))
            .filter(Column::Day.gte(Unsigned::from(from_day)))
            .order_by_desc(Column::Day)
            .order_by_asc(Column::Domain)
            .order_by_asc(Column::Code)
            .order_by_asc(Column::Version)
            .limit(limit)
            .all(self.connection())
            .await?;
        Ok(found)
    }
}

impl WriteTx {
    /// Adds sums to what is known of the same day, entry, code and release of the project.
    pub async fn add_violations(&self, scope: &ProjectScope, sums: ViolationCountRow) -> Result<(), StoreError> {
        use violation_count::Column;
        let row = ViolationCountRow { project_id: scope.project.clone(), ..sums };
        let key = (row.project_id.clone(), row.day, row.domain.clone(), row.code.clone(), row.version);
        let found = violation_count::Entity::find_by_id(key.clone()).one(self.connection()).await?;
        let Some(known) = found else { return self.insert::<violation_count::Entity, _>(row).await };
        let sum = |a: Unsigned, b: Unsigned| Unsigned::from(a.value().saturating_add(b.value()));
        violation_count::Entity::update_many()
            .col_expr(Column::Refused, Expr::value(sum(known.refused, row.refused)))
            .col_expr(Column::Reported, Expr::value(sum(known.reported, row.reported)))
            .col_expr(Column::Reports, Expr::value(sum(known.reports, row.reports)))
            .filter(Column::ProjectId.eq(key.0))
            .filter(Column::Day.eq(key.1))
            .filter(Column::Domain.eq(key.2))
            .filter(Column::Code.eq(key.3))
            .filter(Column::Version.eq(key.4))
            .exec(self.connection())
            .await?;
        Ok(())
    }

    /// Forgets what was reported before `day` (its first second), of every project.
    pub async fn delete_violations_before(&self, day: u64) -> Result<u64, StoreError> {
        let done = violation_count::Entity::delete_many()
            .filter(violation_count::Column::Day.lt(Unsigned::from(day)))
            .exec(self.connection())
            .await?;
        Ok(done.rows_affected)
    }
}
