//! Releases between submission and apps: scheduled, approved, rolled back, withdrawn, void.

use std::sync::Arc;

use base64ct::{Base64, Encoding};
use pintle_api::{
    AcceptReleaseRequest, AcceptStatementRequest, CreateOrganizationRequest, CreateProjectRequest, DiffQuery,
    FindingCode, PrepareReleaseRequest, PreparedReleaseResponse, ReleaseContent, ReleaseKind, ReleaseResponse,
    ReleaseState, TargetState,
};
use pintle_core::{OrganizationId, ProjectId, UnixTime, claims::Claims};
use pintle_publish::{Address, DirectoryBucket};
use pintle_service::{OriginBucket, Progress, ProjectPath, ServiceError};
use pintle_sign::{Signer as _, SigningKey, make_statement};

use crate::{
    accounts::Town,
    support::{NOW, Plane, code, pin},
};

fn later(secs: u64) -> UnixTime {
    UnixTime::from_secs(NOW.as_secs() + secs)
}

fn claims(prepared: &PreparedReleaseResponse) -> Claims {
    Claims::parse(&Base64::decode_vec(&prepared.claims).unwrap()).unwrap()
}

impl Plane {
    async fn prepare_content(
        &self,
        content: ReleaseContent,
        now: UnixTime,
    ) -> Result<PreparedReleaseResponse, ServiceError> {
        let request = PrepareReleaseRequest { content, ..PrepareReleaseRequest::default() };
        self.service.prepare_release(&self.owner, self.path(), &request, now).await
    }

    /// Prepares, signs and submits what may be the same again, to be published at `publish_at`.
    async fn schedule(&self, publish_at: UnixTime) -> Result<ReleaseResponse, ServiceError> {
        let jws = self.sign(&self.prepare_anyway().await);
        let request = AcceptReleaseRequest { jws, publish_at: Some(publish_at.as_secs()) };
        self.service.accept_release(&self.owner, self.path(), &request, NOW).await
    }

    async fn publish(&self, now: UnixTime) {
        assert_eq!(self.service.run_next_job(now).await.unwrap(), Progress::Done);
    }

    async fn read(&self, version: u64) -> ReleaseResponse {
        self.service.read_release(&self.owner, self.path(), version).await.unwrap()
    }

    async fn state(&self, version: u64) -> ReleaseState {
        self.read(version).await.state
    }

    fn address(&self, file: &str) -> Address {
        Address::parse(&format!("{}/{}/{file}", self.organization, self.project)).unwrap()
    }
}

#[tokio::test]
async fn a_scheduled_release_is_published_at_its_time_and_not_before() {
    let plane = Plane::new().await;
    let release = plane.schedule(later(100)).await.unwrap();
    assert_eq!((release.state, release.publish_at), (ReleaseState::Scheduled, Some(later(100).as_secs())));
    let idle = Progress::Idle { next_at: Some(later(100)) };
    assert_eq!(plane.service.run_next_job(later(99)).await.unwrap(), idle);
    assert_eq!(plane.published("pins.jws").await, None);
    plane.publish(later(100)).await;
    assert_eq!(plane.state(1).await, ReleaseState::Live);
}

#[tokio::test]
async fn a_release_is_scheduled_between_now_and_its_end() {
    let plane = Plane::new().await;
    for at in [NOW, later(90 * 86_400)] {
        assert_eq!(code(plane.schedule(at).await), "publish_at_invalid");
    }
    assert_eq!(code(plane.schedule(later(90 * 86_400 - 1)).await), "ok");
}

