//! certbot itself, with certificates of an ACME server on this machine (pebble): what `docs/howto/certbot.md` has people type.
#![cfg(unix)]

use std::{collections::BTreeSet, fs};

use pintle_testkit::clouds::{Running, free_port, tools, wait_for};
use serde_json::json;

use crate::workshop::{Run, Server, Workshop};

const HOST: &str = "api.example.com";
const SKIPPED: &str = "SKIPPED: there is no pebble (`cargo xtask setup` builds it, where there is Go)";
/// Where certbot looks for hooks.
const HOOKS: &str = "letsencrypt/renewal-hooks/deploy";

/// A machine with a certificate, and a project whose apps know its key.
struct Machine {
    workshop: Workshop,
    server: Server,
    _acme: Running,
}

impl Machine {
    /// `None` where there is no ACME server.
    fn open() -> Option<Self> {
        let workshop = Workshop::open();
        let (acme, directory) = start_acme(&workshop)?;
        install_certbot(&workshop, &directory);
        let server = workshop.serve();
        let machine = Self { workshop, server, _acme: acme };
        machine.certbot(&format!("certbot certonly --standalone -d {HOST}"));
        let (workshop, url) = (&machine.workshop, &machine.server.url);
        workshop.json(&["login", "--server", url, "--token-file", "token"]);
        workshop.json(&["orgs", "create", "Acme"]);
        workshop.json(&["projects", "create", "shop"]);
        workshop.json(&["keys", "generate"]);
        workshop.json(&["keys", "register"]);
        workshop.json(&["domains", "add", HOST]);
        workshop.json(&["pins", "add", HOST, "--from-file", "letsencrypt/live/api.example.com/cert.pem"]);
        machine.release();
        machine.install_hook(None);
        Some(machine)
    }

    /// The hook of the examples with the token of the page, and with a key to release with.
    fn install_hook(&self, key: Option<&str>) {
        const HOOK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/examples/certbot/10-pintle.sh");
        let mut create = vec!["tokens", "create", "certbot", "--scope", "read", "--scope", "edit"];
        if key.is_some() {
            create.splice(2..3, ["certbot-release", "--scope", "release"]);
        }
        create.extend(["--limit-to", "project", "--expires", "90d", "--project", "shop"]);
        let token = self.workshop.json(&create)["secret"].as_str().unwrap().to_owned();
        let mut lines = format!(
            "PINTLE_SERVER={}\nPINTLE_ORGANIZATION=Acme\nPINTLE_PROJECT=shop\nPINTLE_TOKEN={token}\n",
            self.server.url
        );
        if let Some(key) = key {
            lines += &format!("PINTLE_KEY={}\n", self.workshop.path(key).display());
        }
        self.workshop.write("certbot.env", lines);
        fs::create_dir_all(self.workshop.path(HOOKS)).unwrap();
        fs::copy(HOOK, self.workshop.path(HOOKS).join("10-pintle.sh")).unwrap();
    }

    fn certbot(&self, line: &str) -> Run {
        let (ca, env) = (self.workshop.path("acme.pem"), self.workshop.path("certbot.env"));
        let environment = [("REQUESTS_CA_BUNDLE", ca.to_str().unwrap()), ("PINTLE_ENV", env.to_str().unwrap())];
        let run = self.workshop.shell(line, &environment);
        assert_eq!(run.status, 0, "{line}: {run:?}");
        run
    }

    fn release(&self) {
        self.workshop.json(&["release", "--yes", "--no-probe"]);
    }

    fn releases(&self) -> usize {
        self.workshop.json(&["releases", "list"])["items"].as_array().unwrap().len()
    }

    /// The digests that the draft pins.
    fn pins(&self) -> BTreeSet<String> {
        let listed = self.workshop.json(&["pins", "list", HOST]);
        let pins = listed["items"][0]["pins"].as_array().unwrap();
        pins.iter().map(|pin| pin["digest"].as_str().unwrap().to_owned()).collect()
    }

    /// The digest of the key that would be served, as OpenSSL sees it.
    fn served(&self) -> String {
        let line = "openssl x509 -in letsencrypt/live/api.example.com/cert.pem -noout -pubkey \
                    | openssl pkey -pubin -outform DER | openssl dgst -sha256 -binary | openssl base64";
        self.workshop.shell(line, &[]).stdout.trim().to_owned()
    }
}

