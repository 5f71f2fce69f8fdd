//! TLS of the server as testssl.sh sees it, with a certificate that another program made.
#![cfg(test)]

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

const EXTENSIONS: &str = "subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n\
                          keyUsage=digitalSignature\nextendedKeyUsage=serverAuth\n";
/// Made by the test's own CA, which publishes no list of what it revoked. Nothing else is forgiven.
const FORGIVEN: &[&str] = &["cert_revocation"];

fn openssl(folder: &Path, arguments: &[&str]) {
    let output = Command::new("openssl").args(arguments).current_dir(folder).output();
    let output = output.expect("openssl is installed by `cargo xtask setup`");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// `ca.pem`, `cert.pem` and `key.pem`.
fn make_certificate(folder: &Path) {
    let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    let ca = ["req", "-x509", "-subj", "/CN=Test CA", "-days", "90", "-keyout", "ca.key", "-out", "ca.pem"];
    openssl(folder, &[&ca[..], &key].concat());
    let request = ["req", "-subj", "/CN=localhost", "-keyout", "key.pem", "-out", "request.pem"];
    openssl(folder, &[&request[..], &key].concat());
    fs::write(folder.join("extensions"), EXTENSIONS).unwrap();
    let signed = ["x509", "-req", "-in", "request.pem", "-days", "80", "-extfile", "extensions", "-out", "cert.pem"];
    openssl(folder, &[&signed[..], &["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"]].concat());
}

/// A server that terminates TLS itself; ended when dropped.
struct Server {
    child: Child,
    port: u16,
}

impl Server {
    fn start(folder: &Path) -> Self {
        let pintle = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/debug/pintle");
        let mut child = Command::new(pintle)
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir", "data", "--log", "error"])
            .args(["--tls-certificate", "cert.pem", "--tls-key", "key.pem"])
            .current_dir(folder)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary is built beside the tests");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let ready = lines.find_map(|line| line.strip_prefix("Pintle is ready at https://127.0.0.1:")?.parse().ok());
        Self { child, port: ready.expect("the server says where it is") }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Either may fail only because the process has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Debian's testssl.sh gives no letter yet. What keeps a server from A+ are findings, and there must be none: old
/// protocols, weak suites or keys, missing forward secrecy, known attacks, no or short HSTS.
#[test]
#[ignore = "slow: testssl.sh takes a minute or two"]
fn testssl_finds_nothing_to_hold_against_the_server() {
    let folder = tempfile::tempdir().unwrap();
    make_certificate(folder.path());
    let server = Server::start(folder.path());
    let output = Command::new("testssl")
        .args(["--quiet", "--color", "0", "--warnings", "off", "--nodns", "min", "--add-ca", "ca.pem"])
        // Protocols, suites, forward secrecy, server preferences, certificate, headers, vulnerabilities.
        .args(["-p", "-s", "-f", "-P", "-S", "-h", "-U", "--jsonfile", "findings.json"])
        .arg(format!("https://localhost:{}", server.port))
        .current_dir(folder.path())
        .output()
        .expect("testssl is installed by `cargo xtask setup`");
    let findings = fs::read_to_string(folder.path().join("findings.json"))
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stdout)));
    let findings: Vec<serde_json::Value> = serde_json::from_str(&findings).unwrap();
    let held_against: Vec<_> = findings
        .iter()
        .filter(|finding| !["OK", "INFO"].contains(&finding["severity"].as_str().unwrap()))
        .filter(|finding| !FORGIVEN.contains(&finding["id"].as_str().unwrap()))
        .collect();
    assert!(held_against.is_empty(), "{held_against:#?}");
    let found = |id: &str| {
        let finding = findings.iter().find(|finding| finding["id"] == id);
        finding.unwrap_or_else(|| panic!("testssl looks at {id}"))["finding"].as_str().unwrap().to_owned()
    };
    assert_eq!((found("TLS1_1"), found("TLS1_2")), ("not offered".into(), "offered".into()));
    assert!(found("TLS1_3").starts_with("offered"));
    assert_eq!(found("cert_chain_of_trust"), "passed.");
    assert!(found("HSTS_time").starts_with("730 days"));
    assert!(found("heartbleed").starts_with("not vulnerable"));
}
