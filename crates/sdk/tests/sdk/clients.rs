//! The recipes of `recipes/`, and reqwest, in the gauntlet.

#[path = "../../recipes/hyper.rs"]
mod hyper;
#[path = "../../recipes/tonic.rs"]
mod tonic;
#[path = "../../recipes/tungstenite.rs"]
mod tungstenite;
#[path = "../../recipes/ureq.rs"]
mod ureq;

use std::{
    convert::Infallible,
    error::Error,
    fs,
    net::SocketAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use ::hyper::{Response, service::service_fn};
use ::tonic::body::Body;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
};
use pintle_core::Mode;
use pintle_sdk::{Authorities, Client, Pintle, Setup, rustls::Refusal};
use pintle_testkit::{
    cdn::{Cdn, Reply},
    certificate::{Authority, SiteCertificate, leaf_pin},
    gauntlet::{Case, Gauntlet, HOST, Step, Walk, cases, conformance_page, hold_conformance},
    project::{Project, domain},
};
use rustls_pki_types::{CertificateDer, pem::PemObject};
use tokio::net::TcpListener;
use tower::ServiceExt;

const CLIENTS: [&str; 4] = ["reqwest", "hyper", "tungstenite", "ureq (blocking)"];
const TIMEOUT: Duration = Duration::from_secs(2);

type Failed = Box<dyn Error + Send + Sync>;

/// A client with what it stands on.
enum Running {
    Reqwest(Pintle, Client),
    Hyper(Pintle, Box<hyper::PinnedHyper>),
    Tungstenite(Pintle),
    Ureq(Arc<ureq::PinnedAgent>),
}

impl Running {
    async fn start(client: &str, folder: &Path) -> Self {
        let bundle = fs::read(folder.join("pintle.json")).unwrap();
        let authorities =
            CertificateDer::pem_file_iter(folder.join("ca.pem")).unwrap().collect::<Result<_, _>>().unwrap();
        let authorities = Authorities::Only(authorities);
        if client == "ureq (blocking)" {
            let mut setup = Setup::parse_bundle(&bundle, true).unwrap();
            setup.fetch_timeout = TIMEOUT;
            let set_up = move || ureq::PinnedAgent::set_up(setup, &authorities).unwrap();
            return Self::Ureq(Arc::new(tokio::task::spawn_blocking(set_up).await.unwrap()));
        }
        let builder = Pintle::builder(bundle).dangerous_allow_http_loopback().fetch_timeout(TIMEOUT);
        let pintle = builder.connection_authorities(authorities).setup().await.unwrap();
        match client {
            "reqwest" => Self::Reqwest(pintle.clone(), pintle.client_with(reqwest::ClientBuilder::no_proxy).unwrap()),
            "hyper" => Self::Hyper(pintle.clone(), Box::new(hyper::PinnedHyper::new(pintle))),
            _ => Self::Tungstenite(pintle),
        }
    }

    /// The status of a GET.
    async fn get(&self, host: &str, address: SocketAddr) -> Result<u16, Failed> {
        let url = format!("https://{host}:{}/", address.port());
        match self {
            Self::Reqwest(_, client) => {
                let response = client.get(url).send().await?;
                let status = response.status().as_u16();
                // To its end, so that the connection is kept.
                response.bytes().await?;
                Ok(status)
            }
            Self::Hyper(_, client) => {
                let response = client.get(url.parse()?).await?;
                let status = response.status().as_u16();
                http_body_util::BodyExt::collect(response.into_body()).await?;
                Ok(status)
            }
            Self::Tungstenite(pintle) => {
                let request = format!("wss://{host}:{}/", address.port());
                match tungstenite::open_pinned(pintle, host, address, request).await {
                    // The server knows no WebSockets: that it answers is what counts.
                    Err(tokio_tungstenite::tungstenite::Error::Http(response)) => Ok(response.status().as_u16()),
                    Err(error) => Err(error.into()),
                    Ok(_) => Ok(101),
                }
            }
            Self::Ureq(client) => {
                let client = client.clone();
                let get = move || {
                    let mut response = client.get(&url)?;
                    response.body_mut().read_to_vec()?;
                    Ok(response.status().as_u16())
                };
                tokio::task::spawn_blocking(get).await?
            }
        }
    }

    async fn refresh(&self) -> String {
        let refreshed = match self {
            Self::Reqwest(pintle, _) | Self::Hyper(pintle, _) | Self::Tungstenite(pintle) => pintle.refresh().await,
            Self::Ureq(client) => {
                let client = client.clone();
                tokio::task::spawn_blocking(move || client.installation().refresh(TIMEOUT * 5)).await.unwrap()
            }
        };
        refreshed.map_or_else(|error| error.code().to_string(), |()| "ok".to_owned())
    }

    fn become_permissive(&self) {
        match self {
            Self::Reqwest(pintle, _) | Self::Hyper(pintle, _) | Self::Tungstenite(pintle) => {
                pintle.set_mode(Mode::Permissive);
            }
            Self::Ureq(client) => {
                client.installation().engine().update(|pinner| pinner.set_mode(Mode::Permissive));
            }
        }
    }
}

