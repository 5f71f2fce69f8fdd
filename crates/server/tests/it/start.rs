use std::{fs, future};

use pintle_api::client::Client;
use pintle_server::{ServerConfig, ServerError};
use tokio::sync::oneshot;

use crate::support::{
    KILLED_BEFORE_PUBLISHING, Server, config, config_on_sqlite, execute, http, start, wait_until_live,
};

async fn refusal(config: ServerConfig) -> ServerError {
    let (ready, task) = start(config, future::pending()).await;
    assert!(ready.is_none());
    task.await.unwrap().unwrap_err()
}

#[tokio::test]
async fn tells_that_it_is_alive_and_ready() {
    let server = Server::start().await;
    for path in ["healthz", "readyz"] {
        let answer = http().get(format!("{}/{path}", server.url)).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 200, "{path}");
    }
    server.stop().await;
}

#[tokio::test]
async fn the_first_token_is_shown_once_and_works_ever_after() {
    let server = Server::start().await;
    let token = server.token.clone();
    let folder = server.stop().await;
    let (stop, stopped) = oneshot::channel::<()>();
    let (ready, task) = start(config(folder.path()), async { drop(stopped.await) }).await;
    let ready = ready.unwrap();
    assert!(ready.first_run.is_none());
    Client::new(&ready.public_url, token).unwrap().whoami().await.unwrap();
    stop.send(()).unwrap();
    task.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_release_that_a_crash_left_behind_goes_live_after_the_next_start() {
    let server = Server::start().await;
    let (project, token) = (server.add_project().await, server.token.clone());
    let (release, _) = project.submit(&server.admin).await;
    let folder = server.stop().await;
    execute(folder.path(), KILLED_BEFORE_PUBLISHING).await;
    let (stop, stopped) = oneshot::channel::<()>();
    let (ready, task) = start(config(folder.path()), async { drop(stopped.await) }).await;
    let client = Client::new(&ready.unwrap().public_url, token).unwrap();
    wait_until_live(&client, project.id(), release.version).await;
    stop.send(()).unwrap();
    task.await.unwrap().unwrap();
}

#[tokio::test]
async fn names_a_port_that_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let config = ServerConfig { listen: taken.local_addr().unwrap(), ..config(folder.path()) };
    assert_eq!(refusal(config).await.code(), "listen_failed");
}

#[tokio::test]
async fn names_a_data_directory_that_cannot_be_used() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, b"").unwrap();
    assert_eq!(refusal(config_on_sqlite(&file)).await.code(), "data_dir_unusable");
}

#[tokio::test]
async fn two_servers_do_not_share_a_data_directory() {
    let folder = tempfile::tempdir().unwrap();
    let config = config_on_sqlite(folder.path());
    let server = Server::start_with(folder, config.clone()).await;
    assert_eq!(refusal(config).await.code(), "data_dir_locked");
    server.stop().await;
}

#[tokio::test]
async fn names_a_database_that_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("pintle.db"), [b'x'; 4096]).unwrap();
    let error = refusal(config_on_sqlite(folder.path())).await;
    assert_eq!(error.code(), "database_corrupt");
    assert!(error.hint().contains("backup"));
    assert_eq!(fs::read(folder.path().join("pintle.db")).unwrap(), [b'x'; 4096], "left as it was found");
}

#[tokio::test]
async fn a_public_address_needs_a_public_url() {
    let folder = tempfile::tempdir().unwrap();
    let open = ServerConfig { listen: "0.0.0.0:0".parse().unwrap(), ..config(folder.path()) };
    assert_eq!(refusal(open).await.code(), "public_url_missing");
}
