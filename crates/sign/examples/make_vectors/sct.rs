//! SCT lists from every source, and the precertificate's TBS (P-6.2, P-6.3).

use pintle_core::crypto;
use serde_json::{Value, json};

use crate::{
    ct::{self, GOOD, Ocsp, Sct, list, ocsp_extension, prefixed, sct, sct_extension, single, single_with, site},
    der::{Certificate, San, extension, integer, sequence, subject_alt_name, tlv},
    key::standard,
    suite::Suite,
};

pub(crate) fn make_suites() -> Vec<Suite> {
    vec![lists(), ocsp(), precertificates()]
}

fn shown(sct: &Sct) -> Value {
    json!({ "log_id": standard(&sct.log_id), "timestamp_millis": sct.millis, "extensions": standard(&sct.extensions) })
}

fn lists() -> Suite {
    let mut suite = Suite::new(
        "sct/lists.json",
        "sct_list",
        "SignedCertificateTimestampLists (RFC 6962 section 3.3): the SCTs that are understood, or null where the list is broken.",
    );
    let entry = ct::precertificate();
    let (one, other) = (sct("log a1", &entry), sct("log b1", &entry));
    let with_extensions = Sct { extensions: vec![0, 0, 5, 1, 2, 3, 4, 5], ..sct("log a1", &entry) };
    let mut case = |name: &str, bytes: Vec<u8>, expect: Option<&[&Sct]>| {
        let expect = expect.map(|scts| scts.iter().map(|sct| shown(sct)).collect::<Vec<_>>());
        suite.case(name, &["P-6.3"], json!({ "list": standard(&bytes) }), json!({ "scts": expect }));
    };
    case("two", list(&[sct("log a1", &entry), sct("log b1", &entry)]), Some(&[&one, &other]));
    case("same-twice", list(&[sct("log a1", &entry), sct("log a1", &entry)]), Some(&[&one, &one]));
    case("static-ct-extension", prefixed(&prefixed(&with_extensions.bytes())), Some(&[&with_extensions]));
    case("no-sct", prefixed(&[]), Some(&[]));
    for (name, left_out) in [
        ("another-version", Sct { version: 1, ..sct("log a1", &entry) }),
        ("rsa", Sct { algorithm: [4, 1], ..sct("log a1", &entry) }),
        ("sha-384", Sct { algorithm: [5, 3], ..sct("log a1", &entry) }),
        ("signature-not-der", Sct { signature: vec![7; 64], ..sct("log a1", &entry) }),
        (
            "signature-with-trailing-byte",
            Sct { signature: [one.signature.clone(), vec![0]].concat(), ..sct("log a1", &entry) },
        ),
        (
            "signature-with-negative-r",
            Sct { signature: sequence(&[tlv(2, &[0x80]), integer(&[1])]), ..sct("log a1", &entry) },
        ),
        (
            "signature-with-r-zero",
            Sct { signature: sequence(&[integer(&[0]), integer(&[1])]), ..sct("log a1", &entry) },
        ),
        (
            "signature-with-r-not-minimal",
            Sct { signature: sequence(&[tlv(2, &[0, 1]), integer(&[1])]), ..sct("log a1", &entry) },
        ),
        (
            "signature-with-r-of-33-bytes",
            Sct { signature: sequence(&[tlv(2, &[1; 33]), integer(&[1])]), ..sct("log a1", &entry) },
        ),
        (
            "signature-with-three-integers",
            Sct { signature: sequence(&[integer(&[1]), integer(&[1]), integer(&[1])]), ..sct("log a1", &entry) },
        ),
        ("signature-empty", Sct { signature: vec![], ..sct("log a1", &entry) }),
    ] {
        case(&format!("left-out-{name}"), list(&[left_out, sct("log b1", &entry)]), Some(&[&other]));
    }
    let whole = list(&[sct("log a1", &entry)]);
    let bytes = one.bytes();
    for (name, broken) in [
        ("empty", vec![]),
        ("one-byte", vec![0]),
        ("length-too-large", [&[0xFF, 0xFF], &whole[2..]].concat()),
        ("byte-after-the-list", [&whole[..], &[0]].concat()),
        ("empty-sct", prefixed(&prefixed(&[]))),
        ("sct-cut-short", prefixed(&prefixed(&bytes[..bytes.len() - 1]))),
        ("sct-of-a-version-alone", prefixed(&prefixed(&[0]))),
        ("byte-after-the-signature", prefixed(&prefixed(&[&bytes[..], &[0]].concat()))),
        ("sct-length-too-large", prefixed(&[&[0xFF, 0xFF], &bytes[..]].concat())),
        ("good-one-then-broken-one", prefixed(&[prefixed(&bytes), vec![0, 5, 0]].concat())),
        ("without-outer-length", prefixed(&bytes)),
        ("wrapped-in-an-octet-string", tlv(0x04, &whole)),
    ] {
        case(&format!("broken-{name}"), broken, None);
    }
    suite
}

