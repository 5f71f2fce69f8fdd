//! A company's proxy that inspects TLS (squid with ssl-bump): what is pinned for it, where, and what it weakens nowhere.
#![cfg(test)]

use std::{
    fs,
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use pintle_core::{Code, claims::PinDigest};
use pintle_e2e::{Server, run, run_for_data};
use pintle_sdk::{Authorities, Error, Pintle};
use pintle_testkit::{
    certificate::{Authority, issuer_pin},
    site::Site,
};
use rustls_pki_types::{CertificateDer, pem::PemObject};

const HOST: &str = "shop.example";
/// A host that the company inspects too, and that nobody pinned for it.
const OTHER: &str = "bank.example";
const START_LIMIT: Duration = Duration::from_secs(60);

/// Squid on a loopback port, with a CA made for it; ended when dropped.
struct Squid {
    child: Child,
    address: SocketAddr,
    ca: CertificateDer<'static>,
    folder: tempfile::TempDir,
}

impl Squid {
    async fn start(sites: &Authority) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let address = free_address();
        fs::write(path("hosts"), format!("127.0.0.1 {HOST} {OTHER}\n")).unwrap();
        fs::write(path("sites.pem"), to_pem(sites.certificate())).unwrap();
        succeed(
            Command::new("openssl").current_dir(folder.path()).args(
                "req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -subj /CN=Inspection -addext \
             basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign"
                    .split(' ')
                    .filter(|word| !word.is_empty()),
            ),
        );
        let certgen = "/usr/lib/squid/security_file_certgen";
        succeed(Command::new(certgen).args(["-c", "-s"]).arg(path("ssl_db")).args(["-M", "4MB"]));
        let root = folder.path().display();
        let config = format!(
            "http_port {address} ssl-bump tls-cert={root}/ca.pem tls-key={root}/ca.key generate-host-certificates=on
sslcrtd_program {certgen} -s {root}/ssl_db -M 4MB
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
        );
        fs::write(path("squid.conf"), config).unwrap();
        give_to_squid(folder.path());
        let child = Command::new("/usr/sbin/squid")
            .args(["-N", "-f"])
            .arg(path("squid.conf"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("squid is installed by `cargo xtask setup`");
        let ca = CertificateDer::from_pem_file(path("ca.pem")).unwrap();
        let proxy = Self { child, address, ca, folder };
        proxy.wait_until_it_listens().await;
        proxy
    }

    async fn wait_until_it_listens(&self) {
        let started = Instant::now();
        while tokio::net::TcpStream::connect(self.address).await.is_err() {
            let log = fs::read_to_string(self.folder.path().join("cache.log")).unwrap_or_default();
            assert!(started.elapsed() < START_LIMIT, "squid did not start: {log}");
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

/// Started by root, squid works as another user, who must read its files.
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
    std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap()
}

fn to_pem(certificate: &CertificateDer<'_>) -> String {
    use base64ct::{Base64, Encoding};
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", Base64::encode_string(certificate))
}

/// A project of this name in the folder's organization, its pins added by `pins` and released, and the app that embeds it.
async fn app(folder: &Path, project: &str, pins: &[&[&str]], trusted: Vec<CertificateDer<'static>>) -> Pintle {
    let key = format!("{project}.pem");
    let bundle = format!("{project}.json");
    let mut steps = vec![
        vec!["projects", "create", project],
        vec!["keys", "generate", "--out", &key],
        vec!["keys", "register", "--key", &key, "--project", project],
        vec!["domains", "add", HOST, "--project", project],
        vec!["domains", "add", OTHER, "--project", project],
    ];
    steps.extend(pins.iter().map(|pin| [&["pins", "add", "--project", project], *pin].concat()));
    steps.push(vec!["release", "--yes", "--key", &key, "--project", project]);
    steps.push(vec!["bundle", "--project", project, "--out", &bundle]);
    for arguments in &steps {
        let _said = run(folder, arguments);
    }
    Pintle::builder(fs::read(folder.join(bundle)).unwrap())
        .dangerous_allow_http_loopback()
        .connection_authorities(Authorities::Only(trusted))
        .storage_dir(folder.join(format!("app-{project}")))
        .setup()
        .await
        .unwrap()
}

/// What becomes of a request to `host` at the site, through the proxy or straight: `None` if it is answered.
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

#[tokio::test(flavor = "multi_thread")]
async fn an_inspecting_ca_is_pinned_for_one_host_of_one_project_and_nowhere_else() {
    let public = Authority::root("Public CA");
    let site = Site::start(&public.issue(&[HOST, OTHER])).await;
    let squid = Squid::start(&public).await;
    let folder = tempfile::tempdir().unwrap();
    let (_server, origin) = Server::start(folder.path(), &[]);
    for arguments in [&["login", "--server", &origin, "--token-file", "token"][..], &["orgs", "create", "Acme"]] {
        let _said = run(folder.path(), arguments);
    }
    let straight = site.address().to_string();
    let named = format!("{HOST}:{}", site.address().port());
    let url = squid.url();

    // What the company's network shows: its own CA in place of the site's.
    let seen = run_for_data(folder.path(), &["certs", &named, "--proxy", &url]);
    assert!(seen.contains("CN=Inspection") && !seen.contains("CN=Public CA"), "{seen}");

    let own: &[&[&str]] = &[&[HOST, "--from-host", &straight], &[OTHER, "--from-host", &straight]];
    let inspected = [own, &[&[HOST, "--from-host", &named, "--proxy", &url, "--issuer"]]].concat();
    // The company's devices trust both.
    let trusted = || vec![public.certificate().clone(), squid.ca.clone()];
    let usual = app(folder.path(), "shop", own, trusted()).await;
    let company = app(folder.path(), "shop-acme", &inspected, trusted()).await;
    let PinDigest::SpkiSha256(_) = issuer_pin(&squid.ca).digest else { panic!("the default type") };
    let listed = run(folder.path(), &["pins", "list", HOST, "--project", "shop-acme"]);
    assert!(listed.contains(&issuer_pin(&squid.ca).digest.to_base64()), "{listed}");

    assert_eq!(refusal(&company, HOST, &site, Some(&squid)).await, None, "it works behind the proxy");
    assert_eq!(refusal(&company, HOST, &site, None).await, None, "and at home");
    assert_eq!(refusal(&company, OTHER, &site, Some(&squid)).await, Some(Code::PinMismatch), "one host, not all");
    assert_eq!(refusal(&usual, HOST, &site, Some(&squid)).await, Some(Code::PinMismatch), "one project, not all");
    assert_eq!(refusal(&usual, HOST, &site, None).await, None);
    // A CA that every device trusts is still no way to a certificate of one's own.
    site.swap(&public.issue(&[HOST, OTHER]));
    assert_eq!(refusal(&company, HOST, &site, None).await, Some(Code::PinMismatch));
}
