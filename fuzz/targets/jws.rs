//! Any bytes as a configuration file.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pintle_core::{State, verify};
use pintle_fuzz::{NOW, ROOT, check_accepted};

fuzz_target!(|file: &[u8]| {
    if let Ok(accepted) = verify(file, &ROOT, &State::default(), NOW) {
        check_accepted(file, &accepted);
    }
});
