//! Chains completed by what lies where certificates say that their issuers lie.

use std::{net::SocketAddr, time::Duration};

use pintle_discover::{
    AddressPolicy, Completion, DestinationError, IssuerFailure, IssuerFetcher, WebError, limits::MAX_ISSUER_BYTES,
};
use pintle_testkit::{
    certificate::issuer_access,
    web::{Answer, WebServer},
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

use crate::stage::{StagedResolver, openssl};

type Issuer = CertifiedIssuer<'static, KeyPair>;

fn params(name: &str, issuer_url: Option<&str>) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.custom_extensions.extend(issuer_url.map(issuer_access));
    params
}

fn root(name: &str) -> Issuer {
    Issuer::self_signed(params(name, None), KeyPair::generate().unwrap()).unwrap()
}

fn issue(issuer: &Issuer, name: &str, issuer_url: &str) -> Issuer {
    Issuer::signed_by(params(name, Some(issuer_url)), KeyPair::generate().unwrap(), issuer).unwrap()
}

/// Loopback stands for the public internet, on the port of `web`.
fn fetcher(web: &WebServer) -> IssuerFetcher {
    let port = web.url().parse::<url::Url>().unwrap().port().unwrap();
    let policy = AddressPolicy::public().with_networks(["127.0.0.1/32".parse().unwrap()]).with_ports([port]);
    IssuerFetcher::new(policy)
}

async fn fail(answer: Answer) -> IssuerFailure {
    let web = WebServer::start(move |_| answer.clone()).await;
    let leaf = issue(&root("Root"), "leaf", &format!("{}/ca.der", web.url()));
    let completion = fetcher(&web).complete(&[leaf.der().to_vec()]).await;
    assert_eq!(completion.fetched, []);
    completion.problem.unwrap().cause
}

#[tokio::test]
async fn a_chain_is_completed_up_to_its_root_by_what_was_signed_by_it() {
    let root = root("Root");
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("root.pem"), root.pem()).unwrap();
    // Some CAs hand out PKCS#7.
    openssl(folder.path(), "crl2pkcs7 -nocrl -certfile root.pem -outform DER -out root.p7c").await;
    let as_pkcs7 = std::fs::read(folder.path().join("root.p7c")).unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let url = |file: &str| format!("http://{address}/{file}");
    let issuing = issue(&root, "Issuing", &url("root.p7c"));
    let leaf = issue(&issuing, "leaf", &url("issuing.der"));
    let issuing_der = issuing.der().to_vec();
    let shown = issuing_der.clone();
    let web = WebServer::start_at(address, move |path| match path {
        "/issuing.der" => Answer::ok(shown.clone()),
        "/root.p7c" => Answer::ok(as_pkcs7.clone()),
        _ => Answer::status("404 Not Found"),
    })
    .await;

    let fetched = |completion: Completion| {
        assert_eq!(completion.problem, None);
        completion.fetched.into_iter().map(|issuer| issuer.certificate).collect::<Vec<_>>()
    };
    let fetcher = fetcher(&web);
    let whole = fetched(fetcher.complete(&[leaf.der().to_vec()]).await);
    assert_eq!(whole, [issuing_der.clone(), root.der().to_vec()]);
    // What was presented is not fetched again, in whatever order it came; and a whole chain lacks nothing.
    let stranger = self::root("Stranger").der().to_vec();
    let rest = fetched(fetcher.complete(&[leaf.der().to_vec(), stranger, issuing_der.clone()]).await);
    assert_eq!(rest, [root.der().to_vec()]);
    assert_eq!(web.asked().len(), 3);
    assert!(fetched(fetcher.complete(&[leaf.der().to_vec(), issuing_der, root.der().to_vec()]).await).is_empty());
    assert_eq!(web.asked().len(), 3);
}

