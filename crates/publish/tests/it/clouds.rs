//! Every kind of bucket keeps the same contract, against a server that really runs.

use std::{io::Write as _, sync::Arc};

use pintle_publish::{Bucket, Condition, CredentialSource, Place, check_contract, open};
use pintle_testkit::clouds::{AZURE_SAS, ENVIRONMENT, ObjectStore};

fn environment(name: &str) -> Option<String> {
    ENVIRONMENT.iter().find(|(variable, _)| *variable == name).map(|(_, value)| (*value).to_owned())
}

fn open_place(place: &str) -> Arc<dyn Bucket> {
    open(&place.parse::<Place>().unwrap(), &CredentialSource::Environment, &environment).unwrap()
}

/// Contract, headers, and that a prefix keeps to itself.
async fn check(place: &str) {
    let bucket = open_place(place);
    check_contract(bucket.as_ref()).await.unwrap();
    let prefix = place.replacen("/pins", "/pins/below/it", 1);
    check_contract(open_place(&prefix).as_ref()).await.unwrap();
    for (path, media_type, max_age) in [
        ("headers/p/pins.jws", "application/jose", "max-age=60,"),
        ("headers/p/releases/1.jws", "application/jose", "max-age=31536000,"),
        ("headers/p/pintle.json", "application/json", "max-age=60,"),
    ] {
        let address = pintle_publish::Address::parse(path).unwrap();
        bucket.write(&address, b"{}", &Condition::Absent).await.unwrap();
        let headers = bucket.read(&address).await.unwrap().unwrap().headers.unwrap();
        assert_eq!(headers.media_type.as_deref(), Some(media_type), "{path}");
        assert!(headers.cache_control.is_some_and(|value| value.contains(max_age)), "{path}");
    }
}

#[tokio::test]
async fn s3_keeps_the_contract_of_a_bucket() {
    let store = ObjectStore::s3();
    check(&store.place).await;
}

#[tokio::test]
async fn azure_keeps_the_contract_of_a_bucket() {
    let store = ObjectStore::azure();
    check(&store.place).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sas");
    std::fs::write(&file, AZURE_SAS).unwrap();
    let place = store.place.replacen("/pins", "/pins/by-sas", 1).parse().unwrap();
    let bucket = open(&place, &CredentialSource::File(file), &|_| None).unwrap();
    // Azurite answers 500 when a SAS token removes a blob the way this client does; the rest holds.
    let address = pintle_publish::Address::parse("sas/p/pins.jws").unwrap();
    bucket.write(&address, b"one", &Condition::Absent).await.unwrap();
    assert!(bucket.write(&address, b"two", &Condition::Absent).await.is_err());
    assert_eq!(bucket.read(&address).await.unwrap().unwrap().body, b"one");
}

#[tokio::test]
async fn google_cloud_storage_keeps_the_contract_of_a_bucket() {
    match ObjectStore::gcs().await {
        Some(store) => check(&store.place).await,
        None => writeln!(
            std::io::stderr(),
            "SKIPPED: google_cloud_storage_keeps_the_contract_of_a_bucket: no fake-gcs-server"
        )
        .unwrap(),
    }
}
