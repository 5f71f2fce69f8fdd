//! Certificate Transparency in a decision (P-4.8, section 6).

use serde_json::{Value, json};

use super::{Asked, Decide, asked, pin};
use crate::{
    configuration::NOW,
    ct::{Entry, GOOD, Ocsp, Sct, list, log_id, ocsp_extension, precertificate, sct, sct_at, single, site, site_with},
    key::{key, standard},
    suite::Suite,
};

const NOT_MET: &str = "ct_not_satisfied";
const AS_OF: u64 = NOW - 1000;
const MAX_AGE: u64 = 70 * 86_400;
const USABLE_UNTIL: u64 = NOW - 50_000;

/// Logs a1 and a2 of one operator, b1 of another until [`USABLE_UNTIL`] where `b1_ends`.
fn logs(b1_ends: bool) -> String {
    let log = |name: &str, operator: &str| json!({ "id": standard(&log_id(name)), "key": key(name).base64(), "operator": operator });
    let mut b1 = log("log b1", "B");
    if b1_ends {
        b1["usable_until"] = USABLE_UNTIL.into();
    }
    format!(r#","ct_logs":{},"ct_logs_as_of":{AS_OF}"#, json!([log("log a1", "A"), log("log a2", "A"), b1]))
}

fn id(log: &str) -> String {
    standard(&log_id(log))
}

pub(super) fn make_suite() -> Suite {
    let mut suite = Decide::new(
        "decide/ct.json",
        "Certificate Transparency: declared logs, verified SCTs of generated logs, stale lists.",
    );
    let pins = pin("spki-sha256", &key("site").spki(), "");
    let entry = |ct: &str, more: &str| format!(r#"[{{"name":"a.example"{more},"pins":[{pins}],"ct":{ct}}}]"#);
    let (a1, a2, b1) = (id("log a1"), id("log a2"), id("log b1"));
    for (name, ct, enforce) in [
        ("verified", r#"{"policy":"verified"}"#.to_owned(), ""),
        ("verified by three", r#"{"policy":"verified","min":3}"#.into(), ""),
        ("verified by one", r#"{"policy":"verified","min":1}"#.into(), ""),
        ("verified by a1 and b1", format!(r#"{{"policy":"verified","logs":["{a1}","{b1}"]}}"#), ""),
        ("verified under report", r#"{"policy":"verified"}"#.into(), r#","enforce":"report""#),
        ("declared", format!(r#"{{"policy":"declared","logs":["{a1}","{a2}","{b1}"]}}"#), ""),
        ("declared by one", format!(r#"{{"policy":"declared","min":1,"logs":["{a1}"]}}"#), ""),
        ("declared under 25", format!(r#"{{"policy":"declared","logs":["{a1}","{a2}"]}}"#), r#","enforce":25"#),
        ("off", r#"{"policy":"off"}"#.into(), ""),
    ] {
        suite.file(name, &entry(&ct, enforce), &logs(false));
    }
    suite.file("verified until", &entry(r#"{"policy":"verified"}"#, ""), &logs(true));
    let wrong = pin("spki-sha256", &key("foreign").spki(), "");
    suite.file(
        "verified and a wrong pin",
        &format!(r#"[{{"name":"a.example","pins":[{wrong}],"ct":{{"policy":"verified"}}}}]"#),
        &logs(false),
    );
    embedded(&mut suite);
    broken(&mut suite);
    times(&mut suite);
    from_elsewhere(&mut suite);
    declared(&mut suite);
    stale(&mut suite);
    suite.0
}

/// The site's certificate with these SCTs, in a path that is verified.
fn with(suite: &mut Decide, name: &str, scts: &[Sct]) -> Asked {
    with_lists(suite, name, &[list(scts)])
}

fn with_lists(suite: &mut Decide, name: &str, lists: &[Vec<u8>]) -> Asked {
    suite.certificate(name, &site_with(lists));
    asked().file("verified").path(&[name, "intermediate", "root"])
}

fn embedded(suite: &mut Decide) {
    let rules = &["P-4.8", "P-6.3"];
    let of = |logs: &[&str]| logs.iter().map(|log| sct(log, &precertificate())).collect::<Vec<_>>();
    let two = with(suite, "a1 b1", &of(&["log a1", "log b1"]));
    let same_operator = with(suite, "a1 a2", &of(&["log a1", "log a2"]));
    let half_named = with(suite, "a2 b1", &of(&["log a2", "log b1"]));
    let one = with(suite, "a1", &of(&["log a1"]));
    let twice = with(suite, "a1 a1", &of(&["log a1", "log a1"]));
    let unknown = with(suite, "a1 unknown", &of(&["log a1", "log unknown"]));
    let three = with(suite, "a1 a2 b1", &of(&["log a1", "log a2", "log b1"]));
    suite.pinned("two-logs-of-two-operators", rules, two.clone(), "a.example", 0, 0);
    suite.pinned("three-of-three", rules, three.clone().file("verified by three"), "a.example", 0, 0);
    suite.pinned("among-more", rules, three.file("verified by a1 and b1"), "a.example", 0, 0);
    for (name, asked) in [
        ("two-logs-of-one-operator", same_operator.clone()),
        ("one-log", one.clone()),
        ("one-log-twice", twice),
        ("unknown-log", unknown),
        ("two-of-three", two.clone().file("verified by three")),
        ("one-log-is-one-operator-even-with-min-1", one.file("verified by one")),
        ("other-logs-than-those-named", same_operator.file("verified by a1 and b1")),
        ("one-log-named-and-one-of-another-operator-not", half_named.file("verified by a1 and b1")),
        ("no-scts", asked().file("verified")),
        ("path-not-verified", two.clone().presented(&["a1 b1", "intermediate", "root"])),
        ("leaf-alone-in-the-path", two.clone().path(&["a1 b1"])),
        ("another-issuer-in-the-path", two.clone().path(&["a1 b1", "root"])),
    ] {
        suite.refused_by(name, rules, asked, "a.example", NOT_MET);
    }
    // Of the path, CT asks for the issuer's key alone (P-4.3).
    suite.certificate("rubbish", b"rubbish");
    for file in ["verified", "verified under report"] {
        let rubbish = two.clone().path(&["a1 b1", "rubbish"]).file(file);
        let case = format!("unreadable-issuer-{}", file.replace(' ', "-"));
        suite.refused(&case, &["P-4.3", "P-6.3"], rubbish, "certificate_unparsable");
    }
    let root = two.clone().path(&["a1 b1", "intermediate", "rubbish"]);
    suite.pinned("unreadable-root", &["P-4.3", "P-6.3"], root, "a.example", 0, 0);
    let anchored = Asked { presented: json!(["a1 b1"]), path: json!(["a1 b1", { "anchor": "intermediate" }]), ..two };
    suite.pinned("issuer-known-by-its-key-alone", rules, anchored, "a.example", 0, 0);
    let none = asked().file("verified under report");
    suite.reported("under-report", &["P-4.9", "P-6.3"], none, "a.example", NOT_MET);
    suite.refused_by(
        "pins-before-ct",
        &["P-4.7", "P-4.8"],
        asked().file("verified and a wrong pin"),
        "a.example",
        "pin_mismatch",
    );
    suite.pinned("off", &["P-6.1"], asked().file("off"), "a.example", 0, 0);
    suite.refused_by("permissive-does-not-soften", rules, asked().file("verified").permissive(), "a.example", NOT_MET);
}

/// One good SCT of b1, and one of a1 with something wrong.
fn broken(suite: &mut Decide) {
    let rules = &["P-6.3"];
    let b1 = || sct("log b1", &precertificate());
    let a1 = || sct("log a1", &precertificate());
    let mut flipped = a1();
    let last = flipped.signature.len() - 1;
    flipped.signature[last] ^= 1;
    for (name, sct) in [
        ("signature-tampered", flipped),
        ("time-tampered", Sct { millis: a1().millis + 1, ..a1() }),
        ("extensions-tampered", Sct { extensions: vec![0], ..a1() }),
        ("log-id-of-another-log", Sct { log_id: log_id("log a2"), ..a1() }),
        ("signed-by-another-log", Sct { log_id: log_id("log a1"), ..sct("log a2", &precertificate()) }),
        ("version-2", Sct { version: 1, ..a1() }),
        ("of-another-certificate", sct("log a1", &Entry::Precertificate(super::site().tbs(), "ca intermediate"))),
        ("of-another-issuer", sct("log a1", &Entry::Precertificate(site().tbs(), "ca root"))),
        ("of-the-certificate-instead-of-the-precertificate", sct("log a1", &Entry::Certificate(site().build()))),
    ] {
        let asked = with(suite, &format!("b1 and a1 {name}"), &[b1(), sct]);
        suite.refused_by(name, rules, asked, "a.example", NOT_MET);
    }
    let tampered_then_good = with(suite, "a1 tampered, a1, b1", &[Sct { millis: 1, ..a1() }, a1(), b1()]);
    suite.pinned("good-one-after-a-tampered-one-of-the-same-log", rules, tampered_then_good, "a.example", 0, 0);
    let other_version = with(suite, "version 2, a1, b1", &[Sct { version: 1, ..a1() }, a1(), b1()]);
    suite.pinned("an-sct-that-is-not-understood-is-left-out", rules, other_version, "a.example", 0, 0);
    let good = list(&[a1(), b1()]);
    let twice = with_lists(suite, "two lists", &[good.clone(), good.clone()]);
    suite.refused_by("two-lists-in-the-certificate", rules, twice, "a.example", NOT_MET);
    let cut = with_lists(suite, "list cut short", &[good[..good.len() - 1].to_vec()]);
    suite.refused_by("list-cut-short", rules, cut, "a.example", NOT_MET);
    // static-ct: a leaf index in an extension that is hashed as it stands.
    let index = [0, 0, 5, 0, 0, 0, 1, 42];
    let millis = (NOW - 86_400) * 1000;
    let tiled = |log| sct_at(log, &precertificate(), millis, &index);
    let asked = with(suite, "static-ct", &[tiled("log a1"), tiled("log b1")]);
    suite.pinned("static-ct-extensions", rules, asked, "a.example", 0, 0);
    let unknown = with(suite, "unknown extensions", &[sct_at("log a1", &precertificate(), millis, &[9; 40]), b1()]);
    suite.pinned("unknown-extensions-are-hashed-verbatim", rules, unknown, "a.example", 0, 0);
}

fn times(suite: &mut Decide) {
    let rules = &["P-6.3"];
    let a1_at = |millis| sct_at("log a1", &precertificate(), millis, &[]);
    let latest = (NOW + 3600) * 1000;
    let asked = with(suite, "an hour ahead", &[a1_at(latest), sct("log b1", &precertificate())]);
    suite.pinned("time-an-hour-ahead", rules, asked.clone(), "a.example", 0, 0);
    suite.refused_by("time-an-hour-and-a-second-ahead", &["P-6.3", "P-3.12"], asked.at(NOW - 1), "a.example", NOT_MET);
    let asked = with(suite, "an hour and a millisecond ahead", &[a1_at(latest + 1), sct("log b1", &precertificate())]);
    suite.refused_by("time-an-hour-and-a-millisecond-ahead", rules, asked, "a.example", NOT_MET);
    let asked = with(suite, "in the year 586 million", &[a1_at(u64::MAX), sct("log b1", &precertificate())]);
    suite.refused_by("time-largest", rules, asked, "a.example", NOT_MET);
    let b1_at = |millis| sct_at("log b1", &precertificate(), millis, &[]);
    let at_end = with(suite, "at the end", &[sct("log a1", &precertificate()), b1_at(USABLE_UNTIL * 1000)]);
    suite.pinned("issued-at-usable-until", rules, at_end.file("verified until"), "a.example", 0, 0);
    let after = with(suite, "after the end", &[sct("log a1", &precertificate()), b1_at(USABLE_UNTIL * 1000 + 1)]);
    suite.refused_by("issued-after-usable-until", rules, after.clone().file("verified until"), "a.example", NOT_MET);
    suite.pinned("same-sct-of-a-log-without-end", rules, after, "a.example", 0, 0);
}

/// SCTs from TLS and OCSP are of the certificate itself.
fn from_elsewhere(suite: &mut Decide) {
    let rules = &["P-6.3"];
    let entry = || Entry::Certificate(super::site().build());
    let of =
        |logs: &[&str]| Value::from(standard(&list(&logs.iter().map(|log| sct(log, &entry())).collect::<Vec<_>>())));
    let stapled = |logs: &[&str]| {
        let scts = list(&logs.iter().map(|log| sct(log, &entry())).collect::<Vec<_>>());
        Value::from(standard(&Ocsp::new(vec![single(GOOD, Some(&[ocsp_extension(&scts)]))]).build()))
    };
    let base = || asked().file("verified");
    suite.pinned("from-tls", rules, Asked { sct_tls: of(&["log a1", "log b1"]), ..base() }, "a.example", 0, 0);
    suite.pinned("from-ocsp", rules, Asked { ocsp: stapled(&["log a1", "log b1"]), ..base() }, "a.example", 0, 0);
    suite.pinned(
        "from-both",
        rules,
        Asked { sct_tls: of(&["log a1"]), ocsp: stapled(&["log b1"]), ..base() },
        "a.example",
        0,
        0,
    );
    suite.pinned(
        "from-tls-without-a-verified-path",
        rules,
        Asked { sct_tls: of(&["log a1", "log b1"]), ..base().presented(&["site"]) },
        "a.example",
        0,
        0,
    );
    suite.refused_by(
        "from-both-the-same-log",
        rules,
        Asked { sct_tls: of(&["log a1"]), ocsp: stapled(&["log a1"]), ..base() },
        "a.example",
        NOT_MET,
    );
    let embedded = with(suite, "a1 embedded", &[sct("log a1", &precertificate())]);
    let whole = site_with(&[list(&[sct("log a1", &precertificate())])]);
    let b1 = list(&[sct("log b1", &Entry::Certificate(whole))]);
    suite.pinned(
        "one-embedded-one-from-tls",
        rules,
        Asked { sct_tls: standard(&b1).into(), ..embedded },
        "a.example",
        0,
        0,
    );
    let precert =
        list(&[sct("log a1", &Entry::Precertificate(super::site().tbs(), "ca intermediate")), sct("log b1", &entry())]);
    suite.refused_by(
        "precertificate-sct-from-tls",
        rules,
        Asked { sct_tls: standard(&precert).into(), ..base() },
        "a.example",
        NOT_MET,
    );
    let of_another = list(&["log a1", "log b1"].map(|log| sct(log, &Entry::Certificate(site().build()))));
    suite.refused_by(
        "from-tls-of-another-certificate",
        rules,
        Asked { sct_tls: standard(&of_another).into(), ..base() },
        "a.example",
        NOT_MET,
    );
    suite.refused_by(
        "from-ocsp-broken",
        rules,
        Asked { ocsp: standard(&[0x30, 9, 0]).into(), ..base() },
        "a.example",
        NOT_MET,
    );
    suite.refused_by(
        "from-ocsp-a-bare-list",
        rules,
        Asked { ocsp: of(&["log a1", "log b1"]), ..base() },
        "a.example",
        NOT_MET,
    );
    suite.refused_by(
        "from-tls-broken",
        rules,
        Asked { sct_tls: standard(&[0, 9, 0]).into(), ..base() },
        "a.example",
        NOT_MET,
    );
    suite.pinned(
        "tls-broken-but-ocsp-good",
        rules,
        Asked { sct_tls: standard(&[0, 9, 0]).into(), ocsp: stapled(&["log a1", "log b1"]), ..base() },
        "a.example",
        0,
        0,
    );
}

/// Log ids alone count, embedded ones alone.
fn declared(suite: &mut Decide) {
    let rules = &["P-6.2"];
    let unsigned = |log: &str| Sct { millis: u64::MAX, ..sct(log, &Entry::Certificate(vec![])) };
    let two = with(suite, "declares a1 b1", &[unsigned("log a1"), unsigned("log b1")]).file("declared");
    let one_operator = with(suite, "declares a1 a2", &[unsigned("log a1"), unsigned("log a2")]).file("declared");
    let once = with(suite, "declares a1 a1", &[unsigned("log a1"), unsigned("log a1")]).file("declared");
    let other = with(suite, "declares a1 unknown", &[unsigned("log a1"), unsigned("log unknown")]).file("declared");
    suite.pinned("declared-signatures-and-times-are-not-looked-at", rules, two.clone(), "a.example", 0, 0);
    suite.pinned(
        "declared-without-a-verified-path",
        rules,
        two.clone().presented(&["declares a1 b1"]),
        "a.example",
        0,
        0,
    );
    suite.pinned("declared-one-operator-is-enough", rules, one_operator, "a.example", 0, 0);
    suite.pinned("declared-one-of-one", rules, once.clone().file("declared by one"), "a.example", 0, 0);
    suite.refused_by("declared-same-log-twice", rules, once.clone(), "a.example", NOT_MET);
    suite.refused_by("declared-another-log", rules, other, "a.example", NOT_MET);
    suite.refused_by("declared-no-scts", rules, asked().file("declared"), "a.example", NOT_MET);
    let from_tls = Asked {
        sct_tls: standard(&list(&[unsigned("log a1"), unsigned("log b1")])).into(),
        ..asked().file("declared")
    };
    suite.refused_by("declared-from-tls-does-not-count", rules, from_tls, "a.example", NOT_MET);
    let lists = [list(&[unsigned("log a1")]), list(&[unsigned("log b1")])];
    let twice = with_lists(suite, "declares in two lists", &lists).file("declared");
    suite.refused_by("declared-in-two-lists", rules, twice, "a.example", NOT_MET);
    suite.refused_by(
        "declared-inside-the-draw",
        &["P-6.2", "P-4.9"],
        once.clone().file("declared under 25").draw(24),
        "a.example",
        NOT_MET,
    );
    suite.reported(
        "declared-outside-the-draw",
        &["P-6.2", "P-4.9"],
        once.file("declared under 25").draw(25),
        "a.example",
        NOT_MET,
    );
    suite.pinned("declared-does-not-grow-stale", &["P-6.2", "P-6.4"], two.at(AS_OF + MAX_AGE + 1), "a.example", 0, 0);
}

fn stale(suite: &mut Decide) {
    let rules = &["P-6.4"];
    let end = AS_OF + MAX_AGE;
    let bare = asked().file("verified");
    suite.refused_by("list-of-70-days", rules, bare.clone().at(end), "a.example", NOT_MET);
    let reported = json!({ "verdict": "reported", "entry": "a.example", "code": NOT_MET });
    suite.add("list-of-70-days-and-a-second", rules, bare.at(end + 1), reported, true);
    let good = asked().file("verified").path(&["a1 b1", "intermediate", "root"]).at(end + 1);
    let pinned = json!({ "verdict": "pinned", "entry": "a.example", "pin": 0, "position": 0 });
    suite.add("stale-list-and-enough-scts", rules, good, pinned, true);
    let wrong = json!({ "verdict": "refused", "entry": "a.example", "code": "pin_mismatch" });
    suite.add(
        "stale-list-does-not-soften-pins",
        rules,
        asked().file("verified and a wrong pin").at(end + 1),
        wrong,
        false,
    );
}
