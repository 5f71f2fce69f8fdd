//! What CT logs hold for the hosts of the draft, and no pin fits.

use clap::Args;
use pintle_core::{
    HostName, UnixTime, VerifiedConfig,
    claims::{Claims, PinType},
    name::Name,
};
use pintle_discover::LoggedCertificate;
use pintle_service::guard::{LoggedKey, Watch, judge_logged};

use super::StepReport;
use crate::{CommandError, commands::logged::CtArgs, context::Context, moment::show_moment};

/// Whether and where CT is asked.
#[derive(Args, Clone, Debug)]
#[group(skip)]
pub struct LoggedArgs {
    /// Also show what CT logs hold for these hosts that no pin fits
    #[arg(long)]
    pub(super) ct: bool,
    /// Add the keys of that, too: whoever had a certificate issued for your host is pinned then
    #[arg(long, requires = "ct")]
    pub(super) ct_add: bool,
    #[command(flatten, next_help_heading = "With --ct")]
    source: CtArgs,
}

impl LoggedArgs {
    pub(super) async fn plan(
        &self,
        config: &VerifiedConfig,
        claims: &Claims,
        watch: &Watch,
        context: &Context,
    ) -> Result<Vec<StepReport>, CommandError> {
        let mut steps: Vec<StepReport> = Vec::new();
        if !self.ct {
            return Ok(steps);
        }
        let search = self.source.open()?;
        for host in list_hosts(claims, watch) {
            let Some(domain) = config.domain_for(&host) else { continue };
            let domain = domain.name.to_string();
            let found = match search.search(&host, context.now).await {
                Ok(found) => found,
                Err(CommandError::Ct(error)) => {
                    steps.push(StepReport::about(&domain, &host, "not_seen", None, error.to_string()));
                    continue;
                }
                Err(other) => return Err(other),
            };
            for problem in &found.unread {
                steps.push(StepReport::about(&domain, &host, "not_seen", None, problem.clone()));
            }
            for logged in &found.certificates {
                steps.extend(self.judge(config, &domain, &host, logged, context.now));
            }
        }
        let mut told: Vec<(String, Option<String>)> = Vec::new();
        steps.retain(|step| {
            let key = (step.domain.clone(), step.pin.clone());
            let is_new = step.pin.is_none() || !told.contains(&key);
            told.push(key);
            is_new
        });
        Ok(steps)
    }

    fn judge(
        &self,
        config: &VerifiedConfig,
        domain: &str,
        host: &HostName,
        logged: &LoggedCertificate,
        now: UnixTime,
    ) -> Option<StepReport> {
        let facts = &logged.facts;
        let known = format!("issued by {}, valid until {}", facts.issuer, show_moment(facts.not_after));
        let pin = logged.pin(PinType::SpkiSha256)?;
        let (action, why) = match judge_logged(config, host, logged, now)? {
            LoggedKey::Pinned => return None,
            LoggedKey::IssuerPinned => ("in_ct", format!("{known}; no pin fits its key, the pinned issuer may")),
            LoggedKey::NotPinned if self.ct_add => ("add", format!("{known}; a CT log holds it, and no pin fits")),
            LoggedKey::NotPinned => {
                ("in_ct", format!("{known}; no pin fits: pin it if it is yours, find out whose it is if not"))
            }
        };
        Some(StepReport::about(domain, host, action, Some(&pin), why))
    }
}

/// The names of the entries, and the hosts that stand for them; logs are searched by name.
fn list_hosts(claims: &Claims, watch: &Watch) -> Vec<HostName> {
    let mut hosts: Vec<HostName> = Vec::new();
    for domain in &claims.domains {
        let exact = match &domain.name {
            Name::Exact(host) => Some(host.clone()),
            _ => None,
        };
        let watched = watch.get(&domain.name.to_string()).into_iter().flatten().map(|endpoint| endpoint.host.clone());
        for host in exact.into_iter().chain(watched) {
            if matches!(host, HostName::Dns(_)) && !hosts.contains(&host) {
                hosts.push(host);
            }
        }
    }
    hosts
}
