//! API tokens: what they give, and how they end.

use pintle_api::{
    ApiToken, CreateOrganizationRequest, CreateTokenRequest, ListQuery, Role, Scope, TokenLifetime, UpdateTokenRequest,
};
use pintle_core::UnixTime;
use pintle_service::{Actor, ProjectPath, RequestContext, ServiceError};

use crate::support::{NOW, Plane, code};

async fn create(plane: &Plane, by: &Actor, request: &CreateTokenRequest) -> Result<ApiToken, ServiceError> {
    Ok(plane.service.create_token(by, request, NOW).await?.secret)
}

fn limited_to(plane: &Plane, project: Option<&str>, scopes: &[Scope]) -> CreateTokenRequest {
    CreateTokenRequest {
        organization_id: Some(plane.organization.clone()),
        project_id: project.map(str::to_owned),
        ..plane.token_request(scopes)
    }
}

#[tokio::test]
async fn a_token_never_gives_more_than_the_one_it_is_made_with() {
    let plane = Plane::new().await;
    let day = CreateTokenRequest {
        lifetime: TokenLifetime::Secs(86_400),
        ..plane.token_request(&[Scope::Read, Scope::Admin])
    };
    let narrow = plane.sign_in(&create(&plane, &plane.owner, &day).await.unwrap()).await.unwrap();
    for scope in [Scope::Edit, Scope::Release] {
        assert_eq!(code(create(&plane, &narrow, &plane.token_request(&[Scope::Read, scope])).await), "scope_exceeded");
    }
    for lifetime in [TokenLifetime::Never, TokenLifetime::Secs(86_401)] {
        let request = CreateTokenRequest { lifetime, ..plane.token_request(&[Scope::Read]) };
        assert_eq!(code(create(&plane, &narrow, &request).await), "lifetime_exceeded", "{lifetime:?}");
    }
    let made = plane.service.create_token(&narrow, &plane.token_request(&[Scope::Read]), NOW).await.unwrap();
    assert_eq!(made.token.expires_at, Some(NOW.as_secs() + 86_400), "the default ends with it");

    let reader = plane.sign_in(&made.secret).await.unwrap();
    assert_eq!(code(create(&plane, &reader, &plane.token_request(&[Scope::Read])).await), "scope_missing");
    for project in [None, Some(plane.project.as_str())] {
        let request = limited_to(&plane, project, &[Scope::Read, Scope::Admin]);
        let limited = plane.sign_in(&create(&plane, &plane.owner, &request).await.unwrap()).await.unwrap();
        assert_eq!(code(create(&plane, &limited, &plane.token_request(&[Scope::Read])).await), "token_limited");
        let organization = CreateOrganizationRequest { name: "Other".into() };
        assert_eq!(code(plane.service.create_organization(&limited, &organization, NOW).await), "token_limited");
    }
}

#[tokio::test]
async fn a_token_ends_after_90_days_unless_never_is_said() {
    let plane = Plane::new().await;
    let made = plane.service.create_token(&plane.owner, &plane.token_request(&[Scope::Read]), NOW).await.unwrap();
    let end = NOW.as_secs() + 90 * 86_400;
    assert_eq!(made.token.expires_at, Some(end));
    let at = async |secs| {
        let (text, now) = (made.secret.expose_secret(), UnixTime::from_secs(secs));
        code(plane.service.authenticate(text, RequestContext::default(), now).await)
    };
    assert_eq!((at(end - 1).await, at(end).await), ("ok", "token_invalid"));
    let never = CreateTokenRequest { lifetime: TokenLifetime::Never, ..plane.token_request(&[Scope::Read]) };
    assert_eq!(plane.service.create_token(&plane.owner, &never, NOW).await.unwrap().token.expires_at, None);
}

#[tokio::test]
async fn beyond_the_limit_of_a_token_nothing_exists() {
    let plane = Plane::new().await;
    let service = &plane.service;
    let sibling = plane.add_project("staging").await;
    let other = CreateOrganizationRequest { name: "Other".into() };
    let other = service.create_organization(&plane.owner, &other, NOW).await.unwrap().id;
    let all = [Scope::Read, Scope::Edit, Scope::Release, Scope::Admin];
    let sign_in = async |project| {
        let request = limited_to(&plane, project, &all);
        plane.sign_in(&create(&plane, &plane.owner, &request).await.unwrap()).await.unwrap()
    };
    let beside = ProjectPath { organization: &plane.organization, project: &sibling };

    let in_organization = sign_in(None).await;
    assert_eq!(code(service.read_organization(&in_organization, &other).await), "not_found");
    assert_eq!(service.list_organizations(&in_organization, &ListQuery::default()).await.unwrap().items.len(), 1);
    assert_eq!(
        service.list_projects(&in_organization, &plane.organization, &ListQuery::default()).await.unwrap().items.len(),
        2
    );
    assert_eq!(code(service.list_members(&in_organization, &plane.organization, &ListQuery::default()).await), "ok");
    assert_eq!(code(service.list_tokens(&in_organization, &ListQuery::default()).await), "token_limited");

    let in_project = sign_in(Some(plane.project.as_str())).await;
    assert_eq!(code(service.read_project(&in_project, plane.path()).await), "ok");
    assert_eq!(code(service.read_project(&in_project, beside).await), "not_found");
    assert_eq!(code(service.read_organization(&in_project, &plane.organization).await), "ok");
    let seen = service.list_projects(&in_project, &plane.organization, &ListQuery::default()).await.unwrap().items;
    assert_eq!(seen.iter().map(|project| project.id.as_str()).collect::<Vec<_>>(), [plane.project.as_str()]);
    assert_eq!(code(service.list_members(&in_project, &plane.organization, &ListQuery::default()).await), "not_found");
    assert_eq!(
        code(service.list_organization_tokens(&in_project, &plane.organization, &ListQuery::default()).await),
        "not_found"
    );
    let new = pintle_api::CreateProjectRequest { name: "X".into(), environment: "x".into(), key: None };
    assert_eq!(code(service.create_project(&in_project, &plane.organization, &new, NOW).await), "not_found");
}

