//! Two people release: what one submits, another agrees to.

use pintle_api::{
    AcceptReleaseRequest, Approval, ApproveReleaseRequest, ReleaseResponse, ReleaseState, Role, UpdateProjectRequest,
};
use pintle_core::UnixTime;
use pintle_service::{Actor, Progress, ServiceError};

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
        let request = ApproveReleaseRequest { claims_sha256: release.claims_sha256.clone() };
        self.service.approve_release(actor, self.path(), release.version, &request, NOW).await
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
