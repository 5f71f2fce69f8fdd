//! Journeys through what ships: the built binary, run as a user runs it. Whatever is not as expected is a panic, which is how
//! a test fails.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

pub mod clock;
pub mod fleet;
pub mod oidc;
pub mod page;
pub mod world;

use std::{
    ffi::OsStr,
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// A running server; ended at once, without a chance to tidy up, when dropped.
#[derive(Debug)]
pub struct Server(Child);

impl Server {
    /// On a free port unless `more` says where, with its data in `data`; its first token is left in `token`. Also its URL.
    ///
    /// # Panics
    /// It does not start.
    #[must_use]
    pub fn start(folder: &Path, more: &[&str]) -> (Self, String) {
        let (server, output) = Self::spawn(folder, more);
        let mut lines = BufReader::new(output).lines().map(Result::unwrap);
        let ready = lines.find(|line| line.starts_with("Pintle is ready")).unwrap();
        let token = folder.join("token");
        if !token.exists() {
            let shown = lines.find(|line| line.trim().starts_with("pintle_")).unwrap();
            fs::write(token, shown.trim()).unwrap();
        }
        (server, ready.rsplit(' ').next().unwrap().to_owned())
    }

    /// The same without waiting for it; what it writes to standard output.
    ///
    /// # Panics
    /// There is no binary.
    #[must_use]
    pub fn spawn(folder: &Path, more: &[&str]) -> (Self, std::process::ChildStdout) {
        let arguments = ["serve", "--data-dir", "data", "--log", "error"];
        let listen: &[&str] = if more.contains(&"--listen") { &[] } else { &["--listen", "127.0.0.1:0"] };
        let mut command = command(folder, &[&arguments[..], listen, more].concat());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let output = child.stdout.take().unwrap();
        (Self(child), output)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Already ended, or ends now.
        let _ended = self.0.kill().and_then(|()| self.0.wait());
    }
}

fn binary() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let binary = tests.parent().and_then(Path::parent).unwrap().join("pintle");
    assert!(binary.exists(), "the binary is built by `cargo xtask test`, or by `cargo build --package pintle`");
    binary
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = cleared(folder, binary());
    command.args(arguments);
    command
}

/// `program` in `folder`, with nothing of Pintle's in its environment.
fn cleared(folder: &Path, program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PINTLE_")) {
        command.env_remove(name);
    }
    command.current_dir(folder).env("PINTLE_CONFIG_DIR", folder.join("config")).stdin(Stdio::null());
    command
}

/// What a user types, for a shell, with an answer for what would ask one.
const SHELL: &str = r#"
pintle() {
    case "$*" in
    *--yes* | *--dry-run*) command pintle "$@" ;;
    release | "release "* | withdraw* | restore* | "keys rotate"* | "keys recover"* | *--new-key*) command pintle "$@" --yes ;;
    *) command pintle "$@" ;;
    esac
}
"#;

/// Runs a line as a user types it, which must succeed; what it said on both streams. Whatever asks is answered with yes.
///
/// # Panics
/// It failed.
#[must_use]
pub fn run_line(folder: &Path, line: &str) -> String {
    let binary = binary();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = binary.parent().into_iter().map(Path::to_owned).chain(std::env::split_paths(&path));
    let path = std::env::join_paths(folders).unwrap();
    let output = cleared(folder, "sh").args(["-ec", &format!("{SHELL}{line}")]).env("PATH", path).output().unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(output.status.success(), "{line}: {said}");
    said
}

/// Runs the command line, which must succeed; what it said on both streams.
///
/// # Panics
/// It failed.
#[must_use]
pub fn run(folder: &Path, arguments: &[&str]) -> String {
    let output = command(folder, arguments).output().unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(output.status.success(), "{arguments:?}: {said}");
    said
}

/// The same, and only what it wrote to standard output.
///
/// # Panics
/// It failed.
#[must_use]
pub fn run_for_data(folder: &Path, arguments: &[&str]) -> String {
    let output = command(folder, arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The same for a run that must fail; the status and what it said.
///
/// # Panics
/// It succeeded.
#[must_use]
pub fn fail(folder: &Path, arguments: &[&str]) -> (i32, String) {
    let output = command(folder, arguments).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success(), "{arguments:?}: {said}");
    (output.status.code().unwrap(), said)
}