fn outcome(answer: Result<u16, Failed>) -> String {
    let error = match answer {
        Ok(200) => return "ok".to_owned(),
        Ok(status) => return status.to_string(),
        Err(error) => error,
    };
    let of_ureq = error.downcast_ref().and_then(ureq::refusal);
    let of_reqwest = error.downcast_ref::<pintle_sdk::Error>().and_then(pintle_sdk::Error::code);
    let code = of_ureq.or_else(|| Refusal::find(&*error)).map(|refusal| refusal.code).or(of_reqwest);
    code.map_or_else(|| format!("{error:?}"), |code| code.to_string())
}

/// Walks through `case` with `client`: what came of it, and everything that went otherwise, in words.
async fn walk(case: &Case, client: &str) -> (Walk, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let gauntlet = Gauntlet::start(case.name, folder.path()).await;
    let running = Running::start(client, folder.path()).await;
    let (mut ends, mut differences) = (Vec::new(), Vec::new());
    let mut compare = |what: &Step, seen: &str, expected: &str| {
        if seen != expected {
            differences.push(format!("{} with {client}: {what:?}: {seen}", case.name));
        }
    };
    for step in &case.steps {
        match step {
            Step::World { change } => gauntlet.change(*change),
            Step::Permissive => running.become_permissive(),
            Step::Refresh { expect } => compare(step, &running.refresh().await, expect),
            Step::Get { host, expect } => {
                let before = gauntlet.site().seen().requests.len();
                let end = outcome(running.get(host, gauntlet.site().address()).await);
                compare(step, &end, expect);
                ends.push(end);
                let arrived = gauntlet.site().seen().requests.len() - before;
                compare(step, &arrived.to_string(), if *expect == "ok" { "1" } else { "0" });
            }
        }
    }
    (Walk { case: case.name.to_owned(), client: client.to_owned(), ends }, differences)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_case_ends_as_the_table_says_with_every_client() {
    let clients = CLIENTS.map(|client| {
        tokio::spawn(async move {
            let mut walked = Vec::new();
            for case in cases() {
                walked.push(walk(&case, client).await);
            }
            walked
        })
    });
    let mut walked = Vec::new();
    for client in clients {
        walked.extend(client.await.unwrap());
    }
    let (walks, differences): (Vec<_>, Vec<_>) = walked.into_iter().unzip();
    let differences = differences.concat();
    assert!(differences.is_empty(), "\n{}\n", differences.join("\n"));
    hold_conformance(&conformance_page(), "Rust", &walks).unwrap();
}

/// gRPC needs HTTP/2, which the servers of the gauntlet do not speak.
#[tokio::test(flavor = "multi_thread")]
async fn a_grpc_channel_ends_with_the_trust_it_was_made_under() {
    let root = Authority::root("Trusted Root");
    let certificate = root.issue(&[HOST]);
    let (address, requests) = serve_http2(&certificate).await;
    let cdn = Cdn::start(Reply::Closed).await;
    let project = Project::new(&[cdn.url()]);
    let release = |version, pinned: &SiteCertificate| {
        cdn.set(Reply::File(project.config(version, vec![domain(HOST, vec![leaf_pin(pinned.leaf())])])));
    };
    release(1, &certificate);
    let authorities = Authorities::Only(vec![root.certificate().clone()]);
    let builder = Pintle::builder(project.bundle()).dangerous_allow_http_loopback();
    let pintle = builder.connection_authorities(authorities).setup().await.unwrap();
    let channel = tonic::PinnedChannel::new(pintle.clone(), HOST, address.port()).unwrap();
    let call = async || {
        let request = ::hyper::Request::post("/greeter/Greet").body(Body::empty()).unwrap();
        channel.channel().unwrap().oneshot(request).await.map(|response| response.status().as_u16())
    };
    for _ in 0..2 {
        assert_eq!(call().await.unwrap(), 200);
    }
    release(2, &root.issue(&[HOST]));
    pintle.refresh().await.unwrap();
    let error = call().await.unwrap_err();
    assert!(Refusal::find(&error).is_some(), "{error:?}");
    assert_eq!(requests.load(Ordering::SeqCst), 2);
}

async fn serve_http2(certificate: &SiteCertificate) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut tls = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(certificate.chain.clone(), certificate.key.clone_key())
        .unwrap();
    tls.alpn_protocols = vec![b"h2".to_vec()];
    let (acceptor, requests) = (tokio_rustls::TlsAcceptor::from(Arc::new(tls)), Arc::new(AtomicUsize::new(0)));
    let seen = requests.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, seen) = (acceptor.clone(), seen.clone());
            tokio::spawn(async move {
                let stream = acceptor.accept(stream).await.ok()?;
                let answer = service_fn(move |_| {
                    seen.fetch_add(1, Ordering::SeqCst);
                    async { Ok::<_, Infallible>(Response::new(Body::empty())) }
                });
                Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), answer).await.ok()
            });
        }
    });
    (address, requests)
}
