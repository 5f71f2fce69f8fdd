use crate::{
    Actor, ProjectPath, Service, ServiceError,
    access::{Permission, find_project},
};

/// A server's own certificate that the monitor saw. Nothing but the network vouches for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownCertificate {
    /// Name of the domain in the release.
    pub domain: String,
    /// SHA-256 of the certificate in base64.
    pub sha256: String,
    /// SHA-256 of its key in base64.
    pub spki_sha256: String,
    /// Last second of its validity (since 1970 UTC).
    pub not_after: u64,
}

/// More would not be looked at together.
const MAX_DOMAINS: usize = 100;

impl Service {
    /// The certificates that servers of these domains were seen with, by domain, those that end last first: of the first 100
    /// domains.
    ///
    /// # Errors
    /// Those of access.
    pub async fn list_certificates(
        &self,
        actor: &Actor,
        path: ProjectPath<'_>,
        domains: &[String],
    ) -> Result<Vec<KnownCertificate>, ServiceError> {
        let tx = self.store.read().await?;
        let project = find_project(&tx, actor, path, Permission::Read).await?;
        let asked = domains.get(..MAX_DOMAINS).unwrap_or(domains);
        let rows = tx.list_observed_certificates_of(&project.scope, asked).await?;
        let known = rows.into_iter().map(|row| KnownCertificate {
            domain: row.domain,
            sha256: row.sha256,
            spki_sha256: row.spki_sha256,
            not_after: row.not_after.value(),
        });
        Ok(known.collect())
    }
}
