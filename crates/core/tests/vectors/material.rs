//! What cases share, and the spellings of bytes.

use std::{collections::BTreeMap, sync::Arc};

use base64ct::{Base64, Encoding};
use pintle_core::{Root, State, UnixTime, VerifiedConfig, verify};
use pintle_testkit::vectors::Suite;
use serde::Deserialize;
use serde_json::{Map, Value};

/// When every shared file is accepted.
const ACCEPTED_AT: UnixTime = UnixTime::from_secs(1_800_000_000);

/// Roots, certificates and accepted files of one suite, by name.
#[derive(Clone)]
pub(crate) struct Material {
    roots: BTreeMap<String, Root>,
    certificates: BTreeMap<String, Vec<u8>>,
    files: BTreeMap<String, Arc<VerifiedConfig>>,
}

impl Material {
    pub(crate) fn of(suite: &Suite) -> Self {
        let empty = Map::new();
        let group = |name: &str| suite.shared.get(name).and_then(Value::as_object).unwrap_or(&empty);
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        let bundles = group("bundles").iter();
        let roots: BTreeMap<_, _> = bundles
            .map(|(name, bundle)| (name.clone(), Root::parse_bundle(bundle.to_string().as_bytes()).expect("a bundle")))
            .collect();
        let certificates = group("certificates").iter().map(|(name, der)| (name.clone(), decode(&text(der)))).collect();
        let files = group("files").iter();
        let files = files
            .map(|(name, file)| {
                let accepted = verify(text(file).as_bytes(), &roots["plain"], &State::default(), ACCEPTED_AT);
                (name.clone(), Arc::new(accepted.unwrap_or_else(|error| panic!("{name}: {error}")).config))
            })
            .collect();
        Self { roots, certificates, files }
    }

    pub(crate) fn root(&self, name: &str) -> &Root {
        &self.roots[name]
    }

    pub(crate) fn certificate(&self, name: &str) -> &[u8] {
        &self.certificates[name]
    }

    pub(crate) fn file(&self, name: &str) -> &VerifiedConfig {
        &self.files[name]
    }
}

/// Standard base64 to bytes.
pub(crate) fn decode(text: &str) -> Vec<u8> {
    Base64::decode_vec(text).expect("base64")
}

/// Bytes to standard base64.
pub(crate) fn encode(bytes: &[u8]) -> String {
    Base64::encode_string(bytes)
}

/// A file as a case spells it.
#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub(crate) enum File {
    Text(String),
    Bytes { base64: String },
    Recipe { concat: Vec<Piece> },
}

#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub(crate) enum Piece {
    Text(String),
    Repeated { repeat: String, times: usize },
}

impl File {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Text(text) => text.clone().into_bytes(),
            Self::Bytes { base64 } => decode(base64),
            Self::Recipe { concat } => concat
                .iter()
                .flat_map(|piece| match piece {
                    Piece::Text(text) => text.clone().into_bytes(),
                    Piece::Repeated { repeat, times } => repeat.repeat(*times).into_bytes(),
                })
                .collect(),
        }
    }
}

/// The typed form of a case's input.
pub(crate) fn parse<T: for<'a> Deserialize<'a>>(input: &Value) -> T {
    T::deserialize(input).expect("an input of this kind")
}
