//! The API as schemathesis sees it: thousands of requests made from the OpenAPI document, valid and broken, and each answer
//! held to that document. The server must not fail, and must not say anything that it does not document.
#![cfg(test)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use pintle_e2e::Server;
use reqwest::Method;
use serde_json::{Value, json};

/// The same requests in every run.
const SEED: &str = "20270101";
/// As fast as it can.
const CONFIGURATION: &str = "[rate_limits]\naddress_per_minute = 0\ntoken_per_minute = 0\naccount_per_minute = 0\n";
/// `positive_data_acceptance`: no schema can say what a public suffix, a key on the curve or this list's cursor is.
const NOT_CHECKED: &str = "positive_data_acceptance";
const PUBLIC_KEY: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpZP40Li/hp/\
                          m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==";

fn schemathesis() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tools/venv/bin/schemathesis")
}

/// Something for each id of a path to name, so that requests reach what lies behind.
async fn fill(origin: &str, token: &str) -> Vec<(&'static str, String)> {
    let _installed = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let add = async |path: String, body: Value| {
        let request = client.request(Method::POST, format!("{origin}/api/v1/{path}")).bearer_auth(token);
        let answer = request.json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.text().await.unwrap());
        let answer: Value = answer.json().await.unwrap();
        answer.get("id").and_then(Value::as_str).unwrap().to_owned()
    };
    let organization = add("organizations".into(), json!({ "name": "Acme" })).await;
    let project = json!({ "name": "Shop", "environment": "production", "key": { "public_key": PUBLIC_KEY } });
    let projects = format!("organizations/{organization}/projects");
    let project = add(projects.clone(), project).await;
    let domains = format!("{projects}/{project}/domains");
    let domain = add(domains.clone(), json!({ "name": "api.example.com" })).await;
    let pin = json!({ "type": "spki-sha256", "digest": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=" });
    let pin = add(format!("{domains}/{domain}/pins"), pin).await;
    vec![("organization", organization), ("project", project), ("domain", domain), ("pin", pin)]
}

/// Runs to its end and shows what it found.
fn run(folder: &Path, origin: &str, arguments: &[&str]) {
    let document = format!("{origin}/api/v1/openapi.json");
    let output = Command::new(schemathesis())
        // One worker: with more, Python 3.11 itself fails now and then.
        .args(["--config-file", "schemathesis.toml", "run", &document, "--seed", SEED, "--workers", "1"])
        .args(["--exclude-checks", NOT_CHECKED, "--generation-database", "none", "--continue-on-failure"])
        .args(["--no-color", "--warnings", "off", "--suppress-health-check", "all"])
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .expect("schemathesis is installed by `cargo xtask setup`");
    let report = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{report}\n{}", String::from_utf8_lossy(&output.stderr));
    // It must have looked at something.
    assert!(report.contains("Test cases:") && report.contains("generated"), "{report}");
}

#[tokio::test]
async fn schemathesis_finds_nothing_in_the_api() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("server.toml"), CONFIGURATION).unwrap();
    let (_server, origin) = Server::start(folder.path(), &["--config", "server.toml"]);
    let token = fs::read_to_string(folder.path().join("token")).unwrap();
    let ids = fill(&origin, &token).await;
    let lines = ids.iter().map(|(name, id)| format!("\"path.{name}\" = \"{id}\"\n"));
    fs::write(folder.path().join("schemathesis.toml"), format!("[parameters]\n{}", lines.collect::<String>())).unwrap();

    let authorization = format!("Authorization: Bearer {token}");
    run(folder.path(), &origin, &["--header", &authorization, "--max-examples", "15"]);
    // Nobody in particular.
    run(folder.path(), &origin, &["--max-examples", "2", "--phases", "examples,coverage"]);
}
