//! What the scenarios of one file share.

use std::collections::BTreeMap;

use base64ct::{Base64, Encoding};
use pintle_testkit::vectors::Suite;
use rustls::pki_types::CertificateDer;
use serde::Deserialize;
use serde_json::{Map, Value};

/// Roots, certificates and bodies, by name.
#[derive(Clone)]
pub(crate) struct Material {
    bundles: BTreeMap<String, Vec<u8>>,
    certificates: BTreeMap<String, CertificateDer<'static>>,
    bodies: BTreeMap<String, Vec<u8>>,
}

impl Material {
    pub(crate) fn of(suite: &Suite) -> Self {
        let empty = Map::new();
        let group = |name: &str| suite.shared.get(name).and_then(Value::as_object).unwrap_or(&empty).iter();
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        let parse_der = |value: &Value| Base64::decode_vec(&text(value)).expect("base64").into();
        Self {
            bundles: group("bundles").map(|(name, bundle)| (name.clone(), bundle.to_string().into_bytes())).collect(),
            certificates: group("certificates").map(|(name, der)| (name.clone(), parse_der(der))).collect(),
            bodies: group("bodies").map(|(name, body)| (name.clone(), text(body).into_bytes())).collect(),
        }
    }

    pub(crate) fn bundle(&self, name: &str) -> &[u8] {
        &self.bundles[name]
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
