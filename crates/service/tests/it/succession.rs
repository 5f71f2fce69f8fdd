use base64ct::{Base64, Encoding};
use pintle_api::{
    AcceptStatementRequest, ListQuery, PreparedReleaseResponse, ProjectKeyResponse, ReleaseState, StatementResponse,
    StatementSigner,
};
use pintle_core::{
    Code, OrganizationId, ProjectId, PublicKey, Root, State, UnixTime, claims::Claims, succession::Link, verify,
};
use pintle_publish::{Address, Bucket, Condition};
use pintle_service::{OriginBucket, Progress, ServiceError};
use pintle_sign::{Signer, SigningKey, canonical_claims, make_statement, sign_config};

use crate::support::{NOW, Plane, base_url, code};

fn new_key() -> SigningKey {
    SigningKey::generate().unwrap()
}

impl Plane {
    /// What the first apps embed.
    fn root(&self) -> Root {
        let (organization, project) = self.core_ids();
        let root = Root::new(organization, project, self.key.public_key(), vec![base_url()]).unwrap();
        root.with_recovery_key(self.recovery_key.public_key()).unwrap()
    }

    fn core_ids(&self) -> (OrganizationId, ProjectId) {
        (OrganizationId::parse(&self.organization).unwrap(), ProjectId::parse(&self.project).unwrap())
    }

    fn statement(&self, signer: &SigningKey, seq: u64, key: &PublicKey) -> String {
        let (organization, project) = self.core_ids();
        make_statement(signer, &organization, &project, seq, NOW, key).unwrap()
    }

    async fn submit(&self, jws: &str) -> Result<StatementResponse, ServiceError> {
        let request = AcceptStatementRequest { jws: jws.into() };
        self.service.accept_statement(&self.owner, self.path(), &request, NOW).await
    }

    /// `seq` signed by `signer` names `key`, accepted.
    async fn succeed(&self, signer: &SigningKey, seq: u64, key: &SigningKey) -> StatementResponse {
        self.submit(&self.statement(signer, seq, &key.public_key())).await.unwrap()
    }

    fn sign_with(&self, key: &SigningKey, prepared: &PreparedReleaseResponse) -> String {
        let claims = Base64::decode_vec(&prepared.claims).unwrap();
        sign_config(key, &claims, &prepared.succession, &self.root()).unwrap().as_str().to_owned()
    }

    /// Prepares, signs with `key`, submits and publishes.
    async fn release_with(&self, key: &SigningKey) -> String {
        let jws = self.sign_with(key, &self.prepare_anyway().await);
        self.accept(&jws).await.unwrap();
        assert_eq!(self.service.run_next_job(NOW).await.unwrap(), Progress::Done);
        jws
    }

    async fn project_key(&self) -> ProjectKeyResponse {
        self.service.read_project(&self.owner, self.path()).await.unwrap().key.unwrap()
    }

    async fn bundled_key(&self) -> PublicKey {
        let bundle = self.service.read_bundle(&self.owner, self.path()).await.unwrap();
        assert_eq!(self.published("pintle.json").await.as_ref(), Some(&bundle), "as it is published");
        *Root::parse_bundle(bundle.as_bytes()).unwrap().public_key()
    }
}

fn seqs(links: &[Link]) -> Vec<u64> {
    links.iter().map(|link| link.seq).collect()
}

#[tokio::test]
async fn after_a_rotation_the_new_key_signs_and_the_oldest_app_follows() {
    let plane = Plane::new().await;
    let first = plane.release_with(&plane.key).await;
    let new = new_key();
    let accepted = plane.succeed(&plane.key, 1, &new).await;
    assert_eq!((accepted.seq, accepted.signed_by), (1, StatementSigner::Predecessor));
    assert_eq!(accepted.kid, new.public_key().kid().to_string());
    assert_eq!(plane.bundled_key().await, plane.key.public_key(), "what is live is still signed by the old key");

    let prepared = plane.prepare_anyway().await;
    assert_eq!((&prepared.kid, prepared.succession.as_slice()), (&accepted.kid, &[accepted.jws.clone()][..]));
    let second = plane.release_with(&new).await;
    let app = verify(first.as_bytes(), &plane.root(), &State::default(), NOW).unwrap();
    let app = verify(second.as_bytes(), &plane.root(), &app.state, NOW).unwrap();
    assert_eq!(app.config.kid(), new.public_key().kid());
    assert_eq!(plane.bundled_key().await, new.public_key());
    let key = plane.project_key().await;
    assert_eq!(key.public_key, new.public_key().to_base64());
    assert_eq!(key.original_public_key, plane.key.public_key().to_base64());
}

