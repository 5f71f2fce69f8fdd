//! Looking at certificates, and pinning from every kind of source.

use std::{net::SocketAddr, process::Command};

use pintle_core::claims::PinType;
use pintle_testkit::{
    certificate::{Authority, SiteCertificate, issuer_pin, leaf_pin, pin},
    site::Site,
    web::{Answer, WebServer},
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream, UdpSocket},
    runtime::Runtime,
};

use crate::workshop::Workshop;

const HOST: &str = "api.example.com";

#[test]
fn certs_shows_a_chain_with_all_its_pins_and_needs_no_server() {
    let runtime = Runtime::new().unwrap();
    let certificate = Authority::root("Root").subordinate("Issuing CA").issue(&[HOST, "192.0.2.1"]);
    let site = runtime.block_on(Site::start(&certificate));
    let workshop = Workshop::open();
    let address = site.address().to_string();
    let seen = workshop.json(&["certs", &address]);
    assert_eq!((&seen["host"], &seen["failures"]), (&json!(address), &json!([])));
    let [chain] = seen["chains"].as_array().unwrap().as_slice() else { panic!("{seen}") };
    assert_eq!(chain["seen"][0]["offers"], json!(["any", "elliptic_curve", "tls12"]));
    assert_eq!(chain["seen"][0]["tls_version"], "1.3");
    let [leaf, issuer] = chain["certificates"].as_array().unwrap().as_slice() else { panic!("{chain}") };
    assert_eq!((&leaf["facts"]["names"], &leaf["facts"]["key"]), (&json!([HOST, "192.0.2.1"]), &json!("EC P-256")));
    assert_eq!((&leaf["facts"]["is_ca"], &issuer["facts"]["is_ca"]), (&json!(false), &json!(true)));
    let expected: Vec<_> = PinType::ALL
        .iter()
        .map(|&kind| {
            let digest = pin(certificate.leaf(), kind, leaf_pin(certificate.leaf()).matches).digest;
            json!({ "type": kind.as_str(), "digest": digest.to_base64() })
        })
        .collect();
    assert_eq!(leaf["facts"]["pins"], json!(expected));
    assert!(site.seen().requests.is_empty());

    let text = workshop.run(&["certs", &address]).stdout;
    assert!(text.contains("presents one chain") && text.contains("CN=Issuing CA"), "{text}");
    let refused = workshop.run(&["certs", "127.0.0.1:1"]);
    assert_eq!(refused.status, 8, "{refused:?}");
    assert!(refused.stderr.contains("site_unreachable"), "{refused:?}");
}

/// A proxy that leads everywhere to `target`.
async fn start_proxy(target: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut lines = BufReader::new(&mut client).lines();
                while lines.next_line().await.unwrap().is_some_and(|line| !line.is_empty()) {}
                client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
                let mut server = TcpStream::connect(target).await.unwrap();
                // Whoever looks hangs up.
                let _ended = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    address
}

/// A DNS server where every name has one CAA record.
async fn start_dns() -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut buffer = [0; 1500];
        while let Ok((length, client)) = socket.recv_from(&mut buffer).await {
            // Name, type and class follow the header; what comes after them is no part of the question.
            let end = 12 + buffer[12..length].iter().position(|byte| *byte == 0).unwrap() + 5;
            // The same id; an answer, with one question and one record: CAA (257) of that name, for a minute.
            let head = [&buffer[..2], &[0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]].concat();
            let caa = b"\0\x05issueca.example";
            let record = [&[0xC0, 12, 1, 1, 0, 1, 0, 0, 0, 60, 0, u8::try_from(caa.len()).unwrap()], &caa[..]].concat();
            socket.send_to(&[&head, &buffer[12..end], &record].concat(), client).await.unwrap();
        }
    });
    address
}

#[test]
fn certs_shows_which_cas_may_issue() {
    let runtime = Runtime::new().unwrap();
    let site = runtime.block_on(Site::start(&Authority::root("Root").issue(&[HOST])));
    let proxy = format!("http://{}", runtime.block_on(start_proxy(site.address())));
    let dns = runtime.block_on(start_dns()).to_string();
    let workshop = Workshop::open();
    let seen = workshop.json(&["certs", HOST, "--proxy", &proxy, "--dns-server", &dns]);
    let record = json!({"is_critical": false, "tag": "issue", "value": "ca.example"});
    assert_eq!(seen["caa"], json!({"domain": HOST, "records": [record]}));
    let text = workshop.run(&["certs", HOST, "--proxy", &proxy, "--dns-server", &dns]).stdout;
    assert!(text.contains("CAA at api.example.com: issue ca.example"), "{text}");
    let unasked = workshop.json(&["certs", HOST, "--proxy", &proxy]);
    assert_eq!(unasked.get("caa"), None, "a proxy resolves names elsewhere");
}

