//! Two people release: what one submits, another agrees to.

use pintle_api::{
    AcceptReleaseRequest, Approval, ApproveReleaseRequest, FindingCode, FindingOverride, OverrideRequest, PinExpiry,
    PrepareReleaseRequest, ReleaseResponse, ReleaseState, Role, UpdatePinRequest, UpdateProjectRequest,
};
use pintle_core::UnixTime;
use pintle_service::{Actor, GuardError, Progress, ServiceError};

use crate::support::{NOW, Plane, code};

fn later(secs: u64) -> UnixTime {
    UnixTime::from_secs(NOW.as_secs() + secs)
}

impl Plane {
    async fn ask_for_a_second_person(&self) {
        let request =
            UpdateProjectRequest { approval: Some(Approval::SecondPerson), ..UpdateProjectRequest::default() };
        self.service.update_project(&self.owner, self.path(), &request, NOW).await.unwrap();
    }

    async fn approve(&self, actor: &Actor, release: &ReleaseResponse) -> Result<ReleaseResponse, ServiceError> {
        self.approve_at(actor, release, NOW).await
    }

    async fn approve_at(
        &self,
        actor: &Actor,
        release: &ReleaseResponse,
        now: UnixTime,
    ) -> Result<ReleaseResponse, ServiceError> {
        let request = ApproveReleaseRequest { claims_sha256: release.claims_sha256.clone() };
        self.service.approve_release(actor, self.path(), release.version, &request, now).await
    }

    async fn publish_at(&self, now: UnixTime) {
        assert_eq!(self.service.run_next_job(now).await.unwrap(), Progress::Done);
    }

    async fn state_of(&self, version: u64) -> ReleaseState {
        self.service.read_release(&self.owner, self.path(), version).await.unwrap().state
    }
}

#[tokio::test]
async fn a_release_of_one_person_waits_for_another() {
    let plane = Plane::new().await;
    let colleague = plane.add_member(Role::Publisher).await;
    let editor = plane.add_member(Role::Editor).await;
    plane.ask_for_a_second_person().await;
    let release = plane.release().await;
    assert_eq!(release.state, ReleaseState::AwaitingApproval);
    assert_eq!(plane.service.run_next_job(later(10)).await.unwrap(), Progress::Idle { next_at: None });
    assert_eq!(plane.published("pins.jws").await, None);

    assert_eq!(code(plane.approve(&plane.owner, &release).await), "approval_needs_another_person");
    assert_eq!(code(plane.approve(&editor, &release).await), "role_insufficient");
    let other = ReleaseResponse { claims_sha256: "0".repeat(64), ..release.clone() };
    assert_eq!(code(plane.approve(&colleague, &other).await), "claims_altered");
    assert_eq!(plane.state_of(1).await, ReleaseState::AwaitingApproval);

    let approved = plane.approve(&colleague, &release).await.unwrap();
    assert_eq!(
        (approved.state, approved.approved_by.as_deref()),
        (ReleaseState::Accepted, Some(colleague.account_id()))
    );
    assert_eq!(plane.approve(&colleague, &release).await.unwrap(), approved, "twice is once");
    plane.publish_at(NOW).await;
    assert_eq!(plane.state_of(1).await, ReleaseState::Live);
}

#[tokio::test]
async fn an_approved_release_still_waits_for_its_time() {
    let plane = Plane::new().await;
    let colleague = plane.add_member(Role::Admin).await;
    plane.ask_for_a_second_person().await;
    let jws = plane.sign(&plane.prepare_anyway().await);
    let request = AcceptReleaseRequest { jws, publish_at: Some(later(100).as_secs()) };
    let release = plane.service.accept_release(&plane.owner, plane.path(), &request, NOW).await.unwrap();
    assert_eq!(release.state, ReleaseState::AwaitingApproval);
    assert_eq!(plane.approve(&colleague, &release).await.unwrap().state, ReleaseState::Scheduled);
    plane.publish_at(later(100)).await;
    assert_eq!(plane.state_of(1).await, ReleaseState::Live);
}

/// Its only pin ends while it waits: what was fine when it was signed would cut every user off.
#[tokio::test]
async fn the_guard_looks_again_when_a_release_is_approved_and_minds_what_its_signer_meant() {
    const WEEK_SECS: u64 = 7 * 86_400;
    let plane = Plane::new().await;
    let colleague = plane.add_member(Role::Publisher).await;
    plane.ask_for_a_second_person().await;
    let domain = plane.add_domain("a.example").await.unwrap();
    let pin = plane.add_pin(&domain, 1).await.unwrap();
    let expiry = Some(PinExpiry::At(later(WEEK_SECS).as_secs()));
    let ends = UpdatePinRequest { expiry, ..UpdatePinRequest::default() };
    plane.service.update_pin(&plane.owner, plane.path(), &domain.id, &pin.id, &ends, None, NOW).await.unwrap();
    let waiting = plane.accept(&plane.sign(&plane.prepare().await.unwrap())).await.unwrap();

    let refused = plane.approve_at(&colleague, &waiting, later(WEEK_SECS)).await;
    let Err(ServiceError::Guard(GuardError::Refused { findings, errors })) = refused else {
        unreachable!("{refused:?}")
    };
    assert_eq!((findings[0].code, errors), (FindingCode::NoUsablePin, 1));
    assert_eq!(plane.state_of(waiting.version).await, ReleaseState::AwaitingApproval);
    assert_eq!(
        plane.approve_at(&colleague, &waiting, later(WEEK_SECS - 1)).await.unwrap().state,
        ReleaseState::Accepted
    );

    plane.service.remove_pin(&plane.owner, plane.path(), &domain.id, &pin.id, None, NOW).await.unwrap();
    let wanted = FindingOverride { code: FindingCode::NoUsablePin, domain: None };
    let meant = OverrideRequest { findings: vec![wanted], reason: "its server is gone".to_owned() };
    let request = PrepareReleaseRequest { override_request: Some(meant), ..PrepareReleaseRequest::default() };
    let prepared = plane.service.prepare_release(&plane.owner, plane.path(), &request, NOW).await.unwrap();
    let waiting = plane.accept(&plane.sign(&prepared)).await.unwrap();
    assert_eq!(plane.approve(&colleague, &waiting).await.unwrap().state, ReleaseState::Accepted);
}

#[tokio::test]
async fn a_later_release_makes_one_void_that_waits_for_its_approval() {
    let plane = Plane::new().await;
    let colleague = plane.add_member(Role::Publisher).await;
    plane.ask_for_a_second_person().await;
    let (low, high) = (plane.release().await, plane.release().await);
    plane.approve(&colleague, &high).await.unwrap();
    assert_eq!(code(plane.approve(&colleague, &low).await), "release_not_awaiting_approval");
    assert_eq!(plane.state_of(1).await, ReleaseState::Voided);
}

#[tokio::test]
async fn only_an_owner_does_away_with_the_second_person() {
    let plane = Plane::new().await;
    let admin = plane.add_member(Role::Admin).await;
    plane.ask_for_a_second_person().await;
    let request = UpdateProjectRequest { approval: Some(Approval::None), ..UpdateProjectRequest::default() };
    let set = async |actor| plane.service.update_project(actor, plane.path(), &request, NOW).await;
    assert_eq!(code(set(&admin).await), "role_insufficient");
    assert_eq!(set(&plane.owner).await.unwrap().approval, Approval::None);
    assert_eq!(plane.release().await.state, ReleaseState::Accepted);
}
