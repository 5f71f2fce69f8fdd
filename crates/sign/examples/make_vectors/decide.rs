//! Deciding connections: section 4 and what section 6 adds.

mod ct;
mod entries;
mod hosts;
mod pins;
mod trust;

use serde_json::{Value, json};

use crate::{
    configuration::{NOW, bundle, file},
    der::{Certificate, San},
    key::{key, standard},
    suite::Suite,
};

pub(crate) fn make_suites() -> Vec<Suite> {
    vec![hosts::make_suite(), entries::make_suite(), pins::make_suite(), trust::make_suite(), ct::make_suite()]
}

/// Cases of `decide` over files of the root `plain` and named certificates.
struct Decide(Suite);

/// One call of `decide`: by default `a.example` under the file `pinned`, the verified path
/// `site`, `intermediate`, `root`, accepted by the platform, strict, no draw, at [`NOW`].
#[derive(Clone)]
struct Asked {
    file: Value,
    host: String,
    presented: Value,
    path: Value,
    platform: &'static str,
    sct_tls: Value,
    ocsp: Value,
    mode: &'static str,
    draw: Option<u8>,
    t: u64,
}

fn asked() -> Asked {
    Asked {
        file: "pinned".into(),
        host: "a.example".into(),
        presented: json!(["site", "intermediate"]),
        path: json!(["site", "intermediate", "root"]),
        platform: "accepted",
        sct_tls: Value::Null,
        ocsp: Value::Null,
        mode: "strict",
        draw: None,
        t: NOW,
    }
}

impl Asked {
    fn file(self, file: &str) -> Self {
        Self { file: file.into(), ..self }
    }

    fn host(self, host: &str) -> Self {
        Self { host: host.into(), ..self }
    }

    /// `chain` is presented, and no path was verified.
    fn presented(self, chain: &[&str]) -> Self {
        Self { presented: json!(chain), path: Value::Null, ..self }
    }

    /// `chain` is presented and was verified as it is.
    fn path(self, chain: &[&str]) -> Self {
        Self { presented: json!(chain), path: json!(chain), ..self }
    }

    fn platform(self, platform: &'static str) -> Self {
        Self { platform, ..self }
    }

    fn permissive(self) -> Self {
        Self { mode: "permissive", ..self }
    }

    fn draw(self, draw: u8) -> Self {
        Self { draw: Some(draw), ..self }
    }

    fn at(self, t: u64) -> Self {
        Self { t, ..self }
    }
}

impl Decide {
    fn new(path: &'static str, about: &'static str) -> Self {
        let mut suite = Self(Suite::new(path, "decide", about));
        suite.0.share("bundles", "plain", bundle(&key("signing"), None, None));
        suite.certificate(
            "root",
            &Certificate::authority(1, "Pintle Test Root", "ca root", "Pintle Test Root", "ca root").build(),
        );
        let intermediate =
            Certificate::authority(2, "Pintle Test Intermediate", "ca intermediate", "Pintle Test Root", "ca root");
        suite.certificate("intermediate", &intermediate.build());
        suite.certificate("site", &site().build());
        suite.file(
            "pinned",
            &format!(r#"[{{"name":"a.example","pins":[{}]}}]"#, pin("spki-sha256", &key("site").spki(), "")),
            "",
        );
        suite
    }

    fn certificate(&mut self, name: &str, der: &[u8]) {
        self.0.share("certificates", name, standard(der));
    }

    /// A signed file with these `domains`.
    fn file(&mut self, name: &str, domains: &str, more: &str) {
        self.0.share("files", name, file(&key("signing"), &crate::configuration::claims_with_domains(domains, more)));
    }

    fn add(&mut self, name: &str, rules: &[&str], asked: Asked, mut expect: Value, ct_list_stale: bool) {
        expect["ct_list_stale"] = ct_list_stale.into();
        let Asked { file, host, presented, path, platform, sct_tls, ocsp, mode, draw, t } = asked;
        let input = json!({
            "file": file, "host": host, "presented": presented, "path": path, "platform": platform, "sct_tls": sct_tls, "ocsp": ocsp, "mode": mode, "draw": draw, "t": t,
        });
        self.0.case(name, rules, input, expect);
    }

    /// Allowed: pin number `pin` of the entry matched at `position` of the path.
    fn pinned(&mut self, name: &str, rules: &[&str], asked: Asked, entry: &str, pin: usize, position: usize) {
        self.add(
            name,
            rules,
            asked,
            json!({ "verdict": "pinned", "entry": entry, "pin": pin, "position": position }),
            false,
        );
    }

    /// Allowed by the platform alone.
    fn not_covered(&mut self, name: &str, rules: &[&str], asked: Asked) {
        self.add(name, rules, asked, json!({ "verdict": "not_covered" }), false);
    }

    /// Allowed although `code` holds.
    fn reported(&mut self, name: &str, rules: &[&str], asked: Asked, entry: &str, code: &str) {
        self.add(name, rules, asked, json!({ "verdict": "reported", "entry": entry, "code": code }), false);
    }

    /// Refused before an entry was reached.
    fn refused(&mut self, name: &str, rules: &[&str], asked: Asked, code: &str) {
        self.add(name, rules, asked, json!({ "verdict": "refused", "entry": null, "code": code }), false);
    }

    /// Refused by the entry.
    fn refused_by(&mut self, name: &str, rules: &[&str], asked: Asked, entry: &str, code: &str) {
        self.add(name, rules, asked, json!({ "verdict": "refused", "entry": entry, "code": code }), false);
    }
}

fn site() -> Certificate<'static> {
    Certificate::leaf(10, "site", &[San::Dns("a.example"), San::Dns("*.w.example"), San::Ip(&[192, 0, 2, 1])])
}

/// A pin of `hashed` (a SubjectPublicKeyInfo or a certificate) with `more` at the end.
fn pin(kind: &str, hashed: &[u8], more: &str) -> String {
    use pintle_core::crypto::{sha256, sha512};
    let digest = if kind.ends_with("512") { standard(&sha512(hashed)) } else { standard(&sha256(hashed)) };
    format!(r#"{{"type":"{kind}","digest":"{digest}"{more}}}"#)
}
