//! Single questions, each asked of a fresh installation.

use std::{fs, path::PathBuf, sync::OnceLock};

use base64ct::{Base64, Encoding};
use libtest_mimic::Failed;
use pintle_c::pintle_code;
use pintle_testkit::vectors::{Case, load};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::installation::{Brought, Installation, Known, Start, flatten, persist, persisted, store_of, text, to_hex};

/// When every shared file is accepted.
const ACCEPTED_AT: u64 = 1_800_000_000;

pub(crate) fn run(kind: &str, case: &Case, shared: &Value) -> Result<(), Failed> {
    if case.input["host"].as_str().or(case.input["text"].as_str()).is_some_and(|host| host.contains('\0')) {
        return Err("a C string cannot hold it".into());
    }
    let answer = match kind {
        "verify" => verify(case, shared),
        "decide" => decide(&case.input, shared),
        "match" => json!({ "entry": decide_with_any_certificate(&case.input, shared)["entry"] }),
        "setup" => return setup(case),
        "host" => return host(case),
        "codes" => {
            let codes = (0..).map(|index| text(pintle_code(index))).take_while(Option::is_some).flatten();
            json!({ "codes": codes.collect::<Vec<_>>() })
        }
        other => return Err(format!("no such kind of case: {other}").into()),
    };
    if answer == case.expect { Ok(()) } else { Err(format!("expected {}\n     got {answer}", case.expect).into()) }
}

fn start_with<'a>(bundle: &'a str) -> Start<'a> {
    Start {
        bundle,
        seed: None,
        permissive: false,
        storage: None,
        random: 1,
        fetch_timeout_secs: 0,
        http_loopback: false,
        report_to: None,
        clock: (ACCEPTED_AT, 1),
    }
}

/// Where the root of `bundle` keeps what it keeps below `storage`: a first start shows it, as it draws its draw.
fn find_store(storage: &TempDir, bundle: &str) -> PathBuf {
    drop(Installation::start(&Start { storage: Some(storage.path()), ..start_with(bundle) }).expect("a bundle"));
    fs::read_dir(storage.path()).unwrap().next().expect("a store").unwrap().path()
}

fn verify(case: &Case, shared: &Value) -> Value {
    let input = &case.input;
    let bundle = shared["bundles"][input["root"].as_str().unwrap()].to_string();
    let storage = tempfile::tempdir().unwrap();
    let store = find_store(&storage, &bundle);
    persist(&store, &input["state"], None, false);
    let clock = (input["now"].as_u64().unwrap(), 1);
    let start = Start { storage: Some(storage.path()), clock, ..start_with(&bundle) };
    let installation = Installation::start(&start).expect("a bundle");
    installation.take_told();
    let (fetches, _) = installation.poll();
    let body = file_bytes(&input["file"]);
    let brought = Brought { status: 200, etag: None, retry_after: None, body: &body };
    if let Some(code) = installation.answer(fetches[0].id, &brought) {
        return json!({ "code": code });
    }
    let stale = installation.take_told().iter().any(|(kind, _)| kind == "config_stale");
    json!({ "state": persisted(&store)["state"], "stale": stale })
}

fn file_bytes(file: &Value) -> Vec<u8> {
    if let Some(text) = file.as_str() {
        return text.as_bytes().to_vec();
    }
    if let Some(base64) = file["base64"].as_str() {
        return Base64::decode_vec(base64).unwrap();
    }
    let pieces = file["concat"].as_array().unwrap().iter();
    let text: String = pieces
        .map(|piece| match piece.as_str() {
            Some(text) => text.to_owned(),
            None => {
                piece["repeat"].as_str().unwrap().repeat(usize::try_from(piece["times"].as_u64().unwrap()).unwrap())
            }
        })
        .collect();
    text.into_bytes()
}

fn decide(input: &Value, shared: &Value) -> Value {
    let der = |name: &Value| {
        // A trust anchor known by its key alone has no place in a path of certificates.
        let name = name.as_str().ok_or("an anchor without a certificate")?;
        Ok(Base64::decode_vec(shared["certificates"][name].as_str().unwrap()).unwrap())
    };
    let chain = |names: &Value| -> Option<Result<Vec<u8>, &'static str>> {
        let ders: Result<Vec<_>, _> = names.as_array()?.iter().map(der).collect();
        Some(ders.map(|ders| flatten(ders.iter().map(Vec::as_slice))))
    };
    let path = match chain(&input["path"]).transpose() {
        Ok(path) => path,
        Err(reason) => return json!(reason),
    };
    let bytes = |value: &Value| value.as_str().map(|text| Base64::decode_vec(text).unwrap());
    let known = Known {
        host: input["host"].as_str().unwrap(),
        presented: chain(&input["presented"]).unwrap().unwrap(),
        path,
        accepted: input["platform"] == "accepted",
        ocsp: bytes(&input["ocsp"]),
        scts: bytes(&input["sct_tls"]),
        cannot_wait: true,
    };
    check_under(input, shared, &known)
}

