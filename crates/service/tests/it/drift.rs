//! The drift monitor: what it looks at, what it believes, and what it tells.

use std::sync::Arc;

use base64ct::{Base64, Encoding};
use pintle_api::{
    AddDomainRequest, AddPinRequest, AddTargetRequest, CtRequest, DriftChangeResponse, DriftHistoryQuery, DriftKind,
    DriftResponse, DriftState, Enforce, ListQuery, Role, Trust, UpdateDomainRequest,
};
use pintle_core::root::BaseUrl;
use pintle_core::{UnixTime, crypto::sha256, der::Certificate};
use pintle_discover::AddressPolicy;
use pintle_path::Roots;
use pintle_publish::{CredentialSource, Place};
use pintle_service::{
    Destination, MonitorSettings, Offer, Progress,
    guard::{GuardSettings, LookSettings},
};
use pintle_store::{AlertRow, ProjectId};
use pintle_testkit::{
    cdn::{Cdn, Reply},
    certificate::{Authority, SiteCertificate},
    site::Site,
};

use crate::support::{NOW, Plane, code, pin};

const INTERVAL_SECS: u64 = 3600;
const RETRY_SECS: u64 = 60;

pub(crate) fn at(secs: u64) -> UnixTime {
    UnixTime::from_secs(NOW.as_secs() + secs)
}

pub(crate) fn settings() -> MonitorSettings {
    let policy = AddressPolicy::anywhere();
    MonitorSettings { look: LookSettings::new(policy), interval_secs: INTERVAL_SECS, concurrency: 8 }
}

pub(crate) fn key_pin(certificate: &SiteCertificate) -> AddPinRequest {
    let leaf = Certificate::parse(certificate.leaf()).unwrap();
    AddPinRequest { digest: Base64::encode_string(&sha256(leaf.spki())), ..pin(0) }
}

/// A project whose one domain is a server here, and that has a backup key.
pub(crate) struct Watched {
    pub(crate) plane: Plane,
    pub(crate) site: Site,
    root: Authority,
    /// Apps' platforms trust it, too; nobody had a certificate of it.
    pub(crate) stranger: Authority,
    pub(crate) first: SiteCertificate,
    pub(crate) backup: SiteCertificate,
}

impl Watched {
    pub(crate) async fn new() -> Self {
        // Large, since it holds the plane as often as it is moved.
        Box::pin(Self::start()).await
    }

    async fn start() -> Self {
        let root = Authority::root("Root");
        let (first, backup) = (root.issue(&["127.0.0.1"]), root.issue(&["127.0.0.1"]));
        let site = Site::start(&first).await;
        let mut roots = Roots::default();
        let stranger = Authority::root("Stranger");
        for authority in [&root, &stranger] {
            roots.add_certificate(authority.certificate().clone()).unwrap();
        }
        let guard = GuardSettings { look: None, roots: Arc::new(roots) };
        let plane = Plane::new().await.with_guard(guard).with_monitor(settings());
        let request = AddDomainRequest {
            name: "127.0.0.1".into(),
            enforce: Enforce::default(),
            trust: Trust::default(),
            ct: CtRequest::default(),
            auto_draft: pintle_api::AutoDraft::default(),
            watch: vec![site.address().to_string()],
        };
        let domain = plane.service.add_domain(&plane.owner, plane.path(), &request, None, NOW).await.unwrap();
        for certificate in [&first, &backup] {
            let pin = key_pin(certificate);
            plane.service.add_pin(&plane.owner, plane.path(), &domain.id, &pin, None, NOW).await.unwrap();
        }
        plane.go_live().await;
        Self { plane, site, root, stranger, first, backup }
    }

    /// A certificate with a new key, of the issuer that apps know.
    pub(crate) fn another(&self) -> SiteCertificate {
        self.root.issue(&["127.0.0.1"])
    }

