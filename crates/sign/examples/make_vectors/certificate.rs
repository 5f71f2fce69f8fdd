//! Certificates: what is one, where its key lies, when it is valid, which names it covers.

use pintle_core::crypto;
use serde_json::{Value, json};

use crate::{
    der::{
        Certificate, San, bit_string, extension, generalized_time, integer, name, oid, sequence, sign_certificate,
        signature_algorithm, subject_alt_name, tlv, utc_time,
    },
    key::{key, standard},
    suite::Suite,
};

const NOT_BEFORE: u64 = 1_796_083_200; // 2026-12-01T00:00:00Z
const NOT_AFTER: u64 = 1_827_619_200; // 2027-12-01T00:00:00Z

pub(crate) fn make_suites() -> Vec<Suite> {
    vec![walk(), dates(), names()]
}

fn leaf(names: &[San<'_>]) -> Certificate<'static> {
    Certificate::leaf(1, "site", names)
}

fn readable(spki: &[u8], not_before: u64, not_after: u64) -> Value {
    json!({ "spki_sha256": standard(&crypto::sha256(spki)), "not_before": not_before, "not_after": not_after })
}

fn walk() -> Suite {
    let mut suite = Suite::new(
        "certificate/walk.json",
        "certificate",
        "Strict DER: null where the bytes are no certificate (P-4.3), else where its key and dates lie.",
    );
    let site = key("site").spki();
    let mut case = |name: &str, der: Vec<u8>, expect: Option<Value>| {
        suite.case(
            name,
            &["P-4.3", "P-2.6"],
            json!({ "der": standard(&der), "hosts": [] }),
            json!({ "certificate": expect, "covers": [] }),
        );
    };
    let good = || leaf(&[San::Dns("a.example")]);
    let usual = || Some(readable(&site, NOT_BEFORE, NOT_AFTER));
    case("plain", good().build(), usual());
    case("without-extensions", Certificate { extensions: vec![], ..good() }.build(), usual());
    let tbs = |change: &dyn Fn(&mut Vec<Vec<u8>>)| {
        let mut parts = vec![
            tlv(0xA0, &integer(&[2])),
            integer(&[1]),
            signature_algorithm(),
            name("issuer"),
            sequence(&[utc_time("261201000000Z"), utc_time("271201000000Z")]),
            name("subject"),
            key("site").spki(),
            tlv(0xA3, &sequence(&[subject_alt_name(&[San::Dns("a.example")])])),
        ];
        change(&mut parts);
        sign_certificate(&key("ca root"), &sequence(&parts))
    };
    case(
        "version-1-without-version",
        tbs(&|parts| {
            parts.remove(0);
            parts.pop();
        }),
        usual(),
    );
    case(
        "unique-ids",
        tbs(&|parts| {
            parts.insert(7, tlv(0x81, &[0, 1]));
            parts.insert(8, tlv(0x82, &[0, 1]));
        }),
        usual(),
    );
    case(
        "critical-extension",
        tbs(&|parts| {
            parts[7] = tlv(0xA3, &sequence(&[sequence(&[oid(&[0x55, 0x1D, 0x0F]), tlv(1, &[0xFF]), tlv(4, &[])])]));
        }),
        usual(),
    );
    let rsa = sequence(&[
        sequence(&[oid(&[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01]), tlv(5, &[])]),
        bit_string(&[0x5A; 270]),
    ]);
    case(
        "key-of-another-kind",
        Certificate { spki: rsa.clone(), ..good() }.build(),
        Some(readable(&rsa, NOT_BEFORE, NOT_AFTER)),
    );

    for (name, der) in [
        ("empty", vec![]),
        ("one-byte", vec![0x30]),
        ("not-der", b"-----BEGIN CERTIFICATE-----".to_vec()),
        ("cut-short", good().build()[..300].to_vec()),
        ("byte-after-the-end", [good().build(), vec![0]].concat()),
        ("two-certificates", [good().build(), good().build()].concat()),
        ("outer-tag-set", {
            let mut der = good().build();
            der[0] = 0x31;
            der
        }),
        ("outer-length-indefinite", [&[0x30, 0x80][..], &good().build()[4..], &[0, 0]].concat()),
        ("outer-length-not-minimal", [&[0x30, 0x83, 0x00][..], &good().build()[2..]].concat()),
        ("outer-length-of-four-bytes", [&[0x30, 0x84, 0x00, 0x00][..], &good().build()[2..]].concat()),
        ("outer-length-beyond-the-input", {
            let mut der = good().build();
            der[3] = der[3].wrapping_add(1);
            der
        }),
        ("without-signature", sequence(&[good().tbs(), signature_algorithm()])),
        ("without-signature-algorithm", sequence(&[good().tbs(), bit_string(&[1])])),
        ("fourth-element", sequence(&[good().tbs(), signature_algorithm(), bit_string(&[1]), integer(&[1])])),
        ("version-after-serial", tbs(&|parts| parts.swap(0, 1))),
        (
            "without-serial",
            tbs(&|parts| {
                parts.remove(1);
            }),
        ),
        (
            "issuer-missing",
            tbs(&|parts| {
                parts.remove(3);
            }),
        ),
        (
            "validity-missing",
            tbs(&|parts| {
                parts.remove(4);
            }),
        ),
        ("validity-of-one-time", tbs(&|parts| parts[4] = sequence(&[utc_time("261201000000Z")]))),
        (
            "validity-of-three-times",
            tbs(&|parts| {
                parts[4] = sequence(&[utc_time("261201000000Z"), utc_time("271201000000Z"), utc_time("281201000000Z")]);
            }),
        ),
        (
            "key-missing",
            tbs(&|parts| {
                parts.remove(6);
            }),
        ),
        (
            "key-with-a-third-element",
            tbs(&|parts| {
                parts[6] = sequence(&[key("site").spki()[2..].to_vec(), integer(&[1])]);
            }),
        ),
        (
            "key-without-bit-string",
            tbs(&|parts| {
                parts[6] = sequence(&[signature_algorithm()]);
            }),
        ),
        ("bytes-after-the-extensions", tbs(&|parts| parts.push(integer(&[1])))),
        ("extensions-not-a-sequence", tbs(&|parts| parts[7] = tlv(0xA3, &integer(&[1])))),
        ("two-lists-of-extensions", tbs(&|parts| parts[7] = tlv(0xA3, &[sequence(&[]), sequence(&[])].concat()))),
        (
            "extension-without-value",
            tbs(&|parts| parts[7] = tlv(0xA3, &sequence(&[sequence(&[oid(&[0x55, 0x1D, 0x0F])])]))),
        ),
        (
            "extension-with-a-fourth-element",
            tbs(&|parts| {
                parts[7] = tlv(0xA3, &sequence(&[sequence(&[oid(&[0x55, 0x1D, 0x0F]), tlv(4, &[]), tlv(4, &[])])]));
            }),
        ),
        (
            "extension-critical-is-2",
            tbs(&|parts| {
                parts[7] = tlv(0xA3, &sequence(&[sequence(&[oid(&[0x55, 0x1D, 0x0F]), tlv(1, &[2]), tlv(4, &[])])]));
            }),
        ),
        ("tag-number-in-two-bytes", tbs(&|parts| parts[7] = [vec![0xBF, 0x1F], sequence(&[])].concat())),
        ("tbs-alone", good().tbs()),
        ("key-alone", key("site").spki()),
    ] {
        case(name, der, None);
    }
    suite
}

fn dates() -> Suite {
    let mut suite = Suite::new(
        "certificate/dates.json",
        "certificate",
        "Dates of certificates (RFC 5280 section 4.1.2.5) in seconds; what lies before 1970 is 0; null where a date is none.",
    );
    let mut case = |name: &str, not_before: Vec<u8>, not_after: Vec<u8>, expect: Option<(u64, u64)>| {
        let der = Certificate { validity: vec![not_before, not_after], ..leaf(&[]) }.build();
        let expect = expect.map(|(from, to)| readable(&key("site").spki(), from, to));
        suite.case(
            name,
            &["P-4.3", "P-4.6"],
            json!({ "der": standard(&der), "hosts": [] }),
            json!({ "certificate": expect, "covers": [] }),
        );
    };
    let usual = || utc_time("261201000000Z");
    for (name, from, to, expect) in [
        ("utc-times", usual(), utc_time("271201000000Z"), (NOT_BEFORE, NOT_AFTER)),
        ("utc-time-of-1950-and-2049", utc_time("500101000000Z"), utc_time("491231235959Z"), (0, 2_524_607_999)),
        ("utc-time-of-1970", utc_time("700101000000Z"), utc_time("700101000001Z"), (0, 1)),
        ("utc-time-of-1999", utc_time("991231235959Z"), usual(), (946_684_799, NOT_BEFORE)),
        ("generalized-time-of-2050", usual(), generalized_time("20500101000000Z"), (NOT_BEFORE, 2_524_608_000)),
        ("no-well-defined-expiry", usual(), generalized_time("99991231235959Z"), (NOT_BEFORE, 253_402_300_799)),
        ("leap-day", utc_time("240229120000Z"), generalized_time("20000229000000Z"), (1_709_208_000, 951_782_400)),
        ("end-before-start", utc_time("271201000000Z"), usual(), (NOT_AFTER, NOT_BEFORE)),
    ] {
        case(name, from, to, Some(expect));
    }
    for (name, to) in [
        ("without-seconds", utc_time("2712010000Z")),
        ("with-offset", utc_time("271201000000+0000")),
        ("without-z", utc_time("271201000000")),
        ("lower-case-z", utc_time("271201000000z")),
        ("fraction", generalized_time("20271201000000.5Z")),
        ("month-0", utc_time("270001000000Z")),
        ("month-13", utc_time("271301000000Z")),
        ("day-0", utc_time("271200000000Z")),
        ("day-32", utc_time("271232000000Z")),
        ("31-november", utc_time("271131000000Z")),
        ("30-february", utc_time("280230000000Z")),
        ("29-february-of-no-leap-year", utc_time("270229000000Z")),
        ("29-february-2100", generalized_time("21000229000000Z")),
        ("hour-24", utc_time("271201240000Z")),
        ("minute-60", utc_time("271201006000Z")),
        ("second-60", utc_time("271201000060Z")),
        ("letters", utc_time("27120100000aZ")),
        ("minus", utc_time("-71201000000Z")),
        ("two-digit-year-in-generalized-time", generalized_time("271201000000Z")),
        ("four-digit-year-in-utc-time", utc_time("20271201000000Z")),
        ("another-string", tlv(0x13, b"271201000000Z")),
        ("empty", utc_time("")),
    ] {
        case(name, usual(), to, None);
    }
    suite
}

fn names() -> Suite {
    let mut suite = Suite::new(
        "certificate/names.json",
        "certificate",
        "Which hosts a certificate covers (P-4.6): subject alternative names only, one `*` as the whole leftmost label.",
    );
    let mut case = |name: &str, certificate: Certificate<'_>, hosts: &[(&str, bool)]| {
        let asked: Vec<_> = hosts.iter().map(|(host, _)| *host).collect();
        let covers: Vec<_> = hosts.iter().map(|(_, covered)| *covered).collect();
        let expect = readable(&key("site").spki(), NOT_BEFORE, NOT_AFTER);
        suite.case(
            name,
            &["P-4.6"],
            json!({ "der": standard(&certificate.build()), "hosts": asked }),
            json!({ "certificate": expect, "covers": covers }),
        );
    };
    case(
        "one-name",
        leaf(&[San::Dns("www.example.com")]),
        &[
            ("www.example.com", true),
            ("WWW.example.com.", true),
            ("example.com", false),
            ("a.www.example.com", false),
            ("wwwxexample.com", false),
        ],
    );
    case("name-in-capitals", leaf(&[San::Dns("WWW.Example.COM")]), &[("www.example.com", true)]);
    case(
        "several-names",
        leaf(&[San::Dns("a.example"), San::Dns("b.example"), San::Ip(&[192, 0, 2, 1])]),
        &[("a.example", true), ("b.example", true), ("192.0.2.1", true), ("c.example", false)],
    );
    case(
        "wildcard",
        leaf(&[San::Dns("*.example.com")]),
        &[
            ("www.example.com", true),
            ("xn--a.example.com", true),
            ("example.com", false),
            ("a.b.example.com", false),
            ("www.example.org", false),
        ],
    );
    case("wildcard-over-one-label", leaf(&[San::Dns("*.example")]), &[("a.example", true), ("example", false)]);
    for (name, pattern, host) in [
        ("wildcard-alone", "*", "a"),
        ("wildcard-alone-against-two-labels", "*", "a.example"),
        ("wildcard-within-a-label", "w*.example.com", "www.example.com"),
        ("wildcard-at-the-end-of-a-label", "*w.example.com", "www.example.com"),
        ("wildcard-inside", "a.*.example", "a.b.example"),
        ("two-wildcards", "*.*.example", "a.b.example"),
        ("two-wildcards-apart", "*.www.*.example", "a.www.b.example"),
        ("wildcard-twice", "**.example", "a.example"),
        ("wildcard-before-nothing", "*.", "a"),
        ("trailing-dot-in-the-certificate", "a.example.", "a.example"),
        ("leading-dot", ".example", "a.example"),
        ("empty-name", "", "a"),
        ("nul-in-the-name", "a.example\0.evil.example", "a.example"),
        ("u-label", "bücher.example", "xn--bcher-kva.example"),
        ("address-as-a-name", "192.0.2.1", "192.0.2.1"),
        ("address-as-a-pattern", "*.0.2.1", "192.0.2.1"),
        ("ipv6-as-a-name", "2001:db8::1", "2001:db8::1"),
    ] {
        case(name, leaf(&[San::Dns(pattern)]), &[(host, false)]);
    }
    let v6 = [0x20, 0x01, 0x0D, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    let mapped = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 192, 0, 2, 1];
    case(
        "ipv4",
        leaf(&[San::Ip(&[192, 0, 2, 1])]),
        &[("192.0.2.1", true), ("192.0.2.2", false), ("::ffff:192.0.2.1", false)],
    );
    case("ipv6", leaf(&[San::Ip(&v6)]), &[("2001:db8::1", true), ("[2001:DB8:0::1]", true), ("2001:db8::2", false)]);
    case("ipv4-mapped", leaf(&[San::Ip(&mapped)]), &[("::ffff:192.0.2.1", true), ("192.0.2.1", false)]);
    case("ipv4-with-a-mask", leaf(&[San::Ip(&[192, 0, 2, 1, 255, 255, 255, 255])]), &[("192.0.2.1", false)]);
    case("address-of-three-bytes", leaf(&[San::Ip(&[192, 0, 2])]), &[("192.0.2.1", false)]);
    case(
        "name-of-another-kind",
        leaf(&[San::Other(0x86, b"https://a.example"), San::Other(0x81, b"a.example")]),
        &[("a.example", false)],
    );
    case("name-after-another-kind", leaf(&[San::Other(0xA0, &[]), San::Dns("a.example")]), &[("a.example", true)]);
    case("tag-number-above-30", leaf(&[San::Other(0x9F, &[0]), San::Dns("a.example")]), &[("a.example", false)]);
    case("name-outside-utf-8", leaf(&[San::Other(0x82, &[0xFF]), San::Dns("a.example")]), &[("a.example", true)]);
    case(
        "common-name-is-never-looked-at",
        Certificate { subject: "a.example", extensions: vec![], ..leaf(&[]) },
        &[("a.example", false)],
    );
    case(
        "common-name-besides-an-empty-list",
        Certificate { subject: "a.example", ..leaf(&[]) },
        &[("a.example", false)],
    );
    let san = || subject_alt_name(&[San::Dns("a.example")]);
    case(
        "two-extensions-of-names",
        Certificate { extensions: vec![san(), san()], ..leaf(&[]) },
        &[("a.example", false)],
    );
    let cut = [&[0x82, 0x09][..], b"a.example", &[0x82, 0x20]].concat();
    case(
        "list-of-names-cut-short",
        Certificate { extensions: vec![extension(&[0x55, 0x1D, 0x11], &tlv(0x30, &cut))], ..leaf(&[]) },
        &[("a.example", false)],
    );
    case(
        "names-outside-a-sequence",
        Certificate { extensions: vec![extension(&[0x55, 0x1D, 0x11], &tlv(0x82, b"a.example"))], ..leaf(&[]) },
        &[("a.example", false)],
    );
    suite
}
