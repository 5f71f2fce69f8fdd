//! Servers that are broken, slow or hostile: each is a typed failure, within its limits.

use std::{sync::Arc, time::Duration};

use pintle_discover::{AddressPolicy, Endpoint, Offer, ProbeFailure, Prober, Proxy, SightError, StartTls};
use pintle_testkit::certificate::SiteCertificate;
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
};

use crate::stage::{Server, StagedResolver, serve_tls, tls_config};

const SOON: Duration = Duration::from_millis(200);

fn prober() -> Prober {
    Prober::new(AddressPolicy::anywhere())
}

async fn fail(prober: &Prober, endpoint: &Endpoint) -> SightError {
    match prober.probe(endpoint).await.unwrap().first().unwrap_err().cause {
        ProbeFailure::Sight(error) => error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_name_without_address_is_told_from_a_closed_port() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = Endpoint::parse(&listener.local_addr().unwrap().to_string()).unwrap();
    drop(listener);
    assert!(matches!(fail(&prober(), &closed).await, SightError::Connect(_)));
    let nameless = prober().with_resolver(StagedResolver::new(&[&[]]));
    let error = nameless.probe(&Endpoint::parse("nowhere.example").unwrap()).await.unwrap_err();
    assert!(matches!(error.cause, ProbeFailure::Name(_)), "{error}");
}

#[tokio::test]
async fn what_speaks_no_tls_is_told_so() {
    let server = Server::start(|mut stream: TcpStream| async move {
        stream.write_all(b"SSH-2.0-x\r\n").await.unwrap();
        let _ = stream.readable().await;
    })
    .await;
    assert!(matches!(fail(&prober(), &server.endpoint()).await, SightError::Handshake(_)));
    let mail = prober().with_start_tls(StartTls::Smtp);
    let error = fail(&mail, &server.endpoint()).await;
    assert_eq!(error, SightError::StartTls("it answers `SSH-2.0-x`".to_owned()));
}

#[tokio::test]
async fn a_server_that_accepts_and_says_nothing_is_left() {
    let silent = Server::start(|stream| async move {
        let _held = stream;
        std::future::pending::<()>().await;
    })
    .await;
    let impatient = prober().with_limits(SOON, Duration::from_secs(60));
    assert_eq!(fail(&impatient, &silent.endpoint()).await, SightError::TimedOut(SOON));
    // One connection, not one per offer.
    assert_eq!(silent.accepted(), 1);
    let through = impatient.through(Proxy::parse(&format!("socks5://{}", silent.address)).unwrap());
    assert_eq!(fail(&through, &silent.endpoint()).await, SightError::TimedOut(SOON));
}

#[tokio::test]
async fn a_server_that_drips_is_left() {
    let dripping = Server::start(|mut stream: TcpStream| async move {
        // A handshake record of 16 KiB, one byte at a time, always before anybody loses patience with one read.
        let record = [&[0x16, 3, 3, 0x40, 0][..], &[2, 0, 0x3F, 0xFC], &[0; 16_000]].concat();
        let mut every = tokio::time::interval(Duration::from_millis(5));
        for byte in record {
            every.tick().await;
            if stream.write_all(&[byte]).await.is_err() {
                break;
            }
        }
    })
    .await;
    let whole = prober().with_limits(Duration::from_secs(60), SOON);
    assert!(matches!(fail(&whole, &dripping.endpoint()).await, SightError::TimedOut(limit) if limit <= SOON));
}

#[tokio::test]
async fn a_greeting_without_end_is_cut_off() {
    let endless = Server::start(|mut stream: TcpStream| async move {
        while stream.write_all(&b"220-and so on\r\n".repeat(100)).await.is_ok() {}
    })
    .await;
    let mail = prober().with_start_tls(StartTls::Smtp);
    assert_eq!(fail(&mail, &endless.endpoint()).await, SightError::TooManyBytes);
    let endless_line =
        Server::start(|mut stream: TcpStream| async move { while stream.write_all(&[b'x'; 1024]).await.is_ok() {} })
            .await;
    let through = prober().through(Proxy::parse(&format!("http://{}", endless_line.address)).unwrap());
    assert_eq!(fail(&through, &endless.endpoint()).await, SightError::TooManyBytes);
}

/// A certificate message of 16 MB by its header, and no end to it; then one within the size of a message, and no end to them.
#[tokio::test]
async fn a_certificate_without_end_is_cut_off() {
    for claimed in [[0xFF, 0xFF, 0xFF], [0, 0x40, 0]] {
        let endless = Server::start(move |mut stream: TcpStream| async move {
            let message = [&[11][..], &claimed, &vec![0; 0x3FF0]].concat();
            let length = u16::try_from(message.len()).unwrap().to_be_bytes();
            let record = [&[0x16, 3, 3][..], &length, &message].concat();
            while stream.write_all(&record).await.is_ok() {}
        })
        .await;
        let error = fail(&prober(), &endless.endpoint()).await;
        assert!(matches!(error, SightError::Handshake(_) | SightError::TooManyBytes), "{error:?}");
    }
}

#[tokio::test]
async fn a_chain_of_a_hundred_certificates_is_refused() {
    let mut certificate = SiteCertificate::self_signed(&["site.example"]);
    let leaf = certificate.leaf().clone();
    certificate.chain = vec![leaf; 100];
    let config = tls_config(&certificate);
    let server = Server::start(move |stream| serve_tls(stream, Arc::clone(&config))).await;
    let once = prober().with_offers(&[Offer::Any]);
    assert_eq!(fail(&once, &server.endpoint()).await, SightError::ChainTooLong(100));
}

#[tokio::test]
async fn a_certificate_of_ten_thousand_names_is_refused() {
    let names: Vec<_> = (0..10_000).map(|number| format!("n{number}.site.example")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let config = tls_config(&SiteCertificate::self_signed(&names));
    let server = Server::start(move |stream| serve_tls(stream, Arc::clone(&config))).await;
    let error = fail(&prober(), &server.endpoint()).await;
    assert!(matches!(error, SightError::Handshake(_) | SightError::TooManyBytes), "{error:?}");
}