    async fn show(&self, certificate: &SiteCertificate, now: UnixTime) -> Option<DriftState> {
        self.site.swap(certificate);
        self.plane.watch(now).await;
        self.plane.domain_state().await
    }
}

impl Plane {
    /// Releases the draft, and brings it to every target.
    pub(crate) async fn go_live(&self) {
        self.release().await;
        while !matches!(self.service.run_next_job(NOW).await.unwrap(), Progress::Idle { .. }) {}
    }

    /// Everything that is due, at one moment.
    pub(crate) async fn watch(&self, now: UnixTime) -> Option<UnixTime> {
        loop {
            if let Progress::Idle { next_at } = self.service.run_next_look(now).await.unwrap() {
                return next_at;
            }
        }
    }

    pub(crate) async fn drift(&self) -> Vec<DriftResponse> {
        self.service.list_drift(&self.owner, self.path(), &ListQuery::default()).await.unwrap().items
    }

    async fn domain(&self) -> DriftResponse {
        self.drift().await.into_iter().find(|row| row.kind == DriftKind::Domain).unwrap()
    }

    async fn domain_state(&self) -> Option<DriftState> {
        self.domain().await.state
    }

    /// By vantage point.
    pub(crate) async fn domain_states(&self) -> Vec<(String, DriftState)> {
        let rows = self.drift().await.into_iter().filter(|row| row.kind == DriftKind::Domain);
        rows.filter_map(|row| Some((row.vantage, row.state?))).collect()
    }

    async fn changes(&self, subject: &str) -> Vec<DriftChangeResponse> {
        let query = DriftHistoryQuery { subject: Some(subject.to_owned()), ..DriftHistoryQuery::default() };
        self.service.list_drift_changes(&self.owner, self.path(), &query).await.unwrap().items
    }

    pub(crate) async fn states(&self, subject: &str) -> Vec<DriftState> {
        self.changes(subject).await.iter().rev().map(|change| change.after).collect()
    }

    pub(crate) async fn open_alerts(&self, kind: &str) -> Vec<AlertRow> {
        let tx = self.store.read().await.unwrap();
        let project = tx.load_project(&ProjectId::parse(&self.project).unwrap()).await.unwrap().unwrap();
        tx.list_open_alerts_of(&project.scope, kind).await.unwrap()
    }

    /// How often the audit log tells of a domain.
    pub(crate) async fn told(&self) -> usize {
        let events = self.audit().await;
        events.iter().filter(|event| event.action == "drift.changed" && event.target.kind == "domain").count()
    }
}

#[tokio::test]
async fn a_domain_of_the_live_release_is_looked_at_and_matches() {
    let watched = Watched::new().await;
    watched.plane.watch(NOW).await;
    let row = watched.plane.domain().await;
    assert_eq!(
        (row.state, row.subject.as_str(), row.vantage.as_str()),
        (Some(DriftState::Match), "127.0.0.1", "server")
    );
    assert_eq!((row.release, row.since, row.seen_at), (1, Some(NOW.as_secs()), Some(NOW.as_secs())));
    assert!(row.detail.contains("spki-sha256:"), "{}", row.detail);
    assert_eq!(watched.plane.told().await, 0, "that all is well is no event");
    let seen = watched.site.seen().connections;
    watched.plane.watch(at(1)).await;
    assert_eq!(watched.site.seen().connections, seen, "nothing is due");
    watched.plane.watch(at(2 * INTERVAL_SECS)).await;
    assert!(watched.site.seen().connections > seen);
}

