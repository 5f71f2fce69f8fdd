//! Inputs to start from: every string in the vectors, for every target it could be meant for.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

use anyhow::{Context, Result};
use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use serde_json::Value;

/// Longer strings are no host names.
const MAX_HOST_CHARS: usize = 300;
/// Shorter ones are digests, not certificates, SCT lists or OCSP responses.
const MIN_BINARY_BYTES: usize = 65;

/// Writes `out/<target>/…` from the JSON files below `vectors`. Strings are sorted by what they look like, not by where
/// they stand: a seed in the wrong place costs nothing.
pub(super) fn gather(vectors: &Path, out: &Path) -> Result<()> {
    if vectors.is_dir() {
        let entries = fs::read_dir(vectors).with_context(|| format!("cannot list {}", vectors.display()))?;
        return entries.into_iter().try_for_each(|entry| gather(&entry?.path(), out));
    }
    if vectors.extension().is_none_or(|extension| extension != "json") {
        return Ok(());
    }
    let text = fs::read(vectors).with_context(|| format!("cannot read {}", vectors.display()))?;
    let value = serde_json::from_slice(&text).with_context(|| format!("{} is not JSON", vectors.display()))?;
    let mut seeds = Vec::new();
    collect(&value, &mut seeds);
    seeds.into_iter().try_for_each(|(target, input)| write(&out.join(target), &input))
}

type Seed = (&'static str, Vec<u8>);

fn collect(value: &Value, seeds: &mut Vec<Seed>) {
    match value {
        Value::String(text) => collect_text(text, seeds),
        Value::Array(elements) => elements.iter().for_each(|element| collect(element, seeds)),
        Value::Object(members) => {
            if members.contains_key("organization") {
                seeds.push(("bundle", value.to_string().into()));
            }
            members.values().for_each(|member| collect(member, seeds));
        }
        _ => {}
    }
}

fn collect_text(text: &str, seeds: &mut Vec<Seed>) {
    let parts: Vec<_> = text.split('.').map(Base64UrlUnpadded::decode_vec).collect();
    if let [Ok(header), Ok(payload), Ok(_)] = parts.as_slice()
        && header.starts_with(b"{")
    {
        seeds.push(("jws", text.into()));
        seeds.push(("claims", payload.clone()));
        // Under the usual header (none before the newline), and under its own.
        seeds.push(("signed", [b"\n", payload.as_slice()].concat()));
        seeds.push(("signed", [header, b"\n".as_slice(), payload].concat()));
    } else if text.trim_start().starts_with('{') {
        seeds.extend(["bundle", "claims"].map(|target| (target, text.into())));
    } else if let Ok(binary) = Base64::decode_vec(text)
        && binary.len() >= MIN_BINARY_BYTES
    {
        seeds.extend(["certificate", "scts"].map(|target| (target, binary.clone())));
    } else if text.len() <= MAX_HOST_CHARS {
        seeds.push(("host_names", text.into()));
    }
}

/// Under a name made of the content: what is there already is written over by itself.
fn write(folder: &Path, input: &[u8]) -> Result<()> {
    let mut hasher = DefaultHasher::new();
    input.hash(&mut hasher);
    let path = folder.join(format!("{:016x}", hasher.finish()));
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(&path, input))
        .with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_is_a_seed_for_what_it_looks_like() {
        let jws = ["{}", "[]", "s"].map(|part| Base64UrlUnpadded::encode_string(part.as_bytes())).join(".");
        let binary = Base64::encode_string(&[0x30; 65]);
        let vectors = serde_json::json!({"a": [jws, {"b": "a.example"}], "c": binary, "d": {"organization": "{}"}});
        let mut seeds = Vec::new();
        collect(&vectors, &mut seeds);
        seeds.sort();
        let seeds: Vec<_> = seeds.iter().map(|(target, input)| (*target, String::from_utf8_lossy(input))).collect();
        let expected = [
            ("bundle", r#"{"organization":"{}"}"#.to_owned()),
            ("bundle", "{}".to_owned()),
            ("certificate", "0".repeat(65)),
            ("claims", "[]".to_owned()),
            ("claims", "{}".to_owned()),
            ("host_names", "a.example".to_owned()),
            ("jws", jws),
            ("scts", "0".repeat(65)),
            ("signed", "\n[]".to_owned()),
            ("signed", "{}\n[]".to_owned()),
        ];
        assert_eq!(seeds, expected.map(|(target, input)| (target, input.into())));
    }
}
