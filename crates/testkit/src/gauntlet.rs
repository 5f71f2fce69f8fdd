//! What every SDK must do with every HTTP client it serves: one table of cases, each a server, a CDN and some steps.
//!
//! Tests of Rust and C walk through it in the same process; other languages talk to `examples/gauntlet.rs`.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use base64ct::{Base64, Encoding};
use pintle_core::{
    UnixTime,
    claims::{Claims, CtPolicy, CtRequirement, Domain, Enforce, Trust},
    crypto::sha256,
};
use serde::{Deserialize, Serialize};

use crate::{
    cdn::{Cdn, Reply},
    certificate::{Authority, SiteCertificate, issuer_pin, leaf_pin},
    ct::Log,
    project::{Project, domain},
    site::Site,
};

/// The host that has an entry.
pub const HOST: &str = "localhost";
/// The same server under a name without an entry.
pub const UNREGISTERED: &str = "127.0.0.1";

/// No case, but what benchmarks start: a hundred entries, one of them for this server.
pub const HUNDRED_DOMAINS: &str = "hundred_domains";

/// A case: what must be seen, step by step.
#[derive(Clone, Debug, Serialize)]
pub struct Case {
    /// In words, joined by `_`.
    pub name: &'static str,
    /// In order.
    pub steps: Vec<Step>,
}

/// One step of a case.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Step {
    /// A GET of `/` at `host`; `expect` is `ok` or the code of the refusal, which no byte of the request reaches the
    /// server under.
    Get {
        /// Where.
        host: &'static str,
        /// What comes of it.
        expect: &'static str,
    },
    /// The app refreshes; `expect` is `ok` or a code.
    Refresh {
        /// What comes of it.
        expect: &'static str,
    },
    /// The app becomes permissive.
    Permissive,
    /// The world changes: [`Gauntlet::change`].
    World {
        /// How.
        change: Change,
    },
}

/// How the world changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// The server has a new certificate, and a release pins it.
    Rotate,
    /// A release pins another key.
    Revoke,
    /// A release that changes nothing about this host.
    Release,
    /// The CDN shows an older release.
    RollBack,
    /// A release whose pin of this host expires in two seconds: trust that changes by time alone.
    ExpireSoon,
    /// The project is withdrawn.
    Withdraw,
    /// The CDN closes every connection.
    CdnDead,
    /// The CDN sends the next release ten bytes a second.
    CdnSlow,
    /// The CDN answers something else.
    CdnGarbage,
}

impl Change {
    /// Every one.
    pub const ALL: [Self; 9] = [
        Self::Rotate,
        Self::Revoke,
        Self::Release,
        Self::RollBack,
        Self::ExpireSoon,
        Self::Withdraw,
        Self::CdnDead,
        Self::CdnSlow,
        Self::CdnGarbage,
    ];
}

/// Every case.
#[must_use]
pub fn cases() -> Vec<Case> {
    let get = |expect| Step::Get { host: HOST, expect };
    let get_unregistered = |expect| Step::Get { host: UNREGISTERED, expect };
    let refresh = |expect| Step::Refresh { expect };
    let world = |change| Step::World { change };
    let case = |name, steps| Case { name, steps };
    vec![
        case("pinned_leaf", vec![get("ok")]),
        case("pinned_intermediate", vec![get("ok")]),
        case("pinned_root", vec![get("ok")]),
        case("wrong_leaf_from_trusted_ca", vec![get("pin_mismatch")]),
        case("padded_chain", vec![get("pin_mismatch")]),
        case("same_name_root", vec![get("pin_mismatch")]),
        case("missing_intermediate", vec![get("platform_rejected")]),
        case("shuffled_chain", vec![get("ok")]),
        case("expired", vec![get("platform_rejected")]),
        case("wrong_name", vec![get("platform_rejected")]),
        case("self_signed", vec![get("platform_rejected")]),
        case("self_signed_trusted_by_pins", vec![get("ok")]),
        case("self_signed_not_the_pinned", vec![get("pin_mismatch")]),
        case("denied_key", vec![get("key_denied")]),
        case("report_only", vec![get("ok")]),
        case("ct_required", vec![get("ct_not_satisfied")]),
        case("unregistered_strict", vec![get_unregistered("domain_not_registered"), get("ok")]),
        case("unregistered_permissive", vec![Step::Permissive, get_unregistered("ok"), get("ok")]),
        case("rotation_while_running", vec![world(Change::Rotate), get("ok")]),
        case(
            "kept_connection_after_revocation",
            vec![get("ok"), world(Change::Revoke), refresh("ok"), get("pin_mismatch")],
        ),
        case("kept_connection_after_release", vec![get("ok"), world(Change::Release), refresh("ok"), get("ok")]),
        case("rollback", vec![world(Change::RollBack), refresh("config_rollback"), get("ok")]),
        case("withdrawn", vec![get("ok"), world(Change::Withdraw), refresh("ok"), get("config_withdrawn")]),
        case("cdn_dead", vec![world(Change::CdnDead), refresh("fetch_failed"), get("ok")]),
        case("cdn_slow", vec![world(Change::CdnSlow), refresh("fetch_failed"), get("ok")]),
        case("cdn_garbage", vec![world(Change::CdnGarbage), refresh("config_malformed"), get("ok")]),
    ]
}

