//! The server that READMEs and example apps are tried against.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::workshop::{Workshop, show};

/// `crates/testkit/examples/gauntlet.rs` with the server of one case, and its CDN; ends when dropped.
pub(super) struct Server {
    process: Child,
    pub(super) port: u64,
}

impl Server {
    /// Puts `pintle.json` and `ca.pem` into `folder`, which is made.
    pub(super) fn start(workshop: &Workshop, case: &str, folder: &Path) -> Result<Self> {
        let mut build = workshop.cargo();
        build.args(["build", "--quiet", "--locked", "--package", "pintle-testkit", "--example", "gauntlet"]);
        show(build)?;
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let mut start = workshop.command(workshop.path("target/debug/examples/gauntlet"));
        let process =
            start.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("cannot start the gauntlet")?;
        let mut server = Self { process, port: 0 };
        let started = server.ask(&format!("start {case} {}", folder.display()))?;
        server.port = started.get("port").and_then(Value::as_u64).context("a server without a port")?;
        Ok(server)
    }

    /// How many requests arrived so far.
    pub(super) fn requests(&mut self) -> Result<u64> {
        self.ask("seen")?.get("requests").and_then(Value::as_u64).context("the gauntlet does not count")
    }

    fn ask(&mut self, line: &str) -> Result<Value> {
        writeln!(self.process.stdin.as_mut().context("no stdin")?, "{line}")?;
        let mut answer = String::new();
        BufReader::new(self.process.stdout.as_mut().context("no stdout")?).read_line(&mut answer)?;
        serde_json::from_str(&answer).context("the gauntlet does not answer")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        // Its input is over, and so is it.
        let _ended = self.process.wait();
    }
}

/// What an example app is given.
pub(super) struct Trial {
    pub(super) bundle: PathBuf,
    /// The authorities that the platform trusts.
    pub(super) ca: PathBuf,
    pub(super) url: String,
}

/// Runs an example app, which `make_command` starts: what is pinned answers; what is not is refused, told by its code and by the
/// exit status, and no request arrives.
pub(super) fn try_app(
    workshop: &Workshop,
    folder: &Path,
    make_command: impl Fn(&Trial) -> Result<Command>,
) -> Result<()> {
    for (case, is_pinned) in [("pinned_leaf", true), ("wrong_leaf_from_trusted_ca", false)] {
        let folder = folder.join(case);
        let mut server = Server::start(workshop, case, &folder)?;
        let [bundle, ca] = ["pintle.json", "ca.pem"].map(|name| folder.join(name));
        let trial = Trial { bundle, ca, url: format!("https://localhost:{}/", server.port) };
        let mut command = make_command(&trial)?;
        command.env("PINTLE_DANGEROUS_HTTP", "1").env("no_proxy", "*");
        let output = command.output().with_context(|| format!("cannot start {command:?}"))?;
        let [told, complained] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
        let is_right =
            if is_pinned { told.trim_end().ends_with("ok") } else { complained.contains("refused: pin_mismatch") };
        ensure!(
            is_right && output.status.success() == is_pinned && server.requests()? == u64::from(is_pinned),
            "{case}: {command:?} ended with {}: {told}{complained}",
            output.status
        );
    }
    Ok(())
}

/// The blocks of a README in `language`, one after the other.
pub(super) fn blocks(readme: &str, language: &str) -> String {
    let fence = format!("```{language}\n");
    readme.split(&fence).skip(1).filter_map(|rest| rest.split("```").next()).collect()
}
