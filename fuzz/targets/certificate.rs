//! Any bytes as a certificate, with `x509-cert` as oracle: what both read, they read alike.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pintle_core::{HostName, der::Certificate};
use x509_cert::{
    Certificate as Oracle,
    der::{Decode, Encode},
    ext::pkix::{SubjectAltName, name::GeneralName},
};

fuzz_target!(|der: &[u8]| {
    let Ok(ours) = Certificate::parse(der) else { return };
    // Views of the input, never copies of something like it.
    let lies_in_input =
        |part: &[u8]| der.as_ptr_range().contains(&part.as_ptr()) && part.as_ptr_range().end <= der.as_ptr_range().end;
    assert_eq!(ours.der(), der);
    for part in [ours.spki(), ours.issuer(), ours.subject(), ours.before_extensions()] {
        assert!(!part.is_empty() && lies_in_input(part));
    }
    let Ok(oracle) = Oracle::from_der(der) else { return };
    let tbs = oracle.tbs_certificate();
    assert_eq!(ours.spki(), tbs.subject_public_key_info().to_der().expect("DER"));
    assert_eq!(ours.issuer(), tbs.issuer().to_der().expect("DER"));
    assert_eq!(ours.subject(), tbs.subject().to_der().expect("DER"));
    let validity = tbs.validity();
    assert_eq!(ours.not_before().as_secs(), validity.not_before.to_unix_duration().as_secs());
    assert_eq!(ours.not_after().as_secs(), validity.not_after.to_unix_duration().as_secs());
    let theirs = tbs.extensions().map(Vec::as_slice).unwrap_or_default();
    let ours_extensions: Vec<_> = ours.extensions().map(|extension| extension.expect("read before")).collect();
    assert_eq!(ours_extensions.len(), theirs.len());
    for (ours, theirs) in ours_extensions.iter().zip(theirs) {
        assert_eq!((ours.oid, ours.value), (theirs.extn_id.as_bytes(), theirs.extn_value.as_bytes()));
        assert!(lies_in_input(ours.whole));
    }
    if let Ok(Some((_, names))) = tbs.get_extension::<SubjectAltName>() {
        check_names(&ours, &names);
    }
});

/// A host is covered if and only if one of the names the oracle reads covers it.
fn check_names(ours: &Certificate<'_>, names: &SubjectAltName) {
    for name in &names.0 {
        match name {
            GeneralName::DnsName(name) => {
                let host = HostName::parse(&name.as_str().to_ascii_lowercase().replacen("*.", "any.", 1));
                if let Ok(host @ HostName::Dns(_)) = host
                    && (!name.as_str().contains('*') || name.as_str().starts_with("*."))
                {
                    assert_eq!(ours.covers(&host), Ok(true), "{host}");
                }
            }
            GeneralName::IpAddress(address) => {
                let host = match *address.as_bytes() {
                    [a, b, c, d] => HostName::V4([a, b, c, d].into()),
                    ref other => match <[u8; 16]>::try_from(other) {
                        Ok(octets) => HostName::V6(octets.into()),
                        Err(_) => continue,
                    },
                };
                assert_eq!(ours.covers(&host), Ok(true), "{host}");
            }
            _ => {}
        }
    }
    let stranger = HostName::parse("stranger.invalid.example").expect("a host");
    let may_cover = |name: &GeneralName| {
        matches!(name, GeneralName::DnsName(name) if {
            let name = name.as_str().to_ascii_lowercase();
            name == "stranger.invalid.example" || name == "*.invalid.example"
        })
    };
    if let Ok(covers) = ours.covers(&stranger) {
        assert_eq!(covers, names.0.iter().any(may_cover));
    }
}
