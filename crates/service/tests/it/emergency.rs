//! Releases that were signed and published while no server was there, and the server that comes back.

use std::sync::Arc;

use base64ct::{Base64, Encoding};
use pintle_api::{
    AddTargetRequest, ApproveReleaseRequest, DraftOutcome, DraftPolicy, ReconcileRequest, ReconcileResponse,
    ReleaseState, Role, UpdateProjectRequest,
};
use pintle_core::{
    OrganizationId, ProjectId, Root, UnixTime,
    claims::{Claims, Pin, PinDigest, PinMatch},
};
use pintle_publish::{Address, Bucket, CredentialSource, DirectoryBucket, Publication, publish};
use pintle_service::{Destination, Offer, OriginBucket, Progress, ServiceError};
use pintle_sign::{Signer as _, SigningKey, canonical_claims};

use crate::support::{NOW, Plane, base_url, code, sign};

fn later(secs: u64) -> UnixTime {
    UnixTime::from_secs(NOW.as_secs() + secs)
}

/// A plane with one domain with two pins, released as number 1 and live; with a directory beside the built-in origin.
struct World {
    plane: Plane,
    directory: Arc<dyn Bucket>,
    _folder: tempfile::TempDir,
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let directory: Arc<dyn Bucket> = Arc::new(DirectoryBucket::new(folder.path()));
        let beside = directory.clone();
        let plane = Box::pin(Plane::with_buckets(|store| vec![Arc::new(OriginBucket::new(store)), beside])).await;
        let domain = plane.add_domain("api.example.com").await.unwrap();
        plane.add_pin(&domain, 1).await.unwrap();
        plane.add_pin(&domain, 2).await.unwrap();
        plane.release().await;
        assert_eq!(plane.service.run_next_job(NOW).await.unwrap(), Progress::Done);
        Self { plane, directory, _folder: folder }
    }

    fn root(&self) -> Root {
        let ids = (&self.plane.organization, &self.plane.project);
        let (organization, project) = (OrganizationId::parse(ids.0).unwrap(), ProjectId::parse(ids.1).unwrap());
        let root = Root::new(organization, project, self.plane.key.public_key(), vec![base_url()]).unwrap();
        root.with_recovery_key(self.plane.recovery_key.public_key()).unwrap()
    }

    async fn claims(&self) -> Claims {
        let jws = self.plane.published("pins.jws").await.unwrap();
        let root = self.root();
        let accepted = pintle_core::verify(jws.as_bytes(), &root, &Default::default(), NOW).unwrap();
        accepted.config.claims().clone()
    }

    /// A release as somebody makes it without a server: another pin, another number.
    async fn emergency(&self, version: u64, pin: u8) -> String {
        let mut claims = self.claims().await;
        claims.version = version;
        let pin = Pin { digest: PinDigest::SpkiSha256([pin; 32]), matches: PinMatch::Leaf, expires_at: None };
        claims.domains.first_mut().unwrap().pins.push(pin);
        sign(&self.plane.key, &canonical_claims(&claims))
    }

    async fn publish(&self, jws: &str) {
        let publication = Publication::verify(self.root(), jws.as_bytes().to_vec(), NOW).unwrap();
        let _ = publish(self.directory.as_ref(), &publication, NOW).await.unwrap();
    }

    async fn pointer(&self) -> String {
        let path = format!("{}/{}/pins.jws", self.plane.organization, self.plane.project);
        let stored = self.directory.read(&Address::parse(&path).unwrap()).await.unwrap().unwrap();
        String::from_utf8(stored.body).unwrap()
    }

    async fn reconcile(&self, files: &[&str], draft: DraftPolicy) -> ReconcileResponse {
        let files = files.iter().map(|jws| (*jws).to_owned()).collect();
        let request = ReconcileRequest { files, draft };
        self.plane.service.reconcile_releases(&self.plane.owner, self.plane.path(), &request, NOW).await.unwrap()
    }

    async fn pins(&self) -> Vec<String> {
        let draft = self.plane.service.read_draft(&self.plane.owner, self.plane.path(), NOW).await.unwrap();
        draft.domains.iter().flat_map(|domain| domain.pins.iter().map(|pin| pin.digest.clone())).collect()
    }

    async fn drain(&self) {
        while self.plane.service.run_next_job(later(600)).await.unwrap() == Progress::Done {}
    }

    async fn state(&self, version: u64) -> ReleaseState {
        self.plane.service.read_release(&self.plane.owner, self.plane.path(), version).await.unwrap().state
    }
}

fn versions(answer: &ReconcileResponse) -> Vec<u64> {
    answer.imported.iter().map(|release| release.version).collect()
}

