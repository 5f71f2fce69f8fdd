//! Who belongs to an organization, and who decides it.

use pintle_api::{
    AcceptInvitationRequest, CreateInvitationRequest, CreatedInvitationResponse, InvitationCode, ListQuery, Role,
    Scope, UpdateMemberRequest, UpdateOrganizationRequest,
};
use pintle_core::UnixTime;
use pintle_service::{Actor, ServiceError};

use crate::support::{NOW, Plane, code};

const ROLES: [Role; 5] = [Role::Owner, Role::Admin, Role::Publisher, Role::Editor, Role::Auditor];

async fn invite(plane: &Plane, by: &Actor, role: Role) -> Result<CreatedInvitationResponse, ServiceError> {
    let request = CreateInvitationRequest { role, email: Some("grace@example.com".into()) };
    plane.service.create_invitation(by, &plane.organization, &request, NOW).await
}

/// The code, which is shown where it is not mailed.
fn shown(created: &CreatedInvitationResponse) -> &InvitationCode {
    created.code.as_ref().unwrap()
}

async fn accept(plane: &Plane, actor: &Actor, code: &InvitationCode, now: UnixTime) -> Result<(), ServiceError> {
    let request = AcceptInvitationRequest { code: code.clone() };
    plane.service.accept_invitation(actor, &request, now).await.map(drop)
}

async fn set_role(plane: &Plane, by: &Actor, whom: &Actor, role: Role) -> Result<(), ServiceError> {
    let request = UpdateMemberRequest { role };
    plane.service.update_member(by, &plane.organization, whom.account_id(), &request, NOW).await.map(drop)
}

async fn remove(plane: &Plane, by: &Actor, whom: &Actor) -> Result<(), ServiceError> {
    plane.service.remove_member(by, &plane.organization, whom.account_id(), NOW).await
}

async fn roles(plane: &Plane) -> Vec<Role> {
    let members =
        plane.service.list_members(&plane.owner, &plane.organization, &ListQuery::default()).await.unwrap().items;
    members.iter().map(|member| member.role).collect()
}

#[tokio::test]
async fn an_invitation_lets_one_person_in_once() {
    let plane = Plane::new().await;
    let (guest, other) = (plane.add_account("read admin").await, plane.add_account("read admin").await);
    let created = invite(&plane, &plane.owner, Role::Editor).await.unwrap();
    assert_eq!(code(plane.service.read_organization(&guest, &plane.organization).await), "not_found");
    assert_eq!(code(accept(&plane, &guest, &InvitationCode::make(&[1; 32]), NOW).await), "invitation_invalid");

    accept(&plane, &guest, shown(&created), NOW).await.unwrap();
    assert_eq!(plane.service.read_organization(&guest, &plane.organization).await.unwrap().role, Role::Editor);
    assert_eq!(code(accept(&plane, &other, shown(&created), NOW).await), "invitation_invalid");
    let again = invite(&plane, &plane.owner, Role::Admin).await.unwrap();
    assert_eq!(code(accept(&plane, &guest, shown(&again), NOW).await), "already_member");
    assert_eq!(roles(&plane).await.len(), 2);
}

#[tokio::test]
async fn an_invitation_ends_by_time_by_hand_or_with_the_right_of_who_invited() {
    let plane = Plane::new().await;
    let guest = plane.add_account("read admin").await;
    let at = |secs| NOW.saturating_add_secs(secs);
    let late = invite(&plane, &plane.owner, Role::Editor).await.unwrap();
    assert_eq!(code(accept(&plane, &guest, shown(&late), at(7 * 86_400)).await), "invitation_invalid");
    let listed = async |now| {
        plane
            .service
            .list_invitations(&plane.owner, &plane.organization, &ListQuery::default(), now)
            .await
            .unwrap()
            .items
            .len()
    };
    assert_eq!((listed(at(7 * 86_400 - 1)).await, listed(at(7 * 86_400)).await), (1, 0));

    let id = &late.invitation.id;
    plane.service.revoke_invitation(&plane.owner, &plane.organization, id, NOW).await.unwrap();
    assert_eq!(code(accept(&plane, &guest, shown(&late), NOW).await), "invitation_invalid");
    assert_eq!(code(plane.service.revoke_invitation(&plane.owner, &plane.organization, id, NOW).await), "not_found");

    let admin = plane.add_member(Role::Admin).await;
    let by_admin = invite(&plane, &admin, Role::Admin).await.unwrap();
    set_role(&plane, &plane.owner, &admin, Role::Editor).await.unwrap();
    assert_eq!(code(accept(&plane, &guest, shown(&by_admin), NOW).await), "invitation_invalid");
    set_role(&plane, &plane.owner, &admin, Role::Admin).await.unwrap();
    accept(&plane, &guest, shown(&by_admin), NOW).await.unwrap();
}

#[tokio::test]
async fn only_a_hash_of_the_code_is_kept() {
    let plane = Plane::new().await;
    let created = invite(&plane, &plane.owner, Role::Editor).await.unwrap();
    let secret = shown(&created).expose_secret();
    let tx = plane.store.read().await.unwrap();
    let row = tx.find_invitation_by_prefix(shown(&created).prefix()).await.unwrap().unwrap().row;
    let hidden = secret.strip_prefix(shown(&created).prefix()).unwrap();
    assert!(!format!("{row:?}").contains(hidden), "{row:?}");
    assert!(!format!("{created:?}").contains(secret));
}

