use std::{sync::Arc, time::Duration};

use pintle_core::UnixTime;
use pintle_discover::{Endpoint, LoggedCertificate};
use tokio::time::timeout;

use crate::{
    Actor, LookupError, ProjectPath, Service, ServiceError,
    access::{Permission, find_project},
};

/// Somebody waits for the answer, and sources of the public often take longer.
const PATIENCE: Duration = Duration::from_secs(12);
/// More is for nobody to choose from.
const MAX_FOUND: usize = 20;

impl Service {
    /// Who is asked what Certificate Transparency logs hold, as people read it; they learn the host. Empty: nobody.
    #[must_use]
    pub fn ct_source_names(&self) -> Vec<String> {
        self.ct_watch.as_ref().map(|watch| watch.source_names()).unwrap_or_default()
    }

    /// The certificates for a host that Certificate Transparency logs hold, newest first, as far as the sources of this
    /// installation tell: at most 20. Nobody vouches for any of them. What takes longer goes on, and is remembered for whoever
    /// asks again.
    ///
    /// # Errors
    /// [`LookupError`], and those of access.
    pub async fn search_ct(
        &self,
        actor: &Actor,
        path: ProjectPath<'_>,
        host: &str,
        now: UnixTime,
    ) -> Result<Vec<LoggedCertificate>, ServiceError> {
        let tx = self.store.read().await?;
        find_project(&tx, actor, path, Permission::EditDraft).await?;
        // Nothing is held while others take their time.
        drop(tx);
        let watch = Arc::clone(self.ct_watch.as_ref().ok_or(LookupError::NoCtSource)?);
        let endpoint = Endpoint::parse(host).map_err(LookupError::from)?;
        let permit = Arc::clone(&watch.permits).try_acquire_owned().map_err(|_| LookupError::Busy)?;
        let search = tokio::spawn(async move {
            let answers = watch.ask(&[endpoint.host], now).await;
            drop(permit);
            answers
        });
        match timeout(PATIENCE, search).await {
            Ok(Ok(answers)) if answers.is_answered => Ok(answers.into_newest(MAX_FOUND)),
            Ok(Ok(_)) => Err(LookupError::CtSilent.into()),
            Ok(Err(_)) => Err(ServiceError::Internal("a search of CT panicked")),
            Err(_) => Err(LookupError::CtSlow.into()),
        }
    }
}