/// One case with one client: how its requests ended, in order.
#[derive(Clone, Debug, Deserialize)]
pub struct Walk {
    /// Name of the case.
    pub case: String,
    /// Name of the client.
    pub client: String,
    /// `ok`, a code, or whatever else came of it.
    pub ends: Vec<String>,
}

/// Where [`hold_conformance`] looks, for tests in Rust.
#[must_use]
pub fn conformance_page() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/sdk/conformance.md")
}

/// Holds that the rows of `sdk` in `page` say what came of `walks`; with `UPDATE_DOCS` set, writes them. An error says
/// what to do.
pub fn hold_conformance(page: &Path, sdk: &str, walks: &[Walk]) -> Result<(), String> {
    let text = fs::read_to_string(page).expect("docs/sdk/conformance.md");
    let [begin, end] = ["begin", "end"].map(|word| format!("<!-- {word} {sdk} -->\n"));
    let (before, rest) = text.split_once(&begin).expect("a place for the SDK");
    let (held, after) = rest.split_once(&end).expect("the end of that place");
    let wanted = format!("\n| case | its requests end as | with |\n| --- | --- | --- |\n{}\n", rows(walks));
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(page, format!("{before}{begin}{wanted}{end}{after}")).expect("docs/sdk/conformance.md");
    } else if held != wanted {
        return Err("docs/sdk/conformance.md is old: UPDATE_DOCS=1 and run this test again".to_owned());
    }
    Ok(())
}

/// One for each way in which a case went, with the clients it went so with.
fn rows(walks: &[Walk]) -> String {
    let mut rows: Vec<(String, Vec<&str>)> = Vec::new();
    for Walk { case, client, ends } in walks {
        let ends: Vec<&str> = ends.iter().map(|end| if end == "ok" { "allowed" } else { end }).collect();
        let row = format!("| {} | {} |", case.replace('_', " "), ends.join(", then "));
        match rows.iter_mut().find(|(known, _)| *known == row) {
            Some((_, clients)) => clients.push(client),
            None => rows.push((row, vec![client])),
        }
    }
    rows.into_iter().map(|(row, clients)| format!("{row} {} |\n", clients.join(", "))).collect()
}

/// The servers of one case.
pub struct Gauntlet {
    project: Project,
    cdn: Cdn,
    site: Site,
    ca: Authorities,
}

struct Authorities {
    root: Authority,
    /// Below it.
    good: Authority,
    /// Another root that the platform trusts.
    other: Authority,
    /// A root that somebody installed, by the name of the good intermediate.
    namesake: Authority,
}

impl Gauntlet {
    /// Starts the servers of the case `name`, and writes into `folder` what the app needs: `pintle.json`, and `ca.pem`
    /// for the platform's authorities.
    pub async fn start(name: &str, folder: &Path) -> Self {
        let root = Authority::root("Good Root");
        let good = root.subordinate("Good Intermediate");
        let (other, namesake) = (Authority::root("Other Root"), Authority::root("Good Intermediate"));
        let ca = Authorities { root, good, other, namesake };
        let certificate = certificate_of(name, &ca);
        let cdn = Cdn::start(Reply::Closed).await;
        let project = Project::new(&[cdn.url()]);
        let gauntlet = Self { site: Site::start(&certificate).await, project, cdn, ca };
        gauntlet.publish(2, |claims| gauntlet.configure(name, &certificate, claims));
        fs::write(folder.join("pintle.json"), gauntlet.project.bundle()).expect("a file");
        let mut trusted = vec![&gauntlet.ca.root, &gauntlet.ca.other];
        if name == "same_name_root" {
            // Where it is not asked for, path builders that never turn back would lose their way by its name.
            trusted.push(&gauntlet.ca.namesake);
        }
        let pem: String = trusted.into_iter().map(|root| to_pem(root.certificate())).collect();
        fs::write(folder.join("ca.pem"), pem).expect("a file");
        gauntlet
    }

