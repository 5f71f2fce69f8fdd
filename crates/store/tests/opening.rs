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
async fn brings_a_database_of_the_first_version_up_to_date() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pintle.db");
    let old = sea_orm::Database::connect(format!("sqlite://{}?mode=rwc", path.display())).await.unwrap();
    let first = include_str!("../migrations/0001_initial.sql").replace("{{bytes}}", "BLOB");
    let history = "CREATE TABLE schema_migration (version BIGINT NOT NULL PRIMARY KEY);
        INSERT INTO schema_migration (version) VALUES (1);
        INSERT INTO account (id, name, created_at) VALUES ('acc_1', 'ada', 1);";
    for sql in [first.as_str(), history] {
        sea_orm::ConnectionTrait::execute_unprepared(&old, sql).await.unwrap();
    }
    old.close().await.unwrap();
    let store = Store::open_sqlite(&path).await.unwrap();
    store.check_ready().await.unwrap();
    assert!(!store.read().await.unwrap().has_no_account().await.unwrap(), "what was there is still there");
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
