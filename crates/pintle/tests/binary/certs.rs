//! Looking at certificates, and pinning from every kind of source.

use std::process::Command;

use pintle_core::claims::PinType;
use pintle_testkit::{
    certificate::{Authority, SiteCertificate, leaf_pin, pin},
    site::Site,
};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

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