    fn configure(&self, name: &str, certificate: &SiteCertificate, claims: &mut Claims) {
        let pin = match name {
            "pinned_intermediate" | "padded_chain" | "same_name_root" | "missing_intermediate" | "shuffled_chain" => {
                issuer_pin(self.ca.good.certificate())
            }
            "pinned_root" => issuer_pin(self.ca.root.certificate()),
            "wrong_leaf_from_trusted_ca" | "report_only" | "self_signed_not_the_pinned" => {
                leaf_pin(self.ca.good.issue(&[HOST]).leaf())
            }
            _ => leaf_pin(certificate.leaf()),
        };
        let mut entry = domain(HOST, vec![pin]);
        match name {
            "self_signed_trusted_by_pins" | "self_signed_not_the_pinned" => entry.trust = Trust::Pins,
            "report_only" => entry.enforce = Enforce::Report,
            "denied_key" => claims.deny = [sha256(spki_of(certificate))].into(),
            "ct_required" => {
                claims.ct_logs = ["a", "b"].map(|log| Log::new(log).entry()).into();
                // A list that is older than 70 days is not insisted on (P-6.4).
                claims.issued_at = now();
                claims.ct_logs_as_of = Some(claims.issued_at);
                entry.ct = CtRequirement { policy: CtPolicy::Verified, ..CtRequirement::default() };
            }
            _ => {}
        }
        claims.domains = vec![entry];
        if name == HUNDRED_DOMAINS {
            let others = (1..100).map(|number| format!("service-{number}.example.com"));
            claims.domains.extend(others.map(|host| domain(&host, vec![leaf_pin(certificate.leaf())])));
        }
    }

    /// Changes the world; done when it returns.
    pub fn change(&self, change: Change) {
        let pinned = |certificate: &SiteCertificate| vec![domain(HOST, vec![leaf_pin(certificate.leaf())])];
        let publish = |version, domains: Vec<Domain>| self.publish(version, |claims| claims.domains = domains);
        let another = self.ca.good.issue(&[HOST]);
        match change {
            Change::Rotate => {
                self.site.swap(&another);
                publish(3, pinned(&another));
            }
            Change::Revoke => publish(3, pinned(&another)),
            // The server's key by another road: its issuer.
            Change::Release => publish(3, vec![domain(HOST, vec![issuer_pin(self.ca.good.certificate())])]),
            Change::RollBack => publish(1, pinned(&another)),
            Change::ExpireSoon => {
                let mut pin = issuer_pin(self.ca.good.certificate());
                pin.expires_at = Some(UnixTime::from_secs(now().as_secs() + 2));
                publish(3, vec![domain(HOST, vec![pin])]);
            }
            Change::Withdraw => self.publish(3, |claims| claims.withdrawn = true),
            Change::CdnDead => self.cdn.set(Reply::Closed),
            Change::CdnSlow => self.cdn.set(Reply::Drip(self.project.config_with(3, |_| {}))),
            Change::CdnGarbage => self.cdn.set(Reply::Refusal(200, "<html>Please log in to this Wi-Fi</html>")),
        }
    }

    fn publish(&self, version: u64, claims: impl FnOnce(&mut Claims)) {
        self.cdn.set(Reply::File(self.project.config_with(version, claims)));
    }

    /// The server the app wants to reach.
    #[must_use]
    pub fn site(&self) -> &Site {
        &self.site
    }
}

fn certificate_of(name: &str, ca: &Authorities) -> SiteCertificate {
    let good = ca.good.issue(&[HOST, UNREGISTERED]);
    match name {
        "wrong_leaf_from_trusted_ca" => ca.other.issue(&[HOST]),
        "padded_chain" => ca.other.subordinate("Other Intermediate").issue(&[HOST]).padded_with(ca.good.certificate()),
        "same_name_root" => ca.namesake.issue(&[HOST]).padded_with(ca.good.certificate()),
        "missing_intermediate" => SiteCertificate { chain: vec![good.leaf().clone()], key: good.key },
        "shuffled_chain" => {
            let unrelated = ca.other.subordinate("Unrelated").certificate().clone();
            let chain = vec![good.leaf().clone(), unrelated, ca.good.certificate().clone()];
            SiteCertificate { chain, key: good.key }
        }
        "expired" => ca.good.issue_expired(&[HOST]),
        "wrong_name" => ca.good.issue(&["elsewhere.test"]),
        "self_signed" | "self_signed_trusted_by_pins" | "self_signed_not_the_pinned" => {
            SiteCertificate::self_signed(&[HOST])
        }
        _ => good,
    }
}

fn now() -> UnixTime {
    UnixTime::from_secs(SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970").as_secs())
}

fn spki_of(certificate: &SiteCertificate) -> &[u8] {
    pintle_core::der::Certificate::parse(certificate.leaf()).expect("a certificate in DER").spki()
}

fn to_pem(der: &[u8]) -> String {
    let mut pem = "-----BEGIN CERTIFICATE-----\n".to_owned();
    for line in Base64::encode_string(der).as_bytes().chunks(64) {
        writeln!(pem, "{}", String::from_utf8_lossy(line)).expect("a String takes text");
    }
    pem + "-----END CERTIFICATE-----\n"
}
