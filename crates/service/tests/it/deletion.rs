//! Deleting: hidden at once, gone from every target, erased for good later.

use pintle_api::{CreateOrganizationRequest, ListQuery};
use pintle_core::UnixTime;
use pintle_publish::{Address, Bucket};
use pintle_service::{OriginBucket, Progress};

use crate::{
    accounts::{Town, at},
    support::{NOW, Plane, code},
};

const DAYS_30: u64 = 30 * 86_400;

async fn run_jobs(plane: &Plane, now: UnixTime) {
    while !matches!(plane.service.run_next_job(now).await.unwrap(), Progress::Idle { .. }) {}
}

impl Plane {
    async fn with_a_live_release() -> Self {
        let plane = Self::new().await;
        let domain = plane.add_domain("api.example.com").await.unwrap();
        plane.add_pin(&domain, 1).await.unwrap();
        plane.release().await;
        run_jobs(&plane, NOW).await;
        plane
    }

    async fn serves(&self, file: &str) -> bool {
        let address = Address::parse(&format!("{}/{}/{file}", self.organization, self.project)).unwrap();
        OriginBucket::new(self.store.clone()).read(&address).await.unwrap().is_some()
    }
}

#[tokio::test]
async fn a_deleted_project_is_hidden_unpublished_and_later_erased() {
    let plane = Plane::with_a_live_release().await;
    assert!(plane.serves("pins.jws").await);

    let answer = plane.service.delete_project(&plane.owner, plane.path(), NOW).await.unwrap();
    assert_eq!(answer.erased_at, NOW.as_secs() + DAYS_30);
    assert_eq!(code(plane.service.read_project(&plane.owner, plane.path()).await), "not_found");
    assert!(
        plane
            .service
            .list_projects(&plane.owner, &plane.organization, &ListQuery::default())
            .await
            .unwrap()
            .items
            .is_empty()
    );
    run_jobs(&plane, NOW).await;
    for file in ["pins.jws", "pintle.json", "releases/1.jws"] {
        assert!(!plane.serves(file).await, "{file}");
    }
    // Its name is free for another one at once.
    let another = plane.add_project("production").await;
    assert_ne!(another, plane.project);

    let id = pintle_store::ProjectId::parse(&plane.project).unwrap();
    assert!(plane.store.read().await.unwrap().find_deleted_project(&id).await.unwrap().is_some());
    run_jobs(&plane, UnixTime::from_secs(answer.erased_at - 1)).await;
    assert!(plane.store.read().await.unwrap().find_deleted_project(&id).await.unwrap().is_some());
    run_jobs(&plane, UnixTime::from_secs(answer.erased_at)).await;
    assert!(plane.store.read().await.unwrap().find_deleted_project(&id).await.unwrap().is_none());
    assert_eq!(
        plane
            .service
            .list_projects(&plane.owner, &plane.organization, &ListQuery::default())
            .await
            .unwrap()
            .items
            .len(),
        1
    );
}

#[tokio::test]
async fn a_release_that_is_still_on_its_way_never_arrives() {
    let plane = Plane::new().await;
    plane.release().await;
    plane.service.delete_project(&plane.owner, plane.path(), NOW).await.unwrap();
    run_jobs(&plane, NOW).await;
    assert!(!plane.serves("pins.jws").await);
}

#[tokio::test]
async fn what_a_late_publisher_wrote_is_removed_again() {
    let plane = Plane::with_a_live_release().await;
    let address = Address::parse(&format!("{}/{}/pins.jws", plane.organization, plane.project)).unwrap();
    let bucket = OriginBucket::new(plane.store.clone());
    let file = bucket.read(&address).await.unwrap().unwrap().body;
    plane.service.delete_project(&plane.owner, plane.path(), NOW).await.unwrap();
    run_jobs(&plane, NOW).await;
    bucket.write(&address, &file, &pintle_publish::Condition::Absent).await.unwrap();
    run_jobs(&plane, NOW.saturating_add_secs(300)).await;
    assert!(!plane.serves("pins.jws").await);
}

#[tokio::test]
async fn a_deleted_organization_goes_with_everything_in_it_and_its_log() {
    let plane = Plane::with_a_live_release().await;
    let answer = plane.service.delete_organization(&plane.owner, &plane.organization, NOW).await.unwrap();
    assert_eq!(code(plane.service.read_organization(&plane.owner, &plane.organization).await), "not_found");
    assert_eq!(code(plane.service.read_project(&plane.owner, plane.path()).await), "not_found");
    run_jobs(&plane, NOW).await;
    assert!(!plane.serves("pins.jws").await);

    run_jobs(&plane, UnixTime::from_secs(answer.erased_at)).await;
    let tx = plane.store.read().await.unwrap();
    let id = pintle_store::OrganizationId::parse(&plane.organization).unwrap();
    assert!(tx.list_projects_of(&id).await.unwrap().is_empty());
    let installation = pintle_store::AuditChain::installation();
    let left = tx.list_audit_events(&installation, 0, 100).await.unwrap();
    let actions: Vec<&str> = left.iter().map(|event| event.action.as_str()).collect();
    assert_eq!(actions, ["installation.set_up", "organization.deleted", "organization.erased"]);
}

#[tokio::test]
async fn a_deleted_account_is_gone_at_once_and_its_person_from_the_log_later() {
    let town = Town::new().await;
    town.add_ada().await;
    let secret = town.sign_in(NOW).await;
    let ada = town.actor(&secret, NOW).await.unwrap();
    let request = CreateOrganizationRequest { name: "Acme".into() };
    let organization = town.service.create_organization(&ada, &request, NOW).await.unwrap().id;

    assert_eq!(code(town.service.delete_account(&ada, at(601)).await), "step_up_needed");
    assert_eq!(code(town.service.delete_account(&ada, NOW).await), "last_owner");
    town.service.delete_organization(&ada, &organization, NOW).await.unwrap();
    let answer = town.service.delete_account(&ada, NOW).await.unwrap();
    assert_eq!(answer.erased_at, NOW.as_secs() + DAYS_30);
    assert_eq!(code(town.actor(&secret, NOW).await), "session_invalid");
    assert!(town.try_sign_in("ada@example.com", "elf twigs hum so", "a", NOW).await.is_err());
    // The address is free: somebody may come back with it.
    town.add_ada().await;

    let account = pintle_store::AccountId::parse(ada.account_id()).unwrap();
    let installation = pintle_store::AuditChain::installation();
    let of_ada = async || {
        let values = town.store.read().await.unwrap().list_audit_personal(&installation, 0, 1000).await.unwrap();
        values.into_iter().filter(|value| value.account_id.as_ref() == Some(&account)).count()
    };
    assert_ne!(of_ada().await, 0);
    let later = UnixTime::from_secs(answer.erased_at);
    while !matches!(town.service.run_next_job(later).await.unwrap(), Progress::Idle { .. }) {}
    assert_eq!(of_ada().await, 0);
}
