use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, Select};

use crate::{LoggedCertificateRow, ProjectScope, ReadTx, StoreError, Unsigned, WriteTx, entity::logged_certificate};

impl ReadTx {
    /// What CT was found to hold for a domain, the newest find first.
    pub async fn list_logged_certificates(
        &self,
        scope: &ProjectScope,
        domain: &str,
    ) -> Result<Vec<LoggedCertificateRow>, StoreError> {
        let all = of_domain(scope, domain)
            .order_by_desc(logged_certificate::Column::FirstSeenAt)
            .order_by_asc(logged_certificate::Column::Id)
            .all(self.connection())
            .await?;
        Ok(all)
    }
}

impl WriteTx {
    /// Adds or replaces what is known of a certificate.
    pub async fn save_logged_certificate(&self, row: LoggedCertificateRow) -> Result<(), StoreError> {
        let key = (row.project_id.clone(), row.domain.clone(), row.id.clone());
        logged_certificate::Entity::delete_by_id(key).exec(self.connection()).await?;
        self.insert::<logged_certificate::Entity, _>(row).await
    }

    /// Forgets those of a domain that end before `cutoff_secs`.
    pub async fn delete_logged_certificates_before(
        &self,
        scope: &ProjectScope,
        domain: &str,
        cutoff_secs: u64,
    ) -> Result<(), StoreError> {
        logged_certificate::Entity::delete_many()
            .filter(logged_certificate::Column::ProjectId.eq(scope.project.clone()))
            .filter(logged_certificate::Column::Domain.eq(domain))
            .filter(logged_certificate::Column::NotAfter.lt(Unsigned::from(cutoff_secs)))
            .exec(self.connection())
            .await?;
        Ok(())
    }
}

fn of_domain(scope: &ProjectScope, domain: &str) -> Select<logged_certificate::Entity> {
    logged_certificate::Entity::find()
        .filter(logged_certificate::Column::ProjectId.eq(scope.project.clone()))
        .filter(logged_certificate::Column::Domain.eq(domain))
}
