//! What holds for any input: readers return, and what they accept has one spelling.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test: broken material stops it")]

use pintle_core::{
    HostName, Name, Root, State, UnixTime,
    claims::Claims,
    ct::{embedded_scts, ocsp_sct_list, parse_list, precertificate_tbs},
    der::Certificate,
    verify,
};
use proptest::{collection::vec, prelude::*, sample::Index};

const BUNDLE: &str = r#"{"organization":"acme","project":"app","urls":["https://cdn.example/a"],"public_key":"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEXH8UTNG72bfocs3+257rn0s2ldbqkLJK2KRiMohYjlrQ=="}"#;
const PAYLOAD: &str = r#"{"fmt":1,"iss":"acme","sub":"app","ver":1,"iat":1,"domains":[{"name":"*.a.example","enforce":50,"pins":[
{"type":"spki-sha256","digest":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","match":"any","expires_at":9}]}]}"#;

fn read_everything(bytes: &[u8]) {
    let root = Root::parse_bundle(BUNDLE.as_bytes()).unwrap();
    let now = UnixTime::from_secs(1_800_000_000);
    assert!(verify(bytes, &root, &State::default(), now).is_err(), "nobody here holds the key");
    let _ = (Claims::parse(bytes), parse_list(bytes), ocsp_sct_list(bytes));
    if let Ok(root) = Root::parse_bundle(bytes) {
        assert_eq!(Root::parse_bundle(root.to_bundle_json().as_bytes()), Ok(root));
    }
    if let Ok(certificate) = Certificate::parse(bytes) {
        let _ = (embedded_scts(&certificate), precertificate_tbs(&certificate));
    }
}

/// `bytes` with some of them replaced.
fn change(mut bytes: Vec<u8>, changes: Vec<(Index, u8)>) -> Vec<u8> {
    for (place, byte) in changes {
        let place = place.index(bytes.len());
        bytes[place] = byte;
    }
    bytes
}

proptest! {
    #[test]
    fn readers_return_whatever_they_are_given(bytes in vec(any::<u8>(), 0..512)) {
        read_everything(&bytes);
    }

    #[test]
    fn readers_return_whatever_was_changed(
        valid in prop_oneof![Just(BUNDLE), Just(PAYLOAD)],
        changes in vec((any::<Index>(), any::<u8>()), 0..4),
    ) {
        read_everything(&change(valid.into(), changes));
    }

    #[test]
    fn a_name_has_one_spelling(text in r"(\*{0,3}\.)?[a-z0-9_.:-]{0,24}") {
        if let Ok(name) = Name::parse(&text) {
            prop_assert_eq!(name.to_string(), text.as_str());
        }
        if let Ok(host) = HostName::parse(&text) {
            prop_assert_eq!(host.to_string(), text);
        }
    }

    #[test]
    fn a_connections_host_means_one_name(text in r"\[?[A-Za-z0-9_.:-]{0,24}\]?") {
        if let Ok(host) = HostName::parse_connection(&text) {
            prop_assert_eq!(HostName::parse(&host.to_string()), Ok(host.clone()));
            prop_assert_eq!(HostName::parse_connection(&text.to_ascii_uppercase()), Ok(host));
        }
    }
}
