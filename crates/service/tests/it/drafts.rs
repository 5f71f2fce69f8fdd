use pintle_api::{
    AddDomainRequest, CtRequest, Enforce, EnforceWord, Expiry, ListQuery, Trust, UpdateDomainRequest,
    UpdateDraftRequest,
};

use crate::support::{NOW, Plane, code, pin};

#[tokio::test]
async fn a_domain_is_kept_as_typed_and_published_in_its_one_spelling() {
    let plane = Plane::new().await;
    let domain = plane.add_domain("API.Bücher.example").await.unwrap();
    assert_eq!(
        (domain.name.as_str(), domain.display_name.as_str()),
        ("api.xn--bcher-kva.example", "API.Bücher.example")
    );
    assert_eq!(code(plane.add_domain("api.xn--bcher-kva.example").await), "already_exists");
    assert_eq!(code(plane.add_domain("*.co.uk").await), "public_suffix");
    assert_eq!(code(plane.add_domain("https://example.com").await), "domain_invalid");
}

#[tokio::test]
async fn a_pin_must_fit_its_type_and_is_added_once() {
    let plane = Plane::new().await;
    let domain = plane.add_domain("api.example.com").await.unwrap();
    plane.add_pin(&domain, 1).await.unwrap();
    assert_eq!(code(plane.add_pin(&domain, 1).await), "already_exists");
    let mut wrong = pin(2);
    wrong.pin_type = pintle_api::PinType::CertSha512;
    let answer = plane.service.add_pin(&plane.owner, plane.path(), &domain.id, &wrong, None, NOW).await;
    assert_eq!(code(answer), "pin_invalid");
}

#[tokio::test]
async fn settings_that_contradict_each_other_are_refused_at_once() {
    let plane = Plane::new().await;
    let soft = AddDomainRequest {
        watch: Vec::new(),
        name: "a.example".into(),
        enforce: Enforce::Word(EnforceWord::Report),
        trust: Trust::Pins,
        ct: CtRequest::default(),
        auto_draft: pintle_api::AutoDraft::default(),
    };
    assert_eq!(code(plane.service.add_domain(&plane.owner, plane.path(), &soft, None, NOW).await), "draft_invalid");
    let domain = plane.add_domain("b.example").await.unwrap();
    let mut issuer = pin(1);
    issuer.pin_match = pintle_api::PinMatch::Issuer;
    plane.service.add_pin(&plane.owner, plane.path(), &domain.id, &issuer, None, NOW).await.unwrap();
    let to_pins = UpdateDomainRequest { trust: Some(Trust::Pins), ..UpdateDomainRequest::default() };
    let answer = plane.service.update_domain(&plane.owner, plane.path(), &domain.id, &to_pins, None, NOW).await;
    assert_eq!(code(answer), "draft_invalid");
    let listed = plane.service.list_domains(&plane.owner, plane.path(), &ListQuery::default()).await.unwrap().items;
    assert_eq!(listed.first().map(|domain| domain.trust), Some(Trust::Platform), "nothing half-written");
}

#[tokio::test]
async fn a_change_with_a_stale_revision_is_refused_and_loses_nothing() {
    let plane = Plane::new().await;
    let before = plane.service.read_draft(&plane.owner, plane.path(), NOW).await.unwrap().revision;
    let domain = plane.add_domain("a.example").await.unwrap();
    let request = UpdateDraftRequest { refresh_secs: Some(120), ..UpdateDraftRequest::default() };
    let stale = plane.service.update_draft(&plane.owner, plane.path(), &request, Some(before), NOW).await;
    assert_eq!(code(stale), "revision_mismatch");
    let removed = plane.service.remove_domain(&plane.owner, plane.path(), &domain.id, Some(before), NOW).await;
    assert_eq!(code(removed), "revision_mismatch");
    let draft = plane.service.update_draft(&plane.owner, plane.path(), &request, Some(before + 1), NOW).await.unwrap();
    assert_eq!((draft.revision, draft.settings.refresh_secs, draft.domains.len()), (before + 2, 120, 1));
}

#[tokio::test]
async fn draft_settings_stay_within_what_a_device_accepts() {
    let plane = Plane::new().await;
    let base = UpdateDraftRequest::default;
    for request in [
        UpdateDraftRequest { refresh_secs: Some(59), ..base() },
        UpdateDraftRequest { refresh_secs: Some(604_801), ..base() },
        UpdateDraftRequest { expiry: Some(Expiry::AfterSecs(1)), ..base() },
        UpdateDraftRequest { deny: Some(vec!["AA==".into()]), ..base() },
    ] {
        let answer = plane.service.update_draft(&plane.owner, plane.path(), &request, None, NOW).await;
        assert_eq!(code(answer), "value_invalid", "{request:?}");
    }
    let digest = pin(5).digest;
    let request = UpdateDraftRequest { expiry: Some(Expiry::Never), deny: Some(vec![digest.clone()]), ..base() };
    let draft = plane.service.update_draft(&plane.owner, plane.path(), &request, None, NOW).await.unwrap();
    assert_eq!((draft.settings.expiry, draft.settings.deny), (Expiry::Never, vec![digest]));
    assert_eq!(plane.prepare().await.unwrap().expires_at, None);
}

#[tokio::test]
async fn what_is_removed_is_gone_and_names_nothing_any_more() {
    let plane = Plane::new().await;
    let domain = plane.add_domain("a.example").await.unwrap();
    let added = plane.add_pin(&domain, 1).await.unwrap();
    let (owner, path) = (&plane.owner, plane.path());
    plane.service.remove_pin(owner, path, &domain.id, &added.id, None, NOW).await.unwrap();
    assert_eq!(code(plane.service.remove_pin(owner, path, &domain.id, &added.id, None, NOW).await), "not_found");
    plane.service.remove_domain(owner, path, &domain.id, None, NOW).await.unwrap();
    assert_eq!(code(plane.service.remove_domain(owner, path, &domain.id, None, NOW).await), "not_found");
    assert_eq!(code(plane.add_pin(&domain, 1).await), "not_found");
}
