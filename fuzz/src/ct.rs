//! Certificate Transparency for `decide`: three logs of two operators, and SCTs signed once.

use std::{
    cell::RefCell,
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

use pintle_core::{
    UnixTime,
    claims::CtLog,
    crypto::sha256,
    ct::{SctMemo, precertificate_tbs},
    der::Certificate,
};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair},
};

use crate::{make_key, public_key};

/// Logs 0 and 1 belong to one operator, 2 to another.
pub static LOGS: LazyLock<[(EcdsaKeyPair, CtLog); 3]> = LazyLock::new(|| {
    ["A", "A", "B"].map(|operator| {
        let key = make_key(&ECDSA_P256_SHA256_ASN1_SIGNING);
        let log = CtLog::new(public_key(&key), operator.to_owned(), None);
        (key, log)
    })
});

/// An SCT of `log` for the certificate `der` as it is.
pub fn sct(log: usize, der: &[u8], at: UnixTime) -> Vec<u8> {
    type Signed = HashMap<(usize, Vec<u8>, UnixTime), Vec<u8>>;
    thread_local!(static SIGNED: RefCell<Signed> = RefCell::default());
    SIGNED.with_borrow_mut(|signed| {
        let make = || make_sct(log, &[&[0, 0], &length(der)[..], der].concat(), at);
        signed.entry((log, der.to_vec(), at)).or_insert_with(make).clone()
    })
}

/// An SCT of `log` for the precertificate of `der`, issued under `issuer_spki`.
pub fn embedded_sct(log: usize, der: &[u8], issuer_spki: &[u8], at: UnixTime) -> Vec<u8> {
    let tbs = precertificate_tbs(&Certificate::parse(der).expect("readable")).expect("readable");
    make_sct(log, &[&[0, 1], &sha256(issuer_spki)[..], &length(&tbs), &tbs].concat(), at)
}

fn make_sct(log: usize, entry: &[u8], at: UnixTime) -> Vec<u8> {
    let (key, log) = &LOGS[log];
    let timestamp = (at.as_secs() * 1000).to_be_bytes();
    let message = [&[0, 0], &timestamp[..], entry, &[0, 0]].concat();
    let signature = key.sign(&SystemRandom::new(), &message).expect("signing");
    [&[0], &log.id()[..], &timestamp, &[0, 0, 4, 3], &prefixed(signature.as_ref())].concat()
}

/// A SignedCertificateTimestampList.
pub fn sct_list(scts: &[Vec<u8>]) -> Vec<u8> {
    prefixed(&scts.iter().flat_map(|sct| prefixed(sct)).collect::<Vec<_>>())
}

fn prefixed(bytes: &[u8]) -> Vec<u8> {
    [&u16::try_from(bytes.len()).expect("short").to_be_bytes()[..], bytes].concat()
}

fn length(bytes: &[u8]) -> [u8; 3] {
    let [.., high, middle, low] = bytes.len().to_be_bytes();
    [high, middle, low]
}

/// Lets a log's signature be checked once: checking costs more than everything else here.
#[derive(Debug, Default)]
pub struct Memo(RefCell<HashSet<[u8; 32]>>);

impl SctMemo for Memo {
    fn holds(&self, signed_sct: &[u8; 32]) -> bool {
        self.0.borrow().contains(signed_sct)
    }

    fn remember(&self, signed_sct: [u8; 32]) {
        self.0.borrow_mut().insert(signed_sct);
    }
}