#[tokio::test]
async fn another_key_is_told_once_and_so_is_its_end() {
    let watched = Watched::new().await;
    let plane = &watched.plane;
    plane.watch(NOW).await;
    let stranger = watched.root.issue(&["127.0.0.1"]);
    assert_eq!(watched.show(&stranger, at(6000)).await, Some(DriftState::Mismatch));
    for turn in 1..4 {
        assert_eq!(watched.show(&stranger, at(6000 * (turn + 1))).await, Some(DriftState::Mismatch));
    }
    assert_eq!(plane.told().await, 1);
    let told = plane.audit().await.into_iter().find(|event| event.action == "drift.changed").unwrap().after.unwrap();
    assert_eq!((told["state"].as_str(), told["vantage"].as_str()), (Some("mismatch"), Some("server")));
    assert!(told["detail"].as_str().unwrap().contains("pin_mismatch"), "{told}");
    // Once is no recovery; twice is, and the second look comes soon.
    assert_eq!(watched.show(&watched.first, at(40_000)).await, Some(DriftState::Mismatch));
    assert_eq!(watched.show(&watched.first, at(40_000 + RETRY_SECS)).await, Some(DriftState::Match));
    assert_eq!(plane.told().await, 2);
    assert_eq!(plane.states("127.0.0.1").await, [DriftState::Match, DriftState::Mismatch, DriftState::Match]);
}

#[tokio::test]
async fn a_certificate_is_told_before_it_ends_and_what_apps_refuse_moves_no_date() {
    let watched = Watched::new().await;
    let plane = &watched.plane;
    let lasting = |days: u64| {
        let now = NOW.as_secs();
        watched.root.renew_between(&["127.0.0.1"], &watched.first, now - 60..now + days * 86_400)
    };
    let told = async || plane.open_alerts("certificate_expiring").await.len();
    watched.show(&lasting(31), NOW).await;
    assert_eq!(told().await, 0);
    watched.show(&lasting(30), at(6000)).await;
    assert_eq!(told().await, 1);
    watched.show(&watched.stranger.issue(&["127.0.0.1"]), at(12_000)).await;
    assert_eq!((plane.domain_state().await, told().await), (Some(DriftState::UnexpectedIssuer), 1));
    watched.show(&lasting(90), at(18_000)).await;
    assert_eq!(told().await, 0);
    let short = watched.stranger.renew_between(&["127.0.0.1"], &watched.another(), 0..at(90_000).as_secs());
    watched.show(&short, at(24_000)).await;
    assert_eq!(told().await, 0, "nobody renews an attacker's");
    watched.show(&lasting(7), at(30_000)).await;
    assert_eq!(told().await, 1);
    let path = plane.path();
    let domains = plane.service.list_domains(&plane.owner, path, &ListQuery::default()).await.unwrap().items;
    plane.service.remove_domain(&plane.owner, path, &domains[0].id, None, NOW).await.unwrap();
    plane.go_live().await;
    plane.watch(at(30_001)).await;
    assert_eq!(told().await, 0, "what is not looked at any more");
}

#[tokio::test]
async fn members_have_one_alert_for_as_long_as_the_trouble_lasts() {
    let watched = Watched::new().await;
    let plane = &watched.plane;
    plane.watch(NOW).await;
    assert!(plane.open_alerts("certificate_expiring").await.is_empty());
    watched.show(&watched.backup, at(6000)).await;
    let alert = plane.open_alerts("drift_backup_only").await;
    assert_eq!((alert.len(), alert[0].subject.as_str()), (1, "127.0.0.1"));
    watched.show(&watched.root.issue(&["127.0.0.1"]), at(12_000)).await;
    assert!(plane.open_alerts("drift_backup_only").await.is_empty(), "another state took its place");
    assert_eq!(plane.open_alerts("drift_mismatch").await.len(), 1);
    watched.show(&watched.root.issue(&["127.0.0.1"]), at(18_000)).await;
    assert_eq!(plane.open_alerts("drift_mismatch").await.len(), 1);
    watched.show(&watched.first, at(24_000)).await;
    watched.show(&watched.first, at(24_000 + RETRY_SECS)).await;
    assert!(plane.open_alerts("drift_mismatch").await.is_empty());
}

