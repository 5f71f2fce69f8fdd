use std::path::Path;

use pintle_server::admin::{self, AdminError};

use crate::support::{Server, config_on_sqlite, execute_on};

async fn spoil(database: &Path, sql: &str) {
    execute_on(&format!("sqlite://{}", database.display()), sql).await;
}

fn findings<T: std::fmt::Debug>(answer: Result<T, AdminError>) -> String {
    match answer.unwrap_err() {
        AdminError::Damaged { findings, .. } => findings.join("; "),
        other => other.to_string(),
    }
}

#[tokio::test]
async fn a_release_that_no_app_would_accept_is_found_and_not_restored() {
    let folder = tempfile::tempdir().unwrap();
    let config = config_on_sqlite(folder.path());
    let server = Server::start_with(folder, config.clone()).await;
    let project = server.add_project().await;
    project.release(&server.admin).await;
    project.release(&server.admin).await;
    let backup = server.folder.path().join("backup.db");
    admin::back_up(&config, &backup).await.unwrap();
    let folder = server.stop().await;
    for (damage, finding) in [
        (
            "UPDATE release_file SET jws = (SELECT jws FROM release_file WHERE version = 2)",
            "is that of another release",
        ),
        ("UPDATE release_file SET jws = replace(jws, '.', '.A') WHERE version = 1", "does not verify"),
        ("PRAGMA foreign_keys = OFF; DELETE FROM release_file WHERE version = 1", "is missing"),
        ("PRAGMA foreign_keys = OFF; DELETE FROM project", "names one of project that is not there"),
    ] {
        let (spoilt, other) = (folder.path().join("spoilt.db"), tempfile::tempdir().unwrap());
        std::fs::copy(&backup, &spoilt).unwrap();
        spoil(&spoilt, damage).await;
        let found = findings(admin::restore(&config_on_sqlite(other.path()), &spoilt).await);
        assert!(found.contains(finding), "{damage}: {found}");
        std::fs::rename(&spoilt, other.path().join("pintle.db")).unwrap();
        let found = findings(admin::check(&config_on_sqlite(other.path())).await);
        assert!(found.contains(finding), "{damage}: {found}");
    }
    assert_eq!(admin::check(&config).await.unwrap().releases, 2);
    let other = tempfile::tempdir().unwrap();
    let restored = admin::restore(&config_on_sqlite(other.path()), &backup).await.unwrap();
    assert!(restored.kept.is_none());
    let left: Vec<_> = std::fs::read_dir(other.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "the database and the lock: {left:?}");
}