/// pebble, which takes every client's word that a name is its own; its directory.
fn start_acme(workshop: &Workshop) -> Option<(Running, String)> {
    let pebble = tools().join("bin/pebble");
    if !pebble.exists() {
        return None;
    }
    let made = workshop.shell(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout acme.key -out acme.pem -days 2 \
         -subj /CN=acme -addext subjectAltName=IP:127.0.0.1",
        &[],
    );
    assert_eq!(made.status, 0, "{made:?}");
    let [port, management, http, tls] = std::array::from_fn(|_| free_port());
    let config = json!({ "pebble": {
        "listenAddress": format!("127.0.0.1:{port}"),
        "managementListenAddress": format!("127.0.0.1:{management}"),
        "certificate": workshop.path("acme.pem"),
        "privateKey": workshop.path("acme.key"),
        "httpPort": http,
        "tlsPort": tls,
        "ocspResponderURL": "",
        "retryAfter": { "authz": 1, "order": 1 },
    }});
    workshop.write("pebble.json", config.to_string());
    let config = workshop.path("pebble.json");
    let running = Running::start(
        "/usr/bin/env".as_ref(),
        &[
            "PEBBLE_VA_ALWAYS_VALID=1",
            "PEBBLE_VA_NOSLEEP=1",
            "PEBBLE_WFE_NONCEREJECT=0",
            pebble.to_str().unwrap(),
            "-config",
            config.to_str().unwrap(),
        ],
    );
    Some((running, format!("https://{}/dir", wait_for(port))))
}

/// `certbot`, with its folders here, and the answers that it would ask a person for.
fn install_certbot(workshop: &Workshop, directory: &str) {
    let folder = |name: &str| workshop.path(name).display().to_string();
    workshop.write(
        "cli.ini",
        format!(
            "config-dir = {}\nwork-dir = {}\nlogs-dir = {}\nserver = {directory}\nagree-tos = true\n\
             register-unsafely-without-email = true\nnon-interactive = true\nno-random-sleep-on-renew = true\n\
             http-01-port = {}\n",
            folder("letsencrypt"),
            folder("work"),
            folder("logs"),
            free_port()
        ),
    );
    let program = tools().join("certbot/bin/certbot");
    assert!(program.exists(), "{} is missing: run `cargo xtask setup`", program.display());
    workshop.stub("certbot", &format!("exec {} --config {} \"$@\"", program.display(), folder("cli.ini")));
}

#[test]
fn a_new_key_is_drafted_for_a_person_and_released_where_the_machine_may() {
    let Some(machine) = Machine::open() else { return println!("{SKIPPED}") };
    let first = machine.served();
    assert_eq!(machine.pins(), BTreeSet::from([first.clone()]));

    let renewed = machine.certbot("certbot renew --force-renewal");
    let second = machine.served();
    assert_ne!(second, first, "certbot makes a new key unless told otherwise");
    let both = BTreeSet::from([first.clone(), second.clone()]);
    assert_eq!((machine.pins(), machine.releases()), (both, 1), "{renewed:?}");
    assert!(renewed.stdout.contains("pintle release"), "{renewed:?}");
    machine.release();

    machine.install_hook(Some("pintle-key.pem"));
    let released = machine.certbot("certbot renew --force-renewal");
    let all = BTreeSet::from([first, second, machine.served()]);
    assert_eq!((all.len(), machine.pins(), machine.releases()), (3, all, 3), "{released:?}");
}

#[test]
fn a_key_that_is_kept_changes_nothing_for_apps() {
    let Some(machine) = Machine::open() else { return println!("{SKIPPED}") };
    let key = machine.served();
    machine.certbot("certbot reconfigure --cert-name api.example.com --reuse-key");
    let kept = machine.certbot("certbot renew --force-renewal");
    assert!(kept.stdout.contains("Unchanged."), "{kept:?}");
    assert_eq!(machine.served(), key);
    assert_eq!((machine.pins(), machine.releases()), (BTreeSet::from([key]), 1));
}