#[tokio::test]
async fn an_address_in_an_invitation_is_checked_and_stays_out_of_the_chain() {
    let plane = Plane::new().await;
    for email in ["", "ada", "@example.com", "ada@", "a b@example.com", "ada@example.com\r\nBcc: x@y.z", "a@b@c"] {
        let request = CreateInvitationRequest { role: Role::Editor, email: Some(email.into()) };
        let refused = plane.service.create_invitation(&plane.owner, &plane.organization, &request, NOW).await;
        assert_eq!(code(refused), "address_invalid", "{email:?}");
    }
    invite(&plane, &plane.owner, Role::Editor).await.unwrap();
    let event = plane.last_event().await;
    assert_eq!(event.action, "invitation.created");
    assert!(event.personal.contains_key("target_email"));
    assert!(!serde_json::to_string(&event).unwrap().contains("grace"));
}

#[tokio::test]
async fn nobody_gives_or_takes_a_role_that_allows_more_than_their_own() {
    let plane = Plane::new().await;
    let admin = plane.add_member(Role::Admin).await;
    let owner = plane.add_member(Role::Owner).await;
    for role in ROLES {
        let expected = if role == Role::Owner { "role_insufficient" } else { "ok" };
        assert_eq!(code(invite(&plane, &admin, role).await), expected, "{role:?}");
        assert_eq!(code(invite(&plane, &owner, role).await), "ok", "{role:?}");
        assert_eq!(code(set_role(&plane, &admin, &owner, role).await), "role_insufficient", "{role:?}");
    }
    assert_eq!(code(set_role(&plane, &admin, &admin, Role::Owner).await), "role_insufficient");
    assert_eq!(code(remove(&plane, &admin, &owner).await), "role_insufficient");
    for role in [Role::Publisher, Role::Editor, Role::Auditor] {
        let member = plane.add_member(role).await;
        assert_eq!(code(invite(&plane, &member, Role::Auditor).await), "role_insufficient", "{role:?}");
        assert_eq!(code(set_role(&plane, &member, &member, Role::Admin).await), "role_insufficient", "{role:?}");
        assert_eq!(code(remove(&plane, &member, &admin).await), "role_insufficient", "{role:?}");
        set_role(&plane, &admin, &member, Role::Admin).await.unwrap();
    }
}

#[tokio::test]
async fn the_last_owner_stays() {
    let plane = Plane::new().await;
    let owner = &plane.owner;
    assert_eq!(code(remove(&plane, owner, owner).await), "last_owner");
    assert_eq!(code(set_role(&plane, owner, owner, Role::Admin).await), "last_owner");
    let second = plane.add_member(Role::Owner).await;
    set_role(&plane, &second, owner, Role::Editor).await.unwrap();
    assert_eq!(code(remove(&plane, &second, &second).await), "last_owner");
    remove(&plane, owner, owner).await.unwrap();
    assert_eq!(code(plane.service.list_members(owner, &plane.organization, &ListQuery::default()).await), "not_found");
}

#[tokio::test]
async fn of_two_last_owners_who_leave_at_once_one_stays() {
    for _ in 0..10 {
        let plane = Plane::new().await;
        let second = plane.add_member(Role::Owner).await;
        let (one, other) =
            tokio::join!(remove(&plane, &plane.owner, &plane.owner), set_role(&plane, &second, &second, Role::Editor));
        let mut codes = [code(one), code(other)];
        codes.sort_unstable();
        assert_eq!(codes, ["last_owner", "ok"]);
    }
}

#[tokio::test]
async fn who_leaves_has_nothing_left_and_gets_nothing_back_by_returning() {
    let plane = Plane::new().await;
    let editor = plane.add_member(Role::Editor).await;
    let mut request = plane.token_request(&[Scope::Read, Scope::Edit]);
    request.organization_id = Some(plane.organization.clone());
    let bound = plane.service.create_token(&editor, &request, NOW).await.unwrap().secret;
    plane.sign_in(&bound).await.unwrap();

    let other = plane.add_member(Role::Auditor).await;
    remove(&plane, &other, &other).await.unwrap();
    assert_eq!(plane.last_event().await.action, "member.left");
    remove(&plane, &plane.owner, &editor).await.unwrap();
    let event = plane.last_event().await;
    assert_eq!((event.action.as_str(), event.target.id.as_deref()), ("member.removed", Some(editor.account_id())));
    assert!(event.personal.contains_key("target_name"));
    assert_eq!(code(plane.service.read_project(&editor, plane.path()).await), "not_found");
    assert_eq!(code(plane.sign_in(&bound).await), "token_invalid");

    let created = invite(&plane, &plane.owner, Role::Editor).await.unwrap();
    accept(&plane, &editor, shown(&created), NOW).await.unwrap();
    assert_eq!(code(plane.sign_in(&bound).await), "token_invalid");
}

#[tokio::test]
async fn an_organization_is_renamed_by_those_who_manage_it() {
    let plane = Plane::new().await;
    let request = UpdateOrganizationRequest { name: Some("Acme Ltd".into()), requires_sso: None };
    let rename = async |by: &Actor| plane.service.update_organization(by, &plane.organization, &request, NOW).await;
    assert_eq!(code(rename(&plane.add_member(Role::Publisher).await).await), "role_insufficient");
    assert_eq!(plane.last_event().await.action, "permission.denied");
    assert_eq!(rename(&plane.owner).await.unwrap().name, "Acme Ltd");
    let event = plane.last_event().await;
    assert_eq!(
        (event.before.unwrap()["name"].as_str(), event.target.name.as_deref()),
        (Some("Acme"), Some("Acme Ltd"))
    );
}
