use pintle_api::{ApiToken, CreateOrganizationRequest, ListQuery, Scope};
use pintle_core::UnixTime;
use pintle_service::{ProjectPath, RequestContext};

use crate::support::{NOW, Plane, code};

#[tokio::test]
async fn the_first_run_happens_once() {
    let plane = Plane::new().await;
    assert!(plane.service.set_up(NOW).await.unwrap().is_none());
}

#[tokio::test]
async fn a_token_that_is_not_known_character_by_character_is_refused() {
    let plane = Plane::new().await;
    let unknown = ApiToken::make(&[9; 32]);
    for text in ["", "pintle_", "Bearer", unknown.expose_secret()] {
        assert_eq!(
            code(plane.service.authenticate(text, RequestContext::default(), NOW).await),
            "token_invalid",
            "{text}"
        );
    }
}

#[tokio::test]
async fn a_token_ends_when_it_expires() {
    let plane = Plane::new().await;
    let token = ApiToken::make(&[3; 32]);
    let account = plane.add_account("read").await;
    let tx = plane.store.write().await.unwrap();
    tx.insert_token(pintle_store::TokenRow {
        id: pintle_store::TokenId::make(NOW.as_secs()),
        account_id: pintle_store::AccountId::parse(account.account_id()).unwrap(),
        name: "short".into(),
        prefix: token.prefix().into(),
        secret_sha256: token.sha256().iter().map(|byte| format!("{byte:02x}")).collect(),
        scopes: "read".into(),
        created_at: NOW.as_secs().into(),
        last_used_at: None,
        expires_at: Some((NOW.as_secs() + 10).into()),
        organization_id: None,
        project_id: None,
        revoked_at: None,
    })
    .await
    .unwrap();
    tx.commit().await.unwrap();
    let at = |secs| UnixTime::from_secs(NOW.as_secs() + secs);
    assert!(plane.service.authenticate(token.expose_secret(), RequestContext::default(), at(9)).await.is_ok());
    assert_eq!(
        code(plane.service.authenticate(token.expose_secret(), RequestContext::default(), at(10)).await),
        "token_invalid"
    );
}

#[tokio::test]
async fn what_belongs_to_others_does_not_exist() {
    let plane = Plane::new().await;
    let domain = plane.add_domain("a.example").await.unwrap();
    let stranger = plane.add_account("read edit release admin").await;
    let path = plane.path();
    let service = &plane.service;
    assert_eq!(code(service.read_organization(&stranger, &plane.organization).await), "not_found");
    assert_eq!(code(service.list_projects(&stranger, &plane.organization, &ListQuery::default()).await), "not_found");
    assert_eq!(code(service.read_project(&stranger, path).await), "not_found");
    assert_eq!(code(service.read_draft(&stranger, path, NOW).await), "not_found");
    assert_eq!(code(service.read_bundle(&stranger, path).await), "not_found");
    assert_eq!(code(service.remove_domain(&stranger, path, &domain.id, None, NOW).await), "not_found");
    assert_eq!(code(service.list_releases(&stranger, path, &ListQuery::default()).await), "not_found");
    assert!(service.list_organizations(&stranger, &ListQuery::default()).await.unwrap().items.is_empty());

    // Through an organization of one's own a foreign project is as far away.
    let request = CreateOrganizationRequest { name: "Mallory".into() };
    let own = service.create_organization(&stranger, &request, NOW).await.unwrap().id;
    let crossed = ProjectPath { organization: &own, project: &plane.project };
    assert_eq!(code(service.read_project(&stranger, crossed).await), "not_found");
    assert_eq!(code(service.remove_domain(&stranger, crossed, &domain.id, None, NOW).await), "not_found");
}

#[tokio::test]
async fn a_token_does_no_more_than_its_scopes_say() {
    let plane = Plane::new().await;
    let reader = plane.add_account("read").await;
    let request = CreateOrganizationRequest { name: "Acme".into() };
    assert_eq!(code(plane.service.create_organization(&reader, &request, NOW).await), "scope_missing");
    assert_eq!(plane.service.whoami(&reader).scopes, [Scope::Read]);
}
