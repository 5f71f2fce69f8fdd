use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use pintle_api::{
    ChangeKind, FindingCode, ListQuery, ProjectResponse, RegisterKeyRequest, ReleaseState, UpdateDraftRequest,
};
use pintle_core::{State, UnixTime, claims::Claims, verify};
use pintle_service::ProjectPath;
use pintle_sign::{Signer, SigningKey, canonical_claims};

use crate::support::{NOW, Plane, code, sign};

#[tokio::test]
async fn what_is_prepared_signed_and_accepted_is_what_the_draft_says() {
    let plane = Plane::new().await;
    let domain = plane.add_domain("api.example.com").await.unwrap();
    plane.add_pin(&domain, 1).await.unwrap();
    let prepared = plane.prepare().await.unwrap();
    assert_eq!((prepared.version, prepared.issued_at), (1, NOW.as_secs()));
    assert_eq!(prepared.expires_at, Some(NOW.as_secs() + 90 * 86_400));
    assert_eq!(prepared.kid, plane.key.public_key().kid().to_string());
    assert!(prepared.changes.iter().all(|change| change.kind == ChangeKind::Added));
    assert_eq!(prepared.findings.first().map(|finding| finding.code), Some(FindingCode::NoBackupPin));

    let jws = plane.sign(&prepared);
    let release = plane.accept(&jws).await.unwrap();
    assert_eq!((release.version, release.state), (1, ReleaseState::Accepted));
    let bundle = plane.service.read_bundle(&plane.owner, plane.path()).await.unwrap();
    let root = pintle_core::Root::parse_bundle(bundle.as_bytes()).unwrap();
    let config = verify(jws.as_bytes(), &root, &State::default(), NOW).unwrap().config;
    assert_eq!(config.claims().domains.len(), 1);
    assert!(plane.service.read_draft(&plane.owner, plane.path(), NOW).await.unwrap().changes.is_empty());
}

#[tokio::test]
async fn refuses_a_release_signed_with_another_key() {
    let plane = Plane::new().await;
    let prepared = plane.prepare().await.unwrap();
    let thief = SigningKey::generate().unwrap();
    let forged = sign(&thief, &Base64::decode_vec(&prepared.claims).unwrap());
    assert_eq!(code(plane.accept(&forged).await), "config_key_unknown");
}

#[tokio::test]
async fn a_rehearsal_neither_gives_a_number_away_nor_can_be_submitted_nor_disturbs_what_is_prepared() {
    let plane = Plane::new().await;
    let prepared = plane.prepare().await.unwrap();
    let request = pintle_api::PrepareReleaseRequest { rehearsal: true, ..Default::default() };
    for _ in 0..40 {
        let rehearsed = plane.service.prepare_release(&plane.owner, plane.path(), &request, NOW).await.unwrap();
        assert_eq!(rehearsed.version, prepared.version + 1);
        assert_eq!(code(plane.accept(&plane.sign(&rehearsed)).await), "release_not_prepared");
    }
    assert_eq!(plane.accept(&plane.sign(&prepared)).await.unwrap().version, prepared.version);
}

#[tokio::test]
async fn refuses_claims_of_another_project() {
    let plane = Plane::new().await;
    let other = plane.add_project("test").await;
    let path = ProjectPath { organization: &plane.organization, project: &other };
    let request = pintle_api::PrepareReleaseRequest::default();
    let prepared = plane.service.prepare_release(&plane.owner, path, &request, NOW).await.unwrap();
    plane.prepare().await.unwrap();
    assert_eq!(code(plane.accept(&plane.sign(&prepared)).await), "config_wrong_project");
}

#[tokio::test]
async fn refuses_claims_that_differ_from_the_prepared_ones() {
    let plane = Plane::new().await;
    let prepared = plane.prepare().await.unwrap();
    let mut claims = Claims::parse(&Base64::decode_vec(&prepared.claims).unwrap()).unwrap();
    claims.refresh_secs = 61;
    let altered = sign(&plane.key, &canonical_claims(&claims));
    assert_eq!(code(plane.accept(&altered).await), "claims_altered");
    let spaced = [b" ", &*Base64::decode_vec(&prepared.claims).unwrap()].concat();
    assert_eq!(code(plane.accept(&sign(&plane.key, &spaced)).await), "claims_altered");
}

