//! Roots, certificates and files that scenarios name.

use pintle_core::crypto::sha256;
use serde_json::{Value, json};

use crate::{
    configuration::{self, NOW, State, Statement, file, file_with_chain, statement},
    ct::log_id,
    der::{Certificate, San},
    key::{key, standard},
};

/// When `ct_logs_as_of` of the file `v1 ct list` was.
pub(super) const AS_OF: u64 = NOW - 1000;

pub(super) fn bundle(name: &str) -> Value {
    let mut bundle = configuration::bundle(
        &key(if name == "second key" { "second" } else { "signing" }),
        (name == "with recovery").then(|| key("recovery")).as_ref(),
        None,
    );
    match name {
        "plain" | "with recovery" | "second key" => {}
        "elsewhere" => bundle["urls"] = json!(["https://elsewhere.example"]),
        "two urls" => bundle["urls"] = json!(["https://one.example", "https://two.example"]),
        other => unreachable!("no bundle is called {other}"),
    }
    bundle
}

/// Both are for `a.example`.
pub(super) fn certificate(name: &str) -> Vec<u8> {
    let (serial, subject_key) = match name {
        "site" => (30, "site"),
        "next" => (31, "site next"),
        other => unreachable!("no certificate is called {other}"),
    };
    Certificate::leaf(serial, subject_key, &[San::Dns("a.example")]).build()
}

/// A configuration, well formed and signed for `acme`/`app`.
pub(super) struct Release {
    ver: u64,
    payload: String,
    signer: &'static str,
    recovery_seq: u64,
    chain: Vec<Statement>,
    withdrawn: bool,
}

impl Release {
    fn new(ver: u64, domains: &str, more: &str) -> Self {
        let payload =
            format!(r#"{{"fmt":1,"iss":"acme","sub":"app","ver":{ver},"iat":{NOW},"domains":[{domains}]{more}}}"#);
        Self { ver, payload, signer: "signing", recovery_seq: 0, chain: vec![], withdrawn: false }
    }

    fn signed_by(self, signer: &'static str) -> Self {
        Self { signer, ..self }
    }

    /// What is stored once it was accepted (P-3.9).
    pub(super) fn state(&self) -> Value {
        let Self { recovery_seq, withdrawn, .. } = *self;
        let chain = self.chain.clone();
        State { recovery_seq, chain, withdrawn, ..State::after(self.ver, &self.payload) }.to_json()
    }

    fn text(&self) -> String {
        let signer = key(self.signer);
        if self.chain.is_empty() {
            return file(&signer, &self.payload);
        }
        file_with_chain(&signer, &self.chain, &self.payload)
    }
}

/// An entry for `a.example` that pins this key; `in_pin` and `in_entry` go to their ends.
fn entry(pinned: &str, in_pin: &str, in_entry: &str) -> String {
    let digest = standard(&sha256(&key(pinned).spki()));
    format!(r#"{{"name":"a.example","pins":[{{"type":"spki-sha256","digest":"{digest}"{in_pin}}}]{in_entry}}}"#)
}

/// `vN …`: release N. Where nothing else is said, `a.example` is pinned to the key of the certificate `site`.
pub(super) fn release(name: &str) -> Release {
    let (ver, kind) = name.strip_prefix('v').unwrap().split_once(' ').unwrap_or((&name[1..], ""));
    let ver = ver.parse().unwrap();
    let site = |in_pin: &str, in_entry: &str, more: &str| Release::new(ver, &entry("site", in_pin, in_entry), more);
    let exp = |secs: u64, on_stale: &str| format!(r#","exp":{},"on_stale":"{on_stale}""#, NOW + secs);
    match kind {
        "" => site("", "", ""),
        "next" => Release::new(ver, &entry("site next", "", ""), ""),
        "next under report" => Release::new(ver, &entry("site next", "", r#","enforce":"report""#), ""),
        "next under 35" => Release::new(ver, &entry("site next", "", r#","enforce":35"#), ""),
        "empty" => Release::new(ver, "", ""),
        "refresh 60" => site("", "", r#","refresh":60"#),
        "fails after 1000" => site("", "", &exp(1000, "fail")),
        "stale after 1000" => site("", "", &exp(1000, "keep")),
        "pin until 1000" => site(&format!(r#","expires_at":{}"#, NOW + 1000), "", ""),
        "pin until the day before" => site(&format!(r#","expires_at":{}"#, NOW - 100), "", ""),
        "denying the site" => site("", "", &format!(r#","deny":["{}"]"#, standard(&sha256(&key("site").spki())))),
        "ct declared" => {
            let log = standard(&log_id("log a1"));
            site("", &format!(r#","ct":{{"policy":"declared","min":1,"logs":["{log}"]}}"#), "")
        }
        "ct list" => {
            let log = json!([{ "id": standard(&log_id("log a1")), "key": key("log a1").base64(), "operator": "A" }]);
            site("", "", &format!(r#","ct_logs":{log},"ct_logs_as_of":{AS_OF}"#))
        }
        "withdrawn" => Release { withdrawn: true, ..Release::new(ver, "", r#","withdrawn":true"#) },
        "not understood" => site("", "", r#","needs":["telepathy"]"#),
        "of the second key" => site("", "", "").signed_by("second"),
        "by a successor" => {
            Release { chain: vec![statement("signing", 1, "second")], ..site("", "", "").signed_by("second") }
        }
        "after recovery" => Release {
            recovery_seq: 1,
            chain: vec![statement("recovery", 1, "third")],
            ..site("", "", "").signed_by("third")
        },
        other => unreachable!("no release is called {other}"),
    }
}

/// The body of an answer, of a seed or of a kept file.
pub(super) fn body(name: &str) -> String {
    match name {
        "garbage" => "not a configuration".into(),
        "tampered" => {
            // The signature of another release.
            let (signed, other) = (release("v6").text(), release("v5").text());
            format!("{}.{}", signed.rsplit_once('.').unwrap().0, other.rsplit_once('.').unwrap().1)
        }
        "foreign signature" => release("v6").signed_by("foreign").text(),
        "other project" => file(&key("signing"), &release("v6").payload.replace(r#""sub":"app""#, r#""sub":"other""#)),
        release_name => release(release_name).text(),
    }
}