/// A project's own target is read like those of the installation, with the operator's credentials.
#[tokio::test]
async fn what_the_projects_own_target_shows_is_found_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let own: Arc<dyn Bucket> = Arc::new(DirectoryBucket::new(folder.path()));
    let destination = Destination {
        name: "own".into(),
        place: format!("dir:{}", folder.path().display()).parse().unwrap(),
        credentials: CredentialSource::Environment,
        offer: Offer::Everybody,
        public_url: None,
        purge: None,
    };
    let World { plane, directory, _folder } = World::new().await;
    let world = World { plane: plane.with_destinations(vec![destination]), directory, _folder };
    let request = AddTargetRequest { destination: "own".into() };
    world.plane.service.add_target(&world.plane.owner, world.plane.path(), &request, NOW).await.unwrap();
    world.drain().await;

    let jws = world.emergency(1001, 9).await;
    let publication = Publication::verify(world.root(), jws.as_bytes().to_vec(), NOW).unwrap();
    let _ = publish(own.as_ref(), &publication, NOW).await.unwrap();
    let answer = world.reconcile(&[], DraftPolicy::Follow).await;
    assert_eq!(versions(&answer), [1001]);
    world.drain().await;
    assert_eq!(world.state(1001).await, ReleaseState::Live);
    assert_eq!((world.pointer().await, world.plane.published("pins.jws").await), (jws.clone(), Some(jws)));
}

#[tokio::test]
async fn the_server_goes_on_from_what_its_targets_show() {
    let world = World::new().await;
    // Prepared, and even signed, before the server went down.
    let stale = world.plane.prepare_anyway().await;
    let stale_jws = world.plane.sign(&stale);
    let jws = world.emergency(1001, 9).await;
    world.publish(&jws).await;

    let answer = world.reconcile(&[], DraftPolicy::Follow).await;
    assert_eq!(
        (versions(&answer), answer.known.as_slice(), answer.draft),
        (vec![1001], &[1][..], DraftOutcome::Replaced)
    );
    let imported = answer.imported.first().unwrap();
    assert!(imported.external && imported.approved_by.is_none());
    assert!(world.pins().await.contains(&Base64::encode_string(&[9; 32])));
    assert_eq!(code(world.plane.accept(&stale_jws).await), "config_rollback", "a lower preparation is void");

    world.drain().await;
    assert_eq!(world.state(1001).await, ReleaseState::Live);
    assert_eq!(world.plane.published("pins.jws").await.as_ref(), Some(&jws), "the built-in origin shows it as well");
    assert_eq!(world.plane.prepare_anyway().await.version, 1002);
    let actions: Vec<_> = world.plane.audit().await.into_iter().map(|record| record.action).collect();
    assert!(actions.iter().any(|action| action == "release.imported"), "{actions:?}");

    let again = world.reconcile(&[&jws], DraftPolicy::Follow).await;
    assert_eq!((versions(&again), again.known.as_slice(), again.draft), (vec![], &[1001][..], DraftOutcome::Unchanged));
    let events = world.plane.audit().await;
    assert_eq!(events.iter().filter(|record| record.action == "release.imported").count(), 1);
}

#[tokio::test]
async fn a_stale_outbox_does_not_overwrite_what_was_released_without_the_server() {
    let world = World::new().await;
    // Accepted, and the server dies before it publishes.
    world.plane.release().await;
    let jws = world.emergency(1001, 9).await;
    world.publish(&jws).await;
    world.drain().await;
    assert_eq!(world.pointer().await, jws, "the server comes back, and its job meets a higher release");
    assert_eq!(world.state(2).await, ReleaseState::Superseded);
    world.reconcile(&[], DraftPolicy::Follow).await;
    world.drain().await;
    assert_eq!((world.pointer().await, world.state(1001).await), (jws, ReleaseState::Live));
}

#[tokio::test]
async fn only_signatures_count() {
    let world = World::new().await;
    let thief = SigningKey::generate().unwrap();
    let genuine = world.emergency(1001, 9).await;
    let mut claims = world.claims().await;
    claims.version = 1002;
    let forged = sign(&thief, &canonical_claims(&claims));
    claims.project = ProjectId::parse("prj_other").unwrap();
    let foreign = sign(&world.plane.key, &canonical_claims(&claims));
    let (head, _) = genuine.rsplit_once('.').unwrap();
    let (_, signature) = forged.rsplit_once('.').unwrap();
    let tampered = format!("{head}.{signature}");
    // The same number as a release that the server has, and other claims.
    let twin = world.emergency(1, 9).await;
    let answer = world.reconcile(&[&forged, &foreign, &tampered, &twin, "garbage"], DraftPolicy::Follow).await;
    let codes: Vec<_> = answer.refused.iter().map(|refused| refused.code.as_str()).collect();
    assert_eq!(
        codes,
        [
            "config_key_unknown",
            "config_wrong_project",
            "config_signature_invalid",
            "config_malformed",
            "release_number_taken"
        ]
    );
    assert_eq!((versions(&answer), answer.draft), (vec![], DraftOutcome::Unchanged));
    assert_eq!(world.plane.service.run_next_job(later(600)).await.unwrap(), Progress::Idle { next_at: None });
    let too_many = ReconcileRequest { files: vec![String::new(); 33], draft: DraftPolicy::Keep };
    let answer = world.plane.service.reconcile_releases(&world.plane.owner, world.plane.path(), &too_many, NOW).await;
    assert_eq!(code(answer), "value_invalid");
}

