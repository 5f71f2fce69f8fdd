//! The header, the adapters and the examples, as a C developer meets them: compiled by the machine's compiler, run
//! against servers that lie.
#![expect(clippy::string_slice, clippy::unwrap_used, reason = "tests: a panic is how a test fails")]

mod clients;
mod edge;
mod examples;
mod header;
mod workbench;