#[tokio::test]
async fn a_release_that_goes_out_makes_every_lower_one_void_that_waits() {
    let plane = Plane::new().await;
    let prepared = plane.sign(&plane.prepare_anyway().await);
    plane.schedule(later(100)).await.unwrap();
    plane.schedule(later(50)).await.unwrap();
    // The higher one comes first.
    plane.publish(later(50)).await;
    assert_eq!((plane.state(2).await, plane.state(3).await), (ReleaseState::Voided, ReleaseState::Live));
    assert_eq!(code(plane.accept(&prepared).await), "config_rollback");
    assert_eq!(plane.service.run_next_job(later(100)).await.unwrap(), Progress::Idle { next_at: None });
    assert_eq!(plane.published("pins.jws").await, plane.published("releases/3.jws").await);
    assert_eq!(plane.published("releases/2.jws").await, None);
}

#[tokio::test]
async fn a_release_that_waits_holds_up_nothing() {
    let plane = Plane::new().await;
    let lower = plane.sign(&plane.prepare_anyway().await);
    plane.schedule(later(100)).await.unwrap();
    assert_eq!(plane.accept(&lower).await.unwrap().state, ReleaseState::Accepted, "nobody has seen the higher one");
    plane.publish(NOW).await;
    plane.publish(later(100)).await;
    assert_eq!((plane.state(1).await, plane.state(2).await), (ReleaseState::Superseded, ReleaseState::Live));
}

#[tokio::test]
async fn what_waits_can_be_taken_back_and_what_went_out_cannot() {
    let plane = Plane::new().await;
    plane.schedule(later(100)).await.unwrap();
    let cancel = async |version| plane.service.cancel_release(&plane.owner, plane.path(), version, NOW).await;
    assert_eq!(cancel(1).await.unwrap().state, ReleaseState::Cancelled);
    assert_eq!(cancel(1).await.unwrap().state, ReleaseState::Cancelled, "twice is once");
    assert_eq!(plane.service.run_next_job(later(100)).await.unwrap(), Progress::Idle { next_at: None });
    assert_eq!(plane.release().await.version, 2, "its number is not given again");
    assert_eq!(code(cancel(2).await), "release_not_pending");
    assert_eq!(code(cancel(3).await), "not_found");
}

#[tokio::test]
async fn another_key_makes_void_what_waits() {
    let plane = Plane::new().await;
    plane.release().await;
    plane.schedule(later(100)).await.unwrap();
    let next = SigningKey::generate().unwrap().public_key();
    let ids = (OrganizationId::parse(&plane.organization).unwrap(), ProjectId::parse(&plane.project).unwrap());
    let jws = make_statement(&plane.recovery_key, &ids.0, &ids.1, 1, NOW, &next).unwrap();
    let request = AcceptStatementRequest { jws };
    plane.service.accept_statement(&plane.owner, plane.path(), &request, NOW).await.unwrap();
    assert_eq!(plane.state(2).await, ReleaseState::Voided, "its signer may be the thief");
    plane.publish(NOW).await;
    assert_eq!(plane.service.run_next_job(later(100)).await.unwrap(), Progress::Idle { next_at: None });
}

#[tokio::test]
async fn rolling_back_is_releasing_old_content_anew_and_leaves_the_draft_alone() {
    let plane = Plane::new().await;
    let domain = plane.add_domain("a.example").await.unwrap();
    plane.add_pin(&domain, 1).await.unwrap();
    plane.release().await;
    plane.add_reporting_domain("b.example").await;
    plane.release().await;
    let draft = plane.service.read_draft(&plane.owner, plane.path(), later(50)).await.unwrap();

    let prepared = plane.prepare_content(ReleaseContent::Release(1), later(50)).await.unwrap();
    let content = claims(&prepared);
    assert_eq!((content.version, content.issued_at, content.domains.len()), (3, later(50), 1));
    assert_eq!(content.expires_at, Some(later(50 + 90 * 86_400)), "valid as long as the old one was");
    assert_eq!(prepared.changes.len(), 1, "what is taken back is shown: {:?}", prepared.changes);
    assert!(prepared.findings.iter().any(|finding| finding.code == FindingCode::NoBackupPin));
    let release = plane.accept(&plane.sign(&prepared)).await.unwrap();
    assert_eq!((release.version, release.state), (3, ReleaseState::Accepted));

    let after = plane.service.read_draft(&plane.owner, plane.path(), later(50)).await.unwrap();
    assert_eq!((after.revision, &after.domains), (draft.revision, &draft.domains), "nothing is lost");
    assert_eq!(after.changes.len(), 1, "and the draft shows what it would bring back");
    assert_eq!(code(plane.prepare_content(ReleaseContent::Release(1), NOW).await), "draft_unchanged");
    assert_eq!(code(plane.prepare_content(ReleaseContent::Release(9), NOW).await), "not_found");
}

