//! The same server that `pintle serve` runs, in this process.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use pintle_api::client::Client;
use pintle_server::{GuardConfig, Ready, ServerConfig, ServerError};
use tokio::{sync::oneshot, task::JoinHandle};

use super::DemoError;

pub(super) struct Server {
    address: SocketAddr,
    url: String,
    client: Client,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), ServerError>>,
}

impl Server {
    /// Starts a fresh installation in `data_dir` and signs in with the token of its first run. Its guard looks at
    /// `guarded` on this machine, and trusts the CA in `ca_file`.
    pub(super) async fn start(data_dir: &Path, guarded: SocketAddr, ca_file: PathBuf) -> Result<Self, DemoError> {
        let config = ServerConfig {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            data_dir: data_dir.to_owned(),
            guard: GuardConfig {
                roots: vec![ca_file],
                networks: vec![guarded.ip().into()],
                ports: vec![guarded.port()],
                ..ServerConfig::default().guard
            },
            ..ServerConfig::default()
        };
        let (stop, stopped) = oneshot::channel::<()>();
        let (say_ready, ready) = oneshot::channel();
        let shutdown = async move {
            // A dropped sender ends the server as well as a message.
            let _either_way = stopped.await;
        };
        let task = tokio::spawn(pintle_server::run(config, shutdown, move |at: Ready| {
            // Nobody to tell: the demo has ended meanwhile.
            let _heard = say_ready.send(at);
        }));
        let Ok(Ready { address, public_url: url, first_run: Some(first_run), .. }) = ready.await else {
            task.await.map_err(|_| DemoError::ServerEnded)??;
            return Err(DemoError::ServerEnded);
        };
        let client = Client::new(&url, first_run.token)?;
        Ok(Self { address, url, client, stop, task })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Base URL of the built-in origin.
    pub(super) fn origin_url(&self) -> String {
        format!("{}/cdn", self.url)
    }

    /// Signed in as the first account.
    pub(super) fn client(&self) -> Client {
        self.client.clone()
    }

    /// Lets running requests finish and ends the server.
    pub(super) async fn stop(self) -> Result<(), DemoError> {
        drop(self.stop);
        Ok(self.task.await.map_err(|_| DemoError::ServerEnded)??)
    }
}
