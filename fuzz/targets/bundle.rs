//! Any bytes as `pintle.json`: what is read can be written, and its URLs mean to others what they mean to us.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pintle_core::{HostName, Root};
use url::{Host, ParseError, Url};

fuzz_target!(|bundle: &[u8]| {
    let strict = Root::parse_bundle(bundle);
    let loopback = Root::dangerous_parse_bundle_with_http_loopback(bundle);
    if let Ok(root) = &strict {
        assert_eq!(loopback.as_ref().ok(), Some(root), "the dangerous door only widens");
        assert!(root.urls().iter().all(|url| url.as_str().starts_with("https://")));
    }
    let Ok(root) = loopback else { return };
    let written = root.to_bundle_json();
    assert_eq!(Root::dangerous_parse_bundle_with_http_loopback(written.as_bytes()).as_ref(), Ok(&root));
    for base in root.urls() {
        let text = root.pointer_url(base);
        let url = match Url::parse(&text) {
            Ok(url) => url,
            // Found by this target: `xn--` before what no A-label is. Readers go nowhere with it, which is a failed fetch.
            Err(ParseError::IdnaError) => continue,
            Err(error) => panic!("{text} is no URL to others: {error}"),
        };
        assert!(url.username().is_empty() && url.password().is_none(), "{text}");
        assert!(url.query().is_none() && url.fragment().is_none(), "{text}");
        let end = format!("/{}/{}/pins.jws", root.organization(), root.project());
        assert!(url.path().ends_with(&end), "{text}");
        let loopback = match url.host().expect("a host") {
            Host::Domain(name) => match HostName::parse_connection(name) {
                Ok(HostName::Dns(name)) => name.as_str() == "localhost",
                other => panic!("{text}: {other:?}"),
            },
            Host::Ipv4(address) => address.is_loopback(),
            Host::Ipv6(address) => address.is_loopback(),
        };
        assert!(url.scheme() == "https" || (url.scheme() == "http" && loopback), "{text}");
    }
});
