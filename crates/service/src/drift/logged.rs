//! What Certificate Transparency holds for the hosts of a domain, and no pin fits.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use base64ct::{Base64, Encoding};
use pintle_api::{AutoDraft, DriftState, replace_hostile};
use pintle_core::{
    HostName, Name, UnixTime,
    claims::{Domain, PinType},
    crypto::sha256,
};
use pintle_discover::{CtSource, Endpoint, LoggedCertificate, WebClient, put_in_order};
use pintle_store::{LoggedCertificateRow, ProjectId};
use tokio::{sync::Semaphore, time::Instant};

use super::{
    Known, Proposal,
    judge::{MAX_ISSUER_CHARS, identify_issuer, shorten, show_pin},
};
use crate::{
    AlertKind,
    day::write_minute,
    guard::{LoggedKey, judge_pins},
};

/// Certificates of one domain that are kept in mind: whoever floods a log, or lies, fills no disk.
const MAX_LOGGED: usize = 200;
/// For all questions about one domain; what is left then is asked next time.
const SEARCH_SECS: u64 = 600;
/// Searches for people at once.
const MAX_SEARCHES: usize = 4;

/// Whom the monitor asks what CT logs hold, and how often.
#[derive(Debug)]
pub struct CtWatch {
    client: WebClient,
    sources: Vec<CtSource>,
    pub(crate) interval_secs: u64,
    /// Sources that gave no usable answer when they were asked last: that is logged once.
    silent: Mutex<BTreeSet<String>>,
    /// For people who wait at a page: a search goes on when they left, so that the next one finds it.
    pub(crate) permits: Arc<Semaphore>,
}

/// What came of asking about one domain.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    /// With the name of who told.
    found: Vec<(String, LoggedCertificate)>,
    /// Whether anybody answered about every host.
    pub(crate) is_answered: bool,
    /// Why somebody did not.
    problems: Vec<String>,
}

/// One domain of the live release, and what is known of it in CT.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LoggedLook<'a> {
    pub(crate) project: &'a ProjectId,
    pub(crate) domain: &'a Domain,
    pub(crate) known: &'a Known,
    /// What was found before.
    pub(crate) before: &'a [LoggedCertificateRow],
    /// Whether anybody answered about the domain before.
    pub(crate) is_first: bool,
    pub(crate) now: UnixTime,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct LoggedVerdict {
    pub(crate) state: DriftState,
    /// One sentence about what weighs most.
    pub(crate) detail: String,
    /// What was not known, or is known better.
    pub(crate) rows: Vec<LoggedCertificateRow>,
    /// What members have to know, with a number that rises with every find.
    pub(crate) trouble: Vec<(AlertKind, String, u64)>,
    /// Keys of issuers that apps met, which no pin fits.
    pub(crate) proposals: Vec<Proposal>,
}

impl CtWatch {
    /// Asks `sources` about every domain, every `interval_secs`.
    #[must_use]
    pub fn new(client: WebClient, sources: Vec<CtSource>, interval_secs: u64) -> Self {
        let permits = Arc::new(Semaphore::new(MAX_SEARCHES));
        Self { client, sources, interval_secs, silent: Mutex::default(), permits }
    }

    /// Who is asked, as people read it.
    #[must_use]
    pub(crate) fn source_names(&self) -> Vec<String> {
        self.sources.iter().map(CtSource::name).collect()
    }

    /// What the sources tell of these hosts. One that answers is enough; each may lie, so that all are asked.
    pub(crate) async fn ask(&self, hosts: &[HostName], now: UnixTime) -> Answers {
        let deadline = Instant::now() + Duration::from_secs(SEARCH_SECS);
        let mut answers = Answers::default();
        for source in &self.sources {
            let mut problem = None;
            for host in hosts {
                let search = tokio::time::timeout_at(deadline, source.search(&self.client, host, now));
                match search.await {
                    Ok(Ok(found)) => answers.found.extend(found.into_iter().map(|one| (source.name(), one))),
                    Ok(Err(error)) => problem = Some(error.to_string()),
                    Err(_) => problem = Some(format!("{} was not asked in time", source.name())),
                }
                if problem.is_some() {
                    break;
                }
            }
            answers.is_answered |= problem.is_none();
            self.note(&source.name(), problem.as_deref());
            answers.problems.extend(problem);
        }
        answers
    }

