//! Changing the key of a server: where it stands, and a year of it.

use base64ct::{Base64, Encoding};
use pintle_api::{
    AcceptReleaseRequest, AddDomainRequest, AddPinRequest, CtRequest, DomainResponse, Enforce, PinMatch, PinOrigin,
    PinResponse, PinType, PrepareReleaseRequest, RotationResponse, StartRotationRequest, Trust,
};
use pintle_core::{
    OrganizationId, ProjectId, Root, State, UnixTime, VerifiedConfig,
    decide::{Configuration, Connection, Installation, Mode, decide},
    verify,
};
use pintle_discover::CertificateFacts;
use pintle_service::{
    Progress, ServiceError,
    guard::{Endpoint, Observation, Sight},
    rotation::{RotationPhase, ServedKey, judge_rotation},
};
use pintle_sign::Signer as _;
use pintle_testkit::certificate::{Authority, SiteCertificate, leaf_pin};

use crate::support::{NOW, Plane, base_url, code, pin, sign};

const HOST: &str = "api.example.com";
const DAY: u64 = 86_400;
const HOUR: u64 = 3600;

fn at(secs: u64) -> UnixTime {
    NOW.saturating_add_secs(secs)
}

impl Plane {
    async fn add_private_domain(&self) -> DomainResponse {
        let request = AddDomainRequest {
            name: HOST.into(),
            enforce: Enforce::default(),
            trust: Trust::Pins,
            ct: CtRequest::default(),
            auto_draft: pintle_api::AutoDraft::default(),
            watch: Vec::new(),
        };
        self.service.add_domain(&self.owner, self.path(), &request, None, NOW).await.unwrap()
    }

    async fn pin_key(&self, domain: &DomainResponse, site: &SiteCertificate, now: UnixTime) -> PinResponse {
        let request = AddPinRequest {
            pin_type: PinType::SpkiSha256,
            digest: leaf_pin(site.leaf()).digest.to_base64(),
            pin_match: PinMatch::Leaf,
            expires_at: None,
            source: PinOrigin::Csr,
            label: None,
        };
        self.service.add_pin(&self.owner, self.path(), &domain.id, &request, None, now).await.unwrap()
    }

    async fn start(
        &self,
        domain: &DomainResponse,
        next: &PinResponse,
        retiring: &[&PinResponse],
        now: UnixTime,
    ) -> Result<RotationResponse, ServiceError> {
        let retiring = retiring.iter().map(|pin| pin.id.clone()).collect();
        let request = StartRotationRequest { next: next.id.clone(), retiring, away_days: 7 };
        self.service.start_rotation(&self.owner, self.path(), &domain.id, &request, now).await
    }

    async fn read_rotation(&self, domain: &DomainResponse) -> RotationResponse {
        self.service.read_rotation(&self.owner, self.path(), &domain.id).await.unwrap()
    }

    async fn release_live(&self, now: UnixTime) {
        let request = PrepareReleaseRequest::default();
        let prepared = self.service.prepare_release(&self.owner, self.path(), &request, now).await.unwrap();
        let jws = sign(&self.key, &Base64::decode_vec(&prepared.claims).unwrap());
        let request = AcceptReleaseRequest { jws, publish_at: None };
        self.service.accept_release(&self.owner, self.path(), &request, now).await.unwrap();
        while self.service.run_next_job(now).await.unwrap() == Progress::Done {}
    }
}

fn see(site: &SiteCertificate) -> Vec<Observation> {
    let sight = Sight::Chain { address: None, chain: site.chain.clone(), ocsp_response: Vec::new() };
    vec![Observation { endpoint: Endpoint::parse(HOST).unwrap(), sights: vec![sight] }]
}

