//! Any bytes as the state an SDK stored: what is read can be written, and means the same again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pintle_sdk::Memory;

fuzz_target!(|stored: &[u8]| {
    if let Ok(memory) = Memory::parse_json(stored) {
        assert_eq!(Memory::parse_json(&memory.to_json()), Ok(memory));
    }
});
