use std::sync::Arc;

use pintle_api::{Change, DomainResponse, DraftSettings, Finding};
use pintle_core::{UnixTime, claims::Domain};

use crate::{
    Actor, ProjectPath, Service, ServiceError,
    access::{Permission, find_project},
    guard::{guard_claims, shorten},
    respond,
};

/// What pages tell of a draft without listing it.
#[derive(Clone, Debug)]
pub struct DraftSummary {
    /// Settings of the whole file.
    pub settings: DraftSettings,
    /// How many domains it has.
    pub domain_count: usize,
    /// Its difference from the last accepted release.
    pub changes: Arc<[Change]>,
    /// What deserves a second look: as many as an answer lists.
    pub findings: Vec<Finding>,
    /// How many there are.
    pub finding_count: usize,
    /// The domains that need somebody first: the sooner none of their pins counts, the fewer that do.
    pub urgent: Vec<DomainResponse>,
}

impl Service {
    /// What [`read_draft`](Self::read_draft) says, of `most` domains at most. Of a draft that was asked for before, no more
    /// than these are read.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`ServiceError::Store`].
    pub async fn summarize_draft(
        &self,
        actor: &Actor,
        path: ProjectPath<'_>,
        most: usize,
        now: UnixTime,
    ) -> Result<DraftSummary, ServiceError> {
        let tx = self.store.read().await?;
        let project = find_project(&tx, actor, path, Permission::Read).await?;
        let draft = tx.find_draft(&project.scope).await?.ok_or(ServiceError::NotFound { what: "draft" })?;
        let derived = self.find_derived(&tx, &project, &draft, now).await?;
        let names = list_urgent(&derived.claims.domains, most, now);
        let found = match names.is_empty() {
            true => Vec::new(),
            false => tx.find_domains(&project.scope, names.clone()).await?,
        };
        let in_order = names.iter().filter_map(|name| found.iter().find(|domain| domain.row.name == *name));
        let findings = guard_claims(&derived.claims, now);
        Ok(DraftSummary {
            settings: respond::settings(&draft)?,
            domain_count: derived.claims.domains.len(),
            changes: Arc::clone(&derived.changes),
            finding_count: findings.len(),
            findings: shorten(findings),
            urgent: in_order.map(respond::domain).collect::<Result<_, _>>()?,
        })
    }
}

fn list_urgent(domains: &[Domain], most: usize, now: UnixTime) -> Vec<String> {
    let mut domains: Vec<_> = domains.iter().collect();
    domains.sort_by_cached_key(|domain| urgency(domain, now.as_secs()));
    domains.into_iter().take(most).map(|domain| domain.name.to_string()).collect()
}

fn urgency(domain: &Domain, now: u64) -> (u64, usize) {
    let ends = domain.pins.iter().map(|pin| pin.expires_at.map_or(u64::MAX, UnixTime::as_secs));
    let counting = ends.clone().filter(|end| *end > now).count();
    (ends.max().unwrap_or_default().max(now), counting)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pintle_core::{
        Name,
        claims::{Pin, PinDigest, PinMatch},
    };

    #[test]
    fn what_ends_first_needs_somebody_first() {
        let now = UnixTime::from_secs(1_800_000_000);
        let domain = |name: &str, ends: &[Option<u64>]| {
            let pin = |end: &Option<u64>| Pin {
                digest: PinDigest::SpkiSha256([1; 32]),
                matches: PinMatch::Leaf,
                expires_at: end.map(|secs| now.saturating_add_secs(secs)),
            };
            Domain::new(Name::parse(name).unwrap(), ends.iter().map(pin).collect())
        };
        let domains = [
            domain("backed.example", &[None, None]),
            domain("empty.example", &[]),
            domain("endless.example", &[None]),
            domain("ending.example", &[Some(9)]),
        ];
        let expected = ["empty.example", "ending.example", "endless.example", "backed.example"];
        assert_eq!(list_urgent(&domains, 9, now), expected);
        assert_eq!(list_urgent(&domains, 1, now), ["empty.example"]);
    }
}
