//! Any bytes as an SCT list, as an OCSP response that carries one, and as a certificate that embeds one.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pintle_core::{
    ct::{embedded_scts, ocsp_sct_list, parse_list, precertificate_tbs},
    der::Certificate,
};
use x509_cert::{Certificate as Oracle, TbsCertificate, der::Decode};

/// Contents octets of 1.3.6.1.4.1.11129.2.4.2.
const SCT_LIST: &[u8] = &[0x2B, 0x06, 0x01, 0x04, 0x01, 0xD6, 0x79, 0x02, 0x04, 0x02];

fuzz_target!(|data: &[u8]| {
    let _ = parse_list(data).map(|scts| check_list(data, scts.len()));
    if let Ok(Some(list)) = ocsp_sct_list(data) {
        let _ = parse_list(list);
    }
    let Ok(certificate) = Certificate::parse(data) else { return };
    let _ = embedded_scts(&certificate);
    let Ok(tbs) = precertificate_tbs(&certificate) else { return };
    let had: Vec<_> = certificate.extensions().map(|extension| extension.expect("read before")).collect();
    let kept: Vec<_> = had.iter().filter(|extension| extension.oid != SCT_LIST).collect();
    if kept.len() == had.len() {
        // Nothing to take out: the bytes as they stand, after one to four of the certificate's own length.
        assert!((2..=5).any(|start| data[start..].starts_with(&tbs)));
        return;
    }
    // Another reader finds the same in it as in the certificate, but for the list.
    let Ok(oracle) = Oracle::from_der(data) else { return };
    let rebuilt = TbsCertificate::from_der(&tbs).expect("what the oracle read it reads again");
    let extensions = rebuilt.extensions().map(Vec::as_slice).unwrap_or_default();
    let extensions = extensions.iter().map(|extension| (extension.extn_id.as_bytes(), extension.extn_value.as_bytes()));
    assert!(extensions.eq(kept.iter().map(|extension| (extension.oid, extension.value))));
    let tbs = oracle.tbs_certificate();
    assert_eq!(rebuilt.serial_number(), tbs.serial_number());
    assert_eq!((rebuilt.issuer(), rebuilt.subject()), (tbs.issuer(), tbs.subject()));
    assert_eq!(rebuilt.subject_public_key_info(), tbs.subject_public_key_info());
    assert_eq!(rebuilt.validity(), tbs.validity());
});

/// The list is exactly a run of length-prefixed elements, and no more SCTs come out than elements stand in it.
fn check_list(list: &[u8], count: usize) {
    let mut rest = &list[2..];
    assert_eq!(usize::from(u16::from_be_bytes([list[0], list[1]])), rest.len());
    let mut elements = 0;
    while let [high, low, after @ ..] = rest {
        rest = &after[usize::from(u16::from_be_bytes([*high, *low]))..];
        elements += 1;
    }
    assert!(rest.is_empty() && count <= elements);
}
