//! Shows, without a bare-metal target, that `pintle-core` with its pure-Rust crypto needs no std: this crate defines the
//! panic handler itself, and if any dependency, however deep, linked std, rustc would stop with
//! ``error[E0152]: found duplicate lang item `panic_impl` ``. Compiling shows that; nothing needs to be linked.
//!
//! Seen to fail, by hand, with `extern crate std` in core and with the `std` feature of `serde_json` switched on by core.
#![no_std]

use core::panic::PanicInfo;

// Without a use of it rustc would not even load the crate.
use pintle_core as _;

#[panic_handler]
fn never_called(_: &PanicInfo<'_>) -> ! {
    loop {}
}