#[tokio::test]
async fn numbers_ascend_and_what_is_lower_is_history() {
    let world = World::new().await;
    let (first, second) = (world.emergency(1001, 9).await, world.emergency(2001, 10).await);
    let answer = world.reconcile(&[&second, &first], DraftPolicy::Follow).await;
    assert_eq!(versions(&answer), [1001, 2001]);
    let late = world.emergency(1500, 11).await;
    let answer = world.reconcile(&[&late], DraftPolicy::Follow).await;
    assert_eq!((versions(&answer), answer.draft), (vec![1500], DraftOutcome::Unchanged));
    world.drain().await;
    assert_eq!(world.plane.published("pins.jws").await, Some(second));
    assert_eq!((world.state(1001).await, world.state(2001).await), (ReleaseState::Superseded, ReleaseState::Live));
    assert_eq!(world.state(1500).await, ReleaseState::Superseded);
    assert!(!world.pins().await.contains(&Base64::encode_string(&[11; 32])));
}

#[tokio::test]
async fn an_edited_draft_stays_until_somebody_says_otherwise() {
    let world = World::new().await;
    world.plane.add_domain("new.example.com").await.unwrap();
    let jws = world.emergency(1001, 9).await;
    let answer = world.reconcile(&[&jws], DraftPolicy::Follow).await;
    assert_eq!(answer.draft, DraftOutcome::Conflict);
    assert!(answer.draft_changes.iter().any(|change| change.subject.contains("new.example.com")));
    assert!(!world.pins().await.contains(&Base64::encode_string(&[9; 32])));
    let again = world.reconcile(&[&jws], DraftPolicy::Replace).await;
    assert_eq!((again.known.as_slice(), again.draft), (&[1, 1001][..], DraftOutcome::Replaced));
    let draft = world.plane.service.read_draft(&world.plane.owner, world.plane.path(), NOW).await.unwrap();
    assert_eq!(draft.changes, [], "the draft says what was released");
}

#[tokio::test]
async fn a_second_person_agrees_after_the_fact() {
    let world = World::new().await;
    let request =
        UpdateProjectRequest { approval: Some(pintle_api::Approval::SecondPerson), ..UpdateProjectRequest::default() };
    world.plane.service.update_project(&world.plane.owner, world.plane.path(), &request, NOW).await.unwrap();
    let jws = world.emergency(1001, 9).await;
    world.publish(&jws).await;
    let answer = world.reconcile(&[], DraftPolicy::Follow).await;
    let release = answer.imported.first().unwrap().clone();
    assert_eq!(release.state, ReleaseState::Accepted, "it is live out there: it waits for nobody");
    world.drain().await;

    let other = world.plane.add_member(Role::Publisher).await;
    let approve = async |actor, claims_sha256: &str| -> Result<_, ServiceError> {
        let request = ApproveReleaseRequest { claims_sha256: claims_sha256.to_owned() };
        world.plane.service.approve_release(actor, world.plane.path(), 1001, &request, NOW).await
    };
    let own = approve(&world.plane.owner, &release.claims_sha256).await;
    assert_eq!(code(own), "approval_needs_another_person");
    assert_eq!(code(approve(&other, &"0".repeat(64)).await), "claims_altered");
    let approved = approve(&other, &release.claims_sha256).await.unwrap();
    assert_eq!((approved.state, approved.approved_by.as_deref()), (ReleaseState::Live, Some(other.account_id())));
    assert_eq!(world.plane.last_event().await.action, "release.approved");
}

#[tokio::test]
async fn one_person_alone_gets_nothing_out_by_calling_it_an_emergency() {
    let world = World::new().await;
    let request =
        UpdateProjectRequest { approval: Some(pintle_api::Approval::SecondPerson), ..UpdateProjectRequest::default() };
    world.plane.service.update_project(&world.plane.owner, world.plane.path(), &request, NOW).await.unwrap();
    let before = world.pointer().await;
    let jws = world.emergency(1001, 9).await;
    let answer = world.reconcile(&[&jws], DraftPolicy::Follow).await;
    let release = answer.imported.first().unwrap().clone();
    assert_eq!((release.state, answer.draft), (ReleaseState::AwaitingApproval, DraftOutcome::Unchanged));
    world.drain().await;
    assert_eq!(world.pointer().await, before);
    let again = world.reconcile(&[&jws], DraftPolicy::Follow).await;
    assert_eq!((again.known.as_slice(), again.refused.len()), (&[1, 1001][..], 0));

    let request = ApproveReleaseRequest { claims_sha256: release.claims_sha256 };
    let other = world.plane.add_member(Role::Publisher).await;
    world.plane.service.approve_release(&other, world.plane.path(), 1001, &request, NOW).await.unwrap();
    world.drain().await;
    assert_eq!(world.pointer().await, jws);
}
