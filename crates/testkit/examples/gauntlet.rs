//! The gauntlet for languages other than Rust: reads lines, answers each with a line of JSON, ends with its input.
//!
//! - `cases`: every case, `[{"name", "steps": [{"do", …}]}]`
//! - `start NAME FOLDER`: the servers of a case, those of the last one end: `{"port"}`; FOLDER gets `pintle.json`, `ca.pem`
//! - `change CHANGE`: changes the world: `{}`
//! - `seen`: `{"connections", "handshakes", "resumed", "requests"}`
//! - `walked {"case", "client", "ends"}`: how the requests of a case ended, in order: `{}`
//! - `hold SDK PAGE`: whether PAGE, `docs/sdk/conformance.md`, says what was walked: `{"error"}`, null if it does
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a program for tests")]

use std::{io::stdin, path::Path};

use pintle_testkit::gauntlet::{Change, Gauntlet, cases, hold_conformance};
use serde_json::{Value, json};

#[tokio::main]
async fn main() {
    let mut running: Option<Gauntlet> = None;
    let mut walks = Vec::new();
    let (lines, mut asked) = tokio::sync::mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in stdin().lines() {
            if lines.send(line.unwrap()).is_err() {
                return;
            }
        }
    });
    while let Some(line) = asked.recv().await {
        if let Some(walk) = line.strip_prefix("walked ") {
            walks.push(serde_json::from_str(walk).unwrap());
            println!("{{}}");
            continue;
        }
        let mut words = line.splitn(3, ' ');
        let mut word = || words.next().unwrap_or_default().to_owned();
        let answer = match word().as_str() {
            "cases" => serde_json::to_value(cases()).unwrap(),
            "start" => {
                let (name, folder) = (word(), word());
                let gauntlet = running.insert(Gauntlet::start(&name, Path::new(&folder)).await);
                json!({ "port": gauntlet.site().address().port() })
            }
            "change" => {
                let name = Value::from(word());
                let change = Change::ALL.into_iter().find(|change| serde_json::to_value(change).unwrap() == name);
                running.as_ref().unwrap().change(change.unwrap());
                json!({})
            }
            "hold" => {
                let (sdk, page) = (word(), word());
                json!({ "error": hold_conformance(Path::new(&page), &sdk, &walks).err() })
            }
            _ => {
                let seen = running.as_ref().unwrap().site().seen();
                json!({
                    "connections": seen.connections, "handshakes": seen.handshakes, "resumed": seen.resumed,
                    "requests": seen.requests.len(),
                })
            }
        };
        println!("{answer}");
    }
}
