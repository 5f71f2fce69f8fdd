//! What only a server over the network has: certificates, passwords, databases that somebody else made.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::{fs, net::TcpListener};

use pintle_store::{Store, StoreError};
use pintle_testkit::postgres::Cluster;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

type Issuer = CertifiedIssuer<'static, KeyPair>;

fn make_authority() -> Issuer {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A server on TCP with a certificate for `localhost`, and a database of `ada`, whose password is `lovelace`.
fn start_remote(authority: &Issuer) -> (Cluster, u16) {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut cluster = Cluster::start_on(port, &[]);
    let data = cluster.folder().join("data");
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, authority).unwrap();
    fs::write(data.join("server.crt"), certificate.pem()).unwrap();
    fs::write(data.join("server.key"), key.serialize_pem()).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(data.join("server.key"), fs::Permissions::from_mode(0o600)).unwrap();
    }
    let rules =
        "local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\nhostssl all all ::1/128 scram-sha-256\n";
    fs::write(data.join("pg_hba.conf"), rules).unwrap();
    cluster.execute("postgres", "CREATE ROLE ada LOGIN PASSWORD 'lovelace'");
    cluster.execute("postgres", "CREATE DATABASE pintle OWNER ada");
    cluster.execute("postgres", "ALTER SYSTEM SET ssl = on");
    cluster.stop();
    cluster.restart();
    (cluster, port)
}

async fn open(url: &str) -> Result<(), StoreError> {
    Store::open(&url.parse().unwrap()).await?.close().await
}

#[tokio::test]
async fn the_server_must_prove_who_it_is() {
    let (authority, other) = (make_authority(), make_authority());
    let (cluster, port) = start_remote(&authority);
    let (ca, other_ca) = (cluster.folder().join("ca.pem"), cluster.folder().join("other.pem"));
    fs::write(&ca, authority.pem()).unwrap();
    fs::write(&other_ca, other.pem()).unwrap();
    let url = |host: &str, rest: &str| format!("postgres://ada:lovelace@{host}:{port}/pintle?{rest}");
    let (ca, other_ca) = (ca.display(), other_ca.display());
    open(&url("localhost", &format!("sslmode=verify-full&sslrootcert={ca}"))).await.unwrap();
    open(&url("127.0.0.1", &format!("sslmode=verify-ca&sslrootcert={ca}"))).await.unwrap();
    open(&url("127.0.0.1", "sslmode=require")).await.unwrap();
    for (host, rest) in [
        ("127.0.0.1", format!("sslmode=verify-full&sslrootcert={ca}")),
        ("localhost", format!("sslmode=verify-full&sslrootcert={other_ca}")),
        ("localhost", "sslmode=verify-full".to_owned()),
        ("localhost", format!("sslmode=verify-ca&sslrootcert={other_ca}")),
        ("localhost", "sslmode=disable".to_owned()),
    ] {
        let error = open(&url(host, &rest)).await.expect_err(&rest);
        assert!(matches!(error, StoreError::Open { .. }), "{rest}: {error}");
    }
    let wrong = format!("postgres://ada:byron1815@localhost:{port}/pintle?sslmode=verify-full&sslrootcert={ca}");
    let error = open(&wrong).await.unwrap_err();
    let told = format!("{error} {error:?}");
    assert!(told.contains("postgres://ada@localhost") && told.contains("password authentication failed"), "{told}");
    assert!(!told.contains("byron1815"), "{told}");
}

#[tokio::test]
async fn a_database_that_cannot_hold_every_text_is_refused() {
    let cluster = Cluster::start(&["listen_addresses="]);
    cluster.execute("postgres", "CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'");
    let refused = open(&cluster.url("latin")).await.unwrap_err();
    assert!(matches!(&refused, StoreError::Encoding { found, .. } if found == "LATIN1"), "{refused}");
    let missing = open(&cluster.url("missing")).await.unwrap_err();
    assert!(matches!(&missing, StoreError::Open { .. }), "{missing}");
}
