//! The smaller kinds of cases.

use pintle_core::{
    Code, HostName, Name, Root, crypto,
    ct::{ocsp_sct_list, parse_list, precertificate_tbs},
    der::Certificate,
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::material::{decode, encode, parse};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetupInput {
    bundle: String,
    http_loopback: bool,
}

pub(crate) fn answer_setup(input: &Value) -> Value {
    let SetupInput { bundle, http_loopback } = parse(input);
    let parse_bundle = match http_loopback {
        true => Root::dangerous_parse_bundle_with_http_loopback,
        false => Root::parse_bundle,
    };
    let Ok(root) = parse_bundle(bundle.as_bytes()) else {
        return json!({ "code": Code::SetupInvalid.as_str() });
    };
    let again = parse_bundle(root.to_bundle_json().as_bytes());
    assert_eq!(again.as_ref(), Ok(&root), "a bundle written is the bundle read");
    let pointers: Vec<_> = root.urls().iter().map(|base| root.pointer_url(base)).collect();
    json!({ "root": {
        "organization": root.organization().as_str(),
        "project": root.project().as_str(),
        "kid": root.public_key().kid().to_string(),
        "recovery_kid": root.recovery_key().map(|key| key.kid().to_string()),
        "built_at": root.built_at().as_secs(),
        "pointer_urls": pointers,
        "store_key": encode(&root.store_key()),
    }})
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HostInput {
    r#as: String,
    text: String,
}

pub(crate) fn answer_host(input: &Value) -> Value {
    let HostInput { r#as, text } = parse(input);
    let host = match r#as.as_str() {
        "connection" => HostName::parse_connection(&text).ok().map(|host| host.to_string()),
        _ => Name::parse(&text).ok().map(|name| name.to_string()),
    };
    json!({ "host": host })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CertificateInput {
    der: String,
    hosts: Vec<String>,
}

pub(crate) fn answer_certificate(input: &Value) -> Value {
    let CertificateInput { der, hosts } = parse(input);
    let der = decode(&der);
    let Ok(certificate) = Certificate::parse(&der) else {
        return json!({ "certificate": null, "covers": [] });
    };
    let covers = hosts.iter().map(|host| HostName::parse_connection(host).expect("a host"));
    // Names that cannot be read cover nothing.
    let covers: Vec<_> = covers.map(|host| certificate.covers(&host).unwrap_or(false)).collect();
    json!({ "covers": covers, "certificate": {
        "spki_sha256": encode(&crypto::sha256(certificate.spki())),
        "not_before": certificate.not_before().as_secs(),
        "not_after": certificate.not_after().as_secs(),
    }})
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListInput {
    list: String,
}

pub(crate) fn answer_sct_list(input: &Value) -> Value {
    let ListInput { list } = parse(input);
    let list = decode(&list);
    let scts = parse_list(&list).ok().map(|scts| {
        let shown = scts.iter().map(|sct| {
            json!({
                "log_id": encode(sct.log_id),
                "timestamp_millis": sct.timestamp_millis,
                "extensions": encode(sct.extensions),
            })
        });
        shown.collect::<Vec<_>>()
    });
    json!({ "scts": scts })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OcspInput {
    response: String,
}

pub(crate) fn answer_ocsp(input: &Value) -> Value {
    let OcspInput { response } = parse(input);
    let list = match ocsp_sct_list(&decode(&response)) {
        Ok(Some(list)) => Some(encode(list)),
        Ok(None) => Some("none".into()),
        Err(_) => None,
    };
    json!({ "list": list })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DerInput {
    der: String,
}

pub(crate) fn answer_precertificate(input: &Value) -> Value {
    let DerInput { der } = parse(input);
    let der = decode(&der);
    let certificate = Certificate::parse(&der).expect("a certificate");
    let tbs = precertificate_tbs(&certificate).expect("extensions that were walked before");
    json!({ "tbs_sha256": encode(&crypto::sha256(&tbs)) })
}

pub(crate) fn answer_codes() -> Value {
    let codes: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
    json!({ "codes": codes })
}
