use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
};

use rustls_pki_types::CertificateDer;
use serde_json::Value;
use tempfile::TempDir;

const BINARY: &str = env!("CARGO_BIN_EXE_pintle");

/// An empty directory to run the binary in, with a configuration directory of its own.
pub(crate) struct Workshop {
    directory: TempDir,
}

/// How one run ended.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Workshop {
    pub(crate) fn open() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, contents: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, contents).unwrap();
    }

    pub(crate) fn write_pem(&self, name: &str, certificates: &[CertificateDer<'_>]) {
        let blocks = certificates.iter().map(|certificate| {
            use base64ct::{Base64, Encoding};
            let body = Base64::encode_string(certificate);
            format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n")
        });
        self.write(name, blocks.collect::<String>());
    }

    /// Runs the binary with nothing on its standard input.
    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        self.run_with(arguments, &[])
    }

    /// The same with environment variables.
    pub(crate) fn run_with(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Run {
        finish(self.command(arguments).envs(environment.iter().copied()))
    }

    /// Runs a line of shell, in which `pintle` is the binary, and stubs come before everything else.
    pub(crate) fn shell(&self, line: &str, environment: &[(&str, &str)]) -> Run {
        let mut command = self.command_of("sh", &["-ec", line]);
        let directories = [self.path("stubs"), Path::new(BINARY).parent().unwrap().to_owned()];
        let inherited = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths(directories.into_iter().chain(std::env::split_paths(&inherited))).unwrap();
        finish(command.env("PATH", path).envs(environment.iter().copied()))
    }

    /// A program that cannot work here, for [`shell`](Self::shell).
    #[cfg(unix)]
    pub(crate) fn stub(&self, name: &str, line: &str) {
        use std::os::unix::fs::PermissionsExt;
        let name = format!("stubs/{name}");
        self.write(&name, format!("#!/bin/sh\n{line}\n"));
        fs::set_permissions(self.path(&name), fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Runs the binary, which must succeed, and reads its JSON.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let run = self.run(&[arguments, &["--output", "json"]].concat());
        assert_eq!(run.status, 0, "{arguments:?}: {run:?}");
        serde_json::from_str(&run.stdout).unwrap()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        self.command_of(BINARY, arguments)
    }

    fn command_of(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PINTLE_")) {
            command.env_remove(name);
        }
        command
            .args(arguments)
            .current_dir(self.directory.path())
            .env("PINTLE_CONFIG_DIR", self.path("config"))
            .env("COLUMNS", "100")
            .env_remove("SSL_CERT_FILE")
            .stdin(Stdio::null());
        command
    }

    /// Starts a server on a free port, with its data in `data`.
    pub(crate) fn serve(&self) -> Server {
        self.serve_with(&["--log", "error"])
    }

    /// The same with other options; its log goes to the file `log`.
    pub(crate) fn serve_with(&self, options: &[&str]) -> Server {
        let arguments = [&["serve", "--listen", "127.0.0.1:0", "--data-dir", "data"], options].concat();
        let log = fs::File::create(self.path("log")).unwrap();
        let mut child = self.command(&arguments).stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let ready = lines.find(|line| line.starts_with("Pintle is ready")).expect("the server says that it is ready");
        let url = ready.rsplit(' ').next().unwrap().to_owned();
        // The block of a first start ends with the token; a later start says no more.
        let is_first = self.path("token").metadata().is_err();
        if is_first {
            let token = lines.find(|line| line.trim().starts_with("pintle_")).expect("the first start shows a token");
            self.write("token", token.trim());
        }
        Server { child, url }
    }

    /// Starts a command that goes on until it is dropped; the file `log` holds what it complains about.
    pub(crate) fn follow(&self, arguments: &[&str]) -> Following {
        let log = fs::File::create(self.path("log")).unwrap();
        let mut child = self.command(arguments).stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Following { child, lines }
    }

    /// Every file with its contents, but those of running servers.
    pub(crate) fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        collect_files(self.directory.path(), &mut files);
        files
    }
}

fn finish(command: &mut Command) -> Run {
    let output = command.output().unwrap();
    Run {
        status: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

fn collect_files(directory: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect_files(&path, files);
        } else {
            files.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
}

/// A command that runs; stopped when dropped.
pub(crate) struct Following {
    child: Child,
    lines: BufReader<std::process::ChildStdout>,
}

impl Following {
    /// The URL at the end of its first line.
    pub(crate) fn url(&mut self) -> String {
        self.wait_for("http").split_whitespace().last().unwrap().to_owned()
    }

    /// Waits for a line with `text`.
    pub(crate) fn wait_for(&mut self, text: &str) -> String {
        loop {
            let mut line = String::new();
            assert_ne!(self.lines.read_line(&mut line).unwrap(), 0, "it ended before it said `{text}`");
            if line.contains(text) {
                return line;
            }
        }
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        // Either may fail only because the process has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A running server; stopped when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) url: String,
}

impl Server {
    /// Stops it as a service manager does, and waits for its end.
    #[cfg(unix)]
    pub(crate) fn terminate(self) -> ExitStatus {
        self.signal();
        self.wait()
    }

    #[cfg(unix)]
    pub(crate) fn signal(&self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    }

    pub(crate) fn wait(mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Either may fail only because the process has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
