//! A company's proxy that inspects TLS (squid with ssl-bump): what is pinned for it, where, and what it weakens nowhere.
#![cfg(test)]

use std::{
    fs,
    net::{SocketAddr, TcpListener},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use pintle_core::Code;
use pintle_e2e::{
    page::Page,
    run_for_data,
    world::{HOST, World},
};
use pintle_sdk::{Authorities, Error, Pintle};
use pintle_testkit::{
    certificate::{Authority, issuer_pin},
    site::Site,
};
use rustls_pki_types::{CertificateDer, pem::PemObject};
use serde_json::Value;

/// A host that the company inspects too, and that nobody pinned for it.
const OTHER: &str = "bank.example";
const CERTGEN: &str = "/usr/lib/squid/security_file_certgen";
const START_LIMIT: Duration = Duration::from_secs(60);

/// Squid on a loopback port, with a CA made for it; ended when dropped.
struct Squid {
    child: Child,
    address: SocketAddr,
    ca: CertificateDer<'static>,
    folder: tempfile::TempDir,
}

impl Squid {
    /// Sites under `sites` are believed and inspected.
    async fn start(sites: &Authority) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let address = free_address();
        fs::write(path("hosts"), format!("127.0.0.1 {HOST} {OTHER}\n")).unwrap();
        fs::write(path("sites.pem"), to_pem(sites.certificate())).unwrap();
        make_ca(folder.path());
        succeed(Command::new(CERTGEN).args(["-c", "-s"]).arg(path("ssl_db")).args(["-M", "4MB"]));
        fs::write(path("squid.conf"), configure(folder.path(), address)).unwrap();
        give_to_squid(folder.path());
        let child = Command::new("/usr/sbin/squid")
            .args(["-N", "-f"])
            .arg(path("squid.conf"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("squid is installed by `cargo xtask setup`");
        let ca = CertificateDer::from_pem_file(path("ca.pem")).unwrap();
        let mut proxy = Self { child, address, ca, folder };
        proxy.wait_until_it_listens().await;
        proxy
    }

    async fn wait_until_it_listens(&mut self) {
        let started = Instant::now();
        while tokio::net::TcpStream::connect(self.address).await.is_err() {
            let is_running = self.child.try_wait().unwrap().is_none();
            let log = fs::read_to_string(self.folder.path().join("cache.log")).unwrap_or_default();
            assert!(is_running && started.elapsed() < START_LIMIT, "squid did not start: {log}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Squid {
    fn drop(&mut self) {
        // Already ended, or ends now; its certificate generators read the end of their input and follow.
        let _ended = self.child.kill().and_then(|()| self.child.wait());
    }
}

fn configure(folder: &Path, address: SocketAddr) -> String {
    let root = folder.display();
    format!(
        "http_port {address} ssl-bump tls-cert={root}/ca.pem tls-key={root}/ca.key generate-host-certificates=on
sslcrtd_program {CERTGEN} -s {root}/ssl_db -M 4MB
sslcrtd_children 2 startup=1
ssl_bump bump all
tls_outgoing_options cafile={root}/sites.pem
http_access allow localhost
hosts_file {root}/hosts
pid_filename {root}/squid.pid
cache_log {root}/cache.log
access_log none
cache deny all
coredump_dir {root}
shutdown_lifetime 0 seconds
pinger_enable off
"
    )
}

fn make_ca(folder: &Path) {
    let request = "req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -subj /CN=Inspection -days 3650 -addext \
                   basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign";
    succeed(Command::new("openssl").current_dir(folder).args(request.split_ascii_whitespace()));
}

/// Started by root, squid works as another user, who must read and write its files.
fn give_to_squid(folder: &Path) {
    let user = Command::new("id").arg("-u").output().unwrap().stdout;
    if user.trim_ascii() == b"0" {
        succeed(Command::new("chown").args(["-R", "proxy"]).arg(folder));
    }
}

fn succeed(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A port that was free a moment ago: squid cannot say which one it chose.
fn free_address() -> SocketAddr {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap()
}

fn to_pem(certificate: &CertificateDer<'_>) -> String {
    use base64ct::{Base64, Encoding};
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", Base64::encode_string(certificate))
}

/// What your shop has before the company asks: two hosts of one site, each with the site's own key.
async fn start_shop() -> World {
    let world = World::without_recovery_key().await;
    world.site.swap(&world.authority.issue(&[HOST, OTHER]));
    let straight = world.site.address().to_string();
    let steps: [&[&str]; 4] = [
        &["domains", "add", OTHER],
        &["pins", "add", HOST, "--from-host", &straight],
        &["pins", "add", OTHER, "--from-host", &straight],
        &["release", "--yes"],
    ];
    for arguments in steps {
        let _said = world.run(arguments);
    }
    world
}

/// The app with this bundle, on a device that trusts what the company's devices trust.
async fn app(world: &World, bundle: &str, squid: &Squid) -> Pintle {
    Pintle::builder(world.bundle(bundle))
        .dangerous_allow_http_loopback()
        .connection_authorities(Authorities::Only(vec![world.authority.certificate().clone(), squid.ca.clone()]))
        .setup()
        .await
        .unwrap()
}

/// Why a request to `host` at the site, through the proxy or straight, is refused: `None` if it is answered.
async fn refusal(app: &Pintle, host: &'static str, site: &Site, proxy: Option<&Squid>) -> Option<Code> {
    let address = site.address();
    let through = proxy.map(Squid::url);
    let client = app
        .client_with(move |builder| match &through {
            Some(url) => builder.proxy(reqwest::Proxy::all(url).unwrap()),
            None => builder.no_proxy().resolve(host, address),
        })
        .unwrap();
    match client.get(format!("https://{host}:{}/", address.port())).send().await {
        Ok(response) => {
            assert!(response.status().is_success(), "{response:?}");
            None
        }
        Err(Error::Refused(refusal)) => Some(refusal.code),
        Err(other) => panic!("{host}: {other:?}"),
    }
}

/// The SPKI-SHA256 of the certificate at `position` of the chain that a host shows.
fn shown_pin(seen: &Value, position: usize) -> &str {
    seen["chains"][0]["certificates"][position]["facts"]["pins"][0]["digest"].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inspecting_ca_is_pinned_for_one_host_of_one_project_and_nowhere_else() {
    let world = start_shop().await;
    let squid = Squid::start(&world.authority).await;
    let (folder, site) = (world.folder(), &world.site);
    let named = format!("{HOST}:{}", site.address().port());
    let usual = app(&world, "pintle.json", &squid).await;
    assert_eq!(refusal(&usual, HOST, site, Some(&squid)).await, Some(Code::PinMismatch), "to it, an attacker");

    let mut page = Page::open("tls-inspection").with_variables(&[("HOST", &named), ("PROXY", &squid.url())]);
    let said = page.run(folder, "pintle certs $HOST --proxy $PROXY");
    assert!(said.contains("CN=Inspection") && !said.contains("CN=Site CA"), "the company's CA for the site's: {said}");
    for command in [
        "pintle projects copy shop/production --environment acme --new-key > acme.json",
        "pintle pins add shop.example --project shop/acme --from-host $HOST --proxy $PROXY --issuer --label acme-inspection",
        "pintle release --project shop/acme --key pintle-key-acme.pem",
    ] {
        let _said = page.run(folder, command);
    }
    page.finish();

    let inspecting = issuer_pin(&squid.ca).digest.to_base64();
    let listed = world.run(&["pins", "list", HOST, "--project", "shop/acme"]);
    assert!(listed.contains(&inspecting), "what is pinned is the CA: {listed}");
    let seen = run_for_data(folder, &["certs", &named, "--proxy", &squid.url(), "--output", "json"]);
    let seen: Value = serde_json::from_str(&seen).unwrap();
    assert_eq!(shown_pin(&seen, 0), inspecting, "why the page warns of the leaf: it has the CA's own key");

    let company = app(&world, "acme.json", &squid).await;
    assert_eq!(refusal(&company, HOST, site, Some(&squid)).await, None, "it works behind the proxy");
    assert_eq!(refusal(&company, HOST, site, None).await, None, "and at home");
    assert_eq!(refusal(&company, OTHER, site, Some(&squid)).await, Some(Code::PinMismatch), "one host, not all");
    assert_eq!(refusal(&usual, HOST, site, Some(&squid)).await, Some(Code::PinMismatch), "one project, not all");
    assert_eq!(refusal(&usual, HOST, site, None).await, None);
    // A CA that every device trusts is still no way to a certificate of one's own.
    site.swap(&world.authority.issue(&[HOST, OTHER]));
    assert_eq!(refusal(&company, HOST, site, None).await, Some(Code::PinMismatch));
}
