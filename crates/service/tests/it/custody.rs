//! The key that the server keeps: ciphertext alone, for those who may release, gone with the key.

use base64ct::{Base64, Encoding};
use pintle_api::{AcceptStatementRequest, Custody, KeyOpener, Role, StoreKeyRequest, UpdateProjectRequest};
use pintle_core::{OrganizationId, ProjectId};
use pintle_sign::{EncryptedKey, Signer, SigningKey, make_statement};
use secrecy::SecretString;

use crate::support::{NOW, Plane, code};

/// PBKDF2 with one round less than the least.
const CHEAP: &str = "\
-----BEGIN ENCRYPTED PRIVATE KEY-----
MIHtMFgGCSqGSIb3DQEFDTBLMCoGCSqGSIb3DQEFDDAdBAhDNpyLwS1ywAIDCSe/
MAwGCCqGSIb3DQIJBQAwHQYJYIZIAWUDBAEqBBCT30dhETddjB3Pfx57vczXBIGQ
/qGevSzvQwwoEdI9f9oqjQ4dabGGcnMt+cl0l9I3ASkinA3Mi43FuLyZrfRcykjq
WgQBOXr3CQ06jyv0ok4fDUi0Grh66t8m9tzKfUx6gkaj68fVGo9CakBfg/gmkEEY
Mwv3UHE51lRtGWTshvwYqFBBjMPYiMiQ18x6y4c2elRbzuB4G6Y3Qrp+d7Zh63ys
-----END ENCRYPTED PRIVATE KEY-----
";

fn encrypt(key: &SigningKey) -> String {
    key.to_encrypted_pem(&SecretString::from("correct horse")).unwrap().to_string()
}

impl Plane {
    fn store_request(&self, pem: &str, signer: &SigningKey) -> StoreKeyRequest {
        let organization = OrganizationId::parse(&self.organization).unwrap();
        let project = ProjectId::parse(self.path().project).unwrap();
        let message = EncryptedKey::parse_pem(pem).unwrap().proof_message(&organization, &project);
        let proof = Base64::encode_string(&signer.sign(&message).unwrap());
        StoreKeyRequest { pem: pem.into(), opened_by: KeyOpener::Password {}, proof }
    }

    async fn custody(&self) -> Custody {
        self.service.read_project(&self.owner, self.path()).await.unwrap().key.unwrap().custody
    }
}

#[tokio::test]
async fn a_well_encrypted_key_with_its_own_word_is_kept_fetched_and_forgotten() {
    let plane = Plane::new().await;
    let (owner, path) = (&plane.owner, plane.path());
    assert_eq!(code(plane.service.fetch_key(owner, path, NOW).await), "not_found");
    let pem = encrypt(&plane.key);
    let stored = plane.service.store_key(owner, path, &plane.store_request(&pem, &plane.key), NOW).await.unwrap();
    assert_eq!(stored.kid, plane.key.public_key().kid().to_string());
    assert_eq!(plane.custody().await, Custody::BrowserPassword);
    let publisher = plane.add_member(Role::Publisher).await;
    let fetched = plane.service.fetch_key(&publisher, path, NOW).await.unwrap();
    assert_eq!(fetched, stored);
    let event = plane.last_event().await;
    assert_eq!(
        (event.action.as_str(), event.actor.account_id.as_deref()),
        ("key.fetched", Some(publisher.account_id()))
    );
    let editor = plane.add_member(Role::Editor).await;
    assert_eq!(code(plane.service.fetch_key(&editor, path, NOW).await), "role_insufficient");
    let opened = SigningKey::parse_pem(&fetched.pem, Some(&SecretString::from("correct horse"))).unwrap();
    assert_eq!(opened.public_key(), plane.key.public_key());

    plane.service.discard_key(owner, path, NOW).await.unwrap();
    assert_eq!(plane.custody().await, Custody::External);
    assert_eq!(code(plane.service.fetch_key(owner, path, NOW).await), "not_found");
    assert_eq!(code(plane.service.discard_key(owner, path, NOW).await), "not_found");
}

#[tokio::test]
async fn nothing_that_tells_a_secret_or_belongs_to_another_key_is_kept() {
    let plane = Plane::new().await;
    let (owner, path) = (&plane.owner, plane.path());
    let pem = encrypt(&plane.key);
    let good = plane.store_request(&pem, &plane.key);
    let other = encrypt(&SigningKey::generate().unwrap());
    for (request, expected) in [
        (StoreKeyRequest { pem: plane.key.to_pem().unwrap().to_string(), ..good.clone() }, "key_not_encrypted"),
        (StoreKeyRequest { pem: "hello".into(), ..good.clone() }, "key_ciphertext_invalid"),
        (StoreKeyRequest { pem: CHEAP.into(), ..good.clone() }, "key_encryption_weak"),
        (plane.store_request(&pem, &SigningKey::generate().unwrap()), "key_proof_invalid"),
        (StoreKeyRequest { pem: other, ..good.clone() }, "key_proof_invalid"),
        (StoreKeyRequest { proof: "!".into(), ..good }, "key_proof_invalid"),
    ] {
        assert_eq!(code(plane.service.store_key(owner, path, &request, NOW).await), expected);
    }
    assert_eq!(code(plane.service.fetch_key(owner, path, NOW).await), "not_found");
    assert_eq!(plane.custody().await, Custody::External);
}

