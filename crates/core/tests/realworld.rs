//! Certificate Transparency against what the world really issued: chains of public sites, and log lists of browsers.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test: broken material stops it")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use base64ct::{Base64, Encoding};
use pintle_core::{
    HostName, PublicKey, UnixTime,
    claims::CtLog,
    crypto,
    ct::{LogEntry, UnverifiedSct, embedded_scts, precertificate_tbs},
    der::Certificate,
};
use serde_json::Value;

/// The material, or nothing after having said so.
#[expect(clippy::disallowed_methods, reason = "where the material lies is told by the environment")]
fn folder(test: &str) -> Option<PathBuf> {
    let usual = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/realworld");
    let folder = std::env::var_os("PINTLE_REALWORLD").map_or_else(usual, PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    let mut stderr = std::io::stderr();
    let why = "no real chains and log lists; $PINTLE_REALWORLD tells where they lie";
    writeln!(stderr, "SKIPPED: {test}: {why}").unwrap();
    None
}

#[expect(clippy::disallowed_methods, reason = "the material is files")]
fn read(folder: &Path, file: &str) -> String {
    fs::read_to_string(folder.join(file)).unwrap()
}

/// Host and chain, leaf first, root included.
fn chains(folder: &Path) -> Vec<(String, Vec<Vec<u8>>)> {
    let index: Value = serde_json::from_str(&read(folder, "chains.json")).unwrap();
    let entries = index.as_array().unwrap().iter();
    let chains: Vec<_> = entries
        .map(|entry| {
            let text = read(folder, entry["file"].as_str().unwrap());
            let chain = pem::parse_many(text).unwrap().into_iter().map(pem::Pem::into_contents).collect();
            (entry["host"].as_str().unwrap().to_owned(), chain)
        })
        .collect();
    assert!(chains.len() >= 5, "the index of the chains is nearly empty");
    chains
}

/// The P-256 logs of a list in the v3 form, by id.
fn logs(folder: &Path, file: &str) -> BTreeMap<[u8; 32], CtLog> {
    let list: Value = serde_json::from_str(&read(folder, file)).unwrap();
    let mut logs = BTreeMap::new();
    for operator in list["operators"].as_array().unwrap() {
        let name = operator["name"].as_str().unwrap();
        let both = ["logs", "tiled_logs"].into_iter().filter_map(|kind| operator[kind].as_array());
        for log in both.flatten() {
            if let Ok(key) = PublicKey::parse_base64(log["key"].as_str().unwrap()) {
                let log_made = CtLog::new(key, name.to_owned(), None);
                assert_eq!(Base64::encode_string(log_made.id()), log["log_id"].as_str().unwrap());
                logs.insert(*log_made.id(), log_made);
            }
        }
    }
    logs
}

/// Asks `judge` about every SCT of every leaf, with the entry it was issued for.
fn for_each_sct(folder: &Path, mut judge: impl FnMut(&str, &UnverifiedSct<'_>, LogEntry<'_>)) {
    for (host, chain) in chains(folder) {
        let leaf = Certificate::parse(&chain[0]).unwrap();
        let issuer = Certificate::parse(&chain[1]).unwrap();
        let tbs = precertificate_tbs(&leaf).unwrap();
        let scts = embedded_scts(&leaf).unwrap();
        assert!(scts.len() >= 2, "{host} has {} SCTs", scts.len());
        for sct in &scts {
            let issuer_key_hash = crypto::sha256(issuer.spki());
            judge(&host, sct, LogEntry::Precertificate { issuer_key_hash, tbs: &tbs });
        }
    }
}

#[test]
fn every_sct_of_real_chains_verifies_with_a_list_of_their_time() {
    let Some(folder) = folder("every_sct_of_real_chains_verifies_with_a_list_of_their_time") else { return };
    let logs = logs(&folder, "log_list_2026-01_chrome.json");
    let mut verified = 0;
    for_each_sct(&folder, |host, sct, entry| {
        let id = Base64::encode_string(sct.log_id);
        let log = logs.get(sct.log_id).unwrap_or_else(|| panic!("{host}: the list does not know {id}"));
        assert!(sct.is_signed_by(log, entry), "{host}: the SCT of {id} ({}) does not verify", log.operator());
        verified += 1;
    });
    assert!(verified >= 16, "{verified} SCTs were verified");
}

#[test]
fn a_later_list_no_longer_knows_some_logs_and_the_rest_verifies() {
    let Some(folder) = folder("a_later_list_no_longer_knows_some_logs_and_the_rest_verifies") else { return };
    let logs = logs(&folder, "log_list_2026-08_mozilla.json");
    let (mut verified, mut unknown) = (0, BTreeSet::new());
    for_each_sct(&folder, |host, sct, entry| match logs.get(sct.log_id) {
        Some(log) => {
            assert!(sct.is_signed_by(log, entry), "{host}: an SCT of {} does not verify", log.operator());
            verified += 1;
        }
        None => {
            unknown.insert(Base64::encode_string(sct.log_id));
        }
    });
    assert!(verified > 0 && !unknown.is_empty(), "{verified} verified; unknown: {unknown:?}");
}

#[test]
fn no_sct_verifies_under_another_log_or_another_issuer() {
    let Some(folder) = folder("no_sct_verifies_under_another_log_or_another_issuer") else { return };
    let logs = logs(&folder, "log_list_2026-01_chrome.json");
    for_each_sct(&folder, |host, sct, entry| {
        let log = &logs[sct.log_id];
        let LogEntry::Precertificate { tbs, .. } = entry else { panic!("an embedded SCT is of a precertificate") };
        let forged = LogEntry::Precertificate { issuer_key_hash: [0; 32], tbs };
        assert!(!sct.is_signed_by(log, forged), "{host}: verifies under another issuer");
        let other = logs.values().find(|other| other.id() != log.id()).unwrap();
        assert!(!sct.is_signed_by(other, entry), "{host}: verifies under another log");
        // A log does not sign its own id.
        let mut claimed = *sct;
        claimed.log_id = other.id();
        assert!(!claimed.is_signed_by(log, entry), "{host}: verifies although it names another log");
    });
}

#[test]
fn real_certificates_cover_their_hosts_while_they_are_valid() {
    let Some(folder) = folder("real_certificates_cover_their_hosts_while_they_are_valid") else { return };
    for (host, chain) in chains(&folder) {
        let leaf = Certificate::parse(&chain[0]).unwrap();
        assert!(leaf.covers(&HostName::parse(&host).unwrap()).unwrap(), "{host}");
        assert!(!leaf.covers(&HostName::parse("pintle.invalid").unwrap()).unwrap(), "{host}");
        assert!(leaf.is_valid_at(leaf.not_before()) && !leaf.is_valid_at(UnixTime::from_secs(0)), "{host}");
        assert!(leaf.not_before() > UnixTime::from_secs(1_700_000_000), "{host} was issued after 2023");
        for pair in chain.windows(2) {
            let (below, above) = (Certificate::parse(&pair[0]).unwrap(), Certificate::parse(&pair[1]).unwrap());
            assert_eq!(below.issuer(), above.subject(), "{host}");
        }
    }
}
