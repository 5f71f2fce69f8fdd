//! The database gone, or held by somebody else, while the server runs.

use std::time::Duration;

use pintle_api::CreateOrganizationRequest;
use pintle_server::ServerConfig;
use pintle_testkit::postgres::Cluster;
use sea_orm::{SqliteTransactionMode, TransactionOptions, TransactionTrait};

use crate::support::{Server, code, config_on_sqlite, http};

fn organization() -> CreateOrganizationRequest {
    CreateOrganizationRequest { name: "Another".into() }
}

async fn status(server: &Server, path: &str) -> u16 {
    http().get(format!("{}/{path}", server.url)).send().await.unwrap().status().as_u16()
}

/// Until it answers so; what is waited for is bounded by the store's own limits.
async fn wait_for_status(server: &Server, path: &str, expected: u16) {
    let wait = async {
        while status(server, path).await != expected {
            tokio::task::yield_now().await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(20), wait).await.is_ok(), "{path}");
}

#[tokio::test]
async fn a_server_outlives_its_postgres() {
    let mut cluster = Cluster::start(&["listen_addresses="]);
    let folder = tempfile::tempdir().unwrap();
    let database = Some(cluster.make_database().parse().unwrap());
    let config = ServerConfig { database, ..config_on_sqlite(folder.path()) };
    let server = Server::start_with(folder, config).await;
    let project = server.add_project().await;
    let jws = project.release(&server.admin).await;
    let file = project.file(&server, "pins.jws");
    assert_eq!(http().get(&file).send().await.unwrap().text().await.unwrap(), jws);

    cluster.stop();
    let answer = http().get(format!("{}/api/v1/organizations", server.url)).bearer_auth(server.token.expose_secret());
    let answer = answer.send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.headers().get("retry-after").is_some()), (503, true));
    assert!(answer.text().await.unwrap().contains("\"database_unavailable\""));
    assert_eq!(code(server.admin.create_organization(&organization()).await), "database_unavailable");
    assert_eq!((status(&server, "readyz").await, status(&server, "healthz").await), (503, 200));
    assert_eq!(http().get(&file).send().await.unwrap().text().await.unwrap(), jws, "apps do not notice");

    cluster.restart();
    wait_for_status(&server, "readyz", 200).await;
    server.admin.create_organization(&organization()).await.unwrap();
    let next = project.release(&server.admin).await;
    assert_eq!(http().get(&file).send().await.unwrap().text().await.unwrap(), next);
    server.stop().await;
}

#[tokio::test]
async fn a_locked_sqlite_can_be_read_and_says_later_to_writers() {
    let folder = tempfile::tempdir().unwrap();
    let config = config_on_sqlite(folder.path());
    let server = Server::start_with(folder, config).await;
    let project = server.add_project().await;
    let url = format!("sqlite://{}", server.folder.path().join("pintle.db").display());
    let other = sea_orm::Database::connect(url).await.unwrap();
    let mode = TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    };
    let lock = other.begin_with_options(mode).await.unwrap();
    let another = organization();
    let change = server.admin.create_organization(&another);
    let (refused, read) = tokio::join!(change, server.admin.read_project(project.id()));
    assert_eq!(code(refused), "database_unavailable");
    read.unwrap();
    assert_eq!(status(&server, "readyz").await, 200);
    lock.rollback().await.unwrap();
    server.admin.create_organization(&organization()).await.unwrap();
    assert_eq!(server.admin.list_organizations().all().await.unwrap().len(), 2, "the refused one was not made");
    server.stop().await;
}
