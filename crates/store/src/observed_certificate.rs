use sea_orm::{ColumnTrait, EntityTrait, Order, QueryFilter, QueryOrder, QuerySelect, Select, sea_query::NullOrdering};

use crate::{
    ObservedCertificateRow, ProjectScope, ReadTx, StoreError, Unsigned, WriteTx, entity::observed_certificate,
};

impl ReadTx {
    /// The certificates that were seen for a domain, last seen first.
    pub async fn list_observed_certificates(
        &self,
        scope: &ProjectScope,
        domain: &str,
    ) -> Result<Vec<ObservedCertificateRow>, StoreError> {
        let all = of_domain(scope, domain)
            .order_by_desc(observed_certificate::Column::LastSeenAt)
            .order_by_asc(observed_certificate::Column::Sha256)
            .all(self.connection())
            .await?;
        Ok(all)
    }

    /// The certificates that were seen for any of these domains, by domain, those that end last first.
    pub async fn list_observed_certificates_of(
        &self,
        scope: &ProjectScope,
        domains: &[String],
    ) -> Result<Vec<ObservedCertificateRow>, StoreError> {
        let all = observed_certificate::Entity::find()
            .filter(observed_certificate::Column::ProjectId.eq(scope.project.clone()))
            .filter(observed_certificate::Column::Domain.is_in(domains))
            .order_by_asc(observed_certificate::Column::Domain)
            .order_by_desc(observed_certificate::Column::NotAfter)
            .order_by_asc(observed_certificate::Column::Sha256)
            .all(self.connection())
            .await?;
        Ok(all)
    }
}

impl WriteTx {
    /// Adds or replaces what is known of a certificate. Of a domain `kept` stay: those that apps would
    /// accept, and those seen last.
    pub async fn save_observed_certificate(
        &self,
        scope: &ProjectScope,
        row: ObservedCertificateRow,
        kept: u64,
    ) -> Result<(), StoreError> {
        let key = (scope.project.clone(), row.domain.clone(), row.sha256.clone());
        observed_certificate::Entity::delete_by_id(key).exec(self.connection()).await?;
        // One whose server shows another each time must not make the true ones forgotten.
        let surplus = of_domain(scope, &row.domain)
            .order_by_with_nulls(observed_certificate::Column::AcceptedAt, Order::Desc, NullOrdering::Last)
            .order_by_desc(observed_certificate::Column::LastSeenAt)
            .order_by_asc(observed_certificate::Column::Sha256)
            .offset(kept.saturating_sub(1))
            .limit(1000)
            .all(self.connection())
            .await?;
        for old in surplus {
            let key = (old.project_id, old.domain, old.sha256);
            observed_certificate::Entity::delete_by_id(key).exec(self.connection()).await?;
        }
        self.insert::<observed_certificate::Entity, _>(row).await
    }

    /// Forgets certificates that were not seen since `cutoff_secs`.
    pub async fn delete_old_observed_certificates(&self, cutoff_secs: u64) -> Result<(), StoreError> {
        observed_certificate::Entity::delete_many()
            .filter(observed_certificate::Column::LastSeenAt.lt(Unsigned::from(cutoff_secs)))
            .exec(self.connection())
            .await?;
        Ok(())
    }
}

fn of_domain(scope: &ProjectScope, domain: &str) -> Select<observed_certificate::Entity> {
    observed_certificate::Entity::find()
        .filter(observed_certificate::Column::ProjectId.eq(scope.project.clone()))
        .filter(observed_certificate::Column::Domain.eq(domain))
}
