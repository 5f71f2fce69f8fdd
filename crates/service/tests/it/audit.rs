//! The audit log: what happened, and that nobody changed it afterwards.

use pintle_api::{AUDIT_CHAIN_START, AuditRecord, derive_audit_commitment, derive_audit_hash};
use pintle_store::{AuditChain, AuditEventRow, OrganizationId};

use crate::support::{NOW, Plane, code};

async fn chain(plane: &Plane) -> AuditChain {
    let tx = plane.store.read().await.unwrap();
    let owner = pintle_store::AccountId::parse(plane.owner.account_id()).unwrap();
    let organization = OrganizationId::parse(&plane.organization).unwrap();
    AuditChain::from(&tx.find_membership(&owner, &organization).await.unwrap().unwrap().scope)
}

async fn events(plane: &Plane) -> Vec<AuditEventRow> {
    let chain = chain(plane).await;
    plane.store.read().await.unwrap().list_audit_events(&chain, 0, 1000).await.unwrap()
}

#[tokio::test]
async fn every_change_leaves_an_event_and_a_refused_one_none() {
    let plane = Plane::new().await;
    let domain = plane.add_domain("api.example.com").await.unwrap();
    let pin = plane.add_pin(&domain, 1).await.unwrap();
    assert_eq!(code(plane.add_domain("api.example.com").await), "already_exists");
    plane.release().await;
    plane.service.run_next_job(NOW).await.unwrap();
    plane.service.remove_pin(&plane.owner, plane.path(), &domain.id, &pin.id, None, NOW).await.unwrap();

    let actions: Vec<String> = events(&plane).await.into_iter().map(|event| event.action).collect();
    assert_eq!(
        actions,
        [
            "organization.created",
            "project.created",
            "domain.added",
            "pin.added",
            "release.prepared",
            "release.accepted",
            "release.live",
            "pin.removed",
        ]
    );
}

#[tokio::test]
async fn events_are_linked_and_personal_values_are_only_committed_to() {
    let plane = Plane::new().await;
    plane.add_domain("api.example.com").await.unwrap();

    let mut previous = AUDIT_CHAIN_START.to_owned();
    for (seq, event) in (1..).zip(events(&plane).await) {
        let record: AuditRecord = serde_json::from_str(&event.record).unwrap();
        assert_eq!((record.seq, record.action.as_str()), (seq, event.action.as_str()));
        assert_eq!(event.hash, derive_audit_hash(&previous, &event.record));
        previous = event.hash;

        let values =
            plane.store.read().await.unwrap().list_audit_personal(&chain(&plane).await, seq, seq).await.unwrap();
        let name = values.iter().find(|value| value.field == "actor_name").unwrap();
        let digits = name.salt.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
        let salt: Vec<u8> = digits.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect();
        let commitment = derive_audit_commitment(&salt.try_into().unwrap(), &name.value);
        assert_eq!(record.personal["actor_name"], commitment);
        assert!(!event.record.contains(&name.value), "{}", event.record);
    }
}
