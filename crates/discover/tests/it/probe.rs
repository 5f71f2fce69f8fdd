//! What a probe sees of well-behaved servers, and the ways to them.

use std::{net::SocketAddr, path::Path, process::Stdio, sync::Arc};

use pintle_core::HostName;
use pintle_discover::{
    AddressPolicy, CertificateFacts, DestinationError, Endpoint, Family, Offer, ProbeFailure, Prober, Proxy,
    SightError, StartTls, TlsVersion,
};
use pintle_testkit::certificate::{Authority, SiteCertificate};
use rustls::{ServerConfig, crypto::ring, server::WebPkiClientVerifier, version::TLS12};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, copy_bidirectional},
    net::TcpStream,
    process::{Child, Command},
};

use crate::stage::{Server, StagedResolver, openssl, serve_tls, tls_config};

fn prober() -> Prober {
    Prober::new(AddressPolicy::anywhere())
}

async fn start_site(certificate: &SiteCertificate) -> Server {
    let config = tls_config(certificate);
    Server::start(move |stream| serve_tls(stream, Arc::clone(&config))).await
}

/// OpenSSL's own server, with an RSA and an elliptic curve certificate.
async fn start_two_key_server(folder: &Path) -> (Child, Endpoint) {
    for (name, key) in [("rsa", "rsa:2048"), ("ec", "ec -pkeyopt ec_paramgen_curve:P-256")] {
        let request = format!("req -x509 -newkey {key} -nodes -keyout {name}.key -out {name}.pem -subj /CN={name}");
        openssl(folder, &request).await;
    }
    let mut server = Command::new("openssl")
        .args("s_server -accept 127.0.0.1:0 -cert rsa.pem -key rsa.key -dcert ec.pem -dkey ec.key".split(' '))
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    loop {
        let line = lines.next_line().await.unwrap().expect("s_server says where it listens");
        if let Some(address) = line.strip_prefix("ACCEPT ") {
            // It goes on talking, and would stop with nobody to hear it.
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return (server, Endpoint::parse(address).unwrap());
        }
    }
}

#[tokio::test]
async fn sees_both_chains_of_a_server_with_two_keys() {
    let folder = tempfile::tempdir().unwrap();
    let (_server, endpoint) = start_two_key_server(folder.path()).await;
    let survey = prober().probe(&endpoint).await.unwrap();
    let mut seen: Vec<_> = survey
        .presented()
        .map(|(sight, presented)| {
            let facts = CertificateFacts::parse(&presented.chain[0]).unwrap();
            (facts.subject, facts.key, presented.is_rsa, sight.offers.clone())
        })
        .collect();
    seen.sort_by_key(|(subject, ..)| subject.clone());
    let [(ec, ec_key, false, ec_offers), (rsa, rsa_key, true, rsa_offers)] = seen.as_slice() else {
        panic!("{seen:?}")
    };
    assert_eq!((ec.as_str(), ec_key.as_str()), ("CN=ec", "EC P-256"));
    assert_eq!((rsa.as_str(), rsa_key.as_str()), ("CN=rsa", "RSA 2048"));
    assert!(ec_offers.contains(&Offer::EllipticCurve) && rsa_offers.contains(&Offer::Rsa), "{seen:?}");
    assert_eq!(ec_offers.len() + rsa_offers.len(), Offer::ALL.len());
}

#[tokio::test]
async fn one_chain_is_one_sight_with_its_version() {
    let site = start_site(&SiteCertificate::self_signed(&["other.example"])).await;
    let survey = prober().probe(&site.endpoint()).await.unwrap();
    let [sight] = survey.sights.as_slice() else { panic!("{survey:?}") };
    assert_eq!(sight.address, Some(site.address));
    assert_eq!(sight.offers, [Offer::Any, Offer::EllipticCurve, Offer::Tls12]);
    assert_eq!(sight.outcome.as_ref().unwrap().version, TlsVersion::Tls13);
    let tls12 = prober().with_offers(&[Offer::Tls12]).probe(&site.endpoint()).await.unwrap();
    assert_eq!(tls12.first().unwrap().version, TlsVersion::Tls12);
}

