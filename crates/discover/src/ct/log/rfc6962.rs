//! RFC 6962 §4: a log that answers questions.

use std::time::Duration;

use base64ct::{Base64, Encoding};
use serde::{Deserialize, de::DeserializeOwned};

use super::{Entry, Frontier, Reader, TreeHead, merkle::proves_extension};
use crate::{ct::CtError, web::Question};

#[derive(Deserialize)]
struct SthJson {
    tree_size: u64,
    timestamp: u64,
    sha256_root_hash: String,
    tree_head_signature: String,
}

#[derive(Deserialize)]
struct EntriesJson {
    entries: Vec<EntryJson>,
}

#[derive(Deserialize)]
struct EntryJson {
    leaf_input: String,
}

#[derive(Deserialize)]
struct ProofJson {
    leaf_index: u64,
    audit_path: Vec<String>,
}

#[derive(Deserialize)]
struct ConsistencyJson {
    consistency: Vec<String>,
}

/// Most entries asked for at once; logs give fewer if they want to.
const BATCH: u64 = 256;
/// A log grows every second, and signs what it has about once a minute.
const KEEP_HEAD: Duration = Duration::from_secs(60);
/// Entries never change, and neither does what is proved of one tree.
const KEEP_ENTRIES: Duration = Duration::from_secs(3600);

impl Reader<'_> {
    pub(super) async fn read_signed_head(&self) -> Result<TreeHead, CtError> {
        let json: SthJson = self.ask_json("get-sth", &[], KEEP_HEAD, "signed tree head").await?;
        let unreadable = || self.unreadable("signed tree head");
        let root = decode_hash(&json.sha256_root_hash).ok_or_else(unreadable)?;
        let signature = Base64::decode_vec(&json.tree_head_signature).map_err(|_| unreadable())?;
        self.verify_head(TreeHead { size: json.tree_size, timestamp_millis: json.timestamp, root }, &signature)
    }

    /// Some entries from `first` on, at least one.
    pub(super) async fn read_batch(&self, first: u64, head: &TreeHead) -> Result<Vec<Entry>, CtError> {
        let last = head.size.min(first.saturating_add(BATCH)).saturating_sub(1);
        let query = [("start", first.to_string()), ("end", last.to_string())];
        let json: EntriesJson = self.ask_json("get-entries", &query, KEEP_ENTRIES, "entries").await?;
        let parse = |entry: &EntryJson| Entry::parse_leaf(&Base64::decode_vec(&entry.leaf_input).ok()?);
        let entries: Option<Vec<_>> = json.entries.iter().map(parse).collect();
        // More than was asked for would not belong to the tree that was signed.
        entries
            .filter(|entries| !entries.is_empty() && entries.len() as u64 <= last - first + 1)
            .ok_or_else(|| self.unreadable("entries"))
    }

    /// What lies before `entry`, the one at `index`.
    pub(super) async fn read_proved_frontier(
        &self,
        index: u64,
        entry: &Entry,
        head: &TreeHead,
    ) -> Result<Frontier, CtError> {
        if index == 0 {
            return Ok(Frontier::default());
        }
        let query = [("hash", Base64::encode_string(&entry.leaf_hash)), ("tree_size", head.size.to_string())];
        let json: ProofJson = self.ask_json("get-proof-by-hash", &query, KEEP_ENTRIES, "proof").await?;
        let path: Option<Vec<_>> = json.audit_path.iter().map(|node| decode_hash(node)).collect();
        path.filter(|_| json.leaf_index == index)
            .and_then(|path| Frontier::from_audit_path(index, head.size, &path))
            .ok_or_else(|| self.unreadable("proof"))
    }

    /// Whether the tree of `head` goes on from `earlier`, a smaller one that is not empty.
    pub(super) async fn extends_by_proof(&self, earlier: &TreeHead, head: &TreeHead) -> Result<bool, CtError> {
        let query = [("first", earlier.size.to_string()), ("second", head.size.to_string())];
        let json: ConsistencyJson =
            self.ask_json("get-sth-consistency", &query, KEEP_ENTRIES, "consistency proof").await?;
        let proof: Option<Vec<_>> = json.consistency.iter().map(|node| decode_hash(node)).collect();
        let proof = proof.ok_or_else(|| self.unreadable("consistency proof"))?;
        Ok(proves_extension((earlier.size, earlier.root), (head.size, head.root), &proof))
    }

    async fn ask_json<T: DeserializeOwned>(
        &self,
        method: &str,
        query: &[(&str, String)],
        keep: Duration,
        expected: &'static str,
    ) -> Result<T, CtError> {
        let mut url = self.log.url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["ct", "v1", method]);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let body = self.client.ask(&Question { url, token: None, keep }).await?;
        serde_json::from_slice(&body).map_err(|_| self.unreadable(expected))
    }
}

fn decode_hash(text: &str) -> Option<[u8; 32]> {
    Base64::decode_vec(text).ok()?.try_into().ok()
}