#[tokio::test]
async fn what_is_released_no_more_is_no_trouble_any_more() {
    let watched = Watched::new().await;
    let plane = &watched.plane;
    watched.show(&watched.root.issue(&["127.0.0.1"]), NOW).await;
    assert_eq!(plane.open_alerts("drift_mismatch").await.len(), 1);
    let domains = plane.service.list_domains(&plane.owner, plane.path(), &ListQuery::default()).await.unwrap().items;
    plane.service.remove_domain(&plane.owner, plane.path(), &domains[0].id, None, NOW).await.unwrap();
    plane.go_live().await;
    plane.watch(NOW).await;
    assert!(plane.open_alerts("drift_mismatch").await.is_empty());
}

#[tokio::test]
async fn what_comes_and_goes_is_told_once() {
    let watched = Watched::new().await;
    watched.plane.watch(NOW).await;
    let stranger = watched.root.issue(&["127.0.0.1"]);
    for turn in 1..6 {
        let certificate = if turn % 2 == 0 { &watched.first } else { &stranger };
        assert_eq!(watched.show(certificate, at(6000 * turn)).await, Some(DriftState::Mismatch), "{turn}");
    }
    assert_eq!(watched.plane.told().await, 1);
}

#[tokio::test]
async fn the_backup_in_use_is_told_until_other_pins_are_released() {
    let watched = Watched::new().await;
    watched.plane.watch(NOW).await;
    assert_eq!(watched.show(&watched.backup, at(6000)).await, Some(DriftState::MatchOnlyByBackup));
    // Released once more with the same pins, nothing is better.
    watched.plane.go_live().await;
    assert_eq!(watched.show(&watched.backup, at(12_000)).await, Some(DriftState::MatchOnlyByBackup));
    let plane = &watched.plane;
    let mut domains = plane.service.list_domains(&plane.owner, plane.path(), &ListQuery::default()).await.unwrap();
    let domain = domains.items.remove(0);
    watched.plane.add_pin(&domain, 9).await.unwrap();
    watched.plane.go_live().await;
    watched.show(&watched.backup, at(18_000)).await;
    assert_eq!(watched.show(&watched.backup, at(18_000 + RETRY_SECS)).await, Some(DriftState::Match));
}

#[tokio::test]
async fn another_authority_is_an_unexpected_issuer_and_a_new_key_of_the_known_one_is_not() {
    let watched = Watched::new().await;
    watched.plane.watch(NOW).await;
    assert_eq!(watched.show(&watched.root.issue(&["127.0.0.1"]), at(6000)).await, Some(DriftState::Mismatch));
    let stranger = Authority::root("Stranger").issue(&["127.0.0.1"]);
    assert_eq!(watched.show(&stranger, at(12_000)).await, Some(DriftState::UnexpectedIssuer));
    // Whoever signs with the known name is not believed: nothing leads from there to a root that apps trust.
    let namesake = Authority::root("Root").issue(&["127.0.0.1"]);
    assert_eq!(watched.show(&namesake, at(18_000)).await, Some(DriftState::UnexpectedIssuer));
}

#[tokio::test]
async fn a_known_issuers_name_in_a_chain_that_leads_nowhere_is_nobodys_word() {
    let watched = Watched::new().await;
    watched.plane.watch(NOW).await;
    let forged = Authority::root("Root").issue(&["127.0.0.1"]);
    assert_eq!(watched.show(&forged, at(6000)).await, Some(DriftState::UnexpectedIssuer));
}

#[tokio::test]
async fn nobody_there_is_believed_after_three_looks_that_follow_soon() {
    let watched = Watched::new().await;
    let plane = &watched.plane;
    plane.watch(NOW).await;
    drop(watched.site);
    for turn in 0..3 {
        assert_eq!(plane.domain_state().await, Some(DriftState::Match), "{turn}");
        plane.watch(at(6000 + RETRY_SECS * turn)).await;
    }
    assert_eq!(plane.domain_state().await, Some(DriftState::Unreachable));
    assert_eq!(plane.told().await, 1);
}

