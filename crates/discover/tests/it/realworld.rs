//! Log lists as browsers publish them, and SCTs as real sites carry them.

use std::{
    collections::BTreeMap,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use pintle_core::{UnixTime, ct::embedded_scts, der::Certificate};
use pintle_discover::{LeftOutReason, LogList, parse_certificates, parse_log_list};

/// The material, or nothing after having said so.
fn folder(test: &str) -> Option<PathBuf> {
    let usual = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/realworld");
    let folder = std::env::var_os("PINTLE_REALWORLD").map_or_else(usual, PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    let why = "no real chains and log lists; $PINTLE_REALWORLD tells where they lie";
    let mut stderr = std::io::stderr();
    writeln!(stderr, "SKIPPED: {test}: {why}").unwrap();
    None
}

fn read(folder: &Path, file: &str) -> LogList {
    parse_log_list(&fs::read(folder.join(file)).unwrap()).unwrap()
}

/// How many logs were left out, by reason.
fn count(list: &LogList) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for log in &list.left_out {
        *counts.entry(log.reason.to_string()).or_default() += 1;
    }
    counts
}

fn counts<const N: usize>(expected: [(LeftOutReason, usize); N]) -> BTreeMap<String, usize> {
    expected.into_iter().map(|(reason, number)| (reason.to_string(), number)).collect()
}

#[test]
fn reads_the_list_of_chrome() {
    let Some(folder) = folder("reads_the_list_of_chrome") else { return };
    let list = read(&folder, "log_list_2026-01_chrome.json");
    assert_eq!(list.as_of, Some(UnixTime::from_secs(1_767_358_621)));
    assert_eq!(list.accepted.len(), 71);
    assert_eq!(list.accepted.iter().filter(|log| log.log.usable_until().is_some()).count(), 9);
    assert_eq!(count(&list), counts([(LeftOutReason::Retired, 4)]));
}

#[test]
fn reads_the_list_of_apple_which_does_not_say_when_it_was_made() {
    let Some(folder) = folder("reads_the_list_of_apple_which_does_not_say_when_it_was_made") else { return };
    let list = read(&folder, "log_list_2026-08_apple.json");
    assert_eq!(list.as_of, None);
    assert_eq!(list.accepted.len(), 57);
    assert_eq!(list.accepted.iter().filter(|log| log.log.usable_until().is_some()).count(), 6);
    assert_eq!(count(&list), counts([(LeftOutReason::Rejected, 108), (LeftOutReason::Pending, 1)]));
}

#[test]
fn reads_the_list_of_mozilla_which_keeps_past_states() {
    let Some(folder) = folder("reads_the_list_of_mozilla_which_keeps_past_states") else { return };
    let list = read(&folder, "log_list_2026-08_mozilla.json");
    assert_eq!(list.as_of, Some(UnixTime::from_secs(1_786_478_747)));
    assert_eq!(list.accepted.len(), 45);
    assert_eq!(count(&list), counts([(LeftOutReason::Retired, 3)]));
}

#[test]
fn every_sct_of_real_sites_counts_under_the_list_of_their_time() {
    let Some(folder) = folder("every_sct_of_real_sites_counts_under_the_list_of_their_time") else { return };
    let list = read(&folder, "log_list_2026-01_chrome.json");
    let mut counted = 0;
    for entry in fs::read_dir(folder.join("chains")).unwrap() {
        let path = entry.unwrap().path();
        let chain = parse_certificates(&fs::read(&path).unwrap()).unwrap();
        for sct in embedded_scts(&Certificate::parse(chain.first().unwrap()).unwrap()).unwrap() {
            let listed = list.accepted.iter().find(|listed| listed.log.id() == sct.log_id).unwrap();
            let in_time = listed.log.usable_until().is_none_or(|at| sct.timestamp_millis <= at.as_secs() * 1000);
            assert!(in_time, "{}: {} had closed", path.display(), listed.name);
            counted += 1;
        }
    }
    assert!(counted >= 16, "{counted} SCTs were looked at");
}
