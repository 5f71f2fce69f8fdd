//! What follows from a draft beside the release before it, kept for pages that tell of it again and again (ADR 51).

use std::{sync::Arc, time::Duration};

use moka::sync::Cache;
use pintle_api::Change;
use pintle_core::{UnixTime, claims::Claims};
use pintle_store::{DraftDomain, DraftRow, Project, ProjectId, ReadTx, ReleaseRow};

use crate::{Service, ServiceError, claims::make_claims, diff::derive_changes};

/// Most domains, pins, logs and changes that are kept, of all projects together: some 30 MB.
const CAPACITY: u64 = 100_000;
/// What nobody asked for so long is forgotten.
const MAX_IDLE: Duration = Duration::from_secs(600);

/// All that it follows from: a number that every change of the draft raises, and the digest of what was signed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Source {
    project: ProjectId,
    revision: u64,
    last_release_sha256: Option<String>,
}

/// A draft as claims, and its difference from the last accepted release. Number and dates of the claims say nothing.
#[derive(Debug)]
pub(crate) struct Derived {
    pub(crate) claims: Claims,
    pub(crate) changes: Arc<[Change]>,
}

impl Derived {
    fn weight(&self) -> u32 {
        let pins: usize = self.claims.domains.iter().map(|domain| 1 + domain.pins.len()).sum();
        let parts = pins + self.claims.deny.len() + self.claims.ct_logs.len() + self.changes.len();
        u32::try_from(parts).unwrap_or(u32::MAX)
    }
}

/// What was derived lately.
#[derive(Debug)]
pub(crate) struct DerivedDrafts(Cache<Source, Arc<Derived>>);

impl Default for DerivedDrafts {
    fn default() -> Self {
        let cache = Cache::builder().max_capacity(CAPACITY).time_to_idle(MAX_IDLE);
        Self(cache.weigher(|_, derived: &Arc<Derived>| derived.weight()).build())
    }
}

impl Service {
    /// The same as [`derive_draft`](Self::derive_draft), of a project that the caller may read and its draft as `tx` sees them.
    pub(crate) async fn find_derived(
        &self,
        tx: &ReadTx,
        project: &Project,
        draft: &DraftRow,
        now: UnixTime,
    ) -> Result<Arc<Derived>, ServiceError> {
        let last = tx.find_last_release(&project.scope).await?;
        let source = Source {
            project: project.row.id.clone(),
            revision: draft.revision.value(),
            last_release_sha256: last.as_ref().map(|release| release.claims_sha256.clone()),
        };
        if let Some(kept) = self.derived_drafts.0.get(&source) {
            return Ok(kept);
        }
        let domains = tx.list_domains(&project.scope).await?;
        let derived = Arc::new(self.derive_draft(tx, project, draft, &domains, last.as_ref(), now).await?);
        self.derived_drafts.0.insert(source, Arc::clone(&derived));
        Ok(derived)
    }

    pub(crate) async fn derive_draft(
        &self,
        tx: &ReadTx,
        project: &Project,
        draft: &DraftRow,
        domains: &[DraftDomain],
        last: Option<&ReleaseRow>,
        now: UnixTime,
    ) -> Result<Derived, ServiceError> {
        let claims = make_claims(project, draft, domains, &tx.list_ct_logs(&project.scope).await?, 1, now)?;
        let last = match last {
            Some(release) => Some(self.verify_release(tx, project, release).await?),
            None => None,
        };
        let changes = derive_changes(last.as_ref().map(|accepted| accepted.config.claims()), &claims);
        Ok(Derived { claims, changes: changes.into() })
    }
}