#[tokio::test]
async fn what_the_old_key_signed_before_or_after_is_void() {
    let plane = Plane::new().await;
    plane.release_with(&plane.key).await;
    let signed_before = plane.sign(&plane.prepare_anyway().await);
    plane.succeed(&plane.key, 1, &new_key()).await;
    assert_eq!(code(plane.accept(&signed_before).await), "succession_outdated");
    let signed_after = plane.sign(&plane.prepare_anyway().await);
    assert_eq!(code(plane.accept(&signed_after).await), "succession_outdated");
}

#[tokio::test]
async fn submitting_a_release_or_statement_again_answers_what_it_became() {
    let plane = Plane::new().await;
    let release = plane.release_with(&plane.key).await;
    let statement = plane.statement(&plane.key, 1, &new_key().public_key());
    let first = plane.submit(&statement).await.unwrap();
    assert_eq!(plane.submit(&statement).await.unwrap(), first);
    assert_eq!(plane.accept(&release).await.unwrap().version, 1);
    let listed = plane.service.list_statements(&plane.owner, plane.path(), &ListQuery::default()).await.unwrap().items;
    assert_eq!(listed, [first]);
}

#[tokio::test]
async fn refuses_statements_that_do_not_lead_on() {
    let plane = Plane::new().await;
    let (key, recovery_key) = (&plane.key, &plane.recovery_key);
    let (second, third) = (new_key(), new_key());
    let early = plane.statement(key, 1, &second.public_key());
    assert_eq!(code(plane.submit(&early).await), "key_not_in_use");
    plane.release_with(key).await;
    plane.submit(&early).await.unwrap();

    let other_project = make_statement(
        &second,
        &OrganizationId::parse(&plane.organization).unwrap(),
        &ProjectId::parse("prj_other").unwrap(),
        2,
        NOW,
        &third.public_key(),
    )
    .unwrap();
    for (statement, refusal) in [
        (plane.statement(key, 1, &third.public_key()), "statement_out_of_turn"),
        (plane.statement(&second, 3, &third.public_key()), "statement_out_of_turn"),
        (plane.statement(key, 2, &third.public_key()), "config_key_unknown"),
        (plane.statement(&third, 2, &third.public_key()), "config_key_unknown"),
        (other_project, "config_key_unknown"),
        (plane.statement(&second, 2, &key.public_key()), "key_reused"),
        (plane.statement(&second, 2, &second.public_key()), "key_reused"),
        (plane.statement(&second, 2, &recovery_key.public_key()), "key_reused"),
        ("a.b.c".to_owned(), "config_malformed"),
        (plane.sign(&plane.prepare_anyway().await), "config_malformed"),
    ] {
        assert_eq!(code(plane.submit(&statement).await), refusal, "{statement}");
    }
    assert_eq!(plane.project_key().await.kid, second.public_key().kid().to_string());
}

#[tokio::test]
async fn only_an_administrator_of_the_organization_may_change_the_key() {
    let plane = Plane::new().await;
    plane.release_with(&plane.key).await;
    let request = AcceptStatementRequest { jws: plane.statement(&plane.key, 1, &new_key().public_key()) };
    let stranger = plane.add_account("read edit release admin").await;
    let refused = plane.service.accept_statement(&stranger, plane.path(), &request, NOW).await;
    assert_eq!(code(refused), "not_found");
    assert_eq!(code(plane.service.list_statements(&stranger, plane.path(), &ListQuery::default()).await), "not_found");
    let publisher = plane.add_member(pintle_api::Role::Publisher).await;
    let refused = plane.service.accept_statement(&publisher, plane.path(), &request, NOW).await;
    assert_eq!(code(refused), "role_insufficient");
}