#[tokio::test]
async fn what_a_passkey_needs_to_open_it_is_kept_with_it() {
    let plane = Plane::new().await;
    let (owner, path) = (&plane.owner, plane.path());
    let request = plane.store_request(&encrypt(&plane.key), &plane.key);
    let store = async |credential_id: String, prf_salt: String| {
        let opened_by = KeyOpener::Passkey { credential_id, prf_salt };
        plane.service.store_key(owner, path, &StoreKeyRequest { opened_by, ..request.clone() }, NOW).await
    };
    let salt = "A".repeat(43);
    for (credential, salt) in
        [("", &*salt), ("a+b/", &salt), (&"A".repeat(1366), &salt), ("AAAA", "AAAA"), ("AAAA", "")]
    {
        assert_eq!(
            code(store(credential.to_owned(), salt.to_owned()).await),
            "value_invalid",
            "{credential:?} {salt:?}"
        );
    }
    store("A".repeat(1364), salt.clone()).await.unwrap();
    assert_eq!(plane.custody().await, Custody::BrowserPasskey);
    let KeyOpener::Passkey { credential_id, prf_salt } =
        plane.service.fetch_key(owner, path, NOW).await.unwrap().opened_by
    else {
        panic!("a password");
    };
    assert_eq!((credential_id.len(), prf_salt), (1364, salt));
    // Back to a password.
    plane.service.store_key(owner, path, &request, NOW).await.unwrap();
    assert_eq!(plane.custody().await, Custody::BrowserPassword);
    assert_eq!(plane.service.fetch_key(owner, path, NOW).await.unwrap().opened_by, KeyOpener::Password {});
}

#[tokio::test]
async fn a_proof_for_one_project_stores_nothing_in_another() {
    let plane = Plane::new().await;
    let other = plane.add_project("test").await;
    let path = pintle_service::ProjectPath { organization: &plane.organization, project: &other };
    let request = plane.store_request(&encrypt(&plane.key), &plane.key);
    let refused = plane.service.store_key(&plane.owner, path, &request, NOW).await;
    assert_eq!(code(refused), "key_proof_invalid");
}

#[tokio::test]
async fn what_is_kept_of_a_key_goes_with_the_key() {
    let plane = Plane::new().await;
    let (owner, path) = (&plane.owner, plane.path());
    let request = plane.store_request(&encrypt(&plane.key), &plane.key);
    plane.service.store_key(owner, path, &request, NOW).await.unwrap();
    plane.release().await;
    let (organization, project) =
        (OrganizationId::parse(&plane.organization).unwrap(), ProjectId::parse(path.project).unwrap());
    let next = SigningKey::generate().unwrap();
    let jws = make_statement(&plane.key, &organization, &project, 1, NOW, &next.public_key()).unwrap();
    plane.service.accept_statement(owner, path, &AcceptStatementRequest { jws }, NOW).await.unwrap();
    assert_eq!(code(plane.service.fetch_key(owner, path, NOW).await), "not_found");
    assert_eq!(plane.custody().await, Custody::External);
    assert_eq!(code(plane.service.store_key(owner, path, &request, NOW).await), "key_proof_invalid", "the old key's");
}

#[tokio::test]
async fn custody_is_noted_for_keys_that_are_elsewhere_alone() {
    let plane = Plane::new().await;
    let note = async |custody| {
        let request = UpdateProjectRequest { custody: Some(custody), ..UpdateProjectRequest::default() };
        plane.service.update_project(&plane.owner, plane.path(), &request, NOW).await
    };
    note(Custody::Kms).await.unwrap();
    assert_eq!(plane.custody().await, Custody::Kms);
    assert_eq!(code(note(Custody::BrowserPassword).await), "custody_not_noted");
    let request = plane.store_request(&encrypt(&plane.key), &plane.key);
    plane.service.store_key(&plane.owner, plane.path(), &request, NOW).await.unwrap();
    assert_eq!(code(note(Custody::External).await), "custody_not_noted");
    assert_eq!(plane.custody().await, Custody::BrowserPassword);
}
