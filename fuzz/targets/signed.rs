//! Any header and payload (a newline between them), truly signed: what lies behind the signature check.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pintle_core::{Code, State, claims::Claims, verify};
use pintle_fuzz::{HEADER, NOW, ROOT, check_accepted, sign};
use serde_json::Value;

fuzz_target!(|data: &[u8]| {
    let (header, payload) = match data.iter().position(|byte| *byte == b'\n') {
        // Nothing before the newline stands for the usual header: what is tried then is the payload.
        Some(0) | None => (HEADER.as_bytes(), data.strip_prefix(b"\n").unwrap_or(data)),
        Some(end) => (&data[..end], &data[end + 1..]),
    };
    // Signing costs a hundred times what reading does, and what is no JSON is refused like everything else: some will do.
    let is_json = serde_json::from_slice::<Value>(payload).is_ok();
    if !is_json && !data.len().is_multiple_of(16) {
        return;
    }
    let file = sign(header, payload);
    match verify(file.as_bytes(), &ROOT, &State::default(), NOW) {
        Ok(accepted) => {
            check_accepted(file.as_bytes(), &accepted);
            let header: Value = serde_json::from_slice(header).expect("an accepted header is JSON");
            let expected: Value = serde_json::from_str(&HEADER).expect("ours");
            assert_eq!(header, expected, "nothing else may stand in a header without succession");
        }
        Err(error) => {
            assert_ne!(error.code(), Code::ConfigSignatureInvalid, "it was truly signed");
            // P-3.4 comes first: what is wrong with the claims is said before what they say.
            if header == HEADER.as_bytes() {
                match Claims::parse(payload) {
                    Err(of_claims) => assert_eq!(error, of_claims),
                    Ok(_) => assert!(matches!(
                        error.code(),
                        Code::ConfigWrongProject | Code::ConfigNotYetValid | Code::ConfigExpired
                    )),
                }
            }
        }
    }
});