#[tokio::test]
async fn a_recovery_shuts_out_who_holds_the_signing_key() {
    let plane = Plane::new().await;
    let first = plane.release_with(&plane.key).await;
    let app = verify(first.as_bytes(), &plane.root(), &State::default(), NOW).unwrap();
    // The thief signs the highest number there is and writes it to the bucket.
    let (organization, project) = plane.core_ids();
    let claims = canonical_claims(&Claims::new(organization, project, (1 << 53) - 1, NOW));
    let stolen = sign_config(&plane.key, &claims, &[], &plane.root()).unwrap();
    let app = verify(stolen.as_bytes(), &plane.root(), &app.state, NOW).unwrap();
    let address = Address::parse(&format!("{}/{}/pins.jws", plane.organization, plane.project)).unwrap();
    let origin = OriginBucket::new(plane.store.clone());
    let tag = origin.read(&address).await.unwrap().unwrap().tag;
    origin.write(&address, stolen.as_bytes(), &Condition::Unchanged(tag)).await.unwrap();

    let new = new_key();
    let recovered = plane.succeed(&plane.recovery_key, 1, &new).await;
    assert_eq!(recovered.signed_by, StatementSigner::Recovery);
    let second = plane.release_with(&new).await;
    assert_eq!(plane.published("pins.jws").await.as_ref(), Some(&second), "the thief's file is replaced");
    let app = verify(second.as_bytes(), &plane.root(), &app.state, NOW).unwrap();
    assert_eq!((app.config.claims().version, app.config.recovery_seq()), (2, 1));
    let refused = verify(stolen.as_bytes(), &plane.root(), &app.state, NOW).unwrap_err();
    assert_eq!(refused.code(), Code::ConfigRollback);
}

#[tokio::test]
async fn a_release_drops_what_lies_before_a_recovery() {
    let plane = Plane::new().await;
    plane.release_with(&plane.key).await;
    let (second, third, fourth) = (new_key(), new_key(), new_key());
    plane.succeed(&plane.key, 1, &second).await;
    let before = plane.release_with(&second).await;
    plane.succeed(&plane.recovery_key, 2, &third).await;
    plane.succeed(&third, 3, &fourth).await;
    let after = plane.release_with(&fourth).await;
    let app = verify(before.as_bytes(), &plane.root(), &State::default(), NOW).unwrap();
    let app = verify(after.as_bytes(), &plane.root(), &app.state, NOW).unwrap();
    assert_eq!(seqs(&app.state.chain), [2, 3]);
    let bundle = plane.service.read_bundle(&plane.owner, plane.path()).await.unwrap();
    let root = Root::parse_bundle(bundle.as_bytes()).unwrap();
    assert_eq!(root.public_key(), &fourth.public_key());
    assert!(verify(after.as_bytes(), &root, &State::default(), NOW).is_ok(), "new builds accept it too");
    let all = plane.service.list_statements(&plane.owner, plane.path(), &ListQuery::default()).await.unwrap().items;
    assert_eq!(all.iter().map(|statement| statement.seq).collect::<Vec<_>>(), [1, 2, 3], "nothing is forgotten");
}

#[tokio::test]
async fn a_full_chain_goes_on_with_the_recovery_key_alone() {
    let plane = Plane::new().await;
    plane.release_with(&plane.key).await;
    let keys: Vec<SigningKey> = (0..34).map(|_| new_key()).collect();
    let mut signer = &plane.key;
    for (seq, key) in (1..=32).zip(&keys) {
        plane.succeed(signer, seq, key).await;
        signer = key;
    }
    plane.release_with(signer).await;
    let too_long = plane.statement(signer, 33, &keys[32].public_key());
    assert_eq!(code(plane.submit(&too_long).await), "succession_full");
    plane.succeed(&plane.recovery_key, 33, &keys[33]).await;
    assert_eq!(plane.prepare_anyway().await.succession.len(), 1);
    plane.release_with(&keys[33]).await;
}

#[tokio::test]
async fn a_publication_held_up_past_a_rotation_does_not_bring_back_the_old_bundle() {
    let plane = Plane::new().await;
    plane.release().await;
    let tx = plane.store.write().await.unwrap();
    tx.lease_job(&pintle_store::JobKind::ALL, "slow", NOW.as_secs(), NOW.as_secs() + 5).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    let new = new_key();
    plane.succeed(&plane.key, 1, &new).await;
    plane.release_with(&new).await;
    let later = UnixTime::from_secs(NOW.as_secs() + 5);
    assert_eq!(plane.service.run_next_job(later).await.unwrap(), Progress::Done);
    let release = plane.service.read_release(&plane.owner, plane.path(), 1).await.unwrap();
    assert_eq!(release.state, ReleaseState::Superseded);
    assert_eq!(plane.bundled_key().await, new.public_key());
}