#[tokio::test]
async fn rolling_back_to_pins_that_expired_is_refused() {
    let plane = Plane::new().await;
    let domain = plane.add_domain("a.example").await.unwrap();
    let mut short = pin(1);
    short.expires_at = Some(later(10).as_secs());
    plane.service.add_pin(&plane.owner, plane.path(), &domain.id, &short, None, NOW).await.unwrap();
    plane.release().await;
    plane.add_reporting_domain("b.example").await;
    plane.release().await;
    assert_eq!(code(plane.prepare_content(ReleaseContent::Release(1), later(10)).await), "guard_refused");
}

#[tokio::test]
async fn a_session_withdraws_only_while_it_is_fresh() {
    let town = Town::new().await;
    town.add_ada().await;
    let ada = town.actor(&town.sign_in(NOW).await, NOW).await.unwrap();
    let request = CreateOrganizationRequest { name: "Acme".into() };
    let organization = town.service.create_organization(&ada, &request, NOW).await.unwrap().id;
    let request = CreateProjectRequest { name: "Shop".into(), environment: "production".into(), key: None };
    let project = town.service.create_project(&ada, &organization, &request, NOW).await.unwrap().id;
    let path = ProjectPath { organization: &organization, project: &project };
    let prepare = async |content, now| {
        let request = PrepareReleaseRequest { content, ..PrepareReleaseRequest::default() };
        code(town.service.prepare_release(&ada, path, &request, now).await)
    };
    assert_eq!(prepare(ReleaseContent::Withdrawal, later(601)).await, "step_up_needed");
    assert_eq!(prepare(ReleaseContent::Withdrawal, NOW).await, "key_missing");
    assert_eq!(prepare(ReleaseContent::Draft, later(601)).await, "key_missing", "releasing is everyday work");
}

#[tokio::test]
async fn a_withdrawal_stays_where_apps_look_and_takes_the_rest_away() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().to_owned();
    let plane =
        Plane::with_buckets(|store| vec![Arc::new(OriginBucket::new(store)), Arc::new(DirectoryBucket::new(target))])
            .await;
    assert_eq!(code(plane.prepare_content(ReleaseContent::Withdrawal, NOW).await), "nothing_released");
    plane.add_reporting_domain("a.example").await;
    plane.release().await;
    plane.publish(NOW).await;
    assert!(!plane.service.is_withdrawn(&plane.address("pins.jws")).await.unwrap());

    let prepared = plane.prepare_content(ReleaseContent::Withdrawal, NOW).await.unwrap();
    let said = claims(&prepared);
    assert!(said.withdrawn && said.domains.is_empty() && said.expires_at.is_none());
    let jws = plane.sign(&prepared);
    let withdrawn = plane.accept(&jws).await.unwrap();
    assert_eq!((withdrawn.version, withdrawn.kind), (2, ReleaseKind::Withdrawal));
    plane.publish(later(1)).await;
    assert_eq!(plane.published("pins.jws").await.as_ref(), Some(&jws));
    assert_eq!(plane.published("releases/2.jws").await.as_ref(), Some(&jws));
    assert_eq!(plane.published("releases/1.jws").await, None);
    let on_disk = |file: &str| folder.path().join(plane.address(file).to_string());
    assert_eq!(std::fs::read_to_string(on_disk("pins.jws")).unwrap(), jws);
    assert!(!on_disk("releases/1.jws").exists());
    assert!(plane.service.is_withdrawn(&plane.address("releases/1.jws")).await.unwrap());
    let project = plane.service.read_project(&plane.owner, plane.path()).await.unwrap();
    assert_eq!(project.withdrawn_at, Some(later(1).as_secs()));

    // What served before serves again, under a higher number.
    assert_eq!(code(plane.prepare_content(ReleaseContent::Release(2), NOW).await), "release_is_withdrawal");
    let restored = plane.sign(&plane.prepare_content(ReleaseContent::Release(1), later(2)).await.unwrap());
    plane.accept(&restored).await.unwrap();
    plane.publish(later(2)).await;
    assert_eq!(plane.published("pins.jws").await.as_ref(), Some(&restored));
    assert!(!plane.service.is_withdrawn(&plane.address("releases/1.jws")).await.unwrap());
}

