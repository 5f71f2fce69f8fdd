//! Nothing needs the internet: in a network of its own, in which there is nothing but loopback.

use std::io::Write as _;

use crate::workshop::Workshop;

/// From an empty folder to what an app embeds and fetches: the mirror verifies it as an app does. Guard and monitor are on, and
/// look for a host that nobody finds here.
const ROAD: &str = r#"
ip link set lo up
pintle serve --data-dir data --listen 127.0.0.1:8440 >said 2>log &
server=$!
trap 'kill $server; wait $server || true' EXIT
until grep -q 'pintle_' said; do kill -0 $server; sleep 0.1; done
grep -o 'pintle_[A-Za-z0-9_]*' said | head -n 1 >token
pintle login --server http://127.0.0.1:8440 --token-file token
pintle orgs create Acme
pintle projects create shop
pintle keys generate
pintle keys register
pintle domains add api.example.com
pintle pins add api.example.com --pin spki-sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= --label today
pintle pins add api.example.com --pin spki-sha256:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE= --label backup
pintle release --yes
pintle bundle
pintle mirror --bundle pintle.json --archive carried.jws --once
pintle demo
"#;

#[cfg(target_os = "linux")]
#[test]
fn from_an_empty_folder_to_a_release_without_the_internet() {
    let workshop = Workshop::open();
    let alone = "unshare --net --map-root-user sh -euc";
    let allowed = workshop.shell(&format!("{alone} 'ip link set lo up'"), &[]);
    if allowed.status != 0 {
        let why = allowed.stderr.trim();
        writeln!(std::io::stderr(), "SKIPPED: from_an_empty_folder_to_a_release_without_the_internet: {why}").unwrap();
        return;
    }
    workshop.write("road.sh", ROAD);
    let run = workshop.shell("unshare --net --map-root-user sh -eu road.sh", &[]);
    assert_eq!(run.status, 0, "{run:?}");
    assert!(run.stderr.contains("warning[unreachable:api.example.com]"), "{run:?}");
}