#[tokio::test]
async fn a_change_goes_from_draft_to_draft_and_can_be_left_at_every_step() {
    let plane = Plane::new().await;
    let authority = Authority::root("Rotation CA");
    let (old, new) = (authority.issue(&[HOST]), authority.issue(&[HOST]));
    let domain = plane.add_private_domain().await;
    let old_pin = plane.pin_key(&domain, &old, NOW).await;
    plane.release_live(NOW).await;
    let missing = plane.service.read_rotation(&plane.owner, plane.path(), &domain.id).await;
    assert_eq!(code(missing), "not_found");

    let next = plane.pin_key(&domain, &new, at(1)).await;
    let started = plane.start(&domain, &next, &[&old_pin], at(1)).await.unwrap();
    let window = 600 + 90 + 7 * DAY;
    assert_eq!((started.window_secs, started.live_since, started.safe_from), (window, None, None));
    let phase = |rotation: &RotationResponse, seen: &[Observation], now| judge_rotation(rotation, seen, now).phase;
    assert_eq!(phase(&started, &see(&old), at(1)), RotationPhase::NotReleased);

    plane.release_live(at(100)).await;
    plane.pin_key(&domain, &authority.issue(&[HOST]), at(200)).await;
    plane.release_live(at(300)).await;
    let spreading = plane.read_rotation(&domain).await;
    assert_eq!(spreading.live_since, Some(at(100).as_secs()), "a later release with it counts from the first");
    assert_eq!(spreading.safe_from, Some(at(100 + window).as_secs()));
    assert_eq!(phase(&spreading, &see(&old), at(100 + window - 1)), RotationPhase::Spreading);
    assert_eq!(phase(&spreading, &[], at(100 + window)), RotationPhase::Ready, "nothing is seen");
    let early = judge_rotation(&spreading, &see(&new), at(300));
    assert!(early.is_early && early.phase == RotationPhase::Switched);

    let both = [see(&old), see(&new)].concat();
    let standing = judge_rotation(&spreading, &both, at(100 + window));
    assert_eq!(standing.phase, RotationPhase::Switching);
    assert_eq!(
        standing.served.iter().map(|sight| sight.key).collect::<Vec<_>>(),
        [ServedKey::Retiring, ServedKey::Next]
    );
    let foreign = [see(&new), see(&authority.issue(&[HOST]))].concat();
    assert_eq!(phase(&spreading, &foreign, at(100 + window)), RotationPhase::Switching, "a key of nobody's");

    plane.service.remove_pin(&plane.owner, plane.path(), &domain.id, &old_pin.id, None, at(400)).await.unwrap();
    assert_eq!(phase(&plane.read_rotation(&domain).await, &see(&new), at(400)), RotationPhase::Retiring);
    plane.release_live(at(500)).await;
    assert_eq!(phase(&plane.read_rotation(&domain).await, &see(&new), at(500)), RotationPhase::Done);

    // A release without the next pin ends what was reached.
    plane.service.remove_pin(&plane.owner, plane.path(), &domain.id, &next.id, None, at(600)).await.unwrap();
    plane.release_live(at(600)).await;
    let lost = plane.read_rotation(&domain).await;
    assert_eq!((lost.live_since, phase(&lost, &see(&new), at(600))), (None, RotationPhase::NotDrafted));

    plane.service.end_rotation(&plane.owner, plane.path(), &domain.id, at(700)).await.unwrap();
    let again = plane.service.end_rotation(&plane.owner, plane.path(), &domain.id, at(700)).await;
    assert_eq!(code(again), "not_found");
    let actions: Vec<_> = plane.audit().await.into_iter().map(|record| record.action).collect();
    assert!(actions.contains(&"rotation.started".into()) && actions.contains(&"rotation.ended".into()), "{actions:?}");
}

#[tokio::test]
async fn only_pins_that_a_server_itself_can_match_are_changed() {
    let plane = Plane::new().await;
    let domain = plane.add_domain(HOST).await.unwrap();
    let key = plane.add_pin(&domain, 1).await.unwrap();
    let add = async |request: AddPinRequest| {
        plane.service.add_pin(&plane.owner, plane.path(), &domain.id, &request, None, NOW).await.unwrap()
    };
    let issuer = add(AddPinRequest { pin_match: PinMatch::Issuer, ..pin(2) }).await;
    let certificate = add(AddPinRequest { pin_type: PinType::CertSha256, ..pin(3) }).await;
    assert_eq!(code(plane.start(&domain, &issuer, &[], NOW).await), "value_invalid");
    assert_eq!(code(plane.start(&domain, &certificate, &[], NOW).await), "value_invalid");
    assert_eq!(code(plane.start(&domain, &key, &[&issuer], NOW).await), "value_invalid");
    let foreign = PinResponse { id: "pin_01kb0000000000000000000000".into(), ..key.clone() };
    assert_eq!(code(plane.start(&domain, &foreign, &[], NOW).await), "value_invalid");
    let ever = StartRotationRequest { next: key.id.clone(), retiring: Vec::new(), away_days: 366 };
    let refused = plane.service.start_rotation(&plane.owner, plane.path(), &domain.id, &ever, NOW).await;
    assert_eq!(code(refused), "value_invalid");
    plane.start(&domain, &key, &[&certificate, &key], NOW).await.unwrap();
    assert_eq!(plane.read_rotation(&domain).await.retiring.len(), 1, "a key is not retired in its own favour");
}

/// An app that connects with what it has, and then asks for news.
struct Device {
    every_secs: u64,
    held: VerifiedConfig,
    updated_at: UnixTime,
    refusals: Vec<UnixTime>,
}

impl Device {
    fn connect(&mut self, site: &SiteCertificate, now: UnixTime) {
        let presented: Vec<&[u8]> = site.chain.iter().map(AsRef::as_ref).collect();
        let connection = Connection::new(HOST, &presented);
        let installation = Installation { mode: Mode::Strict, draw: None, generation: 1 };
        let decision = decide(&connection, Configuration::Active(&self.held), &installation, now);
        if !decision.is_allowed() {
            self.refusals.push(now);
        }
    }
}