#[tokio::test]
async fn what_lies_there_counts_only_if_it_signed() {
    // Of the same name, with another key.
    let impostor = fail(Answer::ok(root("Root").der().to_vec())).await;
    assert_eq!(impostor, IssuerFailure::NotTheIssuer);
    assert!(matches!(fail(Answer::ok("hello")).await, IssuerFailure::File(_)));
    let large = fail(Answer::ok(vec![0; MAX_ISSUER_BYTES + 1])).await;
    assert!(matches!(large, IssuerFailure::Web(WebError::TooLarge { limit_bytes: MAX_ISSUER_BYTES, .. })), "{large}");
    let moved = fail(Answer::status("301 Moved").with_header("Location: http://127.0.0.1/")).await;
    assert!(matches!(moved, IssuerFailure::Web(WebError::Status { status: 301, .. })), "{moved}");
}

#[tokio::test]
async fn a_certificate_sends_nobody_inside() {
    let web = WebServer::start(|_| Answer::ok("secret")).await;
    let port = web.url().parse::<url::Url>().unwrap().port().unwrap();
    let outside = IssuerFetcher::new(AddressPolicy::public().with_ports([80, port]));
    let address = IssuerFailure::Destination(DestinationError::Address);
    for (url, expected) in [
        (format!("{}/latest/meta-data", web.url()), address.clone()),
        (format!("http://[::ffff:127.0.0.1]:{port}/"), address.clone()),
        // A number is an address, too, whatever its form.
        (format!("http://2130706433:{port}/"), address.clone()),
        (format!("http://0x7f.1:{port}/"), address.clone()),
        (format!("http://inside.example:{port}/"), address.clone()),
        ("http://inside.example:22/".to_owned(), IssuerFailure::Destination(DestinationError::Port(22))),
        ("http://user@/".to_owned(), IssuerFailure::Url),
    ] {
        let leaf = issue(&root("Root"), "leaf", &url);
        let resolver = StagedResolver::new(&[&["127.0.0.1"]]);
        let completion = outside.clone().with_resolver(resolver.clone()).complete(&[leaf.der().to_vec()]).await;
        // A port is judged before anybody is asked for the name.
        let is_asked = url.contains("inside.example") && expected == address;
        assert_eq!((completion.problem.unwrap().cause, resolver.asked() > 0), (expected, is_asked), "{url}");
    }
    // What lies elsewhere than behind http is not asked for.
    for scheme in ["https", "ldap", "file"] {
        let leaf = issue(&root("Root"), "leaf", &format!("{scheme}://inside.example:{port}/"));
        let resolver = StagedResolver::new(&[&["127.0.0.1"]]);
        let completion = outside.clone().with_resolver(resolver.clone()).complete(&[leaf.der().to_vec()]).await;
        assert_eq!((completion, resolver.asked()), (Completion::default(), 0), "{scheme}");
    }
    assert!(web.asked().is_empty());
}

/// The second answer of a hostile zone leads inside; nobody asks for it.
#[tokio::test]
async fn a_name_that_is_rebound_leads_nowhere_else() {
    let root = root("Root");
    let shown = root.der().to_vec();
    let web = WebServer::start(move |_| Answer::ok(shown.clone())).await;
    let port = web.url().parse::<url::Url>().unwrap().port().unwrap();
    let resolver = StagedResolver::new(&[&["127.0.0.1"], &["127.0.0.2"]]);
    let leaf = issue(&root, "leaf", &format!("http://ca.example:{port}/root.der"));
    let completion = fetcher(&web).with_resolver(resolver.clone()).complete(&[leaf.der().to_vec()]).await;
    assert_eq!((completion.fetched.len(), completion.problem, resolver.asked()), (1, None, 1));
}

#[tokio::test(start_paused = true)]
async fn a_host_that_says_nothing_is_left() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address: SocketAddr = silent.local_addr().unwrap();
    let policy = AddressPolicy::public().with_networks(["127.0.0.1/32".parse().unwrap()]).with_ports([address.port()]);
    let leaf = issue(&root("Root"), "leaf", &format!("http://{address}/root.der"));
    let started = tokio::time::Instant::now();
    let completion = IssuerFetcher::new(policy).complete(&[leaf.der().to_vec()]).await;
    assert_eq!(completion.problem.unwrap().cause, IssuerFailure::TimedOut);
    assert!(started.elapsed() < Duration::from_secs(10));
}
