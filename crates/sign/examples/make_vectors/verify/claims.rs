//! The claims of a file (P-2.4, P-2.7, P-9.1, P-9.2) and of its logs (P-6.1).

use super::{Verify, attempt};
use crate::{
    configuration::{MAX_INTEGER, NOW, State, claims_of, file},
    key::{key, standard},
    suite::Suite,
};
use pintle_core::crypto;

const MALFORMED: &str = "config_malformed";
const UNSUPPORTED: &str = "config_unsupported";
const DIGEST: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

/// A file of `signing` with these claims.
fn signed(payload: &str) -> super::Attempt {
    attempt(file(&key("signing"), payload))
}

pub(super) fn make_suite() -> Suite {
    let mut suite = Verify::new(
        "verify/claims.json",
        "Every claim: its type, its limits, and what is not understood before what is not well formed.",
    );
    required(&mut suite);
    optional(&mut suite);
    times(&mut suite);
    unsupported(&mut suite);
    logs(&mut suite);
    suite.0
}

fn required(suite: &mut Verify) {
    let members = [
        ("fmt", "1"),
        ("iss", r#""acme""#),
        ("sub", r#""app""#),
        ("ver", "1"),
        ("iat", "1800000000"),
        ("domains", "[]"),
    ];
    let with = |changed: &str, value: Option<&str>| {
        let members: Vec<_> = members
            .iter()
            .filter_map(|(name, usual)| match value {
                Some(value) if *name == changed => Some(format!(r#""{name}":{value}"#)),
                None if *name == changed => None,
                _ => Some(format!(r#""{name}":{usual}"#)),
            })
            .collect();
        format!("{{{}}}", members.join(","))
    };
    for (name, _) in members {
        suite.refuses(&format!("{name}-missing"), &["P-2.4"], signed(&with(name, None)), MALFORMED);
        suite.refuses(&format!("{name}-null"), &["P-2.3", "P-2.4"], signed(&with(name, Some("null"))), MALFORMED);
        suite.refuses(&format!("{name}-true"), &["P-2.4"], signed(&with(name, Some("true"))), MALFORMED);
        suite.refuses(&format!("{name}-object"), &["P-2.4"], signed(&with(name, Some("{}"))), MALFORMED);
    }
    for member in ["fmt", "ver", "iat"] {
        for (kind, value) in [
            ("with-fraction", "1.0"),
            ("with-exponent", "1e3"),
            ("minus-zero", "-0"),
            ("negative", "-1"),
            ("two-to-the-53", "9007199254740992"),
            ("two-to-the-64", "18446744073709551616"),
            ("string", r#""1""#),
            ("list", "[1]"),
        ] {
            suite.refuses(
                &format!("{member}-{kind}"),
                &["P-2.3", "P-2.4"],
                signed(&with(member, Some(value))),
                MALFORMED,
            );
        }
    }
    suite.refuses("ver-0", &["P-2.4"], signed(&with("ver", Some("0"))), MALFORMED);
    let largest = with("ver", Some("9007199254740991"));
    suite.accepts("ver-largest", &["P-2.4"], signed(&largest), &State::after(MAX_INTEGER, &largest));
    let epoch = with("iat", Some("0"));
    suite.accepts("iat-0", &["P-2.4"], signed(&epoch), &State { time_floor: 0, ..State::after(1, &epoch) });
    for (member, kind, value) in [
        ("iss", "empty", r#""""#),
        ("iss", "with-a-slash", r#""a/b""#),
        ("iss", "with-a-dot", r#""a.b""#),
        ("sub", "empty", r#""""#),
        ("sub", "with-a-letter-outside-ascii", r#""é""#),
        ("iss", "number", "1"),
        ("domains", "string", r#""""#),
        ("domains", "of-strings", r#"["a.example"]"#),
        ("domains", "of-null", "[null]"),
    ] {
        suite.refuses(&format!("{member}-{kind}"), &["P-2.4"], signed(&with(member, Some(value))), MALFORMED);
    }
    let long = format!(r#""{}""#, "a".repeat(65));
    suite.refuses("iss-of-65-letters", &["P-1.1", "P-2.4"], signed(&with("iss", Some(&long))), MALFORMED);
}

fn optional(suite: &mut Verify) {
    for (name, more) in [
        ("on-stale-keep", r#","on_stale":"keep""#.into()),
        ("on-stale-fail-without-exp", r#","on_stale":"fail""#.into()),
        ("refresh-60", r#","refresh":60"#.into()),
        ("refresh-604800", r#","refresh":604800"#.into()),
        ("deny-empty", r#","deny":[]"#.into()),
        ("deny-one", format!(r#","deny":["{DIGEST}"]"#)),
        ("deny-same-twice", format!(r#","deny":["{DIGEST}","{DIGEST}"]"#)),
        ("needs-empty", r#","needs":[]"#.into()),
        ("ct-logs-empty", r#","ct_logs":[]"#.into()),
        ("ct-logs-as-of-alone", r#","ct_logs_as_of":1"#.into()),
        ("unknown-member-with-an-object", r#","later":{"anything":[null,-1.5e3,{}]}"#.into()),
    ] {
        let payload = claims_of(1, &more);
        suite.accepts(name, &["P-2.4", "P-9.1"], signed(&payload), &State::after(1, &payload));
    }
    let withdrawn = claims_of(1, r#","withdrawn":true"#);
    let state = State { withdrawn: true, ..State::after(1, &withdrawn) };
    suite.accepts("withdrawn", &["P-7.5", "P-3.9"], signed(&withdrawn), &state);
    for (name, more) in [
        ("refresh-59", r#""refresh":59"#),
        ("refresh-604801", r#""refresh":604801"#),
        ("refresh-0", r#""refresh":0"#),
        ("refresh-with-fraction", r#""refresh":600.0"#),
        ("refresh-string", r#""refresh":"600""#),
        ("withdrawn-false", r#""withdrawn":false"#),
        ("withdrawn-1", r#""withdrawn":1"#),
        ("withdrawn-string", r#""withdrawn":"true""#),
        ("on-stale-number", r#""on_stale":1"#),
        ("on-stale-list", r#""on_stale":["keep"]"#),
        ("deny-string", r#""deny":"AA==""#),
        ("deny-of-numbers", r#""deny":[1]"#),
        ("deny-cut-short", r#""deny":["AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="]"#),
        ("deny-without-padding", r#""deny":["AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"]"#),
        ("deny-with-unused-bits", r#""deny":["AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB="]"#),
        ("deny-in-base64url", r#""deny":["-_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="]"#),
        ("deny-with-a-newline", r#""deny":["AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"]"#),
        (
            "deny-of-a-sha512",
            r#""deny":["AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="]"#,
        ),
        ("needs-string", r#""needs":"x""#),
        ("needs-of-numbers", r#""needs":[1]"#),
        ("needs-object", r#""needs":{}"#),
        ("ct-logs-object", r#""ct_logs":{}"#),
        ("ct-logs-as-of-string", r#""ct_logs_as_of":"1""#),
        ("ct-logs-as-of-negative", r#""ct_logs_as_of":-1"#),
        ("nbf-string", r#""nbf":"1""#),
        ("nbf-with-fraction", r#""nbf":1.5"#),
        ("exp-string", r#""exp":"1900000000""#),
    ] {
        suite.refuses(name, &["P-2.4"], signed(&claims_of(1, &format!(",{more}"))), MALFORMED);
    }
    for member in ["nbf", "exp", "on_stale", "refresh", "deny", "ct_logs", "ct_logs_as_of", "needs", "withdrawn"] {
        let payload = claims_of(1, &format!(r#","{member}":null"#));
        suite.refuses(&format!("{member}-null"), &["P-2.3"], signed(&payload), MALFORMED);
    }
}

/// `exp`, `nbf` and `iat` among themselves.
fn times(suite: &mut Verify) {
    for (name, more) in [
        ("exp-one-second-after-iat", format!(r#","exp":{}"#, NOW + 1)),
        ("exp-one-second-after-nbf", format!(r#","nbf":{},"exp":{}"#, NOW + 10, NOW + 11)),
        ("nbf-before-iat", r#","nbf":1"#.into()),
        ("exp-largest", format!(r#","exp":{MAX_INTEGER}"#)),
    ] {
        let payload = claims_of(1, &more);
        suite.accepts(name, &["P-2.4"], signed(&payload), &State::after(1, &payload));
    }
    for (name, more) in [
        ("exp-equals-iat", format!(r#","exp":{NOW}"#)),
        ("exp-before-iat", format!(r#","exp":{}"#, NOW - 1)),
        ("exp-equals-nbf", format!(r#","nbf":{0},"exp":{0}"#, NOW + 10)),
        ("exp-before-nbf", format!(r#","nbf":{},"exp":{}"#, NOW + 10, NOW + 9)),
        ("exp-two-to-the-53", format!(r#","exp":{}"#, MAX_INTEGER + 1)),
    ] {
        suite.refuses(name, &["P-2.4"], signed(&claims_of(1, &more)), MALFORMED);
    }
}

fn unsupported(suite: &mut Verify) {
    let pin = |members: &str| format!(r#"[{{"name":"a.example","pins":[{{{members}}}]}}]"#);
    let domain = |members: &str| format!(r#"[{{"name":"a.example","pins":[],{members}}}]"#);
    let with_domains = |domains: &str| crate::configuration::claims_with_domains(domains, "");
    for (name, payload) in [
        ("fmt-2", claims_of(1, "").replace(r#""fmt":1"#, r#""fmt":2"#)),
        ("fmt-0", claims_of(1, "").replace(r#""fmt":1"#, r#""fmt":0"#)),
        ("need", claims_of(1, r#","needs":["x"]"#)),
        ("need-after-something-malformed", claims_of(1, r#","needs":[1,"x"]"#)),
        ("need-empty", claims_of(1, r#","needs":[""]"#)),
        ("need-33-times", claims_of(1, &format!(r#","needs":{:?}"#, vec!["x"; 33]))),
        ("on-stale", claims_of(1, r#","on_stale":"warn""#)),
        ("on-stale-in-capitals", claims_of(1, r#","on_stale":"KEEP""#)),
        ("on-stale-empty", claims_of(1, r#","on_stale":"""#)),
        ("enforce", with_domains(&domain(r#""enforce":"sometimes""#))),
        ("enforce-digits-in-a-string", with_domains(&domain(r#""enforce":"100""#))),
        ("trust", with_domains(&domain(r#""trust":"dane""#))),
        ("ct-policy", with_domains(&domain(r#""ct":{"policy":"witnessed"}"#))),
        ("pin-type", with_domains(&pin(&format!(r#""type":"spki-sha3-256","digest":"{DIGEST}""#)))),
        ("pin-type-in-capitals", with_domains(&pin(&format!(r#""type":"SPKI-SHA256","digest":"{DIGEST}""#)))),
        ("pin-match", with_domains(&pin(&format!(r#""type":"spki-sha256","digest":"{DIGEST}","match":"root""#)))),
    ] {
        suite.refuses(&format!("unknown-{name}"), &["P-9.1", "P-9.2", "P-9.3", "P-3.4"], signed(&payload), UNSUPPORTED);
    }
    for (name, payload) in [
        ("fmt-2-and-nothing-else", r#"{"fmt":2}"#.into()),
        ("need-and-no-iss", r#"{"fmt":1,"needs":["x"]}"#.into()),
        ("on-stale-and-bad-refresh", claims_of(1, r#","on_stale":"warn","refresh":1"#)),
        (
            "pin-type-after-a-malformed-domain",
            with_domains(&format!("[1,{{}},{}", pin(r#""type":"later""#).trim_start_matches('['))),
        ),
        ("pin-type-and-null-digest", with_domains(&pin(r#""type":"later","digest":null"#))),
        ("trust-and-no-name", with_domains(r#"[{"trust":"dane"}]"#)),
        ("need-and-another-project", claims_of(1, r#","needs":["x"]"#).replace("app", "other")),
    ] {
        suite.refuses(&format!("unsupported-before-malformed-{name}"), &["P-3.4"], signed(&payload), UNSUPPORTED);
    }
    suite.refuses(
        "duplicate-member-before-unsupported",
        &["P-2.3", "P-3.4"],
        signed(r#"{"fmt":2,"a":1,"a":1}"#),
        MALFORMED,
    );
    suite.refuses(
        "fmt-string-is-not-an-unknown-format",
        &["P-3.4"],
        signed(&claims_of(1, "").replace(r#""fmt":1"#, r#""fmt":"2""#)),
        MALFORMED,
    );
}

fn logs(suite: &mut Verify) {
    let (one, other) = (key("log a1"), key("log b1"));
    let id = |key: &crate::key::Key| standard(&crypto::sha256(&key.spki()));
    let log = |key: &crate::key::Key, more: &str| {
        format!(r#"{{"id":"{}","key":"{}","operator":"A"{more}}}"#, id(key), key.base64())
    };
    let (first, second) = (log(&one, ""), log(&other, r#","usable_until":1900000000"#));
    for (name, logs) in [
        ("two-logs", format!("[{first},{second}]")),
        ("log-with-unknown-member", format!("[{}]", log(&one, r#","state":"usable""#))),
        ("log-usable-until-0", format!("[{}]", log(&one, r#","usable_until":0"#))),
        ("log-with-empty-operator", format!("[{}]", first.replace(r#""A""#, r#""""#))),
    ] {
        let payload = claims_of(1, &format!(r#","ct_logs":{logs}"#));
        suite.accepts(name, &["P-6.1", "P-9.1"], signed(&payload), &State::after(1, &payload));
    }
    for (name, logs) in [
        ("log-twice", format!("[{first},{first}]")),
        ("log-twice-by-other-operators", format!("[{first},{}]", first.replace(r#""A""#, r#""B""#))),
        ("log-id-of-another-key", format!("[{}]", first.replace(&id(&one), &id(&other)))),
        ("log-without-id", format!(r#"[{{"key":"{}","operator":"A"}}]"#, one.base64())),
        ("log-without-key", format!(r#"[{{"id":"{}","operator":"A"}}]"#, id(&one))),
        ("log-without-operator", format!(r#"[{{"id":"{}","key":"{}"}}]"#, id(&one), one.base64())),
        ("log-operator-null", format!("[{}]", first.replace(r#""A""#, "null"))),
        ("log-key-cut-short", format!("[{}]", first.replace(&one.base64(), &one.base64()[..120]))),
        ("log-usable-until-null", format!("[{}]", log(&one, r#","usable_until":null"#))),
        ("log-usable-until-with-fraction", format!("[{}]", log(&one, r#","usable_until":1.5"#))),
        ("log-is-a-string", format!(r#"["{}"]"#, id(&one))),
    ] {
        suite.refuses(name, &["P-6.1"], signed(&claims_of(1, &format!(r#","ct_logs":{logs}"#))), MALFORMED);
    }
}
