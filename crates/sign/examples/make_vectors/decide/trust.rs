//! `trust: "pins"`: no CA store, but names, dates and a leaf pin (P-2.5, P-4.6).

use super::{Asked, Decide, asked, pin};
use crate::{
    der::{Certificate, San, utc_time},
    key::key,
    suite::Suite,
};

pub(super) fn make_suite() -> Suite {
    let mut suite =
        Decide::new("decide/trust.json", "trust: pins. The platform is not asked; names, dates and leaf pin are.");
    let pins = pin("spki-sha256", &key("site").spki(), "");
    let names = ["a.example", "x.w.example", "w.example", "192.0.2.1", "192.0.2.2", "other.example"];
    let domains: Vec<_> =
        names.iter().map(|name| format!(r#"{{"name":"{name}","trust":"pins","pins":[{pins}]}}"#)).collect();
    suite.file("own", &format!("[{}]", domains.join(",")), "");
    suite.file(
        "own, wrong pin",
        &format!(
            r#"[{{"name":"a.example","trust":"pins","pins":[{}]}}]"#,
            pin("spki-sha256", &key("foreign").spki(), "")
        ),
        "",
    );
    let self_signed = || Certificate {
        issuer: "pintle test site",
        issuer_key: "site",
        ..Certificate::leaf(30, "site", &[San::Dns("a.example")])
    };
    suite.certificate("self-signed", &self_signed().build());
    suite.certificate(
        "common name only",
        &Certificate { subject: "a.example", extensions: vec![], ..self_signed() }.build(),
    );
    suite.certificate(
        "expired and another name",
        &Certificate {
            validity: vec![utc_time("250101000000Z"), utc_time("251231235959Z")],
            ..Certificate::leaf(31, "site", &[San::Dns("x.example")])
        }
        .build(),
    );

    let rules = &["P-2.5", "P-4.6"];
    let own = || asked().file("own").platform("refused");
    for platform in ["refused", "unknown", "accepted"] {
        suite.pinned(&format!("platform-{platform}"), rules, asked().file("own").platform(platform), "a.example", 0, 0);
    }
    suite.pinned("self-signed", rules, own().presented(&["self-signed"]), "a.example", 0, 0);
    suite.pinned("wildcard-in-the-certificate", rules, own().host("x.w.example"), "x.w.example", 0, 0);
    suite.pinned("address-in-the-certificate", rules, own().host("192.0.2.1"), "192.0.2.1", 0, 0);
    suite.pinned("permissive", rules, own().permissive(), "a.example", 0, 0);
    let (mismatch, not_valid) = ("certificate_name_mismatch", "certificate_not_valid");
    for (name, host) in [
        ("another-name", "other.example"),
        ("wildcard-does-not-cover-its-base", "w.example"),
        ("another-address", "192.0.2.2"),
    ] {
        suite.refused_by(name, rules, own().host(host), host, mismatch);
    }
    suite.refused_by(
        "common-name-is-never-looked-at",
        rules,
        own().presented(&["common name only"]),
        "a.example",
        mismatch,
    );
    let (from, to) = (1_796_083_200, 1_827_619_200);
    for (name, t, valid) in
        [("first-second", from, true), ("last-second", to, true), ("before", from - 1, false), ("after", to + 1, false)]
    {
        if valid {
            suite.pinned(&format!("dates-{name}"), rules, own().at(t), "a.example", 0, 0);
        } else {
            suite.refused_by(&format!("dates-{name}"), &["P-4.6", "P-3.12"], own().at(t), "a.example", not_valid);
        }
    }
    let both = own().presented(&["expired and another name"]);
    suite.refused_by("name-before-dates", rules, both, "a.example", mismatch);
    suite.refused_by(
        "dates-before-pins",
        &["P-4.6", "P-4.7"],
        asked().file("own, wrong pin").at(to + 1),
        "a.example",
        not_valid,
    );
    suite.refused_by("wrong-pin", rules, asked().file("own, wrong pin"), "a.example", "pin_mismatch");
    suite.refused_by(
        "wrong-pin-although-the-platform-accepts",
        rules,
        Asked { platform: "accepted", ..asked().file("own, wrong pin").permissive() },
        "a.example",
        "pin_mismatch",
    );
    // Without trust: pins the dates are the platform's business.
    suite.pinned("dates-are-the-platforms-under-trust-platform", rules, asked().at(to + 1), "a.example", 0, 0);
    suite.0
}
