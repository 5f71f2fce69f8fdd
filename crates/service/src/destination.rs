//! Places that the operator lets organizations publish to.
//!
//! A tenant names a destination and nothing else: no host, no bucket, no directory, no credential, no command. So nobody
//! makes the server write or ask where its operator did not want it.

use std::{fmt, sync::Arc, time::Duration};

use pintle_core::{OrganizationId, ProjectId, limits::MAX_URLS, root::BaseUrl};
use pintle_publish::{Bucket, BucketError, CredentialSource, OpenError, Place, Purge, open};

use pintle_store::{Project, ReadTx};

use crate::{Service, ServiceError, error::TargetError};

/// One job may stay at one target so long: less than its lease, so that a slow target is not worked on twice.
pub(crate) const TURN: Duration = Duration::from_secs(12);

/// A place with what it takes to publish there.
#[derive(Clone)]
pub struct Destination {
    /// What targets, logs and answers call it.
    pub name: String,
    /// Where it is.
    pub place: Place,
    /// Where its credentials come from; told to nobody but the operator.
    pub credentials: CredentialSource,
    /// Who may publish there.
    pub offer: Offer,
    /// Where apps find what lies there: a URL of every project that publishes there.
    pub public_url: Option<BaseUrl>,
    /// How a CDN before it is told of changes.
    pub purge: Option<Purge>,
}

/// Whom the operator offers a destination to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Offer {
    /// Every organization of the installation.
    Everybody,
    /// These: `org_…`.
    Organizations(Vec<String>),
}

/// Nothing of credentials or purge headers.
impl fmt::Debug for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Destination").field("name", &self.name).field("place", &self.place).finish_non_exhaustive()
    }
}

impl Offer {
    fn includes(&self, organization: &str) -> bool {
        match self {
            Self::Everybody => true,
            Self::Organizations(ids) => ids.iter().any(|id| id == organization),
        }
    }
}

impl Destination {
    /// The bucket there; credentials are read anew, so that they can be replaced at any time.
    pub(crate) fn open(&self) -> Result<Arc<dyn Bucket>, OpenError> {
        open(&self.place, &self.credentials, &|name| std::env::var(name).ok())
    }

    /// Tells the CDN, if there is one to tell, that what it may hold of the project has changed. `None`: it knows.
    pub(crate) async fn tell_cdn(&self, organization: &OrganizationId, project: &ProjectId) -> Option<String> {
        let purge = self.purge.as_ref()?;
        let public_url = self.public_url.as_ref().map(BaseUrl::as_str).unwrap_or_default();
        purge.tell_of_release(public_url, organization, project).await.err().map(|error| error.to_string())
    }
}

impl Service {
    /// The destination of this name, if the operator offers it to the organization.
    pub(crate) fn find_destination(&self, organization: &str, name: &str) -> Result<&Destination, ServiceError> {
        let offered = self.list_destinations(organization).find(|destination| destination.name == name);
        offered.ok_or_else(|| TargetError::NotOffered { name: name.to_owned() }.into())
    }

    /// Where apps find the project's files: at the URLs of the installation, then at those of its own targets. They take eight.
    pub(crate) async fn list_urls(&self, tx: &ReadTx, project: &Project) -> Result<Vec<BaseUrl>, ServiceError> {
        let organization = project.scope.organization().as_str();
        let mut urls = self.base_urls.clone();
        for target in tx.list_publish_targets(&project.scope).await? {
            let offered = self.find_destination(organization, &target.destination).ok();
            let url = offered.and_then(|destination| destination.public_url.clone());
            urls.extend(url.filter(|url| !urls.contains(url)));
        }
        urls.truncate(MAX_URLS);
        Ok(urls)
    }

    /// What the operator offers to the organization.
    pub(crate) fn list_destinations(&self, organization: &str) -> impl Iterator<Item = &Destination> {
        self.destinations.iter().filter(move |destination| destination.offer.includes(organization))
    }
}

/// A failure of a target as people read it: what happened and what to do.
pub(crate) fn describe_open_error(error: &OpenError) -> String {
    match error {
        OpenError::Credentials(error) => describe(error),
        error => error.to_string(),
    }
}

fn describe(error: &BucketError) -> String {
    error.cause().map_or_else(|| error.to_string(), |cause| format!("{error} ({}; {})", cause.code(), cause.hint()))
}

/// The same for a publication that was cut short.
pub(crate) fn describe_publish_error(error: &pintle_publish::PublishError) -> String {
    match error {
        pintle_publish::PublishError::Bucket { address, source } => format!("{address}: {}", describe(source)),
        error => error.to_string(),
    }
}