/// What a team does that follows the planner once a day and knows nothing else.
struct Team {
    plane: Plane,
    domain: DomainResponse,
    authority: Authority,
    serving: SiteCertificate,
    serving_pin: PinResponse,
    /// The key that is made, and its pin.
    next: Option<(SiteCertificate, PinResponse)>,
    switched_at: Vec<UnixTime>,
}

impl Team {
    async fn new() -> Self {
        let plane = Plane::new().await;
        let authority = Authority::root("A year's CA");
        let domain = plane.add_private_domain().await;
        let serving = certify(&authority, &authority.issue(&[HOST]), NOW);
        let serving_pin = plane.pin_key(&domain, &serving, NOW).await;
        plane.release_live(NOW).await;
        Self { plane, domain, authority, serving, serving_pin, next: None, switched_at: Vec::new() }
    }

    async fn work(&mut self, now: UnixTime) {
        let plane = &self.plane;
        let Some((next, next_pin)) = &self.next else { return self.begin(now).await };
        let rotation = plane.read_rotation(&self.domain).await;
        let standing = judge_rotation(&rotation, &see(&self.serving), now);
        match standing.phase {
            RotationPhase::NotReleased | RotationPhase::Retiring => plane.release_live(now).await,
            RotationPhase::Ready if standing.renewal.unwrap().expected_at <= now => {
                self.serving = certify(&self.authority, next, now);
                self.switched_at.push(now);
            }
            RotationPhase::Spreading | RotationPhase::Ready => {}
            RotationPhase::Switched => {
                let (domain, pin) = (&self.domain.id, &self.serving_pin.id);
                plane.service.remove_pin(&plane.owner, plane.path(), domain, pin, None, now).await.unwrap();
            }
            RotationPhase::Done => {
                plane.service.end_rotation(&plane.owner, plane.path(), &self.domain.id, now).await.unwrap();
                self.serving_pin = next_pin.clone();
                self.next = None;
            }
            RotationPhase::NotDrafted | RotationPhase::Switching => unreachable!("{:?}", standing.phase),
        }
    }

    /// A key for the next renewal, pinned as late as a team may be: the day before that is due.
    async fn begin(&mut self, now: UnixTime) {
        let due = CertificateFacts::parse(self.serving.leaf()).unwrap().not_after.as_secs() - 47 * DAY / 3;
        if due > now.as_secs() + DAY {
            return;
        }
        let key = self.authority.issue(&[HOST]);
        let pin = self.plane.pin_key(&self.domain, &key, now).await;
        self.plane.start(&self.domain, &pin, &[&self.serving_pin], now).await.unwrap();
        self.next = Some((key, pin));
    }

    fn fetch(&self, jws: &str, now: UnixTime) -> VerifiedConfig {
        let (organization, project) =
            (OrganizationId::parse(&self.plane.organization), ProjectId::parse(&self.plane.project));
        let key = self.plane.key.public_key();
        let root = Root::new(organization.unwrap(), project.unwrap(), key, vec![base_url()]).unwrap();
        verify(jws.as_bytes(), &root, &State::default(), now).unwrap().config
    }
}

/// 47 days, as certificates will be.
fn certify(authority: &Authority, key: &SiteCertificate, now: UnixTime) -> SiteCertificate {
    authority.renew_between(&[HOST], key, now.as_secs() - HOUR..now.as_secs() + 47 * DAY)
}

#[tokio::test]
async fn in_a_year_of_renewals_nobody_is_cut_off_who_was_online_within_the_window() {
    let mut team = Team::new().await;
    let first = team.fetch(&team.plane.published("pins.jws").await.unwrap(), NOW);
    let within = [1, 2, 5, 11, 24, 50, 3 * 24, 5 * 24, 7 * 24];
    let mut devices: Vec<_> = within
        .iter()
        .chain(&[40 * 24])
        .map(|hours| Device { every_secs: hours * HOUR, held: first.clone(), updated_at: NOW, refusals: Vec::new() })
        .collect();
    for hour in 1..=365 * 24 {
        let now = at(hour * HOUR);
        if hour % 24 == 12 {
            team.work(now).await;
        }
        let mut file = None;
        for device in devices.iter_mut().filter(|device| (hour * HOUR).is_multiple_of(device.every_secs)) {
            device.connect(&team.serving, now);
            if file.is_none() {
                let published = team.plane.published("pins.jws").await.unwrap();
                file = Some(team.fetch(&published, now));
            }
            device.held = file.clone().unwrap();
            device.updated_at = now;
        }
    }
    assert!(team.switched_at.len() >= 9, "{} renewals", team.switched_at.len());
    let (away, online) = devices.split_last_mut().unwrap();
    for device in online {
        assert_eq!(device.refusals, [], "online every {} h", device.every_secs / HOUR);
    }
    // The measure can fail: who comes by every 40 days misses a whole rotation.
    assert!(!away.refusals.is_empty());
}
