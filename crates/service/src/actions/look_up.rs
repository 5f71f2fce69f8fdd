use pintle_api::{LookupQuery, LookupResponse};
use pintle_discover::Endpoint;

use crate::{
    LookupError, Service, ServiceError,
    lookup::{complete_chains, describe_survey, find_caa},
};

impl Service {
    /// What an endpoint on the public internet presents, as far as the operator lets anybody look.
    ///
    /// # Errors
    /// [`LookupError`].
    pub async fn look_up(&self, query: &LookupQuery) -> Result<LookupResponse, ServiceError> {
        let lookups = self.lookups.as_ref().ok_or(LookupError::Off)?;
        let endpoint = Endpoint::parse(&query.host).map_err(LookupError::from)?;
        let _permit = lookups.permits.try_acquire().map_err(|_| LookupError::Busy)?;
        let survey = lookups.prober.probe(&endpoint).await.map_err(LookupError::from)?;
        survey.first().map_err(LookupError::from)?;
        let mut seen = describe_survey(&survey);
        let (caa, ()) = tokio::join!(
            async {
                match &lookups.caa {
                    Some(resolver) => find_caa(&endpoint, resolver).await,
                    None => None,
                }
            },
            async {
                if query.complete_chain {
                    complete_chains(&mut seen, &lookups.issuers).await;
                }
            }
        );
        seen.caa = caa;
        Ok(seen)
    }
}
