//! What a pin matches, where, and until when (P-2.6, P-4.6, P-4.7).

use serde_json::json;

use super::{Asked, Decide, asked, pin, site};
use crate::{
    configuration::NOW,
    der::{Certificate, San},
    key::key,
    suite::Suite,
};

const MISMATCH: &str = "pin_mismatch";

pub(super) fn make_suite() -> Suite {
    let mut suite =
        Decide::new("decide/pins.json", "Types, positions and expiry of pins; the presented pile proves nothing.");
    let renewed = Certificate::leaf(13, "site", &[San::Dns("a.example")]);
    suite.certificate("site renewed", &renewed.build());
    suite.certificate("site re-keyed", &Certificate::leaf(14, "site next", &[San::Dns("a.example")]).build());
    let forger = Certificate { issuer_key: "ca forger", ..Certificate::leaf(15, "thief", &[San::Dns("a.example")]) };
    suite.certificate("forged", &forger.build());
    let same_name = Certificate::authority(1, "Pintle Test Root", "ca forger", "Pintle Test Root", "ca forger");
    suite.certificate("root of the same name", &same_name.build());
    let one = |pins: &str| format!(r#"[{{"name":"a.example","pins":[{pins}]}}]"#);
    types(&mut suite, &one);
    positions(&mut suite, &one);
    expiry(&mut suite, &one);
    several(&mut suite, &one);
    platform(&mut suite);
    suite.0
}

fn types(suite: &mut Decide, one: &dyn Fn(&str) -> String) {
    let rules = &["P-2.6", "P-4.7"];
    let (spki, der) = (key("site").spki(), site().build());
    for (kind, hashed, other) in [
        ("spki-sha256", &spki, &der),
        ("spki-sha512", &spki, &der),
        ("cert-sha256", &der, &spki),
        ("cert-sha512", &der, &spki),
    ] {
        let renewed_matches = kind.starts_with("spki");
        suite.file(kind, &one(&pin(kind, hashed, "")), "");
        suite.pinned(kind, rules, asked().file(kind), "a.example", 0, 0);
        suite.pinned(
            &format!("{kind}-presented-leaf"),
            rules,
            asked().file(kind).presented(&["site"]),
            "a.example",
            0,
            0,
        );
        let renewed = asked().file(kind).path(&["site renewed", "intermediate", "root"]);
        if renewed_matches {
            suite.pinned(&format!("{kind}-renewed-with-the-same-key"), rules, renewed, "a.example", 0, 0);
        } else {
            suite.refused_by(&format!("{kind}-renewed-with-the-same-key"), rules, renewed, "a.example", MISMATCH);
        }
        suite.refused_by(
            &format!("{kind}-new-key"),
            rules,
            asked().file(kind).path(&["site re-keyed", "intermediate", "root"]),
            "a.example",
            MISMATCH,
        );
        let swapped = format!("{kind} of the other thing");
        suite.file(&swapped, &one(&pin(kind, other, "")), "");
        suite.refused_by(&swapped.replace(' ', "-"), rules, asked().file(&swapped), "a.example", MISMATCH);
    }
    suite.file("spki-sha256 of the key alone", &one(&pin("spki-sha256", &spki[26..], "")), "");
    suite.refused_by(
        "spki-sha256-of-the-point-alone",
        rules,
        asked().file("spki-sha256 of the key alone"),
        "a.example",
        MISMATCH,
    );
}

fn positions(suite: &mut Decide, one: &dyn Fn(&str) -> String) {
    let rules = &["P-2.6"];
    let root_der = Certificate::authority(1, "Pintle Test Root", "ca root", "Pintle Test Root", "ca root").build();
    for (holder, hashed) in
        [("site", key("site").spki()), ("intermediate", key("ca intermediate").spki()), ("root", key("ca root").spki())]
    {
        for position in ["leaf", "issuer", "any"] {
            suite.file(
                &format!("{position} pin of {holder}"),
                &one(&pin("spki-sha256", &hashed, &format!(r#","match":"{position}""#))),
                "",
            );
        }
    }
    suite.file("issuer pin of the root certificate", &one(&pin("cert-sha256", &root_der, r#","match":"issuer""#)), "");
    for (file, at) in [
        ("leaf pin of site", Some(0)),
        ("issuer pin of site", None),
        ("any pin of site", Some(0)),
        ("leaf pin of intermediate", None),
        ("issuer pin of intermediate", Some(1)),
        ("any pin of intermediate", Some(1)),
        ("leaf pin of root", None),
        ("issuer pin of root", Some(2)),
        ("any pin of root", Some(2)),
        ("issuer pin of the root certificate", Some(2)),
    ] {
        let name = file.replace(' ', "-");
        match at {
            Some(position) => suite.pinned(&name, rules, asked().file(file), "a.example", 0, position),
            None => suite.refused_by(&name, rules, asked().file(file), "a.example", MISMATCH),
        }
    }
    // A trust anchor may be known by its key alone.
    let anchored =
        |file: &str| Asked { path: json!(["site", "intermediate", { "anchor": "root" }]), ..asked().file(file) };
    suite.pinned("anchor-without-der-by-its-key", &["P-4.7"], anchored("issuer pin of root"), "a.example", 0, 2);
    suite.refused_by(
        "anchor-without-der-by-its-certificate",
        &["P-4.7"],
        anchored("issuer pin of the root certificate"),
        "a.example",
        MISMATCH,
    );
    // The pile a server presents proves nothing but its leaf.
    for file in ["issuer pin of intermediate", "any pin of intermediate", "issuer pin of root", "any pin of root"] {
        let name = file.replace(' ', "-");
        suite.refused_by(
            &format!("{name}-only-presented"),
            rules,
            asked().file(file).presented(&["site", "intermediate", "root"]),
            "a.example",
            MISMATCH,
        );
        suite.refused_by(
            &format!("{name}-appended-to-a-forged-leaf"),
            rules,
            asked().file(file).presented(&["forged", "intermediate", "root"]),
            "a.example",
            MISMATCH,
        );
        let padded = Asked {
            presented: json!(["forged", "intermediate", "root"]),
            path: json!(["forged", "root of the same name"]),
            ..asked().file(file)
        };
        suite.refused_by(&format!("{name}-appended-but-not-in-the-path"), rules, padded, "a.example", MISMATCH);
    }
    suite.pinned(
        "any-pin-of-site-presented",
        rules,
        asked().file("any pin of site").presented(&["site", "intermediate"]),
        "a.example",
        0,
        0,
    );
    suite.refused_by(
        "pinned-leaf-presented-second",
        rules,
        asked().file("leaf pin of site").presented(&["forged", "site"]),
        "a.example",
        MISMATCH,
    );
    suite.refused_by(
        "pinned-leaf-in-the-path-second",
        rules,
        asked().file("leaf pin of site").path(&["forged", "site"]),
        "a.example",
        MISMATCH,
    );
}

fn expiry(suite: &mut Decide, one: &dyn Fn(&str) -> String) {
    let rules = &["P-4.7"];
    let end = NOW + 1000;
    let until = |name: &str, at: u64| pin("spki-sha256", &key(name).spki(), &format!(r#","expires_at":{at}"#));
    suite.file("expiring", &one(&until("site", end)), "");
    suite.file(
        "expiring, then wrong",
        &one(&format!("{},{}", until("site", end), pin("spki-sha256", &key("foreign").spki(), ""))),
        "",
    );
    suite.file(
        "expiring, then good",
        &one(&format!("{},{}", until("site", end), pin("spki-sha256", &key("site").spki(), ""))),
        "",
    );
    suite.file("expiring wrong ones", &one(&format!("{},{}", until("foreign", end), until("thief", end + 1))), "");
    suite.file(
        "expiring under report",
        &one(&until("site", end)).replace(r#""pins""#, r#""enforce":"report","pins""#),
        "",
    );
    suite.file("always expired", &one(&until("site", 0)), "");
    let expired = "all_pins_expired";
    suite.pinned("a-second-before-expires-at", rules, asked().file("expiring").at(end - 1), "a.example", 0, 0);
    suite.refused_by("at-expires-at", rules, asked().file("expiring").at(end), "a.example", expired);
    suite.refused_by("expired-since-1970", rules, asked().file("always expired").at(0), "a.example", expired);
    suite.refused_by(
        "some-expired-and-none-matches",
        rules,
        asked().file("expiring, then wrong").at(end),
        "a.example",
        MISMATCH,
    );
    suite.pinned(
        "second-pin-once-the-first-has-expired",
        rules,
        asked().file("expiring, then good").at(end),
        "a.example",
        1,
        0,
    );
    suite.pinned(
        "first-pin-while-it-counts",
        rules,
        asked().file("expiring, then good").at(end - 1),
        "a.example",
        0,
        0,
    );
    suite.refused_by(
        "one-of-two-wrong-ones-expired",
        rules,
        asked().file("expiring wrong ones").at(end),
        "a.example",
        MISMATCH,
    );
    suite.refused_by(
        "both-wrong-ones-expired",
        rules,
        asked().file("expiring wrong ones").at(end + 1),
        "a.example",
        expired,
    );
    suite.reported(
        "expired-under-report",
        &["P-4.7", "P-4.9"],
        asked().file("expiring under report").at(end),
        "a.example",
        expired,
    );
}

fn several(suite: &mut Decide, one: &dyn Fn(&str) -> String) {
    let rules = &["P-2.6", "P-4.7"];
    let of = |name: &str, more: &str| pin("spki-sha256", &key(name).spki(), more);
    suite.file("no pins", &one(""), "");
    suite.file("no pins under report", r#"[{"name":"a.example","enforce":"report","pins":[]}]"#, "");
    suite.file("third matches", &one(&[of("foreign", ""), of("thief", ""), of("site", "")].join(",")), "");
    suite.file("two match", &one(&[of("ca root", r#","match":"any""#), of("site", "")].join(",")), "");
    suite.refused_by("no-pins", rules, asked().file("no pins"), "a.example", MISMATCH);
    suite.reported("no-pins-under-report", rules, asked().file("no pins under report"), "a.example", MISMATCH);
    suite.pinned("third-pin-matches", rules, asked().file("third matches"), "a.example", 2, 0);
    suite.pinned("first-of-two-that-match", rules, asked().file("two match"), "a.example", 0, 2);
    suite.pinned(
        "new-key-beside-the-old",
        rules,
        asked().file("third matches").path(&["site renewed", "intermediate", "root"]),
        "a.example",
        2,
        0,
    );
}

fn platform(suite: &mut Decide) {
    let rules = &["P-4.6"];
    for platform in ["refused", "unknown"] {
        let asked = asked().platform(platform);
        suite.refused_by(
            &format!("platform-{platform}-and-pin-matches"),
            rules,
            asked.clone(),
            "a.example",
            "platform_rejected",
        );
        suite.refused_by(
            &format!("platform-{platform}-permissive"),
            rules,
            asked.permissive(),
            "a.example",
            "platform_rejected",
        );
    }
    let both = asked().platform("refused").path(&["forged", "root of the same name"]);
    suite.refused_by("platform-before-pins", &["P-4.6", "P-4.7"], both, "a.example", "platform_rejected");
}
