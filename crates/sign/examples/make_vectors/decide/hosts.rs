//! Hosts, missing and dead configurations, unreadable chains, denied keys, unregistered hosts (P-4.1 to P-4.5).

use pintle_core::crypto;
use serde_json::{Value, json};

use super::{Asked, Decide, asked, pin};
use crate::{
    configuration::NOW,
    der::{Certificate, San, extension},
    key::{key, standard},
    suite::Suite,
};

pub(super) fn make_suite() -> Suite {
    let mut suite = Decide::new("decide/hosts.json", "Everything before an entry is asked, in both modes.");
    let exp = NOW + 1000;
    let entry = format!(
        r#"[{{"name":"a.example","enforce":"report","pins":[{}]}}]"#,
        pin("spki-sha256", &key("site").spki(), "")
    );
    suite.file("expires and fails", &entry, &format!(r#","exp":{exp},"on_stale":"fail""#));
    suite.file("expires and is kept", &entry, &format!(r#","exp":{exp}"#));
    suite.file("withdrawn", &entry, r#","withdrawn":true"#);
    suite.file("empty", "[]", "");
    configurations(&mut suite, exp);
    chains(&mut suite);
    denied(&mut suite);
    unregistered(&mut suite);
    suite.0
}

/// Under both modes.
fn refused_in_both(suite: &mut Decide, name: &str, rules: &[&str], asked: Asked, code: &str) {
    suite.refused(name, rules, asked.clone(), code);
    suite.refused(&format!("{name}-permissive"), rules, asked.permissive(), code);
}

fn configurations(suite: &mut Decide, exp: u64) {
    for (name, host) in [
        ("empty-host", ""),
        ("u-label", "bücher.example"),
        ("number", "a.1"),
        ("port", "a.example:443"),
        ("pattern", "*.example"),
    ] {
        refused_in_both(suite, &format!("host-{name}"), &["P-4.1"], asked().host(host), "host_invalid");
    }
    let none = || Asked { file: Value::Null, ..asked() };
    let flagged = || Asked { file: json!({ "withdrawn": true }), ..asked() };
    refused_in_both(
        suite,
        "host-before-missing-configuration",
        &["P-4.1"],
        Asked { host: "a..b".into(), ..none() },
        "host_invalid",
    );
    refused_in_both(suite, "no-configuration", &["P-4.2"], none(), "config_missing");
    refused_in_both(suite, "withdrawn-by-a-file", &["P-4.2", "P-7.5"], asked().file("withdrawn"), "config_withdrawn");
    refused_in_both(suite, "withdrawn-by-the-flag", &["P-4.2", "P-7.5"], flagged(), "config_withdrawn");
    refused_in_both(suite, "expired", &["P-4.2"], asked().file("expires and fails").at(exp), "config_expired");
    refused_in_both(
        suite,
        "expired-for-an-unregistered-host",
        &["P-4.2"],
        asked().file("expires and fails").host("other.example").at(exp),
        "config_expired",
    );
    suite.pinned("a-second-before-exp", &["P-4.2"], asked().file("expires and fails").at(exp - 1), "a.example", 0, 0);
    suite.pinned("past-exp-and-kept", &["P-4.2"], asked().file("expires and is kept").at(exp), "a.example", 0, 0);
    refused_in_both(suite, "configuration-before-chain", &["P-4.2", "P-4.3"], none().presented(&[]), "config_missing");
}

fn chains(suite: &mut Decide) {
    suite.certificate("empty", &[]);
    suite.certificate("rubbish", b"rubbish");
    suite.certificate("other site", &Certificate::leaf(11, "other site", &[San::Dns("a.example")]).build());
    // 8,192 bytes each: 32 of them are exactly 256 KiB.
    let of_size = |padding: usize| {
        let big = Certificate::leaf(12, "site", &[San::Dns("a.example")]);
        Certificate { extensions: vec![extension(&[0x2B, 1], &vec![0; padding])], ..big }.build()
    };
    let padding = (7000..8192).find(|padding| of_size(*padding).len() == 8192).unwrap();
    suite.certificate("8 KiB", &of_size(padding));
    suite.certificate("8 KiB and a byte", &of_size(padding + 1));
    let unreadable = "certificate_unparsable";
    let rules = &["P-4.3"];
    for (name, presented) in [
        ("nothing-presented", vec![]),
        ("empty-leaf", vec!["empty"]),
        ("leaf-is-rubbish", vec!["rubbish", "intermediate"]),
    ] {
        refused_in_both(suite, name, rules, asked().presented(&presented), unreadable);
    }
    suite.pinned("rubbish-above-a-presented-leaf", rules, asked().presented(&["site", "rubbish"]), "a.example", 0, 0);
    unreadable_above_the_leaf(suite);
    refused_in_both(suite, "empty-path", rules, Asked { path: json!([]), ..asked() }, unreadable);
    refused_in_both(
        suite,
        "path-begins-with-an-anchor",
        rules,
        Asked { path: json!([{ "anchor": "site" }]), ..asked() },
        unreadable,
    );
    refused_in_both(
        suite,
        "path-of-another-leaf",
        &["P-4.3", "P-2.6"],
        Asked { presented: json!(["other site"]), ..asked() },
        unreadable,
    );
    let path_alone = Asked { presented: json!([]), ..asked() };
    suite.pinned("path-without-what-was-presented", rules, path_alone, "a.example", 0, 0);
    suite.pinned("32-certificates-of-256-kib", rules, asked().presented(&["8 KiB"; 32]), "a.example", 0, 0);
    refused_in_both(suite, "33-certificates", rules, asked().presented(&["site"; 33]), unreadable);
    refused_in_both(
        suite,
        "a-byte-over-256-kib",
        rules,
        asked().presented(&[&["8 KiB"; 31][..], &["8 KiB and a byte"]].concat()),
        unreadable,
    );
    let long_path = Asked { presented: json!(["site"]), path: json!(vec!["site"; 33]), ..asked() };
    refused_in_both(suite, "33-certificates-in-the-path", rules, long_path, unreadable);
    refused_in_both(
        suite,
        "chain-before-registration",
        &["P-4.3", "P-4.5"],
        asked().host("other.example").presented(&[]),
        unreadable,
    );
}

/// Above the leaf, a certificate of the path is read where a rule looks at its key, and only there.
fn unreadable_above_the_leaf(suite: &mut Decide) {
    let unreadable = "certificate_unparsable";
    let rubbish = || Asked { presented: json!(["site"]), path: json!(["site", "rubbish"]), ..asked() };
    let root_is_rubbish = || Asked { path: json!(["site", "intermediate", "rubbish"]), ..rubbish() };
    let rules = &["P-4.3"];
    suite.pinned("rubbish-in-the-path-that-no-rule-looks-at", rules, rubbish(), "a.example", 0, 0);
    let other = rubbish().host("other.example");
    suite.refused("rubbish-in-the-path-of-an-unregistered-host", rules, other.clone(), "domain_not_registered");
    suite.not_covered("rubbish-in-the-path-of-an-unregistered-host-permissive", rules, other.permissive());

    let denied = &["P-4.3", "P-4.4"];
    refused_in_both(suite, "rubbish-in-the-path-under-deny", denied, rubbish().file("foreign denied"), unreadable);
    refused_in_both(
        suite,
        "rubbish-in-the-path-under-deny-of-an-unregistered-host",
        denied,
        rubbish().file("foreign denied").host("other.example"),
        unreadable,
    );

    let leaf = pin("spki-sha256", &key("site").spki(), "");
    let foreign = |more: &str| pin("spki-sha256", &key("foreign").spki(), more);
    for (name, enforce, more) in [
        ("an issuer pin", "always", r#","match":"issuer""#),
        ("a pin for any", "always", r#","match":"any""#),
        ("an expired issuer pin", "always", r#","match":"issuer","expires_at":1"#),
        ("an issuer pin under report", "report", r#","match":"issuer""#),
    ] {
        let pins = [&leaf, &foreign(more)].map(String::as_str).join(",");
        suite.file(name, &format!(r#"[{{"name":"a.example","enforce":"{enforce}","pins":[{pins}]}}]"#), "");
        let case = format!("rubbish-in-the-path-under-{}", name.replace(' ', "-"));
        refused_in_both(suite, &case, &["P-4.3", "P-4.7", "P-4.9"], root_is_rubbish().file(name), unreadable);
    }
}

fn denied(suite: &mut Decide) {
    let deny = |names: &[&str]| {
        let digests: Vec<_> = names.iter().map(|name| standard(&crypto::sha256(&key(name).spki()))).collect();
        format!(r#","deny":{}"#, json!(digests))
    };
    let pins = pin("spki-sha256", &key("site").spki(), "");
    let entry = format!(
        r#"[{{"name":"a.example","enforce":"report","pins":[{pins}]}},{{"name":"own.example","trust":"pins","pins":[{pins}]}}]"#
    );
    suite.file("leaf denied", &entry, &deny(&["site"]));
    suite.file("intermediate denied", &entry, &deny(&["foreign", "ca intermediate"]));
    suite.file("root denied", &entry, &deny(&["ca root"]));
    suite.file("foreign denied", &entry, &deny(&["foreign"]));
    let rules = &["P-4.4", "P-2.7"];
    let denied = "key_denied";
    for file in ["leaf denied", "intermediate denied", "root denied"] {
        refused_in_both(suite, &file.replace(' ', "-"), rules, asked().file(file), denied);
    }
    refused_in_both(
        suite,
        "denied-for-an-unregistered-host",
        rules,
        asked().file("leaf denied").host("other.example"),
        denied,
    );
    refused_in_both(suite, "denied-before-platform", rules, asked().file("leaf denied").platform("refused"), denied);
    refused_in_both(
        suite,
        "denied-where-presented-only",
        rules,
        asked().file("intermediate denied").presented(&["site", "intermediate"]),
        denied,
    );
    refused_in_both(
        suite,
        "denied-where-presented-but-not-in-the-path",
        rules,
        Asked { path: json!(["site", "root"]), ..asked().file("intermediate denied") },
        denied,
    );
    refused_in_both(
        suite,
        "denied-anchor",
        rules,
        Asked { path: json!(["site", "intermediate", { "anchor": "root" }]), ..asked().file("root denied") },
        denied,
    );
    suite.pinned("another-key-denied", rules, asked().file("foreign denied"), "a.example", 0, 0);
    suite.pinned(
        "presented-and-unreadable-is-not-looked-at",
        rules,
        asked().file("foreign denied").presented(&["site", "rubbish"]),
        "a.example",
        0,
        0,
    );
}

fn unregistered(suite: &mut Decide) {
    let rules = &["P-4.5"];
    let other = || asked().host("other.example");
    let missing = "domain_not_registered";
    suite.refused("unregistered-strict", rules, other(), missing);
    suite.not_covered("unregistered-permissive", rules, other().permissive());
    suite.refused("unregistered-strict-and-platform-refused", rules, other().platform("refused"), missing);
    suite.refused(
        "unregistered-permissive-and-platform-refused",
        rules,
        other().permissive().platform("refused"),
        "platform_rejected",
    );
    suite.refused(
        "unregistered-permissive-and-platform-silent",
        rules,
        other().permissive().platform("unknown"),
        "platform_rejected",
    );
    suite.refused("no-entries-strict", rules, asked().file("empty"), missing);
    suite.not_covered("no-entries-permissive", rules, asked().file("empty").permissive());
    suite.refused("address-unregistered", rules, asked().host("192.0.2.1"), missing);
    suite.refused("subdomain-of-an-exact-entry", rules, asked().host("www.a.example"), missing);
    suite.refused("parent-of-an-exact-entry", rules, asked().host("example"), missing);
}