#[tokio::test]
async fn only_what_is_released_is_looked_at() {
    let watched = Watched::new().await;
    let plane = &watched.plane;
    plane.watch(NOW).await;
    plane.add_reporting_domain("draft.example").await;
    plane.add_reporting_domain("*.draft.example").await;
    plane.watch(at(10_000)).await;
    assert_eq!(plane.drift().await.len(), 2, "the domain, and the place that apps fetch from");
    plane.go_live().await;
    plane.watch(at(20_000)).await;
    let rows = plane.drift().await;
    assert_eq!(rows.len(), 4);
    let wildcard = rows.iter().find(|row| row.subject == "*.draft.example").unwrap();
    assert_eq!(wildcard.state, Some(DriftState::NotLookedAt));
    // What is released no more is looked at no more.
    let domains = plane.service.list_domains(&plane.owner, plane.path(), &ListQuery::default()).await.unwrap().items;
    for domain in domains.iter().filter(|domain| domain.name != "127.0.0.1") {
        plane.service.remove_domain(&plane.owner, plane.path(), &domain.id, None, NOW).await.unwrap();
    }
    plane.go_live().await;
    plane.watch(at(30_000)).await;
    assert_eq!(plane.drift().await.len(), 2);
}

/// Apps decide a host by its most specific entry: what the wildcard watches there says nothing about the wildcard.
#[tokio::test]
async fn a_watched_host_of_another_entry_says_nothing_about_this_one() {
    let watched = Watched::new().await;
    let plane = &watched.plane;
    plane.add_reporting_domain("api.shop.example").await;
    let wildcard = plane.add_reporting_domain("*.shop.example").await;
    let watch = Some(vec!["api.shop.example".to_owned()]);
    let request = UpdateDomainRequest { watch, ..UpdateDomainRequest::default() };
    plane.service.update_domain(&plane.owner, plane.path(), &wildcard.id, &request, None, NOW).await.unwrap();
    plane.go_live().await;
    plane.watch(NOW).await;
    let rows = plane.drift().await;
    let found = rows.iter().find(|row| row.subject == "*.shop.example").unwrap();
    assert_eq!(found.state, Some(DriftState::NotLookedAt), "{found:?}");
}

#[tokio::test]
async fn an_entry_that_only_reports_is_told_of_all_the_same() {
    let watched = Watched::new().await;
    let plane = &watched.plane;
    let domain = plane.service.list_domains(&plane.owner, plane.path(), &ListQuery::default()).await.unwrap().items;
    let report = Some(Enforce::Word(pintle_api::EnforceWord::Report));
    let request = UpdateDomainRequest { enforce: report, ..UpdateDomainRequest::default() };
    plane.service.update_domain(&plane.owner, plane.path(), &domain[0].id, &request, None, NOW).await.unwrap();
    plane.go_live().await;
    plane.watch(NOW).await;
    assert_eq!(watched.show(&watched.root.issue(&["127.0.0.1"]), at(6000)).await, Some(DriftState::Mismatch));
    assert!(plane.domain().await.detail.contains("apps report it"), "{}", plane.domain().await.detail);
}

#[tokio::test]
async fn two_instances_look_at_a_domain_once() {
    let watched = Watched::new().await;
    let plane = &watched.plane;
    while plane.drift().await.is_empty() {
        plane.service.run_next_look(NOW).await.unwrap();
    }
    let (one, two) = tokio::join!(plane.service.run_next_look(NOW), plane.service.run_next_look(NOW));
    let turns = [one.unwrap(), two.unwrap()];
    assert!(turns.contains(&Progress::Done));
    // TLS 1.3, 1.2, RSA: whatever one look takes, and no second.
    let once = watched.site.seen().connections;
    plane.watch(at(2 * INTERVAL_SECS)).await;
    assert_eq!(watched.site.seen().connections, 2 * once);
}

