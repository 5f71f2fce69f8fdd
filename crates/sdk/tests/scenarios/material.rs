//! What the scenarios of one file share.

use std::collections::BTreeMap;

use base64ct::{Base64, Encoding};
use pintle_core::Root;
use pintle_testkit::vectors::Suite;
use rustls::pki_types::CertificateDer;
use serde::Deserialize;
use serde_json::{Map, Value};

/// Roots, certificates and bodies, by name.
#[derive(Clone)]
pub(crate) struct Material {
    roots: BTreeMap<String, Root>,
    certificates: BTreeMap<String, CertificateDer<'static>>,
    bodies: BTreeMap<String, Vec<u8>>,
}

impl Material {
    pub(crate) fn of(suite: &Suite) -> Self {
        let empty = Map::new();
        let group = |name: &str| suite.shared.get(name).and_then(Value::as_object).unwrap_or(&empty).iter();
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        let parse_root = |bundle: &Value| Root::parse_bundle(bundle.to_string().as_bytes()).expect("a bundle");
        let parse_der = |value: &Value| Base64::decode_vec(&text(value)).expect("base64").into();
        Self {
            roots: group("bundles").map(|(name, bundle)| (name.clone(), parse_root(bundle))).collect(),
            certificates: group("certificates").map(|(name, der)| (name.clone(), parse_der(der))).collect(),
            bodies: group("bodies").map(|(name, body)| (name.clone(), text(body).into_bytes())).collect(),
        }
    }

    pub(crate) fn root(&self, name: &str) -> &Root {
        &self.roots[name]
    }

    pub(crate) fn certificate(&self, name: &str) -> CertificateDer<'static> {
        self.certificates[name].clone()
    }

    pub(crate) fn body(&self, name: &str) -> Vec<u8> {
        self.bodies[name].clone()
    }
}

/// The typed form of a step.
pub(crate) fn parse<T: for<'a> Deserialize<'a>>(value: &Value) -> T {
    T::deserialize(value).unwrap_or_else(|error| panic!("{error}: {value}"))
}
