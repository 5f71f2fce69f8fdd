//! Any bytes as a payload: what is read can be written, and the writing is a fixed point.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pintle_core::claims::Claims;
use pintle_sign::canonical_claims;
use serde_json::Value;

fuzz_target!(|payload: &[u8]| {
    let Ok(claims) = Claims::parse(payload) else { return };
    let canonical = canonical_claims(&claims);
    let again = Claims::parse(&canonical).expect("canonical claims are claims");
    assert_eq!(again, claims);
    assert_eq!(canonical_claims(&again), canonical);
    // Another reader takes it for JSON too, and sees the same numbers and names.
    let value: Value = serde_json::from_slice(payload).expect("claims are JSON");
    assert_eq!(value["ver"].as_u64(), Some(claims.version));
    assert_eq!(value["iat"].as_u64(), Some(claims.issued_at.as_secs()));
    assert_eq!(value["iss"].as_str(), Some(claims.organization.as_str()));
    let names: Vec<String> = claims.domains.iter().map(|domain| domain.name.to_string()).collect();
    let seen: Option<Vec<&str>> =
        value["domains"].as_array().expect("an array").iter().map(|d| d["name"].as_str()).collect();
    assert_eq!(seen.expect("names"), names);
});
