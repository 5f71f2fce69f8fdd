//! What a log answers to those who read it: by RFC 6962, and as the files of static-ct.

use std::sync::Arc;

use base64ct::{Base64, Encoding};
use pintle_core::{UnixTime, crypto::sha256, ct::precertificate_tbs, der::Certificate};

use super::{Log, u16_prefixed};
use crate::web::Answer;

/// What a log took in.
#[derive(Clone, Copy, Debug)]
pub enum Submission<'a> {
    /// A certificate, or any bytes in its place.
    Certificate(&'a [u8]),
    /// The precertificate of this certificate.
    Precertificate(&'a [u8]),
}

/// A log and its entries.
pub struct ServedLog {
    log: Arc<Log>,
    entries: Vec<Entry>,
    leaves: Vec<[u8; 32]>,
    root: [u8; 32],
    signed_at_millis: u64,
}

struct Entry {
    timestamped: Vec<u8>,
    /// What a tile has after it.
    rest: Vec<u8>,
}

/// Fewer than anybody asks for at once.
const MAX_BATCH: usize = 7;
const TILE: usize = 256;
const ORIGIN: &str = "log.example/2027";

impl ServedLog {
    /// With these entries, in this order, which `log` signed `at`.
    #[must_use]
    pub fn new(log: impl Into<Arc<Log>>, submissions: &[Submission<'_>], at: UnixTime) -> Self {
        let signed_at_millis = at.as_secs() * 1000;
        let entries: Vec<_> = submissions.iter().map(|submission| Entry::new(*submission, signed_at_millis)).collect();
        let leaves: Vec<_> = entries.iter().map(|entry| leaf_hash(&entry.leaf())).collect();
        let root = tree_hash(&leaves);
        Self { log: log.into(), entries, leaves, root, signed_at_millis }
    }

    /// The same entries, under a head signed `at`.
    #[must_use]
    pub fn signed_at(self, at: UnixTime) -> Self {
        Self { signed_at_millis: at.as_secs() * 1000, ..self }
    }

    /// Its key and operator.
    #[must_use]
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// The answer to a request for `path`, with query.
    #[must_use]
    pub fn answer(&self, path: &str) -> Answer {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let argument = |name: &str| {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs.find_map(|(key, value)| (key == name).then_some(value)).unwrap_or_default()
        };
        let body = match path {
            "/ct/v1/get-sth" => Some(self.signed_head()),
            "/ct/v1/get-entries" => self.batch(argument("start"), argument("end")),
            "/ct/v1/get-proof-by-hash" => self.proof(argument("hash")),
            "/ct/v1/get-sth-consistency" => self.consistency(argument("first")),
            "/checkpoint" => Some(self.checkpoint().into_bytes()),
            _ => path.strip_prefix("/tile/").and_then(|tile| self.tile(tile)),
        };
        body.map_or_else(|| Answer::status("404 Not Found"), Answer::ok)
    }

    fn sign_head(&self) -> Vec<u8> {
        let (time, size) = (self.signed_at_millis.to_be_bytes(), (self.entries.len() as u64).to_be_bytes());
        self.log.sign(&[&[0, 1], &time[..], &size, &self.root].concat())
    }

    fn signed_head(&self) -> Vec<u8> {
        let head = serde_json::json!({
            "tree_size": self.entries.len(),
            "timestamp": self.signed_at_millis,
            "sha256_root_hash": Base64::encode_string(&self.root),
            "tree_head_signature": Base64::encode_string(&self.sign_head()),
        });
        head.to_string().into_bytes()
    }

    fn batch(&self, start: &str, end: &str) -> Option<Vec<u8>> {
        let (start, end): (usize, usize) = (start.parse().ok()?, end.parse().ok()?);
        let entries = self.entries.get(start..=end.min(self.entries.len() - 1))?;
        let entries: Vec<_> = entries
            .iter()
            .take(MAX_BATCH)
            .map(|entry| serde_json::json!({"leaf_input": Base64::encode_string(&entry.leaf()), "extra_data": ""}))
            .collect();
        Some(serde_json::json!({ "entries": entries }).to_string().into_bytes())
    }

    fn proof(&self, hash: &str) -> Option<Vec<u8>> {
        let in_query =
            |hash: &[u8]| Base64::encode_string(hash).replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
        let index = self.leaves.iter().position(|leaf| in_query(leaf) == hash)?;
        let path: Vec<_> = audit_path(index, &self.leaves).iter().map(|node| Base64::encode_string(node)).collect();
        Some(serde_json::json!({"leaf_index": index, "audit_path": path}).to_string().into_bytes())
    }

    fn consistency(&self, first: &str) -> Option<Vec<u8>> {
        let first = first.parse().ok().filter(|first| (1..=self.leaves.len()).contains(first))?;
        let proof: Vec<_> =
            consistency_proof(first, &self.leaves).iter().map(|node| Base64::encode_string(node)).collect();
        Some(serde_json::json!({ "consistency": proof }).to_string().into_bytes())
    }

    fn checkpoint(&self) -> String {
        let key_id = sha256(&[ORIGIN.as_bytes(), b"\n\x05", self.log.entry().id()].concat());
        let signature = [&key_id[..4], &self.signed_at_millis.to_be_bytes(), &self.sign_head()].concat();
        format!(
            "{ORIGIN}\n{}\n{}\n\n\u{2014} witness.example AAAA\n\u{2014} {ORIGIN} {}\n",
            self.entries.len(),
            Base64::encode_string(&self.root),
            Base64::encode_string(&signature)
        )
    }

    fn tile(&self, path: &str) -> Option<Vec<u8>> {
        let (level, path) = path.split_once('/')?;
        let (index, width) = match path.split_once(".p/") {
            Some((index, width)) => (index, width.parse().ok()?),
            None => (path, TILE),
        };
        let index: usize = index.replace(['x', '/'], "").parse().ok()?;
        let range = index * TILE..index * TILE + width;
        if level == "data" {
            let entries = self.entries.get(range)?.iter();
            return Some(entries.flat_map(|entry| [&entry.timestamped[..], &entry.rest].concat()).collect());
        }
        let below = TILE.pow(level.parse().ok()?);
        let nodes = range.map(|node| Some(tree_hash(self.leaves.get(node * below..(node + 1) * below)?)));
        Some(nodes.collect::<Option<Vec<_>>>()?.concat())
    }
}

impl Entry {
    fn new(submission: Submission<'_>, at_millis: u64) -> Self {
        let (kind, body, rest) = match submission {
            Submission::Certificate(der) => (0, u24_prefixed(der), u16_prefixed(&[7; 32])),
            Submission::Precertificate(der) => {
                let tbs = precertificate_tbs(&Certificate::parse(der).expect("a certificate")).expect("extensions");
                let rest = [u24_prefixed(b"the precertificate as it was submitted"), u16_prefixed(&[7; 32])].concat();
                (1, [&[9; 32], &u24_prefixed(&tbs)[..]].concat(), rest)
            }
        };
        let timestamped = [&at_millis.to_be_bytes(), &[0, kind][..], &body, &u16_prefixed(&[])].concat();
        Self { timestamped, rest }
    }

    fn leaf(&self) -> Vec<u8> {
        [&[0, 0], &self.timestamped[..]].concat()
    }
}

/// The hash of a leaf (RFC 6962 §2.1).
fn leaf_hash(leaf: &[u8]) -> [u8; 32] {
    sha256(&[&[0], leaf].concat())
}

/// The Merkle tree hash over hashed leaves, as RFC 6962 §2.1 defines it.
#[must_use]
pub fn tree_hash(leaves: &[[u8; 32]]) -> [u8; 32] {
    match leaves {
        [] => sha256(&[]),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            sha256(&[&[1], &tree_hash(left)[..], &tree_hash(right)].concat())
        }
    }
}

/// The audit path of one leaf, as RFC 6962 §2.1.1 defines it.
#[must_use]
pub fn audit_path(index: usize, leaves: &[[u8; 32]]) -> Vec<[u8; 32]> {
    if leaves.len() <= 1 {
        return Vec::new();
    }
    let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
    let (mut path, sibling) = if index < left.len() {
        (audit_path(index, left), tree_hash(right))
    } else {
        (audit_path(index - left.len(), right), tree_hash(left))
    };
    path.push(sibling);
    path
}

/// The proof that the first `size` leaves are the beginning of all, as RFC 6962 §2.1.2 defines it.
#[must_use]
pub fn consistency_proof(size: usize, leaves: &[[u8; 32]]) -> Vec<[u8; 32]> {
    prove(size, leaves, true)
}

fn prove(size: usize, leaves: &[[u8; 32]], is_known: bool) -> Vec<[u8; 32]> {
    if size == leaves.len() {
        return if is_known { Vec::new() } else { vec![tree_hash(leaves)] };
    }
    let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
    if size <= left.len() {
        return [prove(size, left, is_known), vec![tree_hash(right)]].concat();
    }
    [prove(size - left.len(), right, false), vec![tree_hash(left)]].concat()
}

fn u24_prefixed(bytes: &[u8]) -> Vec<u8> {
    let [.., high, middle, low] = bytes.len().to_be_bytes();
    [&[high, middle, low], bytes].concat()
}
