//! Projects: renamed, copied, limited by the operator's plan; and what is said about their pins.

use pintle_api::{
    CopyProjectRequest, CreateOrganizationRequest, CreateProjectRequest, PinExpiry, PinOrigin, RegisterKeyRequest,
    UpdatePinRequest, UpdateProjectRequest,
};
use pintle_service::{Plan, ProjectPath, ServiceError};
use pintle_sign::{Signer, SigningKey};

use crate::support::{NOW, Plane, code, pin};

#[tokio::test]
async fn a_project_is_renamed_and_keeps_its_id() {
    let plane = Plane::new().await;
    plane.add_project("staging").await;
    let set = async |name: Option<&str>, environment: Option<&str>| {
        let request = UpdateProjectRequest {
            name: name.map(str::to_owned),
            environment: environment.map(str::to_owned),
            ..UpdateProjectRequest::default()
        };
        plane.service.update_project(&plane.owner, plane.path(), &request, NOW).await
    };
    let renamed = set(Some("Shop"), Some("live")).await.unwrap();
    assert_eq!(
        (renamed.name.as_str(), renamed.environment.as_str(), renamed.id),
        ("Shop", "live", plane.project.clone())
    );
    assert_eq!(code(set(Some("App"), Some("staging")).await), "already_exists");
    assert_eq!(code(set(Some(""), None).await), "value_invalid");
    assert_eq!(code(set(None, Some("Live")).await), "value_invalid");
}

#[tokio::test]
async fn a_copy_has_everything_but_key_releases_and_ids() {
    let plane = Plane::new().await;
    let domain = plane.add_domain("Bücher.example").await.unwrap();
    let mut labelled = pin(1);
    (labelled.label, labelled.source) = (Some("today".into()), PinOrigin::Fetched);
    plane.service.add_pin(&plane.owner, plane.path(), &domain.id, &labelled, None, NOW).await.unwrap();
    plane.release().await;
    let key = SigningKey::generate().unwrap().public_key();
    let request = CopyProjectRequest {
        name: None,
        environment: "production-2".into(),
        key: Some(RegisterKeyRequest { public_key: key.to_base64(), recovery_key: None }),
    };
    let copied = plane.service.copy_project(&plane.owner, plane.path(), &request, NOW).await.unwrap();
    assert_eq!((copied.name.as_str(), copied.key.unwrap().kid), ("App", key.kid().to_string()));
    assert_eq!(copied.latest_release, None);

    let path = ProjectPath { organization: &plane.organization, project: &copied.id };
    let draft = plane.service.read_draft(&plane.owner, path, NOW).await.unwrap();
    let original = plane.service.read_draft(&plane.owner, plane.path(), NOW).await.unwrap();
    assert_eq!(draft.settings, original.settings);
    let (copy, old) = (&draft.domains[0], &original.domains[0]);
    assert_eq!((&copy.name, &copy.display_name), (&old.name, &old.display_name));
    let (copy, old) = (&copy.pins[0], &old.pins[0]);
    assert_eq!((&copy.digest, &copy.label, copy.source), (&old.digest, &old.label, PinOrigin::Fetched));
    assert_ne!(copy.id, old.id);
    assert_eq!(code(plane.service.copy_project(&plane.owner, plane.path(), &request, NOW).await), "already_exists");
}

#[tokio::test]
async fn a_copy_keeps_the_second_person() {
    let plane = Plane::new().await;
    let second =
        UpdateProjectRequest { approval: Some(pintle_api::Approval::SecondPerson), ..UpdateProjectRequest::default() };
    plane.service.update_project(&plane.owner, plane.path(), &second, NOW).await.unwrap();
    let request = CopyProjectRequest { name: None, environment: "two".into(), key: None };
    let copied = plane.service.copy_project(&plane.owner, plane.path(), &request, NOW).await.unwrap();
    assert_eq!(copied.approval, pintle_api::Approval::SecondPerson);
}

#[tokio::test]
async fn a_plan_refuses_what_goes_beyond_it_and_says_its_limit() {
    let limits = Plan {
        organizations_per_account: Some(1),
        projects_per_organization: Some(2),
        domains_per_organization: Some(3),
    };
    let plane = Plane::new().await.with_plan(limits);
    let organization = CreateOrganizationRequest { name: "Second".into() };
    let refused = plane.service.create_organization(&plane.owner, &organization, NOW).await.unwrap_err();
    assert_eq!(refused.code(), "plan_limit_reached");
    assert!(refused.to_string().contains("1 organizations per account"), "{refused}");

    for name in ["a.example", "b.example"] {
        plane.add_domain(name).await.unwrap();
    }
    let copy = async |environment: &str| {
        let request = CopyProjectRequest { name: None, environment: environment.into(), key: None };
        plane.service.copy_project(&plane.owner, plane.path(), &request, NOW).await
    };
    assert_eq!(code(copy("two").await), "plan_limit_reached", "two more domains would be four");
    plane.add_project("two").await;
    let third = CreateProjectRequest { name: "App".into(), environment: "three".into(), key: None };
    let answer = plane.service.create_project(&plane.owner, &plane.organization, &third, NOW).await;
    assert_eq!(code(answer), "plan_limit_reached");
    plane.add_domain("c.example").await.unwrap();
    assert_eq!(code(plane.add_domain("d.example").await), "plan_limit_reached");
    // Pins are limited by the file alone.
    let domain = plane.service.read_draft(&plane.owner, plane.path(), NOW).await.unwrap().domains.remove(0);
    for byte in 0..200 {
        plane.add_pin(&domain, byte).await.unwrap();
    }
}

#[tokio::test]
async fn what_is_said_about_a_pin_can_be_changed_and_its_digest_cannot() {
    let plane = Plane::new().await;
    let domain = plane.add_domain("a.example").await.unwrap();
    let added = plane.add_pin(&domain, 1).await.unwrap();
    assert_eq!(added.source, PinOrigin::ByHand);
    let set = async |label: Option<&str>, expiry| {
        let request = UpdatePinRequest { label: label.map(str::to_owned), expiry };
        let (owner, path) = (&plane.owner, plane.path());
        let answer = plane.service.update_pin(owner, path, &domain.id, &added.id, &request, None, NOW).await?;
        Ok::<_, ServiceError>((answer.label, answer.expires_at))
    };
    let revision = plane.service.read_draft(&plane.owner, plane.path(), NOW).await.unwrap().revision;
    assert_eq!(set(Some("next"), Some(PinExpiry::At(9))).await.unwrap(), (Some("next".into()), Some(9)));
    assert_eq!(set(None, Some(PinExpiry::Never)).await.unwrap(), (Some("next".into()), None));
    assert_eq!(set(Some(""), None).await.unwrap(), (None, None));
    assert_eq!(code(set(Some(" x"), None).await), "value_invalid");
    let no_release_holds = Some(PinExpiry::At(u64::MAX));
    assert_eq!(code(set(None, no_release_holds).await), "draft_invalid");
    let draft = plane.service.read_draft(&plane.owner, plane.path(), NOW).await.unwrap();
    assert_eq!((draft.revision, &draft.domains[0].pins[0].digest), (revision + 3, &added.digest));
}
