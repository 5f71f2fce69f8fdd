//! What was tried and refused is in the audit log, although nothing changed.

use pintle_api::{ApiToken, AuditActorKind, CreateTokenRequest, ListQuery, Role, Scope};
use pintle_service::RequestContext;
use pintle_store::AuditChain;

use crate::support::{NOW, Plane, code};

fn from(network: &str) -> RequestContext {
    RequestContext { request_id: Some("r".into()), network: Some(network.into()), client: None }
}

#[tokio::test]
async fn denied_permissions_are_counted_by_who_and_what() {
    let plane = Plane::new().await;
    let editor = plane.add_member(Role::Editor).await;
    let before = plane.audit().await.len();
    for _ in 0..3 {
        let refused = plane.service.list_invitations(&editor, &plane.organization, &ListQuery::default(), NOW).await;
        assert_eq!(code(refused), "role_insufficient");
    }
    let events = plane.audit().await.split_off(before);
    let [event] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!(event.action, "permission.denied");
    assert_eq!(event.actor.account_id.as_deref(), Some(editor.account_id()));
    assert_eq!(event.target.id.as_deref(), Some("manage_members"));
    assert_eq!(event.after, Some(serde_json::json!({ "reason": "role", "times": 3 })));

    let request =
        CreateTokenRequest { organization_id: Some(plane.organization.clone()), ..plane.token_request(&[Scope::Read]) };
    let secret = plane.service.create_token(&editor, &request, NOW).await.unwrap().secret;
    let reader = plane.sign_in(&secret).await.unwrap();
    assert_eq!(
        code(plane.service.list_invitations(&reader, &plane.organization, &ListQuery::default(), NOW).await),
        "scope_missing"
    );
    assert_eq!(plane.last_event().await.after.unwrap()["reason"], "scope");
}

#[tokio::test]
async fn strangers_leave_no_trace_in_an_organization_they_do_not_belong_to() {
    let plane = Plane::new().await;
    let stranger = plane.add_account("read admin").await;
    let before = plane.audit().await.len();
    assert_eq!(
        code(plane.service.list_members(&stranger, &plane.organization, &ListQuery::default()).await),
        "not_found"
    );
    assert_eq!(plane.audit().await.len(), before);
}

#[tokio::test]
async fn a_revoked_token_in_use_is_told_to_its_organization() {
    let plane = Plane::new().await;
    let made = plane.service.create_token(&plane.owner, &plane.token_request(&[Scope::Read]), NOW).await.unwrap();
    plane.service.revoke_token(&plane.owner, &made.token.id, NOW).await.unwrap();
    let thief = plane.service.authenticate(made.secret.expose_secret(), from("198.51.100.0/24"), NOW).await;
    assert_eq!(code(thief), "token_invalid");
    let event = plane.last_event().await;
    assert_eq!((event.action.as_str(), event.actor.kind), ("token.refused", AuditActorKind::Anonymous));
    assert_eq!(event.target.id, Some(made.token.id));
    assert_eq!(event.after.unwrap()["reason"], "revoked");
    assert!(event.personal.contains_key("network"));
}

#[tokio::test]
async fn an_unknown_token_is_told_to_the_installation_alone() {
    let plane = Plane::new().await;
    let before = plane.audit().await.len();
    let unknown = ApiToken::make(&[9; 32]);
    let known = plane.service.create_token(&plane.owner, &plane.token_request(&[Scope::Read]), NOW).await.unwrap();
    // Who knows no more than the prefix is a stranger like any other.
    let mut guess = known.secret.prefix().to_owned();
    guess.push_str(&"0".repeat(52));
    let guess = [guess.as_str(), unknown.expose_secret(), "nonsense"];
    for text in guess {
        assert_eq!(code(plane.service.authenticate(text, from("198.51.100.0/24"), NOW).await), "token_invalid");
    }
    assert_eq!(plane.audit().await.len(), before + 1, "that the known one was created");
    let tx = plane.store.read().await.unwrap();
    let events = tx.list_audit_events(&AuditChain::installation(), 0, 100).await.unwrap();
    let refused = events.iter().filter(|event| event.action == "token.refused");
    assert_eq!(refused.count(), 2, "malformed, and unknown");
}

#[tokio::test]
async fn the_first_use_from_a_network_is_told_once() {
    let plane = Plane::new().await;
    let made = plane.service.create_token(&plane.owner, &plane.token_request(&[Scope::Read]), NOW).await.unwrap();
    let sign_in = async |network: &str| {
        plane.service.authenticate(made.secret.expose_secret(), from(network), NOW).await.unwrap();
    };
    let told = async || {
        let events = plane.audit().await;
        events.into_iter().filter(|event| event.action == "token.new_network").collect::<Vec<_>>()
    };
    for _ in 0..3 {
        sign_in("192.0.2.0/24").await;
        assert_eq!(told().await.len(), 1);
    }
    sign_in("2001:db8::/48").await;
    let events = told().await;
    assert_eq!(events.len(), 2);
    assert_eq!(events[1].target.id, Some(made.token.id.clone()));
    assert!(!serde_json::to_string(&events).unwrap().contains("2001"), "the network is a personal value");
}

#[tokio::test]
async fn what_is_left_when_the_server_stops_is_written() {
    let plane = Plane::new().await;
    let editor = plane.add_member(Role::Editor).await;
    let deny =
        async || drop(plane.service.list_invitations(&editor, &plane.organization, &ListQuery::default(), NOW).await);
    deny().await;
    let before = plane.audit().await.len();
    deny().await;
    assert_eq!(plane.audit().await.len(), before, "the minute is not over");
    plane.service.record_last_security_events(NOW).await.unwrap();
    assert_eq!(plane.audit().await.len(), before + 1);
}
