//! The server that READMEs are tried against.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Stdio};

use anyhow::{Context, Result};
use serde_json::Value;

use super::show;
use crate::workshop::Workshop;

/// `crates/testkit/examples/gauntlet.rs` with a server whose leaf is pinned, and its CDN; ends when dropped.
pub(super) struct Server {
    process: Child,
    pub(super) port: u64,
}

impl Server {
    /// Puts `pintle.json` and `ca.pem` into `folder`.
    pub(super) fn start(workshop: &Workshop, folder: &Path) -> Result<Self> {
        let mut build = workshop.cargo();
        build.args(["build", "--quiet", "--locked", "--package", "pintle-testkit", "--example", "gauntlet"]);
        show(build)?;
        let mut start = workshop.command(workshop.path("target/debug/examples/gauntlet"));
        let process =
            start.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("cannot start the gauntlet")?;
        let mut server = Self { process, port: 0 };
        let started = server.ask(&format!("start pinned_leaf {}", folder.display()))?;
        server.port = started.get("port").and_then(Value::as_u64).context("a server without a port")?;
        Ok(server)
    }

    pub(super) fn ask(&mut self, line: &str) -> Result<Value> {
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
