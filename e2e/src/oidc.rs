//! Providers of single sign-on: the real thing (npm `oidc-provider`), and one that forges.

use std::{
    io::{BufRead as _, BufReader, Lines},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
};

/// Both providers, named `corp` and `forger`; ended when dropped.
#[derive(Debug)]
pub struct Providers {
    child: Child,
    /// Kept open: they talk on, and would end with it.
    _talk: Lines<BufReader<ChildStdout>>,
    /// Issuer of the real one.
    pub corp: String,
    /// Issuer of the other.
    pub forger: String,
}

impl Providers {
    /// Each on a free port.
    ///
    /// # Panics
    /// They do not start.
    #[must_use]
    pub fn start() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let module = root.join("../target/tools/node/node_modules/oidc-provider/lib/index.js");
        let mut node = Command::new("node");
        node.arg(root.join("tests/oidc_provider.mjs")).arg(module);
        node.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = node.spawn().unwrap();
        let mut talk = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut issuers = talk.by_ref().map(Result::unwrap).filter(|line| line.starts_with("http"));
        let (corp, forger) = (issuers.next().unwrap(), issuers.next().unwrap());
        Self { child, _talk: talk, corp, forger }
    }

    /// The part of a server's configuration that trusts both.
    #[must_use]
    pub fn config(&self) -> String {
        let section = |name: &str, issuer: &str| {
            format!(
                "[oidc.{name}]\nissuer = \"{issuer}\"\nclient_id = \"pintle\"\n\
                 client_secret = \"a secret of the provider and this server\"\n"
            )
        };
        section("corp", &self.corp) + &section("forger", &self.forger)
    }
}

impl Drop for Providers {
    fn drop(&mut self) {
        // Already ended, or ends now.
        let _ended = self.child.kill().and_then(|()| self.child.wait());
    }
}