#[tokio::test]
async fn refuses_a_number_that_was_never_prepared() {
    let plane = Plane::new().await;
    let prepared = plane.prepare().await.unwrap();
    let mut claims = Claims::parse(&Base64::decode_vec(&prepared.claims).unwrap()).unwrap();
    claims.version = 7;
    assert_eq!(code(plane.accept(&sign(&plane.key, &canonical_claims(&claims))).await), "release_not_prepared");
}

#[tokio::test]
async fn a_release_that_is_accepted_voids_every_lower_preparation() {
    let plane = Plane::new().await;
    let first = plane.prepare().await.unwrap();
    let second = plane.prepare().await.unwrap();
    let third = plane.prepare().await.unwrap();
    assert_eq!([first.version, second.version, third.version], [1, 2, 3]);
    plane.accept(&plane.sign(&second)).await.unwrap();
    assert_eq!(code(plane.accept(&plane.sign(&first)).await), "config_rollback");
    assert_eq!(plane.accept(&plane.sign(&third)).await.unwrap().version, 3);
    assert_eq!(plane.prepare_anyway().await.version, 4);
}

#[tokio::test]
async fn submitting_a_release_twice_answers_the_same_release() {
    let plane = Plane::new().await;
    let jws = plane.sign(&plane.prepare().await.unwrap());
    let first = plane.accept(&jws).await.unwrap();
    assert_eq!(plane.accept(&jws).await.unwrap(), first);
    plane.release().await;
    assert_eq!(plane.accept(&jws).await.unwrap().id, first.id, "also after a later one");
    assert_eq!(
        plane.service.list_releases(&plane.owner, plane.path(), &ListQuery::default()).await.unwrap().items.len(),
        2
    );
}

#[tokio::test]
async fn two_releases_at_once_get_one_number_each_or_are_refused() {
    let plane = Plane::new().await;
    let (low, high) = (plane.prepare().await.unwrap(), plane.prepare().await.unwrap());
    let (low_jws, high_jws) = (plane.sign(&low), plane.sign(&high));
    let (low_answer, high_answer) = tokio::join!(plane.accept(&low_jws), plane.accept(&high_jws));
    assert_eq!(high_answer.unwrap().version, 2);
    assert!(matches!(code(low_answer), "ok" | "config_rollback"));
}

#[tokio::test]
async fn refuses_what_is_not_even_a_signed_file() {
    let plane = Plane::new().await;
    let jws = plane.sign(&plane.prepare().await.unwrap());
    let (head, _) = jws.rsplit_once('.').unwrap();
    assert_eq!(code(plane.accept("").await), "config_malformed");
    assert_eq!(code(plane.accept(&format!("{jws}\n")).await), "config_malformed");
    assert_eq!(code(plane.accept(head).await), "config_malformed");
    let other = plane.sign(&plane.prepare().await.unwrap());
    let (_, signature) = other.rsplit_once('.').unwrap();
    assert_eq!(code(plane.accept(&format!("{head}.{signature}")).await), "config_signature_invalid");
    assert_eq!(code(plane.accept(&"A".repeat(4 * 1024 * 1024 + 1)).await), "config_too_large");
}

