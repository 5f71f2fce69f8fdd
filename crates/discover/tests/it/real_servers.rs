//! STARTTLS with servers that nobody here wrote: PostgreSQL, and a mail server of Python's.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, process::Stdio};

use base64ct::{Base64, Encoding};
use pintle_discover::{AddressPolicy, Endpoint, Prober, StartTls};
use pintle_testkit::{certificate::SiteCertificate, postgres::Cluster};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

fn prober(protocol: StartTls) -> Prober {
    Prober::new(AddressPolicy::anywhere()).with_start_tls(protocol)
}

fn to_pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", Base64::encode_string(der))
}

/// `server.pem` and `server.key` in `folder`.
fn write_certificate(folder: &Path) -> SiteCertificate {
    let certificate = SiteCertificate::self_signed(&["localhost"]);
    fs::write(folder.join("server.pem"), to_pem("CERTIFICATE", certificate.leaf())).unwrap();
    fs::write(folder.join("server.key"), to_pem("PRIVATE KEY", certificate.key.secret_der())).unwrap();
    certificate
}

/// The mail server of the end-to-end tests, and its port.
async fn start_mail_server(folder: &Path) -> (Child, u16) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut server = Command::new(root.join("target/tools/venv/bin/python"))
        .arg(root.join("e2e/tests/smtp_server.py"))
        .args(["server.pem", "server.key"])
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        // It complains of clients that have seen enough.
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("Python is installed by `cargo xtask setup`");
    let port = BufReader::new(server.stdout.take().unwrap()).lines().next_line().await.unwrap().unwrap();
    (server, port.parse().unwrap())
}

#[tokio::test]
async fn a_mail_server_shows_its_certificate_after_starttls() {
    let folder = tempfile::tempdir().unwrap();
    let certificate = write_certificate(folder.path());
    let (_server, port) = start_mail_server(folder.path()).await;
    let endpoint = Endpoint::parse(&format!("127.0.0.1:{port}")).unwrap();
    let survey = prober(StartTls::Smtp).probe(&endpoint).await.unwrap();
    assert_eq!(survey.first().unwrap().chain, [certificate.leaf().to_vec()]);
}

#[tokio::test]
async fn postgresql_shows_its_certificate_after_an_ssl_request() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let endpoint = Endpoint::parse(&format!("127.0.0.1:{port}")).unwrap();
    let mut server = Cluster::start_on(port, &["listen_addresses=127.0.0.1"]);
    let error = prober(StartTls::Postgres).probe(&endpoint).await.unwrap().first().unwrap_err();
    assert!(error.to_string().contains("it has no TLS"), "{error}");
    let folder = server.folder().to_owned();
    for (name, value) in [("ssl_cert_file", "server.pem"), ("ssl_key_file", "server.key")] {
        let path = folder.join(value);
        server.execute("postgres", &format!("ALTER SYSTEM SET {name} = '{}'", path.display()));
    }
    server.execute("postgres", "ALTER SYSTEM SET ssl = on");
    server.stop();
    let certificate = write_certificate(&folder);
    fs::set_permissions(folder.join("server.key"), fs::Permissions::from_mode(0o600)).unwrap();
    server.restart();
    let survey = prober(StartTls::Postgres).probe(&endpoint).await.unwrap();
    assert_eq!(survey.first().unwrap().chain, [certificate.leaf().to_vec()]);
}