#[tokio::test]
async fn sees_a_chain_that_nobody_trusts_and_sends_no_data() {
    let certificate = SiteCertificate::self_signed(&["other.example"]);
    let config = tls_config(&certificate);
    let (sent, mut received) = tokio::sync::mpsc::unbounded_channel();
    let server = Server::start(move |stream| {
        let (config, sent) = (Arc::clone(&config), sent.clone());
        async move {
            let mut session = tokio_rustls::TlsAcceptor::from(config).accept(stream).await.unwrap();
            let mut bytes = Vec::new();
            // Whoever looks hangs up without a farewell, which reads as an error; what came before it counts.
            let _ = session.read_to_end(&mut bytes).await;
            sent.send(bytes).unwrap();
        }
    })
    .await;
    let survey = prober().with_offers(&[Offer::Any]).probe(&server.endpoint()).await.unwrap();
    assert_eq!(survey.first().unwrap().chain, [certificate.leaf().to_vec()]);
    assert_eq!(received.recv().await, Some(Vec::new()));
}

#[tokio::test]
async fn sees_a_server_that_wants_a_certificate_first() {
    let certificate = SiteCertificate::self_signed(&["mtls.example"]);
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate.leaf().clone()).unwrap();
    let provider = Arc::new(ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build().unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS12])
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(certificate.chain.clone(), certificate.key.clone_key())
        .unwrap();
    let config = Arc::new(config);
    let server = Server::start(move |stream| serve_tls(stream, Arc::clone(&config))).await;
    let survey = prober().probe(&server.endpoint()).await.unwrap();
    assert_eq!(survey.first().unwrap().chain, [certificate.leaf().to_vec()]);
}

#[tokio::test]
async fn looks_at_every_address_of_a_name() {
    let (one, two) = (SiteCertificate::self_signed(&["one.example"]), SiteCertificate::self_signed(&["two.example"]));
    let first = start_site(&one).await;
    let config = tls_config(&two);
    let second = SocketAddr::new("127.0.0.2".parse().unwrap(), first.address.port());
    let _second = Server::start_at(second, move |stream| serve_tls(stream, Arc::clone(&config))).await;
    let resolver = StagedResolver::new(&[&["127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.1", "::1"]]);
    let endpoint = Endpoint::parse(&format!("site.example:{}", first.address.port())).unwrap();
    let prober = prober().with_resolver(resolver).with_family(Family::V4);
    let survey = prober.probe(&endpoint).await.unwrap();
    let leaves: Vec<_> = survey
        .sights
        .iter()
        .map(|sight| {
            (sight.address.unwrap().ip().to_string(), sight.outcome.as_ref().ok().map(|seen| seen.chain[0].clone()))
        })
        .collect();
    assert_eq!(
        leaves,
        [
            ("127.0.0.1".to_owned(), Some(one.leaf().to_vec())),
            ("127.0.0.2".to_owned(), Some(two.leaf().to_vec())),
            ("127.0.0.3".to_owned(), None),
        ]
    );
    assert!(matches!(survey.sights[2].outcome, Err(SightError::Connect(_))));
}

#[tokio::test]
async fn looks_over_ipv6_as_over_ipv4() {
    let loopback: SocketAddr = "[::1]:0".parse().unwrap();
    if std::net::TcpListener::bind(loopback).is_err() {
        println!("skipped: this machine has no IPv6");
        return;
    }
    let certificate = SiteCertificate::self_signed(&["six.example"]);
    let config = tls_config(&certificate);
    let site = Server::start_at(loopback, move |stream| serve_tls(stream, Arc::clone(&config))).await;
    let survey = prober().with_family(Family::V6).probe(&site.endpoint()).await.unwrap();
    assert_eq!(survey.sights[0].address, Some(site.address));
    assert_eq!(survey.first().unwrap().chain, [certificate.leaf().to_vec()]);
    let without = prober().with_family(Family::V4).probe(&site.endpoint()).await.unwrap_err();
    assert!(matches!(without.cause, ProbeFailure::Name(_)), "{without}");
}

