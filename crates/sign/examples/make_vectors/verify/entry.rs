//! Entries, their pins and their names (P-2.5, P-2.6, P-2.8, P-6.1).

use super::{Attempt, Verify, attempt};
use crate::{
    configuration::{NOW, State, claims_with_domains, file},
    host,
    key::{key, standard},
    suite::Suite,
};
use pintle_core::crypto;
use serde_json::json;

const MALFORMED: &str = "config_malformed";

fn signed(payload: &str) -> Attempt {
    attempt(file(&key("signing"), payload))
}

fn digest(length: usize) -> String {
    standard(&vec![7; length])
}

/// `spki-sha256` with `more` at the end.
fn pin(more: &str) -> String {
    format!(r#"{{"type":"spki-sha256","digest":"{}"{more}}}"#, digest(32))
}

/// One entry `a.example`.
fn entry(members: &str) -> String {
    format!(r#"[{{"name":"a.example",{members}}}]"#)
}

fn with_pin(pin: &str) -> String {
    entry(&format!(r#""pins":[{pin}]"#))
}

pub(super) fn make_suite() -> Suite {
    let mut suite = Verify::new("verify/entries.json", "Entries: enforce, trust, pins and CT requirements.");
    enforce(&mut suite);
    trust(&mut suite);
    pins(&mut suite);
    ct(&mut suite);
    suite.0
}

fn accepts(suite: &mut Verify, name: &str, rules: &[&str], domains: &str) {
    let payload = claims_with_domains(domains, "");
    suite.accepts(name, rules, signed(&payload), &State::after(1, &payload));
}

fn refuses(suite: &mut Verify, name: &str, rules: &[&str], domains: &str) {
    suite.refuses(name, rules, signed(&claims_with_domains(domains, "")), MALFORMED);
}

fn enforce(suite: &mut Verify) {
    for value in [r#""always""#, r#""report""#, "0", "1", "50", "99", "100"] {
        let name = format!("enforce-{}", value.replace('"', ""));
        accepts(suite, &name, &["P-2.5"], &entry(&format!(r#""pins":[],"enforce":{value}"#)));
    }
    for value in ["101", "-1", "256", "0.5", "1e1", "-0", "null", "true", "[]", "{}", "9007199254740992"] {
        let name = format!("enforce-{value}");
        refuses(suite, &name, &["P-2.5"], &entry(&format!(r#""pins":[],"enforce":{value}"#)));
    }
}

fn trust(suite: &mut Verify) {
    let with = |more: &str, pin: &str| entry(&format!(r#""trust":"pins","pins":[{pin}]{more}"#));
    accepts(suite, "trust-platform", &["P-2.5"], &entry(r#""trust":"platform","pins":[]"#));
    accepts(suite, "trust-pins", &["P-2.5"], &with("", &pin("")));
    accepts(suite, "trust-pins-without-pins", &["P-2.5"], &with("", ""));
    for (name, more) in
        [("always", r#","enforce":"always""#), ("100", r#","enforce":100"#), ("ct-off", r#","ct":{"policy":"off"}"#)]
    {
        accepts(suite, &format!("trust-pins-with-{name}"), &["P-2.5"], &with(more, &pin(r#","match":"leaf""#)));
    }
    let declared = format!(r#","ct":{{"policy":"declared","min":1,"logs":["{}"]}}"#, digest(32));
    for (name, more, pin) in [
        ("report", r#","enforce":"report""#, pin("")),
        ("0", r#","enforce":0"#, pin("")),
        ("99", r#","enforce":99"#, pin("")),
        ("issuer-pin", "", pin(r#","match":"issuer""#)),
        ("any-pin", "", pin(r#","match":"any""#)),
        ("second-pin-for-issuers", "", format!("{},{}", pin(""), pin(r#","match":"issuer""#))),
        ("ct-declared", &declared, pin("")),
    ] {
        refuses(suite, &format!("trust-pins-with-{name}"), &["P-2.5"], &with(more, &pin));
    }
    for value in ["null", "1", "true", r#"["pins"]"#] {
        refuses(suite, &format!("trust-{value}"), &["P-2.5"], &entry(&format!(r#""pins":[],"trust":{value}"#)));
    }
}

fn pins(suite: &mut Verify) {
    for (kind, length) in [("spki-sha256", 32), ("spki-sha512", 64), ("cert-sha256", 32), ("cert-sha512", 64)] {
        let pin = |length: usize| format!(r#"{{"type":"{kind}","digest":"{}"}}"#, digest(length));
        accepts(suite, kind, &["P-2.6"], &with_pin(&pin(length)));
        for wrong in [0, 20, length - 1, length + 1, 96 - length] {
            refuses(suite, &format!("{kind}-of-{wrong}-bytes"), &["P-2.6"], &with_pin(&pin(wrong)));
        }
    }
    for (name, pins) in [
        ("no-pins", String::new()),
        ("same-pin-twice", format!("{},{}", pin(""), pin(""))),
        ("match-leaf", pin(r#","match":"leaf""#)),
        ("match-issuer", pin(r#","match":"issuer""#)),
        ("match-any", pin(r#","match":"any""#)),
        ("expires-at", pin(r#","expires_at":1"#)),
        ("unknown-member-in-a-pin", pin(r#","note":null"#)),
        ("300-pins", vec![pin(""); 300].join(",")),
    ] {
        accepts(suite, name, &["P-2.6", "P-9.1"], &with_pin(&pins));
    }
    let good = digest(32);
    for (name, pin) in [
        ("pin-without-type", format!(r#"{{"digest":"{good}"}}"#)),
        ("pin-without-digest", r#"{"type":"spki-sha256"}"#.into()),
        ("pin-type-null", format!(r#"{{"type":null,"digest":"{good}"}}"#)),
        ("pin-is-a-string", format!(r#""{good}""#)),
        ("pin-is-null", "null".into()),
        ("digest-null", r#"{"type":"spki-sha256","digest":null}"#.into()),
        ("digest-without-padding", pin("").replace(&good, good.trim_end_matches('='))),
        ("digest-with-a-space", pin("").replace(&good, &format!("{good} "))),
        ("digest-with-unused-bits", pin("").replace("c=", "d=")),
        ("digest-in-hex", pin("").replace(&good, &"07".repeat(32))),
        ("digest-with-prefix", pin("").replace(&good, &format!("sha256/{good}"))),
        ("digest-in-base64url", pin("").replace(&good, &standard(&[0xFB; 32]).replace('+', "-").replace('/', "_"))),
        ("match-null", pin(r#","match":null"#)),
        ("match-number", pin(r#","match":0"#)),
        ("expires-at-null", pin(r#","expires_at":null"#)),
        ("expires-at-string", pin(r#","expires_at":"2027-01-01""#)),
        ("expires-at-with-fraction", pin(r#","expires_at":1.5"#)),
        ("name-twice-in-a-pin", pin(r#","match":"leaf","match":"leaf""#)),
    ] {
        refuses(suite, name, &["P-2.6"], &with_pin(&pin));
    }
    refuses(suite, "pins-missing", &["P-2.5"], &entry(r#""enforce":"always""#));
    refuses(suite, "pins-null", &["P-2.5"], &entry(r#""pins":null"#));
    refuses(suite, "pins-object", &["P-2.5"], &entry(r#""pins":{}"#));
    refuses(
        suite,
        "one-bad-pin-fails-the-file",
        &["P-3.4"],
        &with_pin(&format!(r#"{},{{"type":"spki-sha256","digest":""}}"#, pin(""))),
    );
    accepts(suite, "unknown-member-in-an-entry", &["P-9.1"], &entry(r#""pins":[],"comment":{"by":null}"#));
}

fn ct(suite: &mut Verify) {
    let (one, other) = (key("log a1"), key("log b1"));
    let id = |key: &crate::key::Key| standard(&crypto::sha256(&key.spki()));
    let logs = [&one, &other].map(|key| json!({ "id": id(key), "key": key.base64(), "operator": key.kid() }));
    let lists = |as_of: u64| format!(r#","ct_logs":{},"ct_logs_as_of":{as_of}"#, json!(logs));
    let ct = |members: &str| entry(&format!(r#""pins":[],"ct":{{{members}}}"#));
    let (a, b) = (id(&one), id(&other));
    for (name, members, more) in [
        ("ct-off", r#""policy":"off""#.into(), String::new()),
        ("ct-off-with-min-beyond-the-logs", r#""policy":"off","min":9,"logs":[]"#.into(), String::new()),
        ("declared-two-of-two", format!(r#""policy":"declared","logs":["{a}","{b}"]"#), String::new()),
        ("declared-one-of-one", format!(r#""policy":"declared","min":1,"logs":["{a}"]"#), String::new()),
        ("verified-all-logs", r#""policy":"verified""#.into(), lists(NOW)),
        ("verified-one-of-one", format!(r#""policy":"verified","min":1,"logs":["{a}"]"#), lists(NOW - 1)),
        (
            "verified-names-a-log-outside-ct-logs",
            format!(r#""policy":"verified","min":1,"logs":["{}"]"#, digest(32)),
            lists(NOW),
        ),
        ("ct-with-unknown-member", r#""policy":"off","later":1"#.into(), String::new()),
    ] {
        let payload = claims_with_domains(&ct(&members), &more);
        suite.accepts(name, &["P-6.1"], signed(&payload), &State::after(1, &payload));
    }
    for (name, members, more) in [
        ("ct-without-policy", r#""min":1"#.into(), String::new()),
        ("ct-policy-null", r#""policy":null"#.into(), String::new()),
        ("ct-min-0", r#""policy":"off","min":0"#.into(), String::new()),
        ("ct-min-string", r#""policy":"off","min":"2""#.into(), String::new()),
        ("ct-logs-null", r#""policy":"off","logs":null"#.into(), String::new()),
        ("ct-log-cut-short", format!(r#""policy":"off","logs":["{}"]"#, digest(31)), String::new()),
        ("declared-without-logs", r#""policy":"declared""#.into(), lists(NOW)),
        ("declared-no-logs", r#""policy":"declared","min":1,"logs":[]"#.into(), String::new()),
        ("declared-two-of-one", format!(r#""policy":"declared","logs":["{a}"]"#), String::new()),
        ("declared-two-of-the-same-one-twice", format!(r#""policy":"declared","logs":["{a}","{a}"]"#), String::new()),
        ("declared-three-of-two", format!(r#""policy":"declared","min":3,"logs":["{a}","{b}"]"#), String::new()),
        ("verified-without-ct-logs", r#""policy":"verified""#.into(), format!(r#","ct_logs_as_of":{NOW}"#)),
        (
            "verified-names-logs-without-ct-logs",
            format!(r#""policy":"verified","min":1,"logs":["{a}"]"#),
            format!(r#","ct_logs_as_of":{NOW}"#),
        ),
        (
            "verified-with-empty-ct-logs",
            r#""policy":"verified""#.into(),
            format!(r#","ct_logs":[],"ct_logs_as_of":{NOW}"#),
        ),
        ("verified-without-as-of", r#""policy":"verified""#.into(), format!(r#","ct_logs":{}"#, json!(logs))),
        ("verified-as-of-after-iat", r#""policy":"verified""#.into(), lists(NOW + 1)),
        ("verified-three-of-two", r#""policy":"verified","min":3"#.into(), lists(NOW)),
        ("verified-two-of-one-chosen", format!(r#""policy":"verified","logs":["{a}"]"#), lists(NOW)),
    ] {
        suite.refuses(name, &["P-6.1"], signed(&claims_with_domains(&ct(&members), &more)), MALFORMED);
    }
    refuses(suite, "ct-null", &["P-6.1"], &entry(r#""pins":[],"ct":null"#));
    refuses(suite, "ct-string", &["P-6.1"], &entry(r#""pins":[],"ct":"off""#));
}

pub(super) fn names() -> Suite {
    let mut suite = Verify::new(
        "verify/names.json",
        "What an entry may be called: the host cases once more, inside a signed file; and no name twice.",
    );
    for (name, text, canonical) in host::entry_names() {
        let domains = json!([{ "name": text, "pins": [] }]).to_string();
        if canonical {
            accepts(&mut suite, &name, &["P-2.8"], &domains);
        } else {
            refuses(&mut suite, &name, &["P-2.8"], &domains);
        }
    }
    let two = |one: &str, other: &str| format!(r#"[{{"name":"{one}","pins":[]}},{{"name":"{other}","pins":[]}}]"#);
    refuses(&mut suite, "same-name-twice", &["P-2.5"], &two("a.example", "a.example"));
    refuses(&mut suite, "same-pattern-twice", &["P-2.5"], &two("*.a.example", "*.a.example"));
    refuses(&mut suite, "same-address-twice", &["P-2.5"], &two("2001:db8::1", "2001:db8::1"));
    accepts(
        &mut suite,
        "name-and-both-patterns",
        &["P-2.5"],
        &format!(
            "{},{}]",
            two("a.example", "*.a.example").trim_end_matches(']'),
            r#"{"name":"**.a.example","pins":[]}"#
        ),
    );
    accepts(&mut suite, "address-and-its-mapped-form", &["P-2.8"], &two("192.0.2.1", "::ffff:192.0.2.1"));
    refuses(&mut suite, "name-missing", &["P-2.5"], r#"[{"pins":[]}]"#);
    refuses(&mut suite, "name-null", &["P-2.5"], r#"[{"name":null,"pins":[]}]"#);
    refuses(&mut suite, "name-number", &["P-2.5"], r#"[{"name":1,"pins":[]}]"#);
    suite.0
}
