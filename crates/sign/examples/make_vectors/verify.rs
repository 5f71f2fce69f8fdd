//! Accepting a configuration: sections 2, 3, 5 and 9.

mod claims;
mod entry;
mod header;
mod json;
mod order;
mod succession;

use serde_json::{Value, json};

use crate::{
    configuration::{self, NOW, State},
    key::key,
    suite::Suite,
};

pub(crate) fn make_suites() -> Vec<Suite> {
    vec![
        header::compact_form(),
        header::header_members(),
        header::signatures(),
        json::make_suite(),
        claims::make_suite(),
        entry::make_suite(),
        entry::names(),
        order::make_suite(),
        succession::chains(),
        succession::stored_chains(),
    ]
}

/// Cases of `verify` under the roots `plain` (key `signing`) and `with recovery` (and key `recovery`).
struct Verify(Suite);

/// One call of `verify`: by default the root `plain`, nothing stored, at [`NOW`].
struct Attempt {
    root: &'static str,
    state: Value,
    now: u64,
    file: Value,
}

fn attempt(file: impl Into<Value>) -> Attempt {
    Attempt { root: "plain", state: Value::Null, now: NOW, file: file.into() }
}

impl Attempt {
    fn under(self, root: &'static str) -> Self {
        Self { root, ..self }
    }

    fn after(self, state: &State) -> Self {
        Self { state: state.to_json(), ..self }
    }

    fn at(self, now: u64) -> Self {
        Self { now, ..self }
    }
}

impl Verify {
    fn new(path: &'static str, about: &'static str) -> Self {
        let mut suite = Suite::new(path, "verify", about);
        let (signing, recovery) = (key("signing"), key("recovery"));
        suite.share("bundles", "plain", configuration::bundle(&signing, None, None));
        suite.share("bundles", "with recovery", configuration::bundle(&signing, Some(&recovery), None));
        Self(suite)
    }

    fn refuses(&mut self, name: &str, rules: &[&str], attempt: Attempt, code: &str) {
        self.add(name, rules, attempt, json!({ "code": code }));
    }

    /// Accepted, and `state` is what is stored afterwards.
    fn accepts(&mut self, name: &str, rules: &[&str], attempt: Attempt, state: &State) {
        self.accepts_with(name, rules, attempt, state, false);
    }

    /// Accepted; `stale`: the file is past its `exp` (P-3.8).
    fn accepts_with(&mut self, name: &str, rules: &[&str], attempt: Attempt, state: &State, stale: bool) {
        self.add(name, rules, attempt, json!({ "state": state.to_json(), "stale": stale }));
    }

    fn add(&mut self, name: &str, rules: &[&str], attempt: Attempt, expect: Value) {
        let Attempt { root, state, now, file } = attempt;
        self.0.case(name, rules, json!({ "root": root, "state": state, "now": now, "file": file }), expect);
    }
}
