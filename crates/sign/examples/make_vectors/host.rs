//! Host names: what a connection's host means, what an entry may be called, which entry is the host's.

use serde_json::{Value, json};

use crate::{
    configuration::{bundle, claims_with_domains, file},
    key::key,
    suite::Suite,
};

pub(crate) fn make_suites() -> Vec<Suite> {
    vec![connection_hosts(), entry_names_suite(), matching(), elsewhere()]
}

/// Hosts as HTTP clients hand them over, and what they mean; none: `host_invalid`.
fn connection_hosts() -> Suite {
    let mut suite = Suite::new(
        "host/connection.json",
        "host",
        "A connection's host (P-4.1): `as` connection; the host it means, or null where it is refused.",
    );
    let mut case = |name: &str, text: &str, meant: Option<&str>| {
        suite.case(name, &["P-4.1", "P-2.8"], json!({ "as": "connection", "text": text }), json!({ "host": meant }));
    };
    for (name, text, meant) in [
        ("lower-case", "www.example.com", "www.example.com"),
        ("mixed-case", "Www.EXAMPLE.com", "www.example.com"),
        ("trailing-dot", "example.com.", "example.com"),
        ("trailing-dot-and-capitals", "EXAMPLE.COM.", "example.com"),
        ("single-label", "localhost", "localhost"),
        ("single-label-with-a-dot", "localhost.", "localhost"),
        ("a-label", "xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("a-label-in-capitals", "XN--BCHER-KVA.example", "xn--bcher-kva.example"),
        ("underscore", "_dmarc.a_b.example", "_dmarc.a_b.example"),
        ("digits-in-front", "1.2.3.4.example", "1.2.3.4.example"),
        ("last-label-with-a-letter", "a.1b", "a.1b"),
        ("last-label-like-hex-but-not", "a.0xg", "a.0xg"),
        ("ipv4", "192.0.2.1", "192.0.2.1"),
        ("ipv4-with-trailing-dot", "192.0.2.1.", "192.0.2.1"),
        ("ipv4-zero", "0.0.0.0", "0.0.0.0"),
        ("ipv6", "2001:db8::1", "2001:db8::1"),
        ("ipv6-in-brackets", "[2001:db8::1]", "2001:db8::1"),
        ("ipv6-in-capitals", "2001:DB8::ABCD", "2001:db8::abcd"),
        ("ipv6-with-zeros", "[2001:0db8:0000:0000:0000:0000:0000:0001]", "2001:db8::1"),
        ("ipv6-with-dotted-quad", "64:ff9b::192.0.2.33", "64:ff9b::c000:221"),
        ("ipv6-mapped-in-hex", "::ffff:c000:201", "::ffff:192.0.2.1"),
        ("ipv6-unspecified", "::", "::"),
        ("ipv6-loopback", "[::1]", "::1"),
    ] {
        case(name, text, Some(meant));
    }
    for (name, text) in refused_everywhere() {
        case(name, &text, None);
    }
    for (name, text) in [
        ("two-trailing-dots", "example.com.."),
        ("pattern", "*.example.com"),
        ("pattern-of-any-depth", "**.example.com"),
        ("name-in-brackets", "[example.com]"),
        ("ipv4-in-brackets", "[192.0.2.1]"),
        ("bracket-not-closed", "[::1"),
        ("bracket-not-opened", "::1]"),
        ("two-brackets", "[[::1]]"),
        ("ipv6-with-trailing-dot", "::1."),
        ("bracket-with-trailing-dot", "[::1]."),
        ("ipv6-with-port", "[::1]:443"),
        ("empty-brackets", "[]"),
        ("kelvin-sign", "\u{212A}.example"),
        ("dotless-i", "\u{131}.example"),
        ("ideographic-full-stop", "a\u{3002}example"),
        ("full-width-letters", "\u{FF41}.example"),
        ("soft-hyphen", "a\u{AD}b.example"),
        ("percent-encoded", "%65xample.com"),
        ("url", "https://a.example"),
    ] {
        case(name, text, None);
    }
    suite
}

/// Outside the grammar for connections and entries alike.
fn refused_everywhere() -> Vec<(&'static str, String)> {
    let long = ["a".repeat(63), "b".repeat(63), "c".repeat(63), "d".repeat(62)].join(".");
    let cases = [
        ("empty", ""),
        ("dot", "."),
        ("empty-label-first", ".example.com"),
        ("empty-label-inside", "a..example"),
        ("u-label", "bücher.example"),
        ("space", "a b.example"),
        ("space-at-the-end", "a.example "),
        ("newline-at-the-end", "a.example\n"),
        ("nul", "a.example\0"),
        ("nul-inside", "a\0.example"),
        ("slash", "a.example/"),
        ("port", "a.example:443"),
        ("user", "user@a.example"),
        ("hyphen-first", "-a.example"),
        ("hyphen-last", "a-.example"),
        ("hyphen-last-in-the-last-label", "a.example-"),
        ("hyphen-alone", "-.example"),
        ("star-alone", "*"),
        ("star-inside", "a.*.example"),
        ("star-within-a-label", "a*.example"),
        ("number", "1"),
        ("hex-number", "0x7f000001"),
        ("hex-prefix", "0x"),
        ("last-label-digits", "a.123"),
        ("last-label-hex", "a.0x1f"),
        ("last-label-hex-prefix", "a.0x"),
        ("ipv4-of-three-parts", "192.0.2"),
        ("ipv4-of-five-parts", "192.0.2.1.1"),
        ("ipv4-too-large", "256.0.2.1"),
        ("ipv4-leading-zero", "192.0.2.01"),
        ("ipv4-in-hex", "0xc0.0x0.0x2.0x1"),
        ("ipv4-as-a-number", "3221225985"),
        ("ipv6-zone", "fe80::1%eth0"),
        ("ipv6-triple-colon", ":::1"),
        ("ipv6-two-gaps", "1::2::3"),
        ("ipv6-of-nine-groups", "1:2:3:4:5:6:7:8:9"),
        ("ipv6-group-of-five", "12345::1"),
        ("ipv6-of-seven-groups", "1:2:3:4:5:6:7"),
        ("ipv6-lone-colon", ":"),
    ];
    let mut cases: Vec<_> = cases.into_iter().map(|(name, text)| (name, text.to_owned())).collect();
    cases.push(("label-of-64", format!("{}.example", "a".repeat(64))));
    cases.push(("254-letters", long));
    cases
}

/// Names of entries: title, text, and whether it is one (then it is its own canonical form).
pub(crate) fn entry_names() -> Vec<(String, String, bool)> {
    let longest = ["a".repeat(63), "b".repeat(63), "c".repeat(63), "d".repeat(61)].join(".");
    let mut cases: Vec<(String, String, bool)> = [
        ("name", "www.example.com"),
        ("single-label", "localhost"),
        ("a-label", "xn--bcher-kva.example"),
        ("underscores", "_a._b.c_d.example"),
        ("one-letter", "a"),
        ("digit-label", "1.example"),
        ("double-hyphen", "a--b.example"),
        ("pattern", "*.example.com"),
        ("pattern-of-any-depth", "**.example.com"),
        ("pattern-over-a-public-suffix", "*.co.uk"),
        ("pattern-over-one-label", "*.com"),
        ("any-depth-over-one-label", "**.com"),
        ("ipv4", "192.0.2.1"),
        ("ipv6", "2001:db8::1"),
        ("ipv6-mapped", "::ffff:192.0.2.1"),
        ("ipv6-longest-gap", "2001:0:0:1::1"),
        ("ipv6-single-zero-kept", "2001:db8:0:1:1:1:1:1"),
        ("ipv6-unspecified", "::"),
    ]
    .into_iter()
    .map(|(name, text)| (name.to_owned(), text.to_owned(), true))
    .collect();
    cases.push(("label-of-63".into(), format!("{}.example", "a".repeat(63)), true));
    cases.push(("253-letters".into(), longest.clone(), true));
    cases.push(("any-depth-before-253-letters".into(), format!("**.{longest}"), true));
    cases.push(("any-depth-before-254-letters".into(), format!("**.{longest}d"), false));
    let refused = [
        ("capital", "Example.com"),
        ("trailing-dot", "example.com."),
        ("pattern-with-trailing-dot", "*.example.com."),
        ("pattern-before-nothing", "*."),
        ("any-depth-before-nothing", "**."),
        ("two-stars-alone", "**"),
        ("pattern-twice", "*.*.example"),
        ("pattern-before-an-empty-label", "*..example"),
        ("star-last", "example.*"),
        ("pattern-in-any-depth", "**.*.example"),
        ("three-stars", "***.example"),
        ("pattern-before-ipv4", "*.192.0.2.1"),
        ("pattern-before-ipv6", "*.::1"),
        ("any-depth-before-ipv4", "**.192.0.2.1"),
        ("pattern-before-digits", "*.1"),
        ("ipv6-in-brackets", "[::1]"),
        ("ipv6-in-capitals", "2001:DB8::1"),
        ("ipv6-with-zeros", "2001:0db8::1"),
        ("ipv6-gap-for-one-zero", "2001:db8::1:1:1:1:1"),
        ("ipv6-gap-cut-short", "2001:0:0:1::0:1"),
        ("ipv6-written-out", "2001:db8:0:0:0:0:0:1"),
        ("ipv6-mapped-in-hex", "::ffff:c000:201"),
        ("url", "https://a.example"),
    ];
    cases.extend(refused.into_iter().map(|(name, text)| (name.to_owned(), text.to_owned(), false)));
    cases.extend(refused_everywhere().into_iter().map(|(name, text)| (format!("refused-{name}"), text, false)));
    cases
}

fn entry_names_suite() -> Suite {
    let mut suite = Suite::new(
        "host/entry.json",
        "host",
        "An entry's name (P-2.8): `as` entry; its own canonical form, or null where it is refused.",
    );
    for (name, text, valid) in entry_names() {
        let expect = if valid { Value::from(&*text) } else { Value::Null };
        suite.case(&name, &["P-2.8"], json!({ "as": "entry", "text": text }), json!({ "host": expect }));
    }
    suite
}

/// Which entry is the host's.
fn matching() -> Suite {
    let mut suite = Suite::new(
        "host/matching.json",
        "match",
        "Which entry is the host's (P-4.5): exact, else `*.`, else the longest `**.`; null: none.",
    );
    let names = [
        "example.com",
        "*.example.com",
        "**.example.com",
        "deep.a.example.com",
        "**.b.example.com",
        "*.only-one.example",
        "**.any.example",
        "**.sub.any.example",
        "exact.example",
        "192.0.2.1",
        "2001:db8::1",
        "::ffff:192.0.2.7",
        "*.co.uk",
        "**.localhost",
        "xn--bcher-kva.example",
        "*.xn--bcher-kva.example",
        "a_b.example",
    ];
    share_entries(&mut suite, &names);
    for (host, entry) in [
        ("example.com", Some("example.com")),
        ("EXAMPLE.com.", Some("example.com")),
        ("www.example.com", Some("*.example.com")),
        ("x.y.example.com", Some("**.example.com")),
        ("deep.a.example.com", Some("deep.a.example.com")),
        ("other.a.example.com", Some("**.example.com")),
        ("b.example.com", Some("*.example.com")),
        ("x.b.example.com", Some("**.b.example.com")),
        ("y.x.b.example.com", Some("**.b.example.com")),
        ("notexample.com", None),
        ("example.com.evil.example", None),
        ("evil-example.com", None),
        ("com", None),
        ("only-one.example", None),
        ("a.only-one.example", Some("*.only-one.example")),
        ("b.a.only-one.example", None),
        ("any.example", Some("**.any.example")),
        ("a.any.example", Some("**.any.example")),
        ("sub.any.example", Some("**.sub.any.example")),
        ("a.sub.any.example", Some("**.sub.any.example")),
        ("a.b.c.d.any.example", Some("**.any.example")),
        ("many.example", None),
        ("exact.example", Some("exact.example")),
        ("www.exact.example", None),
        ("example", None),
        ("192.0.2.1", Some("192.0.2.1")),
        ("192.0.2.1.", Some("192.0.2.1")),
        ("192.0.2.2", None),
        ("1.192.0.2.1.example.com", Some("**.example.com")),
        ("::ffff:192.0.2.1", None),
        ("192.0.2.7", None),
        ("::ffff:c000:207", Some("::ffff:192.0.2.7")),
        ("2001:db8::1", Some("2001:db8::1")),
        ("[2001:DB8:0:0::1]", Some("2001:db8::1")),
        ("2001:db8::2", None),
        ("bbc.co.uk", Some("*.co.uk")),
        ("www.bbc.co.uk", None),
        ("co.uk", None),
        ("localhost", Some("**.localhost")),
        ("app.localhost", Some("**.localhost")),
        ("xn--bcher-kva.example", Some("xn--bcher-kva.example")),
        ("XN--BCHER-KVA.EXAMPLE", Some("xn--bcher-kva.example")),
        ("xn--a.xn--bcher-kva.example", Some("*.xn--bcher-kva.example")),
        ("a_b.example", Some("a_b.example")),
        ("a-b.example", None),
    ] {
        suite.case(host, &["P-4.5"], json!({ "file": "entries", "host": host }), json!({ "entry": entry }));
    }
    suite
}

fn share_entries(suite: &mut Suite, names: &[&str]) {
    let domains: Vec<_> = names.iter().map(|name| json!({ "name": name, "pins": [] })).collect();
    let signing = key("signing");
    suite.share("bundles", "plain", bundle(&signing, None, None));
    suite.share("files", "entries", file(&signing, &claims_with_domains(&json!(domains).to_string(), "")));
}

/// What pinning libraries test of their own matching, asked of ours: OkHttp's CertificatePinner (`*.` and `**.`),
/// TrustKit's pinned domains with and without their subdomains.
fn elsewhere() -> Suite {
    let mut suite = Suite::new(
        "host/elsewhere.json",
        "match",
        "Questions that OkHttp and TrustKit ask of their own matching, in our words and names. We differ where they merge entries: here the most specific alone counts.",
    );
    let names = [
        "shop.example",
        "www.shop.example",
        "*.wild.example",
        "a.wild.example",
        "**.double.co.uk",
        "**.pinned.example",
        "www.pinned.example",
        "**.www.long.example",
        "bare.example",
    ];
    share_entries(&mut suite, &names);
    for (name, host, entry) in [
        ("okhttp-two-hosts-of-one-certificate-first", "shop.example", Some("shop.example")),
        ("okhttp-two-hosts-of-one-certificate-second", "www.shop.example", Some("www.shop.example")),
        ("okhttp-absent-host", "absent.example", None),
        ("okhttp-one-star", "b.wild.example", Some("*.wild.example")),
        ("okhttp-one-star-and-the-name-itself-merged-there", "a.wild.example", Some("a.wild.example")),
        ("okhttp-two-stars-the-name-itself", "double.co.uk", Some("**.double.co.uk")),
        ("okhttp-two-stars-one-label", "foo.double.co.uk", Some("**.double.co.uk")),
        ("okhttp-two-stars-two-labels", "foo.bar.double.co.uk", Some("**.double.co.uk")),
        ("okhttp-two-stars-three-labels", "foo.bar.baz.double.co.uk", Some("**.double.co.uk")),
        ("okhttp-two-stars-public-suffix", "co.uk", None),
        ("okhttp-two-stars-top-level", "uk", None),
        ("okhttp-two-stars-name-with-a-longer-label", "anotherdouble.co.uk", None),
        ("okhttp-two-stars-below-a-name-with-a-longer-label", "foo.anotherdouble.co.uk", None),
        ("okhttp-two-stars-another-top-level", "www.double.com", None),
        ("trustkit-subdomains-included", "sub.pinned.example", Some("**.pinned.example")),
        ("trustkit-name-repeated-inside", "sub.www.long.example.www.long.example", Some("**.www.long.example")),
        ("trustkit-name-in-front-of-another-domain", "pinned.example.otherdomain.example", None),
        ("trustkit-special-before-general", "www.pinned.example", Some("www.pinned.example")),
        ("trustkit-subdomains-not-included", "www.bare.example", None),
    ] {
        suite.case(name, &["P-4.5"], json!({ "file": "entries", "host": host }), json!({ "entry": entry }));
    }
    suite
}