#[tokio::test]
async fn a_token_is_limited_only_to_what_its_maker_sees() {
    let plane = Plane::new().await;
    let stranger = plane.add_account("read admin").await;
    let foreign = limited_to(&plane, None, &[Scope::Read]);
    assert_eq!(code(create(&plane, &stranger, &foreign).await), "not_found");
    let half = CreateTokenRequest { project_id: Some(plane.project.clone()), ..plane.token_request(&[Scope::Read]) };
    assert_eq!(code(create(&plane, &plane.owner, &half).await), "value_invalid");
    let scopeless = plane.token_request(&[]);
    assert_eq!(code(create(&plane, &plane.owner, &scopeless).await), "value_invalid");
}

#[tokio::test]
async fn tokens_are_listed_renamed_and_revoked_by_their_owner() {
    let plane = Plane::new().await;
    let made = plane.service.create_token(&plane.owner, &plane.token_request(&[Scope::Read]), NOW).await.unwrap();
    let id = &made.token.id;
    let request = UpdateTokenRequest { name: "deploy".into() };
    assert_eq!(plane.service.update_token(&plane.owner, id, &request, NOW).await.unwrap().name, "deploy");
    plane.sign_in(&made.secret).await.unwrap();
    let listed = plane.service.list_tokens(&plane.owner, &ListQuery::default()).await.unwrap().items;
    let listed = listed.iter().find(|token| token.id == *id).unwrap();
    assert_eq!((listed.name.as_str(), listed.last_used_at), ("deploy", Some(NOW.as_secs())));

    let stranger = plane.add_account("read admin").await;
    assert_eq!(code(plane.service.revoke_token(&stranger, id, NOW).await), "not_found");
    assert_eq!(code(plane.service.update_token(&stranger, id, &request, NOW).await), "not_found");
    plane.service.revoke_token(&plane.owner, id, NOW).await.unwrap();
    assert_eq!(code(plane.sign_in(&made.secret).await), "token_invalid");
    assert_eq!(code(plane.service.revoke_token(&plane.owner, id, NOW).await), "not_found");
    let actions: Vec<_> = plane.audit().await.into_iter().map(|event| event.action).collect();
    let of_tokens: Vec<_> = actions.iter().filter(|action| action.starts_with("token.")).collect();
    assert_eq!(of_tokens, ["token.created", "token.renamed", "token.revoked", "token.refused"]);
}

#[tokio::test]
async fn every_token_may_end_itself_and_no_other() {
    let plane = Plane::new().await;
    let request = limited_to(&plane, Some(&plane.project), &[Scope::Read]);
    let (one, other) = (
        plane.service.create_token(&plane.owner, &request, NOW).await.unwrap(),
        plane.service.create_token(&plane.owner, &request, NOW).await.unwrap(),
    );
    let actor = plane.sign_in(&one.secret).await.unwrap();
    assert_eq!(code(plane.service.revoke_token(&actor, &other.token.id, NOW).await), "scope_missing");
    plane.service.revoke_token(&actor, &one.token.id, NOW).await.unwrap();
    assert_eq!(code(plane.sign_in(&one.secret).await), "token_invalid");
}

#[tokio::test]
async fn admins_see_and_end_the_tokens_limited_to_their_organization() {
    let plane = Plane::new().await;
    let (admin, editor) = (plane.add_member(Role::Admin).await, plane.add_member(Role::Editor).await);
    let bound = plane.service.create_token(&editor, &limited_to(&plane, None, &[Scope::Read]), NOW).await.unwrap();
    let free = plane.service.create_token(&editor, &plane.token_request(&[Scope::Read]), NOW).await.unwrap();
    let (service, organization) = (&plane.service, plane.organization.as_str());
    assert_eq!(
        code(service.list_organization_tokens(&editor, organization, &ListQuery::default()).await),
        "role_insufficient"
    );
    let listed = service.list_organization_tokens(&admin, organization, &ListQuery::default()).await.unwrap().items;
    assert_eq!(listed.iter().map(|token| &token.id).collect::<Vec<_>>(), [&bound.token.id]);
    assert_eq!(listed[0].account_name.as_deref(), Some("another"));

    let revoke = async |id: &str| service.revoke_organization_token(&admin, organization, id, NOW).await;
    assert_eq!(code(revoke(&free.token.id).await), "not_found");
    revoke(&bound.token.id).await.unwrap();
    assert_eq!(code(plane.sign_in(&bound.secret).await), "token_invalid");
    assert_eq!(code(plane.sign_in(&free.secret).await), "ok");
}