    /// An operator is told once that a source is silent, and that it answers again.
    fn note(&self, source: &str, problem: Option<&str>) {
        let mut silent = self.silent.lock().unwrap_or_else(PoisonError::into_inner);
        match problem {
            Some(problem) if silent.insert(source.to_owned()) => {
                tracing::warn!(ct.source = source, %problem, "a CT source gives no answer; it is asked again");
            }
            None if silent.remove(source) => tracing::info!(ct.source = source, "a CT source answers again"),
            _ => {}
        }
    }
}

impl Answers {
    /// What was found, each certificate once, newest first.
    pub(crate) fn into_newest(self, most: usize) -> Vec<LoggedCertificate> {
        let mut found = put_in_order(self.found.into_iter().map(|(_, certificate)| certificate).collect());
        found.truncate(most);
        found
    }
}

impl LoggedLook<'_> {
    /// Weighs what was found now and before: what a source leaves out, or forgets, changes nothing.
    #[must_use]
    pub(crate) fn judge(&self, answers: &Answers) -> LoggedVerdict {
        let mut all: BTreeMap<String, LoggedCertificateRow> =
            self.before.iter().map(|row| (row.id.clone(), row.clone())).collect();
        let mut rows = Vec::new();
        let mut is_too_many = false;
        for (source, logged) in &answers.found {
            let row = self.make_row(source, logged, &all);
            let known = all.get(&row.id);
            if known == Some(&row) {
                continue;
            }
            if known.is_none() && all.len() >= MAX_LOGGED {
                is_too_many = true;
                continue;
            }
            rows.retain(|other: &LoggedCertificateRow| other.id != row.id);
            rows.push(row.clone());
            all.insert(row.id.clone(), row);
        }
        let mut verdict = LoggedVerdict {
            state: DriftState::Match,
            detail: String::new(),
            rows,
            trouble: Vec::new(),
            proposals: Vec::new(),
        };
        for (state, kind) in [
            (DriftState::UnpinnedInCt, AlertKind::CertificateUnpinned),
            (DriftState::UnexpectedIssuer, AlertKind::IssuerUnexpected),
        ] {
            let found = all.values().filter(|row| row.not_after.value() >= self.now.as_secs());
            let mut found: Vec<_> = found.filter(|row| self.weigh(row) == state).collect();
            found.sort_by_key(|row| std::cmp::Reverse(row.first_seen_at.value()));
            let Some(newest) = found.first() else { continue };
            // An issuer that apps never met is proposed by nobody, and neither is any before they met one.
            if state == DriftState::UnpinnedInCt && !self.known.issuers.is_empty() {
                verdict.proposals = found.iter().filter_map(|row| propose_logged(row)).collect();
            }
            verdict.state = state;
            verdict.detail = shorten(&tell(newest, found.len()));
            verdict.trouble.push((kind, verdict.detail.clone(), newest.first_seen_at.value()));
        }
        if verdict.state == DriftState::Match {
            verdict.detail = match (all.len(), answers.is_answered) {
                (_, false) => {
                    verdict.state = DriftState::NotLookedAt;
                    String::new()
                }
                (0, true) => "CT holds no certificate for it that is in force.".to_owned(),
                (1, true) => "The one certificate in CT is pinned, or was known before.".to_owned(),
                (number, true) => format!("Each of {number} certificates in CT is pinned, or was known before."),
            };
        }
        if is_too_many {
            verdict
                .detail
                .push_str(&format!(" CT holds more than {MAX_LOGGED} certificates: not all are kept in mind."));
        }
        for problem in &answers.problems {
            verdict.detail = shorten(format!("{} {problem}.", verdict.detail).trim());
        }
        verdict
    }

    fn weigh(&self, row: &LoggedCertificateRow) -> DriftState {
        let fits = |pin: &str| row.pins.split(' ').any(|other| other == pin);
        let judged = judge_pins(self.domain, |pin| fits(&show_pin(pin)), self.now);
        let is_own = self.known.keys.iter().any(|key| fits(&format!("{}:{key}", PinType::SpkiSha256.as_str())));
        if judged == LoggedKey::Pinned || is_own {
            DriftState::Match
        } else if self.is_unexpected(&row.issuer) {
            DriftState::UnexpectedIssuer
        } else if judged == LoggedKey::IssuerPinned || row.is_of_before.value() > 0 {
            DriftState::Match
        } else {
            DriftState::UnpinnedInCt
        }
    }

    /// Without one that apps accepted there is nobody to expect.
    fn is_unexpected(&self, issuer: &str) -> bool {
        !self.known.issuers.is_empty() && !self.known.issuers.contains(&identify_issuer(issuer))
    }

    fn make_row(
        &self,
        source: &str,
        logged: &LoggedCertificate,
        known: &BTreeMap<String, LoggedCertificateRow>,
    ) -> LoggedCertificateRow {
        let facts = &logged.facts;
        let id = Base64::encode_string(&sha256(format!("{}\n{}", facts.issuer, facts.serial).as_bytes()));
        let pins = facts.pins.iter().filter(|pin| logged.pin(pin.kind()).is_some()).map(show_pin);
        let pins = pins.collect::<Vec<_>>().join(" ");
        match known.get(&id) {
            // Its precertificate, of which less is known.
            Some(known) if known.pins.len() >= pins.len() => known.clone(),
            Some(known) => LoggedCertificateRow { pins, ..known.clone() },
            None => LoggedCertificateRow {
                project_id: self.project.clone(),
                domain: self.domain.name.to_string(),
                id,
                pins,
                issuer: replace_hostile(&facts.issuer).chars().take(MAX_ISSUER_CHARS).collect(),
                source: source.to_owned(),
                not_after: facts.not_after.as_secs().into(),
                first_seen_at: self.now.as_secs().into(),
                is_of_before: u64::from(self.is_first && !self.is_unexpected(&facts.issuer)).into(),
            },
        }
    }
}

