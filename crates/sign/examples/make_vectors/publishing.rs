//! What a project publishes, and what authoring chooses (P-7.1, P-7.2, P-9.4).

use serde_json::json;

use crate::{
    configuration::{MAX_INTEGER, NOW},
    suite::Suite,
};

const CURRENT: &str = "public, max-age=60, stale-while-revalidate=30, stale-if-error=604800";
const FOR_EVER: &str = "public, max-age=31536000, immutable";

pub(crate) fn make_suites() -> Vec<Suite> {
    vec![objects(), paths(), authoring()]
}

fn objects() -> Suite {
    let mut suite =
        Suite::new("object/headers.json", "object", "The files of a project: where they lie and how they are served.");
    for (name, rules, path, media_type, cache_control) in [
        ("current-file", ["P-7.1", "P-7.2"], "acme/app/pins.jws", "application/jose", CURRENT),
        ("first-release", ["P-7.1", "P-7.2"], "acme/app/releases/1.jws", "application/jose", FOR_EVER),
        ("later-release", ["P-7.1", "P-7.2"], "acme/app/releases/4711.jws", "application/jose", FOR_EVER),
        ("bundle", ["P-7.1", "P-7.2"], "acme/app/pintle.json", "application/json", CURRENT),
    ] {
        suite.case(
            name,
            &rules,
            json!({ "path": path }),
            json!({ "media_type": media_type, "cache_control": cache_control }),
        );
    }
    suite
}

/// One file, one path.
fn paths() -> Suite {
    let mut suite = Suite::new("object/paths.json", "object", "Paths at which a project publishes nothing.");
    let last = format!("acme/app/releases/{MAX_INTEGER}.jws");
    suite.case(
        "last-release",
        &["P-2.4", "P-7.1"],
        json!({ "path": last }),
        json!({ "media_type": "application/jose", "cache_control": FOR_EVER }),
    );
    for (name, path) in [
        ("nothing", ""),
        ("organization", "acme"),
        ("project", "acme/app"),
        ("folder", "acme/app/"),
        ("capitals", "acme/app/PINS.jws"),
        ("other-file", "acme/app/index.html"),
        ("trailing-slash", "acme/app/pins.jws/"),
        ("leading-slash", "/acme/app/pins.jws"),
        ("no-organization", "/app/pins.jws"),
        ("no-project", "acme//pins.jws"),
        ("parent", "acme/../pins.jws"),
        ("detour", "acme/app/../app/pins.jws"),
        ("deeper", "acme/app/releases/x/1.jws"),
        ("releases", "acme/app/releases/"),
        ("release-without-number", "acme/app/releases/.jws"),
        ("release-without-ending", "acme/app/releases/1"),
        ("leading-zero", "acme/app/releases/01.jws"),
        ("sign", "acme/app/releases/+1.jws"),
        ("other-digits", "acme/app/releases/\u{661}.jws"),
        ("query", "acme/app/pins.jws?1"),
        ("id-with-a-dot", "acme.example/app/pins.jws"),
        ("escaped-slash", "acme%2Fapp/pins.jws"),
    ] {
        suite.case(name, &["P-7.1"], json!({ "path": path }), json!(null));
    }
    suite
}

fn authoring() -> Suite {
    let mut suite = Suite::new(
        "authoring/defaults.json",
        "authoring",
        "What the first release of a new project says where nobody chose.",
    );
    for (name, prepared_at) in [("now", NOW), ("later", NOW + 1_000_000)] {
        suite.case(
            &format!("nothing-chosen-{name}"),
            &["P-9.4", "P-2.4"],
            json!({ "prepared_at": prepared_at }),
            json!({
                "ver": 1, "iat": prepared_at, "exp": prepared_at + 7_776_000, "on_stale": "keep", "refresh": 600,
            }),
        );
    }
    suite
}
