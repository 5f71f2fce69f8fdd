//! The audit log as its readers meet it: searched, verified, kept for its time, and rid of persons.

use pintle_api::{AuditChainError, AuditEventResponse, AuditOrder, AuditPoint, AuditQuery, AuditVerifier, Role};
use pintle_core::UnixTime;
use pintle_store::AccountId;

use crate::support::{NOW, Plane, code};

async fn search(plane: &Plane, query: AuditQuery) -> Vec<AuditEventResponse> {
    plane.service.list_audit_events(&plane.owner, &plane.organization, &query).await.unwrap().items
}

async fn all(plane: &Plane) -> Vec<AuditEventResponse> {
    search(plane, AuditQuery { order: Some(AuditOrder::Oldest), limit: Some(500), ..AuditQuery::default() }).await
}

async fn actions(plane: &Plane, query: AuditQuery) -> Vec<String> {
    search(plane, query).await.iter().map(|event| event.parse_record().unwrap().action).collect()
}

async fn verify(plane: &Plane, remembered: Option<AuditPoint>) -> Result<AuditPoint, AuditChainError> {
    let chain = plane.service.read_audit_chain(&plane.owner, &plane.organization).await.unwrap();
    let mut verifier = AuditVerifier::new(chain.checkpoint, remembered)?;
    for event in all(plane).await {
        verifier.feed(&event)?;
    }
    verifier.finish(chain.head.as_ref())
}

#[tokio::test]
async fn events_are_found_by_time_actor_action_target_and_project() {
    let plane = Plane::new().await;
    let domain = plane.add_domain("a.example").await.unwrap();
    plane.add_pin(&domain, 1).await.unwrap();
    plane.add_member(Role::Auditor).await;
    let query = AuditQuery::default;
    assert_eq!(
        actions(&plane, query()).await,
        [
            "invitation.accepted",
            "invitation.created",
            "pin.added",
            "domain.added",
            "project.created",
            "organization.created"
        ]
    );
    let by = |action: &str| AuditQuery { action: Some(action.into()), ..query() };
    assert_eq!(actions(&plane, by("pin.added")).await, ["pin.added"]);
    assert_eq!(actions(&plane, by("invitation")).await, ["invitation.accepted", "invitation.created"]);
    let target = AuditQuery { target: Some(domain.id.clone()), ..query() };
    assert_eq!(actions(&plane, target).await, ["domain.added"]);
    let project = AuditQuery { project: Some(plane.project.clone()), ..query() };
    assert_eq!(actions(&plane, project).await, ["pin.added", "domain.added", "project.created"]);
    let actor = AuditQuery { actor: Some(plane.owner.account_id().into()), ..query() };
    assert_eq!(actions(&plane, actor).await.len(), 5);
    let now = NOW.as_secs();
    for (from, until, found) in [(Some(now), None, 6), (Some(now + 1), None, 0), (None, Some(now), 0)] {
        assert_eq!(actions(&plane, AuditQuery { from, until, ..query() }).await.len(), found);
    }
    for wrong in [by("domian.added"), by("d"), AuditQuery { actor: Some("ada".into()), ..query() }] {
        let refused = plane.service.list_audit_events(&plane.owner, &plane.organization, &wrong).await;
        assert_eq!(code(refused), "value_invalid", "{wrong:?}");
    }
}