/// Whether a name has an entry shows with any certificate.
fn decide_with_any_certificate(input: &Value, shared: &Value) -> Value {
    static ANY: OnceLock<Vec<u8>> = OnceLock::new();
    let certificate = ANY.get_or_init(|| {
        let suites = load();
        let any = suites.iter().find_map(|suite| suite.shared.get("certificates")?.as_object()?.values().next());
        Base64::decode_vec(any.expect("a certificate").as_str().unwrap()).unwrap()
    });
    let known = Known {
        host: input["host"].as_str().unwrap(),
        presented: flatten([certificate.as_slice()]),
        accepted: true,
        cannot_wait: true,
        ..Known::default()
    };
    check_under(input, shared, &known)
}

/// Decides under the file, mode, draw and time of `input`.
fn check_under(input: &Value, shared: &Value, known: &Known<'_>) -> Value {
    let bundle = shared["bundles"]["plain"].to_string();
    let storage = tempfile::tempdir().unwrap();
    let withdrawn = input["file"]["withdrawn"] == true;
    let draw = input.get("draw").and_then(Value::as_u64);
    let keeps = withdrawn || draw.is_some();
    if keeps {
        persist(&find_store(&storage, &bundle), &Value::Null, draw, withdrawn);
    }
    let start = Start {
        storage: keeps.then(|| storage.path()),
        permissive: input["mode"] == "permissive",
        ..start_with(&bundle)
    };
    let installation = Installation::start(&start).expect("a bundle");
    if let Some(name) = input["file"].as_str() {
        let file = shared["files"][name].as_str().unwrap();
        let (fetches, _) = installation.poll();
        let brought = Brought { status: 200, etag: None, retry_after: None, body: file.as_bytes() };
        assert_eq!(installation.answer(fetches[0].id, &brought), None, "{name}");
    }
    installation.set_clock(input.get("t").and_then(Value::as_u64).unwrap_or(ACCEPTED_AT), 2);
    let decision = installation.check(known);
    if decision["code"] != "retry_after_refresh" {
        return decision;
    }
    // The forced refresh brings no news, so that the refusal is final.
    for fetch in installation.poll().0 {
        let nothing = Brought { status: 0, etag: None, retry_after: None, body: &[] };
        assert_eq!(installation.answer(fetch.id, &nothing).as_deref(), Some("fetch_failed"));
    }
    installation.check(known)
}

fn setup(case: &Case) -> Result<(), Failed> {
    let storage = tempfile::tempdir().unwrap();
    let bundle = case.input["bundle"].as_str().unwrap();
    let http_loopback = case.input["http_loopback"] == true;
    let start = Start { storage: Some(storage.path()), http_loopback, ..start_with(bundle) };
    let installation = match Installation::start(&start) {
        Ok(installation) => installation,
        Err(code) if case.expect == json!({ "code": code }) => return Ok(()),
        Err(code) => return Err(format!("expected {}, got {code}", case.expect).into()),
    };
    let root = case.expect.get("root").ok_or("it was set up")?;
    let asked = installation.poll().0.remove(0).url;
    let is_among = root["pointer_urls"].as_array().unwrap().contains(&asked.clone().into());
    let key = to_hex(&Base64::decode_vec(root["store_key"].as_str().unwrap()).unwrap());
    let is_kept = store_of(storage.path(), &key).exists();
    if is_among && is_kept { Ok(()) } else { Err(format!("asked {asked}, kept under its key: {is_kept}").into()) }
}

/// Before there is a configuration, a check tells hosts from what is none.
fn host(case: &Case) -> Result<(), Failed> {
    let bundle = include_str!("../../../../vectors/setup/bundles.json");
    let bundles: Value = serde_json::from_str(bundle).unwrap();
    let plain = bundles["cases"][0]["input"]["bundle"].as_str().unwrap();
    let installation = Installation::start(&start_with(plain)).expect("a bundle");
    let known = Known { host: case.input["text"].as_str().unwrap(), cannot_wait: true, ..Known::default() };
    let code = &installation.check(&known)["code"];
    let expected = if case.expect["host"].is_null() { "host_invalid" } else { "config_missing" };
    if code == expected { Ok(()) } else { Err(format!("expected {expected}, got {code}").into()) }
}
