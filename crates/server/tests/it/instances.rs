//! Several servers on one PostgreSQL.

use std::path::Path;

use pintle_api::client::Client;
use pintle_server::ServerConfig;
use pintle_testkit::postgres;
use tokio::{sync::oneshot, task::JoinHandle};

use crate::support::{KILLED_BEFORE_PUBLISHING, Server, config_on_sqlite, execute_on, http, start, wait_until_live};

fn config_on(url: &str, data_dir: &Path) -> ServerConfig {
    ServerConfig { database: Some(url.parse().unwrap()), ..config_on_sqlite(data_dir) }
}

/// A further server on a database that has its first account.
struct Instance {
    url: String,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), pintle_server::ServerError>>,
}

impl Instance {
    async fn start(config: ServerConfig) -> Self {
        let (stop, stopped) = oneshot::channel::<()>();
        let (ready, task) = start(config, async { drop(stopped.await) }).await;
        let ready = ready.unwrap();
        assert!(ready.first_run.is_none(), "one instance makes the first account");
        Self { url: ready.public_url, stop, task }
    }

    async fn stop(self) {
        self.stop.send(()).unwrap();
        self.task.await.unwrap().unwrap();
    }
}

async fn fetch(url: &str) -> String {
    let answer = http().get(url).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 200, "{url}");
    answer.text().await.unwrap()
}

#[tokio::test]
async fn every_instance_serves_at_once_what_any_of_them_published() {
    let folder = tempfile::tempdir().unwrap();
    let config = config_on(&postgres::make_database(), folder.path());
    let first = Server::start_with(folder, config.clone()).await;
    let second = Instance::start(config).await;
    let client_of_second = Client::new(&second.url, first.token.clone()).unwrap();
    let project = first.add_project().await;
    let path = format!("cdn/{}/{}/pins.jws", project.organization, project.project);
    for _ in 0..3 {
        for client in [&first.admin, &client_of_second] {
            let jws = project.release(client).await;
            assert_eq!(fetch(&format!("{}/{path}", first.url)).await, jws);
            assert_eq!(fetch(&format!("{}/{path}", second.url)).await, jws);
        }
    }
    second.stop().await;
    first.stop().await;
}

#[tokio::test]
async fn a_release_whose_instance_died_is_published_by_another() {
    let folder = tempfile::tempdir().unwrap();
    let url = postgres::make_database();
    let config = config_on(&url, folder.path());
    let first = Server::start_with(folder, config.clone()).await;
    let second = Instance::start(config).await;
    let project = first.add_project().await;
    let client = Client::new(&second.url, first.token.clone()).unwrap();
    project.release(&client).await;
    let folder = first.stop().await;
    // Nobody tells the second one of it.
    execute_on(&url, KILLED_BEFORE_PUBLISHING).await;
    wait_until_live(&client, project.id(), 1).await;
    fetch(&format!("{}/cdn/{}/{}/pins.jws", second.url, project.organization, project.project)).await;
    second.stop().await;
    drop(folder);
}
