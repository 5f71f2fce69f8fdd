use clap::Args;
use pintle_core::Root;
use pintle_publish::Purge;
use serde::Serialize;

use crate::{CommandError, error::EmergencyFailure};

/// The header of the request; an argument would be seen by every user of the machine.
const HEADER_VARIABLE: &str = "PINTLE_PURGE_HEADER";

/// How a CDN is told that does not look for itself.
#[derive(Args, Clone, Debug)]
pub(super) struct PurgeArgs {
    /// Afterwards, request this for each changed file at each URL of the app: `{url}`, `{url_encoded}` and `{path}` stand for
    /// it. A header for it, as in `Authorization: Bearer TOKEN`, is read from PINTLE_PURGE_HEADER
    #[arg(long, value_name = "URL", conflicts_with = "purge_command")]
    purge_url: Option<String>,
    /// Method of that request
    #[arg(long, value_name = "METHOD", default_value = "POST", requires = "purge_url")]
    purge_method: String,
    /// Instead: run this program with the file's URL
    #[arg(long, value_name = "PROGRAM")]
    purge_command: Option<String>,
}

/// One URL of the app whose CDN was told.
#[derive(Serialize)]
pub(super) struct PurgeReport {
    pub(super) url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
}

impl PurgeArgs {
    /// What was asked for; read before anything is signed, so that a mistake in it costs nothing.
    pub(super) fn read(&self) -> Result<Option<Purge>, CommandError> {
        let Some(url) = &self.purge_url else {
            return Ok(self
                .purge_command
                .as_ref()
                .map(|program| Purge::Command(vec![program.clone(), "{url}".into()])));
        };
        let header = std::env::var(HEADER_VARIABLE).ok();
        let purge = Purge::request(&self.purge_method, url, header.as_deref());
        purge.map(Some).map_err(|reason| EmergencyFailure::Purge { reason }.into())
    }
}

/// Tells of a release at every URL of the app. What fails does no harm: the CDN's copy ends by itself.
pub(super) async fn tell(purge: &Purge, root: &Root) -> Vec<PurgeReport> {
    let mut reports = Vec::new();
    for url in root.urls() {
        let told = purge.tell_of_release(url.as_str(), root.organization(), root.project()).await;
        reports.push(PurgeReport { url: url.to_string(), error: told.err().map(|error| error.to_string()) });
    }
    reports
}