/// The hosts that logs are searched for: its name, and those that stand for it.
pub(crate) fn hosts_of(domain: &Domain, endpoints: &[Endpoint]) -> Vec<HostName> {
    let own = match &domain.name {
        Name::Exact(host) => Some(host),
        _ => None,
    };
    let mut hosts: Vec<HostName> = Vec::new();
    for host in own.into_iter().chain(endpoints.iter().map(|endpoint| &endpoint.host)) {
        if matches!(host, HostName::Dns(_)) && !hosts.contains(host) {
            hosts.push(host.clone());
        }
    }
    hosts
}

fn propose_logged(row: &LoggedCertificateRow) -> Option<Proposal> {
    let prefix = format!("{}:", PinType::SpkiSha256.as_str());
    let spki_sha256 = row.pins.split(' ').find_map(|pin| pin.strip_prefix(&prefix))?.to_owned();
    Some(Proposal { spki_sha256, reason: shorten(&format!("In CT: {}", tell(row, 1))), needs: AutoDraft::LiveAndCt })
}

fn tell(newest: &LoggedCertificateRow, number: usize) -> String {
    let key = newest.pins.split(' ').next().unwrap_or_default();
    let until = write_minute(UnixTime::from_secs(newest.not_after.value()));
    let more = if number > 1 { format!("; {} more", number - 1) } else { String::new() };
    format!("{key} by {}, valid until {until}, told by {}{more}.", newest.issuer, newest.source)
}