/// ES384, said openly or passed off as ES256: a key of another curve is no key of any project.
#[tokio::test]
async fn a_release_signed_on_another_curve_is_refused() {
    use ring::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair};
    let plane = Plane::new().await;
    let claims = plane.prepare().await.unwrap().claims;
    let (random, algorithm) = (ring::rand::SystemRandom::new(), &ECDSA_P384_SHA384_FIXED_SIGNING);
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
    let wide = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).unwrap();
    let payload = Base64UrlUnpadded::encode_string(&Base64::decode_vec(&claims).unwrap());
    let make = |algorithm: &str, sign: &dyn Fn(&[u8]) -> Vec<u8>| {
        let kid = plane.key.public_key().kid();
        let header = format!(r#"{{"alg":"{algorithm}","typ":"pintle-config+jwt","kid":"{kid}"}}"#);
        let signed = format!("{}.{payload}", Base64UrlUnpadded::encode_string(header.as_bytes()));
        let signature = sign(signed.as_bytes());
        format!("{signed}.{}", Base64UrlUnpadded::encode_string(&signature))
    };
    let on_p384 = |bytes: &[u8]| wide.sign(&random, bytes).unwrap().as_ref().to_vec();
    let on_p256 = |bytes: &[u8]| plane.key.sign(bytes).unwrap().to_vec();
    for (jws, reason) in [
        (make("ES384", &on_p384), "`signature`: must be 64 bytes, as ES256 gives"),
        (make("ES256", &on_p384), "`signature`: must be 64 bytes, as ES256 gives"),
        (make("ES384", &on_p256), "`header.alg`: must be ES256"),
    ] {
        let refused = plane.accept(&jws).await.unwrap_err();
        assert!(refused.to_string().contains(reason), "{refused}");
        assert_eq!(code::<()>(Err(refused)), "config_malformed");
    }
    assert_eq!(code(plane.accept(&make("ES256", &on_p256)).await), "ok");
}

#[tokio::test]
async fn a_preparation_past_its_expiry_is_refused_when_it_says_fail() {
    let plane = Plane::new().await;
    let request = UpdateDraftRequest { on_stale: Some(pintle_api::OnStale::Fail), ..UpdateDraftRequest::default() };
    plane.service.update_draft(&plane.owner, plane.path(), &request, None, NOW).await.unwrap();
    let jws = plane.sign(&plane.prepare().await.unwrap());
    let late = UnixTime::from_secs(NOW.as_secs() + 90 * 86_400);
    let request = pintle_api::AcceptReleaseRequest { jws, publish_at: None };
    let answer = plane.service.accept_release(&plane.owner, plane.path(), &request, late).await;
    assert_eq!(code(answer), "config_expired");
}

#[tokio::test]
async fn an_unchanged_draft_is_released_again_only_when_asked() {
    let plane = Plane::new().await;
    plane.release().await;
    assert_eq!(code(plane.prepare().await), "draft_unchanged");
    assert_eq!(plane.prepare_anyway().await.version, 2);
    plane.add_reporting_domain("api.example.com").await;
    assert_eq!(plane.prepare().await.unwrap().version, 3);
}

#[tokio::test]
async fn preparing_again_and_again_does_not_pile_up() {
    let plane = Plane::new().await;
    let first = plane.prepare().await.unwrap();
    for _ in 0..32 {
        plane.prepare().await.unwrap();
    }
    assert_eq!(code(plane.accept(&plane.sign(&first)).await), "release_not_prepared");
}

#[tokio::test]
async fn a_key_is_fixed_by_the_first_release_and_voids_what_was_prepared_before() {
    let plane = Plane::new().await;
    let old = plane.prepare().await.unwrap();
    let new_key = SigningKey::generate().unwrap();
    let request = RegisterKeyRequest { public_key: new_key.public_key().to_base64(), recovery_key: None };
    let project: ProjectResponse = plane.service.register_key(&plane.owner, plane.path(), &request, NOW).await.unwrap();
    assert_eq!(project.key.unwrap().kid, new_key.public_key().kid().to_string());
    let resigned = sign(&new_key, &Base64::decode_vec(&old.claims).unwrap());
    assert_eq!(code(plane.accept(&resigned).await), "release_not_prepared");

    let request = RegisterKeyRequest { public_key: plane.key.public_key().to_base64(), recovery_key: None };
    plane.service.register_key(&plane.owner, plane.path(), &request, NOW).await.unwrap();
    plane.release().await;
    assert_eq!(code(plane.service.register_key(&plane.owner, plane.path(), &request, NOW).await), "key_fixed");
}

#[tokio::test]
async fn refuses_keys_that_make_no_root() {
    let plane = Plane::new().await;
    let key = plane.key.public_key().to_base64();
    for (public_key, recovery_key) in
        [("", None), ("AAAA", None), (key.as_str(), Some(key.clone())), (key.as_str(), Some("x".to_owned()))]
    {
        let request = RegisterKeyRequest { public_key: public_key.to_owned(), recovery_key };
        assert_eq!(code(plane.service.register_key(&plane.owner, plane.path(), &request, NOW).await), "setup_invalid");
    }
}