#[tokio::test]
async fn asks_for_another_name_when_told_to() {
    let config = tls_config(&SiteCertificate::self_signed(&["site.example"]));
    let (sent, mut received) = tokio::sync::mpsc::unbounded_channel();
    let server = Server::start(move |stream| {
        let (config, sent) = (Arc::clone(&config), sent.clone());
        async move {
            let start =
                tokio_rustls::LazyConfigAcceptor::new(rustls::server::Acceptor::default(), stream).await.unwrap();
            sent.send(start.client_hello().server_name().map(str::to_owned)).unwrap();
            let _ = start.into_stream(config).await;
        }
    })
    .await;
    let name = HostName::parse("other.example").unwrap();
    let prober = prober().with_offers(&[Offer::Any]);
    prober.clone().with_server_name(name).probe(&server.endpoint()).await.unwrap();
    assert_eq!(received.recv().await.unwrap().as_deref(), Some("other.example"));
    // An address is no name to ask for (RFC 6066 §3).
    prober.probe(&server.endpoint()).await.unwrap();
    assert_eq!(received.recv().await.unwrap(), None);
}

/// The second answer of a hostile zone leads inside; nobody asks for it, and nothing goes there.
#[tokio::test]
async fn a_name_that_is_rebound_leads_nowhere_else() {
    let certificate = SiteCertificate::self_signed(&["site.example"]);
    let outside = start_site(&certificate).await;
    let port = outside.address.port();
    let inside = SocketAddr::new("127.0.0.2".parse().unwrap(), port);
    let inside = Server::start_at(inside, |_| async {}).await;
    let resolver = StagedResolver::new(&[&["127.0.0.1"], &["127.0.0.2"]]);
    // Only the first answer is a destination that the policy allows: the test's stand-in for a public address.
    let policy = AddressPolicy::public().with_networks(["127.0.0.1/32".parse().unwrap()]).with_ports([port]);
    let prober = Prober::new(policy).with_resolver(resolver.clone());
    let endpoint = Endpoint::parse(&format!("site.example:{port}")).unwrap();
    let survey = prober.probe(&endpoint).await.unwrap();
    assert_eq!(survey.first().unwrap().chain, [certificate.leaf().to_vec()]);
    assert_eq!((resolver.asked(), inside.accepted()), (1, 0));
    assert_eq!(outside.accepted(), 4 - 1, "every offer but the one that another implied");

    let again = prober.probe(&endpoint).await.unwrap();
    assert_eq!(again.sights[0].outcome, Err(SightError::Destination(DestinationError::Address)));
    assert_eq!((resolver.asked(), inside.accepted()), (2, 0));
}

#[tokio::test]
async fn nothing_goes_where_the_policy_does_not_allow() {
    let server = Server::start(|_| async {}).await;
    let port = server.address.port();
    let policy = AddressPolicy::public();
    for host in ["127.0.0.1", "::ffff:127.0.0.1", "site.example"] {
        let host = HostName::parse_connection(host).unwrap();
        let prober =
            Prober::new(policy.clone().with_ports([port])).with_resolver(StagedResolver::new(&[&["127.0.0.1"]]));
        let survey = prober.probe(&Endpoint { host: host.clone(), port }).await.unwrap();
        assert_eq!(survey.sights[0].outcome, Err(SightError::Destination(DestinationError::Address)), "{host}");
    }
    let resolver = StagedResolver::new(&[&["127.0.0.1"]]);
    let refused = Prober::new(policy)
        .with_resolver(resolver.clone())
        .probe(&Endpoint::parse(&format!("site.example:{port}")).unwrap())
        .await
        .unwrap_err();
    assert_eq!(refused.cause, ProbeFailure::Sight(DestinationError::Port(port).into()));
    assert_eq!((resolver.asked(), server.accepted()), (0, 0));
}

