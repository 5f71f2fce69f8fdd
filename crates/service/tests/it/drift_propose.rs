//! What the drift monitor drafts by itself: proposals, which no release holds before a person agreed.

use base64ct::Encoding as _;
use pintle_api::{AddPinRequest, AutoDraft, DomainResponse, DriftState, ListQuery, PinOrigin, UpdateDomainRequest};
use pintle_testkit::certificate::{Authority, SiteCertificate};

use crate::{
    drift::{Watched, at, key_pin},
    support::{NOW, Plane, code},
};

impl Plane {
    pub(crate) async fn only_domain(&self) -> DomainResponse {
        let list = self.service.list_domains(&self.owner, self.path(), &ListQuery::default()).await.unwrap();
        list.items.into_iter().next().unwrap()
    }

    pub(crate) async fn allow(&self, auto_draft: AutoDraft) {
        let request = UpdateDomainRequest { auto_draft: Some(auto_draft), ..UpdateDomainRequest::default() };
        let id = self.only_domain().await.id;
        self.service.update_domain(&self.owner, self.path(), &id, &request, None, NOW).await.unwrap();
    }

    pub(crate) async fn proposed(&self) -> Vec<String> {
        self.only_domain().await.proposed.into_iter().map(|proposed| proposed.digest).collect()
    }

    async fn count(&self, action: &str) -> usize {
        self.audit().await.iter().filter(|event| event.action == action).count()
    }

    /// The digests that apps have.
    async fn live_pins(&self) -> Vec<String> {
        let jws = self.published("pins.jws").await.unwrap();
        let payload = jws.split('.').nth(1).unwrap();
        let claims = base64ct::Base64UrlUnpadded::decode_vec(payload).unwrap();
        let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
        let pins = claims.pointer("/domains/0/pins").unwrap().as_array().unwrap();
        pins.iter().map(|pin| pin.to_string()).collect()
    }
}

async fn switch(watched: &Watched, certificate: &SiteCertificate, secs: u64) -> Option<DriftState> {
    watched.site.swap(certificate);
    watched.plane.watch(at(secs)).await;
    watched.plane.drift().await.into_iter().find(|row| row.subject == "127.0.0.1").unwrap().state
}

#[tokio::test]
async fn a_key_that_was_seen_is_proposed_once_and_no_release_holds_it() {
    let watched = Watched::new().await;
    let plane = &watched.plane;
    plane.allow(AutoDraft::Live).await;
    plane.watch(NOW).await;
    let next = watched.another();
    for turn in 1..4 {
        assert_eq!(switch(&watched, &next, 6000 * turn).await, Some(DriftState::Mismatch));
    }
    let digest = key_pin(&next).digest;
    let domain = plane.only_domain().await;
    assert_eq!(plane.proposed().await, std::slice::from_ref(&digest));
    let reason = &domain.proposed.first().unwrap().reason;
    assert!(reason.contains("serves spki-sha256:") && reason.contains("seen from server"), "{reason}");
    assert_eq!(
        (domain.pins.len(), plane.count("pin.proposed").await),
        (2, 1),
        "nothing is dropped, and it is told once"
    );
    let event = plane.audit().await.into_iter().find(|event| event.action == "pin.proposed").unwrap();
    assert_eq!(event.after.unwrap()["digest"], digest.as_str());
    // Somebody releases something else.
    let other = key_pin(&watched.another());
    plane.service.add_pin(&plane.owner, plane.path(), &domain.id, &other, None, NOW).await.unwrap();
    plane.go_live().await;
    let live = plane.live_pins().await;
    assert_eq!(live.len(), 3);
    assert!(live.iter().all(|pin| !pin.contains(&digest)), "{live:?}");
    // Whoever adds it says yes.
    let yes = AddPinRequest { source: PinOrigin::Fetched, ..key_pin(&next) };
    plane.service.add_pin(&plane.owner, plane.path(), &domain.id, &yes, None, NOW).await.unwrap();
    assert!(plane.proposed().await.is_empty());
    plane.go_live().await;
    assert!(plane.live_pins().await.iter().any(|pin| pin.contains(&digest)));
}

#[tokio::test]
async fn what_nobody_allowed_or_somebody_declined_is_not_proposed() {
    let watched = Watched::new().await;
    let plane = &watched.plane;
    plane.watch(NOW).await;
    let next = watched.another();
    switch(&watched, &next, 6000).await;
    assert!(plane.proposed().await.is_empty(), "off unless somebody says otherwise");
    plane.allow(AutoDraft::Live).await;
    switch(&watched, &next, 12_000).await;
    let domain = plane.only_domain().await;
    let id = &domain.proposed.first().unwrap().id;
    plane.service.remove_pin(&plane.owner, plane.path(), &domain.id, id, None, NOW).await.unwrap();
    for turn in 3..6 {
        switch(&watched, &next, 6000 * turn).await;
    }
    assert!(plane.proposed().await.is_empty());
    assert_eq!((plane.count("pin.proposed").await, plane.count("pin.dismissed").await), (1, 1));
    let again = plane.service.remove_pin(&plane.owner, plane.path(), &domain.id, id, None, NOW).await;
    assert_eq!(code(again), "not_found");
}

#[tokio::test]
async fn a_stranger_is_never_proposed_and_neither_is_a_backup_nor_a_flood() {
    let watched = Watched::new().await;
    let plane = &watched.plane;
    plane.allow(AutoDraft::LiveAndCt).await;
    plane.watch(NOW).await;
    for (turn, stranger) in [(1, &watched.stranger), (2, &Authority::root("Own"))] {
        let certificate = stranger.issue(&["127.0.0.1"]);
        assert_eq!(switch(&watched, &certificate, 6000 * turn).await, Some(DriftState::UnexpectedIssuer));
        assert!(plane.proposed().await.is_empty(), "possibly an attack");
    }
    switch(&watched, &watched.backup, 18_000).await;
    assert!(plane.proposed().await.is_empty(), "it is pinned");
    for turn in 4..17 {
        switch(&watched, &watched.another(), 6000 * turn).await;
    }
    assert_eq!(plane.proposed().await.len(), 10);
}
