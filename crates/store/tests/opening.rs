//! Opening a database that is not what it should be.

use std::fs;

use pintle_store::{Store, StoreError};

#[tokio::test]
async fn opens_what_it_created_before() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pintle.db");
    Store::open_sqlite(&path).await.unwrap().close().await.unwrap();
    let store = Store::open_sqlite(&path).await.unwrap();
    store.check_ready().await.unwrap();
}

#[tokio::test]
async fn names_a_file_that_is_no_database() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pintle.db");
    fs::write(&path, [b'x'; 8192]).unwrap();
    assert!(matches!(Store::open_sqlite(&path).await, Err(StoreError::Corrupt { .. })));
}

#[tokio::test]
async fn names_a_damaged_database() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pintle.db");
    Store::open_sqlite(&path).await.unwrap().close().await.unwrap();
    let mut bytes = fs::read(&path).unwrap();
    for byte in bytes.iter_mut().skip(4096) {
        *byte ^= 0x5a;
    }
    fs::write(&path, bytes).unwrap();
    assert!(matches!(Store::open_sqlite(&path).await, Err(StoreError::Corrupt { .. })));
}

#[tokio::test]
async fn names_a_path_that_cannot_be_opened() {
    let folder = tempfile::tempdir().unwrap();
    let refused = Store::open_sqlite(&folder.path().join("missing/pintle.db")).await;
    assert!(matches!(refused, Err(StoreError::Open { .. })));
}

#[tokio::test]
async fn refuses_a_database_of_a_newer_version() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pintle.db");
    Store::open_sqlite(&path).await.unwrap().close().await.unwrap();
    let url = format!("sqlite://{}", path.display());
    let database = sea_orm::Database::connect(url).await.unwrap();
    sea_orm::ConnectionTrait::execute_unprepared(&database, "INSERT INTO schema_migration (version) VALUES (9999)")
        .await
        .unwrap();
    database.close().await.unwrap();
    assert!(matches!(Store::open_sqlite(&path).await, Err(StoreError::NewerSchema { found: 9999, .. })));
}
