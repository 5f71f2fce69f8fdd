//! Certificates for `decide`: well formed, signed by nobody. `core` judges no signature; a path builder does.

/// A leaf for `names` with a key made of `key`, valid from 2020 to 2040.
pub fn make_certificate(key: u8, names: &[&str]) -> Vec<u8> {
    make_certificate_with(key, names, &[])
}

/// The same with an extension that embeds `sct_list`.
pub fn make_certificate_embedding(key: u8, names: &[&str], sct_list: &[u8]) -> Vec<u8> {
    const SCT_LIST: &[u8] = &[0x2B, 0x06, 0x01, 0x04, 0x01, 0xD6, 0x79, 0x02, 0x04, 0x02];
    make_certificate_with(key, names, &sequence(&[tlv(0x06, SCT_LIST), tlv(0x04, &tlv(0x04, sct_list))]))
}

fn make_certificate_with(key: u8, names: &[&str], extension: &[u8]) -> Vec<u8> {
    const ECDSA_SHA256: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02];
    const EC_PUBLIC_KEY: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01];
    const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1D, 0x11];
    let algorithm = sequence(&[tlv(0x06, ECDSA_SHA256)]);
    let bits = |contents: &[u8]| tlv(0x03, &[&[0], contents].concat());
    let spki = sequence(&[sequence(&[tlv(0x06, EC_PUBLIC_KEY)]), bits(&[key; 65])]);
    let names: Vec<_> = names.iter().map(|name| tlv(0x82, name.as_bytes())).collect();
    let san = sequence(&[tlv(0x06, SUBJECT_ALT_NAME), tlv(0x04, &sequence(&names))]);
    let tbs = sequence(&[
        tlv(0xA0, &tlv(0x02, &[2])),
        tlv(0x02, &[1]),
        algorithm.clone(),
        sequence(&[]),
        sequence(&[tlv(0x17, b"200101000000Z"), tlv(0x17, b"400101000000Z")]),
        sequence(&[]),
        spki,
        tlv(0xA3, &sequence(&[san, extension.to_vec()])),
    ]);
    sequence(&[tbs, algorithm, bits(&[0])])
}

fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    tlv(0x30, &parts.concat())
}

fn tlv(tag: u8, contents: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match u16::try_from(contents.len()).expect("short") {
        short @ 0..=0x7F => out.push(short as u8),
        long => out.extend([&[0x82], &long.to_be_bytes()[..]].concat()),
    }
    // A length below 256 in two bytes would not be minimal.
    if out[1] == 0x82 && out[2] == 0 {
        out.splice(1..3, [0x81]);
    }
    out.extend_from_slice(contents);
    out
}
