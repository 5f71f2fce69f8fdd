//! Writes `vectors/`: the language-neutral cases that every implementation of the protocol must pass.
//!
//! `cargo run -p pintle-sign --example make_vectors` writes the files anew; a second run changes nothing. Expected
//! outcomes are written here by hand, from reading the protocol; the program never asks `pintle-core` for one.
//!
//! THE PRIVATE KEYS ARE PUBLIC ON PURPOSE: each is the SHA-256 of its name. Never trust them anywhere.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a program for developers over its own constant data: stopping is the right answer to a mistake in it"
)]

mod certificate;
mod codes;
mod configuration;
mod ct;
mod decide;
mod der;
mod host;
mod key;
mod publishing;
mod scenario;
mod sct;
mod setup;
mod suite;
mod verify;

use std::{fs, path::PathBuf};

use suite::Suite;

fn main() -> std::io::Result<()> {
    for (path, contents) in make_files() {
        let path = folder().join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, contents)?;
    }
    Ok(())
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../vectors")
}

/// Path below `vectors/` and contents of every generated file.
fn make_files() -> Vec<(String, String)> {
    let suites: Vec<Suite> = [
        verify::make_suites(),
        decide::make_suites(),
        setup::make_suites(),
        host::make_suites(),
        certificate::make_suites(),
        sct::make_suites(),
        codes::make_suites(),
        scenario::make_suites(),
        publishing::make_suites(),
    ]
    .into_iter()
    .flatten()
    .collect();
    suites.iter().map(Suite::to_file).chain([key::to_file()]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn running_the_program_again_changes_nothing() {
        for (path, contents) in make_files() {
            let on_disk = fs::read_to_string(folder().join(&path)).unwrap_or_default();
            assert!(on_disk == contents, "vectors/{path} is not what this program writes: run it again");
        }
    }

    #[test]
    fn every_file_of_cases_was_written_by_this_program() {
        let written: BTreeSet<_> = make_files().into_iter().map(|(path, _)| folder().join(path)).collect();
        for kind in fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
            for file in fs::read_dir(kind).unwrap().map(|entry| entry.unwrap().path()) {
                assert!(written.contains(&file), "{} is not written by this program", file.display());
            }
        }
    }
}