fn ocsp() -> Suite {
    let mut suite = Suite::new(
        "sct/ocsp.json",
        "ocsp",
        "The SCT list in a stapled OCSP response (RFC 6960): the list, `none`, or null where the response is broken.",
    );
    let scts = list(&[sct("log a1", &ct::Entry::Certificate(site().build()))]);
    let with_list = || single(GOOD, Some(&[ocsp_extension(&scts)]));
    let other_extension = || extension(&[0x2B, 1], &[]);
    let mut case = |name: &str, response: Vec<u8>, expect: Value| {
        suite.case(name, &["P-6.3"], json!({ "response": standard(&response) }), json!({ "list": expect }));
    };
    let found = || json!(standard(&scts));
    case("one-answer", Ocsp::new(vec![with_list()]).build(), found());
    case(
        "responder-by-name",
        Ocsp { responder: ct::responder_by_name(), ..Ocsp::new(vec![with_list()]) }.build(),
        found(),
    );
    case(
        "with-version",
        Ocsp {
            responder: [tlv(0xA0, &integer(&[0])), tlv(0xA2, &tlv(4, &[1; 20]))].concat(),
            ..Ocsp::new(vec![with_list()])
        }
        .build(),
        found(),
    );
    let certificates = tlv(0xA0, &sequence(&[site().build()]));
    case("with-certificates", Ocsp { after_signature: certificates, ..Ocsp::new(vec![with_list()]) }.build(), found());
    case(
        "list-among-other-extensions",
        Ocsp::new(vec![single(GOOD, Some(&[other_extension(), ocsp_extension(&scts), other_extension()]))]).build(),
        found(),
    );
    case("second-answer-has-the-list", Ocsp::new(vec![single(GOOD, None), with_list()]).build(), found());
    case("revoked", Ocsp::new(vec![single(&tlv(0xA1, &[]), Some(&[ocsp_extension(&scts)]))]).build(), found());
    case("status-unknown", Ocsp::new(vec![single(&[0x82, 0], Some(&[ocsp_extension(&scts)]))]).build(), found());
    case(
        "response-extensions-are-another-place",
        Ocsp { after: tlv(0xA1, &sequence(&[ocsp_extension(&scts)])), ..Ocsp::new(vec![single(GOOD, None)]) }.build(),
        json!("none"),
    );
    case("no-extensions", Ocsp::new(vec![single(GOOD, None)]).build(), json!("none"));
    case("other-extensions", Ocsp::new(vec![single(GOOD, Some(&[other_extension()]))]).build(), json!("none"));
    case("no-answer", Ocsp::new(vec![]).build(), json!("none"));
    case("error-response", sequence(&[tlv(0x0A, &[6])]), json!("none"));
    case("response-of-another-kind", Ocsp { kind: &[0x2B, 2], ..Ocsp::new(vec![with_list()]) }.build(), json!("none"));
    let good = Ocsp::new(vec![with_list()]).build();
    let cut_single = {
        let single = with_list();
        single[..single.len() - 1].to_vec()
    };
    for (name, response) in [
        ("empty", vec![]),
        ("byte-after-the-end", [&good[..], &[0]].concat()),
        ("cut-short", good[..good.len() - 1].to_vec()),
        ("not-a-sequence", tlv(0x31, &good)),
        ("without-status", sequence(&[])),
        ("list-in-two-answers", Ocsp::new(vec![with_list(), with_list()]).build()),
        (
            "list-twice-in-an-answer",
            Ocsp::new(vec![single(GOOD, Some(&[ocsp_extension(&scts), ocsp_extension(&scts)]))]).build(),
        ),
        ("list-without-octet-string", Ocsp::new(vec![single(GOOD, Some(&[extension(ct::OID_OCSP, &scts)]))]).build()),
        (
            "byte-after-the-list",
            Ocsp::new(vec![single(GOOD, Some(&[extension(ct::OID_OCSP, &[tlv(4, &scts), vec![0]].concat())]))]).build(),
        ),
        ("unknown-certificate-status", Ocsp::new(vec![single(&[0x83, 0], None)]).build()),
        ("unknown-responder", Ocsp { responder: tlv(0xA3, &[]), ..Ocsp::new(vec![with_list()]) }.build()),
        (
            "bytes-after-an-answers-extensions",
            Ocsp::new(vec![single_with(GOOD, Some(&[ocsp_extension(&scts)]), integer(&[1]))]).build(),
        ),
        ("bytes-after-the-signature", Ocsp { after_signature: integer(&[1]), ..Ocsp::new(vec![with_list()]) }.build()),
        ("bytes-after-the-body", Ocsp { after_body: integer(&[1]), ..Ocsp::new(vec![with_list()]) }.build()),
        ("answer-cut-short", Ocsp::new(vec![cut_single]).build()),
        ("bytes-after-the-answers", Ocsp { after: integer(&[1]), ..Ocsp::new(vec![with_list()]) }.build()),
        ("error-response-with-more", sequence(&[tlv(0x0A, &[6]), integer(&[1])])),
    ] {
        case(&format!("broken-{name}"), response, Value::Null);
    }
    suite
}

