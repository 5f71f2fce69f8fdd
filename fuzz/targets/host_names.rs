//! Any text as a host or an entry's name: one spelling, nothing foreign in it, and no host that others read as another.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pintle_core::{HostName, Name};
use url::Host;

fuzz_target!(|text: &str| {
    if let Ok(host) = HostName::parse(text) {
        assert_eq!(host.to_string(), text);
        assert_eq!(HostName::parse_connection(text).as_ref(), Ok(&host));
        assert_eq!(Name::parse(text), Ok(Name::Exact(host)));
    }
    if let Ok(name) = Name::parse(text) {
        assert_eq!(name.to_string(), text);
    }
    if let Ok(host) = HostName::parse_connection(text) {
        check_connection(text, &host);
    }
});

fn check_connection(text: &str, host: &HostName) {
    let canonical = host.to_string();
    assert_eq!(HostName::parse(&canonical).as_ref(), Ok(host));
    assert_eq!(HostName::parse_connection(&text.to_ascii_uppercase()).as_ref(), Ok(host));
    let others = match host {
        HostName::V6(_) => Host::parse(&format!("[{canonical}]")),
        _ => Host::parse(text),
    };
    match (host, others) {
        (HostName::Dns(name), others) => {
            check_grammar(name.as_str());
            match others {
                Ok(Host::Domain(other)) => assert_eq!(other.trim_end_matches('.'), name.as_str()),
                // Invalid Punycode: a stranger's refusal widens nothing.
                Err(_) => assert!(name.as_str().contains("xn--"), "{text:?}"),
                Ok(address) => panic!("{text:?} is a name to us and {address} to others"),
            }
        }
        (HostName::V4(address), others) => assert_eq!(others, Ok(Host::Ipv4(*address))),
        (HostName::V6(address), others) => assert_eq!(others, Ok(Host::Ipv6(*address))),
    }
}

/// The grammar of P-2.8, byte by byte.
fn check_grammar(name: &str) {
    assert!(name.len() <= 253);
    assert!(name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'.')), "{name:?}");
    for label in name.split('.') {
        let (first, last) = (label.bytes().next(), label.bytes().last());
        assert!(label.len() <= 63 && first.is_some_and(|b| b != b'-') && last.is_some_and(|b| b != b'-'), "{name:?}");
    }
}
