//! Publishing as a whole, against vectors and against stores that really run.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod clouds;
mod objects;
mod probes;
mod trouble;