/// The TBSCertificate that a log signed: the certificate's without the SCT list, byte for byte.
fn precertificates() -> Suite {
    let mut suite = Suite::new(
        "sct/precertificates.json",
        "precertificate",
        "SHA-256 of the precertificate's TBSCertificate rebuilt from a certificate: the same bytes without the SCT list.",
    );
    let scts = || sct_extension(&list(&[sct("log a1", &ct::precertificate())]));
    let mut case = |name: &str, extensions: Vec<Vec<u8>>, without: Vec<Vec<u8>>| {
        let certificate = Certificate { extensions, ..site() }.build();
        let tbs = Certificate { extensions: without, ..site() }.tbs();
        suite.case(
            name,
            &["P-6.3"],
            json!({ "der": standard(&certificate) }),
            json!({ "tbs_sha256": standard(&crypto::sha256(&tbs)) }),
        );
    };
    let san = || subject_alt_name(&[San::Dns("a.example")]);
    let other = || extension(&[0x2B, 1], &[7; 5]);
    // DER would leave `critical` out where it is false; what stands there was signed and is kept.
    let odd = || sequence(&[crate::der::oid(&[0x2B, 2]), tlv(1, &[0]), tlv(4, &[])]);
    case("list-last", vec![san(), scts()], vec![san()]);
    case("list-first", vec![scts(), san()], vec![san()]);
    case("list-in-the-middle", vec![san(), scts(), other()], vec![san(), other()]);
    case("no-list", vec![san(), other()], vec![san(), other()]);
    case("unusual-encoding-is-kept", vec![san(), scts(), odd()], vec![san(), odd()]);
    case("lengths-shrink-to-one-byte", vec![other(), scts()], vec![other()]);
    case("list-alone", vec![scts()], vec![]);
    let long = || extension(&[0x2B, 3], &[7; 300]);
    case("lengths-stay-two-bytes", vec![long(), scts()], vec![long()]);
    suite
}