#[tokio::test]
async fn what_became_of_a_release_is_told_for_every_target() {
    let folder = tempfile::tempdir().unwrap();
    let blocked = folder.path().join("blocked");
    std::fs::write(&blocked, b"a file, not a directory").unwrap();
    let target = blocked.clone();
    let plane =
        Plane::with_buckets(|store| vec![Arc::new(OriginBucket::new(store)), Arc::new(DirectoryBucket::new(target))])
            .await;
    let states = |release: &ReleaseResponse| release.targets.iter().map(|target| target.state).collect::<Vec<_>>();
    assert_eq!(states(&plane.release().await), [TargetState::Waiting, TargetState::Waiting]);
    assert_eq!(plane.service.run_next_job(NOW).await.unwrap(), Progress::Postponed);
    let half = plane.read(1).await;
    assert_eq!(states(&half), [TargetState::Live, TargetState::Failed]);
    assert!(half.targets[1].error.as_ref().is_some_and(|error| error.contains("releases/1.jws")), "{half:?}");
    assert_eq!(half.live_at, None);

    std::fs::remove_file(&blocked).unwrap();
    plane.publish(later(2)).await;
    let live = plane.read(1).await;
    assert_eq!(states(&live), [TargetState::Live, TargetState::Live]);
    assert_eq!(live.targets[0].live_at, Some(NOW.as_secs()), "since it was seen there first");
    assert_eq!((live.targets[1].error.as_ref(), live.targets[1].live_at), (None, Some(later(2).as_secs())));
    assert_eq!(live.live_at, Some(later(2).as_secs()), "on every target");
}

#[tokio::test]
async fn two_releases_and_the_draft_can_be_compared_in_any_direction() {
    let plane = Plane::new().await;
    let diff = async |from: Option<&str>, to: Option<&str>| {
        let query = DiffQuery { from: from.map(str::to_owned), to: to.map(str::to_owned) };
        let answer = plane.service.diff(&plane.owner, plane.path(), &query, NOW).await?;
        Ok::<_, ServiceError>(answer.changes.iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    assert_eq!(diff(None, None).await.unwrap().len(), 3, "before the first release everything is new");
    plane.release().await;
    plane.add_reporting_domain("a.example").await;
    plane.release().await;
    let added = "+ domain a.example: enforce report, trust platform".to_owned();
    assert_eq!(diff(Some("1"), Some("2")).await.unwrap(), std::slice::from_ref(&added));
    assert_eq!(diff(Some("1"), None).await.unwrap(), [added]);
    assert_eq!(
        diff(Some("draft"), Some("1")).await.unwrap(),
        ["- domain a.example: was enforce report, trust platform"]
    );
    assert!(diff(None, None).await.unwrap().is_empty());
    assert_eq!(code(diff(Some("3"), None).await), "not_found");
    assert_eq!(code(diff(Some("last"), None).await), "value_invalid");
}
