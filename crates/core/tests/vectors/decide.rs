//! Cases of kind `decide` and `match`.

use pintle_core::{
    Connection, HostName, Installation, Mode, UnixTime,
    ct::ocsp_sct_list,
    decide,
    decide::{Configuration, Decision, PathCertificate, PlatformVerdict, Verdict},
    der::Certificate,
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::material::{Material, decode, parse};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    file: Option<FileJson>,
    host: String,
    presented: Vec<String>,
    path: Option<Vec<ElementJson>>,
    platform: PlatformJson,
    sct_tls: Option<String>,
    ocsp: Option<String>,
    mode: ModeJson,
    draw: Option<u8>,
    t: u64,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum FileJson {
    Accepted(String),
    Flag { withdrawn: bool },
}

#[derive(Deserialize)]
#[serde(untagged)]
enum ElementJson {
    Certificate(String),
    Anchor { anchor: String },
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum PlatformJson {
    Accepted,
    Refused,
    Unknown,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ModeJson {
    Strict,
    Permissive,
}

pub(crate) fn answer(input: &Value, material: &Material) -> Value {
    let input: Input = parse(input);
    let presented: Vec<&[u8]> = input.presented.iter().map(|name| material.certificate(name)).collect();
    let path: Option<Vec<_>> =
        input.path.as_ref().map(|path| path.iter().map(|element| element.read(material)).collect());
    let (tls, ocsp) = (input.sct_tls.as_deref().map(decode), input.ocsp.as_deref().map(decode));
    // A response that is broken counts as none: it is only one of three places an SCT may come from.
    let ocsp = ocsp.as_deref().and_then(|response| ocsp_sct_list(response).ok().flatten());
    let mut connection = Connection::new(&input.host, &presented)
        .with_platform_verdict(match input.platform {
            PlatformJson::Accepted => PlatformVerdict::Accepted,
            PlatformJson::Refused => PlatformVerdict::Refused,
            PlatformJson::Unknown => PlatformVerdict::Unknown,
        })
        .with_scts(tls.as_deref(), ocsp);
    if let Some(path) = &path {
        connection = connection.with_verified_path(path);
    }
    let configuration = match &input.file {
        None => Configuration::Missing,
        Some(FileJson::Flag { withdrawn }) => {
            assert!(withdrawn, "a flag that is not set is no configuration");
            Configuration::Withdrawn
        }
        Some(FileJson::Accepted(name)) => Configuration::Active(material.file(name)),
    };
    let mode = match input.mode {
        ModeJson::Strict => Mode::Strict,
        ModeJson::Permissive => Mode::Permissive,
    };
    let installation = Installation { mode, draw: input.draw, generation: 7 };
    let decision = decide(&connection, configuration, &installation, UnixTime::from_secs(input.t));
    assert_eq!(decision.generation, 7, "a decision carries its generation (P-4.10)");
    decision_json(&decision)
}

impl ElementJson {
    fn read<'m>(&self, material: &'m Material) -> PathCertificate<'m> {
        match self {
            Self::Certificate(name) => PathCertificate::Certificate(material.certificate(name)),
            Self::Anchor { anchor } => {
                let certificate = Certificate::parse(material.certificate(anchor)).expect("a certificate");
                PathCertificate::Anchor { spki: certificate.spki() }
            }
        }
    }
}

fn decision_json(decision: &Decision) -> Value {
    let stale = decision.ct_list_stale;
    let allowed = !matches!(decision.verdict, Verdict::Refused { .. });
    assert_eq!(decision.is_allowed(), allowed, "what is not refused is allowed");
    match &decision.verdict {
        Verdict::Pinned { domain, pin, position } => json!({
            "verdict": "pinned", "entry": domain.to_string(), "pin": pin, "position": position, "ct_list_stale": stale,
        }),
        Verdict::NotCovered => json!({ "verdict": "not_covered", "ct_list_stale": stale }),
        Verdict::Reported { domain, violation } => json!({
            "verdict": "reported", "entry": domain.to_string(), "code": violation.as_str(), "ct_list_stale": stale,
        }),
        Verdict::Refused { code, domain } => json!({
            "verdict": "refused", "entry": domain.as_ref().map(ToString::to_string), "code": code.as_str(),
            "ct_list_stale": stale,
        }),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MatchInput {
    file: String,
    host: String,
}

pub(crate) fn answer_match(input: &Value, material: &Material) -> Value {
    let MatchInput { file, host } = parse(input);
    let host = HostName::parse_connection(&host).expect("a host");
    let entry = material.file(&file).domain_for(&host).map(|domain| domain.name.to_string());
    json!({ "entry": entry })
}
