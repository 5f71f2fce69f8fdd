//! The stable codes (P-8.1).

use serde_json::json;

use crate::suite::Suite;

const CODES: [&str; 30] = [
    "setup_invalid",
    "already_set_up",
    "fetch_failed",
    "store_failed",
    "config_too_large",
    "config_malformed",
    "config_key_unknown",
    "config_signature_invalid",
    "config_unsupported",
    "config_wrong_project",
    "config_not_yet_valid",
    "config_rollback",
    "config_equivocation",
    "config_expired",
    "config_stale",
    "config_missing",
    "config_withdrawn",
    "host_invalid",
    "certificate_unparsable",
    "key_denied",
    "domain_not_registered",
    "platform_rejected",
    "certificate_name_mismatch",
    "certificate_not_valid",
    "all_pins_expired",
    "pin_mismatch",
    "ct_not_satisfied",
    "ct_list_stale",
    "retry_after_refresh",
    "internal_error",
];

pub(crate) fn make_suites() -> Vec<Suite> {
    let mut suite =
        Suite::new("codes/codes.json", "codes", "Every stable code: an implementation knows exactly these.");
    suite.case("every-code", &["P-8.1", "P-4.9"], json!({}), json!({ "codes": CODES }));
    vec![suite]
}