#[tokio::test]
async fn starts_tls_where_a_protocol_begins_in_the_clear() {
    async fn talk(mut stream: TcpStream, protocol: StartTls, config: Arc<ServerConfig>) {
        let mut buffer = [0; 64];
        // What the server says first, and what it says to each thing it hears.
        let (greeting, answers): (&[u8], &[&[u8]]) = match protocol {
            StartTls::Smtp => (
                b"220-mail.example\r\n220 ready\r\n",
                &[b"250-mail.example\r\n250-SIZE 1\r\n250 STARTTLS\r\n", b"220 go\r\n"],
            ),
            StartTls::Imap => (b"* OK ready\r\n", &[b"* note\r\na OK go\r\n"]),
            StartTls::Postgres => (b"", &[b"S"]),
        };
        stream.write_all(greeting).await.unwrap();
        for answer in answers {
            let _ = stream.read(&mut buffer).await.unwrap();
            stream.write_all(answer).await.unwrap();
        }
        serve_tls(stream, config).await;
    }
    let certificate = SiteCertificate::self_signed(&["mail.example"]);
    for &protocol in StartTls::ALL {
        let config = tls_config(&certificate);
        let server = Server::start(move |stream| talk(stream, protocol, Arc::clone(&config))).await;
        let survey = prober().with_start_tls(protocol).probe(&server.endpoint()).await.unwrap();
        assert_eq!(survey.first().unwrap().chain, [certificate.leaf().to_vec()], "{protocol:?}");
    }
}

#[tokio::test]
async fn goes_through_a_proxy_that_resolves_names() {
    let authority = Authority::root("Inside");
    let certificate = authority.issue(&["inside.example"]);
    let site = start_site(&certificate).await;
    let target = site.address;
    let http = Server::start(move |mut stream: TcpStream| async move {
        let mut lines = BufReader::new(&mut stream).lines();
        assert_eq!(lines.next_line().await.unwrap().unwrap(), "CONNECT inside.example:443 HTTP/1.1");
        let mut is_authorized = false;
        while let Some(line) = lines.next_line().await.unwrap().filter(|line| !line.is_empty()) {
            is_authorized |= line == "Proxy-Authorization: Basic YW5uOnNlY3JldA==";
        }
        if is_authorized {
            stream.write_all(b"HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n").await.unwrap();
            let _ = copy_bidirectional(&mut stream, &mut TcpStream::connect(target).await.unwrap()).await;
        } else {
            stream.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n").await.unwrap();
        }
    })
    .await;
    let socks = Server::start(move |mut stream: TcpStream| async move {
        let mut greeting = [0; 3];
        stream.read_exact(&mut greeting).await.unwrap();
        assert_eq!(greeting, [5, 1, 0]);
        stream.write_all(&[5, 0]).await.unwrap();
        let mut request = [0; 5 + 14 + 2];
        stream.read_exact(&mut request).await.unwrap();
        assert_eq!(request[..5], [5, 1, 0, 3, 14]);
        assert_eq!(request[5..], *b"inside.example\x01\xBB");
        stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await.unwrap();
        let _ = copy_bidirectional(&mut stream, &mut TcpStream::connect(target).await.unwrap()).await;
    })
    .await;
    // The name is nobody's but the proxy's.
    let endpoint = Endpoint::parse("inside.example").unwrap();
    let resolver = StagedResolver::new(&[&[]]);
    for url in [format!("http://ann:secret@{}", http.address), format!("socks5://{}", socks.address)] {
        let prober = prober().with_resolver(resolver.clone()).through(Proxy::parse(&url).unwrap());
        let survey = prober.probe(&endpoint).await.unwrap();
        assert_eq!(survey.sights[0].address, None);
        assert_eq!(survey.first().unwrap().chain, [certificate.leaf().to_vec()], "{url}");
    }
    assert_eq!(resolver.asked(), 0);
    let stranger = prober().through(Proxy::parse(&format!("http://{}", http.address)).unwrap());
    let refused = stranger.probe(&endpoint).await.unwrap().first().unwrap_err();
    assert!(matches!(&refused.cause, ProbeFailure::Sight(SightError::Proxy(why)) if why.contains("407")), "{refused}");
}

#[tokio::test]
async fn a_proxy_is_no_way_around_the_policy() {
    let proxy = Server::start(|_| async {}).await;
    let prober = Prober::new(AddressPolicy::public())
        .with_resolver(StagedResolver::new(&[&["10.0.0.1"]]))
        .through(Proxy::parse(&format!("http://{}", proxy.address)).unwrap());
    let survey = prober.probe(&Endpoint::parse("site.example").unwrap()).await.unwrap();
    assert_eq!(survey.sights[0].outcome, Err(SightError::Destination(DestinationError::Address)));
    assert_eq!(proxy.accepted(), 0);
}
