//! The steps of acceptance, their order and what they store (section 3).

use super::{Attempt, Verify, attempt};
use crate::{
    configuration::{self, MAX_INTEGER, NOW, State, claims_of, file, header, jws},
    key::key,
    suite::Suite,
};

const DAY: u64 = 86_400;
const ROLLBACK: &str = "config_rollback";
const EXPIRED: &str = "config_expired";
const NOT_YET: &str = "config_not_yet_valid";

fn signed(payload: &str) -> Attempt {
    attempt(file(&key("signing"), payload))
}

/// Claims of release `ver` issued at `iat`.
fn issued(ver: u64, iat: u64, more: &str) -> String {
    format!(r#"{{"fmt":1,"iss":"acme","sub":"app","ver":{ver},"iat":{iat},"domains":[]{more}}}"#)
}

pub(super) fn make_suite() -> Suite {
    let mut suite = Verify::new(
        "verify/order.json",
        "Acceptance: projects, clocks, floors, expiry; the first failing step names the code, and a refusal stores nothing.",
    );
    suite.0.share("bundles", "built today", configuration::bundle(&key("signing"), None, Some(NOW)));
    projects(&mut suite);
    clocks(&mut suite);
    floors(&mut suite);
    expiry(&mut suite);
    order(&mut suite);
    suite.0
}

fn projects(suite: &mut Verify) {
    for (name, from, to) in [
        ("another-organization", r#""acme""#, r#""acme2""#),
        ("another-project", r#""app""#, r#""app2""#),
        ("organization-in-capitals", r#""acme""#, r#""Acme""#),
        ("project-in-capitals", r#""app""#, r#""APP""#),
        ("organization-and-project-exchanged", r#""iss":"acme","sub":"app""#, r#""iss":"app","sub":"acme""#),
        ("organization-cut-short", r#""acme""#, r#""acm""#),
    ] {
        suite.refuses(name, &["P-3.5", "P-1.1"], signed(&claims_of(1, "").replace(from, to)), "config_wrong_project");
    }
}

fn clocks(suite: &mut Verify) {
    let day_ahead = issued(1, NOW + DAY, "");
    let state = State { time_floor: NOW + DAY, ..State::after(1, &day_ahead) };
    suite.accepts("iat-a-day-ahead", &["P-3.6", "P-3.9"], signed(&day_ahead), &state);
    suite.refuses("iat-a-day-and-a-second-ahead", &["P-3.6"], signed(&issued(1, NOW + DAY + 1, "")), NOT_YET);
    suite.refuses("iat-largest", &["P-3.6"], signed(&issued(1, MAX_INTEGER, "")), NOT_YET);
    let nbf = claims_of(1, &format!(r#","nbf":{}"#, NOW + DAY));
    suite.accepts("nbf-a-day-ahead", &["P-3.6"], signed(&nbf), &State::after(1, &nbf));
    suite.refuses(
        "nbf-a-day-and-a-second-ahead",
        &["P-3.6"],
        signed(&claims_of(1, &format!(r#","nbf":{}"#, NOW + DAY + 1))),
        NOT_YET,
    );
    let payload = claims_of(1, "");
    suite.refuses("clock-at-the-epoch", &["P-3.6", "P-3.12"], signed(&payload).at(0), NOT_YET);
    let at_epoch = signed(&payload).at(0).under("built today");
    suite.accepts(
        "clock-at-the-epoch-in-an-app-built-today",
        &["P-3.6", "P-1.1"],
        at_epoch,
        &State::after(1, &payload),
    );
    let built = signed(&issued(1, NOW + DAY + 1, "")).at(0).under("built today");
    suite.refuses("a-day-and-a-second-after-the-build", &["P-3.6"], built, NOT_YET);
    let old = issued(1, 0, "");
    suite.accepts(
        "old-files-without-exp-do-not-age",
        &["P-3.6"],
        signed(&old).at(MAX_INTEGER),
        &State { time_floor: 0, ..State::after(1, &old) },
    );
    // The time floor is no clock for iat: a file accepted from the future must not open the door for the next.
    let floor = State { time_floor: NOW + 10 * DAY, ..State::after(1, &payload) };
    let ahead = signed(&issued(2, NOW + 2 * DAY, "")).after(&floor);
    suite.refuses("iat-is-not-compared-with-the-time-floor", &["P-3.6"], ahead, NOT_YET);
}

fn floors(suite: &mut Verify) {
    let (one, five, six) = (claims_of(1, ""), claims_of(5, ""), claims_of(6, ""));
    let at_five = State::after(5, &five);
    suite.accepts("next-release", &["P-3.7", "P-3.9"], signed(&six).after(&at_five), &State::after(6, &six));
    let far = claims_of(MAX_INTEGER, "");
    suite.accepts(
        "release-numbers-may-jump",
        &["P-3.7"],
        signed(&far).after(&at_five),
        &State::after(MAX_INTEGER, &far),
    );
    suite.accepts("same-file-again", &["P-3.7"], signed(&five).after(&at_five), &at_five);
    let other_header = header(&key("signing"), " ");
    let again = jws(&key("signing"), other_header.as_bytes(), five.as_bytes());
    suite.accepts("same-claims-with-another-signature", &["P-3.7"], attempt(again).after(&at_five), &at_five);
    suite.refuses("earlier-release", &["P-3.7"], signed(&claims_of(4, "")).after(&at_five), ROLLBACK);
    suite.refuses("much-earlier-release", &["P-3.7"], signed(&one).after(&State::after(MAX_INTEGER, &far)), ROLLBACK);
    let newer_iat = issued(4, NOW + 100, "");
    suite.refuses("earlier-release-issued-later", &["P-3.7"], signed(&newer_iat).after(&at_five), ROLLBACK);
    let other_five = claims_of(5, r#","refresh":700"#);
    suite.refuses(
        "same-release-with-other-claims",
        &["P-3.7"],
        signed(&other_five).after(&at_five),
        "config_equivocation",
    );
    let re_spelled = format!("{five} ");
    suite.refuses(
        "same-release-spelled-in-another-way",
        &["P-3.7"],
        signed(&re_spelled).after(&at_five),
        "config_equivocation",
    );
    let older_iat = issued(6, NOW - 500, "");
    let kept = State::after(6, &older_iat);
    suite.accepts("time-floor-never-falls", &["P-3.9"], signed(&older_iat).after(&at_five), &kept);

    let withdrawn = claims_of(5, r#","withdrawn":true"#);
    let gone = State { withdrawn: true, ..State::after(5, &withdrawn) };
    suite.accepts(
        "withdrawal-over-an-earlier-release",
        &["P-7.5"],
        signed(&withdrawn).after(&State::after(1, &one)),
        &gone,
    );
    suite.accepts("withdrawal-again", &["P-7.5"], signed(&withdrawn).after(&gone), &gone);
    suite.accepts("higher-release-ends-a-withdrawal", &["P-7.5"], signed(&six).after(&gone), &State::after(6, &six));
    suite.refuses(
        "same-release-does-not-end-a-withdrawal",
        &["P-7.5", "P-3.7"],
        signed(&five).after(&gone),
        "config_equivocation",
    );
    suite.refuses(
        "earlier-release-does-not-end-a-withdrawal",
        &["P-7.5", "P-3.7"],
        signed(&one).after(&gone),
        ROLLBACK,
    );
}

fn expiry(suite: &mut Verify) {
    let exp = NOW + 1000;
    let fail = claims_of(1, &format!(r#","exp":{exp},"on_stale":"fail""#));
    let keep = claims_of(1, &format!(r#","exp":{exp}"#));
    let (failing, keeping) = (State::after(1, &fail), State::after(1, &keep));
    suite.accepts("a-second-before-exp", &["P-3.8"], signed(&fail).at(exp - 1), &failing);
    suite.refuses("at-exp", &["P-3.8"], signed(&fail).at(exp), EXPIRED);
    suite.refuses("after-exp", &["P-3.8"], signed(&fail).at(MAX_INTEGER), EXPIRED);
    suite.accepts("kept-a-second-before-exp", &["P-3.8"], signed(&keep).at(exp - 1), &keeping);
    suite.accepts_with("kept-at-exp", &["P-3.8", "P-2.4"], signed(&keep).at(exp), &keeping, true);
    let past = State { time_floor: exp, ..State::after(1, &fail) };
    suite.refuses(
        "clock-behind-but-time-floor-past-exp",
        &["P-3.8", "P-3.12"],
        signed(&fail).after(&past).at(NOW),
        EXPIRED,
    );
    let built = NOW - 1;
    let early = issued(1, built - 1000, &format!(r#","exp":{NOW},"on_stale":"fail""#));
    let attempt = signed(&early).at(built - 1000).under("built today");
    suite.refuses("clock-behind-but-app-built-after-exp", &["P-3.8", "P-3.12"], attempt, EXPIRED);
    let withdrawn = claims_of(1, &format!(r#","exp":{exp},"on_stale":"fail","withdrawn":true"#));
    suite.refuses("expired-withdrawal", &["P-3.8"], signed(&withdrawn).at(exp), EXPIRED);
}

/// Each file breaks two rules; the earlier step names the code.
fn order(suite: &mut Verify) {
    let (signing, foreign) = (key("signing"), key("foreign"));
    let at_five = State::after(5, &claims_of(5, ""));
    let far = NOW + 2 * DAY;
    for (name, attempt, code) in [
        (
            "header-before-key",
            attempt(jws(&foreign, header(&foreign, r#","crit":[]"#).as_bytes(), b"{}")),
            "config_malformed",
        ),
        ("key-before-signature", attempt(file_with_bad_signature(&foreign)), "config_key_unknown"),
        ("signature-before-claims", attempt(file_with_bad_signature(&signing)), "config_signature_invalid"),
        (
            "unsupported-before-project",
            signed(&claims_of(1, r#","on_stale":"x""#).replace("app", "other")),
            "config_unsupported",
        ),
        (
            "malformed-before-project",
            signed(&claims_of(1, r#","refresh":1"#).replace("app", "other")),
            "config_malformed",
        ),
        ("project-before-clock", signed(&issued(1, far, "").replace("app", "other")), "config_wrong_project"),
        (
            "project-before-floor",
            signed(&claims_of(1, "").replace("app", "other")).after(&at_five),
            "config_wrong_project",
        ),
        ("clock-before-floor", signed(&issued(1, far, "")).after(&at_five), NOT_YET),
        (
            "floor-before-expiry",
            signed(&claims_of(1, &format!(r#","exp":{},"on_stale":"fail""#, NOW + 1))).after(&at_five).at(NOW + 1),
            ROLLBACK,
        ),
        (
            "equivocation-before-expiry",
            signed(&claims_of(5, &format!(r#","exp":{},"on_stale":"fail""#, NOW + 1))).after(&at_five).at(NOW + 1),
            "config_equivocation",
        ),
    ] {
        suite.refuses(name, &["P-3.1", "P-3.2", "P-3.3", "P-3.4", "P-3.5", "P-3.6", "P-3.7", "P-3.8"], attempt, code);
    }
}

fn file_with_bad_signature(signer: &crate::key::Key) -> String {
    let file = file(signer, "not json");
    let (input, _) = file.rsplit_once('.').unwrap();
    format!("{input}.{}", "A".repeat(86))
}