#[tokio::test]
async fn a_look_that_was_lost_is_taken_up_again_and_a_clock_that_ran_ahead_stops_nothing() {
    let watched = Watched::new().await;
    let plane = &watched.plane;
    plane.watch(at(1_000_000)).await;
    let seen = watched.site.seen().connections;
    plane.watch(NOW).await;
    assert!(watched.site.seen().connections > seen, "due at a time that no interval reaches");
    let tx = plane.store.write().await.unwrap();
    let now = NOW.as_secs() + 2 * INTERVAL_SECS;
    assert!(!tx.lease_looks("server", "crashed", now, now + 180, now + 10_000, 8).await.unwrap().is_empty());
    tx.commit().await.unwrap();
    let seen = watched.site.seen().connections;
    plane.watch(UnixTime::from_secs(now)).await;
    assert_eq!(watched.site.seen().connections, seen, "somebody holds it");
    plane.watch(UnixTime::from_secs(now + 180)).await;
    assert!(watched.site.seen().connections > seen);
}

#[tokio::test]
async fn a_place_that_serves_an_old_or_foreign_file_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let cdn = Cdn::start(Reply::Status(404, Vec::new())).await;
    let www = Destination {
        name: "www".into(),
        place: format!("dir:{}", folder.path().display()).parse::<Place>().unwrap(),
        credentials: CredentialSource::Environment,
        offer: Offer::Everybody,
        public_url: Some(BaseUrl::dangerous_parse_http_loopback(cdn.url()).unwrap()),
        purge: None,
    };
    let plane = Plane::new().await.with_destinations(vec![www]).with_monitor(settings());
    plane.add_reporting_domain("*.a.example").await;
    plane.go_live().await;
    let old = plane.published("pins.jws").await.unwrap();
    plane.watch(NOW).await;
    let request = AddTargetRequest { destination: "www".into() };
    plane.service.add_target(&plane.owner, plane.path(), &request, NOW).await.unwrap();
    plane.add_reporting_domain("*.b.example").await;
    plane.go_live().await;
    let state = async |reply: Reply, secs: u64| {
        cdn.set(reply);
        for turn in 0..3 {
            plane.watch(at(secs + turn * RETRY_SECS)).await;
        }
        plane.drift().await.into_iter().find(|row| row.subject == cdn.url()).unwrap()
    };
    let new = plane.published("pins.jws").await.unwrap();
    assert_eq!(state(Reply::File(new.clone().into_bytes()), 6000).await.state, Some(DriftState::Match));
    let stale = state(Reply::File(old.into_bytes()), 20_000).await;
    assert_eq!(stale.state, Some(DriftState::Stale), "{}", stale.detail);
    let foreign = state(Reply::File(b"a.b.c".to_vec()), 40_000).await;
    assert_eq!(foreign.state, Some(DriftState::AnotherRelease), "{}", foreign.detail);
    assert_eq!(state(Reply::File(new.clone().into_bytes()), 60_000).await.state, Some(DriftState::Match));
    assert_eq!(state(Reply::Status(404, Vec::new()), 80_000).await.state, Some(DriftState::Unreachable));
}

#[tokio::test]
async fn history_is_kept_for_a_year_and_strangers_see_none_of_it() {
    let watched = Watched::new().await;
    let plane = &watched.plane;
    plane.watch(NOW).await;
    assert_eq!(plane.changes("127.0.0.1").await.len(), 1);
    let year = 365 * 86_400;
    plane.service.remove_old_events(at(year)).await.unwrap();
    assert_eq!(plane.changes("127.0.0.1").await.len(), 1);
    plane.service.remove_old_events(at(year + 1)).await.unwrap();
    assert!(plane.changes("127.0.0.1").await.is_empty());
    let stranger = plane.add_account("read edit release admin").await;
    assert_eq!(code(plane.service.list_drift(&stranger, plane.path(), &ListQuery::default()).await), "not_found");
    let auditor = plane.add_member(Role::Auditor).await;
    assert_eq!(code(plane.service.list_drift(&auditor, plane.path(), &ListQuery::default()).await), "ok");
}
