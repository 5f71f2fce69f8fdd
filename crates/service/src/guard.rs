//! The safe-publish guard: what a release would do to the people who use the app, found out before it is signed. Rules:
//! `docs/spec/guard.md`.
//!
//! It asks the core the devices run. What is to be signed is *rehearsed*: signed with a key that exists for a moment and that
//! no app trusts, and verified, so that what judges is a [`VerifiedConfig`] like that of any device. The rule itself does no
//! I/O; [`look()`] makes the observations it judges.

mod file;
mod history;
mod live;
mod look;
mod refresh;
mod turns;

use std::{collections::HashMap, sync::Arc};

use pintle_api::{Finding, FindingCode, FindingOverride, Severity};
use pintle_core::{
    ConfigError, HostName, Name, Root, State, UnixTime, VerifiedConfig,
    claims::{Claims, Domain, find_domain},
    root::BaseUrl,
    verify,
};
use pintle_sign::{KeyFileError, SignError, Signer as _, SigningKey, canonical_claims, sign_config};

/// What a caller needs to fill in the settings.
pub use pintle_discover::{AddressPolicy, Endpoint, parse_certificates};
pub use pintle_path::Roots;
pub use rustls_pki_types::CertificateDer;

pub use crate::violations::Trend;
pub use history::{PastRelease, REPORT_PERIOD_SECS};
pub(crate) use live::{DRAWS, DerChain, Held, describe, group_by_chain};
pub(crate) use look::endpoints_of;
pub use look::{LookSettings, Observation, Sight, Watch, list_endpoints, load_roots, look};
pub(crate) use refresh::judge_pins;
pub use refresh::{LoggedKey, RefreshAction, RefreshStep, judge_logged, plan_refresh};
pub(crate) use turns::Turns;

/// Most findings that an answer lists.
const MAX_FINDINGS: usize = 200;

/// How the control plane's own guard works.
#[derive(Clone, Debug, Default)]
pub struct GuardSettings {
    /// How far it looks at live servers; `None`: not at all.
    pub look: Option<LookSettings>,
    /// Root certificates that the platforms of the apps trust.
    pub roots: Arc<Roots>,
}

/// Everything that the guard judges by.
#[derive(Clone, Copy, Debug)]
pub struct GuardInput<'a> {
    /// What is to be signed, as a device would hold it.
    pub next: &'a VerifiedConfig,
    /// What devices hold now, if anything was released.
    pub previous: Option<&'a VerifiedConfig>,
    /// The releases devices saw, newest first, back to one that is older than the report period; `None`: not known here.
    pub history: Option<&'a [PastRelease]>,
    /// How violations of entries go that apps report, by name; `None`: not known here.
    pub trends: Option<&'a HashMap<String, Trend>>,
    /// What live endpoints were seen to serve.
    pub observations: &'a [Observation],
    /// Root certificates that the platforms of the apps trust.
    pub roots: &'a Roots,
    /// The protocol level of the oldest app in the field (P-9.3).
    pub oldest_level: u32,
    /// When devices would judge.
    pub now: UnixTime,
}

/// The findings about a release, errors first. A withdrawal has none: it is never in the way of itself.
#[must_use]
pub fn guard(input: &GuardInput<'_>) -> Vec<Finding> {
    if input.next.claims().withdrawn {
        return Vec::new();
    }
    let mut findings = file::find(input.next.claims(), input.now);
    findings.extend(file::find_size(input.next.claims()));
    findings.extend(file::find_level(input.oldest_level));
    findings.extend(history::find(input));
    findings.extend(live::find(input));
    sort(&mut findings);
    findings
}

/// What the claims alone tell, errors first: what a draft can be told while it is edited.
#[must_use]
pub fn guard_claims(claims: &Claims, now: UnixTime) -> Vec<Finding> {
    let mut findings = file::find(claims, now);
    sort(&mut findings);
    findings
}

fn sort(findings: &mut [Finding]) {
    findings.sort_by(|a, b| {
        let key = |finding: &Finding| (finding.code, finding.domain.clone(), finding.endpoint.clone());
        b.severity.cmp(&a.severity).then_with(|| key(a).cmp(&key(b)))
    });
}

/// The errors that no override covers: with one of them nothing is signed.
pub fn find_blocking<'a>(
    findings: &'a [Finding],
    overrides: &'a [FindingOverride],
) -> impl Iterator<Item = &'a Finding> {
    let is_covered = |finding: &Finding| overrides.iter().any(|wanted| wanted.covers(finding));
    findings.iter().filter(move |finding| finding.severity == Severity::Error && !is_covered(finding))
}

/// As many findings as an answer lists, the weightiest first, with a word on the rest.
#[must_use]
pub fn shorten(mut findings: Vec<Finding>) -> Vec<Finding> {
    if let Some(rest) = findings.len().checked_sub(MAX_FINDINGS).filter(|rest| *rest > 0) {
        let errors = findings.iter().skip(MAX_FINDINGS).filter(|finding| finding.severity == Severity::Error).count();
        findings.truncate(MAX_FINDINGS);
        let detail = format!("{rest} more findings, {errors} of them errors, are not listed.");
        findings.push(Finding::new(FindingCode::MoreFindings, &detail));
    }
    findings
}

/// Claims that no device would take, or a machine without randomness.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RehearsalError {
    /// As a device would say.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The throwaway key could not be made.
    #[error(transparent)]
    Key(#[from] KeyFileError),
    /// It could not sign.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// The throwaway root could not be made.
    #[error("no root for a rehearsal")]
    Root,
}

/// What a device would hold if `claims` were signed: only [`verify`] makes it, here under a key that is forgotten at once.
///
/// # Errors
/// [`RehearsalError`].
pub fn rehearse(claims: &Claims, now: UnixTime) -> Result<VerifiedConfig, RehearsalError> {
    let key = SigningKey::generate()?;
    let url = BaseUrl::parse("https://rehearsal.invalid").map_err(|_| RehearsalError::Root)?;
    let root = Root::new(claims.organization.clone(), claims.project.clone(), key.public_key(), vec![url])
        .map_err(|_| RehearsalError::Root)?;
    let signed = sign_config(&key, &canonical_claims(claims), &[], &root)?;
    Ok(verify(signed.as_bytes(), &root, &State::default(), now)?.config)
}

/// Whether an entry of this name covers `host`, as the core sees it.
pub(crate) fn covers(name: &Name, host: &HostName) -> bool {
    find_domain(&[Domain::new(name.clone(), Vec::new())], host).is_some()
}