#[test]
fn a_chain_is_completed_when_asked_and_from_nowhere_inside_unless_allowed() {
    let runtime = Runtime::new().unwrap();
    let authority = Authority::root("Root");
    let root = authority.certificate().to_vec();
    let web = runtime.block_on(WebServer::start(move |_| Answer::ok(root.clone())));
    let url = format!("{}/root.der", web.url());
    let certificate = authority.issue_alone(&["127.0.0.1"], &url);
    let site = runtime.block_on(Site::start(&certificate));
    let address = site.address().to_string();
    let network = web.url().replace("http://", "");
    let workshop = Workshop::open();

    assert_eq!(workshop.json(&["certs", &address])["chains"][0].get("completion"), None);
    let refused = workshop.json(&["certs", &address, "--complete-chain"]);
    let problem = refused["chains"][0]["completion"]["problem"].as_str().unwrap();
    assert!(problem.contains("is not fetched: port"), "{problem}");
    assert!(web.asked().is_empty());
    let allowed = ["--complete-chain", "--issuer-network", &network];
    let seen = workshop.json(&[&["certs", &address], &allowed[..]].concat());
    let [fetched] = seen["chains"][0]["completion"]["certificates"].as_array().unwrap().as_slice() else {
        panic!("{seen}")
    };
    assert_eq!((&fetched["url"], &fetched["certificate"]["facts"]["subject"]), (&json!(url), &json!("CN=Root")));

    let server = workshop.serve();
    workshop.json(&["login", "--server", &server.url, "--token-file", "token"]);
    workshop.json(&["orgs", "create", "Acme"]);
    workshop.json(&["projects", "create", "shop"]);
    workshop.json(&["domains", "add", "127.0.0.1"]);
    let add = ["pins", "add", "127.0.0.1", "--from-host", &address, "--issuer"];
    let alone = workshop.run(&add);
    assert!(alone.status == 5 && alone.stderr.contains("--complete-chain"), "{alone:?}");
    let pinned = workshop.json(&[&add[..], &allowed[..]].concat());
    assert_eq!(
        (&pinned["digest"], &pinned["match"]),
        (&json!(issuer_pin(authority.certificate()).digest.to_base64()), &json!("issuer"))
    );
}

fn openssl(workshop: &Workshop, arguments: &str) {
    let arguments = arguments.split(' ');
    let output = Command::new("openssl").args(arguments).current_dir(workshop.path("")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn spki_pin(certificate: &SiteCertificate) -> String {
    leaf_pin(certificate.leaf()).digest.to_base64()
}

#[test]
fn pins_come_from_every_kind_of_file() {
    let workshop = Workshop::open();
    let server = workshop.serve();
    workshop.json(&["login", "--server", &server.url, "--token-file", "token"]);
    workshop.json(&["orgs", "create", "Acme"]);
    workshop.json(&["projects", "create", "shop"]);
    workshop.json(&["domains", "add", HOST]);
    let add = |arguments: &[&str]| workshop.json(&[&["pins", "add", HOST], arguments].concat());
    let summary =
        |pin: &Value| (pin["digest"].as_str().unwrap().to_owned(), pin["source"].as_str().unwrap().to_owned());

    let certificate = Authority::root("Root").issue(&[HOST]);
    workshop.write_pem("leaf.pem", &certificate.chain);
    workshop.write("secret", "open sesame\n");
    openssl(&workshop, "crl2pkcs7 -nocrl -certfile leaf.pem -outform DER -out leaf.p7b");
    openssl(&workshop, "pkcs12 -export -nokeys -in leaf.pem -passout file:secret -out leaf.p12");
    openssl(&workshop, "x509 -in leaf.pem -outform DER -out leaf.der");
    let expected = (spki_pin(&certificate), "file".to_owned());
    assert_eq!(summary(&add(&["--from-file", "leaf.der", "--label", "der"])), expected);
    for (file, kind) in [("leaf.p7b", "spki-sha512"), ("leaf.pem", "cert-sha512")] {
        assert_eq!(add(&["--from-file", file, "--type", kind])["type"], kind);
    }
    let from_p12 = add(&["--from-file", "leaf.p12", "--password-file", "secret", "--type", "cert-sha256"]);
    assert_eq!((&from_p12["type"], &from_p12["source"]), (&json!("cert-sha256"), &json!("file")));

    openssl(
        &workshop,
        "req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k -out next.csr -subj /CN=n",
    );
    assert_eq!(add(&["--from-csr", "next.csr", "--label", "next"])["source"], "csr");

    openssl(&workshop, "req -x509 -key k -subj /CN=n -out next.pem");
    for (arguments, status, code) in [
        (&["--from-file", "leaf.p12"][..], 3, "key_password_needed"),
        // The certificate that comes of the request has the pin already.
        (&["--from-file", "next.pem"], 6, "already_exists"),
        (&["--from-csr", "leaf.pem"], 3, "certificate_unparsable"),
        (&["--from-csr", "next.csr", "--type", "cert-sha256"], 3, "pin_type_invalid"),
        (&["--from-host", HOST, "--proxy", "ftp://proxy"], 3, "proxy_invalid"),
        (&["--from-host", HOST, "--proxy", "http://127.0.0.1:1"], 8, "proxy_refused"),
    ] {
        let run = workshop.run(&[&["pins", "add", HOST], arguments].concat());
        assert_eq!(run.status, status, "{run:?}");
        assert!(run.stderr.contains(code), "{run:?}");
    }
}