#[tokio::test]
async fn a_log_is_read_page_by_page_in_either_order() {
    let plane = Plane::new().await;
    for number in 0..5 {
        plane.add_domain(&format!("d{number}.example")).await.unwrap();
    }
    for (order, first) in [(AuditOrder::Newest, 7), (AuditOrder::Oldest, 1)] {
        let (mut cursor, mut seen) = (None, Vec::new());
        loop {
            let query = AuditQuery { order: Some(order), limit: Some(2), cursor, ..AuditQuery::default() };
            let page = plane.service.list_audit_events(&plane.owner, &plane.organization, &query).await.unwrap();
            seen.extend(page.items.iter().map(|event| event.parse_record().unwrap().seq));
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!((seen[0], seen.len()), (first, 7));
    }
}

#[tokio::test]
async fn what_was_remembered_is_compared() {
    let plane = Plane::new().await;
    plane.add_domain("a.example").await.unwrap();
    let head = verify(&plane, None).await.unwrap();
    plane.add_domain("b.example").await.unwrap();
    verify(&plane, Some(head.clone())).await.unwrap();
    let forged = AuditPoint { hash: "0".repeat(64), ..head };
    assert!(matches!(verify(&plane, Some(forged)).await, Err(AuditChainError::Rewritten { .. })));
}

#[tokio::test]
async fn events_leave_after_their_time_and_the_rest_still_verifies() {
    let plane = Plane::new().await;
    let at = |days: u64| UnixTime::from_secs(NOW.as_secs() + days * 86_400);
    assert_eq!(plane.service.remove_old_events(at(365)).await.unwrap(), 0);
    let young = pintle_api::UpdateOrganizationRequest { name: Some("Young".into()), requires_sso: None };
    plane.service.update_organization(&plane.owner, &plane.organization, &young, at(300)).await.unwrap();
    let removed = plane.service.remove_old_events(at(366)).await.unwrap();
    assert_eq!(removed, 3, "the installation's first event, and two of the organization");
    let left: Vec<_> = all(&plane).await.iter().map(|event| event.parse_record().unwrap().action).collect();
    assert_eq!(left, ["organization.renamed", "audit.checkpoint"]);
    verify(&plane, None).await.unwrap();
    assert_eq!(plane.service.remove_old_events(at(366)).await.unwrap(), 0);

    // The checkpoint's event grows old, too.
    assert!(plane.service.remove_old_events(at(732)).await.unwrap() > 0);
    assert_eq!(all(&plane).await.len(), 1);
    verify(&plane, None).await.unwrap();
}

#[tokio::test]
async fn retention_is_what_the_operator_says() {
    let plane = Plane::new().await;
    let service = pintle_service::Service::new(plane.store.clone(), Vec::new(), crate::support::base_url());
    let short = service.with_audit_retention(1);
    assert!(short.remove_old_events(UnixTime::from_secs(NOW.as_secs() + 86_401)).await.unwrap() > 0);
}

#[tokio::test]
async fn a_persons_values_are_erased_and_the_log_still_verifies() {
    let plane = Plane::new().await;
    let guest = plane.add_account("read admin").await;
    let request = pintle_api::CreateInvitationRequest { role: Role::Editor, email: Some("grace@example.com".into()) };
    let created = plane.service.create_invitation(&plane.owner, &plane.organization, &request, NOW).await.unwrap();
    let request = pintle_api::AcceptInvitationRequest { code: created.code.unwrap() };
    plane.service.accept_invitation(&guest, &request, NOW).await.unwrap();
    let values = async || {
        let events = all(&plane).await;
        events
            .iter()
            .flat_map(|event| event.personal.values().map(|personal| personal.value.clone()))
            .collect::<Vec<_>>()
    };
    let before = values().await;
    assert!(before.contains(&"another".into()) && before.contains(&"grace@example.com".into()), "{before:?}");

    let account = AccountId::parse(guest.account_id()).unwrap();
    let tx = plane.store.write().await.unwrap();
    assert!(tx.erase_personal(&account).await.unwrap() >= 2);
    tx.commit().await.unwrap();
    let after = values().await;
    assert!(!after.contains(&"another".into()) && !after.contains(&"grace@example.com".into()), "{after:?}");
    assert!(after.contains(&"admin".into()), "others keep theirs");
    verify(&plane, None).await.unwrap();
}

#[tokio::test]
async fn only_who_may_reads_the_log() {
    let plane = Plane::new().await;
    for (role, expected) in [
        (Role::Admin, "ok"),
        (Role::Auditor, "ok"),
        (Role::Publisher, "role_insufficient"),
        (Role::Editor, "role_insufficient"),
    ] {
        let member = plane.add_member(role).await;
        let (service, organization) = (&plane.service, plane.organization.as_str());
        assert_eq!(code(service.list_audit_events(&member, organization, &AuditQuery::default()).await), expected);
        assert_eq!(code(service.read_audit_chain(&member, organization).await), expected);
    }
}
