//! Compiles C, and runs what came of it.

use std::{
    env,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio},
    sync::OnceLock,
};

use tempfile::TempDir;

const FOLDER: &str = env!("CARGO_MANIFEST_DIR");
const WARNINGS: [&str; 6] = ["-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-g"];
/// Ends a program that reads what is freed, leaks, or does what C leaves undefined.
const SANITIZERS: [&str; 2] = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"];

/// Where cargo put the library that this test was built with.
pub(crate) fn library_folder() -> PathBuf {
    env::current_exe().unwrap().parent().unwrap().to_owned()
}

/// The program that `source` and the adapters make.
pub(crate) fn compile(source: &str, name: &str) -> PathBuf {
    compile_with(&SANITIZERS, source, name)
}

pub(crate) fn compile_with(options: &[&str], source: &str, name: &str) -> PathBuf {
    static FOLDER_OF_ALL: OnceLock<TempDir> = OnceLock::new();
    let out = FOLDER_OF_ALL.get_or_init(|| tempfile::tempdir().unwrap()).path().join(name);
    let folder = Path::new(FOLDER);
    let library = library_folder();
    let mut cc = Command::new("cc");
    cc.args(WARNINGS).args(options).arg("-I").arg(folder.join("include")).arg("-I").arg(folder.join("adapters"));
    cc.arg(folder.join(source))
        .args(["pintle_openssl.c", "pintle_curl.c"].map(|file| folder.join("adapters").join(file)));
    cc.arg("-L").arg(&library).arg(format!("-Wl,-rpath,{}", library.display()));
    cc.args(["-lpintle_c", "-lcurl", "-lssl", "-lcrypto", "-o"]).arg(&out);
    let done = cc.output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    out
}

/// Runs `program` to its end; the platform trusts the authorities in `ca`.
pub(crate) fn run(program: &Path, arguments: &[&str], ca: &str) -> Output {
    let variables = [("PINTLE_DANGEROUS_HTTP", "1"), ("SSL_CERT_FILE", ca), ("no_proxy", "*")];
    Command::new(program).args(arguments).envs(variables).output().unwrap()
}

/// A running `driver.c`.
pub(crate) struct Driver {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    /// What its set-up answered.
    pub(crate) started: String,
}

impl Driver {
    pub(crate) fn start(bundle: &Path, authorities: &Path, storage: &Path) -> Self {
        static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
        let program = PROGRAM.get_or_init(|| compile("tests/it/driver.c", "driver"));
        let mut child = Command::new(program)
            .args([bundle, authorities, storage])
            .env("no_proxy", "*")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut driver = Self { child, input, output, started: String::new() };
        driver.started = driver.read();
        driver
    }

    pub(crate) fn ask(&mut self, line: &str) -> String {
        writeln!(self.input.as_mut().unwrap(), "{line}").unwrap();
        self.read()
    }

    fn read(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        drop(self.input.take());
        let status = self.child.wait().unwrap();
        if !std::thread::panicking() {
            assert!(status.success(), "the program ended with {status}");
        }
    }
}
