//! What CT sources tell the drift monitor: new certificates, unexpected issuers, lies and silence.

use std::{sync::Mutex, time::Duration};

use base64ct::{Base64, Encoding};
use pintle_api::{
    AddDomainRequest, AddPinRequest, AutoDraft, CtRequest, DriftState, Enforce, ListQuery, PinMatch, Trust,
};
use pintle_core::{UnixTime, crypto::sha256, der::Certificate};
use pintle_discover::{AddressPolicy, CertificateFacts, CtApi, CtSource, WebClient};
use pintle_service::{CtWatch, MonitorSettings, Progress, guard::LookSettings};
use pintle_store::{AlertRow, ObservedCertificateRow, ProjectId, Unsigned};
use pintle_testkit::{
    certificate::{Authority, SiteCertificate},
    web::{Answer, WebServer},
};

use crate::{
    drift::{at, key_pin, settings},
    support::{NOW, Plane},
};

const HOST: &str = "api.example.com";
const INTERVAL_SECS: u64 = 6000;
const RETRY_SECS: u64 = 1800;

/// A project with one domain, pinned to `own`, whose certificates apps have accepted.
struct World {
    plane: Plane,
    ours: Authority,
    own: SiteCertificate,
    sources: Vec<WebServer>,
}

/// What a source that speaks as Cert Spotter answers.
fn list(certificates: &[&SiteCertificate]) -> Answer {
    let entry = |one: &&SiteCertificate| format!(r#"{{"cert_der":"{}"}}"#, Base64::encode_string(one.leaf()));
    Answer::ok(format!("[{}]", certificates.iter().map(entry).collect::<Vec<_>>().join(",")))
}

impl World {
    async fn new() -> Self {
        Self::with_pin(|pin| pin).await
    }

    async fn with_pin(change: impl FnOnce(AddPinRequest) -> AddPinRequest) -> Self {
        let world = Box::pin(Self::unmet(change)).await;
        world.accept(&world.own).await;
        world
    }

    /// Of whose servers nothing was seen yet.
    async fn unmet(change: impl FnOnce(AddPinRequest) -> AddPinRequest) -> Self {
        let ours = Authority::root("Ours");
        let own = ours.issue(&[HOST]);
        let look = LookSettings::new(AddressPolicy::public());
        let plane = Plane::new().await.with_monitor(MonitorSettings { look, ..settings() });
        let request = AddDomainRequest {
            name: HOST.into(),
            enforce: Enforce::default(),
            trust: Trust::default(),
            ct: CtRequest::default(),
            auto_draft: AutoDraft::default(),
            // A port that nobody may look at: what servers show is another test's business.
            watch: vec![format!("{HOST}:9")],
        };
        let domain = plane.service.add_domain(&plane.owner, plane.path(), &request, None, NOW).await.unwrap();
        for pin in [change(key_pin(&own)), key_pin(&ours.issue(&[HOST]))] {
            plane.service.add_pin(&plane.owner, plane.path(), &domain.id, &pin, None, NOW).await.unwrap();
        }
        plane.go_live().await;
        Self { plane, ours, own, sources: Vec::new() }
    }

    /// As if apps had accepted it.
    async fn accept(&self, certificate: &SiteCertificate) {
        let leaf = Certificate::parse(certificate.leaf()).unwrap();
        let facts = CertificateFacts::parse(certificate.leaf()).unwrap();
        let project = ProjectId::parse(&self.plane.project).unwrap();
        let tx = self.plane.store.write().await.unwrap();
        let scope = tx.load_project(&project).await.unwrap().unwrap().scope;
        let row = ObservedCertificateRow {
            project_id: project,
            domain: HOST.into(),
            sha256: Base64::encode_string(&sha256(certificate.leaf())),
            spki_sha256: Base64::encode_string(&sha256(leaf.spki())),
            issuer: facts.issuer,
            not_after: facts.not_after.as_secs().into(),
            first_seen_at: NOW.as_secs().into(),
            last_seen_at: NOW.as_secs().into(),
            accepted_at: Some(Unsigned::from(NOW.as_secs())),
        };
        tx.save_observed_certificate(&scope, row, 50).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// From now on these sources answer so, the same every time; nothing of before is remembered.
    async fn told_by(mut self, answers: Vec<Answer>) -> Self {
        self.sources.clear();
        for answer in answers {
            let answer = Mutex::new(answer);
            self.sources.push(WebServer::start(move |_| answer.lock().unwrap().clone()).await);
        }
        let client = WebClient::new().unwrap().with_spacing(Duration::ZERO);
        let parse = |source: &WebServer| CtSource::parse(CtApi::CertSpotter, &source.url(), None).unwrap();
        let watch = CtWatch::new(client, self.sources.iter().map(parse).collect(), INTERVAL_SECS);
        Self { plane: self.plane.with_ct_watch(Some(watch)), ..self }
    }

    async fn state(&self, now: UnixTime) -> Option<DriftState> {
        self.plane.watch(now).await;
        self.plane.search_ct(now).await;
        self.plane.drift().await.into_iter().find(|row| row.vantage == "ct").unwrap().state
    }

    async fn detail(&self) -> String {
        self.plane.drift().await.into_iter().find(|row| row.vantage == "ct").unwrap().detail
    }

    async fn unpinned(&self) -> Vec<AlertRow> {
        self.plane.open_alerts("certificate_unpinned").await
    }

    async fn unexpected(&self) -> Vec<AlertRow> {
        self.plane.open_alerts("issuer_unexpected").await
    }
}

impl Plane {
    async fn search_ct(&self, now: UnixTime) -> Option<UnixTime> {
        loop {
            if let Progress::Idle { next_at } = self.service.run_next_ct_search(now).await.unwrap() {
                return next_at;
            }
        }
    }
}

#[tokio::test]
async fn a_new_certificate_that_no_pin_fits_is_told_once_and_so_is_its_pinning() {
    let world = World::new().await;
    let (before, new, newer) =
        (world.ours.issue(&[HOST]), world.ours.issue(&[HOST]), world.ours.issue(&["*.example.com"]));
    let world = world.told_by(vec![list(&[&before])]).await;
    assert_eq!(world.state(NOW).await, Some(DriftState::Match), "what was there before is no news");
    let world = world.told_by(vec![list(&[&before, &new])]).await;
    assert_eq!(world.state(at(10_000)).await, Some(DriftState::UnpinnedInCt));
    assert_eq!(world.state(at(20_000)).await, Some(DriftState::UnpinnedInCt));
    let alert = world.unpinned().await;
    assert_eq!((alert.len(), alert[0].subject.as_str()), (1, "api.example.com in CT"));
    assert_eq!(alert[0].told_at.value(), at(10_000).as_secs(), "once");
    let world = world.told_by(vec![list(&[&before, &new, &newer])]).await;
    world.state(at(30_000)).await;
    let alert = world.unpinned().await;
    assert_eq!((alert.len(), alert[0].told_at.value()), (1, at(30_000).as_secs()), "another one is told");
    for certificate in [&new, &newer] {
        world.pin(&key_pin(certificate)).await;
    }
    world.plane.go_live().await;
    world.state(at(40_000)).await;
    assert!(world.unpinned().await.is_empty());
    assert_eq!(world.state(at(50_000)).await, Some(DriftState::Match));
    let states = world.plane.states(HOST).await;
    assert!(states.ends_with(&[DriftState::Match, DriftState::UnpinnedInCt, DriftState::Match]), "{states:?}");
}

#[tokio::test]
async fn an_issuer_that_apps_never_met_is_told_even_of_what_was_there_before() {
    let world = World::new().await;
    let theirs = Authority::root("Theirs").issue(&[HOST]);
    let world = world.told_by(vec![list(&[&theirs])]).await;
    assert_eq!(world.state(NOW).await, Some(DriftState::UnexpectedIssuer));
    assert_eq!((world.unexpected().await.len(), world.unpinned().await.len()), (1, 0));
    assert!(world.detail().await.contains("CN=Theirs"), "{}", world.detail().await);
    // A pinned issuer excuses its own certificates, and nobody else's.
    let world = World::with_pin(|pin| AddPinRequest { pin_match: PinMatch::Any, ..pin }).await;
    let (theirs, ours) = (Authority::root("Theirs").issue(&[HOST]), world.ours.issue(&[HOST]));
    let world = world.told_by(vec![list(&[])]).await;
    world.state(NOW).await;
    let world = world.told_by(vec![list(&[&ours])]).await;
    assert_eq!(world.state(at(10_000)).await, Some(DriftState::Match));
    let world = world.told_by(vec![list(&[&theirs])]).await;
    assert_eq!(world.state(at(20_000)).await, Some(DriftState::UnexpectedIssuer));
}

#[tokio::test]
async fn a_key_that_apps_accepted_is_no_news_and_one_that_ended_none_any_more() {
    let world = World::new().await;
    let retired = world.ours.issue(&[HOST]);
    world.accept(&retired).await;
    let renewed = world.ours.renew(&[HOST], &retired);
    let world = world.told_by(vec![list(&[])]).await;
    world.state(NOW).await;
    let world = world.told_by(vec![list(&[&renewed])]).await;
    assert_eq!(world.state(at(10_000)).await, Some(DriftState::Match));
    let stranger = world.ours.issue(&[HOST]);
    let world = world.told_by(vec![list(&[&stranger])]).await;
    assert_eq!(world.state(at(20_000)).await, Some(DriftState::UnpinnedInCt));
    let over = UnixTime::from_secs(CertificateFacts::parse(stranger.leaf()).unwrap().not_after.as_secs() + 1);
    world.state(over).await;
    assert!(world.unpinned().await.is_empty());
}

#[tokio::test]
async fn a_source_that_forgets_or_is_silent_hides_nothing() {
    let world = World::new().await;
    let new = world.ours.issue(&[HOST]);
    let world = world.told_by(vec![list(&[])]).await;
    assert_eq!(world.state(NOW).await, Some(DriftState::Match));
    // One lies by leaving it out, one is down: the third is enough.
    let world = world.told_by(vec![list(&[]), Answer::status("500 No"), list(&[&new])]).await;
    assert_eq!(world.state(at(10_000)).await, Some(DriftState::UnpinnedInCt));
    assert!(world.detail().await.contains("status 500"), "{}", world.detail().await);
    let mut world = world;
    for (turn, answer) in [(2, list(&[])), (3, Answer::ok("<html>")), (4, Answer::status("500 No"))] {
        world = world.told_by(vec![answer]).await;
        assert_eq!(world.state(at(10_000 * turn)).await, Some(DriftState::UnpinnedInCt), "{turn}");
    }
    assert_eq!(world.unpinned().await.len(), 1);
    assert_eq!(world.plane.told().await, 1);
}

#[tokio::test]
async fn silence_is_no_peace_and_is_asked_again_soon() {
    let world = World::new().await.told_by(vec![Answer::status("500 No")]).await;
    assert_eq!(world.state(NOW).await, Some(DriftState::NotLookedAt));
    let asked = world.sources[0].asked().len();
    world.plane.search_ct(at(RETRY_SECS - 1)).await;
    assert_eq!(world.sources[0].asked().len(), asked, "politely");
    world.plane.search_ct(at(RETRY_SECS)).await;
    assert_eq!(world.sources[0].asked().len(), asked + 1);
    let own = World::new().await;
    let certificate = own.ours.issue(&[HOST]);
    let own = own.told_by(vec![list(&[])]).await;
    own.state(NOW).await;
    let own = own.told_by(vec![Answer::status("500 No")]).await;
    own.state(at(10_000)).await;
    let own = own.told_by(vec![list(&[&certificate])]).await;
    assert_eq!(own.state(at(20_000)).await, Some(DriftState::UnpinnedInCt), "an outage is no beginning");
}

#[tokio::test]
async fn a_domain_that_allows_it_has_keys_in_ct_proposed_but_not_those_of_strangers() {
    for (allowed, proposed) in [(AutoDraft::Live, 0), (AutoDraft::LiveAndCt, 1)] {
        let world = World::new().await;
        world.plane.allow(allowed).await;
        let (new, theirs) = (world.ours.issue(&[HOST]), Authority::root("Theirs").issue(&[HOST]));
        let world = world.told_by(vec![list(&[])]).await;
        world.state(NOW).await;
        let world = world.told_by(vec![list(&[&new, &theirs])]).await;
        assert_eq!(world.state(at(10_000)).await, Some(DriftState::UnexpectedIssuer));
        let digests = world.plane.proposed().await;
        assert_eq!(digests.len(), proposed);
        assert!(digests.iter().all(|digest| *digest == key_pin(&new).digest));
    }
}

#[tokio::test]
async fn before_apps_met_an_issuer_no_key_in_ct_is_proposed() {
    let world = World::unmet(|pin| pin).await;
    world.plane.allow(AutoDraft::LiveAndCt).await;
    let world = world.told_by(vec![list(&[])]).await;
    world.state(NOW).await;
    let theirs = Authority::root("Theirs").issue(&[HOST]);
    let world = world.told_by(vec![list(&[&theirs])]).await;
    assert_eq!(world.state(at(10_000)).await, Some(DriftState::UnpinnedInCt), "told it is");
    assert!(world.plane.proposed().await.is_empty());
}

#[tokio::test]
async fn a_flood_is_one_alert_and_no_full_disk() {
    let world = World::new().await;
    let world = world.told_by(vec![list(&[])]).await;
    world.state(NOW).await;
    let mut world = world;
    for turn in 1..=12 {
        let forged: Vec<_> = (0..20).map(|_| world.ours.issue(&[HOST])).collect();
        world = world.told_by(vec![list(&forged.iter().collect::<Vec<_>>())]).await;
        world.state(at(10_000 * turn)).await;
    }
    assert_eq!(world.unpinned().await.len(), 1);
    assert!(world.detail().await.contains("more than 200"), "{}", world.detail().await);
    let view = world.plane.store.read().await.unwrap();
    let scope = view.load_project(&ProjectId::parse(&world.plane.project).unwrap()).await.unwrap().unwrap().scope;
    assert_eq!(view.list_logged_certificates(&scope, HOST).await.unwrap().len(), 200);
}

#[tokio::test]
async fn what_is_released_no_more_is_forgotten_and_so_is_all_when_nobody_is_asked() {
    let world = World::new().await;
    let theirs = Authority::root("Theirs").issue(&[HOST]);
    let world = world.told_by(vec![list(&[&theirs])]).await;
    world.state(NOW).await;
    assert_eq!(world.unexpected().await.len(), 1);
    let world = World { plane: world.plane.with_ct_watch(None), ..world };
    world.plane.search_ct(NOW).await;
    assert!(world.unexpected().await.is_empty());
    assert!(world.plane.drift().await.iter().all(|row| row.vantage != "ct"));
    let world = world.told_by(vec![list(&[&theirs])]).await;
    world.state(at(1000)).await;
    assert_eq!(world.unexpected().await.len(), 1);
    let plane = &world.plane;
    let domains = plane.service.list_domains(&plane.owner, plane.path(), &ListQuery::default()).await.unwrap().items;
    plane.service.remove_domain(&plane.owner, plane.path(), &domains[0].id, None, NOW).await.unwrap();
    plane.go_live().await;
    plane.watch(at(2000)).await;
    assert!(world.unexpected().await.is_empty());
}

impl World {
    async fn pin(&self, pin: &AddPinRequest) {
        let plane = &self.plane;
        let domains =
            plane.service.list_domains(&plane.owner, plane.path(), &ListQuery::default()).await.unwrap().items;
        plane.service.add_pin(&plane.owner, plane.path(), &domains.first().unwrap().id, pin, None, NOW).await.unwrap();
    }
}
